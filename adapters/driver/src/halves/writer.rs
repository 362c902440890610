//! The sending half: the calls of a stream that send, each a few words over `send`, and the end of both halves.

use super::{Common, Locked, Sending, bring_home, or_closed};
use crate::error::Error;
use crate::line::LineEnd;
use crate::pump::{Side, Unsent, WriteState};
use crate::send::{self, Sink};
use crate::stream::{Closed, Inner, Stream};
use crate::tls::Tls;
use crate::transport::SplitTransport;
use asyncnet_core::{Connection, Deadline, Incoming, Limits, Outgoing};
use bytes::Bytes;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::io::IoSlice;
use std::mem;
use std::task::{Context, Poll, ready};

/// The sending half of a stream.
///
/// Dropping one that came from [`into_split`](crate::Stream::into_split) ends the write side without sending what is queued;
/// after a torn message there is no end: the connection is reset when the other half is dropped too.
///
/// See the example at [`ReadHalf`](super::ReadHalf).
pub struct WriteHalf<'a, T: SplitTransport> {
    pub(super) common: Common<'a, T>,
    /// Away only once it is on its way home.
    pub(super) sending: Option<Sending>,
    /// The whole connection, once a close has begun.
    closing: Option<Box<Stream<T>>>,
}

impl<'a, T: SplitTransport> WriteHalf<'a, T> {
    /// As [`Stream::send`](crate::Stream::send).
    ///
    /// # Errors
    ///
    /// As [`Stream::send`](crate::Stream::send).
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send`](crate::Stream::send).
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

    /// As [`Stream::send_vectored`](crate::Stream::send_vectored).
    ///
    /// # Errors
    ///
    /// As [`Stream::send_vectored`](crate::Stream::send_vectored).
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send`](crate::Stream::send).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// use std::io::IoSlice;
    ///
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.send_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"bc")]).await?;
    /// assert_eq!(server.recv_owned(100).await?, "abc");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_vectored(&mut self, parts: &[IoSlice<'_>]) -> Result<(), Error> {
        send::send(self, parts).await
    }

    /// As [`Stream::send_owned`](crate::Stream::send_owned).
    ///
    /// # Errors
    ///
    /// As [`Stream::send_owned`](crate::Stream::send_owned).
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send_owned`](crate::Stream::send_owned).
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

    /// As [`Stream::send_line`](crate::Stream::send_line).
    ///
    /// # Errors
    ///
    /// As [`Stream::send_line`](crate::Stream::send_line).
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::send`](crate::Stream::send).
    ///
    /// See the example at [`ReadHalf`](super::ReadHalf).
    pub async fn send_line(&mut self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        let text = text.as_ref();
        send::check_text(text)?;
        let line_end = self.sending().settings.line_end;
        send::send(self, &[IoSlice::new(text), IoSlice::new(line_end.as_bytes())]).await
    }

    /// Queues a copy of `bytes`, to go out with the next flush or send.
    ///
    /// # Errors
    ///
    /// As [`Stream::queue`](crate::Stream::queue).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.queue(b"abc")?;
    /// assert_eq!(writer.queued_len(), 3);
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
    /// As [`Stream::queue_line`](crate::Stream::queue_line).
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
        let line_end = self.sending().settings.line_end;
        send::queue(self, &[text, line_end.as_bytes()])
    }

    /// As [`Stream::queued_len`](crate::Stream::queued_len).
    ///
    /// See the example at [`queue`](Self::queue).
    #[must_use]
    pub fn queued_len(&self) -> usize {
        self.sending().outgoing.len()
    }

    /// As [`Stream::flush`](crate::Stream::flush).
    ///
    /// # Errors
    ///
    /// As [`Stream::flush`](crate::Stream::flush).
    ///
    /// # Cancel safety
    ///
    /// Dropped, what is not sent stays queued.
    ///
    /// See the example at [`queue`](Self::queue).
    pub async fn flush(&mut self) -> Result<(), Error> {
        send::flush(self).await?;
        self.common.tls().with(|session| session.check_open()).transpose()?;
        Ok(())
    }

    /// As [`Stream::shutdown_write`](crate::Stream::shutdown_write). The receiving half goes on; twice is harmless.
    ///
    /// # Errors
    ///
    /// As [`Stream::shutdown_write`](crate::Stream::shutdown_write).
    ///
    /// # Cancel safety
    ///
    /// As [`Stream::shutdown_write`](crate::Stream::shutdown_write).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.shutdown_write().await?;
    /// writer.shutdown_write().await?;
    /// assert!(server.recv_line().await?.is_none());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn shutdown_write(&mut self) -> Result<(), Error> {
        poll_fn(|cx| {
            let polled = self.poll_shutdown(cx);
            send::in_time(self, cx, polled)
        })
        .await
    }

    /// Ends the connection well, both directions, as [`Stream::close`](crate::Stream::close) does. What waits on the receiving half
    /// ends with [`Error::Closed`] when the close begins, and so do all later calls on either half. Twice is harmless.
    ///
    /// What the receiving half has of a record that is not whole is lost to the close: over TLS it looks for the end of the
    /// connection below, not for the peer's `close_notify`.
    ///
    /// # Errors
    ///
    /// As [`Stream::close`](crate::Stream::close).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it goes on when it is called again; nothing else can be done with either half.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (mut reader, mut writer) = client.into_split()?;
    /// writer.queue_line("QUIT")?;
    /// let served = async {
    ///     let line = server.recv_line_owned().await?;
    ///     server.close().await?;
    ///     Ok::<_, asyncnet_driver::Error>(line)
    /// };
    /// let waits = reader.recv_line();
    /// let (waited, (closed, line)) =
    ///     futures_lite::future::zip(waits, futures_lite::future::zip(writer.close(), served)).await;
    /// assert_eq!(line?.unwrap(), "QUIT");
    /// assert!(matches!(waited, Err(asyncnet_driver::Error::Closed)));
    /// closed?;
    /// assert_eq!(writer.close().await?, asyncnet_driver::Closed::Before);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn close(&mut self) -> Result<Closed, Error> {
        poll_fn(|cx| self.poll_close(cx)).await
    }

    /// Ends the connection at once, both directions: what is queued is not sent, a TCP peer sees a reset, and what waits on the
    /// other half ends with [`Error::Closed`]. Twice is harmless.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (mut reader, mut writer) = client.into_split()?;
    /// let waits = reader.recv_line();
    /// let (waited, ()) = futures_lite::future::zip(waits, async { writer.abort() }).await;
    /// assert!(matches!(waited, Err(asyncnet_driver::Error::Closed)));
    /// assert!(server.recv(&mut [0; 8]).await.unwrap_err().is_disconnect());
    /// writer.abort();
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn abort(&mut self) {
        if let Some(mut closing) = self.closing.take() {
            closing.abort();
        }
        self.common.sides.close();
    }

    /// Whether the connection was closed, or aborted, by either half.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.abort();
    /// assert!(writer.is_closed());
    /// # drop(server);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.common.sides.is_closed()
    }

    /// The bounds of sending.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// let (_reader, mut writer) = client.into_split()?;
    /// let mut limits = *writer.limits();
    /// limits.queue_bytes_max = 2;
    /// writer.set_limits(limits);
    /// assert!(writer.queue(b"abc").is_err());
    /// # drop(server);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.sending().limits
    }

    /// Changes the bounds of sending, the deadline among them, from the next call on. How long the first TLS records are
    /// is the session's, and stays as it was.
    ///
    /// See the example at [`limits`](Self::limits).
    pub fn set_limits(&mut self, limits: Limits) {
        let sending = self.sending_mut();
        sending.outgoing.set_limits(&limits);
        sending.limits = limits;
    }

    /// As [`Stream::set_line_end`](crate::Stream::set_line_end).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// use asyncnet_driver::LineEnd;
    ///
    /// let (_reader, mut writer) = client.into_split()?;
    /// writer.set_line_end(LineEnd::Lf);
    /// writer.send_line("abc").await?;
    /// assert_eq!(server.recv_owned(100).await?, "abc\n");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn set_line_end(&mut self, line_end: LineEnd) {
        self.sending_mut().settings.line_end = line_end;
    }

    pub(super) fn new(common: Common<'a, T>, sending: Sending) -> Self {
        Self { common, sending: Some(sending), closing: None }
    }

    fn sending(&self) -> &Sending {
        self.sending.as_ref().expect("it goes home with the half")
    }

    fn sending_mut(&mut self) -> &mut Sending {
        self.sending.as_mut().expect("it goes home with the half")
    }

    /// Polls with the transport's sending side in hand, and then sends the answers that have come meanwhile.
    fn poll_writing<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(
            &mut WriteState,
            &mut Outgoing,
            &mut Locked<'_, T>,
            &mut T::Writer,
            &mut Context<'_>,
        ) -> Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        let outgoing = &mut self.sending.as_mut().expect("it goes home with the half").outgoing;
        let mut tls = self.common.tls();
        let waker = cx.waker().clone();
        let context = RefCell::new((cx, &mut tls));
        let polled = self.common.sides.poll_writing(
            &waker,
            |writing| {
                let (cx, tls) = &mut *context.borrow_mut();
                outgoing.exchange_sealed(&mut writing.sealed);
                let polled = poll(&mut writing.write, outgoing, tls, &mut writing.transport, cx);
                outgoing.exchange_sealed(&mut writing.sealed);
                polled
            },
            |writing| {
                let (cx, tls) = &mut *context.borrow_mut();
                let (write, transport) = (&mut writing.write, &mut writing.transport);
                let sent = write.poll_flush(&mut writing.sealed, *tls, transport, cx, Side::Sender);
                matches!(sent, Poll::Ready(Ok(())))
            },
        );
        polled.map(or_closed)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_writing(cx, |write, outgoing, tls, transport, cx| {
            write.poll_shutdown(outgoing, tls, transport, cx)
        })
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<Closed, Error>> {
        if self.closing.is_none() {
            let Some((reading, mut writing)) = ready!(self.common.sides.poll_take_both(cx.waker())) else {
                return Poll::Ready(Ok(Closed::Before));
            };
            let session = self.common.sides.with_session(mem::take);
            let limits = self.sending().limits;
            let mut outgoing = mem::replace(&mut self.sending_mut().outgoing, Outgoing::new(&limits));
            outgoing.exchange_sealed(&mut writing.sealed);
            let incoming = Incoming::new(&limits);
            let Ok(transport) = T::reunite(reading.transport, writing.transport) else {
                return Poll::Ready(Err(Error::Closed));
            };
            let mut inner = Inner::empty(limits);
            inner.connection = Connection::from_halves(incoming, outgoing, limits).with_tls(session);
            (inner.read, inner.write) = (reading.read, writing.write);
            self.closing = Some(Box::new(Stream::closing(transport, inner)));
        }
        let Some(closing) = &mut self.closing else { return Poll::Ready(Ok(Closed::Before)) };
        if !closing.is_closed() && self.common.sides.poll_aborted(cx.waker()).is_ready() {
            closing.abort();
            return Poll::Ready(Err(Error::Closed));
        }
        closing.poll_close(cx)
    }
}

impl<T: SplitTransport> Sink for WriteHalf<'_, T> {
    fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.sending_mut().outgoing
    }

    fn check_open(&mut self) -> Result<(), Error> {
        self.common.check_open()?;
        self.outgoing().check_open()?;
        self.common.tls().with(|session| session.check_open()).transpose()?;
        let note = self.common.sides.note();
        // What was left behind may have gone out with an answer.
        if !note.waits && self.outgoing().is_empty() {
            self.sent();
        }
        note.failed.map_or(Ok(()), |failure| Err(failure.error()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, unsent: Unsent<'_>) -> Poll<Result<usize, Error>> {
        self.poll_writing(cx, |write, outgoing, tls, transport, cx| {
            write.poll_write(outgoing, tls, transport, cx, Side::Sender, unsent)
        })
    }

    fn poll_send_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let sending = self.sending.as_mut().expect("it goes home with the half");
        if sending.limits.send_time_max == std::time::Duration::MAX {
            return Poll::Pending;
        }
        let waker = cx.waker().clone();
        let late = self.common.sides.poll_writing(
            &waker,
            |writing| sending.waits.poll([Deadline::Send], &sending.limits, &mut writing.transport, cx),
            // The call that this is a part of has just tried.
            |_| false,
        );
        late.map(|late| late.unwrap_or(Error::Closed))
    }

    fn sent(&mut self) {
        self.sending_mut().waits.sent();
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_writing(cx, |write, outgoing, tls, transport, cx| {
            write.poll_flush(outgoing, tls, transport, cx, Side::Sender)
        })
    }
}

impl<T: SplitTransport> Drop for WriteHalf<'_, T> {
    fn drop(&mut self) {
        if self.common.home.is_some() {
            bring_home(&self.common, None, self.sending.take());
        } else {
            // Also by a future that was leaked.
            if self.sending.as_ref().is_some_and(|sending| sending.outgoing.is_torn()) {
                self.common.sides.tear();
            }
            self.common.sides.leave_writing();
        }
    }
}

impl<T: SplitTransport> fmt::Debug for WriteHalf<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").field("queued_len", &self.queued_len()).finish_non_exhaustive()
    }
}
