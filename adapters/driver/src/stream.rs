//! The socket: one connection over one transport.
//!
//! It is concerned with neither lines nor bytes on the wire (the core is), nor with waiting (the transport is): it puts
//! the two together, and owns the order of things.
//!
//! ```text
//!   [ open ] -- shutdown_write --> [ write side ended ] --+
//!      |                                                  | close: drain to the peer's end
//!      +----------------------- close --------------------+-----------> [ closed: no transport ]
//!      +----------------------- abort ---------------------------------> [ closed ]
//! ```

use crate::error::Error;
use crate::fill::Fill;
use crate::line::{Line, LineEnd};
use crate::pool::Pooled;
use crate::pump::{ReadState, Side, WriteState};
use crate::recv::{self, Source};
use crate::send::{self, Sink};
use crate::transport::{Endpoints, Transport};
use asyncnet_core::{
    Connection, Ending, Endpoint, Incoming, Limits, LinePolicy, Outgoing, RecvError, Search,
};
use bytes::Bytes;
use std::future::poll_fn;
use std::io::IoSlice;
use std::task::{Context, Poll};
use std::time::Duration;

/// A buffered stream socket over the transport `T`.
///
/// An adapter makes them: by dialing, by accepting, from its runtime's own sockets. Every receive is buffered, and every
/// call can be dropped at any point: no byte is lost, doubled or half-committed, and the next call goes on where the last one
/// stood. A deadline is therefore just a dropped future.
///
/// What is queued goes out before a receive starts to wait, so a server that answers with [`queue_line`](Self::queue_line)
/// answers a burst of lines with one write, and a single line at once.
///
/// Dropping a stream ends it at once: what is queued is not sent. [`close`](Self::close) is the way to end well. Dropped after
/// a message was torn, it ends with a reset where the platform has one.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send(b"EHLO me\r\nNOOP\r\n").await?;
///
/// assert_eq!(server.recv_line().await?.unwrap(), "EHLO me");
/// assert_eq!(server.recv_line().await?.unwrap(), "NOOP");
/// server.queue_line("250 hello")?;
/// server.queue_line("250 done")?;
/// server.close().await?;
///
/// assert_eq!(client.recv_line().await?.unwrap(), "250 hello");
/// assert_eq!(client.recv_line().await?.unwrap(), "250 done");
/// assert!(client.recv_line().await?.is_none());
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Stream<T> {
    /// `None` once closed.
    transport: Option<T>,
    connection: Connection,
    read: ReadState,
    write: WriteState,
    settings: Settings,
    /// Once a close has begun.
    drain: Option<Drain>,
}

/// What a caller sets for lines: kept when a stream is split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) line: LinePolicy,
    pub(crate) line_end: LineEnd,
}

/// A stream without its transport: what survives a split.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) connection: Connection,
    pub(crate) read: ReadState,
    pub(crate) write: WriteState,
    pub(crate) settings: Settings,
}

/// How far the end of a close is.
#[derive(Clone, Copy, Debug)]
struct Drain {
    /// When to give the peer up: known once all of ours is sent.
    until: Option<Duration>,
    /// How many bytes of the peer's were dropped since the last of ours went out.
    dropped: usize,
    /// How many bytes of ours were not out then.
    unsent: usize,
}

/// How a close went.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::Closed;
///
/// let (mut client, server) = asyncnet_smol::pair()?;
/// drop(server);
/// assert_eq!(client.close().await?, Closed::PeerEnded);
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The peer ended its side too, so nothing of its can meet a closed socket and take ours away with a reset.
    PeerEnded,
    /// The peer went on sending, or stayed silent, past [`Limits::drain_bytes_max`] or [`Limits::drain_time_max`]: what was
    /// sent last may not arrive.
    GaveUp,
    /// It had been closed, or aborted, before this call.
    Before,
}

/// A stream taken apart.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send(b"line\nrest").await?;
/// server.peek_at_least(9).await?;
/// server.recv_line().await?;
/// let parts = server.into_parts();
/// assert_eq!(parts.received, "rest");
/// assert!(parts.transport.is_some() && parts.queued.is_empty());
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<T> {
    /// The transport, unless the stream was closed.
    pub transport: Option<T>,
    /// What came and was not taken: it was read from the transport and would be lost with the stream. If an over-long line is
    /// being dropped, this is empty, and the rest of that line comes next from the transport.
    pub received: Bytes,
    /// What was queued and is not sent.
    pub queued: Bytes,
}

impl<T: Transport> Stream<T> {
    /// A stream over a connected transport, with the default limits.
    ///
    /// ```
    /// use asyncnet_driver::Stream;
    ///
    /// let (stream, _peer) = asyncnet_smol::pair().unwrap();
    /// let transport = stream.into_parts().transport.unwrap();
    /// assert!(!Stream::new(transport).is_closed());
    /// ```
    pub fn new(transport: T) -> Self {
        Self::with_limits(transport, Limits::default())
    }

    /// A stream over a connected transport, with limits of its own.
    ///
    /// ```
    /// use asyncnet_driver::{Limits, Stream};
    ///
    /// let (stream, _peer) = asyncnet_smol::pair().unwrap();
    /// let mut limits = Limits::default();
    /// limits.line_bytes_max = 512;
    /// let stream = Stream::with_limits(stream.into_parts().transport.unwrap(), limits);
    /// assert_eq!(stream.limits().line_bytes_max, 512);
    /// ```
    pub fn with_limits(transport: T, limits: Limits) -> Self {
        let settings =
            Settings { line: LinePolicy::new(limits.line_bytes_max), line_end: LineEnd::default() };
        let connection = Connection::new(limits);
        let (read, write) = (ReadState::default(), WriteState::default());
        Self::from_inner(transport, Inner { connection, read, write, settings })
    }

    pub(crate) fn from_inner(transport: T, inner: Inner) -> Self {
        let Inner { connection, read, write, settings } = inner;
        Self { transport: Some(transport), connection, read, write, settings, drain: None }
    }

    // Receiving.

    /// Receives what is there, at least one byte: how many, 0 at the end of the stream. With an empty `buf`, 0 at once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the socket fails, after all that came before has been received; [`Error::Closed`]; the fatal
    /// errors of earlier lines.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// let mut buf = [0; 8];
    /// let n = server.recv(&mut buf).await?;
    /// assert_eq!(&buf[..n], b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        poll_fn(|cx| recv::poll_recv(self, cx, buf)).await
    }

    /// Receives what is there, at least one byte and at most `max`, as an owned value: empty at the end of the stream. It
    /// is not a copy when it is half of the buffer or more.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// assert_eq!(server.recv_owned(2).await?, "ab");
    /// assert_eq!(server.recv_owned(2).await?, "c");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_owned(&mut self, max: usize) -> Result<Bytes, Error> {
        recv::recv_owned(self, max).await
    }

    /// Receives until `buf` is full.
    ///
    /// # Errors
    ///
    /// [`RecvError::Incomplete`] if the stream ends before; what came can still be received.
    /// [`RecvError::RequestTooLarge`] if `buf` is longer than [`Limits::recv_bytes_max`]: see
    /// [`recv_exact_into`](Self::recv_exact_into). Else as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing: what has come waits in the stream, and `buf` is as it was.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abcdef").await?;
    /// let mut four = [0; 4];
    /// server.recv_exact(&mut four).await?;
    /// assert_eq!(&four, b"abcd");
    /// client.shutdown_write().await?;
    /// assert!(server.recv_exact(&mut four).await.unwrap_err().is_incomplete());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_exact(&mut self, buf: &mut [u8]) -> Result<(), Error> {
        recv::recv_exact(self, buf).await
    }

    /// Receives until `fill` is full, which may be of any length and keeps what came.
    ///
    /// # Errors
    ///
    /// [`RecvError::Incomplete`] if the stream ends before, with what is filled. Else as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, what has come is in `fill`: go on with it.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::Fill;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// let mut memory = [0; 3];
    /// server.recv_exact_into(&mut Fill::new(&mut memory)).await?;
    /// assert_eq!(&memory, b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_exact_into(&mut self, fill: &mut Fill<'_>) -> Result<(), Error> {
        recv::recv_fill(self, fill).await?;
        if fill.is_full() { Ok(()) } else { Err(RecvError::Incomplete { len: fill.filled().len() }.into()) }
    }

    /// Receives until `buf` is full or the stream ends: how many bytes.
    ///
    /// # Errors
    ///
    /// [`RecvError::RequestTooLarge`] if `buf` is longer than [`Limits::recv_bytes_max`]: see
    /// [`recv_full_into`](Self::recv_full_into). Else as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing: what has come waits in the stream, and `buf` is as it was.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// client.shutdown_write().await?;
    /// assert_eq!(server.recv_full(&mut [0; 8]).await?, 3);
    /// assert_eq!(server.recv_full(&mut [0; 8]).await?, 0);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_full(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        recv::recv_full(self, buf).await
    }

    /// Receives until `fill` is full, which may be of any length and keeps what came, or the stream ends.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, what has come is in `fill`: go on with it.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::Fill;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// client.shutdown_write().await?;
    /// let mut memory = [0; 8];
    /// let mut fill = Fill::new(&mut memory);
    /// server.recv_full_into(&mut fill).await?;
    /// assert_eq!(fill.filled(), b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_full_into(&mut self, fill: &mut Fill<'_>) -> Result<(), Error> {
        recv::recv_fill(self, fill).await
    }

    /// Receives a line under the stream's line policy, borrowed from its buffer: `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// The line errors of [`RecvError`]. After [`LineTooLong`](RecvError::LineTooLong) the next call gives the next
    /// line. Else as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"one\r\n\r\ntwo\n").await?;
    /// client.shutdown_write().await?;
    /// assert_eq!(server.recv_line().await?.unwrap(), "one");
    /// assert_eq!(server.recv_line().await?.unwrap(), "");
    /// assert_eq!(server.recv_line().await?.unwrap(), "two");
    /// assert!(server.recv_line().await?.is_none());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line(&mut self) -> Result<Option<Line<&[u8]>>, Error> {
        self.recv_line_with(self.settings.line).await
    }

    /// Receives a line under a policy of its own.
    ///
    /// # Errors
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing, and keeps its place also when the next call has another limit.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::LinePolicy;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"123456\nok\n").await?;
    /// assert!(server.recv_line_with(LinePolicy::new(5)).await.unwrap_err().is_line_too_long());
    /// assert_eq!(server.recv_line_with(LinePolicy::new(5)).await?.unwrap(), "ok");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_with(&mut self, policy: LinePolicy) -> Result<Option<Line<&[u8]>>, Error> {
        let found = recv::find(self, |incoming| incoming.find_line(policy)).await?;
        Ok(found.map(|span| Line::new(self.connection.take_line(span), span.ending())))
    }

    /// Receives a line into `line`, which is cleared first: how it ended, or `None` at the end of the stream. With the
    /// same `line` again and again it allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing, and `line` is empty.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"a line\n").await?;
    /// client.shutdown_write().await?;
    /// let mut line = b"stale".to_vec();
    /// assert!(server.recv_line_into(&mut line).await?.is_some());
    /// assert_eq!(line, b"a line");
    /// assert!(server.recv_line_into(&mut line).await?.is_none());
    /// assert_eq!(line, b"");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_into(&mut self, line: &mut Vec<u8>) -> Result<Option<Ending>, Error> {
        line.clear();
        let policy = self.settings.line;
        let found = recv::find(self, |incoming| incoming.find_line(policy)).await?;
        Ok(found.map(|span| {
            line.extend_from_slice(self.connection.take_line(span));
            span.ending()
        }))
    }

    /// Receives a line as an owned value: not a copy when it is half of its buffer or more, and a copy when it is short, so
    /// that a kept line does not keep a large buffer.
    ///
    /// # Errors
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"kept\nother\n").await?;
    /// let kept = server.recv_line_owned().await?.unwrap();
    /// server.recv_line().await?;
    /// assert_eq!(kept, "kept");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_owned(&mut self) -> Result<Option<Line<Bytes>>, Error> {
        let policy = self.settings.line;
        let found = recv::find(self, |incoming| incoming.find_line(policy)).await?;
        Ok(found.map(|span| {
            let text = self.connection.incoming_mut().take_line_owned(span, &mut Pooled);
            Line::new(text, span.ending())
        }))
    }

    /// Takes a line that is already here, without waiting and without a system call: so it sends nothing that is queued.
    /// `None` says that there is none, not that the stream ended.
    ///
    /// # Errors
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"one\ntwo\nthr").await?;
    /// server.peek_at_least(11).await?;
    /// let mut lines = 0;
    /// while server.try_line()?.is_some() {
    ///     lines += 1;
    /// }
    /// assert_eq!((lines, server.received_len()), (2, 3));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn try_line(&mut self) -> Result<Option<Line<&[u8]>>, Error> {
        self.check_transport()?;
        match self.connection.find_line(self.settings.line)? {
            Search::Found(span) => Ok(Some(Line::new(self.connection.take_line(span), span.ending()))),
            Search::NeedMore | Search::End => Ok(None),
        }
    }

    /// Receives through `delimiter`, and gives what came before it: `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// [`RecvError::TooLong`] if more than `max` bytes come before it, [`RecvError::Incomplete`] if the stream ends before
    /// it: nothing is taken then, and the bytes can be received in another way, or with a larger `max`. Else as
    /// [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// If `delimiter` is empty.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"a,b;rest").await?;
    /// assert_eq!(server.recv_until(b";", 100).await?, Some(&b"a,b"[..]));
    /// assert!(server.recv_until(b";", 3).await.is_err());
    /// assert_eq!(server.recv_owned(100).await?, "rest");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_until(&mut self, delimiter: &[u8], max: usize) -> Result<Option<&[u8]>, Error> {
        let found = recv::find(self, |incoming| incoming.find_delimiter(delimiter, max)).await?;
        Ok(found.map(|n| &self.connection.incoming_mut().take_front(n + delimiter.len())[..n]))
    }

    /// Receives to the end of the stream and appends it to `into`: how many bytes.
    ///
    /// # Errors
    ///
    /// [`RecvError::TooLong`] as soon as there are more than `max` bytes: none is taken. Else as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing, and `into` is as it was: up to `max` bytes wait in the stream.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"all of it").await?;
    /// client.shutdown_write().await?;
    /// let mut body = Vec::new();
    /// assert_eq!(server.recv_to_end(&mut body, 1 << 20).await?, 9);
    /// assert_eq!(body, b"all of it");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_to_end(&mut self, into: &mut Vec<u8>, max: usize) -> Result<usize, Error> {
        recv::recv_to_end(self, into, max).await
    }

    /// Waits for bytes and looks at what is there, without taking it: empty at the end of the stream alone.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing. Nor has it completed.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// assert_eq!(server.peek().await?, b"abc");
    /// assert_eq!(server.recv_owned(100).await?, "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn peek(&mut self) -> Result<&[u8], Error> {
        self.peek_at_least(1).await
    }

    /// Waits for `n` bytes and looks at all that is there, without taking it: fewer at the end of the stream alone.
    ///
    /// # Errors
    ///
    /// [`RecvError::RequestTooLarge`] if `n` is above [`Limits::recv_bytes_max`]. Else as [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"\x16\x03\x01").await?;
    /// assert_eq!(server.peek_at_least(3).await?[0], 0x16, "a TLS record follows");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn peek_at_least(&mut self, n: usize) -> Result<&[u8], Error> {
        recv::find(self, |incoming| incoming.find_bytes(n)).await?;
        Ok(self.connection.plain())
    }

    /// Takes `n` bytes of what is there: of what a [`peek`](Self::peek) showed.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// assert_eq!(server.peek_at_least(3).await?, b"abc");
    /// server.consume(1);
    /// assert_eq!(server.received(), b"bc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn consume(&mut self, n: usize) {
        self.connection.consume(n);
    }

    // Sending.

    /// Sends all of `bytes`, behind what is queued: complete when the kernel has them. With no bytes, it returns at once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the socket fails, which ends the write side; [`SendError::Abandoned`](crate::SendError::Abandoned) after a long send was dropped
    /// in the middle; [`SendError::Closed`](crate::SendError::Closed), [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before its first byte went out, it has done nothing. After that, up to [`Limits::send_atomic_max`] bytes are
    /// completed from the queue, by the next flush, send or receive; a longer message is torn, and the write side fails
    /// with [`SendError::Abandoned`](crate::SendError::Abandoned) from then on. [`send_owned`](Self::send_owned) completes at any length.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"hello").await?;
    /// assert_eq!(server.recv_owned(100).await?, "hello");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        send::send(self, &[IoSlice::new(bytes)]).await
    }

    /// Sends all the parts as one message, without joining them first.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use std::io::IoSlice;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send_vectored(&[IoSlice::new(b"$5\r\n"), IoSlice::new(b"hello"), IoSlice::new(b"\r\n")]).await?;
    /// assert_eq!(server.recv_owned(100).await?, "$5\r\nhello\r\n");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), Error> {
        send::send(self, parts).await
    }

    /// Sends an owned value, which is not copied.
    ///
    /// # Errors
    ///
    /// [`SendError::QueueFull`](crate::SendError::QueueFull) if earlier ones were dropped and [`Limits::queue_bytes_max`] bytes of them still wait: flush first.
    /// Else as [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Dropped after its first poll, the value is completed from the queue, however long it is.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use bytes::Bytes;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send_owned(Bytes::from_static(b"hello")).await?;
    /// assert_eq!(server.recv_owned(100).await?, "hello");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_owned(&mut self, bytes: Bytes) -> Result<(), Error> {
        send::send_owned(self, bytes).await
    }

    /// Sends a line: `text` and the stream's line end, as one message.
    ///
    /// # Errors
    ///
    /// [`SendError::LineBreak`](crate::SendError::LineBreak) if there is a CR or an LF in `text`, which would make it two lines: nothing is sent. Else as
    /// [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send_line("NOOP").await?;
    /// assert_eq!(server.recv_owned(100).await?, "NOOP\r\n");
    /// assert!(client.send_line("RCPT TO:<a>\r\nDATA").await.is_err());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let text = text.as_ref();
        send::check_text(text)?;
        send::send(self, &[IoSlice::new(text), IoSlice::new(self.settings.line_end.as_bytes())]).await
    }

    /// Queues a copy of `bytes`, to go out with the next flush, send, or receive that waits.
    ///
    /// # Errors
    ///
    /// [`SendError::QueueFull`](crate::SendError::QueueFull) if they do not fit in [`Limits::queue_bytes_max`]: none is queued. As every receive sends first
    /// once half of it is used, a server that queues its answers meets this only with answers that large. Else as
    /// [`send`](Self::send).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.queue(b"one ")?;
    /// client.queue(b"write")?;
    /// client.flush().await?;
    /// assert_eq!(server.recv_owned(100).await?, "one write");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn queue(&mut self, bytes: &[u8]) -> Result<(), Error> {
        send::queue(self, &[bytes])
    }

    /// Queues a line: `text` and the stream's line end.
    ///
    /// # Errors
    ///
    /// [`SendError::LineBreak`](crate::SendError::LineBreak) if there is a CR or an LF in `text`. Else as [`queue`](Self::queue).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.queue_line("a")?;
    /// client.queue_line("b")?;
    /// assert_eq!(client.queued_len(), 6);
    /// client.flush().await?;
    /// assert_eq!(server.recv_line().await?.unwrap(), "a");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn queue_line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let text = text.as_ref();
        send::check_text(text)?;
        let line_end = self.settings.line_end.as_bytes();
        send::queue(self, &[text, line_end])
    }

    /// Sends what is queued: complete when the kernel has it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Dropped, what is not sent stays queued.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.queue(b"now")?;
    /// client.flush().await?;
    /// assert_eq!(client.queued_len(), 0);
    /// assert_eq!(server.recv_owned(100).await?, "now");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| Sink::poll_flush(self, cx)).await
    }

    // Ending.

    /// Sends what is queued, then ends the write side: the peer sees the end, and receiving goes on. Twice is harmless.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), except that an ended write side is none.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing can be sent any more, and calling it again goes on.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.queue_line("bye")?;
    /// client.shutdown_write().await?;
    /// assert_eq!(server.recv_line().await?.unwrap(), "bye");
    /// assert!(server.recv_line().await?.is_none());
    /// server.send_line("still here").await?;
    /// assert_eq!(client.recv_line().await?.unwrap(), "still here");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn shutdown_write(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_shutdown_write(cx)).await
    }

    /// Ends the connection well: sends what is queued, ends the write side, and waits for the peer's end, dropping what it
    /// still sends, so that a reset does not take the last messages away from it. Twice is harmless.
    ///
    /// The wait is bounded by [`Limits::drain_bytes_max`] and [`Limits::drain_time_max`], and past them what was sent last may
    /// be lost to a reset; the sending is not bounded, it takes as long as the peer takes to read. Put a deadline on the whole if need be, and [`abort`](Self::abort) after it.
    ///
    /// # Errors
    ///
    /// When something is not with the peer for certain: [`Error::Io`] when the socket failed before or fails now,
    /// [`SendError::Abandoned`](crate::SendError::Abandoned) when a message is torn; the peer then sees a reset where the platform can send one. The stream is closed all
    /// the same.
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing can be sent any more, and calling it again goes on, within the same bounds.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.queue_line("QUIT")?;
    /// let (closed, line) = futures_lite::future::zip(client.close(), async {
    ///     let line = server.recv_line_owned().await?;
    ///     server.close().await?;
    ///     Ok::<_, asyncnet_driver::Error>(line)
    /// })
    /// .await;
    /// closed?;
    /// assert_eq!(line?.unwrap(), "QUIT");
    /// assert!(client.is_closed());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn close(&mut self) -> Result<Closed, Error> {
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Ends the connection at once: what is queued is not sent, and a TCP peer sees a reset. Twice is harmless.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.abort();
    /// assert!(client.is_closed());
    /// assert!(server.recv(&mut [0; 8]).await.unwrap_err().is_disconnect());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn abort(&mut self) {
        if let Some(mut transport) = self.transport.take() {
            transport.abort();
        }
        self.connection = Connection::new(*self.connection.limits());
    }

    // Looks and settings.

    /// How many bytes came and were not taken: what can be received without waiting.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// server.peek_at_least(3).await?;
    /// assert_eq!(server.received_len(), 3);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn received_len(&self) -> usize {
        self.connection.plain().len()
    }

    /// The bytes that came and were not taken.
    ///
    /// See the example at [`consume`](Self::consume).
    pub fn received(&self) -> &[u8] {
        self.connection.plain()
    }

    /// How many bytes are queued and not sent.
    ///
    /// ```
    /// let (mut client, _server) = asyncnet_smol::pair().unwrap();
    /// client.queue(b"abc").unwrap();
    /// assert_eq!(client.queued_len(), 3);
    /// ```
    pub fn queued_len(&self) -> usize {
        self.connection.outgoing().len()
    }

    /// Whether the caller has closed or aborted it. It says nothing about the peer.
    ///
    /// ```
    /// let (mut client, _server) = asyncnet_smol::pair().unwrap();
    /// assert!(!client.is_closed());
    /// client.abort();
    /// assert!(client.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.transport.is_none()
    }

    /// The bounds of this stream.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert_eq!(*client.limits(), asyncnet_driver::Limits::default());
    /// ```
    pub fn limits(&self) -> &Limits {
        self.connection.limits()
    }

    /// Changes the bounds, from the next call on. The line policy's limit becomes [`Limits::line_bytes_max`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::Limits;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// let mut limits = Limits::default();
    /// limits.line_bytes_max = 5;
    /// server.set_limits(limits);
    /// client.send_line("123456").await?;
    /// assert!(server.recv_line().await.unwrap_err().is_line_too_long());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn set_limits(&mut self, limits: Limits) {
        self.connection.set_limits(limits);
        self.settings.line.max = limits.line_bytes_max;
    }

    /// The rules for lines where a call names none.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert_eq!(client.line_policy().max, 1_000_000);
    /// ```
    pub fn line_policy(&self) -> LinePolicy {
        self.settings.line
    }

    /// Sets the rules for lines, from the next call on.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::{Endings, LinePolicy};
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// server.set_line_policy(LinePolicy::new(998).endings(Endings::CrLfOnly));
    /// client.send(b"bare\n").await?;
    /// assert!(server.recv_line().await.is_err());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn set_line_policy(&mut self, policy: LinePolicy) {
        self.settings.line = policy;
    }

    /// Sets what ends the lines that are sent: CR LF by default.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::LineEnd;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.set_line_end(LineEnd::Lf);
    /// client.send_line("x").await?;
    /// assert_eq!(server.recv_owned(100).await?, "x\n");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn set_line_end(&mut self, line_end: LineEnd) {
        self.settings.line_end = line_end;
    }

    /// The transport, unless the stream is closed. Reading from it or writing to it goes past the stream's buffers.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert!(client.transport().is_some());
    /// ```
    pub fn transport(&self) -> Option<&T> {
        self.transport.as_ref()
    }

    /// The transport, to change its settings.
    ///
    /// ```
    /// let (mut client, _server) = asyncnet_smol::pair().unwrap();
    /// assert!(client.transport_mut().is_some());
    /// ```
    pub fn transport_mut(&mut self) -> Option<&mut T> {
        self.transport.as_mut()
    }

    /// Takes the stream apart: the transport, and what was on its way.
    ///
    /// See the example at [`Parts`].
    pub fn into_parts(self) -> Parts<T> {
        let (incoming, outgoing) = self.connection.into_halves();
        Parts { transport: self.transport, received: incoming.into_plain(), queued: outgoing.into_queued() }
    }

    pub(crate) fn into_inner(self) -> (Option<T>, Inner) {
        let Self { transport, connection, read, write, settings, .. } = self;
        (transport, Inner { connection, read, write, settings })
    }

    pub(crate) fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_transport()?;
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        self.write.poll_shutdown(self.connection.outgoing_mut(), transport, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<Closed, Error>> {
        let Some(transport) = &mut self.transport else { return Poll::Ready(Ok(Closed::Before)) };
        let limits = *self.connection.limits();
        let mut drain = self.drain.unwrap_or(Drain { until: None, dropped: 0, unsent: usize::MAX });
        let outgoing = self.connection.outgoing_mut();
        let sent = self.write.poll_shutdown(outgoing, transport, cx);
        if outgoing.len() < drain.unsent {
            (drain.unsent, drain.dropped) = (outgoing.len(), 0);
        }
        if sent.is_ready() && drain.until.is_none() {
            drain.until = Some(transport.now().saturating_add(limits.drain_time_max));
        }
        self.drain = Some(drain);
        // A torn message must not look like the end of a whole one.
        if let Poll::Ready(Err(error)) = sent {
            return Poll::Ready(self.ended(Err(error), true));
        }
        // What the peer sends is taken also while ours is on its way: two that close at once would wait for each other.
        match self.poll_drain(cx) {
            Poll::Ready(Ok(Closed::PeerEnded)) if sent.is_pending() => Poll::Pending,
            Poll::Ready(ended) => Poll::Ready(self.ended(ended, sent.is_pending())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Takes what the peer still sends, until its end or the bounds.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<Closed, Error>> {
        let limits = *self.connection.limits();
        let (Some(transport), Some(drain)) = (&mut self.transport, &mut self.drain) else {
            return Poll::Ready(Err(Error::Closed));
        };
        let incoming = self.connection.incoming_mut();
        incoming.drop_all();
        loop {
            if incoming.has_ended() {
                return Poll::Ready(Ok(Closed::PeerEnded));
            }
            if drain.dropped > limits.drain_bytes_max
                || drain.until.is_some_and(|until| transport.now() >= until)
            {
                return Poll::Ready(Ok(Closed::GaveUp));
            }
            let Poll::Ready(()) = self.read.poll_fill(incoming, transport, cx)? else {
                return match drain.until {
                    Some(until) => transport.poll_until(cx, until).map(|()| Ok(Closed::GaveUp)),
                    None => Poll::Pending,
                };
            };
            drain.dropped = drain.dropped.saturating_add(incoming.drop_all());
        }
    }

    /// The end of a close.
    fn ended(&mut self, ended: Result<Closed, Error>, abruptly: bool) -> Result<Closed, Error> {
        if abruptly {
            self.abort();
        }
        self.transport = None;
        self.connection = Connection::new(*self.connection.limits());
        ended
    }

    /// Whether it is in use: once a close has begun, nothing is received or sent any more.
    fn check_transport(&self) -> Result<(), Error> {
        if self.transport.is_some() && self.drain.is_none() { Ok(()) } else { Err(Error::Closed) }
    }
}

impl<T: Transport + Endpoints> Stream<T> {
    /// The address of this end.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what getsockname(2) says.
    ///
    /// ```
    /// let (client, server) = asyncnet_smol::pair().unwrap();
    /// assert_eq!(client.local_endpoint().unwrap(), server.peer_endpoint().unwrap());
    /// ```
    pub fn local_endpoint(&self) -> Result<Endpoint, Error> {
        Ok(self.transport.as_ref().ok_or(Error::Closed)?.local_endpoint()?)
    }

    /// The address of the other end.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what getpeername(2) says.
    ///
    /// ```
    /// let (client, server) = asyncnet_smol::pair().unwrap();
    /// assert_eq!(client.peer_endpoint().unwrap(), server.local_endpoint().unwrap());
    /// ```
    pub fn peer_endpoint(&self) -> Result<Endpoint, Error> {
        Ok(self.transport.as_ref().ok_or(Error::Closed)?.peer_endpoint()?)
    }
}

impl<T: Transport> Source for Stream<T> {
    fn incoming(&mut self) -> &mut Incoming {
        self.connection.incoming_mut()
    }

    fn poll_relieve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_transport()?;
        if self.connection.outgoing().is_heavy() {
            self.send_before_waiting(cx)?;
            if self.connection.outgoing().is_heavy() && self.write.has_work(self.connection.outgoing_mut()) {
                self.connection.incoming_mut().release(&mut Pooled);
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.send_before_waiting(cx)?;
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        self.read.poll_fill(self.connection.incoming_mut(), transport, cx)
    }

    fn poll_bypass(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        self.send_before_waiting(cx)?;
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        self.read.poll_bypass(self.connection.incoming_mut(), transport, cx, buf)
    }
}

impl<T: Transport> Stream<T> {
    /// Sends what is queued as far as the socket takes it. It need not all go out before a read: the write's waker is set.
    fn send_before_waiting(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        let outgoing = self.connection.outgoing_mut();
        if self.write.has_work(outgoing) {
            // An error of the write side is the next send's to report: what has come can still be received.
            drop(self.write.poll_flush(outgoing, transport, cx, Side::Receiver));
        }
        Ok(())
    }
}

impl<T: Transport> Sink for Stream<T> {
    fn outgoing(&mut self) -> &mut Outgoing {
        self.connection.outgoing_mut()
    }

    fn check_open(&mut self) -> Result<(), Error> {
        self.check_transport()?;
        self.write.check_open(self.connection.outgoing_mut())
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
        skip: usize,
    ) -> Poll<Result<usize, Error>> {
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        self.write.poll_write(self.connection.outgoing_mut(), transport, cx, Side::Sender, parts, skip)
    }

    fn torn(&mut self) {
        if let Some(transport) = &mut self.transport {
            transport.abort();
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_transport()?;
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        self.write.poll_flush(self.connection.outgoing_mut(), transport, cx, Side::Sender)
    }
}
