//! The receiving half: the calls of a stream that receive, each a few words over `recv`.
//!
//! Over TLS it also sends: what its records cause, an answer to a key update or the alert of a session that failed, goes out
//! at once, if the sending half does not have its side in a poll right then, and else with that poll.

use super::{Common, Receiving, Sides, bring_home, or_closed};
use crate::deadline::Waits;
use crate::error::Error;
use crate::fill::Fill;
use crate::line::Line;
use crate::pool::Pooled;
use crate::pump::Side;
use crate::recv::{self, Source};
use crate::tls::{self, Tls};
use crate::transport::SplitTransport;
use asyncnet_core::tls::{Opened, TlsInfo};
use asyncnet_core::{Deadline, Ending, Incoming, Limits, LinePolicy, LineSpan, RecvError, Search};
use bytes::Bytes;
use std::fmt;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The receiving half of a stream.
///
/// A half works as the whole does, but for one thing: what is queued on the sending half goes out with a flush or a
/// send, not before a receive waits.
///
/// It is `'static` if it came from [`into_split`](crate::Stream::into_split), and borrows its stream if it came from
/// [`split`](crate::Stream::split). Dropped, an owned one leaves its direction open, for the sending half to go on.
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
pub struct ReadHalf<'a, T: SplitTransport> {
    pub(super) common: Common<'a, T>,
    /// Away only once it is on its way home.
    pub(super) receiving: Option<Receiving>,
}

impl<'a, T: SplitTransport> ReadHalf<'a, T> {
    /// As [`Stream::recv`](crate::Stream::recv).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv`](crate::Stream::recv).
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
        recv::recv(self, buf).await
    }

    /// As [`Stream::recv_owned`](crate::Stream::recv_owned).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_owned`](crate::Stream::recv_owned).
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
    /// assert_eq!(reader.recv_owned(2).await?, "ab");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_owned(&mut self, max: usize) -> Result<Bytes, Error> {
        recv::recv_owned(self, max).await
    }

    /// As [`Stream::recv_exact`](crate::Stream::recv_exact).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_exact`](crate::Stream::recv_exact).
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

    /// As [`Stream::recv_exact_into`](crate::Stream::recv_exact_into).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_exact_into`](crate::Stream::recv_exact_into).
    ///
    /// # Cancel safety
    ///
    /// Dropped, what has come is in `fill`.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// use asyncnet_driver::Fill;
    ///
    /// server.send(b"abc").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// let mut memory = [0; 2];
    /// let mut fill = Fill::new(&mut memory);
    /// reader.recv_exact_into(&mut fill).await?;
    /// assert_eq!(fill.filled(), b"ab");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_exact_into(&mut self, fill: &mut Fill<'_>) -> Result<(), Error> {
        recv::recv_fill(self, fill).await?;
        if fill.is_full() { Ok(()) } else { Err(RecvError::Incomplete { len: fill.filled().len() }.into()) }
    }

    /// As [`Stream::recv_full`](crate::Stream::recv_full).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_full`](crate::Stream::recv_full).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"abc").await?;
    /// server.shutdown_write().await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// assert_eq!(reader.recv_full(&mut [0; 8]).await?, 3);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_full(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        recv::recv_full(self, buf).await
    }

    /// As [`Stream::recv_full_into`](crate::Stream::recv_full_into).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_full_into`](crate::Stream::recv_full_into).
    ///
    /// # Cancel safety
    ///
    /// Dropped, what has come is in `fill`.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// use asyncnet_driver::Fill;
    ///
    /// server.send(b"abc").await?;
    /// server.shutdown_write().await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// let mut memory = [0; 8];
    /// let mut fill = Fill::new(&mut memory);
    /// reader.recv_full_into(&mut fill).await?;
    /// assert_eq!(fill.filled(), b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_full_into(&mut self, fill: &mut Fill<'_>) -> Result<(), Error> {
        recv::recv_fill(self, fill).await
    }

    /// As [`Stream::recv_line`](crate::Stream::recv_line).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_line`](crate::Stream::recv_line).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// See the example at [`ReadHalf`].
    pub async fn recv_line(&mut self) -> Result<Option<Line<&[u8]>>, Error> {
        let policy = self.line_policy();
        self.recv_line_with(policy).await
    }

    /// As [`Stream::recv_line_with`](crate::Stream::recv_line_with).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_line_with`](crate::Stream::recv_line_with).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// use asyncnet_driver::LinePolicy;
    ///
    /// server.send_line("abc").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// assert!(reader.recv_line_with(LinePolicy::new(2)).await.unwrap_err().is_line_too_long());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_with(&mut self, policy: LinePolicy) -> Result<Option<Line<&[u8]>>, Error> {
        let found = match recv::line_here(self, policy) {
            Some(span) => Some(span),
            None => recv::find_line(self, policy).await?,
        };
        Ok(found.map(|span| Line::new(self.incoming_mut().take_line(span), span.ending())))
    }

    /// As [`Stream::recv_line_into`](crate::Stream::recv_line_into).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_line_into`](crate::Stream::recv_line_into).
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

    /// As [`Stream::recv_line_owned`](crate::Stream::recv_line_owned).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_line_owned`](crate::Stream::recv_line_owned).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send_line("abc").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// assert_eq!(reader.recv_line_owned().await?.unwrap(), "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_line_owned(&mut self) -> Result<Option<Line<Bytes>>, Error> {
        let policy = self.line_policy();
        let found = match recv::line_here(self, policy) {
            Some(span) => Some(span),
            None => recv::find_line(self, policy).await?,
        };
        Ok(found.map(|span| {
            let text = self.incoming_mut().take_line_owned(span, &mut Pooled);
            Line::new(text, span.ending())
        }))
    }

    /// As [`Stream::try_line`](crate::Stream::try_line).
    ///
    /// # Errors
    ///
    /// As [`Stream::try_line`](crate::Stream::try_line).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"one\ntwo\n").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// assert_eq!(reader.recv_line().await?.unwrap(), "one");
    /// assert_eq!(reader.try_line()?.unwrap(), "two");
    /// assert!(reader.try_line()?.is_none());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn try_line(&mut self) -> Result<Option<Line<&[u8]>>, Error> {
        self.try_line_with(self.line_policy())
    }

    /// As [`Stream::try_line_with`](crate::Stream::try_line_with).
    ///
    /// # Errors
    ///
    /// As [`Stream::try_line_with`](crate::Stream::try_line_with).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// use asyncnet_driver::LinePolicy;
    ///
    /// server.send(b"one\ntwo\n").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// reader.recv_line().await?;
    /// assert!(reader.try_line_with(LinePolicy::new(2)).unwrap_err().is_line_too_long());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn try_line_with(&mut self, policy: LinePolicy) -> Result<Option<Line<&[u8]>>, Error> {
        self.common.check_open()?;
        let span = loop {
            match self.incoming_mut().find_line(policy)? {
                Search::Found(span) => break span,
                Search::End => return Ok(None),
                Search::NeedMore => match self.open(&mut [])? {
                    // At the end there may be a last line without a terminator.
                    (Opened::Text | Opened::End, _) => {}
                    (Opened::NeedWire, _) => return Ok(None),
                },
            }
        };
        self.receiving_mut().waits.received();
        Ok(Some(Line::new(self.incoming_mut().take_line(span), span.ending())))
    }

    /// As [`Stream::recv_until`](crate::Stream::recv_until).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_until`](crate::Stream::recv_until).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"a;b;").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// assert_eq!(reader.recv_until(b";", 100).await?, Some(&b"a"[..]));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_until(&mut self, delimiter: &[u8], max: usize) -> Result<Option<&[u8]>, Error> {
        let found = recv::find_delimiter(self, delimiter, max).await?;
        Ok(found.map(|n| &self.incoming_mut().take_front(n + delimiter.len())[..n]))
    }

    /// As [`Stream::recv_to_end`](crate::Stream::recv_to_end).
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_to_end`](crate::Stream::recv_to_end).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing, and `into` is as it was.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"abc").await?;
    /// server.shutdown_write().await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// let mut all = Vec::new();
    /// assert_eq!(reader.recv_to_end(&mut all, 100).await?, 3);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_to_end(&mut self, into: &mut Vec<u8>, max: usize) -> Result<usize, Error> {
        recv::recv_to_end(self, into, max).await
    }

    /// As [`Stream::peek`](crate::Stream::peek).
    ///
    /// # Errors
    ///
    /// As [`Stream::peek`](crate::Stream::peek).
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
    /// assert_eq!(reader.peek().await?, b"abc");
    /// reader.consume(1);
    /// assert_eq!(reader.received(), b"bc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn peek(&mut self) -> Result<&[u8], Error> {
        self.peek_at_least(1).await
    }

    /// As [`Stream::peek_at_least`](crate::Stream::peek_at_least).
    ///
    /// # Errors
    ///
    /// As [`Stream::peek_at_least`](crate::Stream::peek_at_least).
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
    /// assert_eq!(reader.peek_at_least(2).await?, b"abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn peek_at_least(&mut self, n: usize) -> Result<&[u8], Error> {
        recv::look(self, n).await?;
        Ok(self.received())
    }

    /// As [`Stream::consume`](crate::Stream::consume).
    ///
    /// # Panics
    ///
    /// If fewer wait.
    ///
    /// See the example at [`peek`](Self::peek).
    pub fn consume(&mut self, n: usize) {
        self.receiving_mut().waits.received();
        self.incoming_mut().consume(n);
    }

    /// As [`Stream::received`](crate::Stream::received).
    ///
    /// See the example at [`peek`](Self::peek).
    #[must_use]
    pub fn received(&self) -> &[u8] {
        self.receiving().incoming.plain()
    }

    /// The bounds of receiving.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// let mut limits = *reader.limits();
    /// limits.idle_time_max = std::time::Duration::from_millis(1);
    /// reader.set_limits(limits);
    /// assert!(reader.recv_line().await.unwrap_err().is_timeout());
    /// # drop(server);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.receiving().limits
    }

    /// Changes the bounds of receiving, deadlines among them, from the next call on. The line policy gets the new longest line.
    ///
    /// See the example at [`limits`](Self::limits).
    pub fn set_limits(&mut self, limits: Limits) {
        let receiving = self.receiving_mut();
        receiving.incoming.set_limits(&limits);
        receiving.settings.line.max = limits.line_bytes_max;
        receiving.limits = limits;
    }

    /// As [`Stream::line_policy`](crate::Stream::line_policy).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// use asyncnet_driver::LinePolicy;
    ///
    /// server.send_line("abc").await?;
    /// let (mut reader, _writer) = client.into_split()?;
    /// reader.set_line_policy(LinePolicy::new(2));
    /// assert_eq!(reader.line_policy(), LinePolicy::new(2));
    /// assert!(reader.recv_line().await.unwrap_err().is_line_too_long());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn line_policy(&self) -> LinePolicy {
        self.receiving().settings.line
    }

    /// As [`Stream::set_line_policy`](crate::Stream::set_line_policy).
    ///
    /// See the example at [`line_policy`](Self::line_policy).
    pub fn set_line_policy(&mut self, policy: LinePolicy) {
        self.receiving_mut().settings.line = policy;
    }

    /// As [`Stream::tls_info`](crate::Stream::tls_info).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (reader, _writer) = client.into_split()?;
    /// assert!(reader.tls_info().is_none());
    /// # drop(server);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn tls_info(&self) -> Option<TlsInfo> {
        self.common.tls().with(|session| session.info()).flatten()
    }

    /// Ends the connection at once, both directions: what is queued is not sent, a TCP peer sees a reset, and what waits on the
    /// other half ends with [`Error::Closed`]. Twice is harmless. It ends a [`close`](super::WriteHalf::close) that is under way, too; once the
    /// sending half was dropped, the peer has seen an end, and sees no reset.
    ///
    /// See the example at [`WriteHalf::abort`](super::WriteHalf::abort).
    pub fn abort(&mut self) {
        self.common.sides.close();
    }

    pub(super) fn new(common: Common<'a, T>, receiving: Receiving) -> Self {
        Self { common, receiving: Some(receiving) }
    }

    fn receiving(&self) -> &Receiving {
        self.receiving.as_ref().expect("it goes home with the half")
    }

    fn receiving_mut(&mut self) -> &mut Receiving {
        self.receiving.as_mut().expect("it goes home with the half")
    }

    fn incoming_mut(&mut self) -> &mut Incoming {
        &mut self.receiving_mut().incoming
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let (sides, incoming) = self.parts();
        let was_reset = |cx: &mut Context<'_>| sides.poll_note(cx.waker()).map(|note| note.met_reset);
        let waker = cx.waker().clone();
        let polled = sides.poll_reading(&waker, |reading| {
            reading.read.poll_fill(incoming, &mut reading.transport, cx, was_reset)
        });
        polled.map(or_closed)
    }

    fn parts(&mut self) -> (&Sides<T>, &mut Incoming) {
        let receiving = self.receiving.as_mut().expect("it goes home with the half");
        (&*self.common.sides, &mut receiving.incoming)
    }

    /// Over TLS, opens what has come.
    fn open(&mut self, into: &mut [u8]) -> Result<(Opened, usize), tls::TlsError> {
        let incoming = &mut self.receiving.as_mut().expect("it goes home with the half").incoming;
        tls::open(incoming, &mut self.common.tls(), into)
    }

    /// Over TLS, brings text, or its end.
    fn poll_open(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        loop {
            let opened = self.open(buf);
            self.answer(cx);
            match opened? {
                (Opened::NeedWire, _) => ready!(self.poll_fill(cx))?,
                (Opened::Text | Opened::End, n) => return Poll::Ready(Ok(n)),
            }
        }
    }

    /// Sends what receiving has caused. What does not go out now has this task woken when there is room.
    fn answer(&mut self, cx: &mut Context<'_>) {
        let waker = cx.waker().clone();
        self.common.sides.answer(&waker, |writing| {
            let (write, transport) = (&mut writing.write, &mut writing.transport);
            // An error of the write side is the next send's to report.
            let sent =
                write.poll_flush(&mut writing.sealed, &mut self.common.tls(), transport, cx, Side::Receiver);
            matches!(sent, Poll::Ready(Ok(())))
        });
    }
}

impl<T: SplitTransport> Source for ReadHalf<'_, T> {
    fn incoming(&mut self) -> &mut Incoming {
        self.incoming_mut()
    }

    fn line_here(&mut self, policy: LinePolicy) -> Option<LineSpan> {
        self.common.check_open().ok()?;
        self.incoming_mut().line_here(policy)
    }

    fn poll_relieve(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(self.common.check_open())
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.incoming_mut().is_sealed() {
            return self.poll_open(cx, &mut []).map_ok(drop);
        }
        self.poll_fill(cx)
    }

    fn waits(&mut self) -> &mut Waits {
        &mut self.receiving_mut().waits
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadlines: &[Deadline]) -> Poll<Error> {
        let receiving = self.receiving.as_mut().expect("it goes home with the half");
        let Limits { line_time_max, idle_time_max, .. } = receiving.limits;
        if line_time_max.min(idle_time_max) == Duration::MAX {
            return Poll::Pending;
        }
        let deadlines = deadlines.iter().copied();
        let waker = cx.waker().clone();
        let late = self.common.sides.poll_reading(&waker, |reading| {
            receiving.waits.seen(receiving.incoming.wire_bytes(), &receiving.limits);
            receiving.waits.poll(deadlines, &receiving.limits, &mut reading.transport, cx)
        });
        late.map(|late| late.unwrap_or(Error::Closed))
    }

    fn poll_bypass(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        if self.incoming_mut().is_sealed() {
            return self.poll_open(cx, buf);
        }
        let (sides, incoming) = self.parts();
        let was_reset = |cx: &mut Context<'_>| sides.poll_note(cx.waker()).map(|note| note.met_reset);
        let waker = cx.waker().clone();
        let polled = sides.poll_reading(&waker, |reading| {
            reading.read.poll_bypass(incoming, &mut reading.transport, cx, buf, was_reset)
        });
        polled.map(or_closed)
    }
}

impl<T: SplitTransport> Drop for ReadHalf<'_, T> {
    fn drop(&mut self) {
        if self.common.home.is_some() {
            bring_home(&self.common, self.receiving.take(), None);
        } else {
            self.common.sides.leave_reading();
        }
    }
}

impl<T: SplitTransport> fmt::Debug for ReadHalf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").field("received_len", &self.received().len()).finish_non_exhaustive()
    }
}
