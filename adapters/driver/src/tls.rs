//! TLS: how it begins, what it agreed on, how it fails. The calls are those of [`Stream`](crate::Stream).
//!
//! What rustls' unbuffered interface does not give, and 0.24 may: exported keying material (RFC 5705, RFC 8446 section 7.5) and a
//! client's early data (RFC 8446, section 2.3). A server accepts early data when its configuration says so, and hands them out by
//! a call of their own alone, [`Stream::recv_early_data`](crate::Stream::recv_early_data): others may be able to send them
//! again. External keys (PSK), renegotiation and versions below 1.2 are left out.
//!
//! Inside, here is how the driver reaches a session: in a stream's connection, or shared by two halves.
//!
//! Invariant: a shared session is locked for work in memory alone, never across a call of the transport.

use crate::error::Error;
use crate::pool::Pooled;
pub use crate::tls_listener::TlsListener;
use asyncnet_core::Incoming;
pub use asyncnet_core::tls::{
    Alert, CLIENT_HELLO_BYTES_MAX, CertificateFault, ClientHello, EARLY_DATA_BYTES_MAX, Leftover, Refusal,
    StartTls, TlsError, TlsInfo, TlsVersion, rustls,
};
use asyncnet_core::tls::{Opened, Session};

/// A session, if there is one.
pub(crate) trait Tls {
    /// Works with it.
    fn with<R>(&mut self, work: impl FnOnce(&mut Session) -> R) -> Option<R>;
}

impl Tls for Option<&mut Session> {
    fn with<R>(&mut self, work: impl FnOnce(&mut Session) -> R) -> Option<R> {
        self.as_deref_mut().map(work)
    }
}

/// Opens what has come, over TLS, into the half's buffer or into `into`. Without TLS more is needed, always.
pub(crate) fn open(
    incoming: &mut Incoming,
    tls: &mut impl Tls,
    into: &mut [u8],
) -> Result<(Opened, usize), TlsError> {
    tls.with(|session| incoming.open_into(session, into, &mut Pooled)).unwrap_or(Ok((Opened::NeedWire, 0)))
}

/// Whether a stream's session, if it has one, can be used.
pub(crate) fn check_open(session: Option<&Session>) -> Result<(), TlsError> {
    session.map_or(Ok(()), Session::check_open)
}

/// Whether text can be received: not before the handshake has succeeded.
pub(crate) fn check_established(tls: &mut impl Tls) -> Result<(), Error> {
    let checked = tls.with(|session| if session.is_established() { Ok(()) } else { session.check_open() });
    Ok(checked.transpose().map(drop)?)
}

/// rustls' own view of a stream's session, for what this project has no name for: the counterpart of the reference's
/// `sslHandle`.
///
/// **Outside this project's promise of stable versions**: it goes away with rustls 0.23.
pub mod rustls_0_23 {
    use super::rustls::CommonState;
    use crate::stream::Stream;

    /// Looks at a stream's session with rustls' eyes: `None` if it has none, or refused its client before rustls saw it.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_conformance::pki;
    /// use asyncnet_driver::tls::{StartTls, rustls_0_23};
    ///
    /// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// assert!(rustls_0_23::with_common_state(&client, |_| ()).is_none());
    /// let how = StartTls::client(&ours, "localhost")?;
    /// let (asked, served) = futures_lite::future::zip(client.start_tls(how), server.start_tls(&theirs)).await;
    /// (asked?, served?);
    /// assert_eq!(rustls_0_23::with_common_state(&client, |state| state.is_handshaking()), Some(false));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn with_common_state<T, R>(stream: &Stream<T>, look: impl FnOnce(&CommonState) -> R) -> Option<R> {
        stream.session().and_then(|session| asyncnet_core::tls::rustls_0_23::with_common_state(session, look))
    }
}
