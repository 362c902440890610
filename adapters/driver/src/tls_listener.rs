//! A listener whose streams speak TLS from their first byte. It is a type of its own, so that none of them can be used
//! for plaintext by mistake.
//!
//! Accepting takes no part in the handshake: a peer that is slow with it is its own stream's business.

use crate::error::Error;
use crate::listener::{Accepting, Listener};
use crate::net::Accept;
use crate::stream::Stream;
use crate::tls::StartTls;
use asyncnet_core::{Endpoint, Limits};
use std::fmt;

/// A listening socket for TLS.
///
/// ```
/// # futures_lite::future::block_on(async {
/// # use asyncnet_conformance::pki;
/// use asyncnet_driver::tls::{StartTls, TlsListener};
///
/// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
/// let listener = TlsListener::new(asyncnet_smol::listen("127.0.0.1:0")?, &theirs);
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
///
/// let serve = async {
///     // At once, whatever the peer does; what follows is best spawned.
///     let mut stream = listener.accept().await?;
///     stream.handshake().await?;
///     stream.send_line("hello over TLS").await?;
///     stream.close().await
/// };
/// let ask = async {
///     let mut stream = asyncnet_smol::dial("localhost", port).await?;
///     stream.start_tls(StartTls::client(&ours, "localhost")?).await?;
///     assert_eq!(stream.recv_line().await?.unwrap(), "hello over TLS");
///     stream.close().await
/// };
/// let (served, asked) = futures_lite::future::zip(serve, ask).await;
/// served?;
/// asked?;
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub struct TlsListener<L: Accept> {
    plain: Listener<L>,
    how: StartTls,
}

impl<L: Accept> TlsListener<L> {
    /// A listener whose streams make their handshake as `how` says: a server's configuration, or a [`StartTls`].
    ///
    /// See the example at [`TlsListener`].
    pub fn new(plain: Listener<L>, how: impl Into<StartTls>) -> Self {
        Self { plain, how: how.into() }
    }

    /// Accepts a connection, as soon as it is there. The handshake is the stream's next call,
    /// [`handshake`](Stream::handshake), which has a time of its own
    /// ([`Limits::handshake_time_max`](crate::Limits::handshake_time_max)); until it has succeeded nothing can be sent
    /// or received. Make it where a slow peer holds nobody up: in the connection's own task.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the listener is of no use any more; [`TlsError::Config`](crate::tls::TlsError::Config) when the
    /// configuration is not.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has accepted nothing.
    ///
    /// See the example at [`TlsListener`].
    pub async fn accept(&self) -> Result<Stream<L::Transport>, Error> {
        Ok(self.accept_addr().await?.0)
    }

    /// As [`accept`](Self::accept), with the peer's address.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has accepted nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_conformance::pki;
    /// use asyncnet_driver::tls::{TlsError, TlsListener};
    /// use asyncnet_driver::Error;
    ///
    /// # let config = pki::server(pki::Version::Tls13);
    /// let listener = TlsListener::new(asyncnet_smol::listen("127.0.0.1:0")?, &config);
    /// let silent = std::net::TcpStream::connect(listener.local_endpoint()?.as_inet().unwrap())?;
    /// let (mut stream, from) = listener.accept_addr().await?;
    /// assert_eq!(from.as_inet().unwrap(), silent.local_addr()?);
    /// assert!(matches!(stream.recv_line().await, Err(Error::Tls(TlsError::HandshakePending))));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn accept_addr(&self) -> Result<(Stream<L::Transport>, Endpoint), Error> {
        let accepting: Accepting<'_, L> = self.plain.accept_addr();
        let (mut stream, peer) = accepting.await?;
        stream.begin_tls(&self.how, None)?;
        Ok((stream, peer))
    }

    /// The address it is bound to: with the port that the system chose, if it was 0.
    ///
    /// # Errors
    ///
    /// What getsockname(2) says.
    ///
    /// See the example at [`TlsListener`].
    pub fn local_endpoint(&self) -> Result<Endpoint, Error> {
        self.plain.local_endpoint()
    }

    /// Changes the limits of the streams that are accepted from now on.
    ///
    /// See the example at [`plain_mut`](Self::plain_mut).
    pub fn set_limits(&mut self, limits: Limits) {
        self.plain.set_limits(limits);
    }

    /// The listener below: for its counts and options.
    ///
    /// ```
    /// # use asyncnet_conformance::pki;
    /// # let config = pki::server(pki::Version::Tls13);
    /// use asyncnet_driver::tls::TlsListener;
    ///
    /// let listener = TlsListener::new(asyncnet_smol::listen("127.0.0.1:0").unwrap(), &config);
    /// assert_eq!(listener.plain().exhausted_count(), 0);
    /// ```
    pub fn plain(&self) -> &Listener<L> {
        &self.plain
    }

    /// The listener below, to change it.
    ///
    /// ```
    /// # use asyncnet_conformance::pki;
    /// # let config = pki::server(pki::Version::Tls13);
    /// use asyncnet_driver::Limits;
    /// use asyncnet_driver::tls::TlsListener;
    ///
    /// let mut listener = TlsListener::new(asyncnet_smol::listen("127.0.0.1:0").unwrap(), &config);
    /// listener.set_limits(Limits::default());
    /// listener.plain_mut().set_limits(Limits::default());
    /// assert!(listener.local_endpoint().is_ok());
    /// ```
    pub fn plain_mut(&mut self) -> &mut Listener<L> {
        &mut self.plain
    }
}

impl<L: Accept + fmt::Debug> fmt::Debug for TlsListener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener").field("plain", &self.plain).field("how", &self.how).finish()
    }
}
