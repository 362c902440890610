//! Certificates that were taken back, and lists of them that are old, missing or broken.

use crate::authority::{Authority, Issued};
use crate::handshakes::{Refused, Site, alert, shake};
use TlsVersions::{Only12, Only13};
use asyncnet_core::tls::rustls::{AlertDescription, CertificateError, Error};
use asyncnet_os::{ClientTls, ServerTls, TlsConfigFault, TlsVersions};
use std::path::{Path, PathBuf};

const THIS_CENTURY: i32 = 2099;

fn files(site: &Site, issued: &Issued, intermediates: &str) -> (PathBuf, PathBuf) {
    let chain = site.files.write("numbered.pem", &format!("{}{intermediates}", issued.certificate));
    (chain, site.files.write("numbered.key", &issued.key))
}

/// What a client with these lists says to a server with this certificate, and a server to a client with it.
fn check(
    site: &Site,
    (chain, key): &(PathBuf, PathBuf),
    crls: &[&Path],
    leaf_only: bool,
    expected: Option<(&CertificateError, AlertDescription)>,
) {
    for versions in [Only12, Only13] {
        let (mut client, mut server) = (site.client(), site.server().client_roots(site.authority.store()));
        for path in crls {
            (client, server) = (client.crl_file(path), server.crl_file(path));
        }
        if leaf_only {
            (client, server) = (client.crl_leaf_only(), server.crl_leaf_only());
        }
        let peer = ServerTls::from_files(chain, key).versions(versions).build().unwrap();
        let client = client.build().unwrap();
        let refused = shake(&client, &peer).err().map(|refused| match refused {
            Refused::ByClient(Error::InvalidCertificate(why)) => why,
            other => panic!("{versions:?}: {other:?}"),
        });
        assert!(alike(refused.as_ref(), expected.map(|(why, _)| why)), "{versions:?}: {refused:?}");
        assert_eq!(alert(&client, &peer), expected.map(|(_, alert)| alert), "{versions:?}");

        let peer = site.client().identity_files(chain, key).versions(versions).build().unwrap();
        let server = server.build().unwrap();
        let refused = shake(&peer, &server).err().map(|refused| match refused {
            Refused::ByServer(Error::InvalidCertificate(why)) => why,
            other => panic!("{versions:?}: {other:?}"),
        });
        assert!(alike(refused.as_ref(), expected.map(|(why, _)| why)), "{versions:?}: {refused:?}");
        assert_eq!(alert(&peer, &server), expected.map(|(_, alert)| alert), "{versions:?}");
    }
}

/// rustls says of a list that is out of date also since when.
fn alike(found: Option<&CertificateError>, expected: Option<&CertificateError>) -> bool {
    match (found, expected) {
        (
            Some(CertificateError::ExpiredRevocationListContext { .. }),
            Some(CertificateError::ExpiredRevocationList),
        ) => true,
        _ => found == expected,
    }
}

const REVOKED: Option<(&CertificateError, AlertDescription)> =
    Some((&CertificateError::Revoked, AlertDescription::CertificateRevoked));
const UNKNOWN: Option<(&CertificateError, AlertDescription)> =
    Some((&CertificateError::UnknownRevocationStatus, AlertDescription::UnknownCA));
const EXPIRED: Option<(&CertificateError, AlertDescription)> =
    Some((&CertificateError::ExpiredRevocationList, AlertDescription::UnknownCA));

#[test]
fn a_revoked_certificate_is_refused_and_told_so() {
    let site = Site::new();
    let list = site.authority.revoke(&[7, 9], THIS_CENTURY);
    let pem = site.files.write("list.pem", &list.pem().unwrap());
    let der = site.files.write_bytes("list.crl", list.der());
    let (good, bad) = (site.authority.issue_numbered("site.test", Some(8)), {
        site.authority.issue_numbered("site.test", Some(9))
    });
    for path in [&*pem, &*der] {
        check(&site, &files(&site, &good, ""), &[path], false, None);
        check(&site, &files(&site, &bad, ""), &[path], false, REVOKED);
    }
    // Nobody asks unless a list is named.
    check(&site, &files(&site, &bad, ""), &[], false, None);
    check(&site, &files(&site, &bad, ""), &[], true, None);
}

#[test]
fn a_certificate_of_which_no_list_speaks_is_refused() {
    let site = Site::new();
    let issued = files(&site, &site.authority.issue("site.test"), "");
    let elsewhere = Authority::root("another authority").revoke(&[], THIS_CENTURY);
    let elsewhere = site.files.write("elsewhere.pem", &elsewhere.pem().unwrap());
    let ours = site.files.write("ours.pem", &site.authority.revoke(&[], THIS_CENTURY).pem().unwrap());
    check(&site, &issued, &[&elsewhere], false, UNKNOWN);
    check(&site, &issued, &[&elsewhere], true, UNKNOWN);
    check(&site, &issued, &[&elsewhere, &ours], false, None);
}

#[test]
fn a_list_that_is_out_of_date_does_not_count() {
    let site = Site::new();
    let issued = files(&site, &site.authority.issue_numbered("site.test", Some(8)), "");
    let old = site.files.write("old.pem", &site.authority.revoke(&[], 2016).pem().unwrap());
    check(&site, &issued, &[&old], false, EXPIRED);
}

#[test]
fn authorities_in_between_are_looked_up_too_unless_told_otherwise() {
    let site = Site::new();
    let between = site.authority.intermediate("test intermediate");
    let issued = between.issue_numbered("site.test", Some(8));
    let chain = files(&site, &issued, &between.certificate());
    let leafs = site.files.write("leafs.pem", &between.revoke(&[], THIS_CENTURY).pem().unwrap());
    let roots = site.files.write("roots.pem", &site.authority.revoke(&[], THIS_CENTURY).pem().unwrap());
    check(&site, &chain, &[&leafs], false, UNKNOWN);
    check(&site, &chain, &[&leafs], true, None);
    check(&site, &chain, &[&leafs, &roots], false, None);
    check(&site, &chain, &[&roots], true, UNKNOWN);
    let revoked = site.files.write("leafs.pem", &between.revoke(&[8], THIS_CENTURY).pem().unwrap());
    check(&site, &chain, &[&revoked], true, REVOKED);

    // Several lists in one file.
    let both = between.revoke(&[], THIS_CENTURY).pem().unwrap()
        + &site.authority.revoke(&[], THIS_CENTURY).pem().unwrap();
    let both = site.files.write("both.pem", &both);
    check(&site, &chain, &[&both], false, None);
}

#[test]
fn a_list_that_cannot_be_used_is_told_by_its_file() {
    let site = Site::new();
    let list = site.authority.revoke(&[], THIS_CENTURY).pem().unwrap();
    let none = "-----BEGIN X509 CRL-----\nQUI=\n-----END X509 CRL-----\n";
    let check = |text: &[u8], fault| {
        let path = site.files.write_bytes("list", text);
        let client = ClientTls::new().bundled_roots().crl_file(&path).build().err();
        let server = site.server().client_roots(site.authority.store()).crl_file(&path).build().err();
        for error in [client, server].map(|error| error.expect("it must not build")) {
            assert_eq!((error.fault(), error.path()), (fault, Some(&*path)), "{error}");
        }
    };
    check(b"", TlsConfigFault::CrlMissing);
    check(site.issued.certificate.as_bytes(), TlsConfigFault::CrlMissing);
    check(none.as_bytes(), TlsConfigFault::CrlMalformed { at: 0 });
    check(format!("{list}{none}").as_bytes(), TlsConfigFault::CrlMalformed { at: 1 });
    check(b"\x30\x82\x01\x00", TlsConfigFault::CrlMalformed { at: 0 });
    check(list.replace("-----END", "-----DNE").as_bytes(), TlsConfigFault::PemMalformed);
    // A digit is how DER begins, too.
    check(b"0 lists", TlsConfigFault::CrlMissing);

    let gone = site.files.folder().join("gone");
    let error = ClientTls::new().bundled_roots().crl_file(&gone).build().unwrap_err();
    assert_eq!((error.fault(), error.path()), (TlsConfigFault::Unreadable, Some(&*gone)));
    // Of whom it speaks must be said: forgetting it must not let everybody in.
    let error = site.server().crl_file(&gone).build().unwrap_err();
    assert_eq!(error.fault(), TlsConfigFault::RootsMissing);
}
