//! A stream taken apart into its directions, for two tasks: each half owns its buffers and its side of the transport, and
//! shares nothing with the other.
//!
//! A half receives, or sends, with the same code as a whole stream. One thing differs: what is queued on the sending half
//! goes out with a flush or a send, not before a receive, for the receiving half does not know of it.

use crate::error::Error;
use crate::line::{Line, LineEnd};
use crate::pump::{ReadState, Side, WriteState};
use crate::recv::{self, Source};
use crate::send::{self, Sink};
use crate::stream::{Inner, Settings, Stream};
use crate::transport::{ReadTransport, SplitTransport, WriteTransport};
use asyncnet_core::{Connection, Incoming, Limits, Outgoing};
use bytes::Bytes;
use std::future::poll_fn;
use std::io::IoSlice;
use std::task::{Context, Poll};

/// The receiving half of a stream.
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
}

/// The sending half of a stream. Dropping it ends the write side without sending what is queued, also when a message is torn.
///
/// See the example at [`ReadHalf`].
#[derive(Debug)]
pub struct WriteHalf<W> {
    transport: W,
    outgoing: Outgoing,
    write: WriteState,
    line_end: LineEnd,
}

/// Both halves of a stream.
pub type Halves<T> = (ReadHalf<<T as SplitTransport>::Reader>, WriteHalf<<T as SplitTransport>::Writer>);

impl<T: SplitTransport> Stream<T> {
    /// Takes the stream apart into its directions.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if it is closed.
    ///
    /// See the example at [`ReadHalf`].
    pub fn into_split(self) -> Result<Halves<T>, Error> {
        let (transport, Inner { connection, read, write, settings }) = self.into_inner();
        let (reader, writer) = transport.ok_or(Error::Closed)?.split();
        let limits = *connection.limits();
        let (incoming, outgoing) = connection.into_halves();
        Ok((
            ReadHalf { transport: reader, incoming, read, limits, settings },
            WriteHalf { transport: writer, outgoing, write, line_end: settings.line_end },
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
        let ReadHalf { transport: from, incoming, read, limits, settings } = reader;
        let WriteHalf { transport: to, outgoing, write, line_end } = writer;
        match T::reunite(from, to) {
            Ok(transport) => {
                let connection = Connection::from_halves(incoming, outgoing, limits);
                Ok(Self::from_inner(transport, Inner { connection, read, write, settings }))
            }
            Err((from, to)) => Err((
                ReadHalf { transport: from, incoming, read, limits, settings },
                WriteHalf { transport: to, outgoing, write, line_end },
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
        poll_fn(|cx| Sink::poll_flush(self, cx)).await
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
        poll_fn(|cx| self.write.poll_shutdown(&mut self.outgoing, &mut self.transport, cx)).await
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
        self.read.poll_fill(&mut self.incoming, &mut self.transport, cx)
    }

    fn poll_bypass(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        self.read.poll_bypass(&mut self.incoming, &mut self.transport, cx, buf)
    }
}

impl<W: WriteTransport> Sink for WriteHalf<W> {
    fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    fn check_open(&mut self) -> Result<(), Error> {
        self.write.check_open(&mut self.outgoing)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
        skip: usize,
    ) -> Poll<Result<usize, Error>> {
        self.write.poll_write(&mut self.outgoing, &mut self.transport, cx, Side::Sender, parts, skip)
    }

    fn torn(&mut self) {
        // A half cannot reset the connection: the end of a torn message is the end of the write side.
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write.poll_flush(&mut self.outgoing, &mut self.transport, cx, Side::Sender)
    }
}
