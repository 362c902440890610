//! Handshakes that fail, and how: what is sent, who learns what, and what is left of the stream.

use super::send::collect;
use super::session::{Ours, Setup, alert_seen, ensure_alert, ensure_failed, fail, tls_error};
use super::wire::{ALERT, HANDSHAKE, Tap, ensure_alerts, records};
use crate::adapter::{Fixture, reset};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::joined;
use crate::pki::{ClientSetup, ServerSetup, Version};
use crate::steps::drop_after;
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::AlertDescription;
use asyncnet_driver::tls::TlsError;
use std::io::{self, Read};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "tls::no_common_ground",
            "no version or protocol that both sides have is an error on both sides",
            |at| Box::pin(no_common_ground(at)),
        ),
        Case::new(
            "tls::not_tls",
            "a peer that speaks plaintext is an error, and is told so with a fatal alert",
            |at| Box::pin(not_tls(at)),
        ),
        Case::new("tls::hang_up", "a peer that hangs up at any record of the handshake fails it", |at| {
            Box::pin(hang_up(at))
        }),
        Case::new(
            "tls::behind_the_handshake",
            "what comes behind the handshake is the next call's, however the bytes are cut",
            |at| Box::pin(behind_the_handshake(at)),
        ),
        Case::new(
            "tls::reset",
            "a reset in the middle of a handshake is the socket's error, and ends the handshake",
            |at| Box::pin(reset_in_the_middle(at)),
        ),
        Case::new(
            "tls::gone_at_once",
            "a handshake is done also when the peer is gone that the last of it is for",
            |at| Box::pin(gone_at_once(at)),
        ),
    ]
}

async fn no_common_ground<F: Fixture>(at: &F) -> Verdict {
    let (client, server) = (ClientSetup::new(Version::Tls13), ServerSetup::new(Version::Tls13));
    let (old_client, old_server) = (ClientSetup::new(Version::Tls12), ServerSetup::new(Version::Tls12));
    let smtp = |of: ClientSetup| ClientSetup { alpn: &["smtp"], ..of };
    let imap = |of: ServerSetup| ServerSetup { alpn: &["imap", "pop3"], ..of };
    let rows = [
        (client, old_server, AlertDescription::ProtocolVersion, 70, "protocol_version"),
        (old_client, server, AlertDescription::ProtocolVersion, 70, "protocol_version"),
        (smtp(client), imap(server), AlertDescription::NoApplicationProtocol, 120, "no_application_protocol"),
        (
            smtp(old_client),
            imap(old_server),
            AlertDescription::NoApplicationProtocol,
            120,
            "no_application_protocol",
        ),
    ];
    for (client, server, alert, code, name) in rows {
        let (error, seen) = fail(at, &Setup::of(Ours::Server, client, server)).await?;
        ensure(matches!(error, TlsError::Incompatible(_)), format!("{name}: {error:?}"))?;
        ensure_eq(&alert_seen(&seen), &Some(alert), format!("what the client saw: {seen:?}"))?;
        let (error, _) = fail(at, &Setup::of(Ours::Client, client, server)).await?;
        ensure_alert(&error, code, name)?;
    }
    Ok(())
}

async fn not_tls<F: Fixture>(at: &F) -> Verdict {
    let rows: [&[u8]; 5] =
        [b"EHLO me\r\n", b"GET / HTTP/1.1\r\n\r\n", b"220 ready\r\n", b"* OK\r\n", &[0; 5]];
    for setup in Setup::each() {
        for text in rows {
            let what = format!("{}, {:?}", setup.what(), text.escape_ascii().to_string());
            let (mut stream, mut peer) = at.pair().await?;
            peer.write_all(text)?;
            let error = tls_error(stream.start_tls(setup.how()?).await, &what)?;
            ensure_eq(&error, &TlsError::NotTls, &what)?;
            ensure_failed(&mut stream, &error).await?;
            let said = collect(peer);
            stream.close().await?;
            let said = joined(said)?;
            let said = records(&said)?;
            let hello = usize::from(setup.ours == Ours::Client);
            ensure_eq(&said.len(), &(hello + 1), format!("{what}: the records that the peer got"))?;
            ensure(said[..hello].iter().all(|record| record.kind == HANDSHAKE), "a client's first record")?;
            let is_fatal = said[hello].kind == ALERT && matches!(said[hello].body, [2, 1..=255]);
            ensure(is_fatal, format!("{what}: what the peer got: {said:?}"))?;
        }
    }
    Ok(())
}

async fn hang_up<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (version, ours) = (setup.version, setup.ours);
        for gone in [false, true] {
            let mut count = 0;
            loop {
                // A new one each time, so that none is resumed; without tickets, which are no part of the handshake.
                let server = ServerSetup { tickets: 0, ..ServerSetup::new(version) };
                let setup = Setup::of(ours, ClientSetup::new(version), server);
                if !fails_after(at, &setup, count, gone).await? {
                    break;
                }
                count += 1;
                ensure(count < 50, "no handshake has so many records")?;
            }
            ensure(count >= 3, format!("{}: the peer has {count} records to send", setup.what()))?;
        }
    }
    Ok(())
}

/// Whether a handshake fails of which the peer sends so many records, before it ends its sending, or is gone.
async fn fails_after<F: Fixture>(at: &F, setup: &Setup, count: usize, gone: bool) -> Result<bool, Stop> {
    let what = format!("{}, {count} records, gone: {gone}", setup.what());
    let (mut stream, wire) = at.pair().await?;
    let (wire, seen) = Tap::on(wire);
    let mut peer = setup.peer(wire)?;
    let peer = std::thread::spawn(move || {
        let whole = play(&mut peer, count)?;
        if !whole && !gone {
            peer.wire()?.shutdown_write()?;
            peer.wire()?.read_to_end(&mut Vec::new())?;
        }
        if !whole {
            peer.hang_up();
        }
        Ok((whole, peer))
    });
    let started = stream.start_tls(setup.how()?).await;
    if started.is_ok() {
        let (whole, _) = joined(peer)?;
        ensure(whole, format!("{what}: the handshake succeeded"))?;
        return Ok(false);
    }
    let error = ensure_err(started, &what)?;
    if gone && error.is_disconnect() {
        // What it did not read is answered with a reset.
        ensure_failed(&mut stream, &TlsError::HandshakeEnded).await?;
        return Ok(true);
    }
    ensure_eq(&tls_error(Err::<(), _>(error), &what)?, &TlsError::HandshakeEnded, &what)?;
    ensure_failed(&mut stream, &TlsError::HandshakeEnded).await?;
    let closed = stream.close().await;
    joined(peer)?;
    // What the peer is not there to take may be missing, and the close says so.
    if !gone {
        closed?;
        ensure_alerts(&seen, 0, &setup.what())?;
    }
    ensure(stream.is_closed(), "it is closed")?;
    Ok(true)
}

/// Takes part in a handshake until that many records are sent: whether those were all.
fn play(peer: &mut TlsPeer, mut count: usize) -> io::Result<bool> {
    loop {
        let flight = peer.output()?;
        for record in records(&flight).map_err(|_| io::ErrorKind::InvalidData)? {
            if count == 0 {
                return Ok(false);
            }
            count -= 1;
            peer.wire()?.write_all(record.whole)?;
        }
        if !peer.tls().is_handshaking() {
            return Ok(true);
        }
        look(peer)?;
    }
}

/// Takes in what comes until that makes rustls say something, which is not sent, or ends the handshake.
pub(super) fn look(peer: &mut TlsPeer) -> io::Result<()> {
    let mut buf = [0; 4096];
    while peer.tls().is_handshaking() && !peer.tls().wants_write() {
        let n = peer.wire()?.read(&mut buf)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = &buf[..n];
        while !bytes.is_empty() {
            peer.tls().read_tls(&mut bytes)?;
            peer.tls().process_new_packets().map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// What comes behind the peer's last record of a handshake.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behind {
    Garbage,
    Text,
    CloseNotify,
}

async fn behind_the_handshake<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for behind in [Behind::Garbage, Behind::Text, Behind::CloseNotify] {
            // In these the peer is not done when it has sent its last record.
            let ends_first = (setup.version, setup.ours) == (Version::Tls13, Ours::Client)
                || (setup.version, setup.ours) == (Version::Tls12, Ours::Server);
            if ends_first && behind != Behind::Garbage {
                continue;
            }
            for at_once in [true, false] {
                let what = format!("{}, {behind:?}, at once: {at_once}", setup.what());
                one_behind(at, &setup, behind, at_once, &what).await?;
            }
        }
    }
    Ok(())
}

async fn one_behind<F: Fixture>(at: &F, setup: &Setup, behind: Behind, at_once: bool, what: &str) -> Verdict {
    let (mut stream, wire) = at.pair().await?;
    let mut peer = setup.peer(wire)?;
    let flights = if (setup.version, setup.ours) == (Version::Tls13, Ours::Client) { 1 } else { 2 };
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let peer = std::thread::spawn(move || {
        for n in 1..=flights {
            if peer.tls().is_handshaking() && !peer.tls().wants_write() {
                look(&mut peer)?;
            }
            let mut flight = peer.output()?;
            if n == flights {
                let rest = match behind {
                    Behind::Garbage => [&[23, 3, 3, 0, 32][..], &[0xaa; 32]].concat(),
                    Behind::Text => peer.seal(b"text\n")?,
                    Behind::CloseNotify => {
                        peer.tls().send_close_notify();
                        peer.output()?
                    }
                };
                if at_once {
                    flight.extend(rest);
                } else {
                    peer.wire()?.write_all(&flight)?;
                    // Until its handshake is done.
                    wait.recv().ok();
                    flight = rest;
                }
            }
            peer.wire()?.write_all(&flight)?;
        }
        let outcome = peer.read(&mut [0; 1]);
        peer.wire()?.read_to_end(&mut Vec::new())?;
        Ok(outcome)
    });
    stream.start_tls(setup.how()?).await?;
    ensure(stream.is_tls() && stream.tls_info().is_some(), format!("{what}: it is TLS"))?;
    drop(go_on);
    let received = stream.recv_line().await;
    match behind {
        Behind::Garbage => {
            let error = tls_error(received, what)?;
            ensure(matches!(error, TlsError::Protocol(_)), format!("{what}: {error:?}"))?;
        }
        Behind::Text => ensure(received?.is_some_and(|line| line == "text"), what)?,
        Behind::CloseNotify => ensure(received?.is_none(), what)?,
    }
    stream.close().await?;
    let seen = joined(peer)?;
    match behind {
        Behind::Garbage => {
            let alert = alert_seen(&seen);
            ensure_eq(&alert, &Some(AlertDescription::BadRecordMac), format!("{what}: the peer saw {seen:?}"))
        }
        _ => ensure_eq(&seen?, &0, format!("{what}: the peer saw")),
    }
}

async fn reset_in_the_middle<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut peer) = at.pair().await?;
        // A client's first message has come, or half of a record to a server.
        let waits = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(waits.is_none(), "a handshake waits for its peer")?;
        peer.write_all(&[HANDSHAKE, 3, 3, 1, 0])?;
        let waits = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(waits.is_none(), "a handshake waits for the rest of a record")?;
        reset(peer)?;
        let error = ensure_err(stream.start_tls(setup.how()?).await, "a reset")?;
        ensure(error.is_disconnect(), format!("{}: {error:?}", setup.what()))?;
        ensure_failed(&mut stream, &TlsError::HandshakeEnded).await?;
        stream.close().await.ok();
        ensure(stream.is_closed(), "it is closed")?;
    }
    Ok(())
}

async fn gone_at_once<F: Fixture>(at: &F) -> Verdict {
    // A client of TLS 1.3 is done first, and what it says last is there with its end. The tickets find nobody.
    let setup = Setup::new(Version::Tls13, Ours::Server);
    let (mut stream, wire) = at.pair().await?;
    let mut peer = setup.peer(wire)?;
    let peer = std::thread::spawn(move || {
        peer.output().and_then(|hello| peer.wire()?.write_all(&hello))?;
        look(&mut peer)?;
        let mut all = peer.output()?;
        all.extend(peer.seal(b"line\n")?);
        peer.tls().send_close_notify();
        all.extend(peer.output()?);
        peer.wire()?.write_all(&all)?;
        peer.hang_up();
        Ok(())
    });
    stream.start_tls(setup.how()?).await?;
    joined(peer)?;
    ensure(stream.is_tls(), "it is done")?;
    match stream.recv_line().await {
        Ok(line) => ensure(line.is_some_and(|line| line == "line"), "what came before the end"),
        // Tickets that a socket got and nobody took are answered with a reset, on some kinds of connections.
        Err(error) => ensure(error.is_disconnect(), format!("{error:?}")),
    }
}
