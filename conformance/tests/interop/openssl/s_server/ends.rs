//! How it ends: well, by half, cut off.

use super::meet;
use crate::at::{At, Tests};
use crate::ours::{close, hear, hear_end, tls_error};
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Closed, Net};

pub(super) fn add<N: Net + 'static>(tests: &mut Tests<N>) {
    tests.each("we_close", |at, version| Box::pin(we_close(at, version)));
    tests.each("it_closes", |at, version| Box::pin(it_closes(at, version)));
    tests.each("it_only_hangs_up", |at, version| Box::pin(it_only_hangs_up(at, version)));
    tests.each("it_is_killed", |at, version| Box::pin(it_is_killed(at, version)));
    tests.each("we_end_our_half", |at, version| Box::pin(we_end_our_half(at, version)));
    tests.each("we_are_gone", |at, version| Box::pin(we_are_gone(at, version)));
}

async fn we_close<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (tool, mut stream) = meet(at, version, "-naccept 1").await?;
    stream.queue_line("bye")?;
    let ended = close(stream, tool).await?;
    ended.says(&["bye\r\nDONE\nshutting down SSL\nCONNECTION CLOSED\n"])?;
    ended.code(0)
}

/// It gives lines back with their letters turned round, and ends when it is told to.
async fn it_closes<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = super::start(at, version, Leaf::Localhost, "-rev -naccept 1").await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    stream.send(b"drawer\n").await?;
    hear(&mut stream, "reward").await?;
    stream.send(b"CLOSE\n").await?;
    for _ in 0..2 {
        hear_end(&mut stream).await?;
    }
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}

/// `q` closes its socket and has no word for us: that is no clean end.
async fn it_only_hangs_up<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, version, "-naccept 1").await?;
    tool.write("the last\n")?;
    stream.peek().await?;
    tool.write("q\n")?;
    hear(&mut stream, "the last").await?;
    for _ in 0..2 {
        ensure_eq(&tls_error(stream.recv_line().await)?, &TlsError::Truncated, "the end")?;
    }
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}

async fn it_is_killed<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, version, "").await?;
    stream.send_line("read this").await?;
    tool.stdout.until("read this\r\n").await?;
    tool.write("the last\nhalf a li\n")?;
    stream.peek_at_least(19).await?;
    // All we sent was read: the kernel ends the connection for it with a FIN, not with a reset.
    tool.kill()?;
    hear(&mut stream, "the last").await?;
    let mut rest = Vec::new();
    ensure_eq(&tls_error(stream.recv_to_end(&mut rest, 100).await)?, &TlsError::Truncated, "the end")?;
    ensure_eq(stream.received(), b"half a li\n", "what came before it")?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}

/// It knows no half: it ends when we do. What it had sent is still ours.
async fn we_end_our_half<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, version, "-naccept 1").await?;
    tool.write("sent before\n")?;
    stream.peek().await?;
    stream.shutdown_write().await?;
    ensure(stream.send_line("too late").await.is_err(), "sent behind our end")?;
    tool.stdout.until("DONE\n").await?;
    hear(&mut stream, "sent before").await?;
    hear_end(&mut stream).await?;
    tool.end().await.code(0)
}

async fn we_are_gone<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (tool, stream) = meet(at, version, "-naccept 1").await?;
    drop(stream);
    tool.end().await.says(&["unexpected eof while reading"])?;
    let (tool, mut stream) = meet(at, version, "-naccept 1").await?;
    stream.abort();
    tool.end().await.says(&["read:errno=", "Connection reset", "ERROR"])
}
