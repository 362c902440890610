//! The channel binding `tls-server-end-point`: a server's certificate, hashed (RFC 5929, section 4).

use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use x509_cert::der::asn1::{Any, ObjectIdentifier};
use x509_cert::der::{Decode as _, Tag, TagNumber, Tagged as _};
use x509_cert::spki::AlgorithmIdentifierOwned;

#[derive(Clone, Copy)]
enum Hash {
    /// What RFC 5929 replaces by SHA-256.
    Weak,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The hash functions of signatures (RFC 8017, appendix C; RFC 5758, section 3.2), and by their own names.
const HASHES: [(&str, Hash); 15] = [
    ("1.2.840.113549.1.1.4", Hash::Weak),
    ("1.2.840.113549.1.1.5", Hash::Weak),
    ("1.2.840.113549.1.1.14", Hash::Sha224),
    ("1.2.840.113549.1.1.11", Hash::Sha256),
    ("1.2.840.113549.1.1.12", Hash::Sha384),
    ("1.2.840.113549.1.1.13", Hash::Sha512),
    ("1.2.840.10045.4.1", Hash::Weak),
    ("1.2.840.10045.4.3.1", Hash::Sha224),
    ("1.2.840.10045.4.3.2", Hash::Sha256),
    ("1.2.840.10045.4.3.3", Hash::Sha384),
    ("1.2.840.10045.4.3.4", Hash::Sha512),
    ("2.16.840.1.101.3.4.2.4", Hash::Sha224),
    ("2.16.840.1.101.3.4.2.1", Hash::Sha256),
    ("2.16.840.1.101.3.4.2.2", Hash::Sha384),
    ("2.16.840.1.101.3.4.2.3", Hash::Sha512),
];
const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
const SHA1: &str = "1.3.14.3.2.26";

/// `None` where it is not defined.
pub(super) fn tls_server_end_point(der: &[u8], signature: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let hash = if signature.oid == oid(RSASSA_PSS) {
        hash_of_pss(signature.parameters.as_ref()?)?
    } else {
        hash_named(signature.oid)?
    };
    Some(match hash {
        Hash::Weak | Hash::Sha256 => Sha256::digest(der).to_vec(),
        Hash::Sha224 => Sha224::digest(der).to_vec(),
        Hash::Sha384 => Sha384::digest(der).to_vec(),
        Hash::Sha512 => Sha512::digest(der).to_vec(),
    })
}

fn hash_named(algorithm: ObjectIdentifier) -> Option<Hash> {
    HASHES.iter().find(|(name, _)| oid(name) == algorithm).map(|(_, hash)| *hash)
}

/// This scheme names its hash function among its parameters, in the field tagged 0; without it, it is SHA-1 (RFC 4055,
/// section 3.1).
fn hash_of_pss(parameters: &Any) -> Option<Hash> {
    let fields = parameters.decode_as::<Vec<Any>>().ok()?;
    let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    let Some(field) = fields.iter().find(|field| field.tag() == tag) else { return Some(Hash::Weak) };
    let named = AlgorithmIdentifierOwned::from_der(field.value()).ok()?.oid;
    if named == oid(SHA1) { Some(Hash::Weak) } else { hash_named(named) }
}

fn oid(name: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(name)
}
