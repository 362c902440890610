//! Two sockets connected with each other, for tests and examples.

use std::io;
use std::net::{TcpListener, TcpStream};

/// Two non-blocking TCP sockets connected with each other over the loopback interface.
///
/// # Errors
///
/// What the system says, or that another process connected first.
///
/// ```
/// let (one, other) = asyncnet_os::tcp_pair()?;
/// assert_eq!(one.local_addr()?, other.peer_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let one = TcpStream::connect(listener.local_addr()?)?;
    let (other, from) = listener.accept()?;
    if from != one.local_addr()? {
        return Err(io::Error::other("another process connected first"));
    }
    crate::handle::send_at_once(&one);
    crate::handle::send_at_once(&other);
    one.set_nonblocking(true)?;
    other.set_nonblocking(true)?;
    Ok((one, other))
}
