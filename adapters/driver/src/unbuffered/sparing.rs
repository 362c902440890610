//! A transport that gives no more than it was allowed to, and the receives that say how much that is.
//!
//! ```text
//!   a receive --- Ask ---> Asking --- Allowed ---> Sparing::poll_read
//!                  |                     |
//!      what it would take        what is missing of it    Through:  peek into the space; where does it end?
//!      in all                    now, at this moment                read exactly through there, or all that was seen
//!                                                         Bytes:    read so many at most
//! ```
//!
//! So a line that is there costs two system calls and no memory of its own, and what was seen of one that is not is
//! taken: the kernel has nothing left of it, and waiting for the rest does not spin.
//!
//! Invariant: an allowance is set anew before each read, from what waits in the connection then.

use crate::deadline::Waits;
use crate::error::Error;
use crate::recv::Source;
use crate::stream::Stream;
use crate::transport::{Endpoints, PeekTransport, ReadTransport, Timer, Transport, WriteTransport};
use asyncnet_core::{Deadline, Endpoint, Incoming, LinePolicy, LineSpan, PeerCredentials};
use memchr::{memchr, memmem};
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// What a receive would take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask<'a> {
    /// So many bytes at most.
    Bytes(usize),
    /// A line.
    Line,
    /// What comes before a delimiter, so many bytes at most, and that.
    Until(&'a [u8], usize),
    /// Nothing: it only looks.
    Look,
}

/// A stream, and what the receive at hand would take of it.
pub(super) struct Asking<'a, T> {
    pub(super) stream: &'a mut Stream<Sparing<T>>,
    pub(super) ask: Ask<'a>,
}

/// A transport that reads as much as it is allowed to.
#[derive(Debug)]
pub(super) struct Sparing<T> {
    pub(super) inner: T,
    pub(super) allowed: Allowed,
}

/// What the next read may take.
#[derive(Debug)]
pub(super) enum Allowed {
    /// Whatever it has room for.
    Any,
    /// So many bytes.
    Bytes(usize),
    /// Through the next LF.
    Line,
    /// Through the next delimiter.
    Until {
        delimiter: Box<[u8]>,
        /// How much of a delimiter the bytes before may have begun with, at most.
        begun: usize,
        /// And so many bytes at most.
        max: usize,
    },
    /// Nothing.
    Look,
}

impl<T: Transport + PeekTransport> Source for Asking<'_, T> {
    fn incoming(&mut self) -> &mut Incoming {
        self.stream.incoming()
    }

    fn line_here(&mut self, policy: LinePolicy) -> Option<LineSpan> {
        self.stream.line_here(policy)
    }

    fn poll_relieve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.stream.poll_relieve(cx)
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let incoming = self.stream.incoming();
        // An over-long line is dropped through its end, and what comes behind that is not known yet to be wanted.
        let discards = incoming.is_discarding();
        let allowed = if discards { Allowed::Line } else { self.ask.missing(incoming.plain()) };
        self.allow(allowed);
        self.stream.poll_more(cx)
    }

    fn waits(&mut self) -> &mut Waits {
        self.stream.waits()
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadlines: &[Deadline]) -> Poll<Error> {
        self.stream.poll_deadline(cx, deadlines)
    }

    fn poll_bypass(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        // The caller's memory is as long as what is asked for.
        self.allow(if matches!(self.ask, Ask::Look) { Allowed::Look } else { Allowed::Any });
        self.stream.poll_bypass(cx, buf)
    }
}

impl<T: Transport + PeekTransport> Asking<'_, T> {
    fn allow(&mut self, allowed: Allowed) {
        if let Some(transport) = self.stream.transport_mut() {
            transport.allowed = allowed;
        }
    }
}

impl Ask<'_> {
    /// What is missing to it when `held` waits.
    fn missing(self, held: &[u8]) -> Allowed {
        match self {
            Self::Bytes(n) => Allowed::Bytes(n.saturating_sub(held.len())),
            Self::Line => Allowed::Line,
            Self::Until(delimiter, max) => Allowed::Until {
                delimiter: delimiter.into(),
                begun: (1..delimiter.len()).rev().find(|n| held.ends_with(&delimiter[..*n])).unwrap_or(0),
                max: max.saturating_add(delimiter.len()).saturating_sub(held.len()),
            },
            Self::Look => Allowed::Look,
        }
    }
}

impl<T: PeekTransport> ReadTransport for Sparing<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = match &self.allowed {
            Allowed::Any => buf.len(),
            Allowed::Bytes(n) => buf.len().min(*n),
            Allowed::Look => return self.inner.poll_peek(cx, buf),
            Allowed::Line | Allowed::Until { .. } => {
                let seen = ready!(self.inner.poll_peek(cx, buf))?;
                if seen == 0 {
                    return Poll::Ready(Ok(0));
                }
                match &self.allowed {
                    Allowed::Until { delimiter, begun, max } => {
                        through(delimiter, *begun, &buf[..seen]).unwrap_or(seen).min(*max)
                    }
                    _ => memchr(b'\n', &buf[..seen]).map_or(seen, |at| at + 1),
                }
            }
        };
        // A read of no bytes would look like the end.
        assert!(n > 0, "a receive that has all it asked for reads no more");
        self.inner.poll_read(cx, &mut buf[..n])
    }
}

/// How many bytes of what is seen go through the first delimiter, if the bytes before end with `begun` of its own.
fn through(delimiter: &[u8], begun: usize, seen: &[u8]) -> Option<usize> {
    // Any shorter beginning that those bytes end with is an end of the longest one. The longest comes first.
    let across = (1..=begun)
        .rev()
        .find(|n| delimiter[..begun].ends_with(&delimiter[..*n]) && seen.starts_with(&delimiter[*n..]));
    across
        .map(|n| delimiter.len() - n)
        .or_else(|| memmem::find(seen, delimiter).map(|at| at + delimiter.len()))
}

impl<T: Timer> Timer for Sparing<T> {
    fn now(&self) -> Duration {
        self.inner.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.inner.poll_until(cx, at)
    }
}

impl<T: WriteTransport> WriteTransport for Sparing<T> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.inner.poll_write_vectored(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_flush(cx)
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_shutdown_write(cx)
    }
}

impl<T: Transport + PeekTransport> Transport for Sparing<T> {
    fn abort(&mut self) {
        self.inner.abort();
    }
}

impl<T: Endpoints> Endpoints for Sparing<T> {
    fn local_endpoint(&self) -> io::Result<Endpoint> {
        self.inner.local_endpoint()
    }

    fn peer_endpoint(&self) -> io::Result<Endpoint> {
        self.inner.peer_endpoint()
    }

    fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        self.inner.peer_credentials()
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Ask, through};

    /// However a text is cut, what is taken ends with its first delimiter.
    #[test]
    fn a_delimiter_is_found_across_every_cut() {
        let rows: [(&[u8], &[u8]); 7] = [
            (b"one--two--", b"--"),
            (b"a-b---c", b"--"),
            (b"aabaabaac", b"aabaac"),
            (b"ababababac--", b"ababac"),
            (b"\r\r\n\r\n.\r\n", b"\r\n.\r\n"),
            (b"nothing here", b"--"),
            (b"x;y", b";"),
        ];
        for (text, delimiter) in rows {
            let end =
                text.windows(delimiter.len()).position(|at| at == delimiter).map(|at| at + delimiter.len());
            for cut in 0..end.unwrap_or(text.len()) {
                let Allowed::Until { begun, max, .. } = Ask::Until(delimiter, 100).missing(&text[..cut])
                else {
                    unreachable!("it is asked for a delimiter")
                };
                let taken = through(delimiter, begun, &text[cut..]);
                assert_eq!(taken, end.map(|end| end - cut), "{text:?} cut at {cut}");
                assert_eq!(max, 100 + delimiter.len() - cut);
            }
        }
    }
}
