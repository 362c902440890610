//! Key updates (rule 7 of the engine): the peer's are answered at once, and our own come when they are due.

use crate::link::{Link, setups_of};
use asyncnet_conformance::pki::Version;
use asyncnet_conformance::properties::tls::{Kind, Setup, Tested};
use asyncnet_core::tls::{Session, TlsError};

/// What answers a key update: a message of five bytes and its type, sealed.
const ANSWER_LEN: usize = 5 + 5 + 1 + 16;

/// rustls holds its answer back until something is written.
#[test]
fn a_key_update_is_answered_while_we_only_read() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        for n in 0..20 {
            link.oracle.refresh_keys();
            if n % 2 == 0 {
                link.oracle.write(b"text");
            }
            let wire = link.oracle.take_output();
            assert_eq!(link.ours.deliver(&wire), Ok(()));
            let answer = link.ours.take_output();
            assert_eq!(answer.len(), ANSWER_LEN);
            link.oracle.feed(&answer);
            assert_eq!(link.oracle.failure(), None);
            drop(link.ours.take_text());
        }
        link.say(b"under new keys");
    }
}

/// Received into memory too, though the text behind it is what was asked for.
#[test]
fn a_key_update_before_text_is_answered() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        link.oracle.refresh_keys();
        link.oracle.write(b"text");
        let wire = link.oracle.take_output();
        link.ours.fill(&wire);
        let mut memory = [0; 4];
        assert_eq!(link.ours.receive(&mut memory), Ok(4));
        assert_eq!(link.ours.take_output().len(), ANSWER_LEN);
    }
}

/// The peer takes nothing, and goes on: more than some answers are not kept for it.
#[test]
fn a_flood_of_key_updates_between_texts() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        for _ in 0..3_000 {
            link.oracle.refresh_keys();
            link.hear(b"text");
        }
        let held = link.ours.connection.outgoing().held_bytes()
            + link.ours.connection.tls().map_or(0, Session::held_bytes);
        assert!(held <= 24 << 10, "{held} bytes are held for a peer that takes none");
        let output = link.ours.take_output();
        assert!(output.len() < 10 << 10, "{} bytes of answers", output.len());
    }
}

/// What was put off is answered once there is room, and not with the next text.
#[test]
fn an_answer_that_was_put_off_comes_later() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        for _ in 0..300 {
            link.oracle.refresh_keys();
            link.hear(b"text");
        }
        let answers = link.ours.take_output();
        assert!(answers.len() > 4 << 10 && answers.len() < 300 * ANSWER_LEN, "some were put off");
        assert_eq!(answers.len() % ANSWER_LEN, 0);
        assert_eq!(link.ours.seal(b"text"), Ok(4));
        assert_eq!(link.ours.take_output().len(), 5 + 4 + 1 + 16, "a record of text and nothing else");
    }
}

/// Each key seals a number of records alone; over TLS 1.3 the next one follows by itself.
#[test]
fn our_keys_are_changed_when_they_are_spent() {
    for tested in [Tested::Client, Tested::Server] {
        let mut link =
            Link::established(Setup { kind: Kind::ShortLived, ..Setup::new(tested, Version::Tls13) });
        for n in 0..300_u16 {
            link.say(&n.to_be_bytes());
            assert_eq!(link.carry(), Ok(()));
            link.hear(&n.to_be_bytes());
        }
    }
}

/// TLS 1.2 cannot, and so it ends, while the peer is heard on. rustls would say `close_notify`, which is a lie where a message
/// was to go on.
#[test]
fn spent_keys_end_our_direction_in_tls_1_2() {
    for tested in [Tested::Client, Tested::Server] {
        let mut link =
            Link::established(Setup { kind: Kind::ShortLived, ..Setup::new(tested, Version::Tls12) });
        let mut said = 0;
        let failed = loop {
            match link.ours.seal(b"x") {
                Ok(n) => said += n,
                Err(error) => break error,
            }
            link.carry_up();
        };
        assert_eq!(failed, TlsError::KeysSpent);
        link.carry_up();
        assert_eq!(link.oracle.text().len(), said);
        link.hear(b"heard on");
        assert_eq!(link.ours.seal(b"x"), Err(TlsError::KeysSpent));
        link.ours.connection.close();
        link.ours.end_text();
        assert_eq!(link.ours.take_output(), b"");
        assert!(!link.oracle.has_peer_closed(), "an end that is none");
    }
}
