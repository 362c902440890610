//! What the driver asks of a runtime for one connection: small traits, all of them poll functions.
//!
//! Nothing here requires `Send`, a boxed future or a task: a stream is `Send` exactly when its transport is.
//!
//! Invariant: each direction, and the timer, has a waker slot of its own, so that a task may wait for both directions and
//! for a time at once.

use asyncnet_core::{Endpoint, PeerCredentials};
use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use std::time::Duration;

/// A clock, and one alarm.
///
/// ```
/// use asyncnet_driver::Timer;
/// use std::time::Duration;
///
/// let mut timer = asyncnet_smol::SmolTimer::default();
/// let soon = timer.now() + Duration::from_millis(1);
/// futures_lite::future::block_on(std::future::poll_fn(|cx| timer.poll_until(cx, soon)));
/// assert!(timer.now() >= soon);
/// ```
pub trait Timer {
    /// The time since this timer's origin. It never goes back.
    fn now(&self) -> Duration;

    /// Waits until [`now`](Self::now) is at least `at`. A later call with another time replaces an earlier one.
    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()>;
}

/// The receiving direction of a transport.
///
/// See the skeleton in `asyncnet-conformance` for an implementation to start from.
pub trait ReadTransport: Timer + Unpin {
    /// Reads into `buf`, which is not empty: at least one byte, or 0 at the end of the stream.
    ///
    /// # Errors
    ///
    /// What the socket says, but never [`WouldBlock`](io::ErrorKind::WouldBlock): that is `Pending`.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Waits until a read may bring something, without memory for it. It is asked after a read that brought less than there
    /// was room for: most likely nothing more is there, and a socket need not be asked again to know. It shares the waker
    /// slot of [`poll_read`](Self::poll_read). Ready says only that a read is worth its try, as it does if this is not
    /// implemented; a transport that gives less than it has must not be pending.
    ///
    /// # Errors
    ///
    /// What the runtime says.
    ///
    /// ```
    /// use asyncnet_driver::ReadTransport;
    /// use std::future::poll_fn;
    ///
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// let mut transport = server.into_parts().transport.unwrap();
    /// client.send(b"a").await?;
    /// poll_fn(|cx| transport.poll_readable(cx)).await?;
    /// assert_eq!(poll_fn(|cx| transport.poll_read(cx, &mut [0; 8])).await?, 1);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[inline]
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }
}

/// A receiving direction that can be looked at: what [`Stream::into_unbuffered`](crate::Stream::into_unbuffered) needs.
///
/// Sockets have it. A foreign stream has not, and neither has TLS: what they hold is read ahead already.
///
/// ```
/// use asyncnet_driver::{PeekTransport, ReadTransport};
/// use std::future::poll_fn;
///
/// # futures_lite::future::block_on(async {
/// async fn twice<T: PeekTransport>(transport: &mut T) -> std::io::Result<[u8; 2]> {
///     let mut bytes = [0; 2];
///     poll_fn(|cx| transport.poll_peek(cx, &mut bytes[..1])).await?;
///     poll_fn(|cx| transport.poll_read(cx, &mut bytes[1..])).await?;
///     Ok(bytes)
/// }
/// let (mut client, server) = asyncnet_smol::pair()?;
/// client.send(b"a").await?;
/// assert_eq!(twice(&mut server.into_parts().transport.unwrap()).await?, *b"aa");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub trait PeekTransport: ReadTransport {
    /// Copies what would be read next into `buf`, which is not empty, and leaves it to be read: at least one byte, or 0 at
    /// the end of the stream. It shares the waker slot of [`poll_read`](ReadTransport::poll_read).
    ///
    /// # Errors
    ///
    /// What the socket says, but never [`WouldBlock`](io::ErrorKind::WouldBlock): that is `Pending`. The kernel tells an
    /// error once, so a read after it may see an end.
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// The sending direction of a transport.
///
/// See the skeleton in `asyncnet-conformance` for an implementation to start from.
pub trait WriteTransport: Timer + Unpin {
    /// Writes from the buffers in order: at least one byte of the first that is not empty.
    ///
    /// # Errors
    ///
    /// What the socket says, but never [`WouldBlock`](io::ErrorKind::WouldBlock): that is `Pending`.
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Passes on what the transport itself may hold back. A socket holds nothing back.
    ///
    /// # Errors
    ///
    /// What the transport below says.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// Ends the sending direction, so that the peer sees the end; receiving goes on.
    ///
    /// # Errors
    ///
    /// What the socket says.
    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A connected socket, or what behaves like one.
///
/// See the skeleton in `asyncnet-conformance` for an implementation to start from.
pub trait Transport: ReadTransport + WriteTransport {
    /// Makes the drop that follows an abrupt one where the platform can: a TCP peer gets a reset, not an end.
    fn abort(&mut self);
}

/// A transport that comes apart into directions that are driven by two tasks.
///
/// ```
/// use asyncnet_driver::SplitTransport;
///
/// fn both_ways<T: SplitTransport>(transport: T) -> T {
///     let (reader, writer) = transport.split();
///     T::reunite(reader, writer).ok().expect("they belong together")
/// }
/// let (stream, _peer) = asyncnet_smol::pair().unwrap();
/// both_ways(stream.into_parts().transport.unwrap());
/// ```
pub trait SplitTransport: Transport + Sized {
    /// The receiving direction.
    type Reader: ReadTransport;
    /// The sending direction.
    type Writer: WriteTransport;

    /// Takes it apart. Each side has an alarm of its own, of one clock: what [`now`](Timer::now) says goes on in both, and
    /// again when they are together.
    fn split(self) -> (Self::Reader, Self::Writer);

    /// Puts it together again.
    ///
    /// # Errors
    ///
    /// Both directions, if they are not of the same transport.
    fn reunite(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)>;
}

/// A transport that knows the addresses of its two ends.
///
/// ```
/// use asyncnet_driver::Endpoints;
///
/// let (stream, peer) = asyncnet_smol::pair().unwrap();
/// assert_eq!(stream.local_endpoint().unwrap(), peer.peer_endpoint().unwrap());
/// ```
pub trait Endpoints {
    /// The address of this end.
    ///
    /// # Errors
    ///
    /// What getsockname(2) says.
    fn local_endpoint(&self) -> io::Result<Endpoint>;

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// What getpeername(2) says; `NotConnected` once the peer has reset the connection.
    fn peer_endpoint(&self) -> io::Result<Endpoint>;

    /// The process at the other end, as the system noted it when the connection was made.
    ///
    /// # Errors
    ///
    /// What the system says; [`Unsupported`](io::ErrorKind::Unsupported) where it does not know, as it is if this is not
    /// implemented.
    fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "nobody knows the process at the other end of this"))
    }
}

impl<T: Timer + ?Sized> Timer for Box<T> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        (**self).poll_until(cx, at)
    }
}

impl<T: ReadTransport + ?Sized> ReadTransport for Box<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buf)
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_readable(cx)
    }
}

impl<T: PeekTransport + ?Sized> PeekTransport for Box<T> {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_peek(cx, buf)
    }
}

impl<T: WriteTransport + ?Sized> WriteTransport for Box<T> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        (**self).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown_write(cx)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn abort(&mut self) {
        (**self).abort();
    }
}
