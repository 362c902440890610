//! A stream that reads nothing ahead: the reference's `buffered = false`.
//!
//! It is there for who hands the socket on: to a child process, to other code, to another protocol. Between two of its
//! receives the kernel has every byte that was not asked for. It costs a system call more for each line, and reads a
//! line at a time where a stream reads many: whoever keeps the socket keeps the stream.
//!
//! It has no TLS and no halves, and there is none over a foreign stream: those read ahead by what they are.
//!
//! Invariants:
//! - Every call is that of a stream over a transport that reads no more than it is allowed to (`sparing`): lines, ends,
//!   limits, errors and drops are the stream's own, written once.
//! - After a receive that has completed nothing waits here, except what came before a call that was dropped, or that
//!   failed, and was not served since.

mod receive;
mod send;
mod sparing;

use crate::error::Error;
use crate::line::LineEnd;
use crate::recv::Source;
use crate::send::Sink;
use crate::stream::{Parts, Stream};
use crate::transport::{Endpoints, PeekTransport, Transport};
use asyncnet_core::{Endpoint, Limits, LinePolicy, PeerCredentials};
use sparing::{Allowed, Ask, Asking, Sparing};
use std::{error, fmt};

/// A stream socket that takes no byte from the kernel that was not asked for.
///
/// [`Stream::into_unbuffered`] makes it, [`into_stream`](Self::into_stream) goes back. Its calls are those of a
/// [`Stream`], and behave the same; a line is taken through its LF, bytes up to their number. What was seen of a line that
/// is not whole yet is taken too, so that waiting for the rest costs nothing: see [`received`](Self::received).
///
/// The socket goes to another process after a completed line: [`into_parts`](Self::into_parts) gives the transport, and the
/// adapters' `into_blocking` makes a blocking socket of that, as other programs expect it.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use std::io::{BufRead, BufReader};
///
/// let (mut client, server) = asyncnet_smol::pair()?;
/// client.send(b"one\ntwo\nthree\n").await?;
/// client.shutdown_write().await?;
///
/// let mut server = server.into_unbuffered().unwrap();
/// assert_eq!(server.recv_line().await?.unwrap(), "one");
///
/// // The rest is in the kernel, for whoever has the socket.
/// let transport = server.into_parts().transport.unwrap();
/// let socket = std::net::TcpStream::from(transport.into_blocking()?);
/// let rest: Vec<String> = BufReader::new(socket).lines().collect::<Result<_, _>>()?;
/// assert_eq!(rest, ["two", "three"]);
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Unbuffered<T> {
    stream: Stream<Sparing<T>>,
}

/// Why a stream has to go on reading ahead.
///
/// See the example at [`IntoUnbufferedError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntoUnbufferedFault {
    /// It is closed, or closing.
    Closed,
    /// It speaks TLS, whose records hold more than was asked for.
    Tls,
    /// Bytes were read ahead already: receive them first.
    ReadAhead {
        /// How many.
        len: usize,
    },
}

/// A stream that has to go on reading ahead, and why.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::IntoUnbufferedFault;
///
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send(b"one\ntwo\n").await?;
/// server.peek_at_least(8).await?;
/// server.recv_line().await?;
///
/// let refused = server.into_unbuffered().unwrap_err();
/// assert_eq!(refused.fault, IntoUnbufferedFault::ReadAhead { len: 4 });
/// let mut server = refused.stream;
/// assert_eq!(server.recv_line().await?.unwrap(), "two");
/// assert!(server.into_unbuffered().is_ok());
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct IntoUnbufferedError<T> {
    /// The stream, as it was.
    pub stream: Box<Stream<T>>,
    /// Why.
    pub fault: IntoUnbufferedFault,
}

impl<T: Transport + PeekTransport> Stream<T> {
    /// Stops reading ahead: from here on no byte is taken from the kernel that was not asked for. The reference calls such
    /// a socket `buffered = false`.
    ///
    /// What is queued stays queued, and settings stay. A foreign stream has no such mode, by type.
    ///
    /// # Errors
    ///
    /// The stream, if it is closed, speaks TLS, or has read bytes ahead already.
    ///
    /// See the example at [`Unbuffered`].
    #[doc(alias = "read_ahead")]
    #[doc(alias = "buffered")]
    pub fn into_unbuffered(mut self) -> Result<Unbuffered<T>, IntoUnbufferedError<T>> {
        if let Some(fault) = self.read_ahead_fault() {
            return Err(IntoUnbufferedError { stream: Box::new(self), fault });
        }
        let (Some(inner), rest) = self.into_inner() else {
            unreachable!("a stream that is not closed has a transport")
        };
        Ok(Unbuffered { stream: Stream::from_inner(Sparing { inner, allowed: Allowed::Any }, rest) })
    }

    fn read_ahead_fault(&mut self) -> Option<IntoUnbufferedFault> {
        if has_ended(self) {
            return Some(IntoUnbufferedFault::Closed);
        }
        if self.session().is_some() {
            return Some(IntoUnbufferedFault::Tls);
        }
        // What is left of an over-long line is dropped first. A fatal error stays, and is each receive's to tell.
        let settled = self.incoming().settle();
        let len = self.received_len();
        (settled.is_ok() && len > 0).then_some(IntoUnbufferedFault::ReadAhead { len })
    }
}

/// Whether a close has been made, or has begun.
fn has_ended(stream: &mut impl Sink) -> bool {
    matches!(stream.check_open(), Err(Error::Closed))
}

impl<T: Transport + PeekTransport> Unbuffered<T> {
    /// Goes back to a stream that reads ahead.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if it is closed, or closing; it is dropped then.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"one\ntwo\n").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert_eq!(server.recv_line().await?.unwrap(), "one");
    /// let mut server = server.into_stream()?;
    /// assert_eq!(server.recv_line().await?.unwrap(), "two");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn into_stream(mut self) -> Result<Stream<T>, Error> {
        if has_ended(&mut self.stream) {
            return Err(Error::Closed);
        }
        let (transport, rest) = self.stream.into_inner();
        Ok(Stream::from_inner(transport.ok_or(Error::Closed)?.inner, rest))
    }

    /// Takes it apart: the transport, and what was on its way. After a completed receive
    /// [`received`](Parts::received) is empty, and the transport has all that follows.
    ///
    /// See the example at [`Unbuffered`].
    pub fn into_parts(self) -> Parts<T> {
        let Parts { transport, received, queued } = self.stream.into_parts();
        Parts { transport: transport.map(|transport| transport.inner), received, queued }
    }

    /// The bytes that were taken from the kernel and not received: what was seen of a line that is not whole yet.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"whole\nhalf").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert_eq!(server.recv_line().await?.unwrap(), "whole");
    /// assert_eq!(server.received(), b"", "the kernel has the rest");
    ///
    /// futures_lite::future::or(async { drop(server.recv_line().await) }, std::future::ready(())).await;
    /// assert_eq!(server.received(), b"half");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn received(&self) -> &[u8] {
        self.stream.received()
    }

    /// How many bytes are queued and not sent.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// let mut client = client.into_unbuffered().unwrap();
    /// client.queue(b"abc").unwrap();
    /// assert_eq!(client.queued_len(), 3);
    /// ```
    pub fn queued_len(&self) -> usize {
        self.stream.queued_len()
    }

    /// Whether the caller has closed or aborted it. It says nothing about the peer.
    ///
    /// See the example at [`abort`](Self::abort).
    pub fn is_closed(&self) -> bool {
        self.stream.is_closed()
    }

    /// The transport, unless it is closed: for its options. Reading from it or writing to it goes past what is
    /// received here and what is queued.
    ///
    /// ```
    /// use asyncnet_driver::{OptionName, SocketOption, SocketOptions};
    ///
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// let client = client.into_unbuffered().unwrap();
    /// let ttl = client.transport().unwrap().option(OptionName::Ttl).unwrap();
    /// assert!(matches!(ttl, SocketOption::Ttl(1..)));
    /// ```
    pub fn transport(&self) -> Option<&T> {
        self.stream.transport().map(|transport| &transport.inner)
    }

    /// The bounds of this stream.
    ///
    /// See the example at [`set_limits`](Self::set_limits).
    pub fn limits(&self) -> &Limits {
        self.stream.limits()
    }

    /// Changes the bounds, from the next call on. The line policy's limit becomes [`Limits::line_bytes_max`].
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// let mut client = client.into_unbuffered().unwrap();
    /// let mut limits = *client.limits();
    /// limits.line_bytes_max = 512;
    /// client.set_limits(limits);
    /// assert_eq!(client.line_policy().max, 512);
    /// ```
    pub fn set_limits(&mut self, limits: Limits) {
        self.stream.set_limits(limits);
    }

    /// The rules for lines where a call names none.
    ///
    /// See the example at [`set_limits`](Self::set_limits).
    pub fn line_policy(&self) -> LinePolicy {
        self.stream.line_policy()
    }

    /// Sets the rules for lines, from the next call on.
    ///
    /// ```
    /// use asyncnet_driver::{Endings, LinePolicy};
    ///
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// let mut client = client.into_unbuffered().unwrap();
    /// client.set_line_policy(LinePolicy::new(998).endings(Endings::CrLfOnly));
    /// assert_eq!(client.line_policy().endings, Endings::CrLfOnly);
    /// ```
    pub fn set_line_policy(&mut self, policy: LinePolicy) {
        self.stream.set_line_policy(policy);
    }

    /// Sets what ends the lines that are sent: CR LF by default.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// let mut client = client.into_unbuffered().unwrap();
    /// client.set_line_end(asyncnet_driver::LineEnd::Lf);
    /// client.queue_line("abc").unwrap();
    /// assert_eq!(client.queued_len(), 4);
    /// ```
    pub fn set_line_end(&mut self, line_end: LineEnd) {
        self.stream.set_line_end(line_end);
    }

    fn asking<'a>(&'a mut self, ask: Ask<'a>) -> Asking<'a, T> {
        Asking { stream: &mut self.stream, ask }
    }
}

impl<T: Transport + PeekTransport + Endpoints> Unbuffered<T> {
    /// The address of this end.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what getsockname(2) says.
    ///
    /// ```
    /// let (client, server) = asyncnet_smol::pair().unwrap();
    /// let client = client.into_unbuffered().unwrap();
    /// assert_eq!(client.local_endpoint().unwrap(), server.peer_endpoint().unwrap());
    /// ```
    #[doc(alias = "local_addr")]
    pub fn local_endpoint(&self) -> Result<Endpoint, Error> {
        self.stream.local_endpoint()
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what getpeername(2) says.
    ///
    /// ```
    /// let (client, server) = asyncnet_smol::pair().unwrap();
    /// let client = client.into_unbuffered().unwrap();
    /// assert_eq!(client.peer_endpoint().unwrap(), server.local_endpoint().unwrap());
    /// ```
    #[doc(alias = "peer_addr")]
    pub fn peer_endpoint(&self) -> Result<Endpoint, Error> {
        self.stream.peer_endpoint()
    }

    /// The process at the other end of a Unix stream, as the kernel noted it when it connected or listened.
    ///
    /// # Errors
    ///
    /// As [`Stream::peer_credentials`].
    ///
    /// ```
    /// let (tcp, _peer) = asyncnet_smol::pair().unwrap();
    /// assert!(tcp.into_unbuffered().unwrap().peer_credentials().is_err());
    /// ```
    pub fn peer_credentials(&self) -> Result<PeerCredentials, Error> {
        self.stream.peer_credentials()
    }
}

impl fmt::Display for IntoUnbufferedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the stream is closed"),
            Self::Tls => f.write_str("a stream over TLS reads whole records ahead"),
            Self::ReadAhead { len } => write!(f, "{len} bytes were read ahead already, and not received"),
        }
    }
}

impl<T> fmt::Display for IntoUnbufferedError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl error::Error for IntoUnbufferedFault {}

impl<T: fmt::Debug> error::Error for IntoUnbufferedError<T> {}
