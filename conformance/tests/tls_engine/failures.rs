//! After an error (rules 2 and 4 of the engine): it stays, its alert goes out, and nothing else does.

use crate::link::{Link, setups};
use asyncnet_conformance::pki::{self, ClientAuth, ClientSetup, Leaf, Root, ServerSetup, Version};
use asyncnet_conformance::properties::tls::{Driven, Oracle};
use asyncnet_core::tls::rustls::{AlertDescription, ContentType};
use asyncnet_core::tls::{CertificateFault, Session, StartTls, TlsError};

/// The error, from each call that there is, and nothing to send any more.
fn check_stays(link: &mut Link, error: &TlsError) {
    for _ in 0..3 {
        assert_eq!(link.ours.process(), Err(error.clone().into()));
        assert_eq!(link.ours.open(&mut [0; 16]), Err(error.clone()));
        assert_eq!(link.ours.seal(b"late"), Err(error.clone()));
        assert_eq!(link.ours.connection.tls().map(Session::check_open), Some(Err(error.clone())));
        assert_eq!(link.ours.connection.tls().and_then(Session::failure), Some(error));
        link.ours.connection.send(b"late").ok();
        assert_eq!(link.ours.process(), Err(error.clone().into()));
        link.ours.connection.close();
        link.ours.end_text();
        assert_eq!(link.ours.take_output(), b"", "something follows the alert");
        link.ours.fill(b"late");
    }
}

/// A record of the peer's text with a bit changed.
fn broken(link: &mut Link) -> Vec<u8> {
    link.oracle.write(b"broken");
    let mut wire = link.oracle.take_output();
    if let Some(last) = wire.last_mut() {
        *last ^= 1;
    }
    wire
}

/// rustls parses on, and raises one alert more for each record, when it is shown more.
#[test]
fn an_error_and_more_input() {
    for setup in setups() {
        let mut link = Link::established(setup);
        let wire = broken(&mut link);
        let failed = link.ours.deliver(&wire).expect_err("a bit was changed");
        assert_eq!(link.alert(), AlertDescription::BadRecordMac);
        link.ours.release();
        let held = link.ours.connection.tls().map(Session::held_bytes);
        assert_eq!((link.ours.connection.incoming().held_bytes(), held), (0, Some(0)));
        link.oracle.write(b"good");
        for _ in 0..3 {
            let wire = broken(&mut link);
            assert_eq!(link.ours.deliver(&wire), Err(failed.clone()));
            assert_eq!(link.ours.take_output(), b"");
        }
        check_stays(&mut link, &TlsError::Protocol("cannot decrypt peer's message".into()));
    }
}

/// Text that came before an error is served before it, whatever it is served into.
#[test]
fn text_before_an_error() {
    for setup in setups() {
        for into in [0, 3, 9, 100] {
            let mut link = Link::established(setup);
            link.oracle.write(b"one");
            link.oracle.write(b"two two");
            let mut wire = link.oracle.take_output();
            wire.extend(broken(&mut link));
            assert_eq!(link.ours.fill(&wire), wire.len());
            let mut text = Vec::new();
            let error = loop {
                let mut memory = vec![0; into];
                match link.ours.receive(&mut memory) {
                    Ok(n) => text.extend_from_slice(&memory[..n]),
                    Err(error) => break error,
                }
                text.extend(link.ours.take_text());
            };
            assert_eq!(text, b"onetwo two");
            assert_eq!(link.alert(), AlertDescription::BadRecordMac);
            check_stays(&mut link, &error);
        }
    }
}

/// rustls panics when a handshake fails with messages parsed behind the bad one, and it is then called without them.
#[test]
fn a_handshake_that_fails_with_messages_behind() {
    for version in Version::EACH {
        let wary = ClientSetup { roots: &[Root::UnknownCa], ..ClientSetup::new(version) };
        let start = StartTls::client(&wary.config(), "localhost").unwrap();
        let mut link = Link { ours: Driven::start(start), oracle: Oracle::server(&pki::server(version)) };
        let unknown = TlsError::Certificate(CertificateFault::UnknownIssuer);
        assert_eq!(link.carry(), Err(unknown.clone().into()));
        assert_eq!(link.alert(), AlertDescription::UnknownCA);
        check_stays(&mut link, &unknown);

        let wary = ServerSetup { clients: ClientAuth::Required, ..ServerSetup::new(version) };
        let stranger = ClientSetup { identity: Some(Leaf::UnknownClient), ..ClientSetup::new(version) };
        let ours = Driven::start(StartTls::server(&wary.config()));
        let mut link = Link { ours, oracle: Oracle::client(&stranger.config()) };
        assert_eq!(link.carry(), Err(unknown.clone().into()));
        assert_eq!(link.alert(), AlertDescription::UnknownCA);
        check_stays(&mut link, &unknown);
    }
}

/// The whole of a flight at once, and every cut of it.
#[test]
fn a_handshake_that_fails_however_it_is_cut() {
    for version in Version::EACH {
        for cut in [1, 2, 5, 100, 700, 10_000] {
            let wary = ClientSetup { roots: &[Root::UnknownCa], ..ClientSetup::new(version) };
            let start = StartTls::client(&wary.config(), "localhost").unwrap();
            let mut client = Driven::start(start);
            let mut server = Oracle::server(&pki::server(version));
            server.feed(&client.take_output());
            let flight = server.take_output();
            let failed = flight.chunks(cut).find_map(|piece| client.deliver(piece).err());
            let unknown = TlsError::Certificate(CertificateFault::UnknownIssuer);
            assert_eq!(failed, Some(unknown.into()));
            let mut link = Link { ours: client, oracle: server };
            assert_eq!(link.alert(), AlertDescription::UnknownCA);
        }
    }
}

/// rustls seals on after a fatal error.
#[test]
fn nothing_is_sealed_after_an_error() {
    for setup in setups() {
        let mut link = Link::established(setup);
        link.ours.connection.send(b"queued before").unwrap();
        link.oracle.forge(ContentType::Handshake, 0, &[99, 0, 0, 0]);
        let wire = link.oracle.take_output();
        link.ours.fill(&wire);
        let failed = link.ours.process().expect_err("there is no such message");
        link.alert();
        assert_eq!(link.oracle.text(), b"");
        assert_eq!(link.ours.process(), Err(failed));
        link.carry_up();
        assert_eq!(link.oracle.text(), b"");
    }
}

/// What is no TLS at all: told by its first byte, or by its second.
#[test]
fn plaintext_instead_of_a_handshake() {
    for (plaintext, told_by) in
        [(&b"GET / HTTP/1.1\r\n\r\n"[..], 1), (b"\n", 1), (&[22, 9, 9], 2), (&[22, 3, 1, 0, 0], 5)]
    {
        let mut server = Driven::start(StartTls::server(&pki::server(Version::Both)));
        let failed = plaintext.iter().position(|byte| server.deliver(&[*byte]).is_err());
        assert_eq!(failed, Some(told_by - 1), "{plaintext:?}");
        assert_eq!(server.take_output(), [21, 3, 3, 0, 2, 2, 50], "a fatal alert: decode_error");
    }
}
