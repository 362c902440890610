//! Every call dropped where it waits, for the first and for the second time, and called again: nothing is lost,
//! doubled or torn, and the caller's memory is as it was.

use super::send::numbered;
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::{Peer, joined};
use crate::steps::{drop_after, drop_and_go_on, leak_after};
use asyncnet_driver::{Error, Fault, Limits, LinePolicy, SendError, Stream, Transport};
use bytes::Bytes;
use std::io::IoSlice;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("cancel::receive", "a receive that is dropped has taken nothing", |at| {
            Box::pin(receive(at))
        }),
        Case::new(
            "cancel::discard",
            "a receive that is dropped while a line is discarded loses no place",
            |at| Box::pin(discard(at)),
        ),
        Case::new(
            "cancel::short_send",
            "a short send that is dropped in the middle is completed from the queue",
            |at| Box::pin(short_send(at)),
        ),
        Case::new(
            "cancel::long_send",
            "a long send that is dropped in the middle is SendAbandoned, never torn in silence",
            |at| Box::pin(long_send(at)),
        ),
        Case::new("cancel::leaked_send", "a send that is leaked in the middle is SendAbandoned too", |at| {
            Box::pin(leaked_send(at))
        }),
        Case::new(
            "cancel::unsent",
            "a send that is dropped before its first byte went out has done nothing",
            |at| Box::pin(unsent(at)),
        ),
        Case::new(
            "cancel::owned_send",
            "an owned send that is dropped is completed, however long; they do not pile up",
            |at| Box::pin(owned_send(at)),
        ),
        Case::new("cancel::flush", "a flush that is dropped keeps what is not sent", |at| {
            Box::pin(flush(at))
        }),
        Case::new("cancel::close", "a shutdown or a close that is dropped goes on when called again", |at| {
            Box::pin(close(at))
        }),
    ]
}

/// A receive call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Call {
    Recv,
    RecvOwned,
    RecvExact,
    RecvFull,
    RecvUntil,
    RecvToEnd,
    RecvLine,
    RecvLineInto,
    RecvLineOwned,
    Peek,
}

pub(super) const CALLS: [Call; 10] = [
    Call::Recv,
    Call::RecvOwned,
    Call::RecvExact,
    Call::RecvFull,
    Call::RecvUntil,
    Call::RecvToEnd,
    Call::RecvLine,
    Call::RecvLineInto,
    Call::RecvLineOwned,
    Call::Peek,
];

/// What the caller's memory holds before each call.
const BEFORE: &[u8; 8] = b"........";

/// Makes the call with the caller's memory: what it gave.
async fn call<T: Transport>(
    stream: &mut Stream<T>,
    call: Call,
    memory: &mut Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let line = |line: Option<&[u8]>| line.map(|text| [text, b"\n"].concat()).unwrap_or_default();
    Ok(match call {
        Call::Recv => {
            let n = stream.recv(memory).await?;
            memory[..n].to_vec()
        }
        Call::RecvOwned => stream.recv_owned(100).await?.to_vec(),
        Call::RecvExact => {
            stream.recv_exact(memory).await?;
            memory.clone()
        }
        Call::RecvFull => {
            let n = stream.recv_full(memory).await?;
            memory[..n].to_vec()
        }
        Call::RecvUntil => line(stream.recv_until(b"\n", 100).await?),
        Call::RecvToEnd => {
            stream.recv_to_end(memory, 100).await?;
            memory[BEFORE.len()..].to_vec()
        }
        Call::RecvLine => line(stream.recv_line().await?.as_ref().map(AsRef::as_ref)),
        Call::RecvLineInto => {
            let ending = stream.recv_line_into(memory).await?;
            line(ending.map(|_| &memory[..]))
        }
        Call::RecvLineOwned => line(stream.recv_line_owned().await?.as_ref().map(AsRef::as_ref)),
        Call::Peek => {
            let seen = stream.peek_at_least(4).await?.to_vec();
            stream.consume(seen.len());
            seen
        }
    })
}

pub(super) const SENT: &[u8] = b"one\nand two\n\nthree, a longer one\nfour\n";

async fn receive<F: Fixture>(at: &F) -> Verdict {
    for kind in CALLS {
        for waits in 1..=2 {
            for size in [1, 3, 8, SENT.len()] {
                let what =
                    format!("{kind:?}, dropped whenever it waits for the {waits}. time, pieces of {size}");
                let (stream, mut peer) = at.pair().await?;
                let mut pieces = SENT.chunks(size);
                let next = || match pieces.next() {
                    Some(piece) => drop(peer.write_all(piece)),
                    None => drop(peer.shutdown_write()),
                };
                // A buffer that is larger than a block is filled by the socket itself.
                let long = size > 3;
                ensure_eq(&receive_all(stream, next, kind, waits, long, &what).await?[..], SENT, &what)?;
            }
        }
    }
    Ok(())
}

/// Receives all with one kind of call, each of which is dropped when it waits for the `waits`th time; each time it
/// waits, `next` has the peer send on.
pub(super) async fn receive_all<T: Transport>(
    mut stream: Stream<T>,
    mut next: impl FnMut(),
    kind: Call,
    waits: usize,
    long: bool,
    what: &str,
) -> Result<Vec<u8>, Stop> {
    let mut all = Vec::new();
    for _ in 0..1_000 {
        let mut memory = if kind == Call::Recv && long { vec![b'.'; 5_000] } else { BEFORE.to_vec() };
        let before = memory.clone();
        match drop_and_go_on(waits, call(&mut stream, kind, &mut memory), &mut next).await {
            None => {
                let cleared = kind == Call::RecvLineInto && memory.is_empty();
                ensure(cleared || memory == before, format!("{what}: the caller's memory changed"))?;
            }
            Some(Ok(given)) if given.is_empty() && stream.received_len() == 0 => {
                // An empty line gives its line end, so this is the end.
                return Ok(all);
            }
            Some(Ok(given)) => all.extend_from_slice(&given),
            Some(Err(error)) if error.is_incomplete() => {
                ensure(memory == before, format!("{what}: the caller's memory changed by an error"))?;
                all.extend_from_slice(&stream.recv_owned(100).await?);
            }
            Some(Err(error)) => return Err(error.into()),
        }
        if kind == Call::RecvExact && all.len() == SENT.len() {
            return Ok(all);
        }
    }
    Err(Stop::Failed(format!("{what}: it does not come to an end")))
}

async fn discard<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    stream.set_line_policy(LinePolicy::new(4));
    let sent = b"ok\nthis is too long\r\nfine\nand this too\nend\n";
    let mut pieces = sent.chunks(1);
    let mut next = || match pieces.next() {
        Some(piece) => drop(peer.write_all(piece)),
        None => drop(peer.shutdown_write()),
    };
    let mut seen = Vec::new();
    for _ in 0..1_000 {
        match drop_and_go_on(1, stream.recv_line(), &mut next).await {
            None => {}
            Some(Ok(Some(line))) => seen.push(line.to_str_lossy().into_owned()),
            Some(Ok(None)) => break,
            Some(Err(error)) => seen.push(error.to_string()),
        }
    }
    let long = "the peer sent a line of more than 4 bytes";
    ensure_eq(&seen[..], &["ok", long, "fine", long, "end"], "the lines")
}

/// How many bytes are certain not to fit between the two ends: some times what the kernel takes by default.
pub(super) const FILLING: usize = 24 << 20;

/// Fills the way to the peer, and more waits in the queue: nothing that is sent next can go out now.
pub(super) async fn fill_up<T: Transport>(stream: &mut Stream<T>) -> Verdict {
    let sent = drop_after(1, stream.send_owned(Bytes::from(vec![b'f'; FILLING])), || ()).await;
    ensure(sent.is_none() && stream.queued_len() > 0, "the filling fits between the ends")
}

/// Reads `filled` bytes of filling, then all the rest.
fn rest_of(mut peer: Box<dyn Peer>, filled: usize) -> JoinHandle<std::io::Result<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut all = vec![0; filled];
        peer.read_exact(&mut all)?;
        if all != vec![b'f'; filled] {
            return Err(std::io::Error::other("the filling is torn"));
        }
        all.clear();
        peer.read_to_end(&mut all)?;
        Ok(all)
    })
}

/// How a send is broken off: dropped or leaked, when it waits for the first or for the second time.
#[derive(Clone, Copy, Debug)]
struct Break {
    leak: bool,
    waits: usize,
}

const DROPS: [Break; 2] = [Break { leak: false, waits: 1 }, Break { leak: false, waits: 2 }];
const LEAKS: [Break; 2] = [Break { leak: true, waits: 1 }, Break { leak: true, waits: 2 }];

/// Sends one byte, then a message that does not fit between the ends, and breaks that send off where it waits, in the
/// middle.
///
/// The peer writes a line and reads: a third from the first wait on, if there are to be two, so that there have to be; and to
/// the end from the break on. What it has read then.
async fn broken_off<T: Transport>(
    stream: &mut Stream<T>,
    mut peer: Box<dyn Peer>,
    bytes: &[u8],
    how: Break,
) -> Result<JoinHandle<Vec<u8>>, Stop> {
    // A socket that is new to its runtime may have to wait before its first byte; from here on it can be written to.
    stream.send(b"f").await?;
    let parts = [IoSlice::new(&bytes[..10]), IoSlice::new(b""), IoSlice::new(&bytes[10..])];
    let third = bytes.len() / 3;
    let (start, started) = sync_channel(1);
    let reader = std::thread::spawn(move || {
        started.recv().ok();
        peer.write_all(b"line\n").ok();
        let mut got = vec![0; third];
        // A reset ends it too.
        let mut n = 0;
        while let Ok(more @ 1..) = peer.read(&mut got[n..]) {
            n += more;
        }
        got.truncate(n);
        started.recv().ok();
        peer.read_to_end(&mut got).ok();
        got
    });
    let read = || {
        start.try_send(()).ok();
    };
    let sent = if how.leak {
        leak_after(how.waits, stream.send_vectored(&parts), read).await
    } else {
        drop_after(how.waits, stream.send_vectored(&parts), read).await
    };
    ensure(sent.is_none(), format!("{how:?}: the send did not wait"))?;
    Ok(reader)
}

async fn short_send<F: Fixture>(at: &F) -> Verdict {
    for how in DROPS {
        let mut limits = Limits::default();
        let long = numbered(FILLING);
        limits.send_atomic_max = long.len();
        let (mut stream, peer) = at.pair_with(limits).await?;
        let reader = broken_off(&mut stream, peer, &long, how).await?;
        ensure(stream.queued_len() > 0, "the rest is queued")?;
        stream.send(b" and more").await?;
        stream.shutdown_write().await?;
        let received = reader.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))?;
        ensure(received == [b"f", &long[..], b" and more"].concat(), format!("{how:?}: not what was sent"))?;
    }
    Ok(())
}

async fn long_send<F: Fixture>(at: &F) -> Verdict {
    abandoned(at, DROPS).await
}

async fn leaked_send<F: Fixture>(at: &F) -> Verdict {
    abandoned(at, LEAKS).await
}

async fn abandoned<F: Fixture>(at: &F, ways: [Break; 2]) -> Verdict {
    for how in ways {
        let (mut stream, peer) = at.pair().await?;
        let long = numbered(FILLING);
        let reader = broken_off(&mut stream, peer, &long, how).await?;
        let is_abandoned = |error: &Error| {
            let Error::Send(SendError::Abandoned { sent, of }) = error else { return false };
            *of == long.len() && 0 < *sent && *sent < *of
        };
        let outcomes = [
            ("send", stream.send(b"x").await.err()),
            ("send_owned", stream.send_owned(Bytes::from_static(b"x")).await.err()),
            ("queue", stream.queue(b"x").err()),
            ("flush", stream.flush().await.err()),
            ("shutdown_write", stream.shutdown_write().await.err()),
        ];
        for (call, error) in outcomes {
            ensure(error.as_ref().is_some_and(is_abandoned), format!("{how:?}: {call}: {error:?}"))?;
        }
        // Receiving goes on.
        ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "a receive after it")?;
        let error = ensure_err(stream.close().await, "a close after it")?;
        ensure(is_abandoned(&error) && error.fault() == Fault::Caller, format!("{how:?}: close: {error:?}"))?;
        ensure(stream.is_closed(), "it is closed all the same")?;
        // What arrived is a part of the message, and nothing behind it.
        let got = reader.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))?;
        let whole = [b"f", &long[..]].concat();
        ensure(
            whole.starts_with(&got) && got.len() < whole.len(),
            format!("{how:?}: the peer saw something else"),
        )?;
    }
    Ok(())
}

async fn unsent<F: Fixture>(at: &F) -> Verdict {
    for leak in [false, true] {
        let (mut stream, peer) = at.pair().await?;
        fill_up(&mut stream).await?;
        let message = numbered(1_000_000);
        let sent = if leak {
            leak_after(1, stream.send(&message), || ()).await
        } else {
            drop_after(1, stream.send(&message), || ()).await
        };
        ensure(sent.is_none(), "the send did not wait")?;
        let received = rest_of(peer, FILLING);
        stream.send(b"instead").await?;
        stream.shutdown_write().await?;
        ensure_eq(&joined(received)?[..], b"instead", "what came behind the filling")?;
    }
    Ok(())
}

async fn owned_send<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, peer) = at.pair().await?;
    fill_up(&mut stream).await?;
    let more = Bytes::from_static(&[b'm'; 4_000]);
    let error =
        ensure_err(stream.send_owned(more).await, "an owned send behind a queue that is over its limit")?;
    ensure(matches!(error, Error::Send(SendError::QueueFull { room: 0, .. })), format!("{error:?}"))?;
    let received = rest_of(peer, FILLING);
    stream.flush().await?;
    stream.send_owned(Bytes::from_static(b"!")).await?;
    stream.shutdown_write().await?;
    ensure_eq(&joined(received)?[..], b"!", "what came behind it")
}

async fn flush<F: Fixture>(at: &F) -> Verdict {
    let mut limits = Limits::default();
    limits.queue_bytes_max = FILLING;
    let (mut stream, peer) = at.pair_with(limits).await?;
    let long = numbered(FILLING);
    stream.queue(&long)?;
    ensure(drop_after(1, stream.flush(), || ()).await.is_none(), "a flush of more than fits waits")?;
    let received = rest_of(peer, 0);
    for _ in 0..1_000_000 {
        if let Some(flushed) = drop_and_go_on(1, stream.flush(), || ()).await {
            flushed?;
            break;
        }
    }
    ensure_eq(&stream.queued_len(), &0, "all is sent")?;
    stream.shutdown_write().await?;
    ensure(joined(received)? == long, "not what was queued")
}

async fn close<F: Fixture>(at: &F) -> Verdict {
    for whole in [false, true] {
        let (mut stream, peer) = at.pair().await?;
        let long = numbered(FILLING);
        let started = drop_after(1, stream.send_owned(Bytes::from(long.clone())), || ()).await;
        ensure(started.is_none(), "the send did not wait")?;
        let mut received = None;
        let mut peer = Some(peer);
        for _ in 0..1_000_000 {
            // The peer starts to read when the first close waits, and ends when it has seen our end.
            let start = || {
                if let Some(peer) = peer.take() {
                    received = Some(rest_of(peer, 0));
                }
            };
            let done = if whole {
                drop_and_go_on(1, stream.close(), start).await.map(|closed| closed.map(drop))
            } else {
                drop_and_go_on(1, stream.shutdown_write(), start).await
            };
            ensure_err(stream.queue(b"late"), "nothing can be sent once a close has begun")?;
            if let Some(done) = done {
                done?;
                break;
            }
        }
        let Some(received) = received else { return Err(Stop::Failed("it did not wait".to_owned())) };
        ensure(joined(received)? == long, "not what was sent")?;
        ensure_eq(&stream.is_closed(), &whole, "closed")?;
    }
    Ok(())
}
