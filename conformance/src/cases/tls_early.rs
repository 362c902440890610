//! A client's early data: handed out by a call of their own, bounded, once, and mixed with nothing else.

use super::session::{Ours, Setup, alert_seen, ensure_failed, flight, secure, tls_error};
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::peer::{Peer, joined};
use crate::pki::{self, Version};
use crate::steps::{drop_after, drop_and_go_on};
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::{AlertDescription, ClientConnection, Connection};
use asyncnet_driver::tls::{Leftover, TlsError, TlsInfo};
use asyncnet_driver::{Closed, Fault, Limits, Stream, Transport};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// What a server accepts here.
const BYTES_MAX: u32 = 1_000;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("early::before", "early data are received before the handshake is done", |at| {
            Box::pin(before(at))
        }),
        Case::new(
            "early::unread",
            "early data that are left when the handshake is done are not taken for what comes later",
            |at| Box::pin(unread(at)),
        ),
        Case::new("early::dropped", "dropped at any wait, no byte of early data is lost", |at| {
            Box::pin(dropped(at))
        }),
        Case::new("early::replayed", "the same first flight is accepted once", |at| Box::pin(replayed(at))),
        Case::new("early::too_much", "more early data than are accepted fail the handshake", |at| {
            Box::pin(too_much(at))
        }),
        Case::new("early::off", "a server that accepts none skips them, and TLS goes on", |at| {
            Box::pin(off(at))
        }),
        Case::new("early::silent", "behind early data the handshake has its time too", |at| {
            Box::pin(silent(at))
        }),
        Case::new("early::closed", "a stream with early data that nobody took closes well", |at| {
            Box::pin(closed(at))
        }),
    ]
}

/// A server that accepts early data, and a client that has a ticket of its.
async fn acquainted<F: Fixture>(at: &F) -> Result<Setup, Stop> {
    let mut setup = Setup::new(Version::Tls13, Ours::Server);
    Arc::make_mut(&mut setup.server).max_early_data_size = BYTES_MAX;
    Arc::make_mut(&mut setup.client).enable_early_data = true;
    let (mut stream, wire) = at.pair().await?;
    let (info, mut peer) = secure(&mut stream, wire, &setup).await?;
    ensure_eq(&info.early_data_bytes(), &0, "there are none before there is a session")?;
    // A client reads its tickets with the first text.
    stream.send(b"?").await?;
    peer.read_exact(&mut [0])?;
    Ok(setup)
}

/// A server like this one, with the same memory of sessions, that accepts so much.
fn accepting(setup: &Setup, bytes_max: u32) -> Setup {
    let mut other = setup.clone();
    Arc::make_mut(&mut other.server).max_early_data_size = bytes_max;
    other
}

/// The client, with early data in a record for each piece.
fn client(setup: &Setup, pieces: &[&[u8]]) -> Result<Connection, Stop> {
    let failed = |error: &dyn std::fmt::Display| Stop::Failed(error.to_string());
    let name = pki::server_name(setup.name);
    let mut client =
        ClientConnection::new(Arc::clone(&setup.client), name).map_err(|error| failed(&error))?;
    for piece in pieces {
        let mut early = client.early_data().ok_or_else(|| failed(&"the client has no ticket"))?;
        early.write_all(piece)?;
    }
    Ok(client.into())
}

/// Begins the handshake, which waits for its peer.
async fn begin<T: Transport>(stream: &mut Stream<T>, setup: &Setup) -> Verdict {
    let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
    ensure(started.is_none() && stream.is_handshaking(), "it waits for its peer")
}

async fn before<F: Fixture>(at: &F) -> Verdict {
    let setup = acquainted(at).await?;
    let mut theirs = client(&setup, &[b"first ", b"words"])?;
    let first = flight(&mut theirs)?;
    let (mut stream, mut wire) = at.pair().await?;
    let error = tls_error(stream.recv_early_data(&mut [0; 8]).await, "no TLS")?;
    ensure_eq(&error, &TlsError::NotStarted, "no TLS")?;
    begin(&mut stream, &setup).await?;
    ensure_eq(&stream.recv_early_data(&mut []).await?, &0, "no room, no wait")?;
    wire.write_all(&first)?;
    // The peer says nothing more before they were received.
    let mut early = Vec::new();
    while early.len() < 11 {
        let mut some = [0; 4];
        let n = stream.recv_early_data(&mut some).await?;
        ensure(n > 0, "there are more")?;
        early.extend_from_slice(&some[..n]);
    }
    ensure_eq(&early[..], b"first words", "early data")?;
    ensure(stream.is_handshaking() && stream.tls_info().is_none(), "the handshake is not done")?;
    let error = tls_error(stream.recv(&mut [0; 8]).await, "ordinary text")?;
    ensure_eq(&error, &TlsError::HandshakePending, "ordinary text")?;
    let mut peer = TlsPeer::new(wire, theirs);
    let peer = std::thread::spawn(move || {
        peer.write_all(b"and more\n")?;
        Ok(peer)
    });
    ensure_eq(&stream.recv_early_data(&mut [0; 8]).await?, &0, "there are no more")?;
    let info = stream.handshake().await?;
    ensure_eq(&(info.early_data_bytes(), info.is_resumed()), &(11, true), "what is told of them")?;
    let line = stream.recv_line().await?.map(|line| line.to_str_lossy().into_owned());
    ensure_eq(&line.as_deref(), &Some("and more"), "what comes after")?;
    super::upgrade::ensure_lines(&mut stream, &mut joined(peer)?, "after early data").await
}

/// A handshake that is made to its end, with a line of the client's behind it: what it agreed on.
async fn made<F: Fixture>(
    at: &F,
    setup: &Setup,
    pieces: &[&[u8]],
) -> Result<(Stream<F::Transport>, TlsInfo, TlsPeer), Stop> {
    let (mut stream, wire) = at.pair().await?;
    let mut peer = TlsPeer::new(wire, client(setup, pieces)?);
    let peer = std::thread::spawn(move || {
        peer.write_all(b"text\n")?;
        Ok(peer)
    });
    let info = stream.start_tls(setup.how()?).await?;
    Ok((stream, info, joined(peer)?))
}

async fn unread<F: Fixture>(at: &F) -> Verdict {
    let setup = acquainted(at).await?;
    let (mut stream, info, mut peer) = made(at, &setup, &[b"early\n", b"twice\n"]).await?;
    ensure_eq(&info.early_data_bytes(), &12, "how many")?;
    let mut left = 12;
    let mut some = [0; 5];
    while left > 0 {
        let expected = TlsError::EarlyDataUnread { len: left };
        ensure_eq(&expected.fault(), &Fault::Caller, "whose fault it is")?;
        for _ in 0..2 {
            ensure_eq(&tls_error(stream.recv(&mut [0; 8]).await, "a receive")?, &expected, "a receive")?;
            ensure_eq(&tls_error(stream.recv_line().await.map(drop), "a line")?, &expected, "a line")?;
        }
        ensure_eq(&stream.received_len(), &0, "what can be received")?;
        let n = stream.recv_early_data(&mut some).await?;
        ensure_eq(&some[..n], &b"early\ntwice\n"[12 - left..][..n], "early data, in their order")?;
        left -= n;
    }
    // Sending was never in question.
    stream.send_line("answer").await?;
    let mut answer = [0; 8];
    peer.read_exact(&mut answer)?;
    ensure_eq(&answer, b"answer\r\n", "what the peer got")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "text"), "what comes after")?;
    ensure_eq(&stream.recv_early_data(&mut some).await?, &0, "there are no more")?;
    super::upgrade::ensure_lines(&mut stream, &mut peer, "after early data").await
}

async fn dropped<F: Fixture>(at: &F) -> Verdict {
    let setup = acquainted(at).await?;
    let mut theirs = client(&setup, &[b"one ", b"two ", b"three"])?;
    let first = flight(&mut theirs)?;
    let (mut stream, mut wire) = at.pair().await?;
    begin(&mut stream, &setup).await?;
    let (mut early, mut bytes) = (Vec::new(), first.iter());
    while early.len() < 13 {
        // A byte each time it waits: so it is dropped everywhere.
        let step = || drop(bytes.next().map(|byte| wire.write_all(&[*byte])));
        let mut some = [0; 3];
        if let Some(n) = drop_and_go_on(1, stream.recv_early_data(&mut some), step).await.transpose()? {
            ensure(n > 0, "it ends before all came")?;
            early.extend_from_slice(&some[..n]);
        }
    }
    ensure_eq(&early[..], b"one two three", "early data")?;
    ensure_eq(&bytes.len(), &0, "what of the flight is not sent")?;
    let mut peer = TlsPeer::new(wire, theirs);
    let peer = std::thread::spawn(move || {
        peer.write_all(b"text\n")?;
        Ok(peer)
    });
    while stream.is_handshaking() {
        let n = drop_and_go_on(1, stream.recv_early_data(&mut [0; 8]), || ()).await.transpose()?;
        ensure_eq(&n.unwrap_or(0), &0, "there are no more")?;
    }
    ensure_eq(&stream.handshake().await?.early_data_bytes(), &13, "how many")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "text"), "what comes after")?;
    super::upgrade::ensure_lines(&mut stream, &mut joined(peer)?, "after early data").await
}

async fn replayed<F: Fixture>(at: &F) -> Verdict {
    let setup = acquainted(at).await?;
    let first = flight(&mut client(&setup, &[b"pay"])?)?;
    for accepted in [true, false, false] {
        let (mut stream, mut wire) = at.pair().await?;
        begin(&mut stream, &setup).await?;
        wire.write_all(&first)?;
        wire.shutdown_write()?;
        if accepted {
            let mut some = [0; 8];
            let n = stream.recv_early_data(&mut some).await?;
            ensure_eq(&some[..n], b"pay", "the first time")?;
        }
        let error = tls_error(stream.recv_early_data(&mut [0; 8]).await, "what was recorded")?;
        ensure_eq(&error, &TlsError::HandshakeEnded, "nobody goes on with it")?;
        ensure_failed(&mut stream, &error).await?;
    }
    Ok(())
}

async fn too_much<F: Fixture>(at: &F) -> Verdict {
    let setup = accepting(&acquainted(at).await?, 10);
    for pieces in [&[&b"0123456789a"[..]][..], &[b"012345678", b"9", b"a"]] {
        let setup = if pieces.len() == 1 { setup.clone() } else { accepting(&acquainted(at).await?, 10) };
        let (mut stream, wire) = at.pair().await?;
        let mut peer = TlsPeer::new(wire, client(&setup, pieces)?);
        begin(&mut stream, &setup).await?;
        let peer = std::thread::spawn(move || Ok((peer.read(&mut [0; 1]), peer)));
        let error = loop {
            match stream.recv_early_data(&mut [0; 8]).await {
                Ok(0) => return Err(Stop::Failed("the handshake succeeded".to_owned())),
                Ok(_) => {}
                error => break tls_error(error, "too much")?,
            }
        };
        ensure(matches!(error, TlsError::Protocol(_)), format!("{error:?}"))?;
        ensure_failed(&mut stream, &error).await?;
        let (outcome, _peer) = joined(peer)?;
        ensure_eq(&alert_seen(&outcome), &Some(AlertDescription::UnexpectedMessage), "the alert")?;
    }
    Ok(())
}

async fn off<F: Fixture>(at: &F) -> Verdict {
    let setup = accepting(&acquainted(at).await?, 0);
    let (mut stream, info, mut peer) = made(at, &setup, &[b"early\n", b"twice\n"]).await?;
    ensure_eq(&info.early_data_bytes(), &0, "how many")?;
    ensure(info.is_resumed(), "the session is resumed all the same")?;
    ensure_eq(&stream.recv_early_data(&mut [0; 8]).await?, &0, "there are none")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "text"), "what comes after")?;
    super::upgrade::ensure_lines(&mut stream, &mut peer, "without early data").await
}

async fn silent<F: Fixture>(at: &F) -> Verdict {
    let time = Duration::from_millis(30);
    let mut limits = Limits::default();
    limits.handshake_time_max = time;
    let setup = acquainted(at).await?;
    let first = flight(&mut client(&setup, &[b"early"])?)?;
    let (mut stream, mut wire) = at.pair_with(limits).await?;
    wire.write_all(&first)?;
    let how = setup.how()?.leftover(Leftover::IntoTls);
    ensure(drop_after(1, stream.start_tls(how), || ()).await.is_none(), "it waits for its peer")?;
    let receiving = async {
        loop {
            if let Err(error) = stream.recv_early_data(&mut [0; 1]).await {
                return error;
            }
        }
    };
    let (error, ()) = futures_lite::future::zip(receiving, at.elapse(time)).await;
    let error = tls_error::<()>(Err(error), "a silent client")?;
    ensure_eq(&error, &TlsError::HandshakeTimedOut { after_ms: 30 }, "a silent client")?;
    ensure_failed(&mut stream, &error).await?;
    let error = tls_error(stream.recv_early_data(&mut [0; 1]).await, "asked again")?;
    ensure_eq(&error, &TlsError::HandshakeTimedOut { after_ms: 30 }, "asked again")
}

async fn closed<F: Fixture>(at: &F) -> Verdict {
    let setup = acquainted(at).await?;
    let (mut stream, _, mut peer) = made(at, &setup, &[b"early\n"]).await?;
    stream.queue_line("bye")?;
    let peer = std::thread::spawn(move || {
        let mut text = Vec::new();
        peer.read_to_end(&mut text)?;
        peer.shutdown_write()?;
        Ok(text)
    });
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "the close")?;
    ensure_eq(&joined(peer)?[..], b"bye\r\n", "what the peer got, and a clean end")
}
