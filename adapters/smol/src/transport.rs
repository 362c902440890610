//! What speaks futures-io's traits, as a transport: async-io's sockets, their halves, and any foreign stream.

use crate::socket::{Socket, WriteSocket};
use crate::timer::SmolTimer;
use asyncnet_driver::{
    Endpoint, Endpoints, PeekTransport, PeerCredentials, ReadTransport, SplitTransport, Timer, Transport,
    WriteTransport,
};
use asyncnet_os::with_disconnect_kind;
use futures_io::{AsyncRead, AsyncWrite};
use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A TCP or Unix stream socket of async-io's.
pub type SmolTransport = IoTransport<Socket>;

/// Anything with futures-io's `AsyncRead` and `AsyncWrite`, as a transport: an SSH channel, a pipe, a process.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_smol::{IoTransport, StreamOver};
///
/// // A stream of ours has those traits too.
/// let (inner, mut peer) = asyncnet_smol::pair()?;
/// let mut outer = StreamOver::new(IoTransport::new(inner));
/// outer.send_line("through both").await?;
/// assert_eq!(peer.recv_line().await?.unwrap(), "through both");
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct IoTransport<S> {
    io: S,
    timer: SmolTimer,
    abort: fn(&S),
    readable: fn(&S, &mut Context<'_>) -> Poll<io::Result<()>>,
    /// Whether the last answer of `readable` was that it is not yet.
    is_waiting: bool,
}

impl<S> IoTransport<S> {
    /// A transport over any stream. Aborting it just drops it, and whether there is something to read only a read tells.
    ///
    /// See the example at [`IoTransport`].
    pub fn new(io: S) -> Self {
        let readable = |_: &S, _: &mut Context<'_>| Poll::Ready(Ok(()));
        Self { io, timer: SmolTimer::default(), abort: |_| (), readable, is_waiting: false }
    }

    /// The stream below.
    ///
    /// ```
    /// assert_eq!(*asyncnet_smol::IoTransport::new(7).io(), 7);
    /// ```
    pub fn io(&self) -> &S {
        &self.io
    }

    /// The stream below, taken back.
    ///
    /// ```
    /// assert_eq!(asyncnet_smol::IoTransport::new(7).into_io(), 7);
    /// ```
    pub fn into_io(self) -> S {
        self.io
    }
}

impl<S> Timer for IoTransport<S> {
    fn now(&self) -> Duration {
        self.timer.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.timer.poll_until(cx, at)
    }
}

impl<S: AsyncRead + Unpin> ReadTransport for IoTransport<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_read(cx, buf).map_err(with_disconnect_kind)
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = (self.readable)(&self.io, cx);
        // A source of async-io's is ready by a round of the reactor that began after the question; by one in which another
        // thread was already it only wakes the task. To ask again would take one more round, and perhaps one more after it,
        // for ever: who waited and was woken reads.
        let was_waiting = mem::replace(&mut self.is_waiting, false);
        if polled.is_pending() && was_waiting {
            return Poll::Ready(Ok(()));
        }
        self.is_waiting = polled.is_pending();
        polled
    }
}

impl<S: AsyncWrite + Unpin> WriteTransport for IoTransport<S> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs).map_err(with_disconnect_kind)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_close(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for IoTransport<S> {
    fn abort(&mut self) {
        (self.abort)(&self.io);
    }
}

impl Endpoints for SmolTransport {
    fn local_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::local_endpoint(&self.io)
    }

    fn peer_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::peer_endpoint(&self.io)
    }

    fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        asyncnet_os::peer_credentials(&self.io)
    }
}

impl PeekTransport for SmolTransport {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_peek(cx, buf).map_err(with_disconnect_kind)
    }
}

impl SplitTransport for SmolTransport {
    type Reader = Self;
    type Writer = IoTransport<WriteSocket>;

    fn split(self) -> (Self::Reader, Self::Writer) {
        let mut writer = IoTransport::new(WriteSocket::new(self.io.clone()));
        writer.timer = self.timer.beside();
        (self, writer)
    }

    fn reunite(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)> {
        match writer.io.rejoin(&reader.io) {
            Ok(()) => Ok(reader),
            Err(io) => {
                let mut writer = IoTransport::new(io);
                writer.timer = reader.timer.beside();
                Err((reader, writer))
            }
        }
    }
}

impl From<Socket> for SmolTransport {
    fn from(socket: Socket) -> Self {
        // A socket that cannot be told to reset is closed by the drop all the same.
        let abort = |socket: &Socket| drop(asyncnet_os::abort(socket));
        Self { abort, readable: Socket::poll_readable, ..Self::new(socket) }
    }
}

#[cfg(test)]
mod tests {
    use super::IoTransport;
    use asyncnet_driver::ReadTransport;
    use futures_lite::io::{Empty, empty};
    use std::task::{Context, Poll, Waker};

    #[test]
    fn who_waited_and_was_woken_reads() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut transport = IoTransport::<Empty>::new(empty());
        transport.readable = |_, _| Poll::Pending;
        for _ in 0..2 {
            assert!(transport.poll_readable(cx).is_pending());
            assert!(transport.poll_readable(cx).is_ready());
        }
        transport.readable = |_, _| Poll::Ready(Ok(()));
        assert!(transport.poll_readable(cx).is_ready());
        transport.readable = |_, _| Poll::Pending;
        assert!(transport.poll_readable(cx).is_pending());
    }
}
