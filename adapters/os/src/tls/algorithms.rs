//! Cipher suites and groups for the key exchange, chosen among a provider's by their registered names.
//!
//! The names are those of IANA's registries "TLS Cipher Suites" and "TLS Supported Groups", compared without regard to
//! ASCII case: rustls writes some of them in another. What was chosen is put in the place of what a provider has; how
//! the two sides agree on one of them is rustls' business.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use asyncnet_core::tls::rustls::crypto::{CryptoProvider, SupportedKxGroup};
use asyncnet_core::tls::rustls::{NamedGroup, SupportedCipherSuite};
use std::sync::Arc;

/// What is asked for by name; `None` for what the provider has by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Algorithms {
    cipher_suites: Option<Vec<String>>,
    key_exchange_groups: Option<Vec<String>>,
}

/// A provider, and all that it can do: more than it does by itself.
pub(super) struct Offer {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) cipher_suites: Vec<SupportedCipherSuite>,
    pub(super) key_exchange_groups: Vec<&'static dyn SupportedKxGroup>,
}

impl Offer {
    /// Of a provider that lists all that it has.
    pub(super) fn of(provider: Arc<CryptoProvider>) -> Self {
        let cipher_suites = provider.cipher_suites.clone();
        let key_exchange_groups = provider.kx_groups.clone();
        Self { provider, cipher_suites, key_exchange_groups }
    }
}

impl Algorithms {
    pub(super) fn set_cipher_suites(&mut self, names: impl IntoIterator<Item: AsRef<str>>) {
        self.cipher_suites = Some(names.into_iter().map(|name| name.as_ref().to_owned()).collect());
    }

    pub(super) fn set_key_exchange_groups(&mut self, names: impl IntoIterator<Item: AsRef<str>>) {
        self.key_exchange_groups = Some(names.into_iter().map(|name| name.as_ref().to_owned()).collect());
    }

    /// Whether suites were named: their order then counts on a server too.
    pub(super) fn orders_suites(&self) -> bool {
        self.cipher_suites.is_some()
    }

    /// The provider as it is, or one with the chosen ones alone.
    pub(super) fn choose(&self, offer: Offer) -> Result<Arc<CryptoProvider>, TlsConfigError> {
        if self.cipher_suites.is_none() && self.key_exchange_groups.is_none() {
            return Ok(offer.provider);
        }
        let mut provider = Arc::unwrap_or_clone(offer.provider);
        if let Some(names) = &self.cipher_suites {
            let fault = TlsConfigFault::CipherSuiteUnknown;
            provider.cipher_suites = pick(names, &offer.cipher_suites, suite_name, fault)?;
        }
        if let Some(names) = &self.key_exchange_groups {
            let fault = TlsConfigFault::KeyExchangeGroupUnknown;
            provider.kx_groups = pick(names, &offer.key_exchange_groups, |group| group_name(*group), fault)?;
        }
        Ok(Arc::new(provider))
    }
}

/// Those with these names, in the order of the names, each once: the protocol has no place for a second time.
fn pick<T: Copy>(
    names: &[String],
    all: &[T],
    name_of: impl Fn(&T) -> &'static str,
    fault: TlsConfigFault,
) -> Result<Vec<T>, TlsConfigError> {
    let mut picked: Vec<T> = Vec::with_capacity(names.len());
    for name in names {
        let Some(found) = all.iter().find(|one| name_of(one).eq_ignore_ascii_case(name)) else {
            let there_are = all.iter().map(&name_of).collect::<Vec<_>>().join(", ");
            let error = TlsConfigError::new(fault).named(name);
            return Err(error.because(format!("it has {there_are}")));
        };
        if !picked.iter().any(|one| name_of(one) == name_of(found)) {
            picked.push(*found);
        }
    }
    if picked.is_empty() {
        return Err(TlsConfigError::new(fault).because("the list is empty"));
    }
    Ok(picked)
}

/// rustls calls the suites of TLS 1.3 as no standard does.
fn suite_name(suite: &SupportedCipherSuite) -> &'static str {
    match suite.suite().as_str() {
        Some("TLS13_AES_128_GCM_SHA256") => "TLS_AES_128_GCM_SHA256",
        Some("TLS13_AES_256_GCM_SHA384") => "TLS_AES_256_GCM_SHA384",
        Some("TLS13_CHACHA20_POLY1305_SHA256") => "TLS_CHACHA20_POLY1305_SHA256",
        Some("TLS13_AES_128_CCM_SHA256") => "TLS_AES_128_CCM_SHA256",
        Some("TLS13_AES_128_CCM_8_SHA256") => "TLS_AES_128_CCM_8_SHA256",
        Some(other) => other,
        None => "unknown",
    }
}

fn group_name(group: &dyn SupportedKxGroup) -> &'static str {
    match group.name() {
        NamedGroup::X25519 => "x25519",
        NamedGroup::X448 => "x448",
        NamedGroup::secp256r1MLKEM768 => "SecP256r1MLKEM768",
        other => other.as_str().unwrap_or("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithms, Offer, suite_name};
    use crate::tls::error::{TlsConfigError, TlsConfigFault};
    use asyncnet_core::tls::rustls::NamedGroup;
    use asyncnet_core::tls::rustls::crypto::{CryptoProvider, ring};
    use std::sync::Arc;

    fn chosen(
        suites: Option<&[&str]>,
        groups: Option<&[&str]>,
    ) -> Result<Arc<CryptoProvider>, TlsConfigError> {
        let mut algorithms = Algorithms::default();
        if let Some(names) = suites {
            algorithms.set_cipher_suites(names);
        }
        if let Some(names) = groups {
            algorithms.set_key_exchange_groups(names);
        }
        algorithms.choose(Offer::of(Arc::new(ring::default_provider())))
    }

    #[test]
    fn names_are_found_whatever_their_case_and_keep_their_order() {
        let suites = [
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_CHACHA20_POLY1305_SHA256",
            "tls_aes_128_gcm_sha256",
            "TLS_CHACHA20_POLY1305_SHA256",
        ];
        let provider = chosen(Some(&suites), Some(&["SECP384R1", "X25519", "x25519"])).unwrap();
        let names: Vec<_> = provider.cipher_suites.iter().map(suite_name).collect();
        assert_eq!(names, [suites[0], suites[1], "TLS_AES_128_GCM_SHA256"]);
        let names: Vec<_> = provider.kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(names, [NamedGroup::secp384r1, NamedGroup::X25519]);
    }

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let all = ring::default_provider();
        let provider = chosen(Some(&["TLS_AES_256_GCM_SHA384"]), None).unwrap();
        assert_eq!((provider.cipher_suites.len(), provider.kx_groups.len()), (1, all.kx_groups.len()));
        let provider = chosen(None, Some(&["x25519"])).unwrap();
        assert_eq!((provider.cipher_suites.len(), provider.kx_groups.len()), (all.cipher_suites.len(), 1));
    }

    #[test]
    fn an_unknown_name_is_told_with_those_that_there_are() {
        let check = |suites, groups, fault, name: Option<&str>, there: &str| {
            let error = chosen(suites, groups).unwrap_err();
            assert_eq!((error.fault(), error.name()), (fault, name), "{error}");
            assert!(error.to_string().ends_with(there), "{error}");
        };
        // As OpenSSL calls it, and as rustls does.
        for name in ["ECDHE-RSA-AES128-GCM-SHA256", "TLS13_AES_128_GCM_SHA256"] {
            let error = chosen(Some(&["TLS_AES_128_GCM_SHA256", name]), None).unwrap_err();
            assert_eq!((error.fault(), error.name()), (TlsConfigFault::CipherSuiteUnknown, Some(name)));
            assert!(error.to_string().contains(" TLS_AES_128_GCM_SHA256, "), "{error}");
        }
        let unknown = TlsConfigFault::KeyExchangeGroupUnknown;
        let all = "it has x25519, secp256r1, secp384r1";
        check(None, Some(&["x25519", "P-256"][..]), unknown, Some("P-256"), all);
        check(None, Some(&["X25519MLKEM768"]), unknown, Some("X25519MLKEM768"), all);
        check(None, Some(&[]), unknown, None, "the list is empty");
        check(Some(&[]), None, TlsConfigFault::CipherSuiteUnknown, None, "the list is empty");
    }
}
