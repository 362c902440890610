//! The certificates, and the authorities that they are by.
//!
//! Invariant: they are made when first asked for, all at once, and stay the same until the process ends.

use asyncnet_core::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

/// A certificate that a client can be told to trust.
///
/// ```
/// use asyncnet_conformance::pki::{Leaf, Root};
///
/// assert_eq!(*Root::SelfSigned.certificate(), Leaf::SelfSigned.identity().chain[0]);
/// assert!(Root::Ca.pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The authority of everything that is in order.
    Ca,
    /// An authority that no configuration trusts by default.
    UnknownCa,
    /// The certificate of [`Leaf::SelfSigned`].
    SelfSigned,
}

impl Root {
    /// The certificate, in DER.
    #[must_use]
    pub fn certificate(self) -> &'static CertificateDer<'static> {
        match self {
            Self::Ca => pki().ca.der(),
            Self::UnknownCa => pki().unknown_ca.der(),
            Self::SelfSigned => &Leaf::SelfSigned.identity().chain[0],
        }
    }

    /// The certificate, in PEM.
    #[must_use]
    pub fn pem(self) -> String {
        match self {
            Self::Ca => pki().ca.pem(),
            Self::UnknownCa => pki().unknown_ca.pem(),
            Self::SelfSigned => Leaf::SelfSigned.identity().chain_pem().to_owned(),
        }
    }

    /// Writes the certificate to a file in the folder, in PEM, and returns its path.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn write_to(self, folder: &Path) -> io::Result<PathBuf> {
        let path = folder.join(format!("{self:?}.root.pem"));
        fs::write(&path, self.pem())?;
        Ok(path)
    }
}

/// Whose certificate it is, and what is wrong with it.
///
/// Unless it says otherwise, it is a server's, for the name `localhost` and the addresses 127.0.0.1 and `::1`, by
/// [`Root::Ca`], and valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Nothing is wrong with it.
    Localhost,
    /// It is for `wrong.example` alone.
    WrongName,
    /// It is for `localhost` alone, and for no address.
    NameOnly,
    /// Its time ended in 2001.
    Expired,
    /// Its time begins in 2999.
    NotYetValid,
    /// It is by itself.
    SelfSigned,
    /// It is by [`Root::UnknownCa`].
    UnknownIssuer,
    /// It is by an intermediate authority, whose certificate follows it in the chain.
    Intermediate,
    /// It is a client's.
    Client,
    /// It is a client's, by [`Root::UnknownCa`].
    UnknownClient,
}

impl Leaf {
    /// Every one, in the order above.
    pub const ALL: [Self; 10] = [
        Self::Localhost,
        Self::WrongName,
        Self::NameOnly,
        Self::Expired,
        Self::NotYetValid,
        Self::SelfSigned,
        Self::UnknownIssuer,
        Self::Intermediate,
        Self::Client,
        Self::UnknownClient,
    ];

    /// The certificate and its key.
    #[must_use]
    pub fn identity(self) -> &'static Identity {
        &pki().identities[self as usize]
    }
}

/// A certificate, those that lead to its root, and its key.
///
/// ```
/// use asyncnet_conformance::pki::Leaf;
///
/// let folder = tempfile::tempdir()?;
/// let files = Leaf::Intermediate.identity().write_to(folder.path())?;
/// let text = std::fs::read_to_string(files.chain)?;
/// assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Identity {
    /// The certificates, the leaf first, without the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key, as PKCS #8.
    pub key: PrivateKeyDer<'static>,
    chain_pem: String,
    key_pem: String,
    /// What its files are named after.
    name: String,
}

impl Identity {
    /// The key once more, to give away.
    #[must_use]
    pub fn clone_key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }

    /// The chain in PEM, the leaf first.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The key in PEM, as PKCS #8, not encrypted.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// Writes the chain and the key to files in the folder, in PEM, for another program to read.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn write_to(&self, folder: &Path) -> io::Result<Files> {
        let chain = folder.join(format!("{}.chain.pem", self.name));
        let key = folder.join(format!("{}.key.pem", self.name));
        fs::write(&chain, &self.chain_pem)?;
        fs::write(&key, &self.key_pem)?;
        Ok(Files { chain, key })
    }
}

/// Where an [`Identity`] was written.
#[derive(Clone, Debug)]
pub struct Files {
    /// The chain, the leaf first.
    pub chain: PathBuf,
    /// The leaf's key.
    pub key: PathBuf,
}

/// What is made once for each process.
struct Pki {
    ca: Certificate,
    unknown_ca: Certificate,
    /// In the order of [`Leaf::ALL`].
    identities: [Identity; Leaf::ALL.len()],
}

fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| make().expect("rcgen makes certificates of fixed parameters"))
}

fn make() -> Result<Pki, rcgen::Error> {
    let ca = Authority::root("asyncnet test CA")?;
    let unknown_ca = Authority::root("asyncnet unknown CA")?;
    let intermediate = Authority::below(&ca, "asyncnet intermediate CA")?;
    let mut identities = Vec::with_capacity(Leaf::ALL.len());
    for leaf in Leaf::ALL {
        let issuers: &[&Authority] = match leaf {
            Leaf::SelfSigned => &[],
            Leaf::UnknownIssuer | Leaf::UnknownClient => &[&unknown_ca],
            Leaf::Intermediate => &[&intermediate, &ca],
            _ => &[&ca],
        };
        identities.push(identity(leaf, issuers)?);
    }
    let identities = identities.try_into().expect("there is one for each leaf");
    Ok(Pki { ca: ca.certificate, unknown_ca: unknown_ca.certificate, identities })
}

/// The leaf, by the first of the issuers, of which the last is a root; by itself without any.
fn identity(leaf: Leaf, issuers: &[&Authority]) -> Result<Identity, rcgen::Error> {
    let name = format!("{leaf:?}");
    let (names, purpose): (&[&str], _) = match leaf {
        Leaf::WrongName => (&["wrong.example"], ExtendedKeyUsagePurpose::ServerAuth),
        Leaf::NameOnly => (&["localhost"], ExtendedKeyUsagePurpose::ServerAuth),
        Leaf::Client | Leaf::UnknownClient => (&["client.example"], ExtendedKeyUsagePurpose::ClientAuth),
        _ => (&["localhost", "127.0.0.1", "::1"], ExtendedKeyUsagePurpose::ServerAuth),
    };
    let mut params = params(&name, names)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    match leaf {
        Leaf::Expired => params.not_after = date_time_ymd(2001, 1, 1),
        Leaf::NotYetValid => params.not_before = date_time_ymd(2999, 1, 1),
        _ => {}
    }
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = match issuers.first() {
        None => params.self_signed(&key)?,
        Some(authority) => params.signed_by(&key, &authority.issuer)?,
    };
    let between = issuers.split_last().map_or(&[][..], |(_root, between)| between);
    let chain = || [&certificate].into_iter().chain(between.iter().map(|authority| &authority.certificate));
    Ok(Identity {
        chain: chain().map(|certificate| certificate.der().clone()).collect(),
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        chain_pem: chain().map(Certificate::pem).collect(),
        key_pem: key.serialize_pem(),
        name,
    })
}

/// Who signs, and its certificate.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn root(name: &str) -> Result<Self, rcgen::Error> {
        let (params, key) = Self::subject(name)?;
        Ok(Self { certificate: params.self_signed(&key)?, issuer: Issuer::new(params, key) })
    }

    fn below(parent: &Self, name: &str) -> Result<Self, rcgen::Error> {
        let (params, key) = Self::subject(name)?;
        Ok(Self { certificate: params.signed_by(&key, &parent.issuer)?, issuer: Issuer::new(params, key) })
    }

    fn subject(name: &str) -> Result<(CertificateParams, KeyPair), rcgen::Error> {
        let mut params = params(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok((params, KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?))
    }
}

/// What every certificate has: its holder's name, what it is for, and a time from 2000 to 3000.
fn params(name: &str, names: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(3000, 1, 1);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_what_the_memory_does() {
        use asyncnet_core::tls::rustls::pki_types::pem::PemObject;
        let folder = tempfile::tempdir().unwrap();
        for leaf in Leaf::ALL {
            let identity = leaf.identity();
            let files = identity.write_to(folder.path()).unwrap();
            let read = CertificateDer::pem_file_iter(&files.chain).unwrap();
            assert_eq!(read.collect::<Result<Vec<_>, _>>().unwrap(), identity.chain);
            assert_eq!(PrivateKeyDer::from_pem_file(&files.key).unwrap(), identity.key);
        }
        for root in [Root::Ca, Root::UnknownCa, Root::SelfSigned] {
            let path = root.write_to(folder.path()).unwrap();
            assert_eq!(CertificateDer::from_pem_file(path).unwrap(), *root.certificate());
        }
    }
}
