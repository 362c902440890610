//! The socket: one connection over one transport.
//!
//! It is concerned with neither lines nor bytes on the wire (the core is), nor with waiting (the transport is): it puts
//! the two together, and owns the order of things.
//!
//! Its calls stand in files of their own: `receive`, `send` and `close`. Here are its parts, its settings, and how it
//! serves `recv` and `send`.
//!
//! ```text
//!   [ open ] -- start_tls --> [ handshaking: no data ] --> [ open, over TLS ], or [ failed: look, and close ]
//!      |
//!   [ open ] -- shutdown_write --> [ write side ended ] --+
//!      |                                                  | close: drain to the peer's end
//!      +----------------------- close --------------------+-----------> [ closed: no transport ]
//!      +----------------------- abort ---------------------------------> [ closed ]
//! ```

mod close;
mod receive;
mod send;
mod start_tls;

pub use close::Closed;

use crate::deadline::{self, Waits};
use crate::error::Error;
use crate::line::LineEnd;
use crate::pool::Pooled;
use crate::pump::{ReadState, Side, Unsent, WriteState};
use crate::recv::Source;
use crate::send::Sink;
use crate::tls;
use crate::transport::{Endpoints, Transport};
use asyncnet_core::tls::{Opened, Session, TlsError};
use asyncnet_core::{
    Connection, Deadline, Endpoint, Incoming, Limits, LinePolicy, LineSpan, Outgoing, PeerCredentials,
};
use bytes::Bytes;
use std::mem;
use std::task::{Context, Poll, ready};

/// A buffered stream socket over the transport `T`.
///
/// An adapter makes them: by dialing, by accepting, from its runtime's own sockets. Every receive is buffered, and every
/// call can be dropped at any point: no byte is lost, doubled or half-committed, and the next call goes on where the
/// last one stood. A deadline is therefore just a dropped future, and `select!` of a receive and a channel needs no halves;
/// the [crate's page](crate#waiting-for-two-things) shows one.
///
/// What is queued goes out before a receive starts to wait, so a server that answers with
/// [`queue_line`](Self::queue_line) answers a burst of lines with one write, and a single line at once.
///
/// [`start_tls`](Self::start_tls) upgrades it to TLS in place; every call is the same afterwards.
///
/// Dropping a stream ends it at once: what is queued is not sent, and over TLS the peer sees a stream that was cut.
/// [`close`](Self::close) is the way to end well. Dropped after a message was torn, it ends with a reset where the platform has one.
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
    /// What `T: Transport` calls its `abort`: a drop has no bounds to call it by.
    abort: fn(&mut T),
    connection: Connection,
    read: ReadState,
    write: WriteState,
    settings: Settings,
    /// Who was connected or accepted, if that is known: a socket that was reset does not tell any more.
    peer: Option<Endpoint>,
    waits: Waits,
    /// While a TLS handshake is under way.
    handshake: Option<Box<start_tls::Handshake>>,
    /// Once a close has begun.
    drain: Option<Box<close::Drain>>,
}

/// What a caller sets for lines: kept when a stream is split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) line: LinePolicy,
    pub(crate) line_end: LineEnd,
    /// Nothing is to be sent or received but over TLS.
    pub(crate) tls_required: bool,
}

/// A stream without its transport: what survives a split.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) connection: Connection,
    pub(crate) read: ReadState,
    pub(crate) write: WriteState,
    pub(crate) settings: Settings,
    pub(crate) peer: Option<Endpoint>,
    pub(crate) waits: Waits,
}

impl Inner {
    /// Of a connection that has not begun.
    pub(crate) fn empty(limits: Limits) -> Self {
        let settings = Settings {
            line: LinePolicy::new(limits.line_bytes_max),
            line_end: LineEnd::default(),
            tls_required: false,
        };
        let (read, write) = (ReadState::default(), WriteState::default());
        Self {
            connection: Connection::new(limits),
            read,
            write,
            settings,
            peer: None,
            waits: Waits::default(),
        }
    }
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
    /// What came and was not taken: it was read from the transport and would be lost with the stream. If an over-long
    /// line is being dropped, this is empty, and the rest of that line comes next from the transport.
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
        Self::from_inner(transport, Inner::empty(limits))
    }

    pub(crate) fn without_transport(inner: Inner) -> Self {
        let Inner { connection, read, write, settings, peer, waits } = inner;
        Self {
            transport: None,
            abort: T::abort,
            connection,
            read,
            write,
            settings,
            peer,
            waits,
            handshake: None,
            drain: None,
        }
    }

    pub(crate) fn from_inner(transport: T, inner: Inner) -> Self {
        let mut stream = Self::without_transport(inner);
        stream.transport = Some(transport);
        stream
    }

    /// Whose other end it is, as the one who connected or accepted it knows: as the system would tell it, however it was
    /// written. A connection to the unspecified address goes to this machine, and only the system knows to which of its own.
    pub(crate) fn with_peer(mut self, peer: Endpoint) -> Self {
        self.peer = match peer {
            Endpoint::Inet(address) if address.ip().to_canonical().is_unspecified() => None,
            Endpoint::Inet(address) => Some(Endpoint::inet(address)),
            other => Some(other),
        };
        self
    }

    // Looks and settings.

    /// How many bytes came and were not taken: what can be received without waiting. Over TLS, those of records that are
    /// opened, which happens when a call wants them; more may be here, sealed: see [`sealed_len`](Self::sealed_len).
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

    /// How many bytes of TLS came and are not opened, headers and padding included: 0 without TLS. They may be a part of a
    /// record, so a receive may still have to wait.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert_eq!(client.sealed_len(), 0);
    /// ```
    pub fn sealed_len(&self) -> usize {
        self.connection.incoming().sealed_len()
    }

    /// The bytes that came and were not taken.
    ///
    /// See the example at [`consume`](Self::consume).
    pub fn received(&self) -> &[u8] {
        if self.check_plaintext().is_ok() { self.connection.plain() } else { &[] }
    }

    /// How many bytes are queued and not sent; over TLS, and not sealed: what is sealed, 64 KiB at most, waits for the
    /// wire alone.
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

    /// Takes the stream apart: the transport, and what was on its way. A TLS session ends with it, without `close_notify`:
    /// its transport is of no more use for TLS.
    ///
    /// See the example at [`Parts`].
    pub fn into_parts(self) -> Parts<T> {
        let (transport, inner) = self.into_inner();
        let (incoming, outgoing) = inner.connection.into_halves();
        Parts { transport, received: incoming.into_plain(), queued: outgoing.into_queued() }
    }

    pub(crate) fn into_inner(mut self) -> (Option<T>, Inner) {
        let inner = Inner {
            connection: mem::replace(&mut self.connection, Connection::new(Limits::default())),
            read: mem::take(&mut self.read),
            write: mem::take(&mut self.write),
            settings: self.settings,
            peer: self.peer.take(),
            waits: mem::take(&mut self.waits),
        };
        (self.transport.take(), inner)
    }

    /// Whether plaintext may be sent and received, if this is to be plaintext.
    pub(crate) fn check_plaintext(&self) -> Result<(), TlsError> {
        let refused = self.settings.tls_required && self.connection.tls().is_none();
        if refused { Err(TlsError::PlaintextRefused) } else { Ok(()) }
    }

    /// Whether it is in use: once a close has begun, nothing is received or sent any more.
    pub(crate) fn check_transport(&self) -> Result<(), Error> {
        if self.transport.is_some() && self.drain.is_none() { Ok(()) } else { Err(Error::Closed) }
    }
}

/// A message that is torn, also by a future that was leaked, does not end with what looks like an end.
impl<T> Drop for Stream<T> {
    fn drop(&mut self) {
        if let Some(transport) = self.transport.as_mut().filter(|_| self.connection.outgoing().is_torn()) {
            (self.abort)(transport);
        }
    }
}

impl<T> Stream<T> {
    pub(crate) fn session(&self) -> Option<&Session> {
        self.connection.tls()
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
    #[doc(alias = "local_addr")]
    pub fn local_endpoint(&self) -> Result<Endpoint, Error> {
        Ok(self.transport.as_ref().ok_or(Error::Closed)?.local_endpoint()?)
    }

    /// The address of the other end: the one that was connected to, or accepted from. It is still known after a reset and
    /// after a close; of a stream over a transport that was made elsewhere the system is asked.
    ///
    /// # Errors
    ///
    /// If it has to be asked for: [`Error::Closed`]; what getpeername(2) says, which is `NotConnected` after a reset.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
    /// let mut client = asyncnet_smol::connect(&listener.local_endpoint()?.to_string()).await?;
    /// let served = listener.accept().await?;
    /// assert_eq!(served.peer_endpoint()?, client.local_endpoint()?);
    /// client.abort();
    /// assert_eq!(client.peer_endpoint()?, listener.local_endpoint()?);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "peer_addr")]
    pub fn peer_endpoint(&self) -> Result<Endpoint, Error> {
        match &self.peer {
            Some(peer) => Ok(peer.clone()),
            None => Ok(self.transport.as_ref().ok_or(Error::Closed)?.peer_endpoint()?),
        }
    }

    /// The process at the other end of a Unix stream, as it was when it connected or listened; its number may be another's
    /// by now.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; [`Error::Io`] of kind [`Unsupported`](std::io::ErrorKind::Unsupported) over anything but a Unix
    /// socket, and on systems other than Linux, Android and Apple's.
    ///
    /// ```
    /// let (tcp, _peer) = asyncnet_smol::pair().unwrap();
    /// assert!(tcp.peer_credentials().is_err());
    /// ```
    pub fn peer_credentials(&self) -> Result<PeerCredentials, Error> {
        Ok(self.transport.as_ref().ok_or(Error::Closed)?.peer_credentials()?)
    }
}

impl<T: Transport> Source for Stream<T> {
    fn incoming(&mut self) -> &mut Incoming {
        self.connection.incoming_mut()
    }

    #[inline(always)]
    fn line_here(&mut self, policy: LinePolicy) -> Option<LineSpan> {
        let is_usual = self.transport.is_some() && self.drain.is_none() && self.check_plaintext().is_ok();
        // What is opened was opened by an established session, so that need not be asked.
        if !is_usual || self.connection.outgoing().is_heavy() {
            return None;
        }
        self.connection.incoming_mut().line_here(policy)
    }

    #[inline]
    fn poll_relieve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_transport()?;
        self.check_plaintext()?;
        tls::check_established(&mut self.connection.sides().2)?;
        if self.connection.outgoing().is_heavy() { self.poll_lighter(cx) } else { Poll::Ready(Ok(())) }
    }

    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.connection.incoming().is_sealed() {
            return self.poll_open(cx, &mut []).map_ok(drop);
        }
        let _ = self.send_before_waiting(cx);
        self.poll_fill(cx)
    }

    fn waits(&mut self) -> &mut Waits {
        &mut self.waits
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadlines: &[Deadline]) -> Poll<Error> {
        if !self.connection.own_limits().is_some_and(deadline::are_set) {
            return Poll::Pending;
        }
        // It may be that output which does not get out holds it up.
        self.waits.seen(self.connection.incoming().wire_bytes(), self.connection.limits());
        let held_up = self.connection.outgoing().is_heavy().then_some(Deadline::Send);
        self.poll_time(cx, deadlines.iter().copied().chain(held_up))
    }

    fn poll_bypass(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        if self.connection.incoming().is_sealed() {
            return self.poll_open(cx, buf);
        }
        let _ = self.send_before_waiting(cx);
        let Some(transport) = &mut self.transport else { return Poll::Ready(Err(Error::Closed)) };
        self.read.poll_bypass(self.connection.incoming_mut(), transport, cx, buf, |_| {
            Poll::Ready(self.write.met_reset())
        })
    }
}

impl<T: Transport> Stream<T> {
    /// Sends until what is queued is not too much to receive more.
    #[cold]
    fn poll_lighter(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.send_before_waiting(cx).is_pending() {
            let (incoming, outgoing, _) = self.connection.sides();
            if outgoing.is_heavy() {
                incoming.release(&mut Pooled);
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what is queued as far as the socket takes it. It need not all go out before a read: if it is pending, the
    /// write's waker is set.
    #[inline]
    fn send_before_waiting(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (_, outgoing, mut session) = self.connection.sides();
        match &mut self.transport {
            Some(transport) if self.write.has_work(outgoing, &mut session) => {
                // An error of the write side is the next send's to report: what has come can still be received.
                let side = Side::Receiver;
                let sent = self.write.poll_flush(outgoing, &mut session, transport, cx, side).map(drop);
                if sent.is_ready() {
                    self.waits.sent();
                }
                sent
            }
            _ => Poll::Ready(()),
        }
    }

    /// Waits for the first of some deadlines.
    fn poll_time(
        &mut self,
        cx: &mut Context<'_>,
        deadlines: impl IntoIterator<Item = Deadline>,
    ) -> Poll<Error> {
        let Some(transport) = &mut self.transport else { return Poll::Pending };
        self.waits.poll(deadlines, self.connection.limits(), transport, cx)
    }

    fn check_writable(&mut self) -> Result<(), Error> {
        let (_, outgoing, mut session) = self.connection.sides();
        self.write.check_open(outgoing, &mut session)
    }

    /// Reads once from the wire.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(transport) = &mut self.transport else { return Poll::Ready(Err(Error::Closed)) };
        let filled = self.read.poll_fill(self.connection.incoming_mut(), transport, cx, |_| {
            Poll::Ready(self.write.met_reset())
        });
        if filled.is_ready() && self.read.has_waited() {
            self.write.begin_turns();
        }
        filled
    }

    /// Over TLS, brings text, or its end: into `buf` as far as it fits (how many bytes), else into the buffer.
    fn poll_open(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>> {
        loop {
            let (incoming, _, mut session) = self.connection.sides();
            let opened = tls::open(incoming, &mut session, buf);
            let waits = !matches!(opened, Ok((Opened::Text | Opened::End, _)));
            // What that caused goes out: an answer, or the alert that goes with an error. What is queued need not before there
            // is a wait: many records that came at once are answered with few.
            if waits || session.is_some_and(|session| session.has_output()) {
                let _ = self.send_before_waiting(cx);
            }
            match opened? {
                (Opened::NeedWire, _) => ready!(self.poll_fill(cx))?,
                (Opened::Text | Opened::End, n) => return Poll::Ready(Ok(n)),
            }
        }
    }
}

impl<T: Transport> Sink for Stream<T> {
    fn outgoing(&mut self) -> &mut Outgoing {
        self.connection.outgoing_mut()
    }

    #[inline(always)]
    fn check_open(&mut self) -> Result<(), Error> {
        self.check_transport()?;
        self.check_plaintext()?;
        if self.connection.outgoing().is_empty() {
            self.waits.sent();
        }
        self.check_writable()
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, unsent: Unsent<'_>) -> Poll<Result<usize, Error>> {
        let Some(transport) = &mut self.transport else { return Poll::Ready(Err(Error::Closed)) };
        let (_, outgoing, mut session) = self.connection.sides();
        self.write.poll_write(outgoing, &mut session, transport, cx, Side::Sender, unsent)
    }

    fn poll_send_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        self.poll_time(cx, [Deadline::Send])
    }

    fn sent(&mut self) {
        self.waits.sent();
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_transport()?;
        let Some(transport) = &mut self.transport else { return Poll::Ready(Err(Error::Closed)) };
        let (_, outgoing, mut session) = self.connection.sides();
        let flushed = self.write.poll_flush(outgoing, &mut session, transport, cx, Side::Sender);
        if flushed.is_ready() {
            self.waits.sent();
        }
        flushed
    }
}
