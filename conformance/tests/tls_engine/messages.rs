//! Handshake messages in pieces, and what comes between them (rules 1, 3 and 5 of the engine).

use crate::link::{Link, setups_of};
use asyncnet_conformance::pki::{self, Version};
use asyncnet_conformance::properties::tls::{Driven, Kind, Oracle, Setup, Tested};
use asyncnet_core::tls::rustls::{AlertDescription, ContentType};
use asyncnet_core::tls::{Session, StartTls, TlsError};

/// rustls keeps offsets into its input while a message is not whole, and panics when a caller shows it less to write.
#[test]
fn a_key_update_in_pieces_with_text_between() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        link.oracle.forge(ContentType::Handshake, 0, &[24]);
        link.oracle.forge(ContentType::Handshake, 0, &[0]);
        // What the peer then sends of itself is the key update without the four bytes that are there.
        link.oracle.forge(ContentType::Handshake, 4, &[0, 1]);
        link.oracle.refresh_keys();
        for byte in link.oracle.take_output() {
            link.say(b"before");
            link.ours.fill(&[byte]);
            link.say(b"between");
            assert_eq!(link.ours.process(), Ok(()));
            link.say(b"behind");
        }
        link.hear(b"under new keys");
        link.say(b"under new keys");
    }
}

/// A record of that type is refused by no rustls: it skips it, and what comes, until the next message.
#[test]
fn an_empty_handshake_record_and_text_behind_it() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        for n in 0..40_u8 {
            link.oracle.forge(ContentType::Handshake, 0, &[]);
            link.hear(&[n; 3]);
            link.say(&[n; 5]);
            if n % 8 == 7 {
                link.oracle.refresh_keys();
                assert_eq!(link.carry(), Ok(()));
                assert_eq!(link.ours.connection.tls().map(Session::held_bytes), Some(0));
            }
        }
    }
}

#[test]
fn empty_handshake_records_without_end() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        let failed = (0..10_000).find_map(|_| {
            link.oracle.forge(ContentType::Handshake, 0, &[]);
            link.oracle.write(b"text");
            let wire = link.oracle.take_output();
            let delivered = link.ours.deliver(&wire);
            let text = link.ours.take_text();
            assert!(delivered.is_err() || text == b"text");
            link.ours.check_memory();
            delivered.err()
        });
        assert!(matches!(failed, Some(error) if error.to_string().contains("does not fit")));
        assert_eq!(link.alert(), AlertDescription::DecodeError);
    }
}

/// A ticket of 60 000 bytes, in four records; clients alone get tickets.
#[test]
fn a_long_ticket_in_pieces_with_text_between() {
    let mut link = Link::established(Setup::new(Tested::Client, Version::Tls13));
    // Lifetime, age, nonce, ticket, extensions (RFC 8446, section 4.6.1).
    let body = [&[0, 0, 0, 9, 0, 0, 0, 0, 1, 7][..], &[0xEA, 0x60], &[5; 60_000], &[0, 0]].concat();
    let message = [&[4, 0, 0xEA, 0x6E][..], &body].concat();
    for piece in message.chunks(15_500) {
        link.oracle.forge(ContentType::Handshake, 0, piece);
        let wire = link.oracle.take_output();
        for cut in wire.chunks(4_000) {
            assert_eq!(link.ours.deliver(cut), Ok(()));
            link.say(b"between");
            link.ours.check_memory();
        }
    }
    link.hear(b"behind");
    assert_eq!(link.ours.connection.tls().map(Session::held_bytes), Some(0));
}

/// rustls hands each message out once, and forgets it when there was no space for it: such a flight has 25 KB.
#[test]
fn a_long_flight_is_sent_whole() {
    for version in Version::EACH {
        Link::established(Setup { kind: Kind::LongChain, ..Setup::new(Tested::Server, version) });
    }
}

/// A handshake whose every byte is a record of its own.
#[test]
fn a_handshake_in_records_of_one_byte() {
    for version in Version::EACH {
        let mut client = Oracle::client(&pki::client(version));
        let mut server = Driven::start(StartTls::server(&pki::server(version)));
        let hello = client.take_output();
        for byte in &hello[5..] {
            assert_eq!(server.deliver(&[22, 3, 1, 0, 1, *byte]), Ok(()));
            server.check_memory();
        }
        let mut link = Link { ours: server, oracle: client };
        assert_eq!(link.carry(), Ok(()));
        link.hear(b"text");
    }
}

/// rustls' buffered interface stops at 64 KiB; the other leaves that to its caller.
#[test]
fn a_hello_of_60_000_records_is_bounded() {
    let mut server = Driven::start(StartTls::server(&pki::server(Version::Both)));
    let hello = [1, 0, 0xEA, 0x60].into_iter().chain(std::iter::repeat(0));
    let mut peak = 0;
    let failed = hello.take(60_000).find_map(|byte| {
        let failed = server.deliver(&[22, 3, 1, 0, 1, byte]).err();
        peak = peak.max(server.connection.tls().map_or(0, Session::held_bytes));
        server.check_memory();
        failed
    });
    assert_eq!(failed, Some(TlsError::HandshakeTooLong { limit: 82 << 10 }.into()));
    assert!(peak < 200 << 10, "{peak} bytes were held");
    assert_eq!(server.take_output(), [21, 3, 3, 0, 2, 2, 50], "a fatal alert: decode_error");
}
