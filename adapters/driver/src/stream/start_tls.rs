//! How a stream begins TLS, and what it tells of it.
//!
//! ```text
//!   start_tls:  finish dropping a line -> send what is queued -> is plaintext left? -- yes --> error, still plaintext
//!                                                                    | no, or it may be
//!                                                                    v
//!   handshake:  +--> open what came -- done -----> send all of ours, and return
//!               |        |       `--- failed ----> send the alert, and return
//!               |        |       `--- early data, and somebody asks for them ----> return
//!               |        | more is needed
//!               |        v
//!               +-- send ours, read once -- not in time --> failed
//! ```
//!
//! Invariants:
//! - Once TLS has begun nothing is sent or received as plaintext, whatever becomes of the future.
//! - A handshake that is called again goes on only as what it was: the same side, configuration and name.
//! - Its time runs from its first poll to its end, however often it is dropped in between.

use crate::error::Error;
use crate::pool::Pooled;
use crate::recv::Source;
use crate::send::Sink;
use crate::stream::Stream;
#[cfg(doc)]
use crate::tls::Leftover;
use crate::tls::{self, ClientHello, Refusal, StartTls, TlsError, TlsInfo};
use crate::transport::Transport;
#[cfg(doc)]
use asyncnet_core::Limits;
use asyncnet_core::Search;
use asyncnet_core::tls::Session;
use asyncnet_core::tls::rustls::pki_types::CertificateDer;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A handshake under way.
#[derive(Debug)]
pub(crate) struct Handshake {
    how: StartTls,
    /// When it is to be done: known once it was polled.
    until: Option<Duration>,
}

impl<T: Transport> Stream<T> {
    /// Upgrades the stream to TLS in place (what protocols call STARTTLS), or begins with it: sends what is queued, as
    /// plaintext, and makes the handshake. What it returns is the proof that it was made.
    ///
    /// `how` is a [`StartTls`], which a server's configuration alone can stand for. A client of TLS 1.3 is done before the
    /// server has seen its certificate, if it shows one: that the server does not like it is the first receive's to tell.
    ///
    /// # Errors
    ///
    /// [`TlsError::Leftover`] if so much as a byte of plaintext came that was not received, unless `how` says what is to
    /// become of it. Then, and for any other error before TLS began ([`Error::Io`] of sending what is queued, the fatal
    /// errors of lines, [`SendError::Closed`](crate::SendError::Closed), a time that ran out before), nothing of TLS was sent
    /// and the stream is still plaintext.
    ///
    /// What fails a handshake: every other [`TlsError`], [`Error::Io`]. The alert for the peer is sent. The stream
    /// can then only be looked at and closed. [`TlsError::HandshakeTimedOut`] after [`Limits::handshake_time_max`].
    ///
    /// [`TlsError::AlreadyStarted`] if TLS was begun in another way, or is done.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves the handshake under way: the same call again, or [`handshake`](Self::handshake), goes on with
    /// it, within the same time, and everything else fails with [`TlsError::HandshakePending`]. If it had not begun, the
    /// stream is plaintext and nothing is lost.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_conformance::pki;
    /// use asyncnet_driver::tls::StartTls;
    ///
    /// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// let serve = async {
    ///     assert_eq!(server.recv_line().await?.unwrap(), "STARTTLS");
    ///     server.queue_line("220 go ahead")?;
    ///     server.start_tls(&theirs).await?;
    ///     assert_eq!(server.recv_line().await?.unwrap(), "over TLS");
    ///     Ok::<_, asyncnet_driver::Error>(())
    /// };
    /// let ask = async {
    ///     client.send_line("STARTTLS").await?;
    ///     assert_eq!(client.recv_line().await?.unwrap(), "220 go ahead");
    ///     let proof = client.start_tls(StartTls::client(&ours, "localhost")?).await?;
    ///     assert!(client.is_tls());
    ///     assert_eq!(proof.version().to_string(), "TLSv1.3");
    ///     client.send_line("over TLS").await
    /// };
    /// let (served, asked) = futures_lite::future::zip(serve, ask).await;
    /// served?;
    /// asked?;
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn start_tls(&mut self, how: impl Into<StartTls>) -> Result<TlsInfo, Error> {
        let how = how.into();
        poll_fn(|cx| self.poll_start_tls(cx, &how)).await
    }

    /// Goes on with a handshake that has begun, to its end: of a stream that a TLS listener accepted, or after a
    /// [`start_tls`](Self::start_tls) that was dropped. Once it is done, it returns at once.
    ///
    /// # Errors
    ///
    /// [`TlsError::NotStarted`] if TLS has not begun; else as [`start_tls`](Self::start_tls).
    ///
    /// # Cancel safety
    ///
    /// As [`start_tls`](Self::start_tls).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::tls::TlsError;
    /// use asyncnet_driver::Error;
    ///
    /// let (mut client, _server) = asyncnet_smol::pair()?;
    /// assert!(matches!(client.handshake().await, Err(Error::Tls(TlsError::NotStarted))));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn handshake(&mut self) -> Result<TlsInfo, Error> {
        poll_fn(|cx| {
            self.check_transport()?;
            self.poll_handshake(cx)
        })
        .await
    }

    /// Receives *early data*: what a client sent in its first flight, before the handshake was done (RFC 8446, section 2.3).
    /// **They may be a copy of what it sent before**: to this server, or to another one, after somebody on the way made it
    /// believe that they had not arrived (section 8, appendix E.5). Do nothing for them that must not be done twice. How many
    /// bytes came: at least one, or 0 when there are no more.
    ///
    /// None are ever accepted but under a server's configuration that allows them, by a call that says what it risks; and
    /// no other call receives them. While the handshake is under way, as on a stream that a
    /// [`TlsListener`](crate::tls::TlsListener) accepted, they are there before it is done, and this call goes on with it; its
    /// end is [`handshake`](Self::handshake)'s to tell. Once it is done, those that are left can still be received, and
    /// until they are, text that comes after them is not ([`TlsError::EarlyDataUnread`]). Nothing can be sent before the
    /// handshake is done.
    ///
    /// # Errors
    ///
    /// [`TlsError::NotStarted`]; those of [`handshake`](Self::handshake).
    ///
    /// # Cancel safety
    ///
    /// As [`start_tls`](Self::start_tls). Dropped, it has taken nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_conformance::pki;
    /// use asyncnet_driver::tls::{StartTls, TlsListener};
    /// use asyncnet_driver::{Accept, Error};
    ///
    /// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
    /// /// How many bytes may be a copy, and the first line that is none.
    /// async fn serve<L: Accept>(listener: &TlsListener<L>) -> Result<(usize, String), Error> {
    ///     let mut stream = listener.accept().await?;
    ///     let (mut replayable, mut piece) = (Vec::new(), [0; 1024]);
    ///     loop {
    ///         match stream.recv_early_data(&mut piece).await? {
    ///             0 => break,
    ///             n => replayable.extend_from_slice(&piece[..n]),
    ///         }
    ///         // Begin here with what may be done twice, such as looking something up.
    ///     }
    ///     let proof = stream.handshake().await?;
    ///     assert_eq!(proof.early_data_bytes(), replayable.len());
    ///     let line = stream.recv_line().await?.map(|line| line.to_str_lossy().into_owned());
    ///     Ok((replayable.len(), line.unwrap_or_default()))
    /// }
    ///
    /// let listener = TlsListener::new(asyncnet_smol::listen("127.0.0.1:0")?, &theirs);
    /// let port = listener.local_endpoint()?.as_inet().unwrap().port();
    /// let ask = async {
    ///     let mut stream = asyncnet_smol::dial("localhost", port).await?;
    ///     stream.start_tls(StartTls::client(&ours, "localhost")?).await?;
    ///     stream.send_line("not early").await?;
    ///     Ok::<_, Error>(stream)
    /// };
    /// let (served, asked) = futures_lite::future::zip(serve(&listener), ask).await;
    /// asked?;
    /// // Streams of this crate send none.
    /// assert_eq!(served?, (0, "not early".to_owned()));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_early_data(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        poll_fn(|cx| {
            self.check_transport()?;
            self.poll_early_data(cx, into)
        })
        .await
    }

    /// Looks at what a client says first, before anything is answered and any configuration is chosen: which host it wants,
    /// which protocols it offers. Nothing is taken: give those bytes to the handshake, with [`Leftover::IntoTls`], or
    /// turn the client away, with [`refuse_client`](Self::refuse_client).
    ///
    /// It reads [`CLIENT_HELLO_BYTES_MAX`](crate::tls::CLIENT_HELLO_BYTES_MAX) at most, within
    /// [`Limits::handshake_time_max`] from its first poll.
    ///
    /// # Errors
    ///
    /// [`TlsError::NotTls`] if the peer says something else; [`TlsError::HandshakeTooLong`];
    /// [`TlsError::HandshakeTimedOut`]; [`TlsError::HandshakeEnded`] if it ends before; [`TlsError::AlreadyStarted`];
    /// [`Error::Io`]; [`Error::Closed`]. What came can still be received.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has taken nothing; its time begins again with the next call.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_conformance::pki;
    /// use asyncnet_driver::tls::{Leftover, StartTls};
    ///
    /// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// let ask = async { client.start_tls(StartTls::client(&ours, "localhost")?).await };
    /// let serve = async {
    ///     let hello = server.client_hello().await?;
    ///     assert_eq!(hello.server_name(), Some("localhost"));
    ///     let config = &theirs; // chosen by that name
    ///     server.start_tls(StartTls::server(config).leftover(Leftover::IntoTls)).await
    /// };
    /// let (asked, served) = futures_lite::future::zip(ask, serve).await;
    /// assert_eq!(asked?.server_name(), served?.server_name());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn client_hello(&mut self) -> Result<ClientHello, Error> {
        poll_fn(|cx| {
            self.check_transport()?;
            if self.connection.tls().is_some() {
                return Poll::Ready(Err(TlsError::AlreadyStarted.into()));
            }
            let after = self.connection.limits().handshake_time_max;
            let transport = self.transport.as_mut().ok_or(Error::Closed)?;
            let until = self.waits.handshake_until(after, transport);
            if let Poll::Ready(found) = self.poll_client_hello(cx) {
                if found.is_err() {
                    self.waits.no_handshake();
                }
                return Poll::Ready(found);
            }
            let transport = self.transport.as_mut().ok_or(Error::Closed)?;
            ready!(transport.poll_until(cx, until));
            self.waits.no_handshake();
            Poll::Ready(Err(TlsError::timed_out(after).into()))
        })
        .await
    }

    /// Turns a client away that wants TLS, instead of a handshake: sends the alert that says why, as
    /// [`client_hello`](Self::client_hello) may have shown. The stream is then as one whose handshake has failed: it
    /// can be looked at and closed, and every other call fails with [`TlsError::ClientRefused`]. What came from the client is
    /// dropped, and no `close_notify` follows.
    ///
    /// [`close`](Self::close) it then: a reset might take the alert away from the client before it was read.
    ///
    /// # Errors
    ///
    /// [`TlsError::AlreadyStarted`] if TLS was begun, or the client was refused with another alert; the fatal errors of
    /// lines; [`SendError::Closed`](crate::SendError::Closed); [`Error::Io`]; [`Error::Closed`].
    /// [`TlsError::HandshakeTimedOut`] if the client does not take the alert within [`Limits::handshake_time_max`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have turned the stream into a failed one already, of which the alert is not out in full: the same
    /// call again goes on, and [`close`](Self::close) sends it too.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_conformance::pki;
    /// use asyncnet_driver::Error;
    /// use asyncnet_driver::tls::{Refusal, StartTls, TlsError};
    ///
    /// # let ours = pki::client(pki::Version::Tls13);
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// let ask = async { client.start_tls(StartTls::client(&ours, "localhost")?).await };
    /// let serve = async {
    ///     let hello = server.client_hello().await?;
    ///     assert_ne!(hello.server_name(), Some("mail.example.org"));
    ///     server.refuse_client(Refusal::UnrecognizedName).await
    /// };
    /// let (asked, served) = futures_lite::future::zip(ask, serve).await;
    /// served?;
    /// let Err(Error::Tls(TlsError::AlertReceived(alert))) = asked else { panic!("it was refused") };
    /// assert_eq!(alert.name(), "unrecognized_name");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn refuse_client(&mut self, refusal: Refusal) -> Result<(), Error> {
        poll_fn(|cx| {
            self.check_transport()?;
            let after = self.connection.limits().handshake_time_max;
            let transport = self.transport.as_mut().ok_or(Error::Closed)?;
            let until = self.waits.handshake_until(after, transport);
            if let Poll::Ready(done) = self.poll_refuse_client(cx, refusal) {
                self.waits.no_handshake();
                return Poll::Ready(done);
            }
            let transport = self.transport.as_mut().ok_or(Error::Closed)?;
            ready!(transport.poll_until(cx, until));
            self.waits.no_handshake();
            Poll::Ready(Err(TlsError::timed_out(after).into()))
        })
        .await
    }

    /// Sends and receives nothing from here on but over TLS: what would be plaintext is
    /// [`TlsError::PlaintextRefused`] instead, also what came before and was not received. For whoever hands a stream to code
    /// that is to upgrade it, or has decided that it must be.
    ///
    /// # Errors
    ///
    /// [`TlsError::PlaintextRefused`] if something is queued, which would go out as plaintext; it still may then.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_conformance::pki;
    /// use asyncnet_driver::tls::{StartTls, TlsError};
    ///
    /// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.require_tls()?;
    /// let refused = client.send_line("PASS secret").await.unwrap_err();
    /// assert_eq!(refused.to_string(), TlsError::PlaintextRefused.to_string());
    ///
    /// let ask = async { client.start_tls(StartTls::client(&ours, "localhost")?).await };
    /// let (asked, served) = futures_lite::future::zip(ask, server.start_tls(&theirs)).await;
    /// asked?;
    /// served?;
    /// client.send_line("PASS secret").await?;
    /// assert_eq!(server.recv_line().await?.unwrap(), "PASS secret");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn require_tls(&mut self) -> Result<(), Error> {
        if self.connection.tls().is_none() && !self.connection.outgoing().is_empty() {
            return Err(TlsError::PlaintextRefused.into());
        }
        self.settings.tls_required = true;
        Ok(())
    }

    /// Whether a TLS handshake has succeeded on this stream.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert!(!client.is_tls());
    /// ```
    #[doc(alias = "is_ssl")]
    pub fn is_tls(&self) -> bool {
        self.connection.tls().is_some_and(Session::is_established)
    }

    /// Whether a TLS handshake has begun, is not done and has not failed.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert!(!client.is_handshaking());
    /// ```
    pub fn is_handshaking(&self) -> bool {
        self.connection.tls().is_some_and(Session::is_handshaking)
    }

    /// What the handshake agreed on: `None` unless it has succeeded.
    ///
    /// See the example at [`start_tls`](Self::start_tls).
    pub fn tls_info(&self) -> Option<TlsInfo> {
        self.connection.tls_info()
    }

    /// The peer's certificates, leaf first, in DER, as the peer presented them; empty without TLS, before the handshake
    /// has succeeded, and when the peer showed none.
    ///
    /// The handshake verified them as its configuration says: by default they are good, and for the name that was asked
    /// for.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert!(client.peer_certificates().is_empty());
    /// ```
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        let session = self.connection.tls().filter(|session| session.is_established());
        session.and_then(|session| session.peer_certificates()).unwrap_or_default()
    }

    /// Begins TLS and sends nothing yet.
    pub(crate) fn begin_tls(&mut self, how: &StartTls, until: Option<Duration>) -> Result<(), Error> {
        self.connection.start_tls_from(how.clone(), &mut Pooled)?;
        self.handshake = Some(Box::new(Handshake { how: how.clone(), until }));
        Ok(())
    }

    fn poll_start_tls(&mut self, cx: &mut Context<'_>, how: &StartTls) -> Poll<Result<TlsInfo, Error>> {
        self.check_transport()?;
        if self.connection.tls().is_none() {
            let after = self.connection.limits().handshake_time_max;
            let transport = self.transport.as_mut().ok_or(Error::Closed)?;
            let until = self.waits.handshake_until(after, transport);
            if self.poll_plaintext_over(cx)?.is_pending() {
                let transport = self.transport.as_mut().ok_or(Error::Closed)?;
                ready!(transport.poll_until(cx, until));
                self.waits.no_handshake();
                return Poll::Ready(Err(TlsError::timed_out(after).into()));
            }
            self.waits.no_handshake();
            self.begin_tls(how, Some(until))?;
        } else if !self.handshake.as_ref().is_some_and(|under_way| under_way.how.is_same(how)) {
            return Poll::Ready(Err(TlsError::AlreadyStarted.into()));
        }
        self.poll_handshake(cx)
    }

    /// Brings what a client says first, and looks at it.
    fn poll_client_hello(&mut self, cx: &mut Context<'_>) -> Poll<Result<ClientHello, Error>> {
        // A long line that is being dropped comes to its end first, as it does for `start_tls`.
        ready!(self.poll_plaintext_over(cx))?;
        loop {
            let incoming = self.connection.incoming_mut();
            let came = incoming.plain().len();
            if let Search::Found(hello) = ClientHello::find(incoming.plain())? {
                return Poll::Ready(Ok(hello));
            }
            match incoming.find_bytes(came + 1)? {
                Search::Found(n) if n > came => {}
                Search::NeedMore => ready!(Source::poll_more(self, cx))?,
                Search::Found(_) | Search::End => return Poll::Ready(Err(TlsError::HandshakeEnded.into())),
            }
        }
    }

    /// Ends plaintext with an alert, and sends it.
    fn poll_refuse_client(&mut self, cx: &mut Context<'_>, refusal: Refusal) -> Poll<Result<(), Error>> {
        match self.connection.tls().map(Session::failure) {
            None => {
                ready!(self.poll_plaintext_over(cx))?;
                self.connection.refuse_client_from(refusal, &mut Pooled)?;
            }
            Some(Some(TlsError::ClientRefused(alert))) if *alert == refusal.alert() => {}
            Some(_) => return Poll::Ready(Err(TlsError::AlreadyStarted.into())),
        }
        Sink::poll_flush(self, cx)
    }

    /// Waits until all that belongs to plaintext is over: the rest of a line that is being dropped, which is not the peer's
    /// handshake, and what is queued.
    fn poll_plaintext_over(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.connection.incoming_mut().settle()?;
        while self.connection.incoming().is_discarding() {
            ready!(Source::poll_more(self, cx))?;
            self.connection.incoming_mut().settle()?;
        }
        self.check_writable()?;
        Sink::poll_flush(self, cx)
    }

    fn poll_early_data(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<Result<usize, Error>> {
        let session = self.connection.sides().2.ok_or(TlsError::NotStarted)?;
        if into.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // What came in a handshake that failed is nobody's.
        if !session.is_established() && session.failure().is_none() {
            let under_way = self.poll_handshake_or(cx, |session| session.early_data_len() > 0);
            ready!(under_way)?;
        } else if !session.is_established() {
            session.check_open()?;
        }
        let session = self.connection.sides().2.ok_or(TlsError::NotStarted)?;
        Poll::Ready(Ok(session.take_early_data(into)))
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<TlsInfo, Error>> {
        let done = ready!(self.poll_handshake_or(cx, |_| false))?;
        Poll::Ready(Ok(done.expect("nothing else was asked for")))
    }

    /// Goes on with the handshake, to its end or until something else is there: then `None`.
    fn poll_handshake_or(
        &mut self,
        cx: &mut Context<'_>,
        is_there: impl Fn(&Session) -> bool,
    ) -> Poll<Result<Option<TlsInfo>, Error>> {
        let after = self.connection.limits().handshake_time_max;
        let transport = self.transport.as_mut().ok_or(Error::Closed)?;
        let until = self
            .handshake
            .as_mut()
            .map(|handshake| *handshake.until.get_or_insert_with(|| transport.now().saturating_add(after)));
        if let Poll::Ready(done) = self.poll_handshake_on(cx, is_there) {
            return Poll::Ready(done);
        }
        let (Some(until), Some(transport)) = (until, self.transport.as_mut()) else { return Poll::Pending };
        ready!(transport.poll_until(cx, until));
        if let Some(info) = self.tls_info() {
            // It is done but for sending what it ends with, which goes out with what comes next.
            self.handshake = None;
            return Poll::Ready(Ok(Some(info)));
        }
        let (_, _, session) = self.connection.sides();
        Poll::Ready(Err(session.map_or(TlsError::NotStarted, |session| session.time_out(after)).into()))
    }

    fn poll_handshake_on(
        &mut self,
        cx: &mut Context<'_>,
        is_there: impl Fn(&Session) -> bool,
    ) -> Poll<Result<Option<TlsInfo>, Error>> {
        loop {
            let (incoming, _, mut session) = self.connection.sides();
            let Some(under_way) = session.as_ref().map(|session| !session.is_established()) else {
                return Poll::Ready(Err(TlsError::NotStarted.into()));
            };
            let opened =
                if under_way { tls::open(incoming, &mut session, &mut []).map(drop) } else { Ok(()) };
            // What the wire does to the sending is the read's to tell: the peer may have said why it hung up.
            let sent = Sink::poll_flush(self, cx);
            // What fails the session behind the handshake is the next call's, as it is when it comes a moment later.
            if let (Err(error), false) = (opened, self.is_tls()) {
                ready!(sent).ok();
                self.handshake = None;
                return Poll::Ready(Err(error.into()));
            }
            if let Some(info) = self.tls_info() {
                // A peer that is done may be gone already: what it said last can still be received.
                drop(ready!(sent));
                self.handshake = None;
                return Poll::Ready(Ok(Some(info)));
            }
            if self.connection.tls().is_some_and(&is_there) {
                return Poll::Ready(Ok(None));
            }
            if let Err(error) = ready!(self.poll_fill(cx)) {
                // The socket does not come back, and neither does the handshake: that is its end.
                let (incoming, _, mut session) = self.connection.sides();
                incoming.wire_eof();
                tls::open(incoming, &mut session, &mut []).ok();
                self.handshake = None;
                return Poll::Ready(Err(error));
            }
        }
    }
}
