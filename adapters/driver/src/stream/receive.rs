//! What a stream receives: the public calls, each a few words over `recv`. Its length is their documentation.

use crate::error::Error;
use crate::fill::Fill;
use crate::line::Line;
use crate::pool::Pooled;
use crate::recv;
use crate::stream::Stream;
use crate::tls;
use crate::transport::Transport;
#[cfg(doc)]
use asyncnet_core::Limits;
use asyncnet_core::tls::Opened;
use asyncnet_core::{Ending, LinePolicy, LineSpan, RecvError, Search};
use bytes::Bytes;

impl<T: Transport> Stream<T> {
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
        recv::recv(self, buf).await
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
    /// While the line is in use the stream is too. To answer with the line itself, take it with
    /// [`recv_line_into`](Self::recv_line_into) or [`recv_line_owned`](Self::recv_line_owned).
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
    ///
    /// One call at a time has the stream, so two readers at once do not compile:
    ///
    /// ```compile_fail,E0499
    /// # async fn two_readers(stream: &mut asyncnet_smol::Stream) {
    /// let both = futures_lite::future::zip(stream.recv_line(), stream.recv_line()).await;
    /// # }
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
        let found = match recv::line_here(self, policy) {
            Some(span) => Some(span),
            None => recv::find_line(self, policy).await?,
        };
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
        let found = match recv::line_here(self, policy) {
            Some(span) => Some(span),
            None => recv::find_line(self, policy).await?,
        };
        Ok(found.map(|span| {
            line.extend_from_slice(self.connection.take_line(span));
            span.ending()
        }))
    }

    /// Receives a line as an owned value: not a copy when it is half of its buffer or more, and a copy when it is
    /// short, so that a kept line does not keep a large buffer.
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
        let found = match recv::line_here(self, policy) {
            Some(span) => Some(span),
            None => recv::find_line(self, policy).await?,
        };
        Ok(found.map(|span| {
            let text = self.connection.incoming_mut().take_line_owned(span, &mut Pooled);
            Line::new(text, span.ending())
        }))
    }

    /// Takes a line that is already here, without waiting and without a system call: so it sends nothing that is queued.
    /// Over TLS, records that came are opened for it. `None` says that there is none, not that the stream ended.
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
        self.try_line_with(self.settings.line)
    }

    /// As [`try_line`](Self::try_line), under a policy of its own.
    ///
    /// # Errors
    ///
    /// As [`try_line`](Self::try_line).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::LinePolicy;
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"123456\nok\n").await?;
    /// server.peek_at_least(10).await?;
    /// assert!(server.try_line_with(LinePolicy::new(5)).unwrap_err().is_line_too_long());
    /// assert_eq!(server.try_line_with(LinePolicy::new(5))?.unwrap(), "ok");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[inline]
    pub fn try_line_with(&mut self, policy: LinePolicy) -> Result<Option<Line<&[u8]>>, Error> {
        let span = match recv::line_here(self, policy) {
            Some(span) => span,
            None => match self.open_line(policy)? {
                Some(span) => span,
                None => return Ok(None),
            },
        };
        Ok(Some(Line::new(self.connection.take_line(span), span.ending())))
    }

    /// Looks for a line in what came, of which some may be sealed.
    #[inline(never)]
    fn open_line(&mut self, policy: LinePolicy) -> Result<Option<LineSpan>, Error> {
        self.check_transport()?;
        self.check_plaintext()?;
        let (incoming, _, mut session) = self.connection.sides();
        tls::check_established(&mut session)?;
        loop {
            match incoming.find_line(policy)? {
                Search::Found(span) => {
                    self.waits.received();
                    return Ok(Some(span));
                }
                Search::End => return Ok(None),
                Search::NeedMore => match tls::open(incoming, &mut session, &mut [])? {
                    // At the end there may be a last line without a terminator.
                    (Opened::Text | Opened::End, _) => {}
                    (Opened::NeedWire, _) => return Ok(None),
                },
            }
        }
    }

    /// Receives through `delimiter`, and gives what came before it: `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// [`RecvError::TooLong`] if more than `max` bytes come before it, [`RecvError::Incomplete`] if the stream ends
    /// before it: nothing is taken then, and the bytes can be received in another way, or with a larger `max`. Else
    /// as [`recv`](Self::recv).
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
        let found = recv::find_delimiter(self, delimiter, max).await?;
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
        recv::look(self, n).await?;
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
        self.waits.received();
        self.connection.consume(n);
    }
}
