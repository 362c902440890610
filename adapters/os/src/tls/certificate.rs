//! What a certificate says, for people and logs.
//!
//! A view and nothing more: that a certificate may be believed is for the verifiers to say, before anybody gets to see
//! it. Here it is only read, and what is read was chosen by whoever made the certificate.

use crate::tls::channel_binding;
use asyncnet_core::tls::rustls::pki_types::CertificateDer;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::time::SystemTime;
use x509_cert::Certificate as X509;
use x509_cert::der::{Decode as _, oid::AssociatedOid as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What a certificate says of whom, by whom and for how long (RFC 5280).
///
/// ```
/// use asyncnet_os::Certificate;
///
/// let made = rcgen::generate_simple_self_signed(["mail.example.org".to_owned(), "192.0.2.1".to_owned()])?;
/// let certificate = Certificate::parse(made.cert.der())?;
/// assert_eq!(certificate.dns_names(), ["mail.example.org"]);
/// assert_eq!(certificate.ip_addresses(), ["192.0.2.1".parse::<std::net::IpAddr>()?]);
/// assert_eq!(certificate.subject(), "CN=rcgen self signed cert");
/// assert_eq!(certificate.issuer(), certificate.subject());
/// assert!(certificate.not_before() < certificate.not_after());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    subject: String,
    issuer: String,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    not_before: SystemTime,
    not_after: SystemTime,
    serial: Vec<u8>,
    end_point: Option<Vec<u8>>,
}

/// A certificate that cannot be read.
///
/// ```
/// use asyncnet_os::{Certificate, CertificateUnreadable};
///
/// let error: CertificateUnreadable = Certificate::parse(&b"no certificate"[..].into()).unwrap_err();
/// assert!(error.to_string().starts_with("the certificate cannot be read: "));
/// ```
#[derive(Debug)]
pub struct CertificateUnreadable(x509_cert::der::Error);

impl Certificate {
    /// Reads a certificate, such as one of the chain that a peer showed.
    ///
    /// # Errors
    ///
    /// When it is no certificate of X.509, or has a list of names that cannot be read.
    ///
    /// See the example at [`Certificate`].
    pub fn parse(der: &CertificateDer<'_>) -> Result<Self, CertificateUnreadable> {
        let read = X509::from_der(der).map_err(CertificateUnreadable)?;
        let inner = read.tbs_certificate();
        let (mut dns_names, mut ip_addresses) = (Vec::new(), Vec::new());
        for extension in inner.extensions().into_iter().flatten() {
            if extension.extn_id != SubjectAltName::OID {
                continue;
            }
            let names =
                SubjectAltName::from_der(extension.extn_value.as_bytes()).map_err(CertificateUnreadable)?;
            for name in names.0 {
                match name {
                    GeneralName::DnsName(name) => dns_names.push(name.as_str().to_owned()),
                    GeneralName::IpAddress(octets) => ip_addresses.extend(address(octets.as_bytes())),
                    _ => {}
                }
            }
        }
        Ok(Self {
            subject: inner.subject().to_string(),
            issuer: inner.issuer().to_string(),
            dns_names,
            ip_addresses,
            not_before: inner.validity().not_before.to_system_time(),
            not_after: inner.validity().not_after.to_system_time(),
            serial: inner.serial_number().as_bytes().to_vec(),
            end_point: channel_binding::tls_server_end_point(der, read.signature_algorithm()),
        })
    }

    /// Whom it is for, as RFC 4514 writes names: `CN=mail.example.org,O=Example`; empty if only [`dns_names`] tell.
    ///
    /// [`dns_names`]: Self::dns_names
    ///
    /// See the example at [`Certificate`].
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who signed it, as RFC 4514 writes names.
    ///
    /// See the example at [`Certificate`].
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The servers it is for, in its order; one may begin with `*.`.
    ///
    /// See the example at [`Certificate`].
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// The addresses it is for, in its order.
    ///
    /// See the example at [`Certificate`].
    #[must_use]
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.ip_addresses
    }

    /// Since when it is valid, to the second.
    ///
    /// See the example at [`Certificate`].
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// Until when it is valid, to the second, which still belongs to it.
    ///
    /// ```
    /// use asyncnet_os::Certificate;
    /// use std::time::{Duration, SystemTime};
    ///
    /// fn is_to_be_renewed(certificate: &Certificate) -> bool {
    ///     certificate.not_after() < SystemTime::now() + Duration::from_secs(30 * 24 * 60 * 60)
    /// }
    /// # let made = rcgen::generate_simple_self_signed(["mail.example.org".to_owned()])?;
    /// # let certificate = Certificate::parse(made.cert.der())?;
    /// assert!(!is_to_be_renewed(&certificate));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Its number among those of its issuer: a signed integer, the most significant byte first.
    ///
    /// See the example at [`serial_hex`](Self::serial_hex).
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The same in hexadecimal digits, two a byte, without separators, as `openssl x509 -serial` writes it.
    ///
    /// ```
    /// use asyncnet_os::Certificate;
    ///
    /// let key = rcgen::KeyPair::generate()?;
    /// let mut params = rcgen::CertificateParams::new(["mail.example.org".to_owned()])?;
    /// params.serial_number = Some(vec![0x0a, 0xbc].into());
    /// let certificate = Certificate::parse(params.self_signed(&key)?.der())?;
    /// assert_eq!(certificate.serial(), [0x0a, 0xbc]);
    /// assert_eq!(certificate.serial_hex(), "0ABC");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn serial_hex(&self) -> String {
        let mut digits = String::with_capacity(2 * self.serial.len());
        for byte in &self.serial {
            write!(digits, "{byte:02X}").expect("memory takes what is written to it");
        }
        digits
    }

    /// The channel binding `tls-server-end-point` of a connection whose server showed this certificate (RFC 5929,
    /// section 4), for SCRAM and its like: its hash, by the hash function of its signature, by SHA-256 in place of MD5
    /// and SHA-1.
    ///
    /// `None` where the signature has no such function, as Ed25519 has none: there the binding is not defined.
    ///
    /// ```
    /// use asyncnet_os::Certificate;
    ///
    /// // rcgen signs with ECDSA and SHA-256 by default.
    /// let made = rcgen::generate_simple_self_signed(["mail.example.org".to_owned()])?;
    /// let certificate = Certificate::parse(made.cert.der())?;
    /// assert_eq!(certificate.tls_server_end_point().map(<[u8]>::len), Some(32));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn tls_server_end_point(&self) -> Option<&[u8]> {
        self.end_point.as_deref()
    }
}

/// Of 4 or 16 bytes (RFC 5280, section 4.2.1.6); what is of another length is no address, and passed over.
fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

impl Error for CertificateUnreadable {}

impl fmt::Display for CertificateUnreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate cannot be read: {}", self.0)
    }
}
