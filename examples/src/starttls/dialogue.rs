//! A dialogue under a limit: lines, replies of several lines, and tags.

use super::{LINE_BYTES_MAX, LINES_MAX, StartTlsError};
use asyncnet_driver::{Error, LinePolicy, Overlong, RecvError, Stream, Transport};

/// A stream in plaintext, and how much its server may still say.
#[derive(Debug)]
pub(super) struct Dialogue<'a, T> {
    pub(super) stream: &'a mut Stream<T>,
    left: usize,
}

/// An answer as SMTP, FTP and NNTP have it: three digits and words, on one line or on several.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// All lines, the code included.
    pub(super) lines: Vec<String>,
}

impl<'a, T: Transport> Dialogue<'a, T> {
    pub(super) fn new(stream: &'a mut Stream<T>) -> Self {
        Self { stream, left: LINES_MAX }
    }

    /// Says a line.
    pub(super) async fn say(&mut self, line: &str) -> Result<(), StartTlsError> {
        Ok(self.stream.send_line(line).await?)
    }

    /// The next line, as [`readable`] text.
    pub(super) async fn line(&mut self) -> Result<String, StartTlsError> {
        self.count()?;
        let policy = LinePolicy::new(LINE_BYTES_MAX).overlong(Overlong::Fail);
        match self.stream.recv_line_with(policy).await {
            Ok(Some(line)) => Ok(readable(line.as_bytes())),
            Ok(None) => Err(StartTlsError::Ended),
            Err(error) => Err(failed(error)),
        }
    }

    /// A reply: if a hyphen follows the code, to the line that has a space there. What stands between may be anything
    /// (RFC 959, section 4.2), in SMTP lines with the code (RFC 5321, section 4.2.1).
    pub(super) async fn reply(&mut self) -> Result<Reply, StartTlsError> {
        let first = self.line().await?;
        let code = first.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(code) = code.map(str::to_owned) else { return Err(StartTlsError::Unexpected(first)) };
        let is_last = |line: &str| line.strip_prefix(&code).is_some_and(|rest| !rest.starts_with('-'));
        let number = code.parse().map_err(|_| StartTlsError::Unexpected(first.clone()))?;
        match first.as_bytes().get(3) {
            None | Some(b' ' | b'-') => {}
            Some(_) => return Err(StartTlsError::Unexpected(first)),
        }
        let mut lines = vec![first];
        while !lines.last().is_some_and(|line| is_last(line)) {
            lines.push(self.line().await?);
        }
        Ok(Reply { code: number, lines })
    }

    /// A list to the line that is a dot, as POP3 and NNTP have it.
    pub(super) async fn list(&mut self) -> Result<Vec<String>, StartTlsError> {
        let mut lines = Vec::new();
        loop {
            match self.line().await? {
                line if line == "." => return Ok(lines),
                line => lines.push(line),
            }
        }
    }

    /// What stands before the next `>`, which is taken as well.
    pub(super) async fn through_angle(&mut self) -> Result<String, StartTlsError> {
        self.count()?;
        match self.stream.recv_until(b">", LINE_BYTES_MAX).await {
            Ok(Some(text)) => Ok(readable(text)),
            Ok(None) => Err(StartTlsError::Ended),
            Err(error) => Err(failed(error)),
        }
    }

    fn count(&mut self) -> Result<(), StartTlsError> {
        self.left = self.left.checked_sub(1).ok_or(StartTlsError::TooLong)?;
        Ok(())
    }
}

impl Reply {
    /// The last line, which says how it is meant.
    pub(super) fn refusal(self) -> StartTlsError {
        let last = self.lines.into_iter().last().expect("a reply has a line");
        match self.code {
            400..=599 => StartTlsError::Refused(last),
            _ => StartTlsError::Unexpected(last),
        }
    }
}

/// What a server said, with `?` for what is not printable ASCII: no word of these protocols has it, and the text may end
/// up on a terminal.
fn readable(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '?' }).collect()
}

fn failed(error: Error) -> StartTlsError {
    match error {
        Error::Recv(RecvError::LineTooLongFatal { .. } | RecvError::TooLong { .. }) => StartTlsError::TooLong,
        error if error.is_incomplete() => StartTlsError::Ended,
        error => StartTlsError::Stream(error),
    }
}
