//! Ends: clean, broken off, reset, half-closed, closed well and closed at once.

use super::session::every_call;
use crate::adapter::{Fixture, reset};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::steps::{drop_after, lockstep};
use asyncnet_driver::{Closed, Error, Fault, Limits, SendError};
use futures_lite::future;
use std::time::Duration;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("ends::clean", "a clean end is None, and stays so", |at| Box::pin(clean(at))),
        Case::new(
            "ends::reset",
            "a reset is an error, never an end; what came before it comes first",
            |at| Box::pin(reset_is_an_error(at)),
        ),
        Case::new(
            "ends::reset_met_by_a_write",
            "a reset that a write met first is no end for a receive",
            |at| Box::pin(reset_met_by_a_write(at)),
        ),
        Case::new("ends::gone_peer", "a send to a peer that is gone fails, and says disconnect", |at| {
            Box::pin(gone_peer(at))
        }),
        Case::new(
            "ends::half_close",
            "after either side has ended its sending, the other way goes on",
            |at| Box::pin(half_close(at)),
        ),
        Case::new("ends::slow_reader", "close with a slow reader and 10 MB in flight loses nothing", |at| {
            Box::pin(slow_reader(at))
        }),
        Case::new(
            "ends::unread",
            "close takes what the peer still sends, so that no reset takes the last line away",
            |at| Box::pin(unread(at)),
        ),
        Case::new("ends::silent_peer", "close gives up on a silent peer after its time", |at| {
            Box::pin(silent_peer(at))
        }),
        Case::new("ends::endless_peer", "close gives up on an endless peer after its bytes", |at| {
            Box::pin(endless_peer(at))
        }),
        Case::new("ends::twice", "closing twice is harmless, in every order", |at| Box::pin(twice(at))),
        Case::new("ends::after_close", "every call on a closed stream fails with Closed", |at| {
            Box::pin(after_close(at))
        }),
        Case::new("ends::abort", "abort ends at once, and a peer that can see a reset sees one", |at| {
            Box::pin(abort(at))
        }),
    ]
}

async fn clean<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"last\n")?;
    drop(peer);
    ensure(stream.recv_line().await?.is_some_and(|line| line == "last"), "the last line")?;
    for _ in 0..3 {
        ensure(stream.recv_line().await?.is_none(), "the end")?;
        ensure_eq(&stream.recv(&mut [0; 8]).await?, &0, "the end, for bytes")?;
        ensure(stream.recv_owned(8).await?.is_empty(), "the end, owned")?;
    }
    Ok(())
}

async fn reset_is_an_error<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"whole\npart")?;
    stream.peek_at_least(10).await?;
    reset(peer)?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "whole"), "the line before the reset")?;
    for _ in 0..3 {
        let error = ensure_err(stream.recv_line().await, "a reset in the middle of a line")?;
        ensure(error.is_disconnect() && error.fault() == Fault::Socket, format!("{error:?}"))?;
    }
    ensure_eq(&stream.recv_owned(100).await?[..], b"part", "the bytes before the reset")?;
    for _ in 0..2 {
        let error = ensure_err(stream.recv(&mut [0; 9]).await, "nothing is left, and it was no end")?;
        ensure(error.is_disconnect(), format!("{error:?}"))?;
    }
    Ok(())
}

async fn reset_met_by_a_write<F: Fixture>(at: &F) -> Verdict {
    for way in ["queued", "sent", "flushed"] {
        let (mut stream, mut peer) = at.pair().await?;
        peer.write_all(b"question\nand half of")?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "question"), "the question")?;
        stream.peek().await?;
        // A socket that is new to its runtime may have to wait before its first byte; from here on it can be written to.
        stream.send(b"!").await?;
        peer.read_exact(&mut [0])?;
        if way != "sent" {
            stream.queue_line("answer")?;
        }
        reset(peer)?;
        match way {
            "sent" => drop(ensure_err(stream.send(b"answer").await, "a send to a peer that is gone")?),
            "flushed" => drop(ensure_err(stream.flush().await, "a flush to a peer that is gone")?),
            // The receive itself sends what is queued.
            _ => {}
        }
        let mut rest = Vec::new();
        let error = ensure_err(stream.recv_to_end(&mut rest, 1_000).await, format!("{way}: half of a text"))?;
        ensure(error.is_disconnect(), format!("{way}: {error:?}"))?;
        ensure_eq(&stream.recv_owned(100).await?[..], b"and half of", "what came can still be taken")?;
        let error = ensure_err(stream.recv_line().await, format!("{way}: then nothing is left"))?;
        ensure(error.is_disconnect(), format!("{way}: {error:?}"))?;
    }
    Ok(())
}

async fn gone_peer<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    drop(peer);
    // The first send may still reach the kernel; it answers with a reset, and one of the next fails.
    let mut sent = Ok(());
    for _ in 0..1_000 {
        sent = stream.send(&[b'x'; 10_000]).await;
        if sent.is_err() {
            break;
        }
    }
    let error = ensure_err(sent, "10 MB to a peer that is gone")?;
    ensure(error.is_disconnect(), format!("{error:?}"))?;
    let error = ensure_err(stream.send(b"more").await, "and it stays so")?;
    ensure(error.is_disconnect(), format!("{error:?}"))?;
    let error = ensure_err(stream.queue(b"more"), "also for the queue")?;
    ensure(error.is_disconnect(), format!("{error:?}"))?;
    ensure_err(stream.close().await, "a close that cannot know what arrived")?;
    ensure(stream.is_closed(), "it is closed all the same")
}

async fn half_close<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    stream.queue_line("question")?;
    stream.shutdown_write().await?;
    stream.shutdown_write().await?;
    let error = ensure_err(stream.send(b"late").await, "a send after the end")?;
    ensure(matches!(error, Error::Send(SendError::Closed)), format!("{error:?}"))?;
    let error = ensure_err(stream.queue(b"late"), "a queue after the end")?;
    ensure(matches!(error, Error::Send(SendError::Closed)), format!("{error:?}"))?;
    let mut question = Vec::new();
    peer.read_to_end(&mut question)?;
    ensure_eq(&question[..], b"question\r\n", "what the peer saw before the end")?;
    peer.write_all(b"answer\n")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "answer"), "the answer after our end")?;

    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"question\n")?;
    peer.shutdown_write()?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "question"), "the question")?;
    ensure(stream.recv_line().await?.is_none(), "the peer's end")?;
    stream.send_line("answer").await?;
    let mut answer = [0; 8];
    peer.read_exact(&mut answer)?;
    ensure_eq(&answer, b"answer\r\n", "the answer after the peer's end")
}

async fn slow_reader<F: Fixture>(at: &F) -> Verdict {
    const TOTAL: usize = 10_000_000;
    // Its time is no part of this case.
    let mut limits = Limits::default();
    limits.drain_time_max = Duration::from_secs(3_600);
    let (mut stream, mut peer) = at.pair_with(limits).await?;
    let sent: Vec<u8> = (0..TOTAL).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    stream.queue(&sent[..100_000])?;
    let whole = bytes::Bytes::from(sent.clone());
    // It reads a little at a time, and starts when the way is full.
    let (start, started) = std::sync::mpsc::sync_channel(1);
    let reader = std::thread::spawn(move || {
        started.recv().ok();
        let mut got = Vec::new();
        let mut buf = [0; 1_000];
        loop {
            match peer.read(&mut buf)? {
                0 => return Ok::<_, std::io::Error>(got),
                n => got.extend_from_slice(&buf[..n]),
            }
            std::thread::yield_now();
        }
    });
    let ending = async {
        stream.send_owned(whole.slice(100_000..)).await?;
        stream.close().await
    };
    let closed = lockstep(ending, || {
        start.try_send(()).ok();
    })
    .await?;
    ensure_eq(&closed, &Closed::PeerEnded, "the close")?;
    let got = reader.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
    ensure(got == sent, format!("{} of {TOTAL} bytes arrived, or not in order", got.len()))
}

async fn unread<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let sender = std::thread::spawn(move || {
        // More than one buffer of ours, which nobody asked for; then it reads what was said to it.
        peer.write_all(&[b'x'; 300_000])?;
        let mut got = Vec::new();
        peer.read_to_end(&mut got)?;
        Ok::<_, std::io::Error>(got)
    });
    stream.peek().await?;
    stream.queue_line("the last line")?;
    let closed = stream.close().await?;
    ensure_eq(&closed, &Closed::PeerEnded, "the close")?;
    let got = sender.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
    ensure_eq(&got[..], b"the last line\r\n", "what the peer saw")
}

async fn silent_peer<F: Fixture>(at: &F) -> Verdict {
    let time = Duration::from_millis(30);
    let mut limits = Limits::default();
    limits.drain_time_max = time;
    let (mut stream, mut peer) = at.pair_with(limits).await?;
    stream.queue(b"bye")?;
    // Dropped in the wait, it goes on with the time that is left.
    ensure(drop_after(1, stream.close(), || ()).await.is_none(), "close waits for the peer's end")?;
    ensure(!stream.is_closed(), "it is not closed yet")?;
    let (closed, ()) = future::zip(stream.close(), at.elapse(time)).await;
    ensure_eq(&closed?, &Closed::GaveUp, "the close")?;
    let mut got = Vec::new();
    peer.read_to_end(&mut got)?;
    ensure_eq(&got[..], b"bye", "what the peer saw")
}

async fn endless_peer<F: Fixture>(at: &F) -> Verdict {
    let mut limits = Limits::default();
    limits.drain_bytes_max = 500_000;
    limits.drain_time_max = Duration::from_secs(3_600);
    let (mut stream, mut peer) = at.pair_with(limits).await?;
    // Bounded, for the case that the close is not.
    let sender = std::thread::spawn(move || (0..2_000).all(|_| peer.write_all(&[b'x'; 50_000]).is_ok()));
    let closed = stream.close().await?;
    ensure_eq(&closed, &Closed::GaveUp, "the close")?;
    let all_written = sender.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))?;
    ensure(!all_written, "the close took 100 MB")
}

async fn twice<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    drop(peer);
    stream.close().await?;
    ensure_eq(&stream.close().await?, &Closed::Before, "a second close")?;
    stream.abort();
    stream.abort();
    ensure_eq(&stream.close().await?, &Closed::Before, "a close after an abort")?;
    ensure(stream.is_closed(), "it is closed")
}

async fn after_close<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"never asked for\n")?;
    stream.peek().await?;
    drop(peer);
    stream.close().await?;
    ensure_eq(&stream.received_len(), &0, "nothing is left")?;
    for (call, error) in every_call(&mut stream).await {
        ensure(matches!(error, Some(Error::Closed)), format!("{call}: {error:?}"))?;
    }
    Ok(())
}

async fn abort<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    stream.queue(b"never sent")?;
    stream.abort();
    ensure(stream.is_closed(), "it is closed")?;
    let mut got = Vec::new();
    let seen = peer.read_to_end(&mut got);
    ensure(got.is_empty(), "what was queued is not sent")?;
    // A Unix socket's peer sees an end: those have no reset.
    let reset = seen.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
    match crate::adapter::reset(peer) {
        Ok(()) => ensure(reset, "the peer saw an end, not a reset"),
        Err(_) => Ok(()),
    }
}
