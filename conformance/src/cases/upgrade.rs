//! The upgrade in place, STARTTLS, and what was said before it.
//!
//! The bytes behind the line that asks for it are what an attacker between the two ends puts there (CVE-2011-0411): they
//! never reach the reader as if they had come over TLS.

use super::send::collect;
use super::session::{Ours, Setup, ensure_failed, flight, secure, secure_as, tls_error};
use super::wire::{ALERT, HANDSHAKE, records};
use crate::adapter::{Fixture, Pair};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::joined;
use crate::pki::Version;
use crate::steps::{drop_after, drop_and_go_on};
use crate::tls_peer::TlsPeer;
use asyncnet_driver::tls::{Leftover, TlsError};
use asyncnet_driver::{Closed, Error, Fault, Limits, LineEnd, LinePolicy, Stream, Transport};
use std::io::{self, Read, Write};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "upgrade::in_place",
            "an upgraded stream keeps its settings, and lines go on over TLS",
            |at| Box::pin(in_place(at)),
        ),
        Case::new("upgrade::queued", "what is queued goes out as plaintext before the handshake", |at| {
            Box::pin(queued(at))
        }),
        Case::new(
            "upgrade::refuse",
            "with a byte of plaintext left nothing of TLS is sent, and the stream is as it was",
            |at| Box::pin(refuse(at)),
        ),
        Case::new(
            "upgrade::refused_and_closed",
            "an upgrade that was refused can be followed by a clean end",
            |at| Box::pin(refused_and_closed(at)),
        ),
        Case::new(
            "upgrade::into_tls",
            "under IntoTls a handshake that came early goes on where it is",
            |at| Box::pin(into_tls(at)),
        ),
        Case::new(
            "upgrade::text_into_tls",
            "under IntoTls plaintext that is left fails the handshake",
            |at| Box::pin(text_into_tls(at)),
        ),
        Case::new("upgrade::discard", "under Discard what is left is gone, and nobody receives it", |at| {
            Box::pin(discard(at))
        }),
        Case::new(
            "upgrade::late_plaintext",
            "plaintext that comes after the upgrade has begun fails it, and nobody receives it",
            |at| Box::pin(late_plaintext(at)),
        ),
        Case::new(
            "upgrade::long_line",
            "the rest of an over-long line is dropped before the handshake begins",
            |at| Box::pin(long_line(at)),
        ),
        Case::new(
            "upgrade::cancelled_receive",
            "bytes that a dropped receive has read are left, and refused",
            |at| Box::pin(cancelled_receive(at)),
        ),
    ]
}

/// The line that asks for the upgrade, or grants it.
const ASKED: &[u8] = b"STARTTLS\r\n";

const TEXTS: [&[u8]; 4] = [b"250 INJECTED\r\n", b"250 INJ", b"x", b"\r\n"];

/// A pair of which the stream has received the line, with `behind` in its buffer.
pub(super) async fn asked<F: Fixture>(at: &F, behind: &[u8]) -> Result<Pair<F>, Stop> {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(&[ASKED, behind].concat())?;
    stream.peek_at_least(ASKED.len() + behind.len()).await?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "STARTTLS"), "the line that asks for it")?;
    ensure_eq(stream.received(), behind, "what is behind it")?;
    Ok((stream, peer))
}

/// What the peer says first; of a server, to somebody else.
fn first_flight(setup: &Setup) -> Result<Vec<u8>, Stop> {
    let mut theirs = setup.theirs()?;
    if setup.ours == Ours::Client {
        let hello = flight(&mut Setup { ours: Ours::Server, ..setup.clone() }.theirs()?)?;
        theirs.read_tls(&mut &hello[..])?;
        theirs.process_new_packets().map_err(io::Error::other)?;
    }
    Ok(flight(&mut theirs)?)
}

/// Whether lines go both ways.
pub(super) async fn ensure_lines<T: Transport>(
    stream: &mut Stream<T>,
    peer: &mut TlsPeer,
    what: &str,
) -> Verdict {
    stream.send_line("question").await?;
    let mut question = [0; 10];
    peer.read_exact(&mut question)?;
    ensure_eq(&question, b"question\r\n", format!("{what}: what the peer received"))?;
    peer.write_all(b"answer\n")?;
    let answer = stream.recv_line().await?;
    ensure(answer.is_some_and(|line| line == "answer"), format!("{what}: what we received"))
}

async fn in_place<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = asked(at, b"").await?;
        stream.set_line_policy(LinePolicy::new(7));
        stream.set_line_end(LineEnd::Lf);
        let mut limits = *stream.limits();
        limits.queue_bytes_max = 99;
        stream.set_limits(limits);
        stream.set_line_policy(LinePolicy::new(7));
        let (_, mut peer) = secure(&mut stream, wire, &setup).await?;
        ensure_eq(&(stream.line_policy().max, stream.limits().queue_bytes_max), &(7, 99), "the settings")?;
        peer.write_all(b"too long\nfits in\n")?;
        ensure(ensure_err(stream.recv_line().await, "a line of 8 bytes")?.is_line_too_long(), "the limit")?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "fits in"), "the line behind it")?;
        stream.send_line("x").await?;
        let mut sent = [0; 2];
        peer.read_exact(&mut sent)?;
        ensure_eq(&sent, b"x\n", "the line end")?;
    }
    Ok(())
}

async fn queued<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = asked(at, b"").await?;
        let mut peer = setup.peer(wire)?;
        stream.queue_line("220 go")?;
        stream.queue_line("ahead")?;
        let peer = std::thread::spawn(move || {
            let mut plain = [0; 15];
            peer.wire()?.read_exact(&mut plain)?;
            peer.write_all(b"over TLS\n")?;
            Ok((plain, peer))
        });
        stream.start_tls(setup.how()?).await?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "over TLS"), "the first line over TLS")?;
        let (plain, mut peer) = joined(peer)?;
        ensure_eq(&plain, b"220 go\r\nahead\r\n", "what came as plaintext")?;
        ensure_lines(&mut stream, &mut peer, "behind it").await?;
    }
    Ok(())
}

/// Whether an upgrade was refused for these bytes, and nothing has changed.
fn ensure_refused<T: Transport>(
    outcome: Result<impl Sized, Error>,
    stream: &Stream<T>,
    left: &[u8],
) -> Verdict {
    let error = tls_error(outcome, "an upgrade with plaintext left")?;
    ensure_eq(&error, &TlsError::Leftover { len: left.len() }, "why it was refused")?;
    ensure_eq(&error.fault(), &Fault::Peer, "whose fault it is")?;
    ensure(!stream.is_tls() && !stream.is_handshaking(), "nothing has begun")?;
    ensure_eq(stream.received(), left, "what is left")
}

async fn refuse<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for left in TEXTS {
            let (mut stream, mut wire) = asked(at, left).await?;
            for _ in 0..2 {
                ensure_refused(stream.start_tls(setup.how()?).await, &stream, left)?;
            }
            let error = tls_error(stream.handshake().await, "no handshake")?;
            ensure_eq(&error, &TlsError::NotStarted, "no handshake")?;
            // It is as plain as before, in both directions.
            stream.send_line("plain").await?;
            let mut plain = [0; 7];
            wire.read_exact(&mut plain)?;
            ensure_eq(&plain, b"plain\r\n", "the first bytes that the peer got")?;
            wire.write_all(b" and more\n")?;
            let rest = stream.recv_until(b" and more\n", 100).await?.map(<[u8]>::to_vec);
            ensure_eq(&rest.as_deref(), &Some(left), "what was left, and what came since")?;
            // Without it, the upgrade is as good as any.
            let (_, mut peer) = secure(&mut stream, wire, &setup).await?;
            ensure_lines(&mut stream, &mut peer, "after a second upgrade").await?;
        }
    }
    Ok(())
}

async fn refused_and_closed<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let hello = first_flight(&setup)?;
        for left in [TEXTS[0], &hello] {
            let (mut stream, wire) = asked(at, left).await?;
            stream.queue_line("queued")?;
            ensure_refused(stream.start_tls(setup.how()?).await, &stream, left)?;
            let said = collect(wire);
            ensure_eq(&stream.close().await?, &Closed::PeerEnded, "the close")?;
            ensure_eq(&joined(said)?[..], b"queued\r\n", "all that the peer got")?;
        }
    }
    Ok(())
}

async fn into_tls<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        let setup = Setup::new(version, Ours::Server);
        let hello = first_flight(&setup)?.len();
        for early in [1, 4, 5, 6, hello / 2, hello - 1, hello] {
            let what = format!("{version:?}, {early} bytes of {hello} came early");
            let (mut stream, wire) = at.pair().await?;
            let mut peer = setup.peer(wire)?;
            let hello = peer.output()?;
            peer.wire()?.write_all(&[ASKED, &hello[..early]].concat())?;
            stream.peek_at_least(ASKED.len() + early).await?;
            stream.recv_line().await?;
            ensure_eq(&stream.received_len(), &early, &what)?;
            let peer = std::thread::spawn(move || {
                peer.wire()?.write_all(&hello[early..])?;
                peer.write_all(b"!")?;
                Ok(peer)
            });
            stream.start_tls(setup.how()?.leftover(Leftover::IntoTls)).await?;
            ensure_eq(&stream.recv_owned(8).await?[..], b"!", &what)?;
            ensure_lines(&mut stream, &mut joined(peer)?, &what).await?;
        }
    }
    Ok(())
}

async fn text_into_tls<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let mut rows = vec![TEXTS[0].to_vec(), b"MAIL FROM:<mallory>\r\n".to_vec()];
        if setup.ours == Ours::Client {
            // What a server says to a hello that it has not seen.
            rows.push(first_flight(&setup)?);
        }
        for left in rows {
            let start = left[..5].escape_ascii().to_string();
            let what = format!("{}, {start:?} and more", setup.what());
            let (mut stream, wire) = asked(at, &left).await?;
            let how = setup.how()?.leftover(Leftover::IntoTls);
            let error = tls_error(stream.start_tls(how).await, &what)?;
            ensure_eq(&error.fault(), &Fault::Peer, format!("{what}: {error:?}"))?;
            let is_text = left.is_ascii();
            ensure_eq(&(error == TlsError::NotTls), &is_text, format!("{what}: {error:?}"))?;
            ensure_failed(&mut stream, &error).await?;
            ensure_eq(&stream.received_len(), &0, "nobody receives it")?;
            let said = collect(wire);
            stream.close().await?;
            ensure_refusal(&joined(said)?, &setup, &what)?;
        }
    }
    Ok(())
}

/// Whether a peer got the first message of a client, if that is ours, and an alert that is fatal, or sealed.
fn ensure_refusal(said: &[u8], setup: &Setup, what: &str) -> Verdict {
    let said = records(said)?;
    let hello = usize::from(setup.ours == Ours::Client);
    ensure_eq(&said.iter().filter(|record| record.kind == HANDSHAKE).count(), &hello, "hellos of ours")?;
    let last = said.last().filter(|last| last.is_alert());
    let is_fatal = last.is_some_and(|last| last.kind != ALERT || last.body[0] == 2);
    ensure(is_fatal, format!("{what}: the peer got {said:?}"))
}

async fn discard<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for left in TEXTS {
            let (mut stream, wire) = asked(at, left).await?;
            let how = setup.how()?.leftover(Leftover::Discard);
            // It receives what it should over TLS, and nothing before it.
            let (_, mut peer) = secure_as(&mut stream, wire, &setup, how).await?;
            ensure_eq(&stream.received_len(), &0, "what is left of it")?;
            ensure_lines(&mut stream, &mut peer, "over TLS").await?;
        }
    }
    Ok(())
}

async fn late_plaintext<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut wire) = asked(at, b"").await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none() && stream.is_handshaking(), "it waits for its peer")?;
        wire.write_all(b"250 INJECTED\r\n250 AGAIN\r\n")?;
        let error = tls_error(stream.start_tls(setup.how()?).await, "plaintext in the middle of it")?;
        ensure_eq(&error, &TlsError::NotTls, setup.what())?;
        ensure_failed(&mut stream, &error).await?;
        ensure_eq(&stream.received_len(), &0, "nobody receives it")?;
        let said = collect(wire);
        stream.close().await?;
        ensure_refusal(&joined(said)?, &setup, &setup.what())?;
    }
    Ok(())
}

async fn long_line<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for cut in [0, 1, 5] {
            let (mut stream, wire) = at.pair().await?;
            stream.set_line_policy(LinePolicy::new(4));
            let mut peer = setup.peer(wire)?;
            peer.wire()?.write_all(b"12345678")?;
            stream.peek_at_least(8).await?;
            let error = ensure_err(stream.recv_line().await, "a line that is too long")?;
            ensure(error.is_line_too_long(), format!("{error:?}"))?;
            let peer = std::thread::spawn(move || {
                // A client's hello comes right behind the line, and a server's after ours.
                let rest = b"rest of it\r\n";
                peer.wire()?.write_all(&rest[..cut])?;
                let hello = peer.output()?;
                peer.wire()?.write_all(&[&rest[cut..], &hello].concat())?;
                peer.write_all(b"!")?;
                Ok(peer)
            });
            stream.start_tls(setup.how()?.leftover(Leftover::IntoTls)).await?;
            ensure_eq(&stream.recv_owned(8).await?[..], b"!", "the first byte over TLS")?;
            ensure_eq(&stream.line_policy().max, &4, "the policy is as it was")?;
            drop(joined(peer)?);
        }

        // Text behind it is left over as ever.
        let (mut stream, mut wire) = at.pair().await?;
        stream.set_line_policy(LinePolicy::new(4));
        wire.write_all(b"12345678")?;
        stream.peek_at_least(8).await?;
        ensure(ensure_err(stream.recv_line().await, "a long line")?.is_line_too_long(), "a long line")?;
        wire.write_all(b"90\r\ninjected\r\n")?;
        ensure_refused(stream.start_tls(setup.how()?).await, &stream, b"injected\r\n")?;

        // A line that does not end in its budget ends the stream, before TLS.
        let mut limits = Limits::default();
        limits.discard_bytes_max = 10;
        let (mut stream, mut wire) = at.pair_with(limits).await?;
        stream.set_line_policy(LinePolicy::new(4));
        wire.write_all(b"12345678")?;
        stream.peek_at_least(8).await?;
        ensure(ensure_err(stream.recv_line().await, "a long line")?.is_line_too_long(), "a long line")?;
        wire.write_all(&[b'x'; 20])?;
        let error = ensure_err(stream.start_tls(setup.how()?).await, "an endless line")?;
        ensure(matches!(error, Error::Recv(_)), format!("{error:?}"))?;
        ensure(!stream.is_handshaking(), "nothing has begun")?;
    }
    Ok(())
}

async fn cancelled_receive<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut wire) = at.pair().await?;
        let mut pieces = [&b"half "[..], b"a li"].into_iter();
        let mut next = || {
            pieces.next().map(|piece| wire.write_all(piece));
        };
        for _ in 0..2 {
            let line = drop_and_go_on(1, stream.recv_line(), &mut next).await;
            ensure(line.is_none(), "half a line is none")?;
        }
        ensure(drop_after(1, stream.recv_line(), || ()).await.is_none(), "half a line is none")?;
        ensure_refused(stream.start_tls(setup.how()?).await, &stream, b"half a li")?;
        // The check sees the buffer alone. What is still in the kernel meets the handshake.
        stream.consume(9);
        wire.write_all(b"ne\r\n injected\r\n")?;
        let error = tls_error(stream.start_tls(setup.how()?).await, "bytes that nobody has read")?;
        ensure_eq(&error, &TlsError::NotTls, setup.what())?;
        ensure_eq(&stream.received_len(), &0, "nobody receives them")?;
    }
    Ok(())
}
