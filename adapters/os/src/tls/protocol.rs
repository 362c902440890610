//! What both sides choose alike: the versions, the application protocols, the provider of cryptography.

use crate::tls::algorithms::{Algorithms, Offer};
use crate::tls::error::{TlsConfigError, TlsConfigFault};
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::server::ProducesTickets;
use asyncnet_core::tls::rustls::version::{TLS12, TLS13};
use asyncnet_core::tls::rustls::{self, SupportedCipherSuite, SupportedProtocolVersion};
use std::sync::Arc;

/// Which versions of TLS are spoken. There is none below 1.2 (RFC 8996).
///
/// ```
/// use asyncnet_os::{ClientTls, TlsVersions};
///
/// assert_eq!(TlsVersions::default(), TlsVersions::AtLeast12);
/// assert!(ClientTls::new().bundled_roots().versions(TlsVersions::Only12).build().is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsVersions {
    /// TLS 1.2 and all newer ones that there are, the newest that both sides speak; the default.
    #[default]
    AtLeast12,
    /// TLS 1.2 alone.
    Only12,
    /// TLS 1.3 alone.
    Only13,
}

static NEWEST_FIRST: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

impl TlsVersions {
    pub(super) fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::AtLeast12 => &NEWEST_FIRST,
            Self::Only12 => &NEWEST_FIRST[1..],
            Self::Only13 => &NEWEST_FIRST[..1],
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Protocol {
    pub(super) versions: TlsVersions,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) provider: Option<Arc<CryptoProvider>>,
    pub(super) algorithms: Algorithms,
}

impl Protocol {
    pub(super) fn set_alpn(&mut self, protocols: impl IntoIterator<Item: AsRef<[u8]>>) {
        self.alpn = protocols.into_iter().map(|name| name.as_ref().to_vec()).collect();
    }

    /// Checked here: rustls takes any, and would put a length on the wire that was cut short.
    pub(super) fn alpn(&self) -> Result<Vec<Vec<u8>>, TlsConfigError> {
        let each = self.alpn.iter().all(|name| (1..=255).contains(&name.len()));
        let together: usize = self.alpn.iter().map(|name| 1 + name.len()).sum();
        if !each || together > usize::from(u16::MAX) {
            return Err(TlsConfigError::new(TlsConfigFault::AlpnInvalid));
        }
        Ok(self.alpn.clone())
    }

    pub(super) fn provider(&self) -> Result<Arc<CryptoProvider>, TlsConfigError> {
        let offer = self.provider.clone().map(Offer::of).or_else(default_offer);
        self.algorithms.choose(offer.ok_or_else(|| TlsConfigError::new(TlsConfigFault::ProviderMissing))?)
    }
}

/// A provider whose suites do not serve the versions, and the like.
pub(super) fn unsuitable(error: rustls::Error) -> TlsConfigError {
    TlsConfigError::new(TlsConfigFault::ProviderUnsuitable).because(error)
}

/// With the hybrid of X25519 and ML-KEM-768 first, which a recorder of today cannot open with a quantum computer later.
/// rustls puts it last unless a feature of it is on, and nobody would ever agree on it: both sides have one before it.
#[cfg(feature = "aws-lc-rs")]
fn default_offer() -> Option<Offer> {
    use rustls::crypto::aws_lc_rs;
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != rustls::NamedGroup::X25519MLKEM768);
    Some(Offer {
        provider: Arc::new(provider),
        cipher_suites: aws_lc_rs::ALL_CIPHER_SUITES.to_vec(),
        key_exchange_groups: aws_lc_rs::ALL_KX_GROUPS.to_vec(),
    })
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
fn default_offer() -> Option<Offer> {
    use rustls::crypto::ring;
    Some(Offer {
        provider: Arc::new(ring::default_provider()),
        cipher_suites: ring::ALL_CIPHER_SUITES.to_vec(),
        key_exchange_groups: ring::ALL_KX_GROUPS.to_vec(),
    })
}

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
fn default_offer() -> Option<Offer> {
    None
}

/// What seals session tickets, by the same cryptography as the provider's. `None` for a provider that is not rustls'
/// own: this is not among the things that a provider brings along.
pub(super) fn ticketer(
    provider: &CryptoProvider,
) -> Result<Option<Arc<dyn ProducesTickets>>, TlsConfigError> {
    type Make = fn() -> Result<Arc<dyn ProducesTickets>, rustls::Error>;
    let known: &[(&[SupportedCipherSuite], Make)] = &[
        #[cfg(feature = "aws-lc-rs")]
        (rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES, rustls::crypto::aws_lc_rs::Ticketer::new),
        #[cfg(feature = "ring")]
        (rustls::crypto::ring::ALL_CIPHER_SUITES, rustls::crypto::ring::Ticketer::new),
    ];
    let own = known.iter().find(|(suites, _)| shares_suite(provider, suites));
    own.map(|(_, make)| make()).transpose().map_err(unsuitable)
}

/// By address, as suites of the same name are equal, whoever computes them.
fn shares_suite(provider: &CryptoProvider, known: &[SupportedCipherSuite]) -> bool {
    use SupportedCipherSuite::{Tls12, Tls13};
    provider.cipher_suites.iter().any(|suite| {
        known.iter().any(|known| match (suite, known) {
            (Tls12(suite), Tls12(known)) => std::ptr::eq(*suite, *known),
            (Tls13(suite), Tls13(known)) => std::ptr::eq(*suite, *known),
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Protocol, ticketer};
    use asyncnet_core::tls::rustls::crypto::CryptoProvider;

    #[test]
    fn alpn_names_are_measured() {
        let check = |names: &[&str], expected: bool| {
            let mut protocol = Protocol::default();
            protocol.set_alpn(names);
            assert_eq!(protocol.alpn().is_ok(), expected, "{} names", names.len());
        };
        let (long, longer) = ("x".repeat(255), "x".repeat(256));
        check(&[], true);
        check(&["imap", &long], true);
        check(&[""], false);
        check(&["imap", &longer], false);
        check(&vec![long.as_str(); 255], true);
        check(&vec![long.as_str(); 256], false);
    }

    #[test]
    fn a_provider_of_somebody_elses_gets_no_ticketer() {
        let own = Protocol::default().provider().unwrap();
        assert!(ticketer(&own).unwrap().is_some_and(|ticketer| ticketer.enabled()));
        let foreign = CryptoProvider { cipher_suites: Vec::new(), ..CryptoProvider::clone(&own) };
        assert!(ticketer(&foreign).unwrap().is_none());
    }
}
