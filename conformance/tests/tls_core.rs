//! What a caller of the core does over TLS: `process`, look, `process` again, until there is a line or no more is to be had.

use asyncnet_conformance::pki::Version;
use asyncnet_conformance::properties::tls::{Driven, Oracle, Setup, Tested};
use asyncnet_core::tls::TlsError;
use asyncnet_core::{LastLine, LinePolicy, RecvError, Search};
use std::time::Duration;

/// Client and server, under each version.
fn setups() -> impl Iterator<Item = Setup> {
    let versions = Version::EACH.into_iter();
    versions.flat_map(|version| [Tested::Client, Tested::Server].map(|tested| Setup::new(tested, version)))
}

/// A connection that has made its handshake, and its peer.
fn established(setup: Setup) -> (Driven, Oracle) {
    let ends = setup.ends();
    let (mut ours, mut peer) = (Driven::start(ends.start(setup.tested)), ends.oracle(setup.tested));
    while !ours.is_established() || peer.is_handshaking() {
        peer.feed(&ours.take_output());
        let flight = peer.take_output();
        assert_eq!(ours.deliver(&flight), Ok(()), "{setup:?}");
    }
    // Tickets.
    peer.feed(&ours.take_output());
    (ours, peer)
}

/// What the peer sends, each piece in a record of its own.
type Records<'a> = &'a [&'a str];

/// A line, or why there is none; the end is no item.
type Item = Result<String, RecvError>;

/// The peer sends the records, then its end, and all that has come before the first look.
fn check(policy: LinePolicy, records: Records<'_>, expected: &[Item]) {
    for setup in setups() {
        let (mut ours, mut peer) = established(setup);
        for record in records {
            peer.write(record.as_bytes());
            let wire = peer.take_output();
            assert_eq!(ours.fill(&wire), wire.len());
        }
        peer.close();
        let wire = peer.take_output();
        assert_eq!(ours.fill(&wire), wire.len());
        assert_eq!(items(&mut ours, policy), expected, "{records:?}, {setup:?}");
    }
}

/// Processes and looks, by turns, to the end.
fn items(ours: &mut Driven, policy: LinePolicy) -> Vec<Item> {
    let mut items = Vec::new();
    let mut idle = 0;
    // Each look in vain has one more record opened, and no line has as many.
    while idle < 8 {
        ours.process().expect("the peer is honest");
        idle += 1;
        match ours.connection.find_line(policy) {
            Ok(Search::Found(span)) => {
                items.push(Ok(String::from_utf8_lossy(ours.connection.take_line(span)).into_owned()));
                idle = 0;
            }
            Ok(Search::NeedMore) => {}
            Ok(Search::End) => return items,
            // What cannot become a line stays where it is, and so does its error.
            Err(error @ RecvError::Incomplete { .. }) => {
                items.push(Err(error));
                return items;
            }
            Err(error) => {
                items.push(Err(error));
                idle = 0;
            }
        }
    }
    panic!("neither a line nor the end after {items:?}, though all has come");
}

fn lines(texts: &[&str]) -> Vec<Item> {
    texts.iter().map(|text| Ok((*text).to_owned())).collect()
}

#[test]
fn a_line_over_many_records_is_found() {
    let policy = LinePolicy::new(80);
    check(policy, &["hel", "lo\n"], &lines(&["hello"]));
    check(policy, &["hello\r", "\n"], &lines(&["hello"]));
    check(policy, &["h", "e", "l", "l", "o", "\n"], &lines(&["hello"]));
    check(policy, &["one\ntw", "o\nthr", "ee\n"], &lines(&["one", "two", "three"]));
}

#[test]
fn the_rest_of_an_over_long_line_comes_in_further_records() {
    let policy = LinePolicy::new(10);
    let too_long = || Err(RecvError::LineTooLong { limit: 10 });
    let expected = [too_long(), Ok("ok".to_owned())];
    check(policy, &["aaaaaaaaaaaaaaaaaaaaaaaa", "aaa\nok\n"], &expected);
    check(policy, &["aaaaaaaa", "aaaaaaaa", "aaaaaaaa", "aaa\n", "ok\n"], &expected);
    check(policy, &["aaaaaaaaaaaaaaaaaaaaaaaa", "aaa", "\n", "o", "k\n"], &expected);
}

/// The end comes as a record too, and it is not the wire's.
#[test]
fn the_end_behind_half_a_line_is_told() {
    let policy = LinePolicy::new(80);
    let partial = |len| Err(RecvError::Incomplete { len });
    check(policy, &["half"], &[partial(4)]);
    check(policy, &["one\nha", "lf"], &[Ok("one".to_owned()), partial(4)]);
    check(policy.last(LastLine::Accept), &["one\nha", "lf"], &lines(&["one", "half"]));
    check(policy, &["one\n"], &lines(&["one"]));
    check(policy, &[], &[]);
}

/// What is not asked for stays sealed: that is what holds a peer back.
#[test]
fn each_look_in_vain_opens_one_record() {
    for setup in setups() {
        let (mut ours, mut peer) = established(setup);
        for record in ["a", "b", "c", "d\n"] {
            peer.write(record.as_bytes());
            let wire = peer.take_output();
            assert_eq!(ours.fill(&wire), wire.len());
        }
        for text in ["a", "ab", "abc", "abcd\n"] {
            for _ in 0..3 {
                assert_eq!(ours.process(), Ok(()));
                assert_eq!(ours.connection.plain(), text.as_bytes());
            }
            assert!(ours.connection.find_line(LinePolicy::new(80)).is_ok());
        }
    }
}

/// Whoever kept a handshake's deadline may be late with it.
#[test]
fn a_handshake_that_is_done_does_not_time_out() {
    for setup in setups() {
        let (mut ours, mut peer) = established(setup);
        let (_, _, session) = ours.connection.sides();
        let late = session.map(|session| session.time_out(Duration::from_millis(1_500)));
        assert_eq!(late, Some(TlsError::HandshakeTimedOut { after_ms: 1_500 }));
        assert_eq!(ours.connection.tls().map(|session| session.failure()), Some(None));
        peer.write(b"goes on");
        assert_eq!(ours.deliver(&peer.take_output()), Ok(()));
        assert_eq!(ours.take_text(), b"goes on");
        assert_eq!(ours.seal(b"both ways"), Ok(9));
        peer.feed(&ours.take_output());
        assert_eq!(peer.text(), b"both ways");
    }
}

#[test]
fn a_handshake_that_is_not_done_times_out_for_good() {
    for setup in setups() {
        let ends = setup.ends();
        let (mut ours, mut peer) = (Driven::start(ends.start(setup.tested)), ends.oracle(setup.tested));
        peer.feed(&ours.take_output());
        let flight = peer.take_output();
        let (_, _, session) = ours.connection.sides();
        let late = session.map(|session| session.time_out(Duration::from_secs(10)));
        let timed_out = TlsError::HandshakeTimedOut { after_ms: 10_000 };
        assert_eq!(late.as_ref(), Some(&timed_out));
        ours.fill(&flight);
        for _ in 0..2 {
            assert_eq!(ours.process(), Err(timed_out.clone().into()));
        }
        assert!(!ours.is_established());
    }
}
