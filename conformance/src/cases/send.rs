//! Every send call: all of it, in order, once; what is queued goes out in time.

use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::{Peer, joined};
use crate::steps::{drop_after, lockstep};
use asyncnet_driver::{Error, Limits, LineEnd, SendError};
use bytes::Bytes;
use std::io::{self, IoSlice, Read};
use std::mem;
use std::thread::JoinHandle;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "send::all",
            "send is complete when all is sent, whatever the kernel takes at once",
            |at| Box::pin(all(at)),
        ),
        Case::new(
            "send::vectored",
            "the parts of a vectored send go out in order, empty ones and all",
            |at| Box::pin(vectored(at)),
        ),
        Case::new("send::owned", "an owned value is sent behind what is queued", |at| Box::pin(owned(at))),
        Case::new(
            "send::line",
            "send_line ends its text with the stream's line end, and refuses line breaks",
            |at| Box::pin(line(at)),
        ),
        Case::new("send::order", "what is queued goes out before what is sent", |at| Box::pin(order(at))),
        Case::new("send::queued_before_receive", "what is queued goes out before a receive waits", |at| {
            Box::pin(queued_before_receive(at))
        }),
        Case::new("send::queue_full", "the queue takes all of a message or none, up to its limit", |at| {
            Box::pin(queue_full(at))
        }),
        Case::new(
            "send::burst",
            "a loop of recv_line_into and queue_line answers any burst, with long answers",
            |at| Box::pin(burst(at)),
        ),
        Case::new("send::echo_longest", "the same loop echoes the longest line that there may be", |at| {
            Box::pin(echo_longest(at))
        }),
        Case::new(
            "send::slow_reader",
            "while output is full nothing more is read, and then it goes on",
            |at| Box::pin(slow_reader(at)),
        ),
    ]
}

/// Reads to the end, on a thread of its own.
pub(super) fn collect(mut peer: Box<dyn Peer>) -> JoinHandle<io::Result<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        peer.read_to_end(&mut all)?;
        Ok(all)
    })
}

/// So many bytes, no two places alike.
pub(super) fn numbered(len: usize) -> Vec<u8> {
    (0..len.div_ceil(4)).flat_map(|n| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()).take(len).collect()
}

async fn all<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    let sent = numbered(10_000_000);
    let received = collect(peer);
    stream.send(&sent[..1]).await?;
    stream.send(&sent[1..]).await?;
    stream.shutdown_write().await?;
    ensure(joined(received)? == sent, "not what was sent")
}

async fn vectored<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    let sent = numbered(3_000_000);
    // 100 parts of growing lengths, an empty one behind each, and the rest.
    let mut rest = &sent[..];
    let mut parts = Vec::new();
    for n in 0..100 {
        let (part, behind) = rest.split_at(n * 37);
        parts.extend([IoSlice::new(part), IoSlice::new(b"")]);
        rest = behind;
    }
    parts.push(IoSlice::new(rest));
    let received = collect(peer);
    stream.send_vectored(&parts).await?;
    stream.shutdown_write().await?;
    ensure(joined(received)? == sent, "not what was sent")
}

async fn owned<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    let sent = numbered(2_000_000);
    let received = collect(peer);
    stream.queue(b"queued ")?;
    stream.send_owned(Bytes::from(sent.clone())).await?;
    stream.send_owned(Bytes::from_static(b" short")).await?;
    stream.shutdown_write().await?;
    ensure(joined(received)? == [b"queued ", &sent[..], b" short"].concat(), "not what was sent")
}

async fn line<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    let received = collect(peer);
    stream.send_line("one").await?;
    stream.send_line("").await?;
    for text in ["a\nb", "a\rb", "a\r\nb"] {
        let error = ensure_err(stream.send_line(text).await, "a line break in a line")?;
        ensure(matches!(error, Error::Send(SendError::LineBreak { at: 1 })), format!("{error:?}"))?;
        ensure_err(stream.queue_line(text), "a line break in a queued line")?;
    }
    stream.set_line_end(LineEnd::Lf);
    stream.send_line("two").await?;
    stream.queue_line("three")?;
    stream.shutdown_write().await?;
    ensure_eq(&joined(received)?[..], b"one\r\n\r\ntwo\nthree\n", "the lines")
}

async fn order<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    let received = collect(peer);
    let long = numbered(100_000);
    let mut expected = Vec::new();
    for round in 0..40_u8 {
        stream.queue(&[round])?;
        stream.queue(&long[..usize::from(round) * 100])?;
        expected.push(round);
        expected.extend_from_slice(&long[..usize::from(round) * 100]);
        match round % 4 {
            0 => {
                stream.send(&long).await?;
                expected.extend_from_slice(&long);
            }
            1 => {
                stream.send_owned(Bytes::from(long.clone())).await?;
                expected.extend_from_slice(&long);
            }
            2 => {
                stream.send_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).await?;
                expected.extend_from_slice(b"ab");
            }
            _ => stream.flush().await?,
        }
    }
    stream.shutdown_write().await?;
    ensure(joined(received)? == expected, "not what was sent, or not in that order")
}

async fn queued_before_receive<F: Fixture>(at: &F) -> Verdict {
    for call in 0..4 {
        let (mut stream, mut peer) = at.pair().await?;
        // A socket that is new to its runtime may have to wait before its first byte; from here on it can be written to.
        stream.send(b"!").await?;
        peer.read_exact(&mut [0])?;
        stream.queue(b"question")?;
        let mut buf = vec![0; 100_000];
        let mut is_asked = false;
        let answered = lockstep(
            async {
                match call {
                    0 => stream.recv(&mut buf).await.map(|_| ()),
                    1 => stream.recv_exact(&mut buf[..6]).await,
                    2 => stream.recv_until(b"r", 100).await.map(|_| ()),
                    _ => stream.peek().await.map(|_| ()),
                }
            },
            || {
                // It waits: so the question must be here. A runtime may wake it for nothing, and then it waits again.
                if mem::replace(&mut is_asked, true) {
                    return;
                }
                let mut question = [0; 8];
                if peer.read_exact(&mut question).is_ok() && &question == b"question" {
                    peer.write_all(b"answer").ok();
                }
            },
        );
        answered.await?;
    }
    Ok(())
}

async fn queue_full<F: Fixture>(at: &F) -> Verdict {
    let mut limits = Limits::default();
    limits.queue_bytes_max = 10;
    let (mut stream, peer) = at.pair_with(limits).await?;
    stream.queue(b"12345678")?;
    let error = ensure_err(stream.queue_line("x"), "3 bytes where there is room for 2")?;
    ensure(matches!(error, Error::Send(SendError::QueueFull { asked: 3, room: 2 })), format!("{error:?}"))?;
    ensure_eq(&stream.queued_len(), &8, "nothing of it was queued")?;
    stream.queue(b"90")?;
    stream.send(b" and a send has no such limit").await?;
    stream.queue(b"!")?;
    let received = collect(peer);
    stream.shutdown_write().await?;
    ensure_eq(&joined(received)?[..], b"1234567890 and a send has no such limit!", "the bytes")
}

async fn burst<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let answer = "x".repeat(5_000);
    // 4000 lines of 2 bytes arrive at once; the answers are 20 MB.
    peer.write_all(&b"a\n".repeat(4_000))?;
    peer.shutdown_write()?;
    let received = collect(peer);
    let mut line = Vec::new();
    while stream.recv_line_into(&mut line).await?.is_some() {
        stream.queue_line(&answer)?;
    }
    stream.shutdown_write().await?;
    ensure_eq(&joined(received)?.len(), &(4_000 * 5_002), "bytes of answers")
}

async fn echo_longest<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let text = vec![b'x'; stream.limits().line_bytes_max];
    let echoed = std::thread::spawn(move || {
        // It reads each answer before it asks on: who only writes would wait for us, and we for it.
        for sent in [[&text[..], b"\r\nshort\r\n"].concat(), [&text[..], b"\r\n"].concat()] {
            peer.write_all(&sent)?;
            let mut got = vec![0; sent.len()];
            peer.read_exact(&mut got)?;
            if got != sent {
                return Ok(false);
            }
        }
        peer.shutdown_write()?;
        Ok(true)
    });
    let mut line = Vec::new();
    while stream.recv_line_into(&mut line).await?.is_some() {
        stream.queue_line(&line)?;
    }
    stream.shutdown_write().await?;
    ensure(joined(echoed)?, "not what was sent")
}

async fn slow_reader<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    // Each line asks for 100 KB, and there are more lines than all buffers hold answers.
    peer.write_all(&b"more\n".repeat(500))?;
    let answer = numbered(100_000);
    let mut line = Vec::new();
    let mut answered = 0;
    let served = drop_after(
        1,
        async {
            while stream.recv_line_into(&mut line).await?.is_some() {
                stream.queue(&answer)?;
                answered += 1;
            }
            Ok::<(), Error>(())
        },
        || (),
    )
    .await;
    ensure(served.is_none(), "nobody reads the answers, and it does not wait")?;
    ensure(
        stream.queued_len() <= 65_536 + answer.len(),
        format!("{} bytes are queued", stream.queued_len()),
    )?;
    ensure(answered < 500, "all lines were answered, though nobody reads")?;
    // Now the peer reads: the rest is answered.
    peer.shutdown_write()?;
    let received = collect(peer);
    while stream.recv_line_into(&mut line).await?.is_some() {
        stream.queue(&answer)?;
    }
    stream.shutdown_write().await?;
    let received = joined(received)?;
    ensure_eq(&received.len(), &(500 * answer.len()), "bytes of answers")?;
    ensure(received.chunks(answer.len()).all(|part| part == answer), "not what was sent")
}
