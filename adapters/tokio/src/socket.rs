//! tokio's TCP and Unix stream sockets as one type, whole or in halves.

use std::io::{self, IoSlice};
use std::pin::Pin;
#[cfg(unix)]
use std::task::ready;
use std::task::{Context, Poll};
#[cfg(unix)]
use tokio::io::Interest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, tcp};
#[cfg(unix)]
use tokio::net::{UnixStream, unix};

/// A TCP or a Unix thing.
#[derive(Debug)]
pub enum Either<T, U> {
    /// Of TCP.
    Tcp(T),
    /// Of a Unix socket.
    #[cfg_attr(not(unix), doc = "\n\nNone on this platform.")]
    Unix(U),
}

/// Stands for a Unix socket where there are none.
#[cfg(not(unix))]
type UnixStream = TcpStream;
#[cfg(not(unix))]
use tcp as unix;

/// A TCP or Unix stream socket.
pub type Socket = Either<TcpStream, UnixStream>;
/// Its receiving half.
pub type ReadSocket = Either<tcp::OwnedReadHalf, unix::OwnedReadHalf>;
/// Its sending half.
pub type WriteSocket = Either<tcp::OwnedWriteHalf, unix::OwnedWriteHalf>;

impl Socket {
    pub(crate) fn into_split(self) -> (ReadSocket, WriteSocket) {
        match self {
            Self::Tcp(socket) => {
                let (reader, writer) = socket.into_split();
                (Either::Tcp(reader), Either::Tcp(writer))
            }
            Self::Unix(socket) => {
                let (reader, writer) = socket.into_split();
                (Either::Unix(reader), Either::Unix(writer))
            }
        }
    }

    /// Looks at what would be read next, without taking it.
    pub(crate) fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(socket) => socket.poll_peek(cx, &mut ReadBuf::new(buf)),
            #[cfg(unix)]
            Self::Unix(socket) => loop {
                ready!(socket.poll_read_ready(cx))?;
                match socket.try_io(Interest::READABLE, || asyncnet_os::peek(socket, buf)) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    peeked => return Poll::Ready(peeked),
                }
            },
            #[cfg(not(unix))]
            Self::Unix(socket) => socket.poll_peek(cx, &mut ReadBuf::new(buf)),
        }
    }

    /// Takes it out of the runtime, and makes it blocking.
    pub(crate) fn into_blocking(self) -> io::Result<asyncnet_os::socket2::Socket> {
        match self {
            Self::Tcp(socket) => asyncnet_os::release(socket.into_std()?),
            Self::Unix(socket) => asyncnet_os::release(socket.into_std()?),
        }
    }

    pub(crate) fn reunite(
        reader: ReadSocket,
        writer: WriteSocket,
    ) -> Result<Self, (ReadSocket, WriteSocket)> {
        match (reader, writer) {
            (Either::Tcp(reader), Either::Tcp(writer)) => {
                reader.reunite(writer).map(Self::Tcp).map_err(|e| (Either::Tcp(e.0), Either::Tcp(e.1)))
            }
            (Either::Unix(reader), Either::Unix(writer)) => {
                reader.reunite(writer).map(Self::Unix).map_err(|e| (Either::Unix(e.0), Either::Unix(e.1)))
            }
            halves => Err(halves),
        }
    }
}

impl<T: AsyncRead + Unpin, U: AsyncRead + Unpin> AsyncRead for Either<T, U> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_read(cx, buf),
            Self::Unix(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl<T: AsyncWrite + Unpin, U: AsyncWrite + Unpin> AsyncWrite for Either<T, U> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_write(cx, buf),
            Self::Unix(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // The kernel does less for one buffer that is named as one.
        if let [buf] = bufs {
            return self.poll_write(cx, buf);
        }
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Unix(io) => Pin::new(io).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket holds nothing back (tcp(7): data is with the kernel).
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(io).poll_shutdown(cx),
            Self::Unix(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Socket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Tcp(io) => io.as_fd(),
            Self::Unix(io) => io.as_fd(),
        }
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for Socket {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        match self {
            Self::Tcp(io) | Self::Unix(io) => io.as_socket(),
        }
    }
}
