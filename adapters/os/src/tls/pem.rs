//! Certificates, keys and revocation lists out of PEM files (RFC 7468).
//!
//! It finds and decodes sections, and does not look into them: whether a certificate is one is for `roots.rs` and
//! `identity.rs`. Text around the sections, and sections of other kinds, are passed over, as everyone does.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use asyncnet_core::tls::rustls::pki_types::pem::{Error, PemObject};
use asyncnet_core::tls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// No file is read further. The bundle of all roots that the world trusts has 0.3 MiB.
pub(super) const FILE_BYTES_MAX: u64 = 16 << 20;

/// All certificates of a file, in its order; perhaps none.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    certificates_in(&read(path)?).map_err(|error| error.at(path))
}

/// The first private key of a file.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    private_key_in(&read(path)?).map_err(|error| error.at(path))
}

/// All revocation lists of a file, at least one; or the only one of a file that holds it in DER, as authorities publish
/// them (RFC 5280, section 4.2.1.13).
pub(super) fn revocation_lists(
    path: &Path,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
    revocation_lists_in(&read(path)?).map_err(|error| error.at(path))
}

/// A path may name a pipe: `--key <(pass show key)` is a good way to keep one off the disk.
fn read(path: &Path) -> Result<Vec<u8>, TlsConfigError> {
    let text = read_at_most(path).map_err(|error| TlsConfigError::unreadable(path, error))?;
    text.ok_or_else(|| TlsConfigError::new(TlsConfigFault::FileTooLarge).at(path))
}

fn read_at_most(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let len = File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut text)?;
    Ok((len as u64 <= FILE_BYTES_MAX).then_some(text))
}

fn certificates_in(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    CertificateDer::pem_slice_iter(unmarked(text))
        .collect::<Result<_, _>>()
        .map_err(|error| malformed(&error))
}

fn private_key_in(text: &[u8]) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    let text = unmarked(text);
    match PrivateKeyDer::pem_slice_iter(text).next() {
        Some(Ok(key)) => Ok(key),
        // The headers of the older form of encryption are no base64: asked before that is complained of.
        _ if holds_encrypted_key(text) => Err(TlsConfigError::new(TlsConfigFault::KeyEncrypted)),
        Some(Err(error)) => Err(malformed(&error)),
        None => Err(TlsConfigError::new(TlsConfigFault::KeyMissing)),
    }
}

fn revocation_lists_in(text: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
    // A SEQUENCE with a length of its own bytes: each list is longer than 127 bytes, and no text begins so.
    if let [0x30, 0x81..=0x84, ..] = text {
        return Ok(vec![text.to_vec().into()]);
    }
    let found = CertificateRevocationListDer::pem_slice_iter(unmarked(text)).collect::<Result<Vec<_>, _>>();
    match found.map_err(|error| malformed(&error))? {
        none if none.is_empty() => Err(TlsConfigError::new(TlsConfigFault::CrlMissing)),
        lists => Ok(lists),
    }
}

/// Without the byte order mark that some editors put first: the section behind it would be passed over.
fn unmarked(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// PKCS #8 has a label for it (RFC 7468, section 11), the older forms a header within the section (RFC 1421, section
/// 4.6.1.1).
fn holds_encrypted_key(text: &[u8]) -> bool {
    text.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| {
        line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || line.starts_with(b"Proc-Type:") && line.trim_ascii_end().ends_with(b"ENCRYPTED")
    })
}

/// In words of our own: the parser's show text of the file, as a list of numbers.
fn malformed(error: &Error) -> TlsConfigError {
    TlsConfigError::new(TlsConfigFault::PemMalformed).because(match error {
        Error::MissingSectionEnd { .. } => "a section has no END line",
        Error::IllegalSectionStart { .. } => "a BEGIN line does not end in five hyphens",
        Error::Base64Decode(_) => "a section is not base64",
        _ => "a section cannot be decoded",
    })
}

#[cfg(test)]
mod tests {
    use super::{certificates_in, private_key_in};
    use crate::tls::error::TlsConfigFault;
    use asyncnet_core::tls::rustls::pki_types::PrivateKeyDer;

    #[test]
    fn certificates_are_found_among_other_text() {
        let check = |text: &str, expected: Result<&[&[u8]], TlsConfigFault>| {
            let found = certificates_in(text.as_bytes());
            let found = found.map_err(|error| error.fault());
            let expected = expected.map(<[&[u8]]>::to_vec);
            assert_eq!(
                found.map(|found| found.iter().map(|der| der.to_vec()).collect::<Vec<_>>()),
                expected.map(|expected| expected.iter().map(|der| der.to_vec()).collect()),
                "{text:?}"
            );
        };
        let one = "-----BEGIN CERTIFICATE-----\nQUI=\n-----END CERTIFICATE-----\n";
        check("", Ok(&[]));
        check("no section", Ok(&[]));
        check(one, Ok(&[b"AB"]));
        check(&one.replace('\n', "\r\n"), Ok(&[b"AB"]));
        check(&format!("\u{feff}{one}"), Ok(&[b"AB"]));
        check(&format!("subject: x\n{one}more\n{one}"), Ok(&[b"AB", b"AB"]));
        check("-----BEGIN X509 CRL-----\nQUI=\n-----END X509 CRL-----\n", Ok(&[]));
        check("-----BEGIN CERTIFICATE-----\nQUI=\n", Err(TlsConfigFault::PemMalformed));
        check(&one.replace("QUI=", "?"), Err(TlsConfigFault::PemMalformed));
        check(&one.replace("CERTIFICATE-----\nQ", "CERTIFICATE----\nQ"), Err(TlsConfigFault::PemMalformed));
        // A good one does not make up for a bad one behind it.
        check(&format!("{one}{}", one.replace("QUI=", "?")), Err(TlsConfigFault::PemMalformed));
    }

    #[test]
    fn the_first_key_is_taken_and_an_encrypted_one_named() {
        let check = |text: &str, expected: Result<&str, TlsConfigFault>| {
            let found = private_key_in(text.as_bytes()).map_err(|error| error.fault());
            let kind = found.map(|key| match key {
                PrivateKeyDer::Pkcs1(_) => "PKCS #1",
                PrivateKeyDer::Sec1(_) => "SEC 1",
                PrivateKeyDer::Pkcs8(_) => "PKCS #8",
                _ => "another",
            });
            assert_eq!(kind, expected, "{text:?}");
        };
        let section =
            |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        check(&section("PRIVATE KEY", "QUI="), Ok("PKCS #8"));
        check(&section("RSA PRIVATE KEY", "QUI="), Ok("PKCS #1"));
        // As `openssl ecparam -genkey` writes it, and behind a certificate.
        let ec = section("EC PARAMETERS", "QUI=") + &section("EC PRIVATE KEY", "QUI=");
        check(&ec, Ok("SEC 1"));
        check(&(section("CERTIFICATE", "QUI=") + &ec), Ok("SEC 1"));

        check("", Err(TlsConfigFault::KeyMissing));
        check(&section("CERTIFICATE", "QUI="), Err(TlsConfigFault::KeyMissing));
        check(&section("OPENSSH PRIVATE KEY", "QUI="), Err(TlsConfigFault::KeyMissing));
        check(&section("PRIVATE KEY", "?"), Err(TlsConfigFault::PemMalformed));
        check(&section("ENCRYPTED PRIVATE KEY", "QUI="), Err(TlsConfigFault::KeyEncrypted));
        let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nQUI=";
        check(&section("RSA PRIVATE KEY", headers), Err(TlsConfigFault::KeyEncrypted));
        check(&section("EC PRIVATE KEY", headers).replace('\n', "\r\n"), Err(TlsConfigFault::KeyEncrypted));
    }
}
