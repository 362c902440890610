//! Which certificate a client is shown, by the name that it asks for.

use crate::authority::{Authority, Files, Issued};
use crate::handshakes::{Refused, shake_with};
use asyncnet_core::tls::rustls::pki_types::CertificateDer;
use asyncnet_core::tls::rustls::pki_types::pem::PemObject;
use asyncnet_core::tls::rustls::{Error, ServerConfig};
use asyncnet_os::{ClientTls, ServerTls, TlsConfigFault};
use std::path::PathBuf;
use std::sync::Arc;

/// What is shown to a client that takes anything and asks for this name; for an address it asks for none.
fn shown(server: &Arc<ServerConfig>, name: &str) -> Result<CertificateDer<'static>, Refused> {
    let client = ClientTls::new().dangerous_accept_any_certificate().build().unwrap();
    let (end, _) = shake_with(name, &client, server)?;
    Ok(end.peer_certificates().unwrap()[0].clone())
}

fn der(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

fn put(files: &Files, issued: &Issued, name: &str) -> (PathBuf, PathBuf) {
    let chain = files.write(&format!("{name}.pem"), &issued.certificate);
    (chain, files.write(&format!("{name}.key"), &issued.key))
}

#[test]
fn the_name_that_a_client_asks_for_decides() {
    let (files, authority) = (Files::new(), Authority::root("test authority"));
    let [own, a, any, b] = ["own.test", "a.test", "*.a.test", "b.a.test"].map(|name| authority.issue(name));
    let (own_chain, own_key) = put(&files, &own, "own");
    let with_names = |server: ServerTls| {
        let mut server = server;
        for (name, issued, file) in [("A.test", &a, "a"), ("*.a.test", &any, "any"), ("b.a.test.", &b, "b")] {
            let (chain, key) = put(&files, issued, file);
            server = server.certificate_for(name, chain, key);
        }
        server.build().unwrap()
    };
    let open = with_names(ServerTls::from_files(own_chain, own_key));
    let closed = with_names(ServerTls::by_server_name());
    let nobody = Error::General("no server certificate chain resolved".into());
    let check = |name: &str, expected: Option<&Issued>| {
        assert_eq!(shown(&open, name).unwrap(), der(expected.unwrap_or(&own)), "{name}");
        let refused = expected.map(der).ok_or(Refused::ByServer(nobody.clone()));
        assert_eq!(shown(&closed, name), refused, "{name}");
    };
    check("a.test", Some(&a));
    check("A.Test", Some(&a));
    check("b.a.test", Some(&b));
    check("c.a.test", Some(&any));
    check("d.c.a.test", None);
    check("test", None);
    check("xa.test", None);
    check("own.test", None);
    check("127.0.0.1", None);
}

#[test]
fn a_certificate_must_hold_the_name_that_it_is_shown_for() {
    let (files, authority) = (Files::new(), Authority::root("test authority"));
    let check = |held: &str, name: &str, fault: Option<TlsConfigFault>| {
        let (chain, key) = put(&files, &authority.issue(held), "some");
        let built = ServerTls::by_server_name().certificate_for(name, &chain, key).build();
        assert_eq!(built.as_ref().err().map(asyncnet_os::TlsConfigError::fault), fault, "{held} {name}");
        let Err(error) = built else { return };
        assert_eq!(error.name(), Some(name));
        let path = (error.fault() != TlsConfigFault::ServerNameInvalid).then_some(&*chain);
        assert_eq!(error.path(), path, "{error}");
    };
    check("a.test", "a.test", None);
    check("*.a.test", "b.a.test", None);
    check("*.a.test", "*.a.test", None);
    check("a.test", "b.test", Some(TlsConfigFault::ServerNameMismatch));
    check("b.a.test", "*.a.test", Some(TlsConfigFault::ServerNameMismatch));
    check("*.a.test", "a.test", Some(TlsConfigFault::ServerNameMismatch));
    check("a.test", "127.0.0.1", Some(TlsConfigFault::ServerNameInvalid));
    check("a.test", "*", Some(TlsConfigFault::ServerNameInvalid));

    let error =
        ServerTls::by_server_name().certificate_for("a.test", "no/a.pem", "no/a.key").build().unwrap_err();
    assert_eq!((error.fault(), error.name()), (TlsConfigFault::Unreadable, Some("a.test")));
    let error = ServerTls::by_server_name().build().unwrap_err();
    assert_eq!(error.fault(), TlsConfigFault::CertificateMissing);
}

#[test]
fn a_name_that_is_given_again_gets_the_later_certificate() {
    let (files, authority) = (Files::new(), Authority::root("test authority"));
    let (first, second) = (authority.issue("a.test"), authority.issue("a.test"));
    let mut server = ServerTls::by_server_name();
    for (issued, name) in [(&first, "first"), (&second, "second")] {
        let (chain, key) = put(&files, issued, name);
        server = server.certificate_for("a.test", chain, key);
    }
    assert_eq!(shown(&server.build().unwrap(), "a.test"), Ok(der(&second)));
}
