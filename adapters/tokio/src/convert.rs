//! From tokio's own sockets, and back to them.

use crate::socket::Either;
use crate::transport::TokioTransport;
use std::io;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

impl TokioTransport {
    /// Takes the socket out of the runtime and makes it blocking: for a child process, or for blocking code. It stays
    /// close-on-exec.
    ///
    /// What a [`Stream`](crate::Stream) has read ahead is not in it; nothing is after a completed receive of one that was
    /// made unbuffered.
    ///
    /// # Errors
    ///
    /// What the system says. The socket is closed then.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
    /// use std::io::{BufRead, BufReader};
    ///
    /// let (stream, mut peer) = asyncnet_tokio::pair()?;
    /// peer.send(b"for us\nfor a child\n").await?;
    /// let mut stream = stream.into_unbuffered().unwrap();
    /// assert_eq!(stream.recv_line().await?.unwrap(), "for us");
    ///
    /// // On Unix, `Stdio::from(OwnedFd::from(socket))` is the input of a child.
    /// let socket = stream.into_parts().transport.unwrap().into_blocking()?;
    /// let mut line = String::new();
    /// BufReader::new(socket).read_line(&mut line)?;
    /// assert_eq!(line, "for a child\n");
    /// # Ok(()) }
    /// ```
    pub fn into_blocking(self) -> io::Result<asyncnet_os::socket2::Socket> {
        self.into_io().into_blocking()
    }
}

/// A connected TCP stream of tokio's.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// use asyncnet_tokio::{Stream, TokioTransport};
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let theirs = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
/// let ours = Stream::new(TokioTransport::from(theirs));
/// let (mut peer, _) = listener.accept().await?;
///
/// // Back again, with what was received and not taken.
/// let parts = ours.into_parts();
/// let theirs = tokio::net::TcpStream::try_from(parts.transport.unwrap()).unwrap();
/// assert_eq!(theirs.peer_addr()?, listener.local_addr()?);
/// # Ok(()) }
/// ```
impl From<TcpStream> for TokioTransport {
    fn from(socket: TcpStream) -> Self {
        Self::from(Either::Tcp(socket))
    }
}

/// A connected Unix stream of tokio's.
#[cfg(unix)]
impl From<UnixStream> for TokioTransport {
    fn from(socket: UnixStream) -> Self {
        Self::from(Either::Unix(socket))
    }
}

/// The transport itself, if it is not of TCP.
impl TryFrom<TokioTransport> for TcpStream {
    type Error = TokioTransport;

    fn try_from(transport: TokioTransport) -> Result<Self, TokioTransport> {
        match transport.into_io() {
            Either::Tcp(socket) => Ok(socket),
            other @ Either::Unix(_) => Err(other.into()),
        }
    }
}

/// The transport itself, if it is not of a Unix socket.
#[cfg(unix)]
impl TryFrom<TokioTransport> for UnixStream {
    type Error = TokioTransport;

    fn try_from(transport: TokioTransport) -> Result<Self, TokioTransport> {
        match transport.into_io() {
            Either::Unix(socket) => Ok(socket),
            other @ Either::Tcp(_) => Err(other.into()),
        }
    }
}
