//! What can go wrong in memory: the peer's fault or the caller's, never the socket's.
//!
//! Nothing here holds an `io::Error`: the core does no I/O. A driver wraps these beside its socket's errors.

#[cfg(feature = "tls")]
use crate::tls::TlsError;
use core::error::Error;
use core::fmt;

/// Whose fault an error is, which tells what to do about it.
///
/// ```
/// use asyncnet_core::{Fault, RecvError, SendError};
///
/// assert_eq!(RecvError::Incomplete { len: 3 }.fault(), Fault::Peer);
/// assert_eq!(SendError::Closed.fault(), Fault::Caller);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The peer broke a rule: answer it, or close.
    Peer,
    /// The program asked for what cannot be: mend the program.
    Caller,
    /// The socket or the network failed: connect again.
    Socket,
}

/// Why a receive could not give what was asked for.
///
/// ```
/// use asyncnet_core::RecvError;
///
/// let error = RecvError::LineTooLong { limit: 512 };
/// assert_eq!(error.to_string(), "the peer sent a line of more than 512 bytes");
/// assert!(!error.is_fatal());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// The peer sent a line of more than `limit` bytes. The whole line is dropped, also what of it is still to come;
    /// the next receive starts behind its terminator.
    LineTooLong {
        /// The limit that was in force, in bytes without the terminator.
        limit: usize,
    },
    /// As [`LineTooLong`](Self::LineTooLong), under [`Overlong::Fail`](crate::Overlong::Fail): nothing was dropped and
    /// nothing more is received.
    LineTooLongFatal {
        /// The limit that was in force, in bytes without the terminator.
        limit: usize,
    },
    /// An over-long line did not end within [`Limits::discard_bytes_max`](crate::Limits::discard_bytes_max) bytes
    /// past its limit. Nothing more is received.
    DiscardSpent {
        /// The budget, in bytes.
        budget: usize,
    },
    /// Under [`Endings::CrLfOnly`](crate::Endings::CrLfOnly), the peer sent an LF without a CR before it. Nothing
    /// more is received.
    BareLf {
        /// How many bytes of the line came before it.
        at: usize,
    },
    /// Under [`Endings::CrLfOnly`](crate::Endings::CrLfOnly), the peer sent a CR without an LF behind it. Nothing
    /// more is received.
    BareCr {
        /// How many bytes of the line came before it.
        at: usize,
    },
    /// The stream ended in the middle of what was asked for. The `len` bytes that did come can still be taken.
    Incomplete {
        /// How many bytes came, and wait to be taken.
        len: usize,
    },
    /// There are more bytes than `limit` before the delimiter or the end. None was taken: ask for them in another
    /// way, or with a larger limit.
    TooLong {
        /// The limit of the call, in bytes.
        limit: usize,
    },
    /// The call asks for more than [`Limits::recv_bytes_max`](crate::Limits::recv_bytes_max) bytes at once. Nothing
    /// was taken.
    RequestTooLarge {
        /// How many bytes were asked for.
        asked: usize,
        /// How many may be.
        limit: usize,
    },
}

impl RecvError {
    /// Whether this error stays: every later receive fails with it too.
    ///
    /// ```
    /// use asyncnet_core::RecvError;
    ///
    /// assert!(RecvError::BareLf { at: 0 }.is_fatal());
    /// ```
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::LineTooLongFatal { .. }
                | Self::DiscardSpent { .. }
                | Self::BareLf { .. }
                | Self::BareCr { .. }
        )
    }

    /// Whose fault it is.
    ///
    /// ```
    /// use asyncnet_core::{Fault, RecvError};
    ///
    /// assert_eq!(RecvError::RequestTooLarge { asked: 9, limit: 8 }.fault(), Fault::Caller);
    /// ```
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::RequestTooLarge { .. } => Fault::Caller,
            _ => Fault::Peer,
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { limit } => write!(f, "the peer sent a line of more than {limit} bytes"),
            Self::LineTooLongFatal { limit } => {
                write!(f, "the peer sent a line of more than {limit} bytes, which ends the reading")
            }
            Self::DiscardSpent { budget } => {
                write!(f, "the peer's over-long line did not end within {budget} bytes past its limit")
            }
            Self::BareLf { at } => write!(f, "the peer sent an LF without a CR, {at} bytes into a line"),
            Self::BareCr { at } => write!(f, "the peer sent a CR without an LF, {at} bytes into a line"),
            Self::Incomplete { len } => {
                write!(f, "the stream ended too early, {len} bytes into what was asked for")
            }
            Self::TooLong { limit } => {
                write!(f, "more than {limit} bytes came before the delimiter or the end")
            }
            Self::RequestTooLarge { asked, limit } => {
                write!(f, "{asked} bytes were asked for at once, more than the receive buffer's {limit}")
            }
        }
    }
}

impl Error for RecvError {}

/// Why bytes cannot be sent, or not be queued.
///
/// ```
/// use asyncnet_core::SendError;
///
/// let error = SendError::Abandoned { sent: 300_000, of: 1_000_000 };
/// assert_eq!(error.to_string(), "a send was given up after 300000 of its 1000000 bytes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The write side was closed before, by the caller.
    Closed,
    /// The queue has no room for all of the bytes: none was queued. Flush it, or send instead.
    QueueFull {
        /// How many bytes were to be queued.
        asked: usize,
        /// How many there is room for now.
        room: usize,
    },
    /// An earlier send was dropped (or leaked) in the middle, and was too long to be completed from the queue: the peer
    /// saw a torn message, so nothing more may follow it.
    Abandoned {
        /// How many bytes of it are with the kernel, or over TLS sealed.
        sent: usize,
        /// How many it had.
        of: usize,
    },
    /// The text of a line holds a CR or an LF, which would make it two lines.
    LineBreak {
        /// The index of the first one.
        at: usize,
    },
}

impl SendError {
    /// Whose fault it is.
    ///
    /// ```
    /// use asyncnet_core::{Fault, SendError};
    ///
    /// assert_eq!(SendError::LineBreak { at: 4 }.fault(), Fault::Caller);
    /// ```
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Caller
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the write side is closed"),
            Self::QueueFull { asked, room } => {
                write!(f, "the outgoing queue has room for {room} bytes, not for {asked}")
            }
            Self::Abandoned { sent, of } => write!(f, "a send was given up after {sent} of its {of} bytes"),
            Self::LineBreak { at } => write!(f, "the text of the line holds a line break at byte {at}"),
        }
    }
}

impl Error for SendError {}

/// Why bytes could not be moved across a connection.
///
/// ```
/// use asyncnet_core::{ProcessError, RecvError};
///
/// assert_eq!(ProcessError::from(RecvError::BareLf { at: 0 }), ProcessError::Recv(RecvError::BareLf { at: 0 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessError {
    /// The receiving side has failed.
    Recv(RecvError),
    /// TLS has failed.
    #[cfg(feature = "tls")]
    Tls(TlsError),
}

impl From<RecvError> for ProcessError {
    fn from(error: RecvError) -> Self {
        Self::Recv(error)
    }
}

#[cfg(feature = "tls")]
impl From<TlsError> for ProcessError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recv(error) => error.fmt(f),
            #[cfg(feature = "tls")]
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl Error for ProcessError {}
