//! Which certificate a server shows: by the name that a client asks for (SNI, RFC 6066, section 3), or always the same.
//!
//! Names are compared in lower case. A name in full goes before one with `*.`, and either before the server's own
//! certificate. That a certificate holds the name it is shown for is checked when it is loaded, so that no client has
//! to find out.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use crate::tls::identity::Identity;
use asyncnet_core::tls::rustls::client::verify_server_name;
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::pki_types::{DnsName, ServerName};
use asyncnet_core::tls::rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use asyncnet_core::tls::rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// Notes of where the certificates are.
#[derive(Clone, Debug, Default)]
pub(super) struct Served {
    own: Option<Identity>,
    named: Vec<(String, Identity)>,
}

/// The certificates themselves.
#[derive(Debug)]
pub(super) struct Certificates {
    own: Option<Arc<CertifiedKey>>,
    /// In lower case, without a dot at the end; `*.` stands before what follows one label.
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

impl Served {
    pub(super) fn by_default(own: Identity) -> Self {
        Self { own: Some(own), named: Vec::new() }
    }

    pub(super) fn add(&mut self, name: String, identity: Identity) {
        self.named.push((name, identity));
    }

    pub(super) fn load(&self, provider: &CryptoProvider) -> Result<Certificates, TlsConfigError> {
        let own = self.own.as_ref().map(|identity| identity.load(provider)).transpose()?.map(Arc::new);
        if own.is_none() && self.named.is_empty() {
            return Err(TlsConfigError::new(TlsConfigFault::CertificateMissing));
        }
        let mut by_name = HashMap::with_capacity(self.named.len());
        for (name, identity) in &self.named {
            let (key, asked) = normal(name)
                .ok_or_else(|| TlsConfigError::new(TlsConfigFault::ServerNameInvalid).named(name))?;
            let certified = identity.load(provider).map_err(|error| error.named(name))?;
            let holds = certified.end_entity_cert().and_then(ParsedCertificate::try_from);
            holds.and_then(|leaf| verify_server_name(&leaf, &asked)).map_err(|error| {
                let error =
                    TlsConfigError::new(TlsConfigFault::ServerNameMismatch).named(name).because(error);
                match identity.path() {
                    Some(path) => error.at(path),
                    None => error,
                }
            })?;
            by_name.insert(key, Arc::new(certified));
        }
        Ok(Certificates { own, by_name })
    }
}

/// How a name is looked for, and a name that the certificate must hold for it.
fn normal(name: &str) -> Option<(String, ServerName<'static>)> {
    let key = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    // Any label will do behind a `*`, so a certificate that holds one that nobody would list has the `*` itself.
    let asked = match key.strip_prefix("*.") {
        Some(parent) => format!("any-label-0123456789.{parent}"),
        None => key.clone(),
    };
    let asked = ServerName::DnsName(DnsName::try_from(asked).ok()?);
    Some((key, asked))
}

impl Certificates {
    pub(super) fn choose(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        name.and_then(|name| self.named(&name.to_ascii_lowercase())).or(self.own.as_ref()).cloned()
    }

    fn named(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        self.by_name.get(name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.by_name.get(&format!("*.{parent}"))
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name())
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn names_are_those_of_the_dns() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(normal(name).map(|(key, _)| key).as_deref(), expected, "{name:?}");
        };
        check("Mail.Example.ORG", Some("mail.example.org"));
        check("mail.example.org.", Some("mail.example.org"));
        check("*.example.org", Some("*.example.org"));
        check("localhost", Some("localhost"));
        for name in
            ["", ".", "*", "*.", "a.*.example.org", "*a.example.org", "a b", "127.0.0.1", "::1", "a..b"]
        {
            check(name, None);
        }
    }
}
