//! Every line rule as a row, and every row under every way to cut its input in two, in one piece and byte by byte.

use asyncnet_core::{Connection, Ending, Endings, LastLine, Limits, LinePolicy, Overlong, RecvError, Search};

/// What a reader of lines sees.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Line(&'static str, Ending),
    Error(RecvError),
    End,
}

use Ending::{CrLf, Cut, Lf, Missing};
use Seen::{End, Error, Line};

/// Reads lines until the end or a fatal error; an `Incomplete` is followed by taking what is left.
fn read(pieces: &[&'static [u8]], policy: LinePolicy, discard_bytes_max: usize) -> Vec<Seen> {
    let mut limits = Limits::default();
    limits.discard_bytes_max = discard_bytes_max;
    let mut connection = Connection::new(limits);
    let mut pieces = pieces.iter();
    let mut seen = Vec::new();
    loop {
        match connection.find_line(policy) {
            Ok(Search::Found(span)) => {
                let text =
                    String::from_utf8(connection.take_line(span).to_vec()).expect("the rows are UTF-8");
                seen.push(Line(text.leak(), span.ending()));
            }
            Ok(Search::NeedMore) => match pieces.next() {
                Some(piece) => {
                    assert!(connection.wants_wire());
                    connection.wire_space()[..piece.len()].copy_from_slice(piece);
                    connection.wire_filled(piece.len());
                }
                None => connection.wire_eof(),
            },
            Ok(Search::End) => {
                seen.push(End);
                return seen;
            }
            Err(error) => {
                seen.push(Error(error));
                if error.is_fatal() {
                    assert_eq!(connection.find_line(policy), Err(error), "a fatal error stays");
                    return seen;
                }
                if let RecvError::Incomplete { len } = error {
                    assert_eq!(connection.find_line(policy), Err(error), "it stays until it is taken");
                    assert_eq!(connection.plain().len(), len);
                    connection.consume(len);
                }
            }
        }
    }
}

fn check_with(input: &'static str, policy: LinePolicy, discard_bytes_max: usize, expected: &[Seen]) {
    let bytes = input.as_bytes();
    let mut ways = vec![vec![bytes], bytes.chunks(1).collect()];
    for cut in 1..bytes.len() {
        ways.push(vec![&bytes[..cut], &bytes[cut..]]);
    }
    for pieces in ways {
        let seen = read(&pieces, policy, discard_bytes_max);
        assert_eq!(seen, expected, "{input:?} in {} pieces, {policy:?}", pieces.len());
    }
}

fn check(input: &'static str, policy: LinePolicy, expected: &[Seen]) {
    check_with(input, policy, 8 << 20, expected);
}

const FIVE: LinePolicy = LinePolicy::new(5);
const STRICT: LinePolicy = FIVE.endings(Endings::CrLfOnly);
const ACCEPT: LinePolicy = FIVE.last(LastLine::Accept);
const CUT: LinePolicy = FIVE.overlong(Overlong::Truncate);
const FAIL: LinePolicy = FIVE.overlong(Overlong::Fail);
const TOO_LONG: Seen = Error(RecvError::LineTooLong { limit: 5 });

#[test]
fn a_terminator_is_lf_with_at_most_one_cr_before_it() {
    check("", FIVE, &[End]);
    check("\n", FIVE, &[Line("", Lf), End]);
    check("\r\n", FIVE, &[Line("", CrLf), End]);
    check("a\r\nb\n", FIVE, &[Line("a", CrLf), Line("b", Lf), End]);
    check("ab\rcd\r\nef\r\n", FIVE, &[Line("ab\rcd", CrLf), Line("ef", CrLf), End]);
    check("\rXY\r\n", FIVE, &[Line("\rXY", CrLf), End]);
    check("ab\r\r\ncd\r\n", FIVE, &[Line("ab\r", CrLf), Line("cd", CrLf), End]);
    check("\r\r\r\r\ncd\n", FIVE, &[Line("\r\r\r", CrLf), Line("cd", Lf), End]);
    check("\r\n\r\n\n", FIVE, &[Line("", CrLf), Line("", CrLf), Line("", Lf), End]);
    check("a\0b\n", FIVE, &[Line("a\0b", Lf), End]);
}

#[test]
fn a_line_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    check("12345\nx\n", FIVE, &[Line("12345", Lf), Line("x", Lf), End]);
    check("12345\r\nx\n", FIVE, &[Line("12345", CrLf), Line("x", Lf), End]);
    check("123456\nx\n", FIVE, &[TOO_LONG, Line("x", Lf), End]);
    check("123456\r\nx\n", FIVE, &[TOO_LONG, Line("x", Lf), End]);
    check("12345\r\r\nx\n", FIVE, &[TOO_LONG, Line("x", Lf), End]);
    check("12345\rX\nx\n", FIVE, &[TOO_LONG, Line("x", Lf), End]);
    check("AAAAAAQUIT\r\nnext\r\n", FIVE, &[TOO_LONG, Line("next", CrLf), End]);
    check("\n", LinePolicy::new(0), &[Line("", Lf), End]);
    check("\r\n", LinePolicy::new(0), &[Line("", CrLf), End]);
    check("a\n\r\n", LinePolicy::new(0), &[Error(RecvError::LineTooLong { limit: 0 }), Line("", CrLf), End]);
}

#[test]
fn an_over_long_line_is_reported_once_and_never_served() {
    check("1234567890123\n1234567890\nok\n", FIVE, &[TOO_LONG, TOO_LONG, Line("ok", Lf), End]);
    check("1234567", FIVE, &[TOO_LONG, End]);
}

#[test]
fn a_spent_discard_budget_is_fatal() {
    let spent = |budget| Error(RecvError::DiscardSpent { budget });
    // The terminator's LF may be the last byte of the budget.
    check_with("123456789\nok\n", FIVE, 4, &[TOO_LONG, Line("ok", Lf), End]);
    check_with("123456789\nok\n", FIVE, 3, &[TOO_LONG, spent(3)]);
    check_with("123456789", FIVE, 3, &[TOO_LONG, End]);
    check_with("1234567890", FIVE, 3, &[TOO_LONG, spent(3)]);
    check_with("123456", FIVE, 0, &[TOO_LONG, End]);
    check_with("123456\n", FIVE, 0, &[TOO_LONG, spent(0)]);
    check_with("123456789\n", CUT, 3, &[Line("12345", Cut), spent(3)]);
}

#[test]
fn a_truncated_line_says_so_and_its_tail_is_dropped() {
    check("1234567\r\nok\n", CUT, &[Line("12345", Cut), Line("ok", Lf), End]);
    check("12345\r\n", CUT, &[Line("12345", CrLf), End]);
    check("12345\r\r\nok\n", CUT, &[Line("12345", Cut), Line("ok", Lf), End]);
    check("123456", CUT, &[Line("12345", Cut), End]);
}

#[test]
fn an_over_long_line_can_be_fatal_at_once() {
    let fatal = Error(RecvError::LineTooLongFatal { limit: 5 });
    check("ok\n123456\nx\n", FAIL, &[Line("ok", Lf), fatal]);
}

#[test]
fn crlf_only_refuses_a_bare_lf_and_a_bare_cr() {
    check("a\r\n\r\n", STRICT, &[Line("a", CrLf), Line("", CrLf), End]);
    check("a\r\nbc\nd\r\n", STRICT, &[Line("a", CrLf), Error(RecvError::BareLf { at: 2 })]);
    check("a\rb\r\n", STRICT, &[Error(RecvError::BareCr { at: 1 })]);
    check("a\r\r\n", STRICT, &[Error(RecvError::BareCr { at: 1 })]);
    check("\n", STRICT, &[Error(RecvError::BareLf { at: 0 })]);
    check("12345\r\n", STRICT, &[Line("12345", CrLf), End]);
    check("123456\nx\r\nok\r\n", STRICT, &[TOO_LONG, Line("ok", CrLf), End]);
    check("123456\r\nok\r\n", STRICT, &[TOO_LONG, Line("ok", CrLf), End]);
    check("123456\r\r\nok\r\n", STRICT, &[TOO_LONG, Line("ok", CrLf), End]);
    check("12345\rX\r\n", STRICT, &[Error(RecvError::BareCr { at: 5 })]);
    check("ab\r", STRICT.last(LastLine::Accept), &[Error(RecvError::BareCr { at: 2 })]);
}

#[test]
fn an_unterminated_last_line_is_incomplete_or_accepted() {
    check("ok\npart", FIVE, &[Line("ok", Lf), Error(RecvError::Incomplete { len: 4 }), End]);
    check("ab\r", FIVE, &[Error(RecvError::Incomplete { len: 3 }), End]);
    check("ab\r", STRICT, &[Error(RecvError::Incomplete { len: 3 }), End]);
    check("ok\npart", ACCEPT, &[Line("ok", Lf), Line("part", Missing), End]);
    check("ab\r", ACCEPT, &[Line("ab\r", Missing), End]);
    check("12345", ACCEPT, &[Line("12345", Missing), End]);
    check("12345\r", ACCEPT, &[TOO_LONG, End]);
    check("12345\r", ACCEPT.overlong(Overlong::Truncate), &[Line("12345", Cut), End]);
}

#[test]
fn a_changed_limit_keeps_the_place() {
    let mut connection = Connection::new(Limits::default());
    connection.wire_space()[..100].fill(b'x');
    connection.wire_filled(100);
    assert_eq!(connection.find_line(LinePolicy::new(1_000)), Ok(Search::NeedMore));
    assert_eq!(connection.find_line(LinePolicy::new(50)), Err(RecvError::LineTooLong { limit: 50 }));
    connection.wire_space()[..4].copy_from_slice(b"x\nok");
    connection.wire_filled(4);
    assert_eq!(connection.find_line(LinePolicy::new(1_000)), Ok(Search::NeedMore));
    assert_eq!(connection.plain(), b"ok");
}

#[test]
fn nothing_is_served_while_a_line_is_dropped() {
    let mut connection = Connection::new(Limits::default());
    connection.wire_space()[..7].copy_from_slice(b"1234567");
    connection.wire_filled(7);
    assert_eq!(connection.find_line(FIVE), Err(RecvError::LineTooLong { limit: 5 }));
    assert_eq!(connection.plain(), b"");
    assert_eq!(connection.take(&mut [0; 9]), 0);
    connection.wire_space()[..5].copy_from_slice(b"89\nok");
    connection.wire_filled(5);
    assert_eq!(connection.plain(), b"", "what has come is still to be looked at");
    connection.process().unwrap();
    assert_eq!(connection.plain(), b"ok");
}

#[test]
fn reads_get_longer_also_while_the_start_of_a_line_waits() {
    let mut connection = Connection::new(Limits::default());
    let mut longest = 0;
    for _ in 0..4 {
        let space = connection.wire_space();
        let n = space.len();
        longest = longest.max(n);
        space.fill(b'x');
        space[n - 2] = b'\n';
        connection.wire_filled(n);
        let Ok(Search::Found(span)) = connection.find_line(LinePolicy::new(100_000)) else {
            panic!("a line is there");
        };
        connection.take_line(span);
        assert_eq!(connection.plain(), b"x");
    }
    assert!(longest >= 64 << 10, "{longest}");
}

/// A line that was too long for one look, and was not taken, is whole for one with another limit.
#[test]
fn a_line_that_was_too_long_is_found_under_a_larger_limit() {
    for input in [&b"1234567\nok\n"[..], b"1234567\r\nok\r\n"] {
        for endings in [Endings::Any, Endings::CrLfOnly] {
            if endings == Endings::CrLfOnly && !input.contains(&b'\r') {
                continue;
            }
            let mut connection = Connection::new(Limits::default());
            connection.wire_space()[..input.len()].copy_from_slice(input);
            connection.wire_filled(input.len());
            let policy = LinePolicy::new(3).endings(endings).overlong(Overlong::Truncate);
            let Ok(Search::Found(cut)) = connection.find_line(policy) else { panic!("a part of a line") };
            assert_eq!((cut.len(), cut.ending()), (3, Cut));
            for expected in [&b"1234567"[..], b"ok"] {
                let Ok(Search::Found(span)) = connection.find_line(policy.max(100)) else { panic!("a line") };
                assert_eq!(connection.take_line(span), expected);
            }
        }
    }
}

#[test]
fn a_fatal_error_stays_when_a_line_found_before_it_is_taken() {
    let mut connection = Connection::new(Limits::default());
    connection.wire_space()[..8].copy_from_slice(b"abcdefgh");
    connection.wire_filled(8);
    let policy = LinePolicy::new(3);
    let Ok(Search::Found(span)) = connection.find_line(policy.overlong(Overlong::Truncate)) else {
        panic!("the line can be cut")
    };
    let fatal = Err(RecvError::LineTooLongFatal { limit: 3 });
    assert_eq!(connection.find_line(policy.overlong(Overlong::Fail)), fatal);
    assert_eq!(connection.take_line(span), b"abc");
    assert_eq!(connection.find_line(policy), fatal);
}
