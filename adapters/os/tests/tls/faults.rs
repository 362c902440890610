//! Every mistake is told when the configuration is built, with the file that it is in.

use crate::authority::{Authority, Files};
use asyncnet_core::tls::rustls::crypto::{CryptoProvider, ring};
use asyncnet_core::tls::rustls::{RootCertStore, SupportedCipherSuite};
use asyncnet_os::{ClientCertificates, ClientTls, ServerTls, TlsConfigError, TlsConfigFault, TlsVersions};
use std::error::Error;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// That a configuration fails so, in this file, which its message names first.
#[track_caller]
fn check<T>(result: Result<T, TlsConfigError>, fault: TlsConfigFault, path: Option<&Path>) -> TlsConfigError {
    let error = result.err().expect("it must not build");
    assert_eq!((error.fault(), error.path()), (fault, path), "{error}");
    if let Some(path) = path {
        assert!(error.to_string().starts_with(&format!("{}: ", path.display())), "{error}");
    }
    error
}

fn section(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn certificates_and_keys_that_cannot_be_used() {
    let files = Files::new();
    let authority = Authority::root("test authority");
    let site = authority.issue("site.test");
    let chain = files.write("chain.pem", &site.certificate);
    let key = files.write("key.pem", &site.key);
    let text = files.write("text.pem", "neither certificate nor key");
    let cut = files.write("cut.pem", &site.certificate.replace("-----END", "-----DNE"));
    let gone = files.folder().join("gone.pem");

    let both_sides = |chain: &Path, key: &Path, fault: TlsConfigFault, path: &Path| {
        check(ServerTls::from_files(chain, key).build(), fault, Some(path));
        check(ClientTls::new().bundled_roots().identity_files(chain, key).build(), fault, Some(path))
    };
    let error = both_sides(&gone, &key, TlsConfigFault::Unreadable, &gone);
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::NotFound));
    both_sides(&chain, &gone, TlsConfigFault::Unreadable, &gone);
    both_sides(files.folder(), &key, TlsConfigFault::Unreadable, files.folder());
    both_sides(&text, &key, TlsConfigFault::CertificateMissing, &text);
    both_sides(&key, &key, TlsConfigFault::CertificateMissing, &key);
    both_sides(&chain, &text, TlsConfigFault::KeyMissing, &text);
    both_sides(&chain, &chain, TlsConfigFault::KeyMissing, &chain);
    both_sides(&cut, &key, TlsConfigFault::PemMalformed, &cut);

    let damaged = files.write("damaged.pem", &section("CERTIFICATE", "QUI="));
    both_sides(&damaged, &key, TlsConfigFault::CertificateMalformed { at: 0 }, &damaged);
    let damaged = files.write("damaged-key.pem", &section("PRIVATE KEY", "QUI="));
    both_sides(&chain, &damaged, TlsConfigFault::KeyUnusable, &damaged);
}

#[test]
fn an_encrypted_key_is_told_from_a_broken_one() {
    let files = Files::new();
    let site = Authority::root("test authority").issue("site.test");
    let chain = files.write("chain.pem", &site.certificate);
    let new = section("ENCRYPTED PRIVATE KEY", "QUI=");
    let old = section("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nQUI=");
    for (name, text) in [("new.pem", new), ("old.pem", old)] {
        let key = files.write(name, &text);
        check(ServerTls::from_files(&chain, &key).build(), TlsConfigFault::KeyEncrypted, Some(&key));
        // Both in one file, as many programs have it.
        let both = files.write("both.pem", &format!("{}{text}", site.certificate));
        check(ServerTls::from_files(&both, &both).build(), TlsConfigFault::KeyEncrypted, Some(&both));
    }
}

#[test]
fn a_key_of_another_certificate_names_both_files() {
    let files = Files::new();
    let root = Authority::root("test authority");
    let (site, other) = (root.issue("site.test"), root.issue("other.test"));
    let chain = files.write("chain.pem", &site.certificate);
    let key = files.write("key.pem", &other.key);
    let error = check(ServerTls::from_files(&chain, &key).build(), TlsConfigFault::KeyMismatch, Some(&key));
    assert!(error.to_string().ends_with(&format!("({})", chain.display())), "{error}");

    let key = files.write("key.pem", &site.key);
    let reversed = files.write("reversed.pem", &format!("{}{}", root.certificate(), site.certificate));
    let fault = TlsConfigFault::ChainOrder { at: 1 };
    let error = check(ServerTls::from_files(&reversed, &key).build(), fault, Some(&reversed));
    assert!(error.to_string().ends_with(&format!("({})", key.display())), "{error}");
    check(ClientTls::new().bundled_roots().identity_files(&reversed, &key).build(), fault, Some(&reversed));
}

#[test]
fn roots_that_cannot_be_used() {
    let files = Files::new();
    let root = Authority::root("test authority");
    let site = root.issue("site.test");
    let chain = files.write("chain.pem", &site.certificate);
    let key = files.write("key.pem", &site.key);
    let gone = files.folder().join("gone");
    let text = files.write("text.pem", "no certificate");
    let second =
        files.write("second.pem", &format!("{}{}", root.certificate(), section("CERTIFICATE", "QUI=")));
    let cut = files.write("cut.pem", &root.certificate().replace("-----END", "-----DNE"));

    let both_sides = |path: &Path, fault: TlsConfigFault| {
        check(ClientTls::new().ca_file(path).build(), fault, Some(path));
        check(ServerTls::from_files(&chain, &key).client_ca_file(path).build(), fault, Some(path));
    };
    both_sides(&gone, TlsConfigFault::Unreadable);
    both_sides(&text, TlsConfigFault::CertificateMissing);
    both_sides(&second, TlsConfigFault::CertificateMalformed { at: 1 });
    both_sides(&cut, TlsConfigFault::PemMalformed);

    let empty = Files::new();
    let both_sides = |path: &Path, fault: TlsConfigFault| {
        check(ClientTls::new().ca_folder(path).build(), fault, Some(path));
        check(ServerTls::from_files(&chain, &key).client_ca_folder(path).build(), fault, Some(path));
    };
    both_sides(&gone, TlsConfigFault::Unreadable);
    both_sides(empty.folder(), TlsConfigFault::CertificateMissing);

    let empty = ClientTls::new().roots(RootCertStore::empty());
    check(empty.build(), TlsConfigFault::RootsMissing, None);
    check(empty.bundled_roots().build(), TlsConfigFault::RootsMissing, None);
    let server = ServerTls::from_files(&chain, &key).client_roots(RootCertStore::empty());
    check(server.build(), TlsConfigFault::RootsMissing, None);
    for asked in [ClientCertificates::Optional, ClientCertificates::Required] {
        let server = ServerTls::from_files(&chain, &key).client_certificates(asked);
        check(server.build(), TlsConfigFault::RootsMissing, None);
    }
}

#[test]
fn a_file_is_not_read_without_end() {
    let files = Files::new();
    let path = files.write("large.pem", "");
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(16 << 20).unwrap();
    check(ClientTls::new().ca_file(&path).build(), TlsConfigFault::CertificateMissing, Some(&path));
    file.set_len((16 << 20) + 1).unwrap();
    check(ClientTls::new().ca_file(&path).build(), TlsConfigFault::FileTooLarge, Some(&path));
}

#[test]
fn what_is_given_and_in_no_file() {
    let one = rcgen::generate_simple_self_signed(["one.test".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap();
    let (certificate, key) = (one.cert.der().clone(), one.signing_key);
    let server = |chain: Vec<_>| ServerTls::from_der(chain, key.serialize_der().try_into().unwrap());
    check(server(Vec::new()).build(), TlsConfigFault::CertificateMissing, None);
    check(server(vec![other.cert.der().clone()]).build(), TlsConfigFault::KeyMismatch, None);
    let reversed = vec![other.cert.der().clone(), certificate.clone()];
    check(server(reversed).build(), TlsConfigFault::ChainOrder { at: 1 }, None);
    check(server(vec![vec![0].into()]).build(), TlsConfigFault::CertificateMalformed { at: 0 }, None);

    let long = "x".repeat(256);
    for name in ["", &long] {
        check(server(vec![certificate.clone()]).alpn([name]).build(), TlsConfigFault::AlpnInvalid, None);
        check(ClientTls::new().bundled_roots().alpn([name]).build(), TlsConfigFault::AlpnInvalid, None);
    }

    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| matches!(suite, SupportedCipherSuite::Tls12(_)));
    let provider = Arc::new(provider);
    let server = server(vec![certificate]).provider(Arc::clone(&provider));
    check(server.versions(TlsVersions::Only13).build(), TlsConfigFault::ProviderUnsuitable, None);
    let client = ClientTls::new().bundled_roots().provider(provider);
    check(client.versions(TlsVersions::Only13).build(), TlsConfigFault::ProviderUnsuitable, None);
}

#[test]
fn no_process_wide_provider_is_used_or_set() {
    assert!(ClientTls::new().bundled_roots().build().is_ok());
    let made = rcgen::generate_simple_self_signed(["one.test".to_owned()]).unwrap();
    let server = ServerTls::from_der(vec![made.cert.der().clone()], made.signing_key.into());
    assert!(server.client_roots(Authority::root("test authority").store()).build().is_ok());
    // rustls sets it whenever something of its own asks for it.
    assert!(CryptoProvider::get_default().is_none());
}

#[test]
fn no_key_is_shown() {
    let made = rcgen::generate_simple_self_signed(["one.test".to_owned()]).unwrap();
    let (chain, key) = (vec![made.cert.der().clone()], made.signing_key);
    let (first, second) = (key.serialize_der()[0], key.serialize_der()[1]);
    let server = ServerTls::from_der(chain.clone(), key.serialize_der().try_into().unwrap());
    let client = ClientTls::new().identity_der(chain, key.into());
    for shown in [format!("{server:?}"), format!("{client:?}")] {
        assert!(shown.contains("elided") && !shown.contains(&format!("[{first}, {second}, ")), "{shown}");
    }
}
