//! OpenSSL's client, and a server of ours.

mod data;
mod early;
mod ends;
mod handshake;
mod refusal;

use crate::at::{At, Test, Tests};
use crate::openssl::version_option;
use crate::ours::{close, tls_error};
use crate::process::{Ended, Process};
use asyncnet_conformance::Stop;
use asyncnet_conformance::pki::Version;
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Net, SplitTransport, Stream};
use asyncnet_os::ServerTls;

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>>
where
    N::Transport: SplitTransport,
{
    let mut tests = Tests::of("s_client");
    handshake::add(&mut tests);
    data::add(&mut tests);
    early::add(&mut tests);
    ends::add(&mut tests);
    refusal::add(&mut tests);
    tests.into_list()
}

/// The client, which trusts our authority and nobody else, and goes no further without that.
fn start<N: Net>(at: &At<N>, port: u16, version: Version, more: &str) -> Result<Process, Stop> {
    let version = version_option(version);
    let name = if more.contains("-noservername") { "" } else { "-servername localhost" };
    let to = format!("-connect 127.0.0.1:{port} {name} -verify_hostname localhost");
    let trust = "-CAfile Ca.root.pem -no-CApath -no-CAstore -verify_return_error";
    at.start("openssl", &format!("s_client {to} {trust} {version} {more}"))
}

/// The client, and a stream whose handshake with it has succeeded on both sides.
async fn meet<N: Net>(
    at: &At<N>,
    server: &ServerTls,
    version: Version,
    more: &str,
) -> Result<(Process, Stream<N::Transport>), Stop> {
    let (listener, port) = at.listen(server)?;
    let mut tool = start(at, port, version, more)?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    // The first line over TLS. It comes behind all that belongs to the handshake.
    stream.send_line("welcome").await?;
    tool.stdout.until("welcome\r\n").await?;
    Ok((tool, stream))
}

/// A handshake that fails: why, as we say it, and what the client says.
async fn refuse<N: Net>(
    at: &At<N>,
    server: &ServerTls,
    version: Version,
    more: &str,
) -> Result<(TlsError, Ended), Stop> {
    let (listener, port) = at.listen(server)?;
    let tool = start(at, port, version, more)?;
    let mut stream = listener.accept().await?;
    let error = tls_error(stream.handshake().await)?;
    // Closed well, so that the alert arrives.
    let ended = close(stream, tool).await?;
    Ok((error, ended))
}
