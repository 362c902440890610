//! async-io's TCP and Unix stream sockets as one type, whole or in halves.

use async_io::Async;
use futures_io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A TCP or a Unix thing.
#[derive(Clone, Debug)]
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

/// A TCP or Unix stream socket. It is shared, as those of async-net are, so that it converts from and into them.
pub type Socket = Either<Arc<Async<TcpStream>>, Arc<Async<UnixStream>>>;

impl Socket {
    /// Waits until there may be something to read.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(io) => io.poll_readable(cx),
            Self::Unix(io) => io.poll_readable(cx),
        }
    }

    /// Looks at what would be read next, without taking it.
    pub(crate) fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let peeked = match self {
                Self::Tcp(io) => io.get_ref().peek(buf),
                #[cfg(unix)]
                Self::Unix(io) => asyncnet_os::peek(io.get_ref(), buf),
                #[cfg(not(unix))]
                Self::Unix(io) => io.get_ref().peek(buf),
            };
            match peeked {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                peeked => return Poll::Ready(peeked),
            }
            ready!(self.poll_readable(cx))?;
        }
    }

    /// Takes it out of the reactor, and makes it blocking.
    pub(crate) fn into_blocking(self) -> io::Result<asyncnet_os::socket2::Socket> {
        let shared = || io::Error::new(io::ErrorKind::ResourceBusy, "the socket is shared with a clone");
        match self {
            Self::Tcp(io) => asyncnet_os::release(Arc::into_inner(io).ok_or_else(shared)?.into_inner()?),
            Self::Unix(io) => asyncnet_os::release(Arc::into_inner(io).ok_or_else(shared)?.into_inner()?),
        }
    }

    fn shutdown_write(&self) -> io::Result<()> {
        match self {
            Self::Tcp(io) => io.get_ref().shutdown(Shutdown::Write),
            Self::Unix(io) => io.get_ref().shutdown(Shutdown::Write),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(one), Self::Tcp(other)) => Arc::ptr_eq(one, other),
            (Self::Unix(one), Self::Unix(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(&mut &**io).poll_read(cx, buf),
            Self::Unix(io) => Pin::new(&mut &**io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(io) => Pin::new(&mut &**io).poll_write(cx, buf),
            Self::Unix(io) => Pin::new(&mut &**io).poll_write(cx, buf),
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
            Self::Tcp(io) => Pin::new(&mut &**io).poll_write_vectored(cx, bufs),
            Self::Unix(io) => Pin::new(&mut &**io).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket holds nothing back (tcp(7): data is with the kernel).
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown_write())
    }
}

/// The sending half of a socket: dropping it ends the write side.
#[derive(Debug)]
pub struct WriteSocket {
    socket: Socket,
    /// Whether a drop ends the write side: not once the halves are together again.
    armed: bool,
}

impl WriteSocket {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, armed: true }
    }

    /// Goes back into the whole socket, unless it is of another.
    pub(crate) fn rejoin(mut self, socket: &Socket) -> Result<(), Self> {
        self.armed = !self.socket.is_same(socket);
        if self.armed { Err(self) } else { Ok(()) }
    }
}

impl Drop for WriteSocket {
    fn drop(&mut self) {
        if self.armed {
            // The peer may be gone already, which is an end too.
            drop(self.socket.shutdown_write());
        }
    }
}

impl AsyncWrite for WriteSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx)
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
