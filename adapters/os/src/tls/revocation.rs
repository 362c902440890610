//! Certificates that their authority took back: lists of them (CRLs, RFC 5280, section 5) from files.
//!
//! They are strict: a certificate that no list speaks of, or only one that is out of date, is not taken. Otherwise
//! whoever can keep a list from being renewed could go on with a stolen key.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use crate::tls::pem;
use asyncnet_core::tls::rustls::RootCertStore;
use asyncnet_core::tls::rustls::client::WebPkiServerVerifier;
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::pki_types::CertificateRevocationListDer;
use asyncnet_core::tls::rustls::server::{ClientCertVerifierBuilder, WebPkiClientVerifier};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct Revocation {
    files: Vec<PathBuf>,
    leaf_only: bool,
}

impl Revocation {
    pub(super) fn add_file(&mut self, path: PathBuf) {
        self.files.push(path);
    }

    pub(super) fn only_leaf(&mut self) {
        self.leaf_only = true;
    }

    /// Whether no list was named: then nothing is asked.
    pub(super) fn is_unset(&self) -> bool {
        self.files.is_empty()
    }

    /// What judges servers by these roots and lists.
    pub(super) fn server_verifier(
        &self,
        roots: &Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, TlsConfigError> {
        let crls = self.load(roots, provider)?;
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider));
        let builder = builder.with_crls(crls).enforce_revocation_expiration();
        let builder = if self.leaf_only { builder.only_check_end_entity_revocation() } else { builder };
        Ok(builder.build().expect("there is a root, and each list was parsed before"))
    }

    /// What judges clients by these roots and lists, to be completed.
    pub(super) fn client_verifier(
        &self,
        roots: &Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<ClientCertVerifierBuilder, TlsConfigError> {
        let crls = self.load(roots, provider)?;
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider));
        let builder = builder.with_crls(crls).enforce_revocation_expiration();
        Ok(if self.leaf_only { builder.only_check_end_entity_revocation() } else { builder })
    }

    /// All lists of all files, each of which can be used.
    fn load(
        &self,
        roots: &Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
        let mut gathered = Vec::new();
        for path in &self.files {
            for (at, crl) in pem::revocation_lists(path)?.into_iter().enumerate() {
                // One at a time, by a judge that is thrown away: rustls does not say which list it cannot parse.
                WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
                    .with_crls([crl.clone()])
                    .build()
                    .map_err(|error| {
                        let fault = TlsConfigFault::CrlMalformed { at };
                        TlsConfigError::new(fault).at(path).because(error)
                    })?;
                gathered.push(crl);
            }
        }
        Ok(gathered)
    }
}
