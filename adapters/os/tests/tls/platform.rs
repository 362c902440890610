//! Servers judged by the platform: here, where there is nothing to ask, by the system's roots.

use crate::handshakes::{Refused, Site, shake};
use asyncnet_core::tls::rustls::{CertificateError, Error};
use asyncnet_os::{ClientTls, TlsConfigFault};
use std::env;
use std::path::Path;
use std::process::Command;

/// The roots cannot be set in this process: they are in another, which runs the case below.
fn in_a_child(roots: &Path, chain: &Path, key: &Path) -> String {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "--nocapture", "platform::report_of_a_child"]);
    child.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR").env("CHAIN", chain).env("KEY", key);
    let output = child.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn report_of_a_child() {
    let path = |name| env::var_os(name).unwrap_or_default();
    let server = asyncnet_os::ServerTls::from_files(path("CHAIN"), path("KEY")).build().unwrap();
    match ClientTls::new().platform_verifier().build() {
        Ok(client) => match shake(&client, &server) {
            Ok(_) => println!("[trusted]"),
            Err(Refused::ByClient(Error::InvalidCertificate(CertificateError::UnknownIssuer))) => {
                println!("[unknown issuer]");
            }
            Err(other) => println!("[{other:?}]"),
        },
        Err(error) => println!("[{:?}]", error.fault()),
    }
}

#[test]
fn the_systems_roots_decide() {
    let (site, other) = (Site::new(), Site::new());
    let chain = site.files.write("chain.pem", &site.issued.certificate);
    let key = site.files.write("key.pem", &site.issued.key);
    let check = |certificate: &str, expected: &str| {
        let report = in_a_child(&site.files.write("roots.pem", certificate), &chain, &key);
        assert!(report.contains(expected), "{expected} is not in {report}");
    };
    check(&site.authority.certificate(), "[trusted]");
    // It has another key, and another name than the authority that signed: the roots' name is looked up.
    check(&other.authority.intermediate("another authority").certificate(), "[unknown issuer]");
    check("no certificate", "[RootsMissing]");
}

#[test]
fn it_takes_no_roots_and_lists_of_ours() {
    let conflict = |client: ClientTls| client.platform_verifier().build().unwrap_err().fault();
    assert_eq!(conflict(ClientTls::new().bundled_roots()), TlsConfigFault::VerifierConflict);
    assert_eq!(conflict(ClientTls::new().crl_file("some.crl")), TlsConfigFault::VerifierConflict);
}
