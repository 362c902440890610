//! A stream taken apart into its directions, for two tasks: each half owns its buffers and its side of the transport.
//! They share one bit: that a write met a reset, which the kernel tells only once; and over TLS the session.
//!
//! Both halves stand here, because taking apart and putting together must fit. A half receives, or sends, with the same
//! code as a whole stream. One thing differs: what is queued on the sending half goes out with a flush or a send, not
//! before a receive, for the receiving half does not know of it.

use crate::error::Error;
use crate::line::{Line, LineEnd};
use crate::pump::{ReadState, Side, Unsent, WriteState};
use crate::recv::{self, Source};
use crate::send::{self, Sink};
use crate::stream::{Inner, Settings, Stream};
use crate::tls::{self, Shared, Tls};
use crate::transport::{ReadTransport, SplitTransport, WriteTransport};
use asyncnet_core::tls::Opened;
use asyncnet_core::{Connection, Ending, Endpoint, Incoming, Limits, Outgoing};
use bytes::Bytes;
use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// The receiving half of a stream.
///
/// A half works as the whole does, but for one thing: what is queued on the sending half goes out with a flush or a
/// send, not before a receive waits. Over TLS that is so too for what receiving causes: the answer to a key update, and the
/// alert of a session that failed.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let (client, mut server) = asyncnet_smol::pair()?;
/// let (mut reader, mut writer) = client.into_split()?;
/// writer.send_line("ping").await?;
/// assert_eq!(server.recv_line().await?.unwrap(), "ping");
/// server.send_line("pong").await?;
/// assert_eq!(reader.recv_line().await?.unwrap(), "pong");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ReadHalf<R> {
    transport: R,
    incoming: Incoming,
    read: ReadState,
    limits: Limits,
    settings: Settings,
    peer: Option<Endpoint>,
    was_reset: Arc<AtomicBool>,
    tls: Shared,
}

/// The sending half of a stream. Dropping it ends the write side without sending what is queued, also when a message
/// is torn.
///
/// See the example at [`ReadHalf`].
#[derive(Debug)]
pub struct WriteHalf<W> {
    transport: W,
    outgoing: Outgoing,
    write: WriteState,
    line_end: LineEnd,
    was_reset: Arc<AtomicBool>,
    tls: Shared,
}

/// Both halves of a stream.
pub type Halves<T> = (ReadHalf<<T as SplitTransport>::Reader>, WriteHalf<<T as SplitTransport>::Writer>);

impl<T: SplitTransport> Stream<T> {
    /// Takes the stream apart into its directions. What is queued goes with the sending half, and out with its next
    /// flush or send.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if it is closed. [`TlsError::HandshakePending`](crate::tls::TlsError::HandshakePending), or what
    /// failed it, in the middle of a handshake; [`TlsError::PlaintextRefused`](crate::tls::TlsError::PlaintextRefused). The
    /// stream is dropped then.
    ///
    /// See the example at [`ReadHalf`].
    pub fn into_split(self) -> Result<Halves<T>, Error> {
        tls::check_open(self.session())?;
        self.check_plaintext()?;
        let (transport, Inner { mut connection, read, write, settings, peer }) = self.into_inner();
        let (reader, writer) = transport.ok_or(Error::Closed)?.split();
        let limits = *connection.limits();
        let tls = connection.take_tls().map(|session| Arc::new(Mutex::new(session)));
        let (incoming, outgoing) = connection.into_halves();
        let was_reset = Arc::new(AtomicBool::new(write.met_reset()));
        let line_end = settings.line_end;
        Ok((
            ReadHalf {
                transport: reader,
                incoming,
                read,
                limits,
                settings,
                peer,
                was_reset: Arc::clone(&was_reset),
                tls: tls.clone(),
            },
            WriteHalf { transport: writer, outgoing, write, line_end, was_reset, tls },
        ))
    }

    /// Puts two halves together again.
    ///
    /// # Errors
    ///
    /// Both halves, if they are not of the same stream.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    ///
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"one\ntwo\n").await?;
    /// let (mut reader, writer) = client.into_split()?;
    /// assert_eq!(reader.recv_line().await?.unwrap(), "one");
    /// let mut client = asyncnet_smol::Stream::reunite(reader, writer).expect("halves of one stream");
    /// assert_eq!(client.recv_line().await?.unwrap(), "two");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[expect(clippy::result_large_err, reason = "the halves themselves are what the caller wants back")]
    pub fn reunite(reader: ReadHalf<T::Reader>, writer: WriteHalf<T::Writer>) -> Result<Self, Halves<T>> {
        let ReadHalf { transport: from, incoming, read, limits, settings, peer, was_reset, tls } = reader;
        let WriteHalf { transport: to, outgoing, write, line_end, was_reset: of_writer, tls: tls_of_writer } =
            writer;
        match T::reunite(from, to) {
            Ok(transport) => {
                // The other half's is the only other handle, and goes first.
                drop(tls_of_writer);
                let session = tls.and_then(Arc::into_inner);
                let session =
                    session.map(|session| session.into_inner().unwrap_or_else(PoisonError::into_inner));
                let connection = Connection::from_halves(incoming, outgoing, limits).with_tls(session);
                Ok(Self::from_inner(transport, Inner { connection, read, write, settings, peer }))
            }
            Err((from, to)) => Err((
                ReadHalf { transport: from, incoming, read, limits, settings, peer, was_reset, tls },
                WriteHalf {
                    transport: to,
                    outgoing,
                    write,
                    line_end,
                    was_reset: of_writer,
                    tls: tls_of_writer,
                },
            )),
        }
    }
}

impl<R: ReadTransport> ReadHalf<R> {
    /// As [`Stream::recv`].
    ///
    /// # Errors
    ///
    /// As [`Stream::recv`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"abc").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// assert_eq!(reader.recv(&mut [0; 8]).await?, 3);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        poll_fn(|cx| recv::poll_recv(self, cx, buf)).await
    }

    /// As [`Stream::recv_exact`].
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_exact`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"abc").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// let mut two = [0; 2];
    /// reader.recv_exact(&mut two).await?;
    /// assert_eq!(&two, b"ab");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_exact(&mut self, buf: &mut [u8]) -> Result<(), Error> {
        recv::recv_exact(self, buf).await
    }

    /// As [`Stream::recv_line_into`].
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_line`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing, and `line` is empty.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send_line("abc").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// let mut line = Vec::new();
    /// reader.recv_line_into(&mut line).await?;
    /// assert_eq!(line, b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_into(&mut self, line: &mut Vec<u8>) -> Result<Option<Ending>, Error> {
        line.clear();
        Ok(self.recv_line().await?.map(|received| {
            line.extend_from_slice(received.as_bytes());
            received.ending()
        }))
    }

    /// As [`Stream::recv_line`].
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_line`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// See the example at [`ReadHalf`].
    pub async fn recv_line(&mut self) -> Result<Option<Line<&[u8]>>, Error> {
        let policy = self.settings.line;
        let found = recv::find(self, |incoming| incoming.find_line(policy)).await?;
        Ok(found.map(|span| Line::new(self.incoming.take_line(span), span.ending())))
    }
}

impl<W: WriteTransport> WriteHalf<W> {
    /// As [`Stream::send`].
    ///
    /// # Errors
    ///
    /// As [`Stream::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.send(b"abc").await?;
    /// assert_eq!(server.recv_owned(100).await?, "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        send::send(self, &[IoSlice::new(bytes)]).await
    }

    /// As [`Stream::send_owned`].
    ///
    /// # Errors
    ///
    /// As [`Stream::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send_owned`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.send_owned(bytes::Bytes::from_static(b"abc")).await?;
    /// assert_eq!(server.recv_owned(100).await?, "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_owned(&mut self, bytes: Bytes) -> Result<(), Error> {
        send::send_owned(self, bytes).await
    }

    /// As [`Stream::send_line`].
    ///
    /// # Errors
    ///
    /// As [`Stream::send_line`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send`].
    ///
    /// See the example at [`ReadHalf`].
    pub async fn send_line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let text = text.as_ref();
        send::check_text(text)?;
        send::send(self, &[IoSlice::new(text), IoSlice::new(self.line_end.as_bytes())]).await
    }

    /// Queues a copy of `bytes`, to go out with the next flush or send.
    ///
    /// # Errors
    ///
    /// As [`Stream::queue`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.queue(b"abc")?;
    /// writer.flush().await?;
    /// assert_eq!(server.recv_owned(100).await?, "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn queue(&mut self, bytes: &[u8]) -> Result<(), Error> {
        send::queue(self, &[bytes])
    }

    /// Queues a line, to go out with the next flush or send.
    ///
    /// # Errors
    ///
    /// As [`Stream::queue_line`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.queue_line("abc")?;
    /// writer.flush().await?;
    /// assert_eq!(server.recv_line().await?.unwrap(), "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn queue_line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let text = text.as_ref();
        send::check_text(text)?;
        let line_end = self.line_end.as_bytes();
        send::queue(self, &[text, line_end])
    }

    /// As [`Stream::flush`].
    ///
    /// # Errors
    ///
    /// As [`Stream::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, what is not sent stays queued.
    ///
    /// See the example at [`queue`](Self::queue).
    pub async fn flush(&mut self) -> Result<(), Error> {
        let flushed = poll_fn(|cx| Sink::poll_flush(self, cx)).await;
        self.tls.with(|session| session.check_open()).transpose()?;
        flushed
    }

    /// As [`Stream::shutdown_write`].
    ///
    /// # Errors
    ///
    /// As [`Stream::shutdown_write`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::shutdown_write`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.shutdown_write().await?;
    /// assert!(server.recv_line().await?.is_none());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn shutdown_write(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.write.poll_shutdown(&mut self.outgoing, &mut self.tls, &mut self.transport, cx))
            .await
    }
}

impl<W> WriteHalf<W> {
    /// Lets the receiving half know what the kernel tells once.
    fn tell_reset(&self) {
        if self.write.met_reset() {
            self.was_reset.store(true, Ordering::Release);
        }
    }
}

impl<R: ReadTransport> Source for ReadHalf<R> {
    fn incoming(&mut self) -> &mut Incoming {
        &mut self.incoming
    }

    fn poll_relieve(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.incoming.is_sealed() {
            return self.poll_open(cx, &mut []).map_ok(drop);
        }
        let was_reset = || self.was_reset.load(Ordering::Acquire);
        self.read.poll_fill(&mut self.incoming, &mut self.transport, cx, was_reset)
    }

    fn poll_bypass(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        if self.incoming.is_sealed() {
            return self.poll_open(cx, buf);
        }
        let was_reset = || self.was_reset.load(Ordering::Acquire);
        self.read.poll_bypass(&mut self.incoming, &mut self.transport, cx, buf, was_reset)
    }
}

impl<R: ReadTransport> ReadHalf<R> {
    /// Over TLS, brings text, or its end. What that causes to be sent goes out with the sending half's next call.
    fn poll_open(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        loop {
            match tls::open(&mut self.incoming, &mut self.tls, buf)? {
                (Opened::NeedWire, _) => {
                    let was_reset = || self.was_reset.load(Ordering::Acquire);
                    ready!(self.read.poll_fill(&mut self.incoming, &mut self.transport, cx, was_reset))?;
                }
                (Opened::Text | Opened::End, n) => return Poll::Ready(Ok(n)),
            }
        }
    }
}

impl<W: WriteTransport> Sink for WriteHalf<W> {
    fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    fn check_open(&mut self) -> Result<(), Error> {
        self.write.check_open(&mut self.outgoing, &mut self.tls)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, unsent: Unsent<'_>) -> Poll<Result<usize, Error>> {
        let polled = self.write.poll_write(
            &mut self.outgoing,
            &mut self.tls,
            &mut self.transport,
            cx,
            Side::Sender,
            unsent,
        );
        self.tell_reset();
        polled
    }

    fn torn(&mut self) {
        // A half cannot reset the connection: the end of a torn message is the end of the write side.
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let polled =
            self.write.poll_flush(&mut self.outgoing, &mut self.tls, &mut self.transport, cx, Side::Sender);
        self.tell_reset();
        polled
    }
}
