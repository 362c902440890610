//! How it ends: well, by half, cut off. And what is no TLS at all.

use super::{meet, start};
use crate::at::{At, Tests};
use crate::ours::{close, hear, hear_end, tls_error};
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Closed, Net};

pub(super) fn add<N: Net + 'static>(tests: &mut Tests<N>) {
    tests.each("we_close", |at, version| Box::pin(we_close(at, version)));
    tests.each("it_closes", |at, version| Box::pin(it_closes(at, version)));
    tests.each("we_end_our_half", |at, version| Box::pin(we_end_our_half(at, version)));
    tests.each("it_is_killed", |at, version| Box::pin(it_is_killed(at, version)));
    tests.each("we_are_gone", |at, version| Box::pin(we_are_gone(at, version)));
    tests.each("we_speak_plaintext", |at, version| Box::pin(we_speak_plaintext(at, version)));
}

async fn we_close<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    stream.queue_line("bye")?;
    let ended = close(stream, tool).await?;
    ended.says(&["bye\r\n"])?;
    ended.says(&["closed\n"])?;
    ended.code(0)
}

async fn it_closes<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    tool.write("bye\nand no line end")?;
    tool.close_stdin();
    hear(&mut stream, "bye").await?;
    let mut rest = Vec::new();
    stream.recv_to_end(&mut rest, 100).await?;
    ensure_eq(&rest[..], b"and no line end", "the rest")?;
    hear_end(&mut stream).await?;
    let ended = close(stream, tool).await?;
    ended.says(&["DONE\n"])?;
    ended.code(0)
}

/// It knows no half: it ends when we do. What it had sent is still ours.
async fn we_end_our_half<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    tool.write("sent before\n")?;
    stream.peek().await?;
    stream.shutdown_write().await?;
    ensure(stream.send_line("too late").await.is_err(), "sent behind our end")?;
    tool.stdout.until("closed\n").await?;
    hear(&mut stream, "sent before").await?;
    hear_end(&mut stream).await?;
    tool.end().await.code(0)
}

async fn it_is_killed<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    tool.write("the last\nhalf a li")?;
    stream.peek_at_least(18).await?;
    // All we sent was read: the kernel ends the connection for it with a FIN, not with a reset.
    tool.kill()?;
    hear(&mut stream, "the last").await?;
    for _ in 0..2 {
        let error = tls_error(stream.recv_line().await)?;
        ensure_eq(&error, &TlsError::Truncated, "the end")?;
    }
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}

async fn we_are_gone<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (tool, stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    drop(stream);
    let ended = tool.end().await;
    ended.says(&["unexpected eof while reading"])?;
    ended.code(1)?;
    let (tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    stream.abort();
    let ended = tool.end().await;
    ended.says(&["read:errno=", "Connection reset"])
}

async fn we_speak_plaintext<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen_plain()?;
    let tool = start(at, port, version, "")?;
    let mut stream = listener.accept().await?;
    stream.send_line("220 hello, who are you?").await?;
    let hello = stream.peek_at_least(6).await?;
    ensure(hello[..2] == [22, 3] && hello[5] == 1, "its ClientHello")?;
    let ended = close(stream, tool).await?;
    ended.says(&["wrong version number", "packet length too long"])?;
    ended.code(1)
}
