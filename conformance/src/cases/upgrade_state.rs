//! An upgrade that is not done yet: dropped, called again, called in another way, or not called at all.

use super::cancel::{FILLING, fill_up};
use super::session::{Ours, Setup, ensure_every_call, ensure_failed, secure_as, tls_error};
use super::upgrade::{asked, ensure_lines};
use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::joined;
use crate::pki::ClientSetup;
use crate::steps::{drop_after, drop_and_go_on};
use asyncnet_driver::tls::{Leftover, StartTls, TlsError};
use asyncnet_driver::{Error, Fault, SendError};
use std::io::{Read, Write};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "upgrade::pending",
            "in the middle of a handshake nothing is sent or received, and every call says so",
            |at| Box::pin(pending(at)),
        ),
        Case::new("upgrade::dropped", "dropped at any wait, it goes on when it is called again", |at| {
            Box::pin(dropped(at))
        }),
        Case::new(
            "upgrade::dropped_before",
            "dropped before it has begun, it leaves the stream as it was",
            |at| Box::pin(dropped_before(at)),
        ),
        Case::new(
            "upgrade::another",
            "a handshake that is under way, or done, is not begun in another way",
            |at| Box::pin(another(at)),
        ),
        Case::new(
            "upgrade::ended",
            "a stream whose ends are closed is not upgraded, and one without TLS has no handshake",
            |at| Box::pin(ended(at)),
        ),
    ]
}

async fn pending<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = asked(at, b"").await?;
        let mut peer = setup.peer(wire)?;
        // Half of a client's first message is here, too: none of the calls takes of it.
        let early = peer.output()?;
        let (first, rest) = early.split_at(early.len() / 2);
        peer.wire()?.write_all(first)?;
        let rest = rest.to_vec();
        for _ in 0..2 {
            let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
            ensure(started.is_none() && stream.is_handshaking() && !stream.is_tls(), "it is under way")?;
            ensure_every_call(&mut stream, &TlsError::HandshakePending).await?;
            ensure_eq(
                &(stream.queued_len(), stream.received_len()),
                &(0, 0),
                "nothing was queued or received",
            )?;
        }
        let peer = std::thread::spawn(move || {
            peer.wire()?.write_all(&rest)?;
            peer.write_all(b"text\n")?;
            let mut got = [0; 10];
            peer.read_exact(&mut got)?;
            peer.write_all(b"answer\n")?;
            Ok((got, peer))
        });
        stream.handshake().await?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "text"), "the first line over TLS")?;
        stream.send_line("question").await?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "answer"), "the answer")?;
        let (got, _) = joined(peer)?;
        ensure_eq(&got, b"question\r\n", "the first that the peer got over TLS")?;
    }
    Ok(())
}

async fn dropped<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for resumed_by in ["start_tls", "handshake", "either"] {
            for waits in 1..=2 {
                let what = format!("{}, by {resumed_by}, after {waits} waits", setup.what());
                let (mut stream, wire) = asked(at, b"").await?;
                stream.queue_line("go ahead")?;
                let mut peer = setup.peer(wire)?;
                let peer = std::thread::spawn(move || {
                    peer.wire()?.read_exact(&mut [0; 10])?;
                    peer.write_all(b"!")?;
                    Ok(peer)
                });
                let mut done = None;
                for n in 0..1_000 {
                    let again = stream.is_handshaking() && (resumed_by == "handshake" || n % 2 == 1);
                    let outcome = if again && resumed_by != "start_tls" {
                        drop_and_go_on(waits, stream.handshake(), || ()).await
                    } else {
                        drop_and_go_on(waits, stream.start_tls(setup.how()?), || ()).await
                    };
                    if let Some(outcome) = outcome {
                        done = Some(outcome?);
                        break;
                    }
                    ensure(!stream.is_tls(), format!("{what}: it is done, and did not say so"))?;
                }
                ensure(done.is_some() && stream.is_tls(), format!("{what}: it does not come to an end"))?;
                ensure_eq(&stream.tls_info(), &done, &what)?;
                ensure_eq(&stream.recv_owned(8).await?[..], b"!", &what)?;
                ensure_lines(&mut stream, &mut joined(peer)?, &what).await?;
            }
        }
    }
    Ok(())
}

async fn dropped_before<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = at.pair().await?;
        fill_up(&mut stream).await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none(), "it waits until what is queued is sent")?;
        ensure(!stream.is_handshaking() && !stream.is_tls(), "it has not begun")?;
        ensure(stream.try_line()?.is_none(), "no call says that it is pending")?;
        let mut peer = setup.peer(wire)?;
        let peer = std::thread::spawn(move || {
            let mut plain = vec![0; FILLING];
            peer.wire()?.read_exact(&mut plain)?;
            peer.write_all(b"!")?;
            Ok((plain.iter().all(|byte| *byte == b'f'), peer))
        });
        stream.start_tls(setup.how()?).await?;
        ensure_eq(&stream.recv_owned(8).await?[..], b"!", "the first byte over TLS")?;
        let (whole, mut peer) = joined(peer)?;
        ensure(whole, "the filling is torn")?;
        ensure_lines(&mut stream, &mut peer, "over TLS").await?;
    }
    Ok(())
}

async fn another<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let others = [
            StartTls::client(&ClientSetup::new(setup.version).config(), "localhost").map_err(Error::from)?,
            StartTls::client(&setup.client, "127.0.0.1").map_err(Error::from)?,
            StartTls::server(&Setup::new(setup.version, Ours::Server).server),
        ];
        let (mut stream, wire) = at.pair().await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none(), "it waits for its peer")?;
        for how in &others {
            let error = tls_error(stream.start_tls(how.clone()).await, "another")?;
            ensure_eq(&error, &TlsError::AlreadyStarted, "another in the middle")?;
            ensure_eq(&error.fault(), &Fault::Caller, "whose fault it is")?;
        }
        ensure(stream.is_handshaking(), "it is under way all the same")?;
        // The policy for what is left is no part of what it is.
        let how = setup.how()?.leftover(Leftover::Discard);
        let (info, mut peer) = secure_as(&mut stream, wire, &setup, how).await?;
        for how in others.into_iter().chain([setup.how()?]) {
            let error = tls_error(stream.start_tls(how).await, "another")?;
            ensure_eq(&error, &TlsError::AlreadyStarted, "another, or the same, when it is done")?;
        }
        ensure_eq(&stream.handshake().await?, &info, "one that is done")?;
        ensure_lines(&mut stream, &mut peer, "it works all the same").await?;
    }
    Ok(())
}

async fn ended<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, _wire) = at.pair().await?;
        let error = tls_error(stream.handshake().await, "no TLS")?;
        ensure_eq(&error, &TlsError::NotStarted, "a handshake without TLS")?;
        stream.shutdown_write().await?;
        let error = ensure_err(stream.start_tls(setup.how()?).await, "our end")?;
        ensure(matches!(error, Error::Send(SendError::Closed)), format!("{error:?}"))?;
        ensure(!stream.is_handshaking(), "nothing has begun")?;
        stream.abort();
        let error = ensure_err(stream.start_tls(setup.how()?).await, "a closed stream")?;
        ensure(matches!(error, Error::Closed), format!("{error:?}"))?;
        let error = ensure_err(stream.handshake().await, "a closed stream")?;
        ensure(matches!(error, Error::Closed), format!("{error:?}"))?;

        let (mut stream, mut wire) = asked(at, b"").await?;
        wire.shutdown_write()?;
        ensure(stream.recv_line().await?.is_none(), "the peer's end")?;
        let error = tls_error(stream.start_tls(setup.how()?).await, "the peer's end")?;
        ensure_eq(&error, &TlsError::HandshakeEnded, "the peer's end")?;
        ensure_failed(&mut stream, &error).await?;
    }
    Ok(())
}
