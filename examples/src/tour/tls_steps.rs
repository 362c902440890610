//! The steps of the tour over TLS, in their order: with a certificate that is made in memory, and trusted by the client.

use crate::runtime::Runtime;
use crate::tls::self_signed;
use crate::tour::counted::{Counted, Counts};
use crate::tour::moves::{CLIENT, Pair, SERVER, end, line, next_line, tcp_pair};
use crate::tour::page::{Broken, Page, quoted};
use asyncnet_driver::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use asyncnet_driver::tls::{StartTls, TlsError};
use asyncnet_driver::{Error, Stream, Transport, WriteTransport};
use asyncnet_os::{ClientTls, ServerTls};
use futures_lite::future;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;

/// What both sides are called, by the certificate.
const NAME: &str = "localhost";

/// Plaintext first, then TLS on the same stream.
pub(super) async fn upgrade<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    let (mut client, mut server) = tcp_pair(net).await?;
    line(page, (CLIENT, &mut client), (SERVER, &mut server), b"STARTTLS\r\n", b"STARTTLS").await?;
    line(page, (SERVER, &mut server), (CLIENT, &mut client), b"220 go ahead\r\n", b"220 go ahead").await?;
    page.check("nothing is encrypted yet", &false, &(client.is_tls() || server.is_tls()))?;

    shake_hands(page, &mut client, &mut server).await?;
    page.check("both sides speak TLS", &(true, true), &(client.is_tls(), server.is_tls()))?;
    line(page, (CLIENT, &mut client), (SERVER, &mut server), b"LOGIN ann secret\r\n", b"LOGIN ann secret")
        .await?;
    line(page, (SERVER, &mut server), (CLIENT, &mut client), b"230 hello, ann\r\n", b"230 hello, ann")
        .await?;
    end(page, &mut client, &mut server).await?;
    page.kept("the same stream, upgraded in place, and the same calls");
    Ok(())
}

/// A command that somebody between the two has put behind the client's STARTTLS, in the hope that the server takes it
/// for one that came over TLS (CVE-2011-0411).
pub(super) async fn injected<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    const ADDED: &[u8] = b"DELETE all\r\n";
    let (_, theirs) = configurations()?;
    let (mut client, server) = tcp_pair(net).await?;
    let counts = Counts::default();
    let transport = server.into_parts().transport.ok_or(Error::Closed)?;
    let mut server = Stream::new(Counted::new(transport, counts.clone()));

    client.send(&[b"STARTTLS\r\n", ADDED].concat()).await?;
    page.sends(CLIENT, b"STARTTLS\r\n");
    page.says("rogue ", "adds", &quoted(ADDED));
    // However the kernel cut it: the race with the handshake is the rogue's to win.
    server.peek_at_least(10 + ADDED.len()).await?;
    let asked = next_line(page, SERVER, &mut server).await?;
    page.check("the server is asked for TLS", &Some(&b"STARTTLS"[..]), &asked.as_deref())?;

    let refused = match server.start_tls(&theirs).await {
        Err(Error::Tls(error @ TlsError::Leftover { .. })) => error,
        Err(other) => return Err(other.into()),
        Ok(_) => return page.check("TLS does not begin", "an error", "a handshake"),
    };
    page.sees(SERVER, &format_args!("error: {refused}"));
    page.check("all of it is left over", &TlsError::Leftover { len: ADDED.len() }, &refused)?;
    page.says(SERVER, "made", &format_args!("{} writes", counts.writes()));
    page.check("nothing of TLS is sent", &0, &counts.writes())?;
    page.check("the stream is in plaintext still", &false, &(server.is_tls() || server.is_handshaking()))?;
    let added = next_line(page, SERVER, &mut server).await?;
    page.check("the rest is there, as plaintext", &Some(&b"DELETE all"[..]), &added.as_deref())?;
    let no = b"503 not before TLS\r\n";
    line(page, (SERVER, &mut server), (CLIENT, &mut client), no, b"503 not before TLS").await?;
    page.kept("what came before TLS is never taken for what comes over it");
    Ok(())
}

/// The same line twice, then an end: once the connection's alone, once the client's.
pub(super) async fn truncated<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    let (mut client, mut server) = tls_pair(net, page).await?;
    line(page, (CLIENT, &mut client), (SERVER, &mut server), b"PAY ann 100\r\n", b"PAY ann 100").await?;
    // Past the stream, as somebody between the two would: the end of TCP without that of TLS.
    let below = client.transport_mut().ok_or(Error::Closed)?;
    poll_fn(|cx| below.poll_shutdown_write(cx)).await?;
    page.says("rogue ", "ends", &"the connection, before \"PAY bob 100\"");
    let Err(error) = server.recv_line().await else {
        return page.check("a cut is no end", "an error", "a line or a clean end");
    };
    page.sees(SERVER, &format_args!("error: {error}"));
    page.check("the error says that the stream was cut", &true, &error.is_truncated())?;

    let (mut client, mut server) = tls_pair(net, page).await?;
    line(page, (CLIENT, &mut client), (SERVER, &mut server), b"PAY ann 100\r\n", b"PAY ann 100").await?;
    end(page, &mut client, &mut server).await?;
    page.kept("an end that anybody could have made is told apart from the peer's own");
    Ok(())
}

/// As [`tcp_pair`], over TLS.
async fn tls_pair<R: Runtime>(net: R, page: &mut Page) -> Result<Pair<R>, Broken> {
    let (mut client, mut server) = tcp_pair(net).await?;
    shake_hands(page, &mut client, &mut server).await?;
    Ok((client, server))
}

/// Makes the handshake, on both sides at once.
async fn shake_hands<T: Transport>(
    page: &mut Page,
    client: &mut Stream<T>,
    server: &mut Stream<T>,
) -> Result<(), Broken> {
    let (ours, theirs) = configurations()?;
    let how = StartTls::client(&ours, NAME).map_err(Error::from)?;
    let (proof, _) = future::try_zip(client.start_tls(how), server.start_tls(&theirs)).await?;
    page.sees(CLIENT, &format_args!("{} with {NAME}, {}", proof.version(), proof.cipher_suite()));
    Ok(())
}

/// A client that trusts one certificate, and the server that has it.
fn configurations() -> Result<(Arc<ClientConfig>, Arc<ServerConfig>), Broken> {
    let (certificate, key) = self_signed([NAME]).map_err(io::Error::other)?;
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone()).map_err(io::Error::other)?;
    let client = ClientTls::new().roots(trusted).build().map_err(io::Error::from)?;
    let server = ServerTls::from_der(vec![certificate], key).build().map_err(io::Error::from)?;
    Ok((client, server))
}
