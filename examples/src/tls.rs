//! TLS for a server, as its command line asks for it: with a certificate from files, or with one made on the spot.

use crate::program::Failure;
use asyncnet_driver::tls::rustls::crypto::CryptoProvider;
use asyncnet_driver::tls::rustls::crypto::hash::HashAlgorithm;
use asyncnet_driver::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use asyncnet_driver::tls::rustls::{ServerConfig, SupportedCipherSuite};
use asyncnet_os::{Address, ServerTls};
use clap::Args;
use rcgen::{CertificateParams, DnType, KeyPair};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// The part of a server's command line that is about TLS.
#[derive(Debug, Args)]
pub struct TlsArguments {
    /// Speak TLS, with this certificate: a PEM file, the server's own certificate first.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The certificate's private key, not encrypted: a PEM file, which may be the same.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Speak TLS, with a certificate that is made now and forgotten at the end: for localhost, its addresses, and the
    /// host of --listen. Its SHA-256 fingerprint is told on stdout, for whoever connects to compare.
    #[arg(long, conflicts_with_all = ["cert", "key"])]
    self_signed: bool,
}

/// How a server speaks TLS, if it does.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// For each connection's handshake; `None` is plaintext.
    pub config: Option<Arc<ServerConfig>>,
    /// The line that tells the fingerprint of a certificate that nobody has seen yet; empty for others.
    pub notice: String,
}

impl TlsArguments {
    /// Reads or makes the certificate, for a server that listens there.
    ///
    /// # Errors
    ///
    /// A file cannot be read or used, or does not go with the other: the message names it.
    pub fn load(&self, listen: &Address) -> Result<Tls, Failure> {
        let failed = |error| Failure::new("cannot speak TLS", error);
        if self.self_signed {
            let (certificate, key) = self_signed(names(listen))?;
            let config = ServerTls::from_der(vec![certificate.clone()], key).build().map_err(failed)?;
            let fingerprint = fingerprint(config.crypto_provider(), &certificate);
            return Ok(Tls { config: Some(config), notice: format!("certificate sha256 {fingerprint}\n") });
        }
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else { return Ok(Tls::default()) };
        let config = ServerTls::from_files(cert, key).build().map_err(failed)?;
        Ok(Tls { config: Some(config), notice: String::new() })
    }
}

/// A certificate by itself for these names and IP addresses, and its key.
///
/// # Errors
///
/// A name is not ASCII.
///
/// ```
/// use asyncnet_driver::tls::rustls::RootCertStore;
/// use asyncnet_examples::tls::self_signed;
/// use asyncnet_os::{ClientTls, ServerTls};
///
/// let (certificate, key) = self_signed(["mail.example", "192.0.2.1"])?;
/// let mut trusted = RootCertStore::empty();
/// trusted.add(certificate.clone())?;
/// assert!(ClientTls::new().roots(trusted).build().is_ok());
/// assert!(ServerTls::from_der(vec![certificate], key).build().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn self_signed(
    names: impl IntoIterator<Item: Into<String>>,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Failure> {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let what = format!("cannot make a certificate for {}", names.join(", "));
    let made = || {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "asyncnet example, self-signed");
        let key = KeyPair::generate()?;
        Ok::<_, rcgen::Error>((params.self_signed(&key)?.der().clone(), key.into()))
    };
    made().map_err(|error| Failure::new(what, error))
}

/// What a client may call a server that listens there: this machine, and the address unless it stands for all.
fn names(listen: &Address) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(Into::into).into();
    let own = match listen {
        Address::Host { host, .. } => host.clone(),
        Address::Inet(address) if !address.ip().is_unspecified() => address.ip().to_string(),
        _ => String::new(),
    };
    if !own.is_empty() && !names.contains(&own) {
        names.push(own);
    }
    names
}

/// A certificate's SHA-256 fingerprint, in the form of `openssl x509 -fingerprint -sha256`.
fn fingerprint(provider: &CryptoProvider, certificate: &CertificateDer<'_>) -> String {
    let sha256 = provider
        .cipher_suites
        .iter()
        .filter_map(SupportedCipherSuite::tls13)
        .map(|suite| suite.common.hash_provider)
        .find(|hash| hash.algorithm() == HashAlgorithm::SHA256)
        .expect("each provider has TLS_AES_128_GCM_SHA256, which RFC 8446, section 9.1, asks for");
    let mut text = String::new();
    for byte in sha256.hash(certificate).as_ref() {
        let colon = if text.is_empty() { "" } else { ":" };
        write!(text, "{colon}{byte:02X}").expect("a String takes everything");
    }
    text
}
