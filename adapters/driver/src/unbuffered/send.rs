//! What it sends, and how it ends: the stream's own calls.

use super::Unbuffered;
use super::sparing::Allowed;
use crate::error::Error;
use crate::stream::Closed;
#[cfg(doc)]
use crate::stream::Stream;
use crate::transport::{PeekTransport, Transport};
use bytes::Bytes;
use std::io::IoSlice;

impl<T: Transport + PeekTransport> Unbuffered<T> {
    /// Sends all of `bytes`, behind what is queued: complete when the kernel has them.
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
    /// client.into_unbuffered().unwrap().send(b"hello").await?;
    /// assert_eq!(server.recv_owned(100).await?, "hello");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.send(bytes).await
    }

    /// Sends all the parts as one message, without joining them first.
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
    /// use std::io::IoSlice;
    ///
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let mut client = client.into_unbuffered().unwrap();
    /// client.send_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")]).await?;
    /// assert_eq!(server.recv_owned(100).await?, "hello");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), Error> {
        self.stream.send_vectored(parts).await
    }

    /// Sends an owned value, which is not copied.
    ///
    /// # Errors
    ///
    /// As [`Stream::send_owned`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send_owned`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// client.into_unbuffered().unwrap().send_owned("hello".into()).await?;
    /// assert_eq!(server.recv_owned(100).await?, "hello");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_owned(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.stream.send_owned(bytes).await
    }

    /// Sends a line: `text` and the stream's line end, as one message.
    ///
    /// # Errors
    ///
    /// As [`Stream::send_line`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// client.into_unbuffered().unwrap().send_line("NOOP").await?;
    /// assert_eq!(server.recv_owned(100).await?, "NOOP\r\n");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        self.stream.send_line(text).await
    }

    /// Queues a copy of `bytes`, to go out with the next flush, send, or receive that waits.
    ///
    /// # Errors
    ///
    /// As [`Stream::queue`].
    ///
    /// See the example at [`flush`](Self::flush).
    pub fn queue(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.queue(bytes)
    }

    /// Queues a line: `text` and the stream's line end.
    ///
    /// # Errors
    ///
    /// As [`Stream::queue_line`].
    ///
    /// See the example at [`flush`](Self::flush).
    pub fn queue_line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        self.stream.queue_line(text)
    }

    /// Sends what is queued: complete when the kernel has it.
    ///
    /// # Errors
    ///
    /// As [`Stream::send`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, what is not sent stays queued.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let mut client = client.into_unbuffered().unwrap();
    /// client.queue(b"one ")?;
    /// client.queue_line("write")?;
    /// client.flush().await?;
    /// assert_eq!(server.recv_owned(100).await?, "one write\r\n");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.stream.flush().await
    }

    /// Sends what is queued, then ends the write side: the peer sees the end, and receiving goes on. Twice is harmless.
    ///
    /// # Errors
    ///
    /// As [`Stream::shutdown_write`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing can be sent any more, and calling it again goes on.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// client.into_unbuffered().unwrap().shutdown_write().await?;
    /// assert!(server.recv_line().await?.is_none());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn shutdown_write(&mut self) -> Result<(), Error> {
        self.stream.shutdown_write().await
    }

    /// Ends the connection well: sends what is queued, ends the write side, and takes what the peer still sends, up to its
    /// end or the bounds. Nothing is left to be handed on.
    ///
    /// # Errors
    ///
    /// As [`Stream::close`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::close`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::Closed;
    ///
    /// let (client, server) = asyncnet_smol::pair()?;
    /// drop(server);
    /// assert_eq!(client.into_unbuffered().unwrap().close().await?, Closed::PeerEnded);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn close(&mut self) -> Result<Closed, Error> {
        if let Some(transport) = self.stream.transport_mut() {
            transport.allowed = Allowed::Any;
        }
        self.stream.close().await
    }

    /// Ends the connection at once: what is queued is not sent, and a TCP peer sees a reset. Twice is harmless.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let mut client = client.into_unbuffered().unwrap();
    /// client.abort();
    /// assert!(client.is_closed());
    /// assert!(server.recv(&mut [0; 8]).await.unwrap_err().is_disconnect());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn abort(&mut self) {
        self.stream.abort();
    }
}
