//! The body of an answer: where it ends, and its bytes as they come (RFC 9112, sections 6 and 7).
//!
//! ```text
//!   [ Counted ] --------------------------------- all counted ---------------------------+
//!                                                                                        v
//!   [ ChunkSize ] --size--> [ Chunk ] --all counted--> [ ChunkEnd ] --empty line--+   [ Done ]
//!       ^  |                                                                      |      ^
//!       |  +--0--> [ Trailers ] -------------- empty line ------------------------)------+
//!       +-------------------------------------------------------------------------+      |
//!   [ ToEnd ] ----------------------------- the stream's clean end ----------------------+
//! ```
//!
//! Invariants:
//! - A body that says where it ends is complete when it is there: how the connection ends behind it does not matter. One
//!   that ends with the connection is complete at a clean end alone, and over TLS an end that anybody could have made
//!   is none.
//! - A receive is taken and counted in one poll, so a call can be dropped and made again.

use crate::http::error::HttpError;
use crate::http::head::{FIELDS_MAX, Head, LINE_BYTES_MAX, recv_line};
use asyncnet_driver::{Stream, Transport};

const PART: &str = "the body";

/// How far the body of an answer has been received.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_examples::http::{Body, Head};
///
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await?;
/// let head = Head::recv(&mut client).await?;
/// let mut body = Body::of(&head)?;
/// let mut buf = [0; 100];
/// assert_eq!(body.recv(&mut client, &mut buf).await?, 5);
/// assert_eq!(&buf[..5], b"hello");
/// assert_eq!(body.recv(&mut client, &mut buf).await?, 0);
/// # Ok::<(), asyncnet_examples::http::HttpError>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are to come, at least one.
    Counted(u64),
    /// The line with the next chunk's size is to come.
    ChunkSize,
    /// So many bytes of a chunk are to come, at least one.
    Chunk(u64),
    /// The line end behind a chunk is to come.
    ChunkEnd,
    /// The fields behind the last chunk, of which so many came, and the empty line.
    Trailers(usize),
    /// Everything to the end of the stream.
    ToEnd,
    Done,
}

impl Body {
    /// None: what HEAD is answered with.
    pub const EMPTY: Self = Self { state: State::Done };

    /// The body behind the head of an answer to GET (RFC 9112, section 6.3).
    ///
    /// # Errors
    ///
    /// [`HttpError::Malformed`] if the head contradicts itself about its length, [`HttpError::Coding`] if the body comes
    /// in another way than in chunks.
    ///
    /// See the example at [`Body`].
    pub fn of(head: &Head) -> Result<Self, HttpError> {
        let state = if matches!(head.status(), 100..=199 | 204 | 304) {
            State::Done
        } else if head.field("transfer-encoding").is_some() {
            check_chunked(head)?;
            State::ChunkSize
        } else {
            match content_length(head)? {
                None => State::ToEnd,
                Some(0) => State::Done,
                Some(len) => State::Counted(len),
            }
        };
        Ok(Self { state })
    }

    /// How many bytes are to come, if the head has said so.
    ///
    /// ```
    /// assert_eq!(asyncnet_examples::http::Body::EMPTY.remaining(), Some(0));
    /// ```
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Counted(len) => Some(len),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// Receives what is there, at least one byte: how many, 0 at the end of the body.
    ///
    /// # Errors
    ///
    /// [`HttpError::Incomplete`] if the stream ends before the body; [`HttpError::Malformed`]; what the stream fails
    /// with.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing of the body that it did not count.
    ///
    /// # Panics
    ///
    /// If `buf` is empty.
    ///
    /// See the example at [`Body`].
    pub async fn recv<T: Transport>(
        &mut self,
        stream: &mut Stream<T>,
        buf: &mut [u8],
    ) -> Result<usize, HttpError> {
        assert!(!buf.is_empty(), "nothing fits into no memory");
        loop {
            let (n, state) = match self.state {
                State::Done => (0, State::Done),
                State::ToEnd => match stream.recv(buf).await? {
                    0 => (0, State::Done),
                    n => (n, State::ToEnd),
                },
                State::Counted(left) => match recv_counted(stream, buf, left).await? {
                    (n, 0) => (n, State::Done),
                    (n, left) => (n, State::Counted(left)),
                },
                State::Chunk(left) => match recv_counted(stream, buf, left).await? {
                    (n, 0) => (n, State::ChunkEnd),
                    (n, left) => (n, State::Chunk(left)),
                },
                State::ChunkSize => match parse_chunk_size(chunk_line(stream).await?)? {
                    0 => (0, State::Trailers(0)),
                    size => (0, State::Chunk(size)),
                },
                State::ChunkEnd if chunk_line(stream).await?.is_empty() => (0, State::ChunkSize),
                State::ChunkEnd => return Err(HttpError::Malformed("a chunk is longer than it says".into())),
                // What they say is not needed here; RFC 9112, section 7.1.2, lets them be passed over.
                State::Trailers(count) => match chunk_line(stream).await? {
                    [] => (0, State::Done),
                    _ if count == FIELDS_MAX => {
                        return Err(HttpError::TooMany { what: "fields behind the body", limit: FIELDS_MAX });
                    }
                    _ => (0, State::Trailers(count + 1)),
                },
            };
            self.state = state;
            if n > 0 || state == State::Done {
                return Ok(n);
            }
        }
    }
}

/// Receives at most `left` bytes, at least one: how many, and how many are left.
async fn recv_counted<T: Transport>(
    stream: &mut Stream<T>,
    buf: &mut [u8],
    left: u64,
) -> Result<(usize, u64), HttpError> {
    let max = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
    let missing = Some(left);
    match stream.recv(&mut buf[..max]).await {
        Ok(0) => Err(HttpError::Incomplete { part: PART, missing }),
        Ok(n) => Ok((n, left - n as u64)),
        Err(error) => Err(HttpError::of_part(error, PART, missing)),
    }
}

async fn chunk_line<T: Transport>(stream: &mut Stream<T>) -> Result<&[u8], HttpError> {
    recv_line(stream, PART, &mut { LINE_BYTES_MAX }).await
}

/// The size in hexadecimal; extensions behind it are passed over, as RFC 9112, section 7.1.1, asks.
fn parse_chunk_size(line: &[u8]) -> Result<u64, HttpError> {
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
    let malformed = || HttpError::Malformed(format!("the size of a chunk: \"{}\"", line.escape_ascii()));
    // 16 digits are as many as fit, and a sign is none.
    if !(1..=16).contains(&size.len()) || !size.iter().all(u8::is_ascii_hexdigit) {
        return Err(malformed());
    }
    std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok()).ok_or_else(malformed)
}

/// Chunks are the only coding that is known here, and HTTP/1.0 has none (RFC 9112, section 6.1).
fn check_chunked(head: &Head) -> Result<(), HttpError> {
    let mut codings = head.fields("transfer-encoding").flat_map(|value| value.split(|&byte| byte == b','));
    match (codings.next().map(<[u8]>::trim_ascii), codings.next()) {
        (Some(only), None) if !only.eq_ignore_ascii_case(b"chunked") => {
            Err(HttpError::Coding(String::from_utf8_lossy(only).into_owned()))
        }
        (_, Some(_)) => Err(HttpError::Coding("more than one".to_owned())),
        _ if head.is_old() => Err(HttpError::Malformed("chunks in HTTP/1.0".to_owned())),
        _ => Ok(()),
    }
}

/// The length, which may be said more than once if it is always the same (RFC 9112, section 6.3).
fn content_length(head: &Head) -> Result<Option<u64>, HttpError> {
    let mut length = None;
    for value in head.fields("content-length").flat_map(|value| value.split(|&byte| byte == b',')) {
        let value = value.trim_ascii();
        let digits =
            std::str::from_utf8(value).ok().filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        let next = digits.and_then(|digits| digits.parse::<u64>().ok());
        if next.is_none() || length.is_some_and(|length| next != Some(length)) {
            return Err(HttpError::Malformed(format!("its length: \"{}\"", value.escape_ascii())));
        }
        length = next;
    }
    Ok(length)
}
