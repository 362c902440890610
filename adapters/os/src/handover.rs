//! Sockets that other programs read from: looked at without taking, and handed over.
//!
//! It starts no program, and nothing here waits.

#[cfg(unix)]
use crate::handle::SocketHandle;
use socket2::Socket;
use std::io;

/// Copies what a stream socket would give next into `buf`, and leaves it there: how many bytes, 0 at the end. It does not
/// wait.
///
/// std has it for TCP ([`TcpStream::peek`](std::net::TcpStream::peek)), on every system, and not for Unix sockets.
///
/// # Errors
///
/// What recv(2) says, [`WouldBlock`](io::ErrorKind::WouldBlock) among it.
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut one, mut other) = std::os::unix::net::UnixStream::pair()?;
/// one.write_all(b"abc")?;
/// let mut two = [0; 2];
/// assert_eq!((asyncnet_os::peek(&other, &mut two)?, &two), (2, b"ab"));
/// let mut all = [0; 3];
/// other.read_exact(&mut all)?;
/// assert_eq!(&all, b"abc");
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(unix)]
pub fn peek(socket: &impl SocketHandle, buf: &mut [u8]) -> io::Result<usize> {
    use rustix::net::RecvFlags;
    let (n, _) = rustix::net::recv(&*socket.sock_ref(), buf, RecvFlags::PEEK)?;
    Ok(n)
}

/// Makes a socket blocking again, as other programs and blocking code expect it: the counterpart of
/// [`adopt`](crate::adopt).
///
/// On Unix that is a property of the open file, which all descriptors of it share, also in other processes (fcntl(2)): take
/// it out of the runtime first. It stays close-on-exec, so that no other child gets it by accident. A child gets it
/// as its input, output or error, with `Stdio::from(OwnedFd::from(socket))`, by a descriptor that is not.
///
/// # Errors
///
/// The system refuses.
///
/// ```
/// use std::io::{BufRead, BufReader, Write};
///
/// let (ours, theirs) = asyncnet_os::tcp_pair()?;
/// (&theirs).write_all(b"one\n")?;
/// let socket = asyncnet_os::release(ours)?;
/// let waits = std::thread::spawn(move || {
///     let mut lines = BufReader::new(socket).lines();
///     Ok::<_, std::io::Error>([lines.next().unwrap()?, lines.next().unwrap()?])
/// });
/// (&theirs).write_all(b"two\n")?;
/// assert_eq!(waits.join().unwrap()?, ["one", "two"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn release(socket: impl Into<Socket>) -> io::Result<Socket> {
    let socket = socket.into();
    socket.set_nonblocking(false)?;
    Ok(socket)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::release;
    use rustix::io::{FdFlags, fcntl_getfd};

    #[test]
    fn a_released_socket_is_blocking_and_close_on_exec() {
        let (ours, _theirs) = crate::tcp_pair().unwrap();
        let ours = crate::adopt(ours).unwrap();
        assert!(ours.nonblocking().unwrap());
        let released = release(ours).unwrap();
        assert!(!released.nonblocking().unwrap());
        assert!(fcntl_getfd(&released).unwrap().contains(FdFlags::CLOEXEC));
    }
}
