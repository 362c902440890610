//! `close_notify` both ways, a stream that is cut, and what may still be sent then.

use crate::link::{Link, renegotiation, setups, setups_of};
use asyncnet_conformance::pki::Version;
use asyncnet_core::tls::TlsError;
use asyncnet_core::tls::rustls::ContentType;
use asyncnet_core::{Endings, LinePolicy, ProcessError, RecvError, Search, SendError};

/// rustls seals on behind its own `close_notify`, and sends an alert behind it.
#[test]
fn nothing_follows_our_close_notify() {
    for setup in setups() {
        let mut link = Link::established(setup);
        link.ours.connection.send(b"last").unwrap();
        link.ours.connection.close();
        assert_eq!(link.ours.connection.send(b"late"), Err(SendError::Closed));
        assert_eq!(link.carry(), Ok(()));
        assert!(link.oracle.has_peer_closed());
        assert_eq!(link.oracle.text(), b"last");
        assert_eq!(link.ours.seal(b"late"), Err(TlsError::KeysSpent));
        // Neither a key update nor a wish to negotiate anew is answered any more, and text is still heard.
        link.oracle.refresh_keys();
        if setup.version == Version::Tls12 {
            link.oracle.forge(ContentType::Handshake, 0, &renegotiation(setup.tested));
        }
        link.hear(b"heard");
        link.ours.end_text();
        assert_eq!(link.ours.take_output(), b"");

        link.oracle.write(b"broken");
        let mut wire = link.oracle.take_output();
        wire[9] ^= 1;
        link.ours.deliver(&wire).expect_err("a bit was changed");
        assert_eq!(link.ours.take_output(), b"", "an alert behind close_notify");
        link.carry_up();
        assert_eq!(link.oracle.behind_end(), 0);
    }
}

/// rustls has no `close_notify` then: it follows what was queued, once that is sealed.
#[test]
fn a_close_before_the_handshake_is_done() {
    for setup in setups() {
        let mut link = Link::new(setup);
        link.ours.connection.send(b"all there is").unwrap();
        link.ours.connection.close();
        assert_eq!(link.carry(), Ok(()));
        assert_eq!(link.oracle.text(), b"all there is");
        assert!(link.oracle.has_peer_closed());
    }
}

/// Each direction ends by itself, over either version.
#[test]
fn half_closes() {
    for setup in setups() {
        let mut link = Link::established(setup);
        link.oracle.write(b"the last of theirs");
        link.oracle.close();
        assert_eq!(link.carry(), Ok(()));
        assert_eq!(link.ours.take_text(), b"the last of theirs");
        assert_eq!(link.ours.process(), Ok(()));
        assert!(link.ours.connection.incoming().has_ended());
        link.say(b"ours goes on");
        // What comes behind an end means nothing, whatever it is.
        assert!(!link.ours.connection.wants_wire());
        link.ours.connection.close();
        assert_eq!(link.carry(), Ok(()));
        assert!(link.oracle.has_peer_closed() && link.oracle.failure().is_none());
    }
}

#[test]
fn what_comes_behind_the_peers_end_is_ignored() {
    for setup in setups() {
        let mut link = Link::established(setup);
        link.oracle.write(b"last");
        link.oracle.close();
        let wire = [link.oracle.take_output(), b"220 plaintext follows\r\n".to_vec()].concat();
        assert_eq!(link.ours.deliver(&wire), Ok(()));
        assert_eq!(link.ours.take_text(), b"last");
        assert_eq!(link.ours.process(), Ok(()));
        assert!(link.ours.connection.incoming().has_ended());
        assert_eq!(link.ours.take_text(), b"");
    }
}

/// An end without `close_notify`, wherever it is, is told once all text is taken. We can still answer.
#[test]
fn a_cut_is_told_and_can_be_answered() {
    for setup in setups() {
        for kept in [0, 3, 5, 20] {
            let mut link = Link::established(setup);
            link.oracle.write(b"whole");
            let whole = link.oracle.take_output();
            link.oracle.write(b"a record that is cut");
            let cut = link.oracle.take_output();
            link.ours.fill(&[&whole, &cut[..kept]].concat());
            link.ours.connection.wire_eof();
            assert_eq!(link.ours.process(), Ok(()), "text comes first");
            assert_eq!(link.ours.take_text(), b"whole");
            link.ours.connection.send(b"answer").unwrap();
            link.ours.connection.close();
            for _ in 0..3 {
                assert_eq!(link.ours.process(), Err(TlsError::Truncated.into()));
            }
            assert!(!link.ours.connection.incoming().has_ended());
            link.carry_up();
            assert_eq!(link.oracle.text(), b"answer");
            assert!(link.oracle.has_peer_closed());
        }
    }
}

#[test]
fn a_handshake_that_is_cut() {
    for setup in setups() {
        let mut link = Link::new(setup);
        link.carry_up();
        let flight = link.oracle.take_output();
        link.ours.fill(&flight[..flight.len() / 2]);
        link.ours.connection.wire_eof();
        for _ in 0..3 {
            assert_eq!(link.ours.process(), Err(TlsError::HandshakeEnded.into()));
        }
        assert!(!link.ours.is_established());
    }
}

/// A line that ends the receiving is a reason to say so.
#[test]
fn a_failed_line_can_be_answered() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        link.oracle.write(b"bare\n");
        assert_eq!(link.carry(), Ok(()));
        let strict = LinePolicy::new(80).endings(Endings::CrLfOnly);
        let bare = RecvError::BareLf { at: 4 };
        assert_eq!(link.ours.connection.find_line(strict), Err(bare));
        link.ours.connection.send(b"500 bare LF\r\n").unwrap();
        link.ours.connection.close();
        assert_eq!(link.ours.process(), Err(ProcessError::Recv(bare)));
        link.carry_up();
        assert_eq!(link.oracle.text(), b"500 bare LF\r\n");
        assert!(link.oracle.has_peer_closed());
    }
}

/// A look may have no limit. The buffer for it grows by what comes.
#[test]
fn everything_to_the_end() {
    for setup in setups_of(Version::Tls13) {
        let mut link = Link::established(setup);
        link.oracle.write(&[7; 100_000]);
        link.oracle.close();
        let mut wire = link.oracle.take_output();
        let search = loop {
            let looked = link.ours.connection.incoming_mut().find_end(usize::MAX);
            if looked != Ok(Search::NeedMore) {
                break looked;
            }
            let filled = link.ours.fill(&wire);
            wire.drain(..filled);
            link.ours.open(&mut []).unwrap();
        };
        assert_eq!(search, Ok(Search::Found(100_000)));
        assert_eq!(link.ours.take_text(), [7; 100_000]);
    }
}
