//! What was sent beside what arrived, and what that is called.

use std::fmt;

/// What became of the bytes of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All of them arrived, once, in order.
    Whole,
    /// Some that came before the call was given up were never handed out.
    Lost,
    /// Some arrived twice.
    Doubled,
    /// A message ends in the middle, and another one is behind it as if nothing had happened.
    Torn,
    /// A message ends in the middle, and both sides were told: an error here, a reset there.
    Told,
    /// None of these.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Whole => "whole",
            Self::Lost => "LOST",
            Self::Doubled => "DOUBLED",
            Self::Torn => "TORN",
            Self::Told => "told",
            Self::Other => "something else",
        })
    }
}

/// One row's two sides.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) sent: String,
    pub(crate) arrived: String,
    pub(crate) kind: Kind,
}

impl Seen {
    /// Compares what was meant to arrive, message by message, with what did.
    pub(crate) fn of(messages: &[&[u8]], arrived: &[u8]) -> Self {
        let sent = messages.concat();
        Self { sent: told(&sent), arrived: told(arrived), kind: kind(messages, &sent, arrived) }
    }
}

/// Bytes as the table has them: themselves, if they are few.
pub(crate) fn told(bytes: &[u8]) -> String {
    if bytes.len() > 24 { format!("{} bytes", bytes.len()) } else { format!("\"{}\"", bytes.escape_ascii()) }
}

fn kind(messages: &[&[u8]], sent: &[u8], arrived: &[u8]) -> Kind {
    if sent == arrived {
        return Kind::Whole;
    }
    // The longest same beginning, then the longest same end of what is left: between them is the difference.
    let prefix = same(sent.iter().zip(arrived));
    let suffix = same(sent[prefix..].iter().rev().zip(arrived[prefix..].iter().rev()));
    let missing = sent.len() - prefix - suffix;
    let added = arrived.len() - prefix - suffix;
    match (missing, added) {
        (_, 0) => {
            let mut at = 0;
            let ends_a_message = messages.iter().any(|message| {
                at += message.len();
                at == prefix + missing
            });
            if ends_a_message { Kind::Torn } else { Kind::Lost }
        }
        // What is too much stands right behind itself.
        (0, n) if prefix >= n && arrived[prefix - n..prefix] == arrived[prefix..prefix + n] => Kind::Doubled,
        _ => Kind::Other,
    }
}

fn same<'a>(pairs: impl Iterator<Item = (&'a u8, &'a u8)>) -> usize {
    pairs.take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Seen};

    fn check(messages: &[&str], arrived: &str, expected: Kind) {
        let messages: Vec<&[u8]> = messages.iter().map(|message| message.as_bytes()).collect();
        assert_eq!(Seen::of(&messages, arrived.as_bytes()).kind, expected, "{arrived}");
    }

    #[test]
    fn each_kind_is_told_apart() {
        check(&["abcdef", "next"], "abcdefnext", Kind::Whole);
        check(&["abcdef", "next"], "abcnext", Kind::Torn);
        check(&["abcdef", "next"], "abcdef", Kind::Torn);
        check(&["abcdef"], "def", Kind::Lost);
        check(&["0005hello"], "05hello", Kind::Lost);
        check(&["abcdef"], "abcabcdef", Kind::Doubled);
        check(&["one\n", "two\n"], "one\ntwo\ntwo\n", Kind::Doubled);
        check(&["aaab"], "aaaaab", Kind::Doubled);
        check(&["abcdef"], "abcxyzdef", Kind::Other);
        check(&["abcdef"], "abcxef", Kind::Other);
        check(&["abc"], "", Kind::Torn);
    }
}
