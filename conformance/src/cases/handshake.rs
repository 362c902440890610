//! Handshakes that fail, and how: who says what, what is sent, and what is left of the stream.

use super::send::collect;
use super::session::{
    ALERT, HANDSHAKE, Ours, Seen, Setup, Tap, alert_seen, ensure_every_call, records, secure, tls_error,
};
use crate::adapter::{Fixture, reset};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::joined;
use crate::pki::{ClientAuth, ClientSetup, Leaf, ServerSetup, Version};
use crate::steps::drop_after;
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::AlertDescription;
use asyncnet_driver::tls::{CertificateFault, StartTls, TlsError};
use asyncnet_driver::{Closed, Fault, Stream, Transport};
use std::io::{self, Read};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "tls::server_name",
            "a server is taken for a name or an address that its certificate has",
            |at| Box::pin(server_name(at)),
        ),
        Case::new(
            "tls::bad_certificate",
            "a certificate that is not good fails the handshake, and the peer gets the alert that says why",
            |at| Box::pin(bad_certificate(at)),
        ),
        Case::new(
            "tls::refused_certificate",
            "a peer that refuses our certificate fails the handshake, and the error names its alert",
            |at| Box::pin(refused_certificate(at)),
        ),
        Case::new(
            "tls::client_certificate",
            "a client's certificate is asked for, required and verified as configured",
            |at| Box::pin(client_certificate(at)),
        ),
        Case::new(
            "tls::refused_client",
            "a client that is refused learns it from its handshake, over TLS 1.3 from its first receive",
            |at| Box::pin(refused_client(at)),
        ),
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

async fn server_name<F: Fixture>(at: &F) -> Verdict {
    let rows = [
        (Leaf::Localhost, "localhost"),
        (Leaf::Localhost, "localhost."),
        (Leaf::Localhost, "LOCALHOST"),
        (Leaf::Localhost, "127.0.0.1"),
        (Leaf::Localhost, "::1"),
        (Leaf::Localhost, "[::1]"),
        (Leaf::WrongName, "wrong.example"),
        (Leaf::Intermediate, "localhost"),
    ];
    for version in Version::EACH {
        for (leaf, name) in rows {
            let server = ServerSetup { leaf, ..ServerSetup::new(version) };
            let setup = Setup { name, ..Setup::of(Ours::Client, ClientSetup::new(version), server) };
            let (mut stream, wire) = at.pair().await?;
            secure(&mut stream, wire, &setup).await?;
            ensure_eq(stream.peer_certificates(), &leaf.identity().chain[..], name)?;
        }
    }
    Ok(())
}

async fn bad_certificate<F: Fixture>(at: &F) -> Verdict {
    use AlertDescription as A;
    use CertificateFault as C;
    let wrong = |expected: &str, presented: &str| C::WrongName {
        expected: expected.into(),
        presented: presented.into(),
    };
    let rows = [
        (Leaf::WrongName, "localhost", wrong("localhost", "wrong.example"), A::BadCertificate),
        (Leaf::NameOnly, "127.0.0.1", wrong("127.0.0.1", "localhost"), A::BadCertificate),
        (Leaf::NameOnly, "::1", wrong("::1", "localhost"), A::BadCertificate),
        (Leaf::SelfSigned, "localhost", C::UnknownIssuer, A::UnknownCA),
        (Leaf::UnknownIssuer, "localhost", C::UnknownIssuer, A::UnknownCA),
        (Leaf::Expired, "localhost", C::Expired, A::CertificateExpired),
        (Leaf::NotYetValid, "localhost", C::NotYetValid, A::CertificateExpired),
        (Leaf::Client, "client.example", C::WrongPurpose, A::UnsupportedCertificate),
    ];
    for version in Version::EACH {
        for (leaf, name, fault, alert) in &rows {
            let server = ServerSetup { leaf: *leaf, ..ServerSetup::new(version) };
            let setup = Setup { name, ..Setup::of(Ours::Client, ClientSetup::new(version), server) };
            let (error, seen) = fail(at, &setup).await?;
            ensure_eq(&error, &TlsError::Certificate(fault.clone()), format!("{leaf:?}"))?;
            ensure_eq(&error.fault(), &Fault::Peer, "whose fault it is")?;
            ensure_eq(&alert_seen(&seen), &Some(*alert), format!("{leaf:?}: what the peer saw: {seen:?}"))?;
        }
    }
    Ok(())
}

async fn refused_certificate<F: Fixture>(at: &F) -> Verdict {
    let rows = [
        (Leaf::UnknownIssuer, 48, "unknown_ca"),
        (Leaf::Expired, 45, "certificate_expired"),
        (Leaf::WrongName, 42, "bad_certificate"),
    ];
    for version in Version::EACH {
        for (leaf, code, name) in rows {
            let server = ServerSetup { leaf, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Server, ClientSetup::new(version), server);
            let (error, _) = fail(at, &setup).await?;
            ensure_alert(&error, code, name)?;
        }
    }
    Ok(())
}

fn ensure_alert(error: &TlsError, code: u8, name: &str) -> Verdict {
    let TlsError::AlertReceived(alert) = error else { return Err(Stop::Failed(format!("{error:?}"))) };
    ensure_eq(&alert.code(), &code, "the alert")?;
    ensure(error.to_string().contains(name), format!("its text names it: {error}"))
}

async fn client_certificate<F: Fixture>(at: &F) -> Verdict {
    use AlertDescription as A;
    let unknown = TlsError::Certificate(CertificateFault::UnknownIssuer);
    let rows = [
        (ClientAuth::Off, Some(Leaf::Client), None),
        (ClientAuth::Optional, None, None),
        (ClientAuth::Optional, Some(Leaf::Client), None),
        (ClientAuth::Optional, Some(Leaf::UnknownClient), Some((unknown.clone(), A::UnknownCA))),
        (ClientAuth::Required, None, Some((TlsError::NoCertificate, A::CertificateRequired))),
        (ClientAuth::Required, Some(Leaf::Client), None),
        (ClientAuth::Required, Some(Leaf::UnknownClient), Some((unknown, A::UnknownCA))),
    ];
    for version in Version::EACH {
        for (clients, identity, refused) in &rows {
            let client = ClientSetup { identity: *identity, ..ClientSetup::new(version) };
            let server = ServerSetup { clients: *clients, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Server, client, server);
            let what = format!("{version:?}, {clients:?}, {identity:?}");
            if let Some((expected, alert)) = refused {
                let (error, seen) = fail(at, &setup).await?;
                ensure_eq(&error, expected, &what)?;
                ensure_eq(&alert_seen(&seen), &Some(*alert), format!("{what}: the peer saw {seen:?}"))?;
            } else {
                let (mut stream, wire) = at.pair().await?;
                secure(&mut stream, wire, &setup).await?;
                let shown = identity.filter(|_| *clients != ClientAuth::Off);
                let chain = shown.map_or(&[][..], |leaf| &leaf.identity().chain);
                ensure_eq(stream.peer_certificates(), chain, &what)?;
            }
        }
    }
    Ok(())
}

async fn refused_client<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        for (identity, code, name) in
            [(None, 116, "certificate_required"), (Some(Leaf::UnknownClient), 48, "unknown_ca")]
        {
            let client = ClientSetup { identity, ..ClientSetup::new(version) };
            let server = ServerSetup { clients: ClientAuth::Required, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Client, client, server);
            if version == Version::Tls12 {
                let (error, _) = fail(at, &setup).await?;
                ensure_alert(&error, code, name)?;
                continue;
            }
            let (mut stream, wire) = at.pair().await?;
            let (wire, seen) = Tap::on(wire);
            let mut peer = setup.peer(wire)?;
            let peer = std::thread::spawn(move || {
                let outcome = peer.handshake();
                peer.wire()?.read_to_end(&mut Vec::new())?;
                Ok(outcome)
            });
            // It has done all there is to do, and the server has not said what it thinks of it.
            stream.start_tls(setup.how()?).await?;
            let error = tls_error(stream.recv(&mut [0; 8]).await, "a receive of a client that is refused")?;
            ensure_alert(&error, code, name)?;
            ensure_every_call(&mut stream, &error).await?;
            ensure_eq(&stream.close().await?, &Closed::PeerEnded, "the close")?;
            let outcome = joined(peer)?;
            ensure(outcome.is_err(), "the peer refused nothing")?;
            ensure_alerts(&seen, 0)?;
        }
    }
    Ok(())
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
        ensure_alerts(&seen, 0)?;
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
            let from = record.body.as_ptr() as usize - flight.as_ptr() as usize - 5;
            peer.wire()?.write_all(&flight[from..from + 5 + record.body.len()])?;
        }
        if !peer.tls().is_handshaking() {
            return Ok(true);
        }
        look(peer)?;
    }
}

/// Takes in what comes until that makes rustls say something, which is not sent, or ends the handshake.
fn look(peer: &mut TlsPeer) -> io::Result<()> {
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

/// Makes a handshake that is to fail: what it says, and what a read of the peer said.
async fn fail<F: Fixture>(at: &F, setup: &Setup) -> Result<(TlsError, io::Result<usize>), Stop> {
    let (mut stream, wire) = at.pair().await?;
    let (wire, seen) = Tap::on(wire);
    let mut peer = setup.peer(wire)?;
    let peer = std::thread::spawn(move || {
        let outcome = peer.read(&mut [0; 1]);
        peer.wire()?.read_to_end(&mut Vec::new())?;
        Ok(outcome)
    });
    let error = tls_error(stream.start_tls(setup.how()?).await, &setup.what())?;
    ensure_failed(&mut stream, &error).await?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "the close")?;
    let outcome = joined(peer)?;
    let ours = !matches!(error, TlsError::AlertReceived(_));
    ensure_alerts(&seen, usize::from(ours))?;
    Ok((error, outcome))
}

/// Whether nothing is left of a stream whose handshake failed but to look at it and to close it.
pub(super) async fn ensure_failed<T: Transport>(stream: &mut Stream<T>, error: &TlsError) -> Verdict {
    ensure(!stream.is_tls(), format!("{error:?}: it is no TLS"))?;
    ensure(!stream.is_handshaking(), format!("{error:?}: the handshake is over"))?;
    ensure(stream.tls_info().is_none(), format!("{error:?}: nothing was agreed on"))?;
    ensure(stream.peer_certificates().is_empty(), format!("{error:?}: nobody was verified"))?;
    ensure_every_call(stream, error).await?;
    ensure_eq(&tls_error(stream.handshake().await, "the handshake again")?, error, "the handshake again")?;
    let how = StartTls::server(&ServerSetup::new(Version::Both).config());
    ensure_err(stream.start_tls(how).await, "another handshake")?;
    ensure(!stream.is_closed(), "it is not closed yet")
}

/// Whether so many alerts, one at most, are among what a peer got, and nothing behind that.
fn ensure_alerts(seen: &Seen, count: usize) -> Verdict {
    let seen = seen.take();
    let records = records(&seen)?;
    let alerts = records.iter().filter(|record| record.is_alert()).count();
    ensure_eq(&alerts, &count, format!("alerts among {records:?}"))?;
    let last = records.last().is_some_and(super::session::Record::is_alert);
    ensure_eq(&last, &(count == 1), "whether an alert is the last that the peer got")
}
