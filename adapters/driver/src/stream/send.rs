//! What a stream sends: the public calls, each a few words over `send`.

use crate::error::Error;
use crate::send::{self, Sink};
use crate::stream::Stream;
use crate::tls;
use crate::transport::Transport;
#[cfg(doc)]
use asyncnet_core::Limits;
use bytes::Bytes;
use std::future::poll_fn;
use std::io::IoSlice;
use std::task::{Context, Poll, ready};

impl<T: Transport> Stream<T> {
    /// Sends all of `bytes`, behind what is queued: complete when the kernel has them. With no bytes, it returns at once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the socket fails, which ends the write side;
    /// [`SendError::Abandoned`](crate::SendError::Abandoned) after a long send was dropped in the middle;
    /// [`SendError::Closed`](crate::SendError::Closed), [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before its first byte went out, it has done nothing; over TLS a byte has gone out when it is sealed, some
    /// 64 KiB at a time. After that, up to [`Limits::send_atomic_max`]
    /// bytes are completed from the queue, by the next flush, send or receive; a longer message is torn, and the
    /// write side fails with [`SendError::Abandoned`](crate::SendError::Abandoned) from then on.
    /// [`send_owned`](Self::send_owned) completes at any length.
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
    /// [`SendError::QueueFull`](crate::SendError::QueueFull) if earlier ones were dropped and
    /// [`Limits::queue_bytes_max`] bytes of them still wait: flush first. Else as [`send`](Self::send).
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
    /// [`SendError::LineBreak`](crate::SendError::LineBreak) if there is a CR or an LF in `text`, which would make it
    /// two lines: nothing is sent. Else as [`send`](Self::send).
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
    /// [`SendError::QueueFull`](crate::SendError::QueueFull) if they do not fit in [`Limits::queue_bytes_max`]: none
    /// is queued. As every receive sends first once half of it is used, a server that queues its answers meets this
    /// only with answers that large. Else as [`send`](Self::send).
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
    /// [`SendError::LineBreak`](crate::SendError::LineBreak) if there is a CR or an LF in `text`. Else as
    /// [`queue`](Self::queue).
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
        poll_fn(|cx| {
            let polled = self.poll_flush_open(cx);
            send::in_time(self, cx, polled)
        })
        .await
    }

    /// Sends what is queued. A session that cannot be used is an error also when that is nothing.
    pub(crate) fn poll_flush_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = ready!(Sink::poll_flush(self, cx));
        tls::check_open(self.session())?;
        Poll::Ready(flushed)
    }
}
