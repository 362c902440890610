//! What a client of TLS shall be like: whom it trusts, who it is, what it speaks.
//!
//! One builder, and long for its documentation alone: each call notes one thing, and `build` hands the notes on.

use crate::tls::any_certificate::AnyCertificate;
use crate::tls::error::TlsConfigError;
#[cfg(feature = "platform-verifier")]
use crate::tls::error::TlsConfigFault;
use crate::tls::identity::Identity;
use crate::tls::key_log::KeyLogTo;
use crate::tls::protocol::{Protocol, TlsVersions, unsuitable};
use crate::tls::revocation::Revocation;
use crate::tls::roots::Roots;
use crate::tls::sessions::Sessions;
use asyncnet_core::tls::rustls::client::danger::ServerCertVerifier;
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use asyncnet_core::tls::rustls::sign::SingleCertAndKey;
use asyncnet_core::tls::rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::Arc;

/// How a client of TLS is configured; builds rustls' [`ClientConfig`].
///
/// A server's certificate must lead to a trusted root, be valid now, and hold the name that is dialed. The trusted
/// roots are those that are named here, in any number of calls; when none are, the system's. Naming a file or folder
/// therefore *replaces* the system's roots: a private authority is usually meant to be the only one. Name
/// [`system_roots`](Self::system_roots) as well to have both.
///
/// Sessions are resumed, the last 256 servers are remembered, by each configuration for itself; early data is never sent.
/// The configuration is made once and shared by all connections.
///
/// ```
/// use asyncnet_os::ClientTls;
///
/// # let folder = tempfile::tempdir()?;
/// # let ca_path = folder.path().join("ca.pem");
/// # std::fs::write(&ca_path, rcgen::generate_simple_self_signed(["ca".to_owned()])?.cert.pem())?;
/// let config = ClientTls::new().ca_file(&ca_path).alpn(["imap"]).build()?;
/// assert_eq!(config.alpn_protocols, [b"imap"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClientTls {
    roots: Roots,
    accept_any_certificate: bool,
    #[cfg(feature = "platform-verifier")]
    platform_verifier: bool,
    identity: Option<Identity>,
    protocol: Protocol,
    revocation: Revocation,
    sessions: Sessions,
    key_log: KeyLogTo,
}

impl ClientTls {
    /// A client that trusts the system's roots, has no certificate of its own, and speaks TLS 1.2 and 1.3.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// let config = ClientTls::new().bundled_roots().build()?;
    /// assert!(config.alpn_protocols.is_empty());
    /// assert!(!config.client_auth_cert_resolver.has_certs());
    /// # Ok::<(), asyncnet_os::TlsConfigError>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the system's roots: the default when no others are named, and to be named to have them as well.
    ///
    /// On Windows and macOS they come from the system's store, elsewhere from where its OpenSSL keeps them. The
    /// environment variables `SSL_CERT_FILE` (a PEM file) and `SSL_CERT_DIR` (folders, separated as in `PATH`) replace
    /// all that, on every system. A root in there that cannot be used is passed over, but none at all is an error, and
    /// so is an `SSL_CERT_FILE` that cannot be read.
    ///
    /// ```no_run
    /// use asyncnet_os::ClientTls;
    ///
    /// let public_and_ours = ClientTls::new().system_roots().ca_file("ours.pem").build()?;
    /// assert!(!public_and_ours.enable_early_data);
    /// # Ok::<(), asyncnet_os::TlsConfigError>(())
    /// ```
    pub fn system_roots(mut self) -> Self {
        self.roots.add_system();
        self
    }

    /// Trusts the roots that Mozilla trusts, as of the release of the crate `webpki-roots` that is compiled in: for
    /// systems that have none. They grow old with the program.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// assert!(ClientTls::new().bundled_roots().build().is_ok());
    /// ```
    pub fn bundled_roots(mut self) -> Self {
        self.roots.add_bundled();
        self
    }

    /// Trusts the certificates in a PEM file, each of which must be usable: authorities, or a server's own that is signed
    /// by itself, if that does not say `CA:TRUE`.
    ///
    /// ```
    /// use asyncnet_os::{ClientTls, TlsConfigFault};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("ca.pem");
    /// std::fs::write(&path, "no certificate")?;
    /// let error = ClientTls::new().ca_file(&path).build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::CertificateMissing);
    /// assert_eq!(error.path(), Some(&*path));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots.add_file(path.into());
        self
    }

    /// Trusts the certificates in all files of a folder, whatever the files are called, but not in folders within it.
    ///
    /// Files without a certificate are passed over; a certificate that cannot be used is an error.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let certificate = rcgen::generate_simple_self_signed(["ca".to_owned()])?.cert.pem();
    /// std::fs::write(folder.path().join("README"), "Our authorities.")?;
    /// std::fs::write(folder.path().join("ours.pem"), certificate)?;
    /// assert!(ClientTls::new().ca_folder(folder.path()).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ca_folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots.add_folder(path.into());
        self
    }

    /// Trusts the roots in rustls' own store.
    ///
    /// ```
    /// use asyncnet_core::tls::rustls::RootCertStore;
    /// use asyncnet_os::ClientTls;
    ///
    /// # let ca = rcgen::generate_simple_self_signed(["ca".to_owned()])?.cert;
    /// let mut store = RootCertStore::empty();
    /// store.add(ca.der().clone())?;
    /// assert!(ClientTls::new().roots(store).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn roots(mut self, store: RootCertStore) -> Self {
        self.roots.add_store(store);
        self
    }

    /// Refuses servers whose certificate is in this revocation list (RFC 5280, section 5): a file with lists in PEM format,
    /// or with one in DER. Further calls add further lists.
    ///
    /// Once a list is named, every certificate of a chain below the root must be spoken for by one, signed by its own
    /// issuer, that is not out of date: where none does, the certificate is refused too, as of unknown status. With
    /// [`crl_leaf_only`](Self::crl_leaf_only) this holds for the server's own certificate alone. The lists are those of
    /// the time of building; nothing is fetched. A session that is resumed was checked when it began.
    ///
    /// ```
    /// use asyncnet_os::{ClientTls, TlsConfigFault};
    /// use std::path::Path;
    ///
    /// let error = ClientTls::new().bundled_roots().crl_file("no/such.crl").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::Unreadable);
    /// assert_eq!(error.path(), Some(Path::new("no/such.crl")));
    /// ```
    pub fn crl_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.revocation.add_file(path.into());
        self
    }

    /// Looks for a server's own certificate alone in the revocation lists: for authorities that publish none for their
    /// intermediates.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// // Without a list, nothing is looked for.
    /// assert!(ClientTls::new().bundled_roots().crl_leaf_only().build().is_ok());
    /// ```
    pub fn crl_leaf_only(mut self) -> Self {
        self.revocation.only_leaf();
        self
    }

    /// Lets the operating system judge servers, as its browsers do: with the roots, exceptions and revocations that its
    /// user or administrator has set.
    ///
    /// So it is on Windows, macOS, iOS and Android. Elsewhere there is nothing to ask, and it is as with
    /// [`system_roots`](Self::system_roots). It goes with no roots and no revocation lists of ours. On Android the crate
    /// `rustls-platform-verifier` has to be initialized first.
    ///
    /// ```
    /// use asyncnet_os::{ClientTls, TlsConfigFault};
    ///
    /// let both = ClientTls::new().platform_verifier().bundled_roots();
    /// assert_eq!(both.build().unwrap_err().fault(), TlsConfigFault::VerifierConflict);
    /// ```
    #[cfg(feature = "platform-verifier")]
    pub fn platform_verifier(mut self) -> Self {
        self.platform_verifier = true;
        self
    }

    /// Takes whatever certificate a server shows: **anyone on the way can read and change everything**.
    ///
    /// No name, no date and no root is looked at, and the roots and revocation lists that were named are not even loaded. The server still
    /// has to prove that it holds the key of the certificate it shows, which must be of X.509 version 3.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// assert!(ClientTls::new().dangerous_accept_any_certificate().build().is_ok());
    /// ```
    pub fn dangerous_accept_any_certificate(mut self) -> Self {
        self.accept_any_certificate = true;
        self
    }

    /// Shows this certificate to servers that ask for one: PEM files with the chain, its own certificate first, and the
    /// private key. Both may be the same file.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    /// # let made = rcgen::generate_simple_self_signed(["client".to_owned()])?;
    /// # std::fs::write(&chain, made.cert.pem())?;
    /// # std::fs::write(&key, made.signing_key.serialize_pem())?;
    /// let config = ClientTls::new().bundled_roots().identity_files(&chain, &key).build()?;
    /// assert!(config.client_auth_cert_resolver.has_certs());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn identity_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some(Identity::Files { chain: chain.into(), key: key.into() });
        self
    }

    /// Shows this certificate to servers that ask for one: the chain, its own certificate first, and the private key.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// let made = rcgen::generate_simple_self_signed(["client".to_owned()])?;
    /// let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let config = ClientTls::new().bundled_roots().identity_der(chain, key).build()?;
    /// assert!(config.client_auth_cert_resolver.has_certs());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn identity_der(mut self, chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        self.identity = Some(Identity::der(chain, key));
        self
    }

    /// Offers these application protocols (RFC 7301), the preferred one first; by default none. Replaces earlier ones.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// let config = ClientTls::new().bundled_roots().alpn(["h2", "http/1.1"]).build()?;
    /// assert_eq!(config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    /// # Ok::<(), asyncnet_os::TlsConfigError>(())
    /// ```
    pub fn alpn(mut self, protocols: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        self.protocol.set_alpn(protocols);
        self
    }

    /// Speaks these versions; by default [`TlsVersions::AtLeast12`].
    ///
    /// ```
    /// use asyncnet_os::{ClientTls, TlsVersions};
    ///
    /// assert!(ClientTls::new().bundled_roots().versions(TlsVersions::Only13).build().is_ok());
    /// ```
    pub fn versions(mut self, versions: TlsVersions) -> Self {
        self.protocol.versions = versions;
        self
    }

    /// Offers these cipher suites alone, the preferred one first, by their registered names such as
    /// `TLS_AES_128_GCM_SHA256` or `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; by default the provider's.
    ///
    /// Those of TLS 1.2 and of 1.3 are different ones: a version without a suite is not spoken. OpenSSL's own names
    /// are not known here. Replaces earlier ones.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// let suites = ["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];
    /// let config = ClientTls::new().bundled_roots().cipher_suites(suites).build()?;
    /// assert_eq!(config.crypto_provider().cipher_suites.len(), 2);
    /// # Ok::<(), asyncnet_os::TlsConfigError>(())
    /// ```
    pub fn cipher_suites(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.protocol.algorithms.set_cipher_suites(names);
        self
    }

    /// Offers these groups for the key exchange alone, the preferred one first, by their registered names such as
    /// `x25519`; by default the provider's.
    ///
    /// With `aws-lc-rs` the default has `X25519MLKEM768` first, which stays secret from whoever records it now and has a
    /// quantum computer later; `ring` has no such group. It needs TLS 1.3. Replaces earlier ones.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// let config = ClientTls::new().bundled_roots().key_exchange_groups(["secp384r1", "x25519"]).build()?;
    /// assert_eq!(config.crypto_provider().kx_groups.len(), 2);
    /// # Ok::<(), asyncnet_os::TlsConfigError>(())
    /// ```
    pub fn key_exchange_groups(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.protocol.algorithms.set_key_exchange_groups(names);
        self
    }

    /// Remembers this many servers, the latest, to resume their sessions: at most 65 536, by default 256, of each up to 8
    /// tickets and one session of TLS 1.2; 0 is [`no_resumption`](Self::no_resumption).
    ///
    /// Room for them is set aside when the configuration is built. Each built configuration has a memory of its own.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// assert!(ClientTls::new().bundled_roots().session_cache(16).build().is_ok());
    /// ```
    pub fn session_cache(mut self, servers: usize) -> Self {
        self.sessions = Sessions::cached(servers);
        self
    }

    /// Resumes no session: each handshake is a full one, with a look at the server's certificate, and nothing that a
    /// server could know the client by is kept.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// assert!(ClientTls::new().bundled_roots().no_resumption().build().is_ok());
    /// ```
    pub fn no_resumption(mut self) -> Self {
        self.sessions = Sessions::Forgotten;
        self
    }

    /// Appends the secrets of every connection to a file, in NSS' format, which Wireshark and others read: **whoever has
    /// it can read and forge what these connections carry**.
    ///
    /// The file is opened when the configuration is built, for its owner alone where it has to be made (Unix). A line
    /// that cannot be written later, to a full disk, is lost. The environment is not looked at.
    ///
    /// ```
    /// use asyncnet_os::{ClientTls, TlsConfigFault};
    ///
    /// let error = ClientTls::new().bundled_roots().key_log_file("no/such/folder/keys").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::Unwritable);
    /// assert!(error.to_string().starts_with("no/such/folder/keys: cannot be written: "));
    /// ```
    pub fn key_log_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_log = KeyLogTo::File(path.into());
        self
    }

    /// Does as [`key_log_file`](Self::key_log_file) with the file that the environment variable `SSLKEYLOGFILE` names,
    /// as it is when the configuration is built; nothing if it is not set, or empty. Without this call the variable
    /// has no effect.
    ///
    /// ```
    /// use asyncnet_os::ClientTls;
    ///
    /// assert!(ClientTls::new().bundled_roots().key_log_env().build().is_ok());
    /// ```
    pub fn key_log_env(mut self) -> Self {
        self.key_log = KeyLogTo::Environment;
        self
    }

    /// Uses this provider of cryptography; by default that of the feature `aws-lc-rs`, else that of `ring`. rustls'
    /// process-wide default is not consulted.
    ///
    /// ```
    /// use asyncnet_core::tls::rustls::crypto::ring;
    /// use asyncnet_os::ClientTls;
    /// use std::sync::Arc;
    ///
    /// let provider = Arc::new(ring::default_provider());
    /// let config = ClientTls::new().bundled_roots().provider(provider.clone()).build()?;
    /// assert!(Arc::ptr_eq(config.crypto_provider(), &provider));
    /// # Ok::<(), asyncnet_os::TlsConfigError>(())
    /// ```
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.protocol.provider = Some(provider);
        self
    }

    /// Reads the files and makes the configuration.
    ///
    /// It blocks, as reading files does; the system's roots are some hundred kilobytes. Called again it reads them
    /// again, so that renewed certificates come into use.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or used, or a log of keys not be opened, there is no root, a protocol name is no such
    /// thing, a suite or group is not known, or there is no provider:
    /// see [`TlsConfigFault`](crate::TlsConfigFault).
    ///
    /// ```
    /// use asyncnet_os::{ClientTls, TlsConfigFault};
    ///
    /// let error = ClientTls::new().ca_folder("no/such/folder").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::Unreadable);
    /// ```
    pub fn build(&self) -> Result<Arc<ClientConfig>, TlsConfigError> {
        let provider = self.protocol.provider()?;
        let alpn = self.protocol.alpn()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.protocol.versions.supported())
            .map_err(unsuitable)?;
        #[cfg(feature = "platform-verifier")]
        let by_platform = self.platform_verifier.then(|| self.judged_by_platform(&provider)).transpose()?;
        #[cfg(not(feature = "platform-verifier"))]
        let by_platform: Option<Arc<dyn ServerCertVerifier>> = None;
        let builder = if self.accept_any_certificate {
            let algorithms = provider.signature_verification_algorithms;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate { algorithms }))
        } else if let Some(verifier) = by_platform {
            builder.dangerous().with_custom_certificate_verifier(verifier)
        } else if self.revocation.is_unset() {
            builder.with_root_certificates(self.trusted()?)
        } else {
            let verifier = self.revocation.server_verifier(&Arc::new(self.trusted()?), &provider)?;
            builder.dangerous().with_custom_certificate_verifier(verifier)
        };
        let mut config = match &self.identity {
            Some(identity) => {
                let shown = SingleCertAndKey::from(identity.load(&provider)?);
                builder.with_client_cert_resolver(Arc::new(shown))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn;
        config.resumption = self.sessions.resumption();
        if let Some(key_log) = self.key_log.open()? {
            config.key_log = key_log;
        }
        Ok(Arc::new(config))
    }

    #[cfg(feature = "platform-verifier")]
    fn judged_by_platform(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, TlsConfigError> {
        if !self.roots.is_unset() || !self.revocation.is_unset() {
            return Err(TlsConfigError::new(TlsConfigFault::VerifierConflict));
        }
        let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(provider));
        let missing = |error| TlsConfigError::new(TlsConfigFault::RootsMissing).because(error);
        Ok(Arc::new(verifier.map_err(missing)?))
    }

    fn trusted(&self) -> Result<RootCertStore, TlsConfigError> {
        if self.roots.is_unset() { Roots::system().load() } else { self.roots.load() }
    }
}
