//! From async-io's sockets, and back to them. Those of async-net, which are smol's, convert from and into these, and with the
//! feature `async-net` at once.

use crate::socket::Either;
use crate::transport::SmolTransport;
use async_io::Async;
use std::io;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;

impl SmolTransport {
    /// Takes the socket out of the runtime and makes it blocking: for a child process, or for blocking code. It stays
    /// close-on-exec.
    ///
    /// What a [`Stream`](crate::Stream) has read ahead is not in it; nothing is after a completed receive of one that was
    /// made unbuffered.
    ///
    /// # Errors
    ///
    /// What the system says; [`ResourceBusy`](std::io::ErrorKind::ResourceBusy) if the socket is shared with a
    /// clone. The socket is closed then.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use std::io::{BufRead, BufReader};
    ///
    /// let (stream, mut peer) = asyncnet_smol::pair()?;
    /// peer.send(b"for us\nfor a child\n").await?;
    /// let mut stream = stream.into_unbuffered().unwrap();
    /// assert_eq!(stream.recv_line().await?.unwrap(), "for us");
    ///
    /// // On Unix, `Stdio::from(OwnedFd::from(socket))` is the input of a child.
    /// let socket = stream.into_parts().transport.unwrap().into_blocking()?;
    /// let mut line = String::new();
    /// BufReader::new(socket).read_line(&mut line)?;
    /// assert_eq!(line, "for a child\n");
    /// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
    /// ```
    pub fn into_blocking(self) -> io::Result<asyncnet_os::socket2::Socket> {
        self.into_io().into_blocking()
    }
}

/// A connected TCP stream of async-io's, shared: as smol's own converts into one.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use async_io::Async;
/// use asyncnet_smol::{SmolTransport, Stream};
/// use std::net::TcpStream;
/// use std::sync::Arc;
///
/// // `smol::net` is the crate `async-net`.
/// let listener = async_net::TcpListener::bind("127.0.0.1:0").await?;
/// let theirs = async_net::TcpStream::connect(listener.local_addr()?).await?;
/// let ours = Stream::new(SmolTransport::from(Arc::<Async<TcpStream>>::from(theirs)));
///
/// // Back again, with what was received and not taken.
/// let parts = ours.into_parts();
/// let theirs = Async::<TcpStream>::try_from(parts.transport.unwrap()).unwrap();
/// let theirs = async_net::TcpStream::from(theirs);
/// assert_eq!(theirs.peer_addr()?, listener.local_addr()?);
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
impl From<Arc<Async<TcpStream>>> for SmolTransport {
    fn from(socket: Arc<Async<TcpStream>>) -> Self {
        Self::from(Either::Tcp(socket))
    }
}

/// A connected Unix stream of async-io's, shared: as smol's own converts into one.
#[cfg(unix)]
impl From<Arc<Async<UnixStream>>> for SmolTransport {
    fn from(socket: Arc<Async<UnixStream>>) -> Self {
        Self::from(Either::Unix(socket))
    }
}

/// A connected TCP stream of async-io's.
impl From<Async<TcpStream>> for SmolTransport {
    fn from(socket: Async<TcpStream>) -> Self {
        Self::from(Arc::new(socket))
    }
}

/// A connected Unix stream of async-io's.
#[cfg(unix)]
impl From<Async<UnixStream>> for SmolTransport {
    fn from(socket: Async<UnixStream>) -> Self {
        Self::from(Arc::new(socket))
    }
}

/// The transport itself, if it is not of TCP, or its socket is shared with a clone. smol's own stream converts from this one.
impl TryFrom<SmolTransport> for Async<TcpStream> {
    type Error = SmolTransport;

    fn try_from(transport: SmolTransport) -> Result<Self, SmolTransport> {
        match transport.into_io() {
            Either::Tcp(io) => Arc::try_unwrap(io).map_err(SmolTransport::from),
            other @ Either::Unix(_) => Err(other.into()),
        }
    }
}

/// The transport itself, if it is not of a Unix socket, or its socket is shared with a clone.
#[cfg(unix)]
impl TryFrom<SmolTransport> for Async<UnixStream> {
    type Error = SmolTransport;

    fn try_from(transport: SmolTransport) -> Result<Self, SmolTransport> {
        match transport.into_io() {
            Either::Unix(io) => Arc::try_unwrap(io).map_err(SmolTransport::from),
            other @ Either::Tcp(_) => Err(other.into()),
        }
    }
}

/// A connected TCP stream of smol's.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_smol::{SmolTransport, Stream};
///
/// // `smol::net` is the crate `async-net`.
/// let listener = async_net::TcpListener::bind("127.0.0.1:0").await?;
/// let theirs = async_net::TcpStream::connect(listener.local_addr()?).await?;
/// let ours = Stream::new(SmolTransport::from(theirs));
///
/// // Back again, with what was received and not taken.
/// let parts = ours.into_parts();
/// let theirs = async_net::TcpStream::try_from(parts.transport.unwrap()).unwrap();
/// assert_eq!(theirs.peer_addr()?, listener.local_addr()?);
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
#[cfg(feature = "async-net")]
impl From<async_net::TcpStream> for SmolTransport {
    fn from(socket: async_net::TcpStream) -> Self {
        Self::from(Arc::<Async<TcpStream>>::from(socket))
    }
}

/// A connected Unix stream of smol's.
#[cfg(all(unix, feature = "async-net"))]
impl From<async_net::unix::UnixStream> for SmolTransport {
    fn from(socket: async_net::unix::UnixStream) -> Self {
        Self::from(Arc::<Async<UnixStream>>::from(socket))
    }
}

/// The transport itself, if it is not of TCP, or its socket is shared with a clone.
#[cfg(feature = "async-net")]
impl TryFrom<SmolTransport> for async_net::TcpStream {
    type Error = SmolTransport;

    fn try_from(transport: SmolTransport) -> Result<Self, SmolTransport> {
        Async::<TcpStream>::try_from(transport).map(Self::from)
    }
}

/// The transport itself, if it is not of a Unix socket, or its socket is shared with a clone.
#[cfg(all(unix, feature = "async-net"))]
impl TryFrom<SmolTransport> for async_net::unix::UnixStream {
    type Error = SmolTransport;

    fn try_from(transport: SmolTransport) -> Result<Self, SmolTransport> {
        Async::<UnixStream>::try_from(transport).map(Self::from)
    }
}
