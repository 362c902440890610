//! The steps of the tour in plaintext, in their order.
//!
//! Both sides are in one task, so a step says what happens in the order in which it happens. What is sent fits into
//! the kernel's buffers, so no send waits for a receive, but where the sides are joined with `zip`.

use crate::echo;
use crate::runtime::{Runtime, within};
use crate::tour::counted::{Counted, Counts};
#[cfg(unix)]
use crate::tour::moves::pair_at;
use crate::tour::moves::{CLIENT, SERVER, end, line, next_line, tcp_pair};
use crate::tour::page::{Broken, Page, described, quoted};
#[cfg(unix)]
use asyncnet_driver::Endpoint;
use asyncnet_driver::{Error, LinePolicy, Stream};
use futures_lite::future;
use std::time::Duration;

/// Lines in both directions, with both line ends, and an end.
pub(super) async fn dialogue<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    let (mut client, mut server) = tcp_pair(net).await?;
    line(page, (CLIENT, &mut client), (SERVER, &mut server), b"EHLO tour\r\n", b"EHLO tour").await?;
    line(page, (SERVER, &mut server), (CLIENT, &mut client), b"250 hello\r\n", b"250 hello").await?;
    line(page, (CLIENT, &mut client), (SERVER, &mut server), b"QUIT\n", b"QUIT").await?;
    end(page, &mut client, &mut server).await?;
    page.kept("a line comes without its line end, and an end is no error");
    Ok(())
}

/// A line that is too long: one error, and the dialogue goes on behind it.
pub(super) async fn over_long<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    const LIMIT: usize = 32;
    const LEN: usize = 100_000;
    let (mut client, mut server) = tcp_pair(net).await?;
    server.set_line_policy(LinePolicy::new(LIMIT));
    page.says(SERVER, "takes", &format_args!("lines of at most {LIMIT} bytes"));
    page.says(CLIENT, "sends", &format_args!("\"x\" {LEN} times, then \"\\r\\nstill here?\\r\\n\""));

    let text = [&[b'x'; LEN][..], b"\r\nstill here?\r\n"].concat();
    let (sent, seen) = future::zip(client.send(&text), server.recv_line_owned()).await;
    sent?;
    let Err(error) = seen else {
        return page.check("the long line is refused", "an error", "a line");
    };
    page.sees(SERVER, &format_args!("error: {error}"));
    page.check("the error says that a line is too long", &true, &error.is_line_too_long())?;
    let next = next_line(page, SERVER, &mut server).await?;
    page.check("the next line is whole", &Some(&b"still here?"[..]), &next.as_deref())?;
    line(page, (SERVER, &mut server), (CLIENT, &mut client), b"yes\r\n", b"yes").await?;
    page.promise("one error for one long line, and none of its bytes in the next", &0, &server.received_len())
}

/// The same lines over another kind of socket.
#[cfg(unix)]
pub(super) async fn unix<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    let folder = tempfile::Builder::new().prefix("asyncnet-tour-").tempdir()?;
    let path = folder.path().join("socket");
    let at = Endpoint::Unix(asyncnet_os::unix_name(&path)?);
    page.says(SERVER, "is at", &at);
    let (mut client, mut server) = pair_at(net, &at).await?;
    line(page, (CLIENT, &mut client), (SERVER, &mut server), b"hello, neighbour\r\n", b"hello, neighbour")
        .await?;
    line(page, (SERVER, &mut server), (CLIENT, &mut client), b"hello!\r\n", b"hello!").await?;
    end(page, &mut client, &mut server).await?;
    folder.close()?;
    page.promise("the same type of stream, and no file is left behind", &false, &path.exists())
}

/// A server that queues its answers: one write for a burst, and a single line is not kept waiting.
pub(super) async fn burst<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    const BURST: &[u8] = b"one\r\ntwo\r\nthree\r\nfour\r\nfive\r\n";
    let (mut client, server) = tcp_pair(net).await?;
    let transport = server.into_parts().transport.ok_or(Error::Closed)?;
    let counts = Counts::default();
    let mut server = Stream::new(Counted::new(transport, counts.clone()));

    client.send(BURST).await?;
    page.sends(CLIENT, BURST);
    // So that it is a burst for certain, however the kernel cut it.
    server.peek_at_least(BURST.len()).await?;
    let asking = async {
        let mut answers = vec![0; BURST.len()];
        client.recv_exact(&mut answers).await?;
        let writes = counts.writes();
        client.send(b"and one more\r\n").await?;
        let answer = client.recv_line_owned().await?.map(|line| described(&line));
        client.shutdown_write().await?;
        Ok::<_, Error>((answers, writes, answer.unwrap_or_default()))
    };
    // The same few lines that the program `echo` runs.
    let (_, (answers, writes, answer)) = future::try_zip(echo::answer(&mut server), asking).await?;

    page.sees(CLIENT, &quoted(&answers));
    page.says(SERVER, "made", &format_args!("{writes} write"));
    page.check("every line of the burst is answered", BURST, &answers)?;
    page.check("a burst is answered with one write", &1, &writes)?;
    page.sends(CLIENT, b"and one more\r\n");
    page.sees(CLIENT, &answer);
    let more = counts.writes() - writes;
    page.says(SERVER, "made", &format_args!("{more} more write"));
    page.promise("5 answers, 1 write; and 1 for a line that comes alone", &1, &more)
}

/// Receives that are dropped while a line comes piece by piece.
pub(super) async fn cancelled<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    const PATIENCE: Duration = Duration::from_millis(10);
    let (mut client, mut server) = tcp_pair(net).await?;
    let mut sent = 0;
    for piece in ["every byte ", "of this line "] {
        client.send(piece.as_bytes()).await?;
        page.sends(CLIENT, piece.as_bytes());
        sent += piece.len();
        let seen = within(net.timer(), PATIENCE, server.recv_line()).await.is_some();
        page.check("there is no line yet", &false, &seen)?;
        page.says(SERVER, "waits", &format_args!("{} ms for a line, and gives up", PATIENCE.as_millis()));
        let held = server.peek_at_least(sent).await?.len();
        page.says(SERVER, "holds", &format_args!("{held} bytes"));
        page.check("the bytes wait in the stream", &sent, &held)?;
    }
    client.send(b"is here\r\n").await?;
    page.sends(CLIENT, b"is here\r\n");
    let seen = next_line(page, SERVER, &mut server).await?;
    let whole = &b"every byte of this line is here"[..];
    page.promise("a receive can be dropped at any point, and loses nothing", &Some(whole), &seen.as_deref())
}

/// An end where none should be: it is not taken for a line, nor for a clean end.
pub(super) async fn cut_off<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    let (mut client, mut server) = tcp_pair(net).await?;
    client.send(b"DELETE /tmp/cache").await?;
    page.sends(CLIENT, b"DELETE /tmp/cache");
    client.shutdown_write().await?;
    page.says(CLIENT, "ends", &"its side, in the middle of \"DELETE /tmp/cache-old\"");

    let Err(error) = server.recv_line_owned().await else {
        return page.check("half a line is no line", "an error", "a line or a clean end");
    };
    page.sees(SERVER, &format_args!("error: {error}"));
    page.check("the error says that the line is incomplete", &true, &error.is_incomplete())?;
    let rest = server.recv_owned(100).await?;
    page.says(SERVER, "takes", &format_args!("the {} bytes: {}", rest.len(), quoted(&rest)));
    page.check("the bytes can still be taken", &b"DELETE /tmp/cache"[..], &rest[..])?;
    let next = next_line(page, SERVER, &mut server).await?;
    page.promise("half a line is not served as a whole one, and not lost", &None, &next)
}
