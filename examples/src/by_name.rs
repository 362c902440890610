//! What belongs to which host name: certificates and backends of a server that serves several.

use std::path::PathBuf;
use std::str::FromStr;

/// A host name, or `*.` and one, and what belongs to it; written `NAME=VALUE`.
///
/// ```
/// use asyncnet_examples::by_name::{Named, find};
///
/// let ports: Vec<Named<u16>> = ["*.example=1", "A.example=2"].map(|text| text.parse().unwrap()).into();
/// // Host names know no case (RFC 4343), and one in full goes before.
/// assert_eq!(find(&ports, "a.EXAMPLE"), Some(&2));
/// assert_eq!(find(&ports, "b.example"), Some(&1));
/// // One label takes the place of `*` (RFC 9525, section 6.3).
/// assert_eq!(find(&ports, "b.a.example"), None);
/// assert_eq!(find(&ports, "example"), None);
/// assert!("=1".parse::<Named<u16>>().is_err() && "a.example=x".parse::<Named<u16>>().is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// The name.
    pub name: String,
    /// What belongs to it.
    pub value: T,
}

/// What belongs to the name that a client asks for. Of two that are for the same name, the first counts.
///
/// See the example at [`Named`].
pub fn find<'a, T>(named: &'a [Named<T>], name: &str) -> Option<&'a T> {
    let in_full = named.iter().find(|entry| entry.name.eq_ignore_ascii_case(name));
    in_full.or_else(|| named.iter().find(|entry| entry.stands_for(name))).map(|entry| &entry.value)
}

impl<T> Named<T> {
    /// Whether it has a `*`, in the place of the first label of this name.
    fn stands_for(&self, name: &str) -> bool {
        let behind = |name: &'_ str| name.split_once('.').map(|(_, behind)| behind.to_ascii_lowercase());
        self.name.starts_with("*.") && behind(&self.name) == behind(name)
    }
}

impl<T: FromStr<Err: ToString>> FromStr for Named<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it has the form NAME=VALUE")?;
        if name.is_empty() {
            return Err("the name is missing".to_owned());
        }
        Ok(Self { name: name.to_owned(), value: value.parse().map_err(|error: T::Err| error.to_string())? })
    }
}

/// The files with a certificate and its key, which may be one file; written `CERT,KEY` or `FILE`.
///
/// ```
/// use asyncnet_examples::by_name::CertificateFiles;
///
/// let files: CertificateFiles = "cert.pem,key.pem".parse().unwrap();
/// assert_eq!((files.cert.to_str(), files.key.to_str()), (Some("cert.pem"), Some("key.pem")));
/// let files: CertificateFiles = "both.pem".parse().unwrap();
/// assert_eq!(files.cert, files.key);
/// ```
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// A PEM file, the server's own certificate first.
    pub cert: PathBuf,
    /// A PEM file with the private key, not encrypted.
    pub key: PathBuf,
}

impl FromStr for CertificateFiles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (cert, key) = text.split_once(',').unwrap_or((text, text));
        if cert.is_empty() || key.is_empty() {
            return Err("a file is missing".to_owned());
        }
        Ok(Self { cert: cert.into(), key: key.into() })
    }
}
