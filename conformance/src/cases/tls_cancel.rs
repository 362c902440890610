//! Calls over TLS that are dropped where they wait, with the wire cut at every byte: in the handshake, and behind it.

use super::cancel::{CALLS, SENT, receive_all};
use super::send::numbered;
use super::session::{Setup, secure, tapped};
use super::upgrade::ensure_lines;
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::peer::{Peer, Reset, joined};
use crate::pki::Version;
use crate::steps::drop_and_go_on;
use asyncnet_driver::Fill;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, channel};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "tls::cut_handshake",
            "a handshake that comes byte by byte, and is dropped at each, is made all the same",
            |at| Box::pin(cut_handshake(at)),
        ),
        Case::new(
            "tls::cut_receive",
            "a receive that is dropped at any byte of a record has taken nothing",
            |at| Box::pin(cut_receive(at)),
        ),
        Case::new(
            "tls::cut_fill",
            "what a dropped receive into a Fill has filled stays, and it goes on",
            |at| Box::pin(cut_fill(at)),
        ),
        Case::new(
            "tls::cut_send",
            "sends that are dropped at any wait have sent all or nothing, and in order",
            |at| Box::pin(cut_send(at)),
        ),
    ]
}

/// A peer that writes byte by byte, each when it is allowed to.
struct Paced {
    wire: Box<dyn Peer>,
    /// Once nobody is there to allow, it writes as it likes.
    allowed: Receiver<()>,
}

impl Read for Paced {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.wire.read(buf)
    }
}

impl Write for Paced {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.allowed.recv().is_err() {
            return self.wire.write(buf);
        }
        self.wire.write(&buf[..buf.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()
    }
}

impl Peer for Paced {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.wire.shutdown_write()
    }

    fn reset(self: Box<Self>) -> io::Result<Reset> {
        self.wire.reset()
    }
}

async fn cut_handshake<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for waits in 1..=2 {
            let what = format!("{}, dropped at wait {waits}", setup.what());
            let (mut stream, wire) = at.pair().await?;
            let (allow, allowed) = channel();
            let mut peer = setup.peer(Box::new(Paced { wire, allowed }))?;
            let peer = std::thread::spawn(move || {
                peer.write_all(b"!")?;
                Ok(peer)
            });
            let mut next = || allow.send(()).unwrap_or_default();
            let mut info = None;
            let mut drops = 0;
            while info.is_none() {
                let outcome = match drops % 2 {
                    1 if stream.is_handshaking() => {
                        drop_and_go_on(waits, stream.handshake(), &mut next).await
                    }
                    _ => drop_and_go_on(waits, stream.start_tls(setup.how()?), &mut next).await,
                };
                info = outcome.transpose()?;
                drops += 1;
                ensure(drops < 10_000, format!("{what}: it does not come to an end"))?;
            }
            // No handshake has fewer bytes.
            ensure(drops > 100 / waits, format!("{what}: it was dropped {drops} times"))?;
            ensure_eq(&stream.tls_info(), &info, &what)?;
            drop(allow);
            ensure_eq(&stream.recv_owned(8).await?[..], b"!", &what)?;
            ensure_lines(&mut stream, &mut joined(peer)?, &what).await?;
        }
    }
    Ok(())
}

async fn cut_receive<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for kind in CALLS {
            for (waits, size) in [(1, 1), (2, 1), (1, 7), (2, 30), (1, 1_000)] {
                let what = format!("{}, {kind:?}, dropped at wait {waits}, pieces of {size}", setup.what());
                let (stream, mut peer, _) = tapped(at, &setup).await?;
                // Records that end anywhere in the lines, and others between them.
                let (first, rest) = SENT.split_at(7);
                let (second, third) = rest.split_at(6);
                let mut bytes = peer.seal(first)?;
                bytes.extend(peer.seal(second)?);
                if setup.version == Version::Tls13 {
                    peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
                    bytes.extend(peer.output()?);
                }
                bytes.extend(peer.seal(third)?);
                peer.tls().send_close_notify();
                bytes.extend(peer.output()?);
                let mut pieces = bytes.chunks(size);
                let next = || {
                    if let (Some(piece), Ok(wire)) = (pieces.next(), peer.wire()) {
                        wire.write_all(piece).ok();
                    }
                };
                let all = receive_all(stream, next, kind, waits, size > 7, &what).await?;
                ensure_eq(&all[..], SENT, &what)?;
            }
        }
    }
    Ok(())
}

async fn cut_fill<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = at.pair().await?;
        let (_, mut peer) = secure(&mut stream, wire, &setup).await?;
        let text = numbered(1_000_000);
        let sent = text.clone();
        let sender = std::thread::spawn(move || {
            // Records and writes of all lengths.
            let mut rest = &text[..];
            for n in 1.. {
                let (part, behind) = rest.split_at(rest.len().min(n * 31 % 20_000 + 1));
                if part.is_empty() {
                    break;
                }
                peer.write_all(part)?;
                rest = behind;
            }
            Ok(peer)
        });
        let mut memory = vec![0; sent.len()];
        let mut fill = Fill::new(&mut memory);
        let mut done = None;
        for _ in 0..1_000_000 {
            done = drop_and_go_on(1, stream.recv_exact_into(&mut fill), || ()).await;
            if done.is_some() {
                break;
            }
        }
        done.transpose()?;
        ensure(fill.is_full() && memory == sent, format!("{}: not what was sent", setup.what()))?;
        drop(joined(sender)?);
    }
    Ok(())
}

async fn cut_send<F: Fixture>(at: &F) -> Verdict {
    const MESSAGES: u8 = 100;
    for setup in Setup::each() {
        let (mut stream, wire) = at.pair().await?;
        let (_, mut peer) = secure(&mut stream, wire, &setup).await?;
        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            let mut buf = [0; 10_000];
            loop {
                match peer.read(&mut buf)? {
                    0 => return Ok(got),
                    n => got.extend_from_slice(&buf[..n]),
                }
            }
        });
        let mut complete = Vec::new();
        for n in 0..MESSAGES {
            // Up to what is completed when it is dropped, and more in one write than the way takes.
            let message = vec![n; usize::from(n) * 2_621 + 1];
            let sent = drop_and_go_on(1, stream.send(&message), || ()).await;
            if let Some(sent) = sent {
                sent?;
                complete.push(n);
            }
        }
        stream.shutdown_write().await?;
        let got = joined(reader)?;
        let mut rest = &got[..];
        for n in 0..MESSAGES {
            let len = rest.iter().take_while(|byte| **byte == n).count();
            let whole = usize::from(n) * 2_621 + 1;
            let what = format!("{}: {len} of {whole} bytes of message {n}", setup.what());
            ensure(len == whole || (len == 0 && !complete.contains(&n)), what)?;
            rest = &rest[len..];
        }
        if !rest.is_empty() {
            return Err(Stop::Failed(format!("{}: {} bytes that nobody sent", setup.what(), rest.len())));
        }
    }
    Ok(())
}
