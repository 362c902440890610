//! A message as it comes in, line by line: dots taken off, counted, and gathered in pieces to be written.
//!
//! It is concerned with bytes, not with files. What is over a limit is not kept, and the rest is looked at for its end only.

use crate::smtp::TEXT_LINE_BYTES_MAX;

/// How much is gathered before it is to be written: a message of usual size is written at once, with one trip to the
/// thread that writes files.
const PIECE_BYTES: usize = 64 << 10;

/// Why a message is not kept, although its end is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is larger than is taken.
    TooLarge,
    /// A line is longer than is taken.
    LineTooLong,
}

/// What a line was.
///
/// See the example at [`Incoming`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A part of the message.
    Text,
    /// A part, and what is gathered is to be written.
    Full,
    /// Its end.
    End,
}

/// A message that is coming in.
///
/// ```
/// use asyncnet_examples::smtp::{Incoming, Taken};
///
/// let mut incoming = Incoming::new(b"Received: by me\n", 1_000);
/// assert_eq!(incoming.line(b"..a dot"), Taken::Text);
/// assert_eq!(incoming.line(b"."), Taken::End);
/// assert_eq!(incoming.refusal(), None);
/// assert_eq!(incoming.take_piece(), b"Received: by me\n.a dot\n");
/// ```
#[derive(Debug)]
pub struct Incoming {
    /// With LF, as files in a maildir have it. No line has one in it, so nothing is lost.
    piece: Vec<u8>,
    /// How many bytes came, as SIZE counts them (RFC 1870, section 4): with CR LF, without dots for transparency.
    bytes: u64,
    bytes_max: u64,
    refusal: Option<Refusal>,
}

impl Incoming {
    /// A message of at most `bytes_max` bytes, of which nothing has come; `head` is put before it, and not counted.
    #[must_use]
    pub fn new(head: &[u8], bytes_max: u64) -> Self {
        Self { piece: head.to_vec(), bytes: 0, bytes_max, refusal: None }
    }

    /// Takes a line without its line end.
    pub fn line(&mut self, line: &[u8]) -> Taken {
        let text = match line {
            b"." => return Taken::End,
            // RFC 5321, section 4.5.2.
            [b'.', text @ ..] => text,
            text => text,
        };
        self.bytes = self.bytes.saturating_add(text.len() as u64 + 2);
        if text.len() > TEXT_LINE_BYTES_MAX {
            self.refuse(Refusal::LineTooLong);
        }
        if self.bytes > self.bytes_max {
            self.refuse(Refusal::TooLarge);
        }
        if self.refusal.is_some() {
            return Taken::Text;
        }
        self.piece.extend_from_slice(text);
        self.piece.push(b'\n');
        if self.piece.len() >= PIECE_BYTES { Taken::Full } else { Taken::Text }
    }

    /// It is not kept; the first reason stays. What is gathered is dropped.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
        self.piece = Vec::new();
    }

    /// Takes what is gathered.
    #[must_use]
    pub fn take_piece(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.piece)
    }

    /// How many bytes of it came.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Why it is not kept, if it is not.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }
}

#[cfg(test)]
mod tests {
    use super::{Incoming, Refusal, Taken};

    #[test]
    fn dots_and_line_ends() {
        let mut incoming = Incoming::new(b"", 100);
        for line in [&b"a"[..], b"", b"..", b". ", b".b", b"c."] {
            assert_eq!(incoming.line(line), Taken::Text);
        }
        assert_eq!(incoming.line(b"."), Taken::End);
        assert_eq!(incoming.bytes(), 3 + 2 + 3 + 3 + 3 + 4);
        assert_eq!(incoming.take_piece(), b"a\n\n.\n \nb\nc.\n");
    }

    #[test]
    fn limits() {
        let check = |bytes_max, lines: &[Vec<u8>], refusal| {
            let mut incoming = Incoming::new(b"head\n", bytes_max);
            for line in lines {
                incoming.line(line);
            }
            assert_eq!((incoming.line(b"."), incoming.refusal()), (Taken::End, refusal));
            assert_eq!(incoming.take_piece().is_empty(), refusal.is_some(), "nothing refused is kept");
        };
        check(5, &[b"abc".to_vec()], None);
        check(4, &[b"abc".to_vec()], Some(Refusal::TooLarge));
        check(4, &[b"ab".to_vec(), b"".to_vec()], Some(Refusal::TooLarge));
        check(0, &[], None);
        check(9_999, &[vec![b'x'; 998]], None);
        check(9_999, &[vec![b'x'; 999]], Some(Refusal::LineTooLong));
        // The dot that is taken off does not count.
        check(9_999, &[vec![b'.'; 999]], None);
        check(999, &[vec![b'x'; 999]], Some(Refusal::LineTooLong));
    }

    #[test]
    fn what_is_gathered_is_bounded() {
        let mut incoming = Incoming::new(b"", u64::MAX);
        let taken: Vec<_> = (0..100).map(|_| incoming.line(&[b'x'; 998])).collect();
        assert_eq!(taken.iter().position(|taken| *taken == Taken::Full), Some(65));
    }
}
