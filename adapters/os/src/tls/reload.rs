//! Certificates that are read again while a listener goes on.
//!
//! A handshake takes whatever certificates there are when its first message comes, and keeps them: nothing is changed
//! under it. All are exchanged at once, or none.

use crate::tls::error::TlsConfigError;
use crate::tls::served::{Certificates, Served};
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::server::{ClientHello, ResolvesServerCert};
use asyncnet_core::tls::rustls::sign::CertifiedKey;
use std::sync::{Arc, PoisonError, RwLock};

/// Reads the certificates of a server's configuration again, while it is in use.
///
/// It is had from [`ServerTls::build_reloadable`](crate::ServerTls::build_reloadable). Clones belong to the same
/// configuration; they may be used from any thread.
///
/// ```
/// use asyncnet_os::{CertificateReload, ServerTls};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
/// let (_config, certificates) = ServerTls::from_der(chain, key).build_reloadable()?;
/// let on_hangup: CertificateReload = certificates.clone();
/// // What came from no file stays as it is.
/// assert!(on_hangup.reload().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CertificateReload {
    served: Served,
    provider: Arc<CryptoProvider>,
    current: Arc<Current>,
}

impl CertificateReload {
    pub(super) fn new(served: Served, provider: Arc<CryptoProvider>) -> Result<Self, TlsConfigError> {
        let certificates = RwLock::new(Arc::new(served.load(&provider)?));
        Ok(Self { served, provider, current: Arc::new(Current { certificates }) })
    }

    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::<Current>::clone(&self.current)
    }

    /// Reads the files with the server's certificates and keys anew, and shows what is in them to each client that
    /// connects from now on.
    ///
    /// Connections that there are, also those in the midst of their handshake, keep what they have, and sessions are
    /// resumed that began with an earlier certificate. Roots, revocation lists and all the rest stay as they were
    /// built. It blocks, as reading files does.
    ///
    /// # Errors
    ///
    /// Those of [`ServerTls::build`](crate::ServerTls::build) that concern certificates and keys, also when a certificate
    /// has been written and its key not yet. Nothing has changed then: the earlier ones are shown, all of them.
    ///
    /// See the example at [`ServerTls::build_reloadable`](crate::ServerTls::build_reloadable).
    pub fn reload(&self) -> Result<(), TlsConfigError> {
        let fresh = Arc::new(self.served.load(&self.provider)?);
        // Whoever panicked with the lock had only looked, or put one pointer in the place of another.
        *self.current.certificates.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

#[derive(Debug)]
struct Current {
    certificates: RwLock<Arc<Certificates>>,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificates = self.certificates.read().unwrap_or_else(PoisonError::into_inner).clone();
        certificates.choose(hello.server_name())
    }
}
