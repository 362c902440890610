//! Records that somebody broke on the way, and the peer's own fatal alerts.

use super::session::{Setup, alert_seen, close, ensure_every_call, tapped, tls_error};
use super::wire::{TEXT, ensure_alerts};
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::peer::joined;
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::AlertDescription;
use asyncnet_driver::tls::TlsError;
use std::io::{self, Read};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "tls::broken_record",
            "a broken record is an error, each time, behind what came before it; its alert is the last word",
            |at| Box::pin(broken_record(at)),
        ),
        Case::new(
            "tls::alert",
            "a peer's fatal alert is an error that names it, behind what came before it, and is not answered",
            |at| Box::pin(alert(at)),
        ),
        Case::new(
            "tls::lost_queue",
            "a close says so when text was queued that a failed session can never send",
            |at| Box::pin(lost_queue(at)),
        ),
    ]
}

/// What is done to a record on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Breakage {
    Flipped,
    CutShort,
    Doubled,
    Overlong,
    Plain,
    NoRecord,
}

impl Breakage {
    const ALL: [Self; 6] =
        [Self::Flipped, Self::CutShort, Self::Doubled, Self::Overlong, Self::Plain, Self::NoRecord];

    fn apply(self, mut record: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Flipped => {
                if let Some(last) = record.last_mut() {
                    *last ^= 1;
                }
            }
            Self::CutShort => {
                record.pop();
                record[4] -= 1;
            }
            // The first of the two is good.
            Self::Doubled => return record.repeat(2),
            Self::Overlong => return [&[TEXT, 3, 3, 0x50, 0][..], &[0; 0x5000]].concat(),
            Self::Plain => return [&[TEXT, 3, 3, 0, 9][..], b"injected\n"].concat(),
            Self::NoRecord => return b"injected\n".to_vec(),
        }
        record
    }
}

async fn broken_record<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for (breakage, at_once) in Breakage::ALL.into_iter().flat_map(|row| [(row, true), (row, false)]) {
            let what = format!("{}, {breakage:?}, at once: {at_once}", setup.what());
            let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
            let good = peer.seal(b"whole\npart")?;
            let broken = breakage.apply(peer.seal(b"lost\n")?);
            let behind = peer.seal(b"never seen\n")?;
            let (first, then) = if at_once {
                ([good, broken, behind].concat(), Vec::new())
            } else {
                (good, [broken, behind].concat())
            };
            peer.wire()?.write_all(&first)?;
            ensure(stream.recv_line().await?.is_some_and(|line| line == "whole"), &what)?;
            peer.wire()?.write_all(&then)?;
            if breakage == Breakage::Doubled {
                ensure(stream.recv_line().await?.is_some_and(|line| line == "partlost"), &what)?;
            }
            let error = tls_error(stream.recv_line().await, &what)?;
            ensure(matches!(error, TlsError::Protocol(_)), format!("{what}: {error:?}"))?;
            let expected = match breakage {
                Breakage::Overlong | Breakage::NoRecord => AlertDescription::DecodeError,
                _ => AlertDescription::BadRecordMac,
            };
            // The alert is sent: it needs no call more.
            let read = peer.read(&mut [0; 1]);
            ensure_eq(&alert_seen(&read), &Some(expected), format!("{what}: the peer saw {read:?}"))?;
            if breakage != Breakage::Doubled {
                ensure_eq(&stream.recv_owned(100).await?[..], b"part", format!("{what}: what came before"))?;
            }
            ensure_every_call(&mut stream, &error).await?;
            ensure_eq(&stream.received_len(), &0, &what)?;
            let (closed, _) = close(&mut stream, peer).await?;
            closed?;
            ensure_alerts(&seen, 1, &what)?;
        }
    }
    Ok(())
}

/// The peer's fatal alert, which it sends when it is given something broken.
fn fatal_alert(peer: &mut TlsPeer) -> io::Result<Vec<u8>> {
    peer.tls().read_tls(&mut &[&[TEXT, 3, 3, 0, 32][..], &[0xaa; 32]].concat()[..])?;
    if peer.tls().process_new_packets().is_ok() {
        return Err(io::Error::other("the peer took a broken record"));
    }
    peer.output()
}

async fn alert<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        let bytes = [peer.seal(b"whole\npart")?, fatal_alert(&mut peer)?].concat();
        peer.wire()?.write_all(&bytes)?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "whole"), setup.what())?;
        let error = tls_error(stream.recv_line().await, "an alert")?;
        let TlsError::AlertReceived(alert) = &error else { return Err(Stop::Failed(format!("{error:?}"))) };
        ensure_eq(alert.name(), "bad_record_mac", "its name")?;
        ensure(error.to_string().contains("bad_record_mac (20)"), format!("the text names it: {error}"))?;
        ensure_eq(&stream.recv_owned(100).await?[..], b"part", "what came before it")?;
        ensure_every_call(&mut stream, &error).await?;
        let reader = std::thread::spawn(move || peer.wire()?.read_to_end(&mut Vec::new()).map(drop));
        stream.close().await?;
        joined(reader)?;
        ensure(seen.take().is_empty(), format!("{}: it is not answered", setup.what()))?;
    }
    Ok(())
}

async fn lost_queue<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        let bytes = [peer.seal(b"good\n")?, Breakage::Flipped.apply(peer.seal(b"lost\n")?)].concat();
        peer.wire()?.write_all(&bytes)?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "good"), "the line before it")?;
        stream.queue_line("never sent")?;
        let failure = tls_error(stream.recv_line().await, "a broken record")?;
        let (closed, text) = close(&mut stream, peer).await?;
        ensure_eq(&tls_error(closed, "the close")?, &failure, "what the close says")?;
        ensure(stream.is_closed(), "it is closed all the same")?;
        ensure_eq(
            &alert_seen(&text),
            &Some(AlertDescription::BadRecordMac),
            format!("the peer saw {text:?}"),
        )?;
        ensure_alerts(&seen, 1, &setup.what())?;
    }
    Ok(())
}
