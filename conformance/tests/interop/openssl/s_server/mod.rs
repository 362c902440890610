//! OpenSSL's server, and a client of ours.

mod data;
mod ends;
mod handshake;

use crate::at::{At, Test, Tests};
use crate::failed;
use crate::openssl::version_option;
use crate::ours::hear;
use crate::process::Process;
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Stop, Verdict};
use asyncnet_driver::{Net, SplitTransport, Stream, Transport};

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>>
where
    N::Transport: SplitTransport,
{
    let mut tests = Tests::of("s_server");
    handshake::add(&mut tests);
    data::add(&mut tests);
    ends::add(&mut tests);
    tests.into_list()
}

/// The server with a certificate, and its port.
async fn start<N: Net>(at: &At<N>, version: Version, leaf: Leaf, more: &str) -> Result<(Process, u16), Stop> {
    let version = version_option(version);
    let identity = format!("-cert {leaf:?}.chain.pem -key {leaf:?}.key.pem");
    let roots = "-CAfile Ca.root.pem -no-CApath -no-CAstore";
    let mut tool =
        at.start("openssl", &format!("s_server -accept 127.0.0.1:0 {identity} {roots} {version} {more}"))?;
    tool.stdout.until("ACCEPT 127.0.0.1:").await?;
    let port = tool.stdout.until("\n").await?.trim().parse().map_err(failed)?;
    Ok((tool, port))
}

/// The server, and a stream that has received its first line.
async fn meet<N: Net>(
    at: &At<N>,
    version: Version,
    more: &str,
) -> Result<(Process, Stream<N::Transport>), Stop> {
    let (mut tool, port) = start(at, version, Leaf::Localhost, more).await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    welcome(&mut tool, &mut stream).await?;
    Ok((tool, stream))
}

/// Its first line. It comes behind all that belongs to the handshake, tickets too.
async fn welcome<T: Transport>(tool: &mut Process, stream: &mut Stream<T>) -> Verdict {
    // The last it says of the handshake.
    tool.stdout.until("Secure Renegotiation IS").await?;
    tool.stdout.until("supported\n").await?;
    tool.write("welcome\n")?;
    hear(stream, "welcome").await
}
