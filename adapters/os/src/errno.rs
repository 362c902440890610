//! Which error of a system call means what, by its number where the kind that std gives it says too little.
//!
//! An error without a number, as an in-memory transport makes it, is sorted by its kind.

use asyncnet_core::AcceptFault;
use std::io::{self, ErrorKind};

/// What an error of `accept` means for the listener.
///
/// `WouldBlock` is [`AcceptFault::Retry`] like the others that leave the listener sound; an adapter waits until its
/// listener is readable before it accepts again.
///
/// ```
/// use asyncnet_core::AcceptFault;
/// use std::io::{Error, ErrorKind};
///
/// let gone = Error::from(ErrorKind::ConnectionAborted);
/// assert_eq!(asyncnet_os::accept_fault(&gone), AcceptFault::Retry);
/// let closed = Error::from(ErrorKind::InvalidInput);
/// assert_eq!(asyncnet_os::accept_fault(&closed), AcceptFault::Fatal);
/// ```
#[must_use]
pub fn accept_fault(error: &io::Error) -> AcceptFault {
    match error.raw_os_error() {
        Some(number) if system::RETRY.contains(&number) => AcceptFault::Retry,
        Some(number) if system::EXHAUSTED.contains(&number) => AcceptFault::Exhausted,
        Some(_) => AcceptFault::Fatal,
        None => match error.kind() {
            ErrorKind::Interrupted
            | ErrorKind::WouldBlock
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset => AcceptFault::Retry,
            ErrorKind::OutOfMemory => AcceptFault::Exhausted,
            _ => AcceptFault::Fatal,
        },
    }
}

/// Whether an error says that the connection is gone: the peer or the network ended it.
///
/// It knows two that std has no kind for, ENETRESET and ESHUTDOWN, and on Windows their like. A timeout is not one:
/// the connection may be there.
///
/// ```
/// use std::io::{Error, ErrorKind};
///
/// assert!(asyncnet_os::is_disconnect(&Error::from(ErrorKind::BrokenPipe)));
/// assert!(!asyncnet_os::is_disconnect(&Error::from(ErrorKind::TimedOut)));
/// ```
#[must_use]
pub fn is_disconnect(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe)
        || error.raw_os_error().is_some_and(|number| system::DISCONNECTED.contains(&number))
}

/// The same error with a kind that says [`is_disconnect`], where std has none for its number: so that who knows kinds
/// alone, and no platform, can tell.
///
/// ```
/// use std::io::{Error, ErrorKind};
///
/// let timeout = asyncnet_os::with_disconnect_kind(Error::from(ErrorKind::TimedOut));
/// assert_eq!(timeout.kind(), ErrorKind::TimedOut);
/// # #[cfg(target_os = "linux")] {
/// let reset_by_network = asyncnet_os::with_disconnect_kind(Error::from_raw_os_error(102)); // ENETRESET
/// assert_eq!(reset_by_network.kind(), ErrorKind::ConnectionReset);
/// # }
/// ```
#[must_use]
pub fn with_disconnect_kind(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) if system::DISCONNECTED.contains(&number) => {
            io::Error::new(ErrorKind::ConnectionReset, error)
        }
        _ => error,
    }
}

#[cfg(unix)]
mod system {
    use rustix::io::Errno;

    pub(super) const RETRY: &[i32] = &[
        Errno::INTR.raw_os_error(),
        Errno::AGAIN.raw_os_error(),
        Errno::CONNABORTED.raw_os_error(),
        // What BSD says where POSIX has ECONNABORTED, and what a connection may have met before it was accepted.
        Errno::CONNRESET.raw_os_error(),
        Errno::PROTO.raw_os_error(),
        // Linux passes on what happened to the new connection; accept(2) lists these, "to be treated like EAGAIN".
        // Elsewhere some of them are the listener's own fault, and retrying would spin.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::NETDOWN.raw_os_error(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::NOPROTOOPT.raw_os_error(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::HOSTDOWN.raw_os_error(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::NONET.raw_os_error(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::HOSTUNREACH.raw_os_error(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::OPNOTSUPP.raw_os_error(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::NETUNREACH.raw_os_error(),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Errno::TIMEDOUT.raw_os_error(),
    ];

    pub(super) const EXHAUSTED: &[i32] = &[
        Errno::MFILE.raw_os_error(),
        Errno::NFILE.raw_os_error(),
        Errno::NOBUFS.raw_os_error(),
        Errno::NOMEM.raw_os_error(),
        // What registering the new socket with epoll says when the user has too many (epoll_ctl(2)).
        Errno::NOSPC.raw_os_error(),
    ];

    pub(super) const DISCONNECTED: &[i32] = &[Errno::NETRESET.raw_os_error(), Errno::SHUTDOWN.raw_os_error()];
}

/// The numbers are Winsock's, from its page "Windows Sockets Error Codes".
#[cfg(windows)]
mod system {
    const WSAEINTR: i32 = 10004;
    const WSAEMFILE: i32 = 10024;
    const WSAEWOULDBLOCK: i32 = 10035;
    const WSAENETRESET: i32 = 10052;
    const WSAECONNABORTED: i32 = 10053;
    const WSAECONNRESET: i32 = 10054;
    const WSAENOBUFS: i32 = 10055;
    const WSAESHUTDOWN: i32 = 10058;
    const WSAEDISCON: i32 = 10101;
    const WSA_NOT_ENOUGH_MEMORY: i32 = 8;
    /// How a completion port reports a reset.
    const ERROR_NETNAME_DELETED: i32 = 64;

    pub(super) const RETRY: &[i32] =
        &[WSAEINTR, WSAEWOULDBLOCK, WSAECONNABORTED, WSAECONNRESET, ERROR_NETNAME_DELETED];
    pub(super) const EXHAUSTED: &[i32] = &[WSAEMFILE, WSAENOBUFS, WSA_NOT_ENOUGH_MEMORY];
    pub(super) const DISCONNECTED: &[i32] = &[WSAENETRESET, WSAESHUTDOWN, WSAEDISCON, ERROR_NETNAME_DELETED];
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::{accept_fault, is_disconnect};
    use asyncnet_core::AcceptFault::{self, Exhausted, Fatal, Retry};
    use rustix::io::Errno;
    use std::io::{self, ErrorKind};

    fn check(error: impl Into<io::Error>, fault: AcceptFault, disconnect: bool) {
        let error = error.into();
        assert_eq!((accept_fault(&error), is_disconnect(&error)), (fault, disconnect), "{error:?}");
    }

    #[test]
    fn numbers() {
        for (errno, fault, disconnect) in [
            (Errno::INTR, Retry, false),
            (Errno::AGAIN, Retry, false),
            (Errno::WOULDBLOCK, Retry, false),
            (Errno::CONNABORTED, Retry, true),
            (Errno::CONNRESET, Retry, true),
            (Errno::PROTO, Retry, false),
            (Errno::MFILE, Exhausted, false),
            (Errno::NFILE, Exhausted, false),
            (Errno::NOBUFS, Exhausted, false),
            (Errno::NOMEM, Exhausted, false),
            (Errno::NOSPC, Exhausted, false),
            (Errno::BADF, Fatal, false),
            (Errno::INVAL, Fatal, false),
            (Errno::NOTSOCK, Fatal, false),
            (Errno::FAULT, Fatal, false),
            (Errno::PERM, Fatal, false),
            (Errno::PIPE, Fatal, true),
            (Errno::NETRESET, Fatal, true),
            (Errno::SHUTDOWN, Fatal, true),
            (Errno::NOTCONN, Fatal, false),
        ] {
            check(errno, fault, disconnect);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_linux_passes_on() {
        for errno in [
            Errno::NETDOWN,
            Errno::NOPROTOOPT,
            Errno::HOSTDOWN,
            Errno::NONET,
            Errno::HOSTUNREACH,
            Errno::OPNOTSUPP,
            Errno::NETUNREACH,
            Errno::TIMEDOUT,
        ] {
            check(errno, Retry, false);
        }
    }

    #[test]
    fn kinds_without_a_number() {
        for (kind, fault, disconnect) in [
            (ErrorKind::Interrupted, Retry, false),
            (ErrorKind::WouldBlock, Retry, false),
            (ErrorKind::ConnectionAborted, Retry, true),
            (ErrorKind::ConnectionReset, Retry, true),
            (ErrorKind::OutOfMemory, Exhausted, false),
            (ErrorKind::BrokenPipe, Fatal, true),
            (ErrorKind::UnexpectedEof, Fatal, false),
            (ErrorKind::TimedOut, Fatal, false),
            (ErrorKind::NotConnected, Fatal, false),
            (ErrorKind::Other, Fatal, false),
        ] {
            check(kind, fault, disconnect);
        }
    }
}
