//! The other end of a connection under test: blocking calls of the standard library, nothing of ours.
//!
//! Invariant: nothing blocks for more than [`PATIENCE`]: a peer that waits in vain makes its case fail, not hang.

use crate::case::Stop;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a peer waits for bytes, or for room, before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The receive buffer of a TCP peer, in bytes.
const RECV_BUFFER: usize = 256 << 10;

/// Whether a reset could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The stream under test will see one.
    Sent,
    /// This kind of connection has none.
    Unknown,
}

/// One end of a connection, with blocking calls.
pub trait Peer: Read + Write + Send {
    /// Ends the sending side.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn shutdown_write(&mut self) -> io::Result<()>;

    /// Ends the connection with a reset.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn reset(self: Box<Self>) -> io::Result<Reset>;
}

/// What a peer on a thread of its own came to.
pub(crate) fn joined<T>(thread: JoinHandle<io::Result<T>>) -> Result<T, Stop> {
    Ok(thread.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??)
}

pub(crate) fn tcp(socket: TcpStream) -> io::Result<Box<dyn Peer>> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    // The kernel would let it grow to what a whole test sends (tcp(7), tcp_rmem); so cases that fill the way need less.
    socket2::SockRef::from(&socket).set_recv_buffer_size(RECV_BUFFER)?;
    Ok(Box::new(socket))
}

#[cfg(unix)]
pub(crate) fn unix(socket: UnixStream) -> io::Result<Box<dyn Peer>> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(Box::new(socket))
}

impl Peer for TcpStream {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn reset(self: Box<Self>) -> io::Result<Reset> {
        // SO_LINGER with zero makes close(2) send RST (socket(7), tcp(7)).
        socket2::SockRef::from(&*self).set_linger(Some(Duration::ZERO))?;
        Ok(Reset::Sent)
    }
}

#[cfg(unix)]
impl Peer for UnixStream {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn reset(self: Box<Self>) -> io::Result<Reset> {
        Ok(Reset::Unknown)
    }
}
