//! Who we are: a certificate chain and its private key.
//!
//! It sees to it that the two belong together before a peer does. It does not ask whether the chain leads to a root, or
//! is still valid: that is for the peer to judge.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use crate::tls::pem;
use asyncnet_core::tls::rustls;
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use asyncnet_core::tls::rustls::server::ParsedCertificate;
use asyncnet_core::tls::rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub(super) enum Identity {
    Files { chain: PathBuf, key: PathBuf },
    Der { chain: Vec<CertificateDer<'static>>, key: Arc<PrivateKeyDer<'static>> },
}

impl Identity {
    pub(super) fn der(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        Self::Der { chain, key: Arc::new(key) }
    }

    /// The file with the chain.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Files { chain, .. } => Some(chain),
            Self::Der { .. } => None,
        }
    }

    pub(super) fn load(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsConfigError> {
        match self {
            // The key first: where both are in one file, an encrypted key would look like a broken section there.
            Self::Files { chain, key } => {
                let key_der = pem::private_key(key)?;
                certify(pem::certificates(chain)?, key_der, provider).map_err(|error| match error.fault() {
                    TlsConfigFault::KeyMismatch => error.at(key).beside(chain),
                    TlsConfigFault::KeyUnusable => error.at(key),
                    TlsConfigFault::ChainOrder { .. } => error.at(chain).beside(key),
                    _ => error.at(chain),
                })
            }
            Self::Der { chain, key } => certify(chain.clone(), key.clone_key(), provider),
        }
    }
}

fn certify(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsConfigError> {
    let Some(leaf) = chain.first() else {
        return Err(TlsConfigError::new(TlsConfigFault::CertificateMissing));
    };
    let leaf_key = public_key(leaf).map_err(|error| {
        TlsConfigError::new(TlsConfigFault::CertificateMalformed { at: 0 }).because(error)
    })?;
    let signing = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| TlsConfigError::new(TlsConfigFault::KeyUnusable).because(error))?;
    match signing.public_key() {
        Some(own) if own != leaf_key => Err(TlsConfigError::new(misplaced(&chain, &own))),
        // A provider need not know its keys' public half; then the peer finds out.
        _ => Ok(CertifiedKey::new(chain, signing)),
    }
}

/// What is wrong with a chain whose first certificate has another key.
fn misplaced(chain: &[CertificateDer<'static>], own: &SubjectPublicKeyInfoDer<'_>) -> TlsConfigFault {
    let holds = |certificate| public_key(certificate).is_ok_and(|public| public == *own);
    match chain.iter().position(holds) {
        Some(at) => TlsConfigFault::ChainOrder { at },
        None => TlsConfigFault::KeyMismatch,
    }
}

fn public_key(certificate: &CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'static>, rustls::Error> {
    ParsedCertificate::try_from(certificate).map(|parsed| parsed.subject_public_key_info())
}
