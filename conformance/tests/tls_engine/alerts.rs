//! Errors for which rustls has no alert, and gets one here that the peer can read (rule 6 of the engine).

use crate::link::{Link, renegotiation, setups, setups_of};
use asyncnet_conformance::pki::Version;
use asyncnet_conformance::properties::tls::{Setup, Tested};
use asyncnet_core::tls::TlsError;
use asyncnet_core::tls::rustls::{AlertDescription, ContentType};

/// What the peer seals brings this error about, and an alert.
fn check(link: &mut Link, error: &str) {
    let failed = link.carry().expect_err(error);
    assert!(failed.to_string().contains(error), "{failed}");
    link.alert();
    assert_eq!(link.ours.process(), Err(failed));
    assert_eq!(link.ours.take_output(), b"");
}

#[test]
fn too_many_records_without_text() {
    for setup in setups() {
        let mut link = Link::established(setup);
        for _ in 0..32 {
            link.oracle.forge(ContentType::ApplicationData, 0, b"");
        }
        assert_eq!(link.carry(), Ok(()));
        link.oracle.forge(ContentType::ApplicationData, 0, b"");
        check(&mut link, "too many records without text");
    }
}

#[test]
fn a_message_of_16_million_bytes() {
    for setup in setups() {
        let mut link = Link::established(setup);
        link.oracle.forge(ContentType::Handshake, 0, &[11, 0xFF, 0xFF, 0xFF]);
        check(&mut link, "HandshakePayloadTooLarge");
    }
}

#[test]
fn a_hello_of_16_million_bytes() {
    let mut link = Link::new(Setup::new(Tested::Server, Version::Tls13));
    let failed = link.ours.deliver(&[22, 3, 1, 0, 4, 1, 0xFF, 0xFF, 0xFF]);
    assert_eq!(
        failed,
        Err(TlsError::Protocol("received corrupt message of type HandshakePayloadTooLarge".into()).into())
    );
    link.alert();
}

/// Whatever comes in the middle of a message.
#[test]
fn other_records_within_a_message() {
    for setup in setups() {
        for (typ, content) in [
            (ContentType::ApplicationData, &b"text"[..]),
            (ContentType::ApplicationData, b""),
            (ContentType::Alert, &[1, 90]),
            (ContentType::Alert, &[1, 0]),
            (ContentType::Alert, &[2, 40]),
        ] {
            for (fragment, rest) in [(&[24][..], 0), (&[4, 0, 0x10, 0], 3_000), (&[24, 0, 0, 1], 0)] {
                let mut link = Link::established(setup);
                let fragment = [fragment, &vec![0; rest]].concat();
                link.oracle.forge(ContentType::Handshake, 0, &fragment);
                link.oracle.forge(typ, 0, content);
                check(&mut link, "MessageInterleavedWithHandshakeMessage");
            }
        }
    }
}

/// Whole messages wait behind the one in error, each of which rustls has to be led past.
#[test]
fn an_error_with_messages_behind_in_its_record() {
    for setup in setups_of(Version::Tls12) {
        let mut link = Link::established(setup);
        // A request for a renegotiation is refused once; a second is an error without an alert.
        let request = renegotiation(setup.tested);
        link.oracle.forge(ContentType::Handshake, 0, &request);
        assert_eq!(link.carry(), Ok(()));
        link.oracle.forge(ContentType::Handshake, 0, &[request, [14, 0, 0, 0].repeat(500)].concat());
        check(&mut link, "TooManyRenegotiationRequests");
    }
}

#[test]
fn a_flood_of_key_updates() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        for _ in 0..32 {
            link.oracle.refresh_keys();
        }
        assert_eq!(link.carry(), Ok(()));
        link.oracle.refresh_keys();
        check(&mut link, "TooManyKeyUpdateRequests");
    }
}

#[test]
fn a_flood_of_warnings() {
    for setup in setups() {
        let mut link = Link::established(setup);
        for n in 0..5 {
            assert_eq!(link.carry(), Ok(()), "{n}");
            // user_canceled, the one warning that TLS 1.3 still has (RFC 8446, section 6.1).
            link.oracle.forge(ContentType::Alert, 0, &[1, 90]);
        }
        check(&mut link, "TooManyWarningAlertsReceived");
    }
}

/// Two of them mean nothing in a handshake of TLS 1.3 (RFC 8446, appendix D.4).
#[test]
fn a_flood_of_change_cipher_specs() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::new(setup);
        link.carry_up();
        let flight = link.oracle.take_output();
        // Behind the peer's hello.
        let hello = 5 + usize::from(u16::from_be_bytes([flight[3], flight[4]]));
        assert_eq!(link.ours.deliver(&flight[..hello]), Ok(()));
        link.carry_up();
        let ccs = [20, 3, 3, 0, 1, 1];
        let failed = (0..4).find_map(|_| link.ours.deliver(&ccs).err());
        let failed = failed.expect("two are taken").to_string();
        assert!(failed.contains("IllegalMiddleboxChangeCipherSpec"), "{failed}");
        link.alert();
    }
}

/// Those that rustls does have an alert for are the ones it has.
#[test]
fn the_alert_names_the_error() {
    for setup in setups() {
        for (typ, content, alert) in [
            (ContentType::Handshake, &[99, 0, 0, 0][..], AlertDescription::UnexpectedMessage),
            (ContentType::Handshake, &[24, 0, 0, 1, 0, 24], AlertDescription::UnexpectedMessage),
            (ContentType::Alert, &[2], AlertDescription::DecodeError),
        ] {
            let mut link = Link::established(setup);
            link.oracle.forge(typ, 0, content);
            link.carry().expect_err("it is out of place");
            assert_eq!(link.alert(), alert, "{setup:?} {typ:?}");
        }
    }
}

/// The peer failed and said so: it is told nothing more, and no end that it could take for a clean one.
#[test]
fn an_alert_is_not_answered() {
    for setup in setups() {
        let mut link = Link::established(setup);
        link.oracle.forge(ContentType::Alert, 0, &[2, 40]);
        let failed = link.carry().expect_err("an alert came").to_string();
        assert_eq!(failed, "the peer refused: alert handshake_failure (40)");
        link.ours.connection.close();
        link.ours.process().expect_err("it stays");
        link.ours.end_text();
        assert_eq!(link.ours.take_output(), b"");
    }
}
