//! What a call on a stream can fail with, and whose fault it is.

use crate::dial_error::DialError;
use asyncnet_core::tls::TlsError;
use asyncnet_core::{Deadline, Fault, RecvError, SendError};
use std::{error, fmt, io};

/// Why a call failed.
///
/// Ends are not errors: they are `None`, or 0 bytes.
///
/// ```
/// use asyncnet_driver::{Error, Fault, RecvError};
///
/// let error = Error::from(RecvError::LineTooLong { limit: 512 });
/// assert_eq!(error.fault(), Fault::Peer);
/// assert_eq!(error.to_string(), "the peer sent a line of more than 512 bytes");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What was received is not what was asked for, or the caller asked for too much.
    Recv(RecvError),
    /// The bytes cannot be sent, or not be queued.
    Send(SendError),
    /// TLS could not begin, or has ended: why. What ends a session is told again by later calls.
    Tls(TlsError),
    /// The stream was closed before, by the caller.
    Closed,
    /// The peer took longer than it may: what for. See [`Limits`](crate::Limits) for each.
    TimedOut(Deadline),
    /// No address of a host could be reached: what was tried, and why each failed.
    Dial(Box<DialError>),
    /// The socket failed. This stays: later calls in the same direction fail with it too.
    Io {
        /// What was being done.
        operation: Operation,
        /// What the operating system says.
        source: io::Error,
    },
}

/// What the socket was doing when it failed.
///
/// ```
/// assert_eq!(asyncnet_driver::Operation::Read.to_string(), "read");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Reading from it.
    Read,
    /// Writing to it.
    Write,
    /// Shutting down its write side.
    Shutdown,
    /// Connecting it.
    Connect,
    /// Binding it and listening on it.
    Listen,
    /// Binding it to its own address.
    Bind,
    /// Accepting from it.
    Accept,
    /// Opening it, or taking it over.
    Open,
    /// Asking for an option of it, or setting one.
    Option,
    /// Anything else: asking for its addresses.
    Other,
}

impl Error {
    /// An error of the socket.
    ///
    /// ```
    /// use asyncnet_driver::{Error, Operation};
    ///
    /// let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    /// assert!(Error::io(Operation::Read, reset).is_disconnect());
    /// ```
    #[must_use]
    pub fn io(operation: Operation, source: io::Error) -> Self {
        Self::Io { operation, source }
    }

    /// An error of the socket, at an address that its text names.
    ///
    /// ```
    /// use asyncnet_driver::{Error, Operation};
    ///
    /// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// let error = Error::io_at(Operation::Connect, "192.0.2.1:25", refused);
    /// assert_eq!(error.to_string(), "connect: 192.0.2.1:25: connection refused");
    /// ```
    #[must_use]
    pub fn io_at(operation: Operation, address: impl fmt::Display, source: io::Error) -> Self {
        let at = AtAddress { address: address.to_string(), source };
        Self::Io { operation, source: io::Error::new(at.source.kind(), at) }
    }

    /// Whose fault it is: the peer's, the caller's or the socket's.
    ///
    /// ```
    /// use asyncnet_driver::{Error, Fault};
    ///
    /// assert_eq!(Error::Closed.fault(), Fault::Caller);
    /// ```
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Recv(error) => error.fault(),
            Self::Send(error) => error.fault(),
            Self::Tls(error) => error.fault(),
            Self::TimedOut(_) => Fault::Peer,
            Self::Closed => Fault::Caller,
            Self::Dial(_) | Self::Io { .. } => Fault::Socket,
        }
    }

    /// Whether the connection was lost: a reset, or a write to a peer that is gone. What Nim's `SafeDisconn` hides as
    /// an end.
    ///
    /// ```
    /// use asyncnet_driver::{Error, Operation};
    ///
    /// let gone = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    /// assert!(Error::io(Operation::Write, gone).is_disconnect());
    /// assert!(!Error::Closed.is_disconnect());
    /// ```
    #[must_use]
    pub fn is_disconnect(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        matches!(self, Self::Io { source, .. }
            if matches!(source.kind(), ConnectionReset | ConnectionAborted | BrokenPipe))
    }

    /// Whether the peer sent a line over its limit and reading goes on behind it.
    ///
    /// ```
    /// use asyncnet_driver::{Error, RecvError};
    ///
    /// assert!(Error::from(RecvError::LineTooLong { limit: 1 }).is_line_too_long());
    /// ```
    #[must_use]
    pub fn is_line_too_long(&self) -> bool {
        matches!(self, Self::Recv(RecvError::LineTooLong { .. }))
    }

    /// Whether a TLS stream was cut: it ended without the peer's `close_notify`.
    ///
    /// ```
    /// use asyncnet_driver::Error;
    /// use asyncnet_driver::tls::TlsError;
    ///
    /// assert!(Error::from(TlsError::Truncated).is_truncated());
    /// ```
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        matches!(self, Self::Tls(TlsError::Truncated))
    }

    /// Whether the peer took longer than it may, in whatever.
    ///
    /// ```
    /// use asyncnet_driver::{Deadline, Error, Fault};
    ///
    /// let error = Error::TimedOut(Deadline::Line);
    /// assert!(error.is_timeout());
    /// assert_eq!((error.fault(), error.to_string().as_str()), (Fault::Peer, "the time for a line is over"));
    /// ```
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut(_) | Self::Tls(TlsError::HandshakeTimedOut { .. }) => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::TimedOut,
            _ => false,
        }
    }

    /// Whether the stream ended in the middle of what was asked for.
    ///
    /// ```
    /// use asyncnet_driver::{Error, RecvError};
    ///
    /// assert!(Error::from(RecvError::Incomplete { len: 4 }).is_incomplete());
    /// ```
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        matches!(self, Self::Recv(RecvError::Incomplete { .. }))
    }
}

impl From<RecvError> for Error {
    fn from(error: RecvError) -> Self {
        Self::Recv(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::Io { operation: Operation::Other, source }
    }
}

/// For the traits that speak `io::Error`: the kind is the nearest, the source is the error itself.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        use io::ErrorKind;
        let kind = match error {
            Error::Io { source, .. } => return source,
            Error::Recv(RecvError::Incomplete { .. }) => ErrorKind::UnexpectedEof,
            Error::Recv(RecvError::RequestTooLarge { .. }) | Error::Send(SendError::LineBreak { .. }) => {
                ErrorKind::InvalidInput
            }
            Error::Tls(TlsError::Truncated | TlsError::HandshakeEnded) => ErrorKind::UnexpectedEof,
            Error::TimedOut(_) | Error::Tls(TlsError::HandshakeTimedOut { .. }) => ErrorKind::TimedOut,
            Error::Tls(TlsError::Name(_) | TlsError::Config(_)) => ErrorKind::InvalidInput,
            Error::Recv(_) | Error::Tls(_) => ErrorKind::InvalidData,
            // Not `WouldBlock`: that would invite a retry that nothing wakes.
            Error::Send(SendError::QueueFull { .. }) => ErrorKind::OutOfMemory,
            Error::Send(_) | Error::Closed => ErrorKind::NotConnected,
            Error::Dial(ref dial) => dial.kind(),
        };
        Self::new(kind, error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recv(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Closed => f.write_str("the stream is closed"),
            Self::TimedOut(deadline) => write!(f, "the time for {deadline} is over"),
            Self::Dial(error) => error.fmt(f),
            Self::Io { operation, source } => write!(f, "{operation}: {source}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Tls(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Shutdown => "shut down writing",
            Self::Connect => "connect",
            Self::Listen => "listen",
            Self::Bind => "bind",
            Self::Accept => "accept",
            Self::Open => "open a socket",
            Self::Option => "socket option",
            Self::Other => "socket",
        })
    }
}

/// An error that names the address it is of.
#[derive(Debug)]
struct AtAddress {
    address: String,
    source: io::Error,
}

impl fmt::Display for AtAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.source)
    }
}

impl error::Error for AtAddress {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

/// What of a socket's error can be kept and told again: `io::Error` cannot be cloned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    operation: Operation,
    kind: io::ErrorKind,
    code: Option<i32>,
}

impl Failure {
    pub(crate) fn new(operation: Operation, error: &io::Error) -> Self {
        Self { operation, kind: error.kind(), code: error.raw_os_error() }
    }

    pub(crate) fn kind(self) -> io::ErrorKind {
        self.kind
    }

    pub(crate) fn error(self) -> Error {
        let source = self.code.map_or_else(|| self.kind.into(), io::Error::from_raw_os_error);
        Error::Io { operation: self.operation, source }
    }
}
