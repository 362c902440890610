//! Configurations of rustls, with the certificates of this module.
//!
//! Invariant: each names its provider of cryptography, and none is installed for the whole process.

use super::{Leaf, Root};
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::pki_types::ServerName;
use asyncnet_core::tls::rustls::server::WebPkiClientVerifier;
use asyncnet_core::tls::rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, crypto, version,
};
use std::sync::Arc;

/// The client's configuration for the versions: it trusts [`Root::Ca`], and has ring, no certificate and no ALPN.
#[must_use]
pub fn client(version: Version) -> Arc<ClientConfig> {
    ClientSetup::new(version).config()
}

/// The server's configuration for the versions: it is [`Leaf::Localhost`], and has ring, no client certificates and no
/// ALPN.
#[must_use]
pub fn server(version: Version) -> Arc<ServerConfig> {
    ServerSetup::new(version).config()
}

/// A name or address as rustls takes it.
///
/// # Panics
///
/// When the text is neither a DNS name nor an IP address.
///
/// ```
/// use asyncnet_conformance::pki;
///
/// assert_eq!(pki::server_name("localhost").to_str(), "localhost");
/// assert_eq!(pki::server_name("::1").to_str(), "::1");
/// ```
#[must_use]
pub fn server_name(text: &str) -> ServerName<'static> {
    ServerName::try_from(text.to_owned()).expect("a test gives a name that is one")
}

/// What a client is configured with.
///
/// ```
/// use asyncnet_conformance::pki::{ClientSetup, Leaf, Version};
/// use std::sync::Arc;
///
/// let setup = ClientSetup { identity: Some(Leaf::Client), alpn: &["imap"], ..ClientSetup::new(Version::Both) };
/// let config = setup.config();
/// assert_eq!(config.alpn_protocols, [b"imap"]);
///
/// // What is not among the fields is set on rustls' own type.
/// let mut config = Arc::unwrap_or_clone(config);
/// config.enable_sni = false;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ClientSetup {
    /// Where its cryptography comes from; [`Provider::Ring`] unless it matters.
    pub provider: Provider,
    /// The versions it offers.
    pub version: Version,
    /// Whom it trusts; [`Root::Ca`] alone by default.
    pub roots: &'static [Root],
    /// The certificate it answers with when the server asks for one; none by default.
    pub identity: Option<Leaf>,
    /// The protocols it offers, best first; none by default.
    pub alpn: &'static [&'static str],
}

impl ClientSetup {
    /// The defaults.
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self { provider: Provider::Ring, version, roots: &[Root::Ca], identity: None, alpn: &[] }
    }

    /// A new configuration: sessions are resumed among the connections that share it.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "every setup makes a configuration")]
    pub fn config(&self) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(self.provider.crypto())
            .with_protocol_versions(self.version.list())
            .expect("both providers have suites for both versions")
            .with_root_certificates(root_store(self.roots));
        let mut config = match self.identity {
            None => builder.with_no_client_auth(),
            Some(leaf) => builder
                .with_client_auth_cert(leaf.identity().chain.clone(), leaf.identity().clone_key())
                .expect("the key was made for the certificate"),
        };
        config.alpn_protocols = protocols(self.alpn);
        Arc::new(config)
    }
}

/// What a server is configured with.
///
/// ```
/// use asyncnet_conformance::pki::{ClientAuth, ServerSetup, Version};
///
/// let setup = ServerSetup { clients: ClientAuth::Required, tickets: 0, ..ServerSetup::new(Version::Tls13) };
/// assert_eq!(setup.config().send_tls13_tickets, 0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ServerSetup {
    /// Where its cryptography comes from; [`Provider::Ring`] unless it matters.
    pub provider: Provider,
    /// The versions it accepts.
    pub version: Version,
    /// Its certificate; [`Leaf::Localhost`] by default.
    pub leaf: Leaf,
    /// Whether it asks for the client's certificate, which must come from [`Root::Ca`]; off by default.
    pub clients: ClientAuth,
    /// The protocols it accepts, best first; none by default.
    pub alpn: &'static [&'static str],
    /// How many tickets it sends after a handshake of TLS 1.3; 2 by default, as rustls does.
    pub tickets: usize,
}

impl ServerSetup {
    /// The defaults.
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self {
            provider: Provider::Ring,
            version,
            leaf: Leaf::Localhost,
            clients: ClientAuth::Off,
            alpn: &[],
            tickets: 2,
        }
    }

    /// A new configuration: sessions are resumed among the connections that share it.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "every setup makes a configuration")]
    pub fn config(&self) -> Arc<ServerConfig> {
        let provider = self.provider.crypto();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.version.list())
            .expect("both providers have suites for both versions");
        let verifier = WebPkiClientVerifier::builder_with_provider(root_store(&[Root::Ca]).into(), provider);
        let verifier = match self.clients {
            ClientAuth::Off => Ok(WebPkiClientVerifier::no_client_auth()),
            ClientAuth::Optional => verifier.allow_unauthenticated().build(),
            ClientAuth::Required => verifier.build(),
        };
        let mut config = builder
            .with_client_cert_verifier(verifier.expect("it has a root and no revocation lists"))
            .with_single_cert(self.leaf.identity().chain.clone(), self.leaf.identity().clone_key())
            .expect("the key was made for the certificate");
        config.alpn_protocols = protocols(self.alpn);
        config.send_tls13_tickets = self.tickets;
        Arc::new(config)
    }
}

/// Which versions of TLS one side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2 alone.
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
    /// Either.
    Both,
}

impl Version {
    /// Each version alone.
    pub const EACH: [Self; 2] = [Self::Tls12, Self::Tls13];

    fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => const { &[&version::TLS12] },
            Self::Tls13 => const { &[&version::TLS13] },
            Self::Both => const { &[&version::TLS13, &version::TLS12] },
        }
    }
}

/// Where rustls' cryptography comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// ring.
    Ring,
    /// AWS-LC, which takes tens of milliseconds to start in each process.
    #[cfg(feature = "aws-lc-rs")]
    AwsLcRs,
}

impl Provider {
    /// Those that this library was built with.
    pub const ALL: &'static [Self] = &[
        Self::Ring,
        #[cfg(feature = "aws-lc-rs")]
        Self::AwsLcRs,
    ];

    /// The provider, with its default suites and groups.
    #[must_use]
    pub fn crypto(self) -> Arc<CryptoProvider> {
        Arc::new(match self {
            Self::Ring => crypto::ring::default_provider(),
            #[cfg(feature = "aws-lc-rs")]
            Self::AwsLcRs => crypto::aws_lc_rs::default_provider(),
        })
    }
}

/// Whether a server asks its clients for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// It does not ask.
    Off,
    /// It asks, and takes a client that has none.
    Optional,
    /// It refuses a client that has none.
    Required,
}

fn root_store(roots: &[Root]) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.certificate().clone()).expect("rustls reads what rcgen wrote");
    }
    store
}

fn protocols(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}
