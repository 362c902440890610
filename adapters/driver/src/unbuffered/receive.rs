//! What it receives: each call says what it would take, and is that of a stream otherwise.

use super::Unbuffered;
use super::sparing::Ask;
use crate::error::Error;
use crate::fill::Fill;
use crate::line::Line;
use crate::pool::Pooled;
use crate::recv::{self, Source};
#[cfg(doc)]
use crate::stream::Stream;
use crate::transport::{PeekTransport, Transport};
use asyncnet_core::{Ending, LinePolicy, LineSpan, RecvError, Search};
use bytes::Bytes;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

impl<T: Transport + PeekTransport> Unbuffered<T> {
    /// Receives what is there, at least one byte: how many, 0 at the end of the stream. With an empty `buf`, 0 at once.
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
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"abcdef").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// let mut four = [0; 4];
    /// assert_eq!((server.recv(&mut four).await?, &four), (4, b"abcd"));
    /// assert_eq!(server.received(), b"");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        recv::recv(&mut self.asking(Ask::Bytes(buf.len())), buf).await
    }

    /// Receives what is there, at least one byte and at most `max`, as an owned value: empty at the end of the stream.
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
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert_eq!(server.recv_owned(2).await?, "ab");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_owned(&mut self, max: usize) -> Result<Bytes, Error> {
        recv::recv_owned(&mut self.asking(Ask::Bytes(max)), max).await
    }

    /// Receives until `buf` is full.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_exact`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing from the stream: what the kernel gave waits in [`received`](Self::received).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"abcdef").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// let mut four = [0; 4];
    /// server.recv_exact(&mut four).await?;
    /// assert_eq!((&four, server.received()), (b"abcd", &b""[..]));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_exact(&mut self, buf: &mut [u8]) -> Result<(), Error> {
        recv::recv_exact(&mut self.asking(Ask::Bytes(buf.len())), buf).await
    }

    /// Receives until `fill` is full, which may be of any length and keeps what came.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_exact_into`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, what has come is in `fill`: go on with it.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::Fill;
    ///
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// let mut memory = [0; 3];
    /// server.recv_exact_into(&mut Fill::new(&mut memory)).await?;
    /// assert_eq!(&memory, b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_exact_into(&mut self, fill: &mut Fill<'_>) -> Result<(), Error> {
        self.recv_full_into(fill).await?;
        if fill.is_full() { Ok(()) } else { Err(RecvError::Incomplete { len: fill.filled().len() }.into()) }
    }

    /// Receives until `buf` is full or the stream ends: how many bytes.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_full`].
    ///
    /// # Cancel safety
    ///
    /// As [`recv_exact`](Self::recv_exact).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// client.shutdown_write().await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert_eq!(server.recv_full(&mut [0; 8]).await?, 3);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_full(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        recv::recv_full(&mut self.asking(Ask::Bytes(buf.len())), buf).await
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
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// client.shutdown_write().await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// let mut memory = [0; 8];
    /// let mut fill = Fill::new(&mut memory);
    /// server.recv_full_into(&mut fill).await?;
    /// assert_eq!(fill.filled(), b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_full_into(&mut self, fill: &mut Fill<'_>) -> Result<(), Error> {
        while !fill.is_full() {
            let n = poll_fn(|cx| self.poll_recv(cx, fill.unfilled())).await?;
            if n == 0 {
                break;
            }
            fill.advance(n);
        }
        Ok(())
    }

    /// Receives a line under the stream's line policy: `None` at the end of the stream. It is taken through its LF, and
    /// what follows stays in the kernel.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_line`]. An over-long line is dropped through its LF by the call after, and no further.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing from the stream: what was seen of the line waits in [`received`](Self::received),
    /// and the next call goes on.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"one\r\ntwo\n").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert_eq!(server.recv_line().await?.unwrap(), "one");
    /// assert_eq!(server.received(), b"");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line(&mut self) -> Result<Option<Line<&[u8]>>, Error> {
        self.recv_line_with(self.line_policy()).await
    }

    /// Receives a line under a policy of its own.
    ///
    /// # Errors
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// # Cancel safety
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::LinePolicy;
    ///
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"123456\nok\n").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert!(server.recv_line_with(LinePolicy::new(5)).await.unwrap_err().is_line_too_long());
    /// assert_eq!(server.recv_line_with(LinePolicy::new(5)).await?.unwrap(), "ok");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_with(&mut self, policy: LinePolicy) -> Result<Option<Line<&[u8]>>, Error> {
        let found = self.find_line(policy).await?;
        Ok(found.map(|span| Line::new(self.stream.incoming().take_line(span), span.ending())))
    }

    /// Receives a line into `line`, which is cleared first: how it ended, `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// # Cancel safety
    ///
    /// As [`recv_line`](Self::recv_line); `line` is empty then.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"one\n").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// let mut line = Vec::new();
    /// server.recv_line_into(&mut line).await?;
    /// assert_eq!(line, b"one");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_into(&mut self, line: &mut Vec<u8>) -> Result<Option<Ending>, Error> {
        line.clear();
        let found = self.find_line(self.line_policy()).await?;
        Ok(found.map(|span| {
            line.extend_from_slice(self.stream.incoming().take_line(span));
            span.ending()
        }))
    }

    /// Receives a line as an owned value: `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// # Cancel safety
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"one\n").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert_eq!(server.recv_line_owned().await?.unwrap(), "one");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_owned(&mut self) -> Result<Option<Line<Bytes>>, Error> {
        let found = self.find_line(self.line_policy()).await?;
        Ok(found.map(|span| {
            let text = self.stream.incoming().take_line_owned(span, &mut Pooled);
            Line::new(text, span.ending())
        }))
    }

    /// Receives through `delimiter`, and gives what came before it: `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_until`]. What was looked through for it, `max` bytes and the delimiter's length at most, waits in
    /// [`received`](Self::received) then.
    ///
    /// # Panics
    ///
    /// If `delimiter` is empty.
    ///
    /// # Cancel safety
    ///
    /// As [`recv_line`](Self::recv_line).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"a,b;rest").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// assert_eq!(server.recv_until(b";", 100).await?, Some(&b"a,b"[..]));
    /// assert_eq!(server.received(), b"");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_until(&mut self, delimiter: &[u8], max: usize) -> Result<Option<&[u8]>, Error> {
        let mut source = self.asking(Ask::Until(delimiter, max));
        let found = recv::find_delimiter(&mut source, delimiter, max).await?;
        Ok(found.map(|n| &self.stream.incoming().take_front(n + delimiter.len())[..n]))
    }

    /// Receives to the end of the stream and appends it to `into`: how many bytes.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_to_end`]. `max` bytes and one wait in [`received`](Self::received) then.
    ///
    /// # Cancel safety
    ///
    /// Dropped, `into` is as it was: up to `max` bytes wait in the stream.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"all of it").await?;
    /// client.shutdown_write().await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// let mut body = Vec::new();
    /// assert_eq!(server.recv_to_end(&mut body, 1 << 20).await?, 9);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_to_end(&mut self, into: &mut Vec<u8>, max: usize) -> Result<usize, Error> {
        // The byte above the limit is what tells of it.
        recv::recv_to_end(&mut self.asking(Ask::Bytes(max.saturating_add(1))), into, max).await
    }

    /// Waits for bytes and copies what is there into `buf`, without taking it from the kernel: how many, 0 at the end of
    /// the stream alone. What is [`received`](Self::received) already comes first, alone.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has done nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, server) = asyncnet_smol::pair()?;
    /// client.send(b"abc").await?;
    /// let mut server = server.into_unbuffered().unwrap();
    /// let mut two = [0; 2];
    /// assert_eq!((server.peek(&mut two).await?, &two), (2, b"ab"));
    /// assert_eq!(server.received(), b"");
    /// assert_eq!(server.recv_owned(100).await?, "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn peek(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        poll_fn(|cx| self.poll_peek(cx, buf)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        let whole = buf.len();
        recv::poll_recv(&mut self.asking(Ask::Bytes(whole)), cx, buf, whole)
    }

    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut source = self.asking(Ask::Look);
        // The tail of an over-long line is dropped first.
        ready!(recv::poll_find(&mut source, cx, |incoming| {
            incoming.settle()?;
            Ok(if incoming.is_discarding() { Search::NeedMore } else { Search::Found(()) })
        }))?;
        let incoming = source.incoming();
        if incoming.can_bypass() {
            return source.poll_bypass(cx, buf);
        }
        let n = buf.len().min(incoming.plain().len());
        buf[..n].copy_from_slice(&incoming.plain()[..n]);
        Poll::Ready(Ok(n))
    }

    async fn find_line(&mut self, policy: LinePolicy) -> Result<Option<LineSpan>, Error> {
        recv::find_line(&mut self.asking(Ask::Line), policy).await
    }
}
