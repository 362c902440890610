//! One connection without a socket: what came, what is to go, and the rules for both.

use crate::error::{ProcessError, RecvError, SendError};
use crate::incoming::Incoming;
use crate::limits::{Limits, OwnLimits};
use crate::line::{LinePolicy, LineSpan, Search};
use crate::outgoing::Outgoing;
#[cfg(feature = "tls")]
use crate::tls::{Leftover, Opened, Refusal, Session, StartTls, TlsError, TlsInfo};
#[cfg(feature = "tls")]
use crate::{Blocks, FreshBlocks};
#[cfg(feature = "tls")]
use alloc::boxed::Box;

/// A box with four sides: bytes from and to the wire below, lines and bytes for the caller above.
///
/// It holds no socket and calls nothing: whoever drives it moves bytes between it and a wire. The example at the top of
/// this crate is such a driver. Inside are two halves, [`Incoming`] and [`Outgoing`], which can be taken apart and
/// driven from two places.
///
/// ```
/// use asyncnet_core::{Connection, Limits};
///
/// let connection = Connection::new(Limits::default());
/// assert!(connection.wants_wire());
/// ```
#[derive(Debug)]
pub struct Connection {
    incoming: Incoming,
    outgoing: Outgoing,
    #[cfg(feature = "tls")]
    tls: Option<Box<Session>>,
    limits: OwnLimits,
}

impl Connection {
    /// A fresh connection: nothing came, nothing is to go. It allocates nothing yet.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert_eq!(Connection::new(Limits::default()).plain(), b"");
    /// ```
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::from_halves(Incoming::new(&limits), Outgoing::new(&limits), limits)
    }

    /// Puts the halves together again.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let limits = Limits::default();
    /// let (incoming, outgoing) = Connection::new(limits).into_halves();
    /// assert_eq!(*Connection::from_halves(incoming, outgoing, limits).limits(), limits);
    /// ```
    #[must_use]
    pub fn from_halves(incoming: Incoming, outgoing: Outgoing, limits: Limits) -> Self {
        Self {
            incoming,
            outgoing,
            #[cfg(feature = "tls")]
            tls: None,
            limits: OwnLimits::new(limits),
        }
    }

    /// Where bytes from the wire are to be put; see [`Incoming::wire_space`].
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert!(!Connection::new(Limits::default()).wire_space().is_empty());
    /// ```
    pub fn wire_space(&mut self) -> &mut [u8] {
        self.incoming.wire_space()
    }

    /// The first `n` bytes of the space were filled.
    ///
    /// # Panics
    ///
    /// If there was not that much space.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.wire_space()[0] = b'x';
    /// connection.wire_filled(1);
    /// assert_eq!(connection.plain(), b"x");
    /// ```
    pub fn wire_filled(&mut self, n: usize) {
        self.incoming.wire_filled(n);
    }

    /// The wire ended.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits, LinePolicy, Search};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.wire_eof();
    /// assert_eq!(connection.find_line(LinePolicy::new(80)), Ok(Search::End));
    /// ```
    pub fn wire_eof(&mut self) {
        self.incoming.wire_eof();
    }

    /// Whether more bytes from the wire are of use.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.wire_eof();
    /// assert!(!connection.wants_wire());
    /// ```
    #[must_use]
    pub fn wants_wire(&self) -> bool {
        self.incoming.wants_wire()
    }

    /// What waits for the wire, in order, piece by piece.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert_eq!(Connection::new(Limits::default()).wire_pending().next(), None);
    /// ```
    pub fn wire_pending(&self) -> impl Iterator<Item = &[u8]> {
        self.outgoing.wire_pending()
    }

    /// The first `n` of the waiting bytes are with the wire.
    ///
    /// # Panics
    ///
    /// If fewer were waiting.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.send(b"ok").unwrap();
    /// connection.wire_sent(2);
    /// assert_eq!(connection.wire_pending().next(), None);
    /// ```
    pub fn wire_sent(&mut self, n: usize) {
        self.outgoing.wire_sent(n);
    }

    /// Moves bytes across: what an over-long line still owes is dropped; over TLS, the handshake goes on, a record is opened
    /// if no text waits or the last look needed more, and what is queued is sealed. Once too often is harmless.
    ///
    /// # Errors
    ///
    /// The fatal error of the receiving side; what ended the TLS session, or `TlsError::Truncated`, once
    /// the text before it is taken. Each time.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert_eq!(Connection::new(Limits::default()).process(), Ok(()));
    /// ```
    pub fn process(&mut self) -> Result<(), ProcessError> {
        let settled = self.incoming.settle().map_err(ProcessError::from);
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.tls {
            let mut opened = Ok(());
            if self.incoming.wants_text() {
                opened = self.incoming.open(session, &mut FreshBlocks).map(|opened| {
                    if opened == Opened::Text {
                        self.incoming.text_came();
                    }
                });
            }
            self.outgoing.collect(session, &mut FreshBlocks);
            let mut processed = settled.and(opened.map_err(ProcessError::from));
            // Whatever has become of receiving, an answer may be queued.
            if session.check_open().is_ok() && self.outgoing.check_whole().is_ok() {
                let sealed = self.outgoing.seal(session, core::iter::empty(), &mut FreshBlocks);
                self.outgoing.end_text(session, &mut FreshBlocks);
                processed = processed.and(sealed.map(drop).map_err(ProcessError::from));
            }
            return processed;
        }
        settled
    }

    /// What has come and was not taken.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert!(Connection::new(Limits::default()).plain().is_empty());
    /// ```
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        self.incoming.plain()
    }

    /// Looks for a whole line; see [`Incoming::find_line`].
    ///
    /// # Errors
    ///
    /// The line errors of [`RecvError`].
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits, LinePolicy, Search};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// assert_eq!(connection.find_line(LinePolicy::new(80)), Ok(Search::NeedMore));
    /// ```
    #[inline]
    pub fn find_line(&mut self, policy: LinePolicy) -> Result<Search<LineSpan>, RecvError> {
        self.incoming.find_line(policy)
    }

    /// Takes the line that was just found: its text.
    ///
    /// # Panics
    ///
    /// If the line is not there: the span is of an earlier look.
    ///
    /// See the example at [`LineSpan`].
    #[inline(always)]
    pub fn take_line(&mut self, span: LineSpan) -> &[u8] {
        self.incoming.take_line(span)
    }

    /// Drops the first `n` bytes of [`plain`](Self::plain).
    ///
    /// # Panics
    ///
    /// If there are fewer.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.wire_space()[0] = b'x';
    /// connection.wire_filled(1);
    /// connection.consume(1);
    /// assert_eq!(connection.plain(), b"");
    /// ```
    pub fn consume(&mut self, n: usize) {
        self.incoming.consume(n);
    }

    /// Moves bytes from the front into `into`: how many.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert_eq!(Connection::new(Limits::default()).take(&mut [0; 8]), 0);
    /// ```
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        self.incoming.take(into)
    }

    /// Queues `bytes` for the wire, all or none.
    ///
    /// # Errors
    ///
    /// [`SendError::QueueFull`]; [`SendError::Closed`]; [`SendError::Abandoned`].
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.send(b"220 ready\r\n").unwrap();
    /// assert_eq!(connection.wire_pending().next(), Some(&b"220 ready\r\n"[..]));
    /// ```
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.outgoing.queue(&[bytes])
    }

    /// Nothing more will be sent: what waits still goes out, and over TLS `close_notify`; then the wire's write side is to
    /// be shut.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits, SendError};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.close();
    /// assert_eq!(connection.send(b"late"), Err(SendError::Closed));
    /// ```
    pub fn close(&mut self) {
        self.outgoing.close();
    }

    /// Begins TLS, here and now: a client's first message waits for the wire. [`process`](Self::process) carries the
    /// handshake on, and [`tls_info`](Self::tls_info) tells when it is done; before that nothing should be sent.
    ///
    /// # Errors
    ///
    /// [`TlsError::AlreadyStarted`]; [`TlsError::Unsettled`] if something is queued, or a line is being dropped;
    /// [`TlsError::Leftover`] under [`Leftover::Refuse`](crate::tls::Leftover::Refuse). Nothing has changed then, nor after
    /// [`TlsError::Config`].
    ///
    /// ```
    /// # use asyncnet_core::tls::rustls::{self, ClientConfig, RootCertStore};
    /// # use std::sync::Arc;
    /// # let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// # let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    /// # let config = Arc::new(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    /// use asyncnet_core::tls::{StartTls, TlsError};
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.wire_space()[..9].copy_from_slice(b"injected\n");
    /// connection.wire_filled(9);
    /// let how = StartTls::client(&config, "mail.example.org").unwrap();
    /// assert_eq!(connection.start_tls(how.clone()), Err(TlsError::Leftover { len: 9 }));
    ///
    /// connection.consume(9);
    /// connection.start_tls(how).unwrap();
    /// let hello = connection.wire_pending().next().unwrap();
    /// assert_eq!(hello[0], 22); // a handshake record, RFC 8446, section 5.1
    /// assert!(connection.tls_info().is_none());
    /// ```
    #[cfg(feature = "tls")]
    pub fn start_tls(&mut self, how: StartTls) -> Result<(), TlsError> {
        self.start_tls_from(how, &mut FreshBlocks)
    }

    /// As [`start_tls`](Self::start_tls), with memory from `blocks`.
    ///
    /// # Errors
    ///
    /// As [`start_tls`](Self::start_tls).
    ///
    /// See the example at [`start_tls`](Self::start_tls).
    #[cfg(feature = "tls")]
    pub fn start_tls_from(&mut self, how: StartTls, blocks: &mut impl Blocks) -> Result<(), TlsError> {
        self.check_plain()?;
        let leftover = how.leftover;
        let session = Session::new(how, self.limits().record_bytes_start, blocks)?;
        self.incoming.begin_tls(leftover)?;
        self.sealed_by(session, blocks);
        Ok(())
    }

    /// Turns a client away that wants TLS, instead of answering it: the alert waits for the wire, and the connection is as
    /// one whose handshake has failed, with [`TlsError::ClientRefused`]. What came and was not taken is gone with it.
    ///
    /// # Errors
    ///
    /// [`TlsError::AlreadyStarted`]; [`TlsError::Unsettled`] if something is queued, or a line is being dropped. Nothing has
    /// changed then.
    ///
    /// ```
    /// use asyncnet_core::tls::{Refusal, TlsError};
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.refuse_client(Refusal::UnrecognizedName).unwrap();
    /// assert_eq!(connection.wire_pending().next(), Some(&[21, 3, 3, 0, 2, 2, 112][..]));
    /// assert_eq!(connection.refuse_client(Refusal::AccessDenied), Err(TlsError::AlreadyStarted));
    /// ```
    #[cfg(feature = "tls")]
    pub fn refuse_client(&mut self, refusal: Refusal) -> Result<(), TlsError> {
        self.refuse_client_from(refusal, &mut FreshBlocks)
    }

    /// As [`refuse_client`](Self::refuse_client), with memory from `blocks`.
    ///
    /// # Errors
    ///
    /// As [`refuse_client`](Self::refuse_client).
    ///
    /// See the example at [`refuse_client`](Self::refuse_client).
    #[cfg(feature = "tls")]
    pub fn refuse_client_from(&mut self, refusal: Refusal, blocks: &mut impl Blocks) -> Result<(), TlsError> {
        self.check_plain()?;
        self.incoming.begin_tls(Leftover::IntoTls)?;
        self.sealed_by(Session::refused(refusal, blocks), blocks);
        Ok(())
    }

    /// What the handshake agreed on: `None` without TLS, and before the handshake has succeeded.
    ///
    /// See the example at [`start_tls`](Self::start_tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_info(&self) -> Option<TlsInfo> {
        self.tls.as_ref()?.info()
    }

    /// The TLS session, if there is one.
    ///
    /// See the example at [`start_tls`](Self::start_tls).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&Session> {
        self.tls.as_deref()
    }

    /// Puts a session between the halves that it was taken from.
    ///
    /// See the example at [`sides`](Self::sides).
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, session: Option<Box<Session>>) -> Self {
        self.tls = session;
        self
    }

    /// Takes the session out, for who drives the halves apart.
    ///
    /// See the example at [`sides`](Self::sides).
    #[cfg(feature = "tls")]
    pub fn take_tls(&mut self) -> Option<Box<Session>> {
        self.tls.take()
    }

    /// Both halves and the session between them, to drive.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// let (incoming, outgoing, session) = connection.sides();
    /// assert!(incoming.can_bypass() && outgoing.is_empty() && session.is_none());
    /// let session = connection.take_tls();
    /// assert!(connection.with_tls(session).tls().is_none());
    /// ```
    #[cfg(feature = "tls")]
    #[inline]
    pub fn sides(&mut self) -> (&mut Incoming, &mut Outgoing, Option<&mut Session>) {
        (&mut self.incoming, &mut self.outgoing, self.tls.as_deref_mut())
    }

    /// The receiving half.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert_eq!(Connection::new(Limits::default()).incoming().wire_bytes(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    /// The receiving half, to drive.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.incoming_mut().wire_eof();
    /// assert!(connection.incoming().has_ended());
    /// ```
    #[inline]
    pub fn incoming_mut(&mut self) -> &mut Incoming {
        &mut self.incoming
    }

    /// The sending half.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert!(Connection::new(Limits::default()).outgoing().is_empty());
    /// ```
    #[must_use]
    #[inline]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// The sending half, to drive.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// connection.outgoing_mut().close();
    /// assert!(connection.outgoing().is_closed());
    /// ```
    #[inline]
    pub fn outgoing_mut(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// The bounds it was made with.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// assert_eq!(*Connection::new(Limits::default()).limits(), Limits::default());
    /// ```
    #[must_use]
    #[inline]
    pub fn limits(&self) -> &Limits {
        self.limits.get()
    }

    /// The bounds it was made with, if they are not the default ones: what is quicker to see than each of them.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// assert!(connection.own_limits().is_none());
    /// let mut limits = Limits::default();
    /// limits.line_bytes_max = 512;
    /// connection.set_limits(limits);
    /// assert_eq!(connection.own_limits(), Some(&limits));
    /// ```
    #[must_use]
    #[inline]
    pub fn own_limits(&self) -> Option<&Limits> {
        self.limits.own()
    }

    /// Changes the bounds, from the next call on.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let mut connection = Connection::new(Limits::default());
    /// let mut limits = Limits::default();
    /// limits.line_bytes_max = 512;
    /// connection.set_limits(limits);
    /// assert_eq!(connection.limits().line_bytes_max, 512);
    /// ```
    pub fn set_limits(&mut self, limits: Limits) {
        self.incoming.set_limits(&limits);
        self.outgoing.set_limits(&limits);
        #[cfg(feature = "tls")]
        if let Some(session) =
            self.tls.as_mut().filter(|_| limits.record_bytes_start != self.limits.get().record_bytes_start)
        {
            session.records().set_start(limits.record_bytes_start);
        }
        self.limits = OwnLimits::new(limits);
    }

    /// Takes it apart, so that each half can be driven on its own.
    ///
    /// ```
    /// use asyncnet_core::{Connection, Limits};
    ///
    /// let (incoming, outgoing) = Connection::new(Limits::default()).into_halves();
    /// assert!(incoming.wants_wire() && outgoing.is_empty());
    /// ```
    #[must_use]
    pub fn into_halves(self) -> (Incoming, Outgoing) {
        (self.incoming, self.outgoing)
    }

    /// Whether nothing speaks against leaving plaintext, as far as sending is concerned.
    #[cfg(feature = "tls")]
    fn check_plain(&mut self) -> Result<(), TlsError> {
        if self.tls.is_some() {
            return Err(TlsError::AlreadyStarted);
        }
        let settled = self.outgoing.is_empty() && self.outgoing.check_open().is_ok();
        if settled { Ok(()) } else { Err(TlsError::Unsettled) }
    }

    /// From here on nothing goes out but what the session seals.
    #[cfg(feature = "tls")]
    fn sealed_by(&mut self, session: Session, blocks: &mut impl Blocks) {
        let mut session = Box::new(session);
        self.outgoing.seal_wire();
        self.outgoing.collect(&mut session, blocks);
        self.tls = Some(session);
    }
}
