//! The head of an answer: its status and its fields, received as lines under limits (RFC 9112, sections 2 to 5).
//!
//! Fields are kept as bytes: what their values mean is for whoever asks for one.
//!
//! Invariant: no CR, LF, NUL or other control character but the tab is in a value or in the reason, so that they can be
//! shown in one line.

use crate::http::error::HttpError;
use asyncnet_driver::{Error, LinePolicy, Overlong, RecvError, Stream, Transport};

/// The longest line, in bytes: what servers take themselves (8 KiB by default in nginx and Apache), twice.
pub(super) const LINE_BYTES_MAX: usize = 16 << 10;
/// How many fields: Apache takes 100 itself.
pub(super) const FIELDS_MAX: usize = 200;
/// How long all of the head, in bytes.
const HEAD_BYTES_MAX: usize = 128 << 10;
/// How many interim answers come before the one that was asked for. One is usual where there is any.
const INTERIM_MAX: usize = 8;

/// The head of an answer.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_examples::http::Head;
///
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// server.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nVia: a\r\nVia: b\r\n\r\n").await?;
/// let head = Head::recv(&mut client).await?;
/// assert_eq!((head.status(), head.reason()), (404, "Not Found"));
/// assert_eq!(head.field("content-length"), Some(&b"0"[..]));
/// assert_eq!(head.fields("via").collect::<Vec<_>>(), [b"a", b"b"]);
/// # Ok::<(), asyncnet_examples::http::HttpError>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    minor: u8,
    status: u16,
    reason: String,
    fields: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// Receives the head of the answer, and passes over interim ones before it (RFC 9110, section 15.2).
    ///
    /// # Errors
    ///
    /// [`HttpError::NotHttp`], [`HttpError::Malformed`], [`HttpError::TooMany`], [`HttpError::TooLong`];
    /// [`HttpError::Incomplete`] if the stream ends before; what the stream fails with.
    pub async fn recv<T: Transport>(stream: &mut Stream<T>) -> Result<Self, HttpError> {
        for _ in 0..=INTERIM_MAX {
            let head = Self::recv_any(stream).await?;
            match head.status {
                101 => {
                    return Err(HttpError::Malformed(
                        "it switches to a protocol that was not asked for".into(),
                    ));
                }
                100..=199 => {}
                _ => return Ok(head),
            }
        }
        Err(HttpError::TooMany { what: "interim answers", limit: INTERIM_MAX })
    }

    async fn recv_any<T: Transport>(stream: &mut Stream<T>) -> Result<Self, HttpError> {
        let mut bytes_left = HEAD_BYTES_MAX;
        let line = recv_line(stream, "the head", &mut bytes_left).await?;
        let mut head = Self::parse_status(line).ok_or(HttpError::NotHttp)?;
        loop {
            let line = recv_line(stream, "the head", &mut bytes_left).await?;
            if line.is_empty() {
                return Ok(head);
            }
            head.push(line)?;
        }
    }

    /// `HTTP/1.1 200 OK`. The reason may be empty, and then some servers leave out the space before it too.
    fn parse_status(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"HTTP/1.")?;
        let (&[minor, b' ', ref code @ ..], rest) = rest.split_at_checked(5)? else { return None };
        let is_number = minor.is_ascii_digit() && code.iter().all(u8::is_ascii_digit);
        let reason = rest.strip_prefix(b" ").or(rest.is_empty().then_some(rest))?;
        let status = code.iter().fold(0, |status, digit| status * 10 + u16::from(digit.wrapping_sub(b'0')));
        (is_number && (100..=999).contains(&status)).then(|| Self {
            minor: minor - b'0',
            status,
            reason: String::from_utf8_lossy(&cleaned(reason)).replace(char::is_control, " "),
            fields: Vec::new(),
        })
    }

    /// Adds a field, or the next line of the last one.
    fn push(&mut self, line: &[u8]) -> Result<(), HttpError> {
        let malformed = |why: &str| HttpError::Malformed(format!("{why}: \"{}\"", line.escape_ascii()));
        if line.contains(&b'\r') || line.contains(&0) {
            return Err(malformed("a field with a control character"));
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            // Obsolete, and to be read as spaces (RFC 9112, section 5.2).
            let (_, value) = self.fields.last_mut().ok_or_else(|| malformed("a field without a name"))?;
            value.push(b' ');
            value.extend_from_slice(&cleaned(line));
            return Ok(());
        }
        if self.fields.len() == FIELDS_MAX {
            return Err(HttpError::TooMany { what: "fields in the head", limit: FIELDS_MAX });
        }
        let colon =
            line.iter().position(|&byte| byte == b':').ok_or_else(|| malformed("a field without a colon"))?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
            return Err(malformed("a field with a name that is none"));
        }
        self.fields.push((String::from_utf8_lossy(name).into_owned(), cleaned(value)));
        Ok(())
    }

    /// The status, from 200 to 999.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether what was asked for is there: status 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// What the server calls the status; may be empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether the answer is in HTTP/1.0, which has no chunks.
    pub(super) fn is_old(&self) -> bool {
        self.minor == 0
    }

    /// The value of the first field with this name, whatever its case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields(name).next()
    }

    /// The values of all fields with this name, whatever its case.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// The head as it came, but for its line ends and the space around values, for people to read.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_examples::http::Head;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"HTTP/1.0 200 OK\r\nServer:\ta\r\n\r\n").await?;
    /// assert_eq!(Head::recv(&mut client).await?.text(), "HTTP/1.0 200 OK\nServer: a\n");
    /// # Ok::<(), asyncnet_examples::http::HttpError>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("HTTP/1.{} {}\n", self.minor, self.status_text());
        for (name, value) in &self.fields {
            // UTF-8 has control characters of its own, which a terminal would obey.
            let value = String::from_utf8_lossy(value).replace(char::is_control, " ");
            text.extend([name, ": ", &value, "\n"]);
        }
        text
    }

    /// Status and reason.
    ///
    /// See the example at [`Response`](crate::http::Response).
    #[must_use]
    pub fn status_text(&self) -> String {
        format!("{} {}", self.status, self.reason).trim_end().to_owned()
    }
}

/// Receives a line of a part of the answer that has a limit in bytes.
pub(super) async fn recv_line<'s, T: Transport>(
    stream: &'s mut Stream<T>,
    part: &'static str,
    bytes_left: &mut usize,
) -> Result<&'s [u8], HttpError> {
    let policy = LinePolicy::new(LINE_BYTES_MAX.min(*bytes_left)).overlong(Overlong::Fail);
    let line = match stream.recv_line_with(policy).await {
        Ok(Some(line)) => line.into_inner(),
        Ok(None) => return Err(HttpError::Incomplete { part, missing: None }),
        Err(Error::Recv(RecvError::LineTooLongFatal { .. })) => return Err(HttpError::TooLong { part }),
        Err(error) => return Err(HttpError::of_part(error, part, None)),
    };
    *bytes_left -= line.len();
    Ok(line)
}

/// A value without the space around it, and with spaces for control characters (RFC 9110, section 5.5).
fn cleaned(value: &[u8]) -> Vec<u8> {
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    value.trim_ascii().iter().map(|&byte| if is_control(byte) { b' ' } else { byte }).collect()
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
