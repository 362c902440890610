//! A connection on its way: connect without waiting, then ask how it went.
//!
//! ```text
//!                  Busy: back off, try_connect again
//!                 +------+
//!                 v      |
//!  new socket --> try_connect --InProgress--> wait until writable --> finish_connect --+
//!                 |                                   ^                                |
//!                 | Connected                         +----------- InProgress ---------+
//!                 v                                                                    | Connected
//!             [ a stream ] <-----------------------------------------------------------+
//! ```
//!
//! Invariant: an error of these functions is never of the kind `WouldBlock`, which a reactor would wait for.

use crate::endpoint::sock_addr;
use crate::handle::SocketHandle;
use asyncnet_core::Endpoint;
use std::io;
use std::iter::successors;
use std::time::Duration;

/// How far a connection has come.
///
/// ```
/// use asyncnet_core::Endpoint;
/// use asyncnet_os::{ConnectState, SocketBuilder};
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let (_socket, state) = SocketBuilder::new().start_connect(&Endpoint::inet(listener.local_addr()?))?;
/// let next = match state {
///     ConnectState::Connected => "talk",
///     ConnectState::InProgress => "wait until the socket is writable, then finish_connect",
///     ConnectState::Busy => "wait a little, then try_connect",
/// };
/// assert_ne!(next, "wait a little, then try_connect", "only Unix listeners are busy");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a connection in progress is not there yet"]
pub enum ConnectState {
    /// It is there.
    Connected,
    /// The system is at it: wait until the socket is writable, then call [`finish_connect`].
    InProgress,
    /// The backlog of a Unix listener is full (EAGAIN, connect(2)), which nothing reports the end of: wait a little, then
    /// call [`try_connect`] with the same socket.
    Busy,
}

/// How long to wait before each further try while a Unix listener's backlog is full, which nothing reports the end of: 1 ms
/// at first, then twice as long each time, up to 100 ms.
///
/// ```
/// use std::time::Duration;
///
/// let mut pauses = asyncnet_os::busy_pauses();
/// assert_eq!(pauses.next(), Some(Duration::from_millis(1)));
/// assert_eq!(pauses.nth(10), Some(Duration::from_millis(100)));
/// ```
pub fn busy_pauses() -> impl Iterator<Item = Duration> {
    let most = Duration::from_millis(100);
    successors(Some(Duration::from_millis(1)), move |pause| Some((*pause * 2).min(most)))
}

/// Asks for a connection, on a non-blocking socket that has none; waits for nothing.
///
/// After [`ConnectState::Busy`] it may be called with the same socket again. After an error it may not: POSIX leaves
/// the socket's state unspecified, so the next attempt takes a new one.
///
/// ```
/// use asyncnet_core::Endpoint;
/// use asyncnet_os::{ConnectState, SocketBuilder, try_connect};
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let remote = Endpoint::inet(listener.local_addr()?);
/// let socket = SocketBuilder::new().open_stream(&remote)?;
/// assert_ne!(try_connect(&socket, &remote)?, ConnectState::Busy);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What connect(2) answers at once, such as `NetworkUnreachable`, or `ConnectionRefused` and `NotFound` from a Unix
/// socket; `InvalidInput` and `Unsupported` as [`sock_addr`].
pub fn try_connect(socket: &impl SocketHandle, remote: &Endpoint) -> io::Result<ConnectState> {
    let address = sock_addr(remote)?;
    let Err(error) = socket.sock_ref().connect(&address) else {
        return Ok(ConnectState::Connected);
    };
    state_of(error, matches!(remote, Endpoint::Unix(_)))
}

/// How the connection that was in progress went, once the socket has become writable.
///
/// It takes the socket's pending error, so after an `Err` there is nothing left to ask: a second call would
/// answer [`ConnectState::InProgress`] for ever.
///
/// ```
/// use asyncnet_core::Endpoint;
/// use asyncnet_os::{ConnectState, SocketBuilder, finish_connect};
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let remote = Endpoint::inet(listener.local_addr()?);
/// let (socket, mut state) = SocketBuilder::new().start_connect(&remote)?;
/// while state == ConnectState::InProgress {
///     state = finish_connect(&socket)?; // A reactor waits until the socket is writable, each time.
/// }
/// assert_eq!(state, ConnectState::Connected);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Why the connection failed, such as `ConnectionRefused` or `TimedOut`.
pub fn finish_connect(socket: &impl SocketHandle) -> io::Result<ConnectState> {
    let socket = socket.sock_ref();
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    // No error is not yet a connection: a reactor may wake without cause. Only a connected socket has a peer.
    match socket.peer_addr() {
        Ok(_) => Ok(ConnectState::Connected),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(ConnectState::InProgress),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn state_of(error: io::Error, unix: bool) -> io::Result<ConnectState> {
    use rustix::io::Errno;
    match Errno::from_io_error(&error) {
        // An interrupted connect goes on by itself (POSIX connect()), and asking again says EALREADY.
        Some(Errno::INPROGRESS | Errno::INTR | Errno::ALREADY) => Ok(ConnectState::InProgress),
        Some(Errno::ISCONN) => Ok(ConnectState::Connected),
        Some(Errno::AGAIN) if unix => Ok(ConnectState::Busy),
        Some(Errno::AGAIN) => Err(io::Error::new(
            io::ErrorKind::AddrNotAvailable,
            "no local port or routing entry is free for another connection (EAGAIN)",
        )),
        _ => Err(error),
    }
}

#[cfg(windows)]
fn state_of(error: io::Error, _: bool) -> io::Result<ConnectState> {
    const WSAEALREADY: i32 = 10037;
    const WSAEISCONN: i32 = 10056;
    match error.raw_os_error() {
        Some(WSAEALREADY) => Ok(ConnectState::InProgress),
        Some(WSAEISCONN) => Ok(ConnectState::Connected),
        // WSAEWOULDBLOCK is how Winsock says that it is in progress.
        _ if error.kind() == io::ErrorKind::WouldBlock => Ok(ConnectState::InProgress),
        _ => Err(error),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::{ConnectState, finish_connect, state_of};
    use crate::{SocketBuilder, local_endpoint, peer_endpoint, unix_name};
    use asyncnet_core::Endpoint;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    use socket2::Socket;
    use std::io;

    /// As an adapter does it; the wait is for an event, without a deadline.
    fn finish(socket: &Socket, mut state: ConnectState) -> io::Result<()> {
        // A wake-up without cause is rare; a connection that never gets anywhere must not hang the test.
        for _ in 0..100 {
            if state == ConnectState::Connected {
                return Ok(());
            }
            poll(&mut [PollFd::new(socket, PollFlags::OUT)], None)?;
            state = finish_connect(socket)?;
        }
        panic!("still {state:?}");
    }

    #[test]
    fn a_tcp_connection() {
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let local = Endpoint::inet(local.parse().unwrap());
            let Ok(listener) = SocketBuilder::new().listen(&local) else {
                continue; // A machine without IPv6.
            };
            let remote = local_endpoint(&listener).unwrap();
            let (socket, state) = SocketBuilder::new().start_connect(&remote).unwrap();
            finish(&socket, state).unwrap();
            assert_eq!(peer_endpoint(&socket).unwrap(), remote);
        }
    }

    #[test]
    fn a_refused_tcp_connection() {
        // Bound and not listening: the port is taken, and refuses.
        let holder = Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        holder.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        let remote = local_endpoint(&holder).unwrap();
        let refused =
            SocketBuilder::new().start_connect(&remote).and_then(|(socket, state)| finish(&socket, state));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_unix_connection() {
        let directory = tempfile::tempdir().unwrap();
        let at = Endpoint::Unix(unix_name(&directory.path().join("socket")).unwrap());
        let missing = SocketBuilder::new().start_connect(&at).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);

        let _listener = SocketBuilder::new().listen(&at).unwrap();
        let (socket, state) = SocketBuilder::new().start_connect(&at).unwrap();
        assert_eq!(state, ConnectState::Connected);
        assert_eq!(peer_endpoint(&socket).unwrap(), at);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_unix_backlog_is_busy_until_one_is_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let at = Endpoint::Unix(unix_name(&directory.path().join("socket")).unwrap());
        let listener = SocketBuilder::new().backlog(1).listen(&at).unwrap();
        let mut waiting = Vec::new();
        let busy = (0..10)
            .find_map(|_| {
                let (socket, state) = SocketBuilder::new().start_connect(&at).unwrap();
                if state == ConnectState::Busy {
                    return Some(socket);
                }
                waiting.push(socket);
                None
            })
            .expect("a backlog of 1 holds fewer than 10");
        assert_eq!(super::try_connect(&busy, &at).unwrap(), ConnectState::Busy);
        listener.accept().unwrap();
        assert_eq!(super::try_connect(&busy, &at).unwrap(), ConnectState::Connected);
    }

    #[test]
    fn an_idle_socket_is_not_connected() {
        let remote = Endpoint::inet("127.0.0.1:1".parse().unwrap());
        let socket = SocketBuilder::new().open_stream(&remote).unwrap();
        assert_eq!(finish_connect(&socket).unwrap(), ConnectState::InProgress);
    }

    #[test]
    fn what_connect_answers() {
        for (errno, unix, expected) in [
            (Errno::INPROGRESS, false, Ok(ConnectState::InProgress)),
            (Errno::INTR, false, Ok(ConnectState::InProgress)),
            (Errno::INTR, true, Ok(ConnectState::InProgress)),
            (Errno::ALREADY, false, Ok(ConnectState::InProgress)),
            (Errno::ISCONN, false, Ok(ConnectState::Connected)),
            (Errno::AGAIN, true, Ok(ConnectState::Busy)),
            (Errno::AGAIN, false, Err(io::ErrorKind::AddrNotAvailable)),
            (Errno::CONNREFUSED, false, Err(io::ErrorKind::ConnectionRefused)),
            (Errno::NETUNREACH, false, Err(io::ErrorKind::NetworkUnreachable)),
        ] {
            let state = state_of(errno.into(), unix).map_err(|error| error.kind());
            assert_eq!(state, expected, "{errno:?}");
        }
    }
}
