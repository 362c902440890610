//! How a stream ends: half, well, or at once.
//!
//! ```text
//!   close:  send what is queued, end the write side ----> wait for the peer's end, or the time
//!           drop what comes meanwhile, up to a bound      drop what comes, up to the same bound
//! ```
//!
//! Invariants:
//! - Once a close has begun nothing is received or sent any more, also when it was dropped: what it dropped would be
//!   missing.
//! - A message that is torn, or not out in full, never ends with what looks like a clean end.

use crate::error::Error;
use crate::send;
use crate::stream::{Inner, Stream};
use crate::tls;
use crate::transport::Transport;
use asyncnet_core::Connection;
use asyncnet_core::Deadline;
#[cfg(doc)]
use asyncnet_core::Limits;
use asyncnet_core::tls::Opened;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How far the end of a close is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    /// When to give the peer up: known once all of ours is sent.
    until: Option<Duration>,
    /// How many bytes of the peer's were dropped since the last of ours went out.
    dropped: usize,
    /// How many bytes of ours were not out then.
    unsent: usize,
    /// Text of ours could not be sealed any more.
    lost: bool,
    /// What came before is not here, so what comes is not opened: it is a half that closes.
    is_raw: bool,
}

impl Default for Drain {
    fn default() -> Self {
        Self { until: None, dropped: 0, unsent: usize::MAX, lost: false, is_raw: false }
    }
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
    /// The peer went on sending, or stayed silent, past [`Limits::drain_bytes_max`] or [`Limits::drain_time_max`]:
    /// what was sent last may not arrive.
    GaveUp,
    /// It had been closed, or aborted, before this call.
    Before,
}

impl<T: Transport> Stream<T> {
    /// Sends what is queued, then ends the write side: the peer sees the end, and receiving goes on. Twice is harmless.
    /// Over TLS the end is a `close_notify`, and then that of the transport.
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
        poll_fn(|cx| {
            let polled = self.poll_shutdown_write(cx);
            send::in_time(self, cx, polled)
        })
        .await
    }

    /// Ends the connection well: sends what is queued, ends the write side (over TLS with `close_notify`, RFC 8446,
    /// section 6.1, unless the session failed: then its alert was the last to go), and waits for the peer's end, dropping
    /// what it still sends, so that a reset does not take the last messages away from it. Twice is harmless.
    ///
    /// The sending is bounded by [`Limits::close_time_max`], past which the connection is reset. The wait is bounded by
    /// [`Limits::drain_bytes_max`] and [`Limits::drain_time_max`], and past them what was sent last may be lost to a reset.
    ///
    /// # Errors
    ///
    /// When something is not with the peer for certain: [`Error::Io`] when the socket failed before or fails now,
    /// [`SendError::Abandoned`](crate::SendError::Abandoned) when a message is torn; the peer then sees a reset where
    /// the platform can send one. [`Error::Tls`] when TLS failed before and text was still queued. The stream is closed
    /// all the same.
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

    pub(crate) fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_transport()?;
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        let (_, outgoing, mut session) = self.connection.sides();
        session.as_ref().map(|session| session.check_open()).transpose()?;
        self.write.poll_shutdown(outgoing, &mut session, transport, cx)
    }

    /// A connection that nothing is left to do with but to close it: what has come of it is not here.
    pub(crate) fn closing(transport: T, inner: Inner) -> Self {
        let mut stream = Self::from_inner(transport, inner);
        stream.drain = Some(Box::new(Drain { is_raw: true, ..Drain::default() }));
        stream
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<Closed, Error>> {
        let Some(transport) = &mut self.transport else { return Poll::Ready(Ok(Closed::Before)) };
        let limits = *self.connection.limits();
        let mut drain = self.drain.as_deref().copied().unwrap_or_default();
        let (_, outgoing, mut session) = self.connection.sides();
        let unsealed = outgoing.len();
        drain.lost |= unsealed > 0 && session.as_ref().is_some_and(|session| session.failure().is_some());
        let sent = self.write.poll_shutdown(outgoing, &mut session, transport, cx);
        let unsent = outgoing.len() + outgoing.sealed_len();
        if unsent < drain.unsent {
            (drain.unsent, drain.dropped) = (unsent, 0);
        }
        if sent.is_ready() && drain.until.is_none() {
            drain.until = Some(transport.now().saturating_add(limits.drain_time_max));
        }
        **self.drain.get_or_insert_default() = drain;
        // A torn message must not look like the end of a whole one.
        if let Poll::Ready(Err(error)) = sent {
            return Poll::Ready(self.ended(Err(error), true));
        }
        // What the peer sends is taken also while ours is on its way: two that close at once would wait for each other.
        match self.poll_drain(cx) {
            Poll::Ready(Ok(Closed::PeerEnded)) | Poll::Pending if sent.is_pending() => {
                let late = ready!(self.poll_time(cx, [Deadline::Close]));
                Poll::Ready(self.ended(Err(late), true))
            }
            Poll::Ready(ended) => {
                let failure =
                    self.connection.tls().and_then(|session| session.failure()).filter(|_| drain.lost);
                let ended = failure.map_or(ended, |error| Err(error.clone().into()));
                Poll::Ready(self.ended(ended, sent.is_pending()))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Takes what the peer still sends, until its end or the bounds.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<Closed, Error>> {
        let limits = *self.connection.limits();
        let (Some(transport), Some(drain)) = (&mut self.transport, &mut self.drain) else {
            return Poll::Ready(Err(Error::Closed));
        };
        let (incoming, _, mut session) = self.connection.sides();
        incoming.drop_all();
        loop {
            // Text is opened to see its end. Where it cannot be any more, the wire's end is waited for.
            let opened = if drain.is_raw {
                Ok((Opened::NeedWire, 0))
            } else {
                tls::open(incoming, &mut session, &mut [])
            };
            match opened {
                Ok((Opened::Text, _)) => {
                    drain.dropped = drain.dropped.saturating_add(incoming.drop_all());
                    continue;
                }
                Ok((Opened::NeedWire | Opened::End, _)) => {}
                Err(_) => drain.dropped = drain.dropped.saturating_add(incoming.drop_sealed()),
            }
            if incoming.has_ended() || incoming.has_wire_ended() {
                return Poll::Ready(Ok(Closed::PeerEnded));
            }
            if drain.dropped > limits.drain_bytes_max
                || drain.until.is_some_and(|until| transport.now() >= until)
            {
                return Poll::Ready(Ok(Closed::GaveUp));
            }
            let was_reset = |_: &mut Context<'_>| Poll::Ready(self.write.met_reset());
            let Poll::Ready(()) = self.read.poll_fill(incoming, transport, cx, was_reset)? else {
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
}
