//! Peers that never stop saying nothing: each of them meets a bound, an alert, and no `close_notify`, and costs no memory.
//!
//! The bounds are told in docs/hostile-peers.md.

use crate::link::{Link, renegotiation, setups, setups_of};
use asyncnet_conformance::pki::{self, Version};
use asyncnet_conformance::properties::tls::{Driven, Tested};
use asyncnet_core::ProcessError;
use asyncnet_core::tls::rustls::{AlertDescription, ContentType};
use asyncnet_core::tls::{StartTls, TlsError};

/// How often the peer says the same at most.
const MANY: usize = 10_000;

/// The peer says the same over and over: how often, before it was given up.
fn flood(link: &mut Link, mut say: impl FnMut(&mut Link)) -> (usize, ProcessError) {
    (0..MANY)
        .find_map(|n| {
            say(link);
            let wire = link.oracle.take_output();
            let delivered = link.ours.deliver(&wire);
            assert!(!link.ours.has_text(), "it was no text");
            link.ours.check_memory();
            delivered.err().map(|error| (n + 1, error))
        })
        .expect("a flood meets a bound")
}

/// What it ended with: an error that stays, an alert, nothing behind it.
fn check_over(link: &mut Link, error: &ProcessError) {
    assert!(matches!(error, ProcessError::Tls(TlsError::Protocol(_))), "{error:?}");
    assert_ne!(link.alert(), AlertDescription::CloseNotify);
    assert_eq!(link.ours.process(), Err(error.clone()));
    link.ours.connection.close();
    link.ours.end_text();
    assert!(link.ours.take_output().is_empty(), "something follows the alert");
    assert!(!link.oracle.has_peer_closed(), "it looks like an end");
}

#[test]
fn empty_records() {
    for setup in setups() {
        let mut link = Link::established(setup);
        let (n, error) = flood(&mut link, |link| link.oracle.forge(ContentType::ApplicationData, 0, &[]));
        assert!((16..=64).contains(&n), "{n} empty records were taken");
        check_over(&mut link, &error);
    }
}

#[test]
fn empty_records_with_text_between() {
    for setup in setups() {
        let mut link = Link::established(setup);
        for _ in 0..10 {
            for _ in 0..16 {
                link.oracle.forge(ContentType::ApplicationData, 0, &[]);
            }
            link.hear(b"text");
        }
    }
}

#[test]
fn tickets() {
    let [client, _] = setups_of(Version::Tls13);
    let mut link = Link::established(client);
    // Lifetime, age, nonce, ticket, extensions (RFC 8446, section 4.6.1).
    let ticket = [4, 0, 0, 15, 0, 0, 0, 9, 0, 0, 0, 0, 1, 7, 0, 1, 5, 0, 0];
    let (n, error) = flood(&mut link, |link| link.oracle.forge(ContentType::Handshake, 0, &ticket));
    assert!((250..=257).contains(&n), "{n} tickets were taken");
    check_over(&mut link, &error);
}

#[test]
fn warning_alerts() {
    for setup in setups_of(Version::Tls12) {
        let mut link = Link::established(setup);
        // no_renegotiation (RFC 5246, section 7.2.2).
        let (n, error) = flood(&mut link, |link| link.oracle.forge(ContentType::Alert, 0, &[1, 100]));
        assert!(n <= 8, "{n} warnings were taken");
        check_over(&mut link, &error);
    }
}

#[test]
fn changes_of_the_cipher() {
    // Behind the handshake none has its place (RFC 8446, section 5).
    for setup in setups() {
        let mut link = Link::established(setup);
        let error = (0..MANY).find_map(|_| link.ours.deliver(&[20, 3, 3, 0, 1, 1]).err());
        let error = error.expect("a change of the cipher is refused");
        assert!(matches!(error, ProcessError::Tls(TlsError::Protocol(_))), "{error:?}");
    }
    // In front of it some are taken, for the sake of those who stand between.
    for version in [Version::Tls13, Version::Both] {
        let mut server = Driven::start(StartTls::server(&pki::server(version)));
        let error = (0..MANY).find_map(|_| server.deliver(&[20, 3, 3, 0, 1, 1]).err());
        assert!(error.is_some(), "changes of the cipher without end");
        assert_eq!(server.take_output().first(), Some(&21), "an alert");
    }
}

#[test]
fn requests_to_begin_again() {
    for setup in setups_of(Version::Tls12) {
        let mut link = Link::established(setup);
        let request = renegotiation(setup.tested);
        let (n, error) = flood(&mut link, |link| {
            link.oracle.forge(ContentType::Handshake, 0, &request);
            // One is answered with a warning, which the peer may take or not.
            let answers = link.ours.take_output();
            drop(answers);
        });
        assert!(n <= 4, "{n} requests were taken");
        assert!(matches!(error, ProcessError::Tls(TlsError::Protocol(_))), "{error:?}");
        assert!(!link.ours.take_output().is_empty(), "no alert");
    }
}

/// It says that it has 16 MiB, and sends them.
#[test]
fn a_message_as_long_as_it_can_say() {
    for version in Version::EACH {
        let mut server = Driven::start(StartTls::server(&pki::server(version)));
        let piece = [&[22, 3, 1, 0x40, 0][..], &[0; 16_384]].concat();
        let mut first = piece.clone();
        first[5..9].copy_from_slice(&[1, 0xff, 0xff, 0xff]);
        let mut failed = server.deliver(&first).err();
        for _ in 0..1_024 {
            if failed.is_some() {
                break;
            }
            failed = server.deliver(&piece).err();
            server.check_memory();
        }
        assert!(failed.is_some(), "16 MiB were taken");
        assert_eq!(server.take_output().first(), Some(&21), "an alert");
    }
    for setup in setups() {
        let mut link = Link::established(setup);
        let piece = vec![0; 16_000];
        // A key update, a ticket, a request: each says that it is that long.
        let (n, error) = flood(&mut link, |link| {
            let first = [if setup.tested == Tested::Client { 4 } else { 24 }, 0xff, 0xff, 0xff];
            link.oracle.forge(ContentType::Handshake, 0, &[&first[..], &piece].concat());
        });
        assert!(n <= 8, "{n} pieces were taken");
        assert!(matches!(error, ProcessError::Tls(_)), "{error:?}");
        assert!(!link.ours.take_output().is_empty(), "no alert");
    }
}
