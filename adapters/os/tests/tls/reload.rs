//! Certificates that are renewed while a server goes on.

use crate::authority::{Authority, Files, Issued};
use crate::handshakes::shake_with;
use asyncnet_core::tls::rustls::pki_types::CertificateDer;
use asyncnet_core::tls::rustls::pki_types::pem::PemObject;
use asyncnet_core::tls::rustls::{ClientConnection, HandshakeKind};
use asyncnet_os::{ClientTls, ServerTls, TlsConfigFault};
use std::fs;
use std::io::{Read, Write};

fn shown(end: &ClientConnection) -> CertificateDer<'static> {
    end.peer_certificates().unwrap()[0].clone()
}

fn der(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

#[test]
fn a_renewed_certificate_is_shown_and_connections_go_on() {
    let (files, authority) = (Files::new(), Authority::root("test authority"));
    let write = |file: &str, issued: &Issued| {
        let chain = files.write(&format!("{file}.pem"), &issued.certificate);
        (chain, files.write(&format!("{file}.key"), &issued.key))
    };
    let (own, named) = (authority.issue("own.test"), authority.issue("a.test"));
    let (own_files, named_files) = (write("own", &own), write("named", &named));
    let (config, certificates) = ServerTls::from_files(&own_files.0, &own_files.1)
        .certificate_for("a.test", &named_files.0, &named_files.1)
        .build_reloadable()
        .unwrap();
    let client = ClientTls::new().roots(authority.store());
    let check = |name: &str, expected: &Issued| {
        let client = client.clone().build().unwrap();
        let (end, _) = shake_with(name, &client, &config).unwrap();
        assert_eq!(shown(&end), der(expected), "{name}");
    };
    check("own.test", &own);
    check("a.test", &named);
    let client_config = client.clone().build().unwrap();
    let (mut under_way, mut served) = shake_with("own.test", &client_config, &config).unwrap();

    // Renewed on disk, and not yet here.
    let (own_new, named_new) = (authority.issue("own.test"), authority.issue("a.test"));
    write("own", &own_new);
    write("named", &named_new);
    check("own.test", &own);
    certificates.clone().reload().unwrap();
    check("own.test", &own_new);
    check("a.test", &named_new);

    // What was under way goes on, and its session is good for another.
    under_way.writer().write_all(b"still here").unwrap();
    let mut wire = Vec::new();
    under_way.write_tls(&mut wire).unwrap();
    served.read_tls(&mut &*wire).unwrap();
    served.process_new_packets().unwrap();
    let mut text = [0; 10];
    served.reader().read_exact(&mut text).unwrap();
    assert_eq!(&text, b"still here");
    assert_eq!(shown(&under_way), der(&own));
    let (resumed, _) = shake_with("own.test", &client_config, &config).unwrap();
    assert_eq!(resumed.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn a_reload_that_fails_changes_nothing_and_names_the_file() {
    let (files, authority) = (Files::new(), Authority::root("test authority"));
    let (own, named) = (authority.issue("own.test"), authority.issue("a.test"));
    let own_chain = files.write("own.pem", &own.certificate);
    let own_key = files.write("own.key", &own.key);
    let named_chain = files.write("named.pem", &named.certificate);
    let named_key = files.write("named.key", &named.key);
    let server =
        ServerTls::from_files(&own_chain, &own_key).certificate_for("a.test", &named_chain, &named_key);
    let (config, certificates) = server.build_reloadable().unwrap();
    let check = |path, fault| {
        let error = certificates.reload().unwrap_err();
        assert_eq!((error.fault(), error.path()), (fault, Some(path)), "{error}");
        let client = ClientTls::new().roots(authority.store()).build().unwrap();
        for (name, issued) in [("own.test", &own), ("a.test", &named)] {
            let (end, _) = shake_with(name, &client, &config).unwrap();
            assert_eq!(shown(&end), der(issued), "{name}");
        }
    };
    // The first is good, the second is in the midst of being renewed: neither is taken.
    let (own_new, named_new) = (authority.issue("own.test"), authority.issue("a.test"));
    files.write("own.pem", &own_new.certificate);
    files.write("own.key", &own_new.key);
    files.write("named.pem", &named_new.certificate);
    check(&*named_key, TlsConfigFault::KeyMismatch);
    files.write("named.pem", &authority.issue("b.test").certificate);
    check(&*named_key, TlsConfigFault::KeyMismatch);
    fs::remove_file(&named_chain).unwrap();
    check(&*named_chain, TlsConfigFault::Unreadable);
    let other = authority.issue("b.test");
    files.write("named.pem", &other.certificate);
    files.write("named.key", &other.key);
    check(&*named_chain, TlsConfigFault::ServerNameMismatch);

    files.write("named.pem", &named_new.certificate);
    files.write("named.key", &named_new.key);
    certificates.reload().unwrap();
    let client = ClientTls::new().roots(authority.store()).build().unwrap();
    let (end, _) = shake_with("a.test", &client, &config).unwrap();
    assert_eq!(shown(&end), der(&named_new));
}
