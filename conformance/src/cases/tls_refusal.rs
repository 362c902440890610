//! A client that is turned away after a look at its first message: the alert it gets, and what is left of the stream.

use super::cancel::{FILLING, fill_up};
use super::send::collect;
use super::session::{Ours, Setup, alert_seen, ensure_failed, tls_error};
use super::upgrade::asked;
use super::wire::Tap;
use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq};
use crate::peer::joined;
use crate::pki::Version;
use crate::steps::{drop_after, drop_and_go_on};
use asyncnet_driver::tls::{Leftover, Refusal, TlsError};
use asyncnet_driver::{Closed, Fault, Limits};
use std::io::Read;
use std::time::Duration;

const REFUSALS: [Refusal; 9] = [
    Refusal::HandshakeFailure,
    Refusal::AccessDenied,
    Refusal::DecodeError,
    Refusal::ProtocolVersion,
    Refusal::InsufficientSecurity,
    Refusal::InternalError,
    Refusal::MissingExtension,
    Refusal::UnrecognizedName,
    Refusal::NoApplicationProtocol,
];

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "refusal::alert",
            "a client that is refused gets the alert alone, and the stream can only be closed",
            |at| Box::pin(alert(at)),
        ),
        Case::new("refusal::queued", "what is queued as plaintext goes before the alert", |at| {
            Box::pin(queued(at))
        }),
        Case::new("refusal::begun", "what has begun TLS is not refused, nor refused in two ways", |at| {
            Box::pin(begun(at))
        }),
        Case::new("refusal::dropped", "dropped at any wait, it goes on when it is called again", |at| {
            Box::pin(dropped(at))
        }),
        Case::new("refusal::stuck", "a client that does not take the alert has a time", |at| {
            Box::pin(stuck(at))
        }),
    ]
}

/// The record of RFC 8446, sections 5.1 and 6.
fn record(refusal: Refusal) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, refusal.alert().code()]
}

fn refused(refusal: Refusal) -> TlsError {
    TlsError::ClientRefused(refusal.alert())
}

async fn alert<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        let setup = Setup::new(version, Ours::Server);
        for refusal in REFUSALS {
            let (mut stream, wire) = at.pair().await?;
            let (wire, seen) = Tap::on(wire);
            let mut peer = setup.peer(wire)?;
            let peer = std::thread::spawn(move || {
                let outcome = peer.read(&mut [0; 1]);
                peer.wire()?.read_to_end(&mut Vec::new())?;
                Ok(outcome)
            });
            stream.client_hello().await?;
            stream.refuse_client(refusal).await?;
            let error = refused(refusal);
            ensure_eq(&error.fault(), &Fault::Caller, "whose fault it is")?;
            ensure_failed(&mut stream, &error).await?;
            ensure_eq(&stream.received_len(), &0, "what the client said is gone")?;
            let again = tls_error(stream.client_hello().await, "another look")?;
            ensure_eq(&again, &TlsError::AlreadyStarted, "another look")?;
            let closed = stream.close().await?;
            let outcome = joined(peer)?;
            let seen_alert = alert_seen(&outcome).map(u8::from);
            ensure_eq(&seen_alert, &Some(refusal.alert().code()), format!("the alert: {outcome:?}"))?;
            ensure_eq(&seen.take()[..], &record(refusal)[..], "all that the client got")?;
            ensure_eq(&closed, &Closed::PeerEnded, "the close")?;
        }
    }
    Ok(())
}

async fn queued<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, wire) = asked(at, b"").await?;
    stream.queue_line("220 go ahead")?;
    stream.refuse_client(Refusal::AccessDenied).await?;
    let said = collect(wire);
    stream.close().await?;
    let said = joined(said)?;
    ensure_eq(
        &said[..],
        &[b"220 go ahead\r\n", &record(Refusal::AccessDenied)[..]].concat()[..],
        "what went out",
    )
}

async fn begun<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, _peer) = at.pair().await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none(), "it waits for its peer")?;
        let error = tls_error(stream.refuse_client(Refusal::InternalError).await, "a handshake under way")?;
        ensure_eq(&error, &TlsError::AlreadyStarted, "the error")?;
        ensure(stream.is_handshaking(), "it is under way all the same")?;
    }
    let (mut stream, wire) = at.pair().await?;
    stream.refuse_client(Refusal::InternalError).await?;
    stream.refuse_client(Refusal::InternalError).await?;
    let error = tls_error(stream.refuse_client(Refusal::AccessDenied).await, "another alert")?;
    ensure_eq(&error, &TlsError::AlreadyStarted, "the error")?;
    let setup = Setup::new(Version::Tls13, Ours::Server);
    let how = setup.how()?.leftover(Leftover::IntoTls);
    let error = tls_error(stream.start_tls(how).await, "a handshake after it")?;
    ensure_eq(&error, &TlsError::AlreadyStarted, "the error")?;
    let said = collect(wire);
    stream.close().await?;
    ensure_eq(&joined(said)?[..], &record(Refusal::InternalError)[..], "it is said once")
}

async fn dropped<F: Fixture>(at: &F) -> Verdict {
    for waits in 1..=2 {
        let (mut stream, wire) = at.pair().await?;
        fill_up(&mut stream).await?;
        let started = drop_after(1, stream.refuse_client(Refusal::UnrecognizedName), || ()).await;
        ensure(
            started.is_none() && stream.try_line()?.is_none(),
            "it is plaintext until all of that is out",
        )?;
        let said = collect(wire);
        let mut done = None;
        for _ in 0..FILLING {
            done = drop_and_go_on(waits, stream.refuse_client(Refusal::UnrecognizedName), || ()).await;
            if done.is_some() {
                break;
            }
        }
        done.transpose()?;
        stream.close().await?;
        let said = joined(said)?;
        let (plain, alert) = said.split_at(FILLING.min(said.len()));
        ensure(plain.len() == FILLING && plain.iter().all(|byte| *byte == b'f'), "the filling is torn")?;
        ensure_eq(alert, &record(Refusal::UnrecognizedName)[..], "behind it")?;
    }
    Ok(())
}

async fn stuck<F: Fixture>(at: &F) -> Verdict {
    let mut limits = Limits::default();
    limits.handshake_time_max = Duration::from_millis(30);
    let (mut stream, _wire) = at.pair_with(limits).await?;
    fill_up(&mut stream).await?;
    let refusing = stream.refuse_client(Refusal::UnrecognizedName);
    let (done, ()) = futures_lite::future::zip(refusing, at.elapse(Duration::from_millis(30))).await;
    let error = tls_error(done, "a client that takes nothing")?;
    ensure_eq(&error, &TlsError::HandshakeTimedOut { after_ms: 30 }, "the error")
}
