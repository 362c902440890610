//! What a server of TLS shall be like: who it is, whom it lets in, what it speaks.
//!
//! One builder, and long for its documentation alone: each call notes one thing, and `build` hands the notes on.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use crate::tls::identity::Identity;
use crate::tls::key_log::KeyLogTo;
use crate::tls::protocol::{Protocol, TlsVersions, unsuitable};
use crate::tls::reload::CertificateReload;
use crate::tls::revocation::Revocation;
use crate::tls::roots::Roots;
use crate::tls::served::Served;
use crate::tls::sessions::Sessions;
use asyncnet_core::tls::EARLY_DATA_BYTES_MAX;
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use asyncnet_core::tls::rustls::server::danger::ClientCertVerifier;
use asyncnet_core::tls::rustls::server::{NoClientAuth, ResolvesServerCert};
use asyncnet_core::tls::rustls::{RootCertStore, ServerConfig};
use std::path::PathBuf;
use std::sync::Arc;

/// How a server of TLS is configured; builds rustls' [`ServerConfig`].
///
/// It has one certificate, whatever name a client asks for, unless [`certificate_for`](Self::certificate_for) adds others.
/// Sessions are resumed, with tickets that hold for 12 hours
/// and whose keys live in this configuration; for clients that take none, and with a provider that is not rustls' own,
/// from a memory of 256 sessions. Each built configuration resumes its own alone.
/// Early data are not accepted, unless [`accept_replayable_early_data`](Self::accept_replayable_early_data) says so.
///
/// ```
/// use asyncnet_os::ServerTls;
///
/// # let folder = tempfile::tempdir()?;
/// # let (chain_path, key_path) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
/// # let made = rcgen::generate_simple_self_signed(["mail.example.org".to_owned()])?;
/// # std::fs::write(&chain_path, made.cert.pem())?;
/// # std::fs::write(&key_path, made.signing_key.serialize_pem())?;
/// let config = ServerTls::from_files(&chain_path, &key_path).alpn(["imap"]).build()?;
/// assert_eq!(config.alpn_protocols, [b"imap"]);
/// assert!(config.ticketer.enabled());
/// assert_eq!(config.max_early_data_size, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerTls {
    served: Served,
    client_certificates: Option<ClientCertificates>,
    client_roots: Roots,
    protocol: Protocol,
    revocation: Revocation,
    sessions: Sessions,
    early_data_bytes_max: u32,
    key_log: KeyLogTo,
}

/// Whether a server asks its clients for a certificate.
///
/// ```
/// use asyncnet_os::{ClientCertificates, ServerTls, TlsConfigFault};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
/// let server = ServerTls::from_der(chain, key).client_certificates(ClientCertificates::Required);
/// // From whom, must be said: the public authorities vouch for everybody.
/// assert_eq!(server.build().unwrap_err().fault(), TlsConfigFault::RootsMissing);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientCertificates {
    /// It does not ask.
    Off,
    /// It asks, and serves also those who have none. A certificate that is shown must be good.
    Optional,
    /// It serves those alone whose certificate leads to one of the roots for clients.
    Required,
}

impl ServerTls {
    /// A server with this certificate: PEM files with the chain, its own certificate first, and the private key. Both
    /// may be the same file.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    /// use std::path::Path;
    ///
    /// let error = ServerTls::from_files("no/chain.pem", "no/key.pem").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::Unreadable);
    /// assert_eq!(error.path(), Some(Path::new("no/key.pem")));
    /// ```
    pub fn from_files(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self::new(Served::by_default(Identity::Files { chain: chain.into(), key: key.into() }))
    }

    /// A server with this certificate: the chain, its own certificate first, and the private key.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// assert!(ServerTls::from_der(chain, key).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_der(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        Self::new(Served::by_default(Identity::der(chain, key)))
    }

    /// A server that has certificates for the names alone that [`certificate_for`](Self::certificate_for) adds, at least
    /// one: a client that names nobody in its first message (SNI, RFC 6066, section 3), or somebody else, is refused
    /// before it sees any certificate.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// let nobody = ServerTls::by_server_name();
    /// assert_eq!(nobody.build().unwrap_err().fault(), TlsConfigFault::CertificateMissing);
    /// # let made = rcgen::generate_simple_self_signed(["a.test".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// assert!(ServerTls::by_server_name().certificate_for_der("a.test", chain, key).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn by_server_name() -> Self {
        Self::new(Served::default())
    }

    /// Shows another certificate to clients that ask for this name (SNI): PEM files as in
    /// [`from_files`](Self::from_files). All others get the server's own, if it has one.
    ///
    /// The name is one in the DNS, or `*.` and one: `*.example.org` stands for names of one more label such as
    /// `a.example.org`, not for `example.org` itself, nor for `a.b.example.org`. A name that was given in full goes before;
    /// case makes no difference. The certificate must hold the name, or be one for the same `*.`. Given again, a name
    /// gets the later certificate.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    /// # let made = rcgen::generate_simple_self_signed(["*.example.org".to_owned()])?;
    /// # std::fs::write(&chain, made.cert.pem())?;
    /// # std::fs::write(&key, made.signing_key.serialize_pem())?;
    /// let server = ServerTls::by_server_name().certificate_for("*.example.org", &chain, &key);
    /// assert!(server.build().is_ok());
    ///
    /// let error = server.certificate_for("example.org", &chain, &key).build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::ServerNameMismatch);
    /// assert_eq!((error.name(), error.path()), (Some("example.org"), Some(&*chain)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn certificate_for(
        mut self,
        name: impl Into<String>,
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.served.add(name.into(), Identity::Files { chain: chain.into(), key: key.into() });
        self
    }

    /// Does as [`certificate_for`](Self::certificate_for) with a chain and a key.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["a.test".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let error = ServerTls::by_server_name().certificate_for_der("10.0.0.1", chain, key).build().unwrap_err();
    /// // An address is never asked for by SNI.
    /// assert_eq!(error.fault(), TlsConfigFault::ServerNameInvalid);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn certificate_for_der(
        mut self,
        name: impl Into<String>,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Self {
        self.served.add(name.into(), Identity::der(chain, key));
        self
    }

    fn new(served: Served) -> Self {
        Self {
            served,
            client_certificates: None,
            client_roots: Roots::default(),
            protocol: Protocol::default(),
            revocation: Revocation::default(),
            sessions: Sessions::default(),
            early_data_bytes_max: 0,
            key_log: KeyLogTo::default(),
        }
    }

    /// Whether clients are asked for a certificate; by default they must show one as soon as a root for clients is
    /// named, and are not asked before.
    ///
    /// ```
    /// use asyncnet_os::{ClientCertificates, ServerTls};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let folder = tempfile::tempdir()?;
    /// # let ca_path = folder.path().join("ca.pem");
    /// # std::fs::write(&ca_path, made.cert.pem())?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let optional = ServerTls::from_der(chain, key)
    ///     .client_certificates(ClientCertificates::Optional)
    ///     .client_ca_file(&ca_path);
    /// assert!(optional.build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client_certificates(mut self, asked: ClientCertificates) -> Self {
        self.client_certificates = Some(asked);
        self
    }

    /// Trusts the certificates in a PEM file to vouch for clients; each must be usable.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    /// use std::path::Path;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let error = ServerTls::from_der(chain, key).client_ca_file("no/ca.pem").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::Unreadable);
    /// assert_eq!(error.path(), Some(Path::new("no/ca.pem")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_roots.add_file(path.into());
        self
    }

    /// Trusts the certificates in all files of a folder to vouch for clients, under the rules of
    /// [`ClientTls::ca_folder`](crate::ClientTls::ca_folder).
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let empty = tempfile::tempdir()?;
    /// let error = ServerTls::from_der(chain, key).client_ca_folder(empty.path()).build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::CertificateMissing);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client_ca_folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_roots.add_folder(path.into());
        self
    }

    /// Trusts the roots in rustls' own store to vouch for clients.
    ///
    /// ```
    /// use asyncnet_core::tls::rustls::RootCertStore;
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// let mut store = RootCertStore::empty();
    /// store.add(made.cert.der().clone())?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// assert!(ServerTls::from_der(chain, key).client_roots(store).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn client_roots(mut self, store: RootCertStore) -> Self {
        self.client_roots.add_store(store);
        self
    }

    /// Refuses clients whose certificate is in this revocation list, under the rules of
    /// [`ClientTls::crl_file`](crate::ClientTls::crl_file); the roots are those for clients, one of which must be named.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let error = ServerTls::from_der(chain, key).crl_file("revoked.crl").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::RootsMissing);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn crl_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.revocation.add_file(path.into());
        self
    }

    /// Looks for a client's own certificate alone in the revocation lists, not for its authorities' certificates.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// // Without a list, nothing is looked for.
    /// assert!(ServerTls::from_der(chain, key).crl_leaf_only().build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn crl_leaf_only(mut self) -> Self {
        self.revocation.only_leaf();
        self
    }

    /// Speaks these application protocols (RFC 7301), the preferred one first; by default none. Replaces earlier ones.
    ///
    /// A client that offers only others is refused; one that offers none is served.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let config = ServerTls::from_der(chain, key).alpn(["h2", "http/1.1"]).build()?;
    /// assert_eq!(config.alpn_protocols, [&b"h2"[..], b"http/1.1"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn alpn(mut self, protocols: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        self.protocol.set_alpn(protocols);
        self
    }

    /// Speaks these versions; by default [`TlsVersions::AtLeast12`].
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsVersions};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// assert!(ServerTls::from_der(chain, key).versions(TlsVersions::Only13).build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn versions(mut self, versions: TlsVersions) -> Self {
        self.protocol.versions = versions;
        self
    }

    /// Speaks these cipher suites alone, by their registered names such as `TLS_AES_128_GCM_SHA256` or
    /// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; by default the provider's.
    ///
    /// Of those that a client offers the first in this order is taken; by default it is the client's order that counts.
    /// Those of TLS 1.2 and of 1.3 are different ones: a version without a suite is not spoken. OpenSSL's own names
    /// are not known here. Replaces earlier ones.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let suites = ["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];
    /// let config = ServerTls::from_der(chain, key).cipher_suites(suites).build()?;
    /// assert!(config.ignore_client_order);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cipher_suites(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.protocol.algorithms.set_cipher_suites(names);
        self
    }

    /// Exchanges keys in these groups alone, by their registered names such as `x25519`; by default the provider's,
    /// among them, with `aws-lc-rs`, `X25519MLKEM768`, which withstands quantum computers. `ring` has none such.
    ///
    /// Of those that a client offers, the first in the client's order that is among these is taken. Replaces earlier
    /// ones.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let config = ServerTls::from_der(chain, key).key_exchange_groups(["secp384r1", "x25519"]).build()?;
    /// assert_eq!(config.crypto_provider().kx_groups.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn key_exchange_groups(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.protocol.algorithms.set_key_exchange_groups(names);
        self
    }

    /// Remembers this many sessions, the latest, in memory, at most 65 536, instead of giving clients tickets that hold
    /// them; 0 is [`no_resumption`](Self::no_resumption).
    ///
    /// A session then is resumed once in TLS 1.3, and no key that is kept opens recorded ones. It costs memory: room for
    /// as many is set aside when the configuration is built, and each holds the client's certificates, if it has any.
    /// Each built configuration has a memory of its own: no session of one is resumed by another.
    ///
    /// In TLS 1.2 each resumption brings a new ticket, and OpenSSL then uses the one before it no more. A client of
    /// OpenSSL's that keeps what its full handshake brought, as nginx does as a proxy, so resumes every second time. Of a
    /// session in memory it resumes each time.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let config = ServerTls::from_der(chain, key).session_cache(1024).build()?;
    /// assert!(config.session_storage.can_cache());
    /// assert!(!config.ticketer.enabled());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn session_cache(mut self, sessions: usize) -> Self {
        self.sessions = Sessions::cached(sessions);
        self
    }

    /// Resumes no session: each handshake is a full one.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let config = ServerTls::from_der(chain, key).no_resumption().build()?;
    /// assert_eq!(config.send_tls13_tickets, 0);
    /// assert!(!config.session_storage.can_cache() && !config.ticketer.enabled());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn no_resumption(mut self) -> Self {
        self.sessions = Sessions::Forgotten;
        self
    }

    /// Accepts early data, which a client of TLS 1.3 sends in its first flight when it resumes a session: up to this many bytes
    /// of each client, at most [`EARLY_DATA_BYTES_MAX`]; 0, the default, is none. A stream hands them out by a call of
    /// their own, `recv_early_data`, and by no other.
    ///
    /// **They may be a copy of what the client sent before** (RFC 8446, section 8, appendix E.5): nothing in them is fresh, and
    /// nobody but the application can tell. Each session is resumed once, so this configuration takes the same bytes
    /// once; but another server, or this one after a restart, does not know what was taken. Who stands on the way can hold back
    /// the answers to early data that were accepted, and the client, which believes that they were lost, sends the same
    /// again, as text that looks fresh. So use them for what may be done twice alone. Nor have they forward secrecy: who
    /// gets hold of the session's secret reads them.
    ///
    /// Sessions are then remembered in memory, 256 unless [`session_cache`](Self::session_cache) says how many, and not in
    /// tickets, which could be used again. With [`no_resumption`](Self::no_resumption) there are no early data.
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let server = ServerTls::from_der(chain, key).accept_replayable_early_data(16_384);
    /// let config = server.build()?;
    /// assert_eq!(config.max_early_data_size, 16_384);
    /// assert!(!config.ticketer.enabled() && config.session_storage.can_cache());
    /// // All of it is kept until it is taken, so there is a bound.
    /// let config = server.accept_replayable_early_data(u32::MAX).build()?;
    /// assert_eq!(config.max_early_data_size, asyncnet_core::tls::EARLY_DATA_BYTES_MAX);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept_replayable_early_data(mut self, bytes_max: u32) -> Self {
        self.early_data_bytes_max = bytes_max.min(EARLY_DATA_BYTES_MAX);
        self
    }

    /// Appends the secrets of every connection to a file, in NSS' format, which Wireshark and others read: **whoever has
    /// it can read and forge what these connections carry**.
    ///
    /// The file is opened when the configuration is built, for its owner alone where it has to be made (Unix). A line
    /// that cannot be written later, to a full disk, is lost. The environment is not looked at.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let error = ServerTls::from_der(chain, key).key_log_file("no/such/folder/keys").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::Unwritable);
    /// assert!(error.to_string().starts_with("no/such/folder/keys: cannot be written: "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
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
    /// use asyncnet_os::ServerTls;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// assert!(ServerTls::from_der(chain, key).key_log_env().build().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
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
    /// use asyncnet_os::ServerTls;
    /// use std::sync::Arc;
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (chain, key) = (vec![made.cert.der().clone()], made.signing_key.into());
    /// let provider = Arc::new(ring::default_provider());
    /// let config = ServerTls::from_der(chain, key).provider(provider.clone()).build()?;
    /// assert!(Arc::ptr_eq(config.crypto_provider(), &provider));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.protocol.provider = Some(provider);
        self
    }

    /// Reads the files and makes the configuration.
    ///
    /// It blocks, as reading files does. Called again it reads them again, so that renewed certificates come into use
    /// ([`build_reloadable`](Self::build_reloadable) is for that without a new configuration);
    /// tickets of the earlier configuration are then of no use any more, and its clients make a full handshake.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or used, the key does not belong to the certificate, clients shall show a certificate
    /// and no root is named for them, a certificate does not hold the name it is for, a log of keys cannot be opened, a
    /// protocol name is no such thing, a suite or group is not known, or there is no provider: see
    /// [`TlsConfigFault`](crate::TlsConfigFault).
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// let one = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// let other = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// let mixed = ServerTls::from_der(vec![one.cert.der().clone()], other.signing_key.into());
    /// assert_eq!(mixed.build().unwrap_err().fault(), TlsConfigFault::KeyMismatch);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(&self) -> Result<Arc<ServerConfig>, TlsConfigError> {
        let provider = self.protocol.provider()?;
        let certificates = self.served.load(&provider)?;
        self.build_with(&provider, Arc::new(certificates))
    }

    /// Makes a configuration as [`build`](Self::build) does, whose certificates can be read again while it is in use.
    ///
    /// # Errors
    ///
    /// Those of [`build`](Self::build).
    ///
    /// ```
    /// use asyncnet_os::ServerTls;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # std::fs::write(&chain, made.cert.pem())?;
    /// # std::fs::write(&key, made.signing_key.serialize_pem())?;
    /// let (config, certificates) = ServerTls::from_files(&chain, &key).build_reloadable()?;
    /// // ... `config` serves a listener; the files are renewed, and on SIGHUP:
    /// certificates.reload()?;
    ///
    /// std::fs::remove_file(&chain)?;
    /// let error = certificates.reload().unwrap_err();
    /// assert_eq!(error.path(), Some(&*chain));
    /// # drop(config);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build_reloadable(&self) -> Result<(Arc<ServerConfig>, CertificateReload), TlsConfigError> {
        let provider = self.protocol.provider()?;
        let reload = CertificateReload::new(self.served.clone(), Arc::clone(&provider))?;
        let config = self.build_with(&provider, reload.resolver())?;
        Ok((config, reload))
    }

    fn build_with(
        &self,
        provider: &Arc<CryptoProvider>,
        certificates: Arc<dyn ResolvesServerCert>,
    ) -> Result<Arc<ServerConfig>, TlsConfigError> {
        let alpn = self.protocol.alpn()?;
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(self.protocol.versions.supported())
            .map_err(unsuitable)?
            .with_client_cert_verifier(self.client_verifier(provider)?)
            .with_cert_resolver(certificates);
        config.alpn_protocols = alpn;
        config.ignore_client_order = self.protocol.algorithms.orders_suites();
        config.max_early_data_size = self.early_data_bytes_max;
        let is_early = self.early_data_bytes_max > 0;
        let sessions = if is_early { self.sessions.in_memory() } else { self.sessions };
        sessions.apply(&mut config, provider)?;
        if let Some(key_log) = self.key_log.open()? {
            config.key_log = key_log;
        }
        Ok(Arc::new(config))
    }

    fn client_verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsConfigError> {
        // Whoever names roots or lists wants them looked at: forgetting to ask must not let everybody in.
        let unasked = match (self.client_roots.is_unset(), self.revocation.is_unset()) {
            (true, true) => ClientCertificates::Off,
            _ => ClientCertificates::Required,
        };
        let asked = self.client_certificates.unwrap_or(unasked);
        if asked == ClientCertificates::Off {
            return Ok(Arc::new(NoClientAuth));
        }
        if self.client_roots.is_unset() {
            return Err(
                TlsConfigError::new(TlsConfigFault::RootsMissing).because("none was named for clients")
            );
        }
        let roots = Arc::new(self.client_roots.load()?);
        let builder = self.revocation.client_verifier(&roots, provider)?;
        let builder = match asked {
            ClientCertificates::Optional => builder.allow_unauthenticated(),
            _ => builder,
        };
        Ok(builder.build().expect("there is a root, and each revocation list was parsed before"))
    }
}
