//! Configurations for connections of the properties: every one is made once for each process, and used again.
//!
//! Their time stands still, their random numbers repeat (see [`crypto`](super::crypto)), and whoever is not ours lies.

use super::crypto::Crypto;
use super::oracle::Oracle;
use super::stock::Stock;
use crate::pki::{Leaf, Provider, Root, Version, server_name};
use asyncnet_core::tls::StartTls;
use asyncnet_core::tls::rustls::client::Resumption;
use asyncnet_core::tls::rustls::pki_types::{ServerName, UnixTime};
use asyncnet_core::tls::rustls::server::WebPkiClientVerifier;
use asyncnet_core::tls::rustls::time_provider::TimeProvider;
use asyncnet_core::tls::rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion, version,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Which handshake two ends are to make, and who of them is under test.
///
/// ```
/// use asyncnet_conformance::pki::Version;
/// use asyncnet_conformance::properties::tls::{Kind, Setup, Tested};
///
/// let setup = Setup { kind: Kind::Resumed, ..Setup::new(Tested::Client, Version::Tls13) };
/// assert!(setup.ends().client.enable_sni);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Who of both is under test: the others can seal what no honest peer would.
    pub tested: Tested,
    /// The one version that both speak.
    pub version: Version,
    /// What handshake they make.
    pub kind: Kind,
    /// The client's cryptography.
    pub client: Provider,
    /// The server's cryptography.
    pub server: Provider,
}

/// Who is under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tested {
    /// The client.
    Client,
    /// The server.
    Server,
    /// Client and server.
    Both,
}

/// What is special about a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Full,
    /// It resumes an earlier session.
    Resumed,
    /// The server asks for the client's certificate, and gets it.
    ClientCertificate,
    /// The server has a group that the client sent no key for: in TLS 1.3 there is a second hello.
    Retried,
    /// The server's certificates take several records.
    LongChain,
    /// The keys are to be changed after a few records; TLS 1.2 cannot, and so there they are the tested ones' alone.
    ShortLived,
}

impl Kind {
    /// Every one, in the order above.
    pub const ALL: [Self; 6] = [
        Self::Full,
        Self::Resumed,
        Self::ClientCertificate,
        Self::Retried,
        Self::LongChain,
        Self::ShortLived,
    ];
}

/// The configurations of both ends.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The client's.
    pub client: Arc<ClientConfig>,
    /// The server's.
    pub server: Arc<ServerConfig>,
}

impl Setup {
    /// A full handshake, over ring.
    #[must_use]
    pub const fn new(tested: Tested, version: Version) -> Self {
        let provider = Provider::Ring;
        Self { tested, version, kind: Kind::Full, client: provider, server: provider }
    }

    /// One of them all, by the numbers of a script: the first counts who is tested, then versions, then kinds; the second
    /// the two providers, ours first.
    pub(super) fn of(which: usize, providers: usize) -> Self {
        let tested = if which % 2 == 0 { Tested::Client } else { Tested::Server };
        let version = if which / 2 % 2 == 0 { Version::Tls13 } else { Version::Tls12 };
        let kind = Kind::ALL[which / 4 % Kind::ALL.len()];
        let provider = |n: usize| Provider::ALL[n % Provider::ALL.len()];
        let (ours, theirs) = (provider(providers), provider(providers / 2));
        let (client, server) = if tested == Tested::Client { (ours, theirs) } else { (theirs, ours) };
        Self { tested, version, kind, client, server }
    }

    /// The same, with keys that last.
    pub(super) fn long_lived(self) -> Self {
        let kind = if self.kind == Kind::ShortLived { Kind::Full } else { self.kind };
        Self { kind, ..self }
    }

    /// The configurations. A session to resume is provided first, where one is wanted.
    #[must_use]
    pub fn ends(self) -> Ends {
        static MADE: Mutex<Vec<(Setup, Ends, Stock)>> = Mutex::new(Vec::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let at = made.iter().position(|(setup, ..)| *setup == self).unwrap_or_else(|| {
            let (ends, stock) = self.make();
            made.push((self, ends, stock));
            made.len() - 1
        });
        let (_, ends, stock) = &made[at];
        if self.kind == Kind::Resumed {
            stock.fill(ends);
        }
        ends.clone()
    }

    fn make(self) -> (Ends, Stock) {
        let stock = Stock::default();
        let mut client = self.client();
        client.resumption = match self.kind {
            Kind::Resumed => Resumption::store(Arc::new(stock.client())),
            _ => Resumption::disabled(),
        };
        let mut server = self.server();
        server.session_storage = Arc::new(stock.server());
        (Ends { client: Arc::new(client), server: Arc::new(server) }, stock)
    }

    /// Whether the keys of one end are. Over TLS 1.2 those of a peer would end its direction, of itself.
    fn is_short_lived(self, end: Tested) -> bool {
        let ours = self.tested == end || self.tested == Tested::Both;
        self.kind == Kind::ShortLived && (ours || self.version == Version::Tls13)
    }

    fn client(self) -> ClientConfig {
        let crypto = Crypto {
            provider: self.client,
            lies: self.tested == Tested::Server,
            retries: false,
            short_lived: self.is_short_lived(Tested::Client),
        };
        let builder = ClientConfig::builder_with_details(crypto.provider(), Arc::new(Still))
            .with_protocol_versions(versions(self.version))
            .expect("both providers have suites for both versions")
            .with_root_certificates(roots());
        if self.kind != Kind::ClientCertificate {
            return builder.with_no_client_auth();
        }
        let identity = Leaf::Client.identity();
        builder
            .with_client_auth_cert(identity.chain.clone(), identity.clone_key())
            .expect("the key was made for the certificate")
    }

    fn server(self) -> ServerConfig {
        let crypto = Crypto {
            provider: self.server,
            lies: self.tested == Tested::Client,
            retries: self.kind == Kind::Retried,
            short_lived: self.is_short_lived(Tested::Server),
        };
        let provider = crypto.provider();
        let builder = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(Still))
            .with_protocol_versions(versions(self.version))
            .expect("both providers have suites for both versions");
        let builder = if self.kind == Kind::ClientCertificate {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots().into(), provider).build();
            builder.with_client_cert_verifier(verifier.expect("it has a root and no revocation lists"))
        } else {
            builder.with_no_client_auth()
        };
        let identity = Leaf::Localhost.identity();
        let mut chain = identity.chain.clone();
        if self.kind == Kind::LongChain {
            chain.extend((0..CHAIN_LEN).map(|_| Root::UnknownCa.certificate().clone()));
        }
        builder
            .with_single_cert(chain, identity.clone_key())
            .expect("the key was made for the first of the certificates")
    }
}

impl Ends {
    /// How the tested side begins, if one is.
    ///
    /// # Panics
    ///
    /// If both are.
    pub fn start(&self, tested: Tested) -> StartTls {
        match tested {
            Tested::Client => self.start_client(),
            Tested::Server => StartTls::server(&self.server),
            Tested::Both => panic!("there are two"),
        }
    }

    /// How a client under test begins.
    #[expect(clippy::missing_panics_doc, reason = "the name is one")]
    pub fn start_client(&self) -> StartTls {
        StartTls::client(&self.client, "localhost").expect("it is a name")
    }

    /// The peer of the tested side.
    ///
    /// # Panics
    ///
    /// If both are tested.
    #[must_use]
    pub fn oracle(&self, tested: Tested) -> Oracle {
        match tested {
            Tested::Client => Oracle::server(&self.server),
            Tested::Server => Oracle::client(&self.client),
            Tested::Both => panic!("there is none"),
        }
    }

    /// The same, with records of at most `bytes` bytes, header included, from whoever is not tested.
    #[must_use]
    pub fn with_fragments(&self, tested: Tested, bytes: usize) -> Self {
        let mut ends = self.clone();
        match tested {
            Tested::Client => Arc::make_mut(&mut ends.server).max_fragment_size = Some(bytes),
            Tested::Server => Arc::make_mut(&mut ends.client).max_fragment_size = Some(bytes),
            Tested::Both => {}
        }
        ends
    }
}

/// How many certificates a long chain has that lead nowhere: some 25 KB.
const CHAIN_LEN: usize = 60;

fn versions(one: Version) -> &'static [&'static SupportedProtocolVersion] {
    match one {
        Version::Tls12 => const { &[&version::TLS12] },
        Version::Tls13 => const { &[&version::TLS13] },
        Version::Both => const { &[&version::TLS13, &version::TLS12] },
    }
}

fn roots() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add(Root::Ca.certificate().clone()).expect("rustls reads what rcgen wrote");
    store
}

/// The time at which all handshakes are made: the middle of 2026.
#[derive(Debug)]
struct Still;

impl TimeProvider for Still {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1_782_000_000)))
    }
}

/// The name that the server's certificate is for.
pub(super) fn name() -> ServerName<'static> {
    server_name("localhost")
}
