//! What speaks tokio's traits, as a transport: tokio's own sockets, their halves, and any foreign stream.

use crate::socket::{ReadSocket, Socket, WriteSocket};
use crate::timer::TokioTimer;
use asyncnet_driver::{
    Endpoint, Endpoints, PeekTransport, PeerCredentials, ReadTransport, SplitTransport, Timer, Transport,
    WriteTransport,
};
use asyncnet_os::with_disconnect_kind;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A TCP or Unix stream socket of tokio's.
pub type TokioTransport = IoTransport<Socket>;

/// Anything with tokio's `AsyncRead` and `AsyncWrite`, as a transport: an SSH channel, a pipe, a process.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// use asyncnet_tokio::{IoTransport, StreamOver};
///
/// let (ours, theirs) = tokio::io::duplex(64);
/// let mut ours = StreamOver::new(IoTransport::new(ours));
/// let mut theirs = StreamOver::new(IoTransport::new(theirs));
/// ours.send_line("over a pipe").await?;
/// assert_eq!(theirs.recv_line().await?.unwrap(), "over a pipe");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct IoTransport<S> {
    io: S,
    timer: TokioTimer,
    abort: fn(&S),
}

impl<S> IoTransport<S> {
    /// A transport over any stream. Aborting it just drops it, and whether there is something to read only a read tells.
    ///
    /// See the example at [`IoTransport`].
    pub fn new(io: S) -> Self {
        Self { io, timer: TokioTimer::default(), abort: |_| () }
    }

    /// The stream below.
    ///
    /// ```
    /// assert_eq!(*asyncnet_tokio::IoTransport::new(7).io(), 7);
    /// ```
    pub fn io(&self) -> &S {
        &self.io
    }

    /// The stream below, taken back.
    ///
    /// ```
    /// assert_eq!(asyncnet_tokio::IoTransport::new(7).into_io(), 7);
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
    // It needs no `poll_readable`: after a read that brought less than there was room for, tokio with epoll or kqueue
    // waits without another.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf)).map_err(with_disconnect_kind)?;
        Poll::Ready(Ok(buf.filled().len()))
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
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transport for IoTransport<S> {
    fn abort(&mut self) {
        (self.abort)(&self.io);
    }
}

impl Endpoints for TokioTransport {
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

impl PeekTransport for TokioTransport {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_peek(cx, buf).map_err(with_disconnect_kind)
    }
}

impl SplitTransport for TokioTransport {
    type Reader = IoTransport<ReadSocket>;
    type Writer = IoTransport<WriteSocket>;

    fn split(self) -> (Self::Reader, Self::Writer) {
        let (reader, writer) = self.io.into_split();
        let mut reader = IoTransport::new(reader);
        let mut writer = IoTransport::new(writer);
        (reader.timer, writer.timer) = (self.timer.beside(), self.timer);
        (reader, writer)
    }

    fn reunite(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)> {
        let timers = (reader.timer, writer.timer);
        match Socket::reunite(reader.io, writer.io) {
            Ok(socket) => {
                let mut transport = Self::from(socket);
                transport.timer = timers.0;
                Ok(transport)
            }
            Err((reader, writer)) => {
                let mut halves = (IoTransport::new(reader), IoTransport::new(writer));
                (halves.0.timer, halves.1.timer) = timers;
                Err(halves)
            }
        }
    }
}

impl From<Socket> for TokioTransport {
    fn from(socket: Socket) -> Self {
        // A socket that cannot be told to reset is closed by the drop all the same.
        let abort = |socket: &Socket| drop(asyncnet_os::abort(socket));
        Self { abort, ..Self::new(socket) }
    }
}
