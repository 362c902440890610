//! Why a TLS configuration cannot be made: what is wrong, and in which file.
//!
//! No text of a key is ever in an error.

use crate::tls::pem::FILE_BYTES_MAX;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A TLS configuration that cannot be made.
///
/// ```
/// use asyncnet_os::{ClientTls, TlsConfigFault};
/// use std::path::Path;
///
/// let error = ClientTls::new().ca_file("no/such/ca.pem").build().unwrap_err();
/// assert_eq!(error.fault(), TlsConfigFault::Unreadable);
/// assert_eq!(error.path(), Some(Path::new("no/such/ca.pem")));
/// assert!(error.to_string().starts_with("no/such/ca.pem: cannot be read: "));
/// ```
#[derive(Debug)]
pub struct TlsConfigError {
    fault: TlsConfigFault,
    path: Option<PathBuf>,
    /// The other file, where two do not fit each other.
    beside: Option<PathBuf>,
    /// What was asked for by a name.
    name: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What is wrong with a TLS configuration. Positions count from 0.
///
/// ```
/// use asyncnet_os::{ClientTls, TlsConfigFault};
///
/// let error = ClientTls::new().bundled_roots().alpn([""]).build().unwrap_err();
/// assert_eq!(error.fault(), TlsConfigFault::AlpnInvalid);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsConfigFault {
    /// A file or folder is not there, or cannot be read; the source is the [`io::Error`].
    Unreadable,
    /// A file of more than 16 MiB, which is no certificate and no key.
    FileTooLarge,
    /// A PEM section that does not end, or is not base64.
    PemMalformed,
    /// No certificate: none in PEM format in the file or folder, or an empty chain.
    CertificateMissing,
    /// Something in the place of a certificate that is none, or is none of X.509 version 3.
    CertificateMalformed {
        /// Which of the file's certificates.
        at: usize,
    },
    /// No private key in PEM format, be it PKCS #8, PKCS #1 or SEC 1.
    KeyMissing,
    /// A private key that needs a passphrase.
    KeyEncrypted,
    /// A private key that is damaged, or of a kind that the provider does not know.
    KeyUnusable,
    /// A private key that belongs to none of the chain's certificates.
    KeyMismatch,
    /// A private key that belongs to one of the chain's certificates, but not to the first, where that one must stand
    /// (RFC 8446, section 4.4.2).
    ChainOrder {
        /// Which certificate it belongs to.
        at: usize,
    },
    /// No trust root: the store that was given is empty, the system has none, or none was named for clients'
    /// certificates.
    RootsMissing,
    /// An ALPN protocol's name that is empty or of more than 255 bytes, or names of more than 65 535 bytes together
    /// (RFC 7301, section 3.1).
    AlpnInvalid,
    /// No provider of cryptography: none was given, and neither feature, `aws-lc-rs` or `ring`, is on.
    ProviderMissing,
    /// A provider that cannot do what is asked of it.
    ProviderUnsuitable,
    /// A cipher suite that the provider does not have, or a list of none.
    CipherSuiteUnknown,
    /// A group for the key exchange that the provider does not have, or a list of none.
    KeyExchangeGroupUnknown,
    /// A file for a log of keys that cannot be opened for writing; the source is the [`io::Error`].
    Unwritable,
    /// No revocation list: neither one in PEM format in the file, nor one that is the file, in DER.
    CrlMissing,
    /// A revocation list that cannot be used.
    CrlMalformed {
        /// Which of the file's lists.
        at: usize,
    },
    /// What should be a server's name, or `*.` and one, and is no name in the DNS.
    ServerNameInvalid,
    /// A server's name that the certificate for it does not hold.
    ServerNameMismatch,
    /// The platform is to judge servers, and roots or revocation lists were named that it knows nothing of.
    VerifierConflict,
}

impl TlsConfigError {
    pub(super) fn new(fault: TlsConfigFault) -> Self {
        Self { fault, path: None, beside: None, name: None, source: None }
    }

    pub(super) fn unreadable(path: &Path, error: io::Error) -> Self {
        Self::new(TlsConfigFault::Unreadable).at(path).because(error)
    }

    /// Of this file, unless it names one already.
    pub(super) fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    pub(super) fn beside(mut self, path: &Path) -> Self {
        self.beside = Some(path.to_owned());
        self
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    pub(super) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is wrong.
    ///
    /// ```
    /// use asyncnet_os::{ServerTls, TlsConfigFault};
    ///
    /// let error = ServerTls::from_files("no/chain.pem", "no/key.pem").build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::Unreadable);
    /// ```
    #[must_use]
    pub fn fault(&self) -> TlsConfigFault {
        self.fault
    }

    /// The file or folder in which it is wrong, if it is in one.
    ///
    /// ```
    /// use asyncnet_core::tls::rustls::RootCertStore;
    /// use asyncnet_os::ClientTls;
    ///
    /// let error = ClientTls::new().roots(RootCertStore::empty()).build().unwrap_err();
    /// assert_eq!(error.path(), None);
    /// ```
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The name of what is wrong, if it was asked for by one: of a cipher suite, a group, a server.
    ///
    /// ```
    /// use asyncnet_os::{ClientTls, TlsConfigFault};
    ///
    /// let error = ClientTls::new().bundled_roots().cipher_suites(["TLS_RSA_WITH_RC4_128_MD5"]).build().unwrap_err();
    /// assert_eq!(error.fault(), TlsConfigFault::CipherSuiteUnknown);
    /// assert_eq!(error.name(), Some("TLS_RSA_WITH_RC4_128_MD5"));
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl Error for TlsConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Of the kind that the file's own error has, else `InvalidInput`.
impl From<TlsConfigError> for io::Error {
    fn from(error: TlsConfigError) -> Self {
        let own = error.source().and_then(|source| source.downcast_ref::<Self>());
        let kind = own.map_or(io::ErrorKind::InvalidInput, Self::kind);
        Self::new(kind, error)
    }
}

impl fmt::Display for TlsConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        if let Some(name) = &self.name {
            write!(f, "{}: ", name.escape_debug())?;
        }
        self.fault.fmt(f)?;
        if let Some(beside) = &self.beside {
            write!(f, " ({})", beside.display())?;
        }
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TlsConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("cannot be read"),
            Self::FileTooLarge => {
                write!(f, "more than {FILE_BYTES_MAX} bytes, too much for certificates or a key")
            }
            Self::PemMalformed => f.write_str("the PEM format is broken"),
            Self::CertificateMissing => {
                f.write_str("no certificate; a PEM file has \"-----BEGIN CERTIFICATE-----\" before each")
            }
            Self::CertificateMalformed { at } => write!(f, "certificate {} cannot be used", at + 1),
            Self::KeyMissing => f.write_str("no private key in PEM format (PKCS #8, PKCS #1 or SEC 1)"),
            Self::KeyEncrypted => {
                f.write_str("the private key is encrypted; it must be stored without a passphrase")
            }
            Self::KeyUnusable => f.write_str("the private key cannot be used"),
            Self::KeyMismatch => f.write_str("the private key does not belong to the certificate"),
            Self::ChainOrder { at } => {
                write!(f, "certificate {} belongs to the private key and must come first", at + 1)
            }
            Self::RootsMissing => f.write_str("no trust root"),
            Self::AlpnInvalid => {
                f.write_str("an ALPN protocol's name has 1 to 255 bytes, and all of them at most 65535")
            }
            Self::ProviderMissing => f.write_str(
                "no provider of cryptography; turn on the feature \"aws-lc-rs\" or \"ring\", or give one",
            ),
            Self::ProviderUnsuitable => f.write_str("the provider of cryptography cannot be used"),
            Self::CipherSuiteUnknown => f.write_str("no cipher suite of the provider of cryptography"),
            Self::KeyExchangeGroupUnknown => {
                f.write_str("no key exchange group of the provider of cryptography")
            }
            Self::Unwritable => f.write_str("cannot be written"),
            Self::CrlMissing => {
                f.write_str("no revocation list; a PEM file has \"-----BEGIN X509 CRL-----\" before each")
            }
            Self::ServerNameInvalid => f.write_str("no name of a server, nor \"*.\" and one"),
            Self::ServerNameMismatch => f.write_str("the certificate does not hold this name"),
            Self::VerifierConflict => {
                f.write_str("the platform's verifier takes neither roots nor revocation lists from here")
            }
            Self::CrlMalformed { at } => write!(f, "revocation list {} cannot be used", at + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TlsConfigError, TlsConfigFault};
    use std::io;
    use std::path::Path;

    #[test]
    fn as_an_io_error_it_keeps_the_kind_and_the_name() {
        let inner = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = io::Error::from(TlsConfigError::unreadable(Path::new("key.pem"), inner));
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().starts_with("key.pem: cannot be read: "), "{error}");

        let error = io::Error::from(TlsConfigError::new(TlsConfigFault::RootsMissing));
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
