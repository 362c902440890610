//! Key updates of TLS 1.3 (RFC 8446, section 4.6.3): the peer's are answered without the caller's help, at once.

use super::send::numbered;
use super::session::{Ours, Setup, tapped, tls_error};
use super::wire::{Seen, TEXT, records};
use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq};
use crate::peer::joined;
use crate::pki::Version;
use crate::tls_peer::TlsPeer;
use asyncnet_driver::tls::TlsError;
use std::io::{self, Read, Write};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "tls::key_update",
            "a key update is answered at once while we only read, again and again",
            |at| Box::pin(key_update(at)),
        ),
        Case::new(
            "tls::key_updates_at_once",
            "key updates that come together are answered, and what is sent then is understood",
            |at| Box::pin(key_updates_at_once(at)),
        ),
        Case::new(
            "tls::too_many_key_updates",
            "a peer that does nothing but update keys is an error",
            |at| Box::pin(too_many_key_updates(at)),
        ),
        Case::new(
            "tls::key_updates_under_traffic",
            "keys change in the middle of traffic in both directions, and nothing is lost",
            |at| Box::pin(key_updates_under_traffic(at)),
        ),
    ]
}

/// TLS 1.3, and the stream under test on both sides.
fn setups() -> [Setup; 2] {
    [Ours::Client, Ours::Server].map(|ours| Setup::new(Version::Tls13, ours))
}

/// Has the peer update its keys and ask for ours to be, and waits for the answer, which is one record.
fn update(peer: &mut TlsPeer, seen: &Seen) -> io::Result<()> {
    peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
    peer.flush()?;
    peer.take_in()?;
    let answer = seen.take();
    match records(&answer).as_deref() {
        Ok([one]) if one.kind == TEXT && one.body.len() == 5 + 1 + 16 => Ok(()),
        other => Err(io::Error::other(format!("the answer to a key update: {other:?}"))),
    }
}

async fn key_update<F: Fixture>(at: &F) -> Verdict {
    const ROUNDS: usize = 10;
    const LINES: usize = 4;
    for setup in setups() {
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        let peer = std::thread::spawn(move || {
            for _ in 0..ROUNDS {
                for _ in 0..LINES {
                    // Several behind each other, and one in the middle of a line.
                    for _ in 0..5 {
                        update(&mut peer, &seen)?;
                    }
                    peer.write_all(b"part of ")?;
                    update(&mut peer, &seen)?;
                    peer.write_all(b"a line\n")?;
                }
                // It bears 32 of them, answers too, without text.
                peer.read_exact(&mut [0; 8])?;
                seen.take();
            }
            Ok(peer)
        });
        for _ in 0..ROUNDS {
            for _ in 0..LINES {
                let line = stream.recv_line().await?;
                if line.is_none() {
                    // It says why.
                    joined(peer)?;
                    return ensure(false, "the peer went");
                }
                ensure(line.is_some_and(|line| line == "part of a line"), "a line")?;
            }
            stream.send_line("thanks").await?;
        }
        drop(joined(peer)?);
    }
    Ok(())
}

async fn key_updates_at_once<F: Fixture>(at: &F) -> Verdict {
    for setup in setups() {
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        for _ in 0..3 {
            for _ in 0..10 {
                peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
            }
            peer.write_all(b"line\n")?;
            ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "a line")?;
            // One answer may stand for all that came together.
            stream.send(b"text").await?;
            let mut text = [0; 4];
            peer.read_exact(&mut text)?;
            ensure_eq(&text, b"text", "what the peer received")?;
            let seen = seen.take();
            let answers = records(&seen)?.len() - 1;
            ensure((1..=10).contains(&answers), format!("{answers} answers to 10 key updates"))?;
        }
    }
    Ok(())
}

async fn too_many_key_updates<F: Fixture>(at: &F) -> Verdict {
    for setup in setups() {
        let (mut stream, mut peer, _) = tapped(at, &setup).await?;
        let mut all = peer.seal(b"line\n")?;
        for _ in 0..1_000 {
            peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
            all.extend(peer.output()?);
        }
        let peer = std::thread::spawn(move || {
            // It may be given up on before it has said all.
            peer.wire()?.write_all(&all).ok();
            Ok(peer.read(&mut [0; 1]))
        });
        ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "the line before them")?;
        let error = tls_error(stream.recv_line().await, "1000 key updates")?;
        ensure(matches!(error, TlsError::Protocol(_)), format!("{error:?}"))?;
        stream.close().await?;
        ensure(joined(peer)?.is_err(), "the peer saw no alert")?;
    }
    Ok(())
}

async fn key_updates_under_traffic<F: Fixture>(at: &F) -> Verdict {
    for setup in setups() {
        let (mut stream, mut peer, _) = tapped(at, &setup).await?;
        let sent = numbered(3_000_000);
        let theirs = sent.clone();
        let peer = std::thread::spawn(move || {
            // It sends a part, with an update before it, and receives one, in turn.
            let mut got = vec![0; theirs.len()];
            for (part, into) in theirs.chunks(10_000).zip(got.chunks_mut(10_000)) {
                peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
                peer.write_all(part)?;
                peer.read_exact(into)?;
            }
            Ok((peer, got))
        });
        let mut got = vec![0; sent.len()];
        let mut parts = got.chunks_mut(7_000);
        for out in sent.chunks(7_000) {
            // What is queued goes out before the receive waits, with whatever answers it makes between its records.
            stream.queue(out)?;
            let Some(into) = parts.next() else { break };
            stream.recv_exact(into).await?;
        }
        stream.flush().await?;
        let (_, theirs) = joined(peer)?;
        ensure(got == sent && theirs == sent, format!("{}: not what was sent", setup.what()))?;
    }
    Ok(())
}
