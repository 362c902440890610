//! How long a handshake may take, and what else ends one that does not come to an end by itself.

use super::cancel::{FILLING, fill_up};
use super::handshake::look;
use super::meter::over;
use super::send::collect;
use super::session::{Ours, Setup, ensure_failed, tls_error};
use super::wire::{ALERT, HANDSHAKE, records};
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::peer::{Peer, joined};
use crate::pki::Version;
use crate::steps::{drop_after, lockstep};
use asyncnet_driver::tls::{Leftover, TlsError};
use asyncnet_driver::{Closed, Fault, Limits, Stream, Transport};
use futures_lite::future;
use std::io::{Read, Write};
use std::time::Duration;

/// What a handshake may take here.
const TIME: Duration = Duration::from_millis(30);

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("tls::silent_peer", "a handshake with a silent peer fails after its time", |at| {
            Box::pin(silent_peer(at))
        }),
        Case::new("tls::slow_peer", "a byte now and then does not renew the time of a handshake", |at| {
            Box::pin(slow_peer(at))
        }),
        Case::new("tls::time_goes_on", "the time of a handshake runs on while nobody makes it", |at| {
            Box::pin(time_goes_on(at))
        }),
        Case::new(
            "tls::closed_while_pending",
            "a close or an abort in the middle of a handshake says nothing that TLS would take for an end",
            |at| Box::pin(closed_while_pending(at)),
        ),
        Case::new(
            "tls::stuck_plaintext",
            "an upgrade whose plaintext does not go out in its time fails, and has not begun",
            |at| Box::pin(stuck_plaintext(at)),
        ),
        Case::new(
            "tls::stuck_output",
            "what cannot be sent for want of room is waited for until its time, and hides no outcome",
            |at| Box::pin(stuck_output(at)),
        ),
    ]
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.handshake_time_max = TIME;
    limits
}

fn timed_out() -> TlsError {
    TlsError::HandshakeTimedOut { after_ms: 30 }
}

async fn silent_peer<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, peer) = at.pair_with(limits()).await?;
        let (started, ()) = future::zip(stream.start_tls(setup.how()?), at.elapse(TIME)).await;
        let error = tls_error(started, "a handshake with a silent peer")?;
        ensure_eq(&error, &timed_out(), "a handshake with a silent peer")?;
        ensure_eq(&error.fault(), &Fault::Peer, "whose fault it is")?;
        ensure_over(stream, peer, &setup).await?;
    }
    Ok(())
}

/// Whether a handshake that timed out has left nothing to do but to close, which says nothing more.
async fn ensure_over<T: Transport>(mut stream: Stream<T>, peer: Box<dyn Peer>, setup: &Setup) -> Verdict {
    ensure_failed(&mut stream, &timed_out()).await?;
    let said = collect(peer);
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "the close")?;
    ensure_hello(&joined(said)?, setup)
}

/// Whether a peer that said nothing got the client's first message, and nothing from a server.
fn ensure_hello(said: &[u8], setup: &Setup) -> Verdict {
    let kinds: Vec<u8> = records(said)?.iter().map(|record| record.kind).collect();
    let expected: &[u8] = if setup.ours == Ours::Client { &[HANDSHAKE] } else { &[] };
    ensure_eq(&kinds[..], expected, format!("{}: the records that the peer got", setup.what()))
}

async fn slow_peer<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut peer) = at.pair_with(limits()).await?;
        let drip = async {
            // A record of 8 KiB, of which nothing can be said before it is whole.
            let bytes = [HANDSHAKE, 3, 3, 32, 0].into_iter().chain([0; 200]);
            for byte in bytes {
                at.elapse(TIME / 4).await;
                peer.write_all(&[byte])?;
            }
            Err(Stop::Failed("the handshake still waits after 50 times its time".to_owned()))
        };
        let started = future::or(async { Ok(stream.start_tls(setup.how()?).await) }, drip).await?;
        ensure_eq(&tls_error(started, "a handshake with a slow peer")?, &timed_out(), setup.what())?;
        ensure_over(stream, peer, &setup).await?;
    }
    Ok(())
}

async fn time_goes_on<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, peer) = at.pair_with(limits()).await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none() && stream.is_handshaking(), "a handshake waits for its peer")?;
        at.elapse(TIME).await;
        let error = tls_error(stream.start_tls(setup.how()?).await, "its time is over")?;
        ensure_eq(&error, &timed_out(), setup.what())?;
        ensure_over(stream, peer, &setup).await?;
    }
    Ok(())
}

async fn stuck_output<F: Fixture>(at: &F) -> Verdict {
    // The tickets of a server that is done do not go out.
    let setup = Setup::new(Version::Tls13, Ours::Server);
    let (stream, wire) = at.pair().await?;
    let (mut stream, meter) = over(stream)?;
    let mut peer = setup.peer(wire)?;
    let time = stream.limits().handshake_time_max;
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let peer = std::thread::spawn(move || {
        let hello = peer.output()?;
        peer.wire()?.write_all(&hello)?;
        look(&mut peer)?;
        let bytes = [peer.output()?, peer.seal(b"line\n")?].concat();
        // Until then nothing is held.
        wait.recv().ok();
        peer.wire()?.write_all(&bytes)?;
        Ok(peer)
    });
    let mut go_on = Some(go_on);
    lockstep(stream.start_tls(setup.how()?), || {
        if meter.written() > 0 {
            meter.hold(true);
            go_on.take();
        }
        if meter.refused() > 0 {
            // It is done, and has tickets to send.
            meter.skip(time);
        }
    })
    .await?;
    ensure(stream.is_tls() && !stream.is_handshaking(), "it is done, whatever waits to be sent")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "what the peer sent behind it")?;
    meter.hold(false);
    stream.send_line("answer").await?;
    let mut peer = joined(peer)?;
    let mut answer = [0; 8];
    peer.read_exact(&mut answer)?;
    ensure_eq(&answer, b"answer\r\n", "what the peer received, behind the tickets")?;

    // The alert of a handshake that failed does not go out: why it failed is told all the same.
    for setup in Setup::each() {
        let (stream, mut wire) = at.pair().await?;
        let (mut stream, meter) = over(stream)?;
        wire.write_all(b"220 ready\r\n")?;
        stream.peek().await?;
        meter.hold(true);
        let how = setup.how()?.leftover(Leftover::IntoTls);
        let started = lockstep(stream.start_tls(how), || meter.skip(time)).await;
        let error = tls_error(started, "plaintext")?;
        ensure_eq(&error, &TlsError::NotTls, "plaintext")?;
        meter.hold(false);
        let said = collect(wire);
        stream.close().await?;
        let said = joined(said)?;
        let last = records(&said)?.last().map(|record| record.kind);
        ensure_eq(&last, &Some(ALERT), "the last that the peer got")?;
    }
    Ok(())
}

async fn stuck_plaintext<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = at.pair_with(limits()).await?;
        fill_up(&mut stream).await?;
        let (started, ()) = future::zip(stream.start_tls(setup.how()?), at.elapse(TIME)).await;
        ensure_eq(&tls_error(started, "nobody reads")?, &timed_out(), setup.what())?;
        ensure(!stream.is_tls() && !stream.is_handshaking(), "nothing has begun")?;
        ensure_eq(&tls_error(stream.handshake().await, "none")?, &TlsError::NotStarted, "nothing has begun")?;
        // Once somebody reads, all of it is plaintext, and so is what is sent then.
        let got = collect(wire);
        stream.send(b"still plain").await?;
        stream.shutdown_write().await?;
        let got = joined(got)?;
        ensure(got.ends_with(b"fffstill plain") && got.len() == FILLING + 11, "not what was sent")?;
    }
    Ok(())
}

async fn closed_while_pending<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, peer) = at.pair().await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none(), "a handshake waits for its peer")?;
        let said = collect(peer);
        ensure_eq(&stream.close().await?, &Closed::PeerEnded, "the close")?;
        ensure_hello(&joined(said)?, &setup)?;
        ensure(!stream.is_tls() && !stream.is_handshaking(), "nothing is left of it")?;

        let (mut stream, _peer) = at.pair().await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none(), "a handshake waits for its peer")?;
        stream.abort();
        ensure(stream.is_closed() && !stream.is_handshaking(), "nothing is left after an abort")?;
    }
    Ok(())
}
