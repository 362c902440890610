//! A socket somebody else owns: borrowed on either family of systems, taken in, or given up.
//!
//! Invariant: what [`adopt`] returns is a socket, non-blocking and close-on-exec.

use socket2::{SockRef, Socket, Type};
use std::io;
use std::time::Duration;

/// What lends its socket: everything with a descriptor on Unix, with a `SOCKET` on Windows.
///
/// Implemented for sockets of std, socket2 and the runtimes alike; there is nothing to implement by hand.
///
/// ```
/// use asyncnet_os::SocketHandle;
///
/// fn receive_buffer_bytes(socket: &impl SocketHandle) -> std::io::Result<usize> {
///     socket.sock_ref().recv_buffer_size()
/// }
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// assert!(receive_buffer_bytes(&listener)? > 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait SocketHandle {
    /// The socket, borrowed: dropping this closes nothing.
    fn sock_ref(&self) -> SockRef<'_>;
}

#[cfg(unix)]
impl<S: std::os::fd::AsFd> SocketHandle for S {
    fn sock_ref(&self) -> SockRef<'_> {
        SockRef::from(self)
    }
}

#[cfg(windows)]
impl<S: std::os::windows::io::AsSocket> SocketHandle for S {
    fn sock_ref(&self) -> SockRef<'_> {
        SockRef::from(self)
    }
}

/// Takes in a socket that was made elsewhere: makes it non-blocking and close-on-exec.
///
/// It takes std's sockets, and on Unix an `OwnedFd`, such as one inherited from a service manager.
///
/// ```
/// let theirs = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let ours = asyncnet_os::adopt(theirs)?;
/// assert_eq!(ours.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The descriptor is no socket, or the system refuses. It is closed then.
pub fn adopt(socket: impl Into<Socket>) -> io::Result<Socket> {
    let socket = socket.into();
    // Fails with ENOTSOCK for a descriptor of another kind, which would pass everything below.
    let _: Type = socket.r#type()?;
    socket.set_nonblocking(true)?;
    set_inheritable(&socket, false)?;
    Ok(socket)
}

/// The same for a socket that will be accepted on, which must be of a type that can be.
///
/// Accepting on another type fails in a way that [`accept_fault`](crate::accept_fault) takes for a fault of one
/// connection on Linux (EOPNOTSUPP, accept(2)), and an accept loop would never end.
///
/// ```
/// let datagrams = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// let error = asyncnet_os::adopt_listener(datagrams).unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// As [`adopt`]; and the socket is not a stream socket, or, where the system can tell, does not listen.
pub fn adopt_listener(socket: impl Into<Socket>) -> io::Result<Socket> {
    let socket = socket.into();
    // Before anything is changed: what is refused may be in use elsewhere, by way of another descriptor.
    if socket.r#type()? != Type::STREAM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a listener must be a stream socket"));
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    if !socket.is_listener()? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket does not listen"));
    }
    adopt(socket)
}

/// Makes closing this TCP socket abort its connection: the peer gets a RST, and what was not sent is thrown away.
///
/// It happens when the last descriptor of the socket is closed, which is the caller's next step. A Unix socket has no
/// RST: the peer sees an end, or on Linux ECONNRESET when bytes it had sent were not read.
///
/// ```
/// use std::io::{ErrorKind, Read};
/// use std::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let client = TcpStream::connect(listener.local_addr()?)?;
/// let (mut served, _) = listener.accept()?;
/// asyncnet_os::abort(&client)?;
/// drop(client);
/// assert_eq!(served.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system refuses `SO_LINGER`; macOS does for a connection that the peer has reset already.
pub fn abort(socket: &impl SocketHandle) -> io::Result<()> {
    socket.sock_ref().set_linger(Some(Duration::ZERO))
}

pub(crate) fn set_inheritable(socket: &Socket, inheritable: bool) -> io::Result<()> {
    #[cfg(unix)]
    return socket.set_cloexec(!inheritable);
    #[cfg(windows)]
    return socket.set_no_inherit(!inheritable);
}

/// Has a TCP socket that was accepted send small segments at once, as one that is connected does; see
/// [`SocketBuilder::nodelay`](crate::SocketBuilder::nodelay).
///
/// A socket whose peer is gone already refuses on some systems. That is for its next read to tell.
///
/// ```
/// let (one, _other) = asyncnet_os::tcp_pair()?;
/// asyncnet_os::send_at_once(&one);
/// assert!(one.nodelay()?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn send_at_once(socket: &impl SocketHandle) {
    socket.sock_ref().set_tcp_nodelay(true).ok();
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::adopt;
    use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};
    use socket2::{Domain, Socket, Type};
    use std::os::fd::OwnedFd;

    #[test]
    fn an_adopted_socket_is_non_blocking_and_close_on_exec() {
        let theirs = Socket::new_raw(Domain::IPV4, Type::STREAM, None).unwrap();
        fcntl_setfd(&theirs, FdFlags::empty()).unwrap();
        let ours = adopt(theirs).unwrap();
        assert!(ours.nonblocking().unwrap());
        assert!(fcntl_getfd(&ours).unwrap().contains(FdFlags::CLOEXEC));
    }

    #[test]
    fn a_file_is_not_adopted() {
        let file = OwnedFd::from(tempfile::tempfile().unwrap());
        let error = adopt(file).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::NOTSOCK));
    }

    #[test]
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    fn a_socket_that_does_not_listen_is_no_listener() {
        let idle = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let refused = super::adopt_listener(idle.try_clone().unwrap()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
        assert!(!idle.nonblocking().unwrap(), "what is refused is left as it was");
        let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        super::adopt_listener(listening).unwrap();
    }
}
