//! What a server answers: a code of three digits, and text in one line or more (RFC 5321, section 4.2).

use std::borrow::Cow;
use std::fmt;

/// An answer.
///
/// ```
/// use asyncnet_examples::smtp::Reply;
///
/// let reply = Reply::new(250, "one").line("two");
/// assert_eq!(reply.wire_lines().collect::<Vec<_>>(), ["250-one", "250 two"]);
/// assert_eq!(reply.to_string(), "250 one, two");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<Cow<'static, str>>,
}

/// One line of an answer, as it comes.
///
/// ```
/// use asyncnet_examples::smtp::ReplyLine;
///
/// let line = ReplyLine::parse(b"250-SIZE 1000").expect("it is one");
/// assert_eq!((line.code, line.is_last, &*line.text), (250, false, "SIZE 1000"));
/// assert_eq!(ReplyLine::parse(b"250+SIZE"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyLine {
    /// From 200 to 559.
    pub code: u16,
    /// Whether it ends the answer.
    pub is_last: bool,
    /// The rest, fit for a terminal: what is no printable ASCII is replaced.
    pub text: String,
}

impl Reply {
    /// An answer of one line.
    #[must_use]
    pub fn new(code: u16, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, lines: vec![text.into()] }
    }

    /// The same with one line more.
    #[must_use]
    pub fn line(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.lines.push(text.into());
        self
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// What its lines say.
    #[must_use]
    pub fn lines(&self) -> &[Cow<'static, str>] {
        &self.lines
    }

    /// Whether the server did what was asked for, or waits for what belongs to it.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.code < 400
    }

    /// Whether the same may well succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// Its lines as they are sent, without line ends.
    pub fn wire_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.lines.iter().enumerate().map(|(at, text)| {
            let separator = if at + 1 == self.lines.len() { ' ' } else { '-' };
            format!("{}{separator}{text}", self.code)
        })
    }
}

/// On one line, for people.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(", "))
    }
}

impl ReplyLine {
    /// Reads a line without its line end; `None` if it is no line of an answer.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let (&[a @ b'2'..=b'5', b @ b'0'..=b'5', c @ b'0'..=b'9'], rest) = line.split_first_chunk::<3>()?
        else {
            return None;
        };
        let (is_last, text) = match rest {
            // A code alone is an answer too (RFC 5321, section 4.2).
            [] => (true, &[][..]),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return None,
        };
        let code = [a, b, c].into_iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let readable = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
        Some(Self { code, is_last, text: text.iter().map(readable).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::ReplyLine;

    #[test]
    fn lines_of_answers() {
        let check = |line: &[u8], expected: Option<(u16, bool, &str)>| {
            let parsed = ReplyLine::parse(line);
            let parsed = parsed.as_ref().map(|line| (line.code, line.is_last, &*line.text));
            assert_eq!(parsed, expected, "{}", line.escape_ascii());
        };
        check(b"220 mail.example ESMTP", Some((220, true, "mail.example ESMTP")));
        check(b"250-STARTTLS", Some((250, false, "STARTTLS")));
        check(b"354", Some((354, true, "")));
        check(b"250 ", Some((250, true, "")));
        check(b"559 \x1b[2J\xff", Some((559, true, "?[2J?")));
        check(b"199 no", None);
        check(b"600 no", None);
        check(b"260 no", None);
        check(b"25", None);
        check(b"", None);
        check(b"250x", None);
        check(b" 250 x", None);
    }
}
