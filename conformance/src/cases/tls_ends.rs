//! Ends over TLS: said and unsaid, half and whole, and those that somebody made on the way.

use super::session::{Ours, Setup, close, secure_as, tapped, tls_error};
use super::wire::{TEXT, ensure_alerts};
use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::{Peer as _, joined};
use crate::pki::{ClientSetup, ServerSetup, Version};
use crate::steps::lockstep;
use crate::tls_peer::TlsPeer;
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Closed, Error, Fault, Limits, SendError};
use std::io::{self, Read, Write};
use std::time::Duration;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("tls::close_notify", "each side's close_notify is the other's clean end", |at| {
            Box::pin(close_notify(at))
        }),
        Case::new(
            "tls::truncated",
            "an end without close_notify is Truncated, each time, once all before it is taken",
            |at| Box::pin(truncated(at)),
        ),
        Case::new("tls::cut_record", "an end at any byte of a record is Truncated", |at| {
            Box::pin(cut_record(at))
        }),
        Case::new(
            "tls::accept_truncation",
            "an end without close_notify is a clean one where that is accepted, but not of a handshake",
            |at| Box::pin(accept_truncation(at)),
        ),
        Case::new(
            "tls::half_close",
            "after either side's close_notify the other way goes on, whatever the version",
            |at| Box::pin(half_close(at)),
        ),
        Case::new(
            "tls::behind_close_notify",
            "what comes behind the peer's close_notify is ignored, whatever it is",
            |at| Box::pin(behind_close_notify(at)),
        ),
        Case::new(
            "tls::unread_tickets",
            "500 lines of a client that only writes and closes arrive, though it read no ticket",
            |at| Box::pin(unread_tickets(at)),
        ),
    ]
}

async fn close_notify<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        peer.write_all(b"last\n")?;
        peer.tls().send_close_notify();
        let output = peer.output()?;
        // The wire goes on: an end of TLS is one all the same.
        peer.wire()?.write_all(&output)?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "last"), "the last line")?;
        for _ in 0..3 {
            ensure(stream.recv_line().await?.is_none(), "the end")?;
            ensure_eq(&stream.recv(&mut [0; 8]).await?, &0, "the end, for bytes")?;
        }
        stream.queue_line("bye")?;
        let (closed, text) = close(&mut stream, peer).await?;
        closed?;
        ensure_eq(&text?[..], b"bye\r\n", "what the peer received before a clean end")?;
        ensure_alerts(&seen, 1, &setup.what())?;
    }
    Ok(())
}

/// Has the peer send this text, and then end the wire without a word.
fn cut(peer: &mut TlsPeer, text: &[u8]) -> io::Result<()> {
    peer.write_all(text)?;
    peer.wire()?.shutdown_write()
}

async fn truncated<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for call in ["recv_line", "recv", "recv_exact", "recv_full", "recv_until", "recv_to_end", "peek"] {
            let what = format!("{}, {call}", setup.what());
            let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
            cut(&mut peer, b"whole\npart")?;
            ensure(stream.recv_line().await?.is_some_and(|line| line == "whole"), "the line before it")?;
            let mut into = vec![b'.'];
            for _ in 0..3 {
                let error = match call {
                    "recv_line" => stream.recv_line().await.err(),
                    "recv_exact" => stream.recv_exact(&mut [0; 5]).await.err(),
                    "recv_full" => stream.recv_full(&mut [0; 5]).await.err(),
                    "recv_until" => stream.recv_until(b";", 100).await.err(),
                    "recv_to_end" => stream.recv_to_end(&mut into, 100).await.err(),
                    "peek" => stream.peek_at_least(5).await.err(),
                    _ => break,
                };
                ensure(error.as_ref().is_some_and(Error::is_truncated), format!("{what}: {error:?}"))?;
                ensure_eq(&error.map(|error| error.fault()), &Some(Fault::Peer), "whose fault it is")?;
            }
            ensure_eq(&into[..], b".", "the caller's memory")?;
            ensure_eq(&stream.recv_owned(100).await?[..], b"part", &what)?;
            for _ in 0..2 {
                let error = ensure_err(stream.recv(&mut [0; 5_000]).await, &what)?;
                ensure(error.is_truncated(), format!("{what}, and then: {error:?}"))?;
                let error = ensure_err(stream.try_line(), &what)?;
                ensure(error.is_truncated(), format!("{what}, and then: {error:?}"))?;
            }
            // The other way is whole, and is ended well.
            stream.send(b"goes on").await?;
            let (closed, text) = close(&mut stream, peer).await?;
            ensure_eq(&closed?, &Closed::PeerEnded, &what)?;
            ensure_eq(&text?[..], b"goes on", &what)?;
            ensure_alerts(&seen, 1, &what)?;
        }
    }
    Ok(())
}

async fn cut_record<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let len = tapped(at, &setup).await?.1.seal(b"and more")?.len();
        for keep in 1..len {
            let what = format!("{}, {keep} bytes of {len}", setup.what());
            let (mut stream, mut peer, _) = tapped(at, &setup).await?;
            let bytes = [peer.seal(b"whole\n")?, peer.seal(b"and more")?[..keep].to_vec()].concat();
            peer.wire()?.write_all(&bytes)?;
            peer.wire()?.shutdown_write()?;
            ensure(stream.recv_line().await?.is_some_and(|line| line == "whole"), &what)?;
            for _ in 0..2 {
                let error = ensure_err(stream.recv_line().await, &what)?;
                ensure(error.is_truncated(), format!("{what}: {error:?}"))?;
            }
            ensure_eq(&stream.received_len(), &0, format!("{what}: of half a record nothing is known"))?;
        }
    }
    Ok(())
}

async fn accept_truncation<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = at.pair().await?;
        let how = setup.how()?.accept_truncation(true);
        let (_, mut peer) = secure_as(&mut stream, wire, &setup, how).await?;
        cut(&mut peer, b"whole\npart")?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "whole"), "the line before it")?;
        let error = ensure_err(stream.recv_line().await, "half a line")?;
        ensure(error.is_incomplete(), format!("{error:?}"))?;
        let mut rest = Vec::new();
        stream.recv_to_end(&mut rest, 100).await?;
        ensure_eq(&rest[..], b"part", "the rest")?;
        for _ in 0..3 {
            ensure(stream.recv_line().await?.is_none(), "the end")?;
            ensure_eq(&stream.recv(&mut [0; 8]).await?, &0, "the end, for bytes")?;
        }

        let (mut stream, mut wire) = at.pair().await?;
        wire.shutdown_write()?;
        let how = setup.how()?.accept_truncation(true);
        let error = tls_error(stream.start_tls(how).await, "an end in the middle of a handshake")?;
        ensure_eq(&error, &TlsError::HandshakeEnded, "an end in the middle of a handshake")?;
    }
    Ok(())
}

async fn half_close<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        // Ours first.
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        stream.queue_line("question")?;
        for _ in 0..2 {
            stream.shutdown_write().await?;
        }
        let mut question = Vec::new();
        peer.read_to_end(&mut question)?;
        ensure_eq(&question[..], b"question\r\n", "what the peer received before our end")?;
        for n in 0..20 {
            if setup.version == Version::Tls13 && n % 5 == 0 {
                // It asks for an answer that may not follow our close_notify.
                peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
            }
            peer.write_all(b"answer\n")?;
            ensure(stream.recv_line().await?.is_some_and(|line| line == "answer"), "an answer")?;
        }
        let error = ensure_err(stream.send(b"late").await, "a send behind our end")?;
        ensure(matches!(error, Error::Send(SendError::Closed)), format!("{error:?}"))?;
        let (closed, text) = close(&mut stream, peer).await?;
        closed?;
        ensure(text?.is_empty(), "nothing comes behind an end")?;
        ensure_alerts(&seen, 1, &setup.what())?;

        // The peer's first.
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        peer.write_all(b"question\n")?;
        peer.shutdown_write()?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "question"), "the question")?;
        ensure(stream.recv_line().await?.is_none(), "the peer's end")?;
        for _ in 0..20 {
            stream.send_line("answer").await?;
            ensure(stream.recv_line().await?.is_none(), "the peer's end")?;
        }
        let (closed, text) = close(&mut stream, peer).await?;
        ensure_eq(&closed?, &Closed::PeerEnded, "the close")?;
        ensure_eq(&text?[..], &b"answer\r\n".repeat(20)[..], "the answers behind the peer's end")?;
        ensure_alerts(&seen, 1, &setup.what())?;
    }
    Ok(())
}

async fn behind_close_notify<F: Fixture>(at: &F) -> Verdict {
    let rows: [&[u8]; 4] = [b"GET / HTTP/1.1\r\n", &[TEXT, 3, 3, 0, 3, 1, 2, 3], &[0; 20_000], b"\x17"];
    for setup in Setup::each() {
        for (row, at_once) in rows.into_iter().flat_map(|row| [(row, true), (row, false)]) {
            let what = format!("{}, {} bytes, at once: {at_once}", setup.what(), row.len());
            let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
            let text = peer.seal(b"last\n")?;
            peer.tls().send_close_notify();
            let bytes = [text, peer.output()?].concat();
            if at_once {
                peer.wire()?.write_all(&[&bytes, row].concat())?;
            } else {
                peer.wire()?.write_all(&bytes)?;
            }
            ensure(stream.recv_line().await?.is_some_and(|line| line == "last"), &what)?;
            ensure(stream.recv_line().await?.is_none(), &what)?;
            if !at_once {
                peer.wire()?.write_all(row)?;
            }
            for _ in 0..3 {
                ensure(stream.recv_line().await?.is_none(), &what)?;
                ensure_eq(&stream.recv(&mut [0; 8]).await?, &0, &what)?;
                ensure_eq(&stream.received_len(), &0, &what)?;
            }
            stream.send(b"goes on").await?;
            stream.shutdown_write().await?;
            let mut text = Vec::new();
            peer.read_to_end(&mut text)?;
            ensure_eq(&text[..], b"goes on", &what)?;
            ensure_alerts(&seen, 1, &what)?;
            ensure_eq(&stream.close().await?, &Closed::PeerEnded, &what)?;
        }
    }
    Ok(())
}

async fn unread_tickets<F: Fixture>(at: &F) -> Verdict {
    const LINES: usize = 500;
    for version in Version::EACH {
        let server = ServerSetup { tickets: 8, ..ServerSetup::new(version) };
        let setup = Setup::of(Ours::Client, ClientSetup::new(version), server);
        // Its time is no part of this case.
        let mut limits = Limits::default();
        limits.drain_time_max = Duration::from_secs(3_600);
        let (mut stream, wire) = at.pair_with(limits).await?;
        let mut peer = setup.peer(wire)?;
        let (start, started) = std::sync::mpsc::sync_channel(1);
        let reader = std::thread::spawn(move || {
            peer.handshake()?;
            // It starts to read when the client waits for it, at the latest when it closes, and reads a little at a time.
            started.recv().ok();
            let mut got = Vec::new();
            let mut buf = [0; 100];
            loop {
                match peer.read(&mut buf)? {
                    0 => return Ok(got),
                    n => got.extend_from_slice(&buf[..n]),
                }
                std::thread::yield_now();
            }
        });
        stream.start_tls(setup.how()?).await?;
        let writing = async {
            for n in 0..LINES {
                stream.send_line(format!("line {n}")).await?;
            }
            stream.close().await
        };
        let closed = lockstep(writing, || {
            start.try_send(()).ok();
        })
        .await?;
        ensure_eq(&closed, &Closed::PeerEnded, "the close")?;
        let got = joined(reader)?;
        let sent: String = (0..LINES).map(|n| format!("line {n}\r\n")).collect();
        let lines = got.split(|byte| *byte == b'\n').count() - 1;
        ensure(got == sent.as_bytes(), format!("{version:?}: {lines} of {LINES} lines arrived"))?;
    }
    Ok(())
}
