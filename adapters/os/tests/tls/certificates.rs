//! What certificates say, and the channel binding that is computed from them, as OpenSSL has it.
//!
//! The files were made by `openssl req -x509`, the hashes by `openssl x509 -outform DER | openssl dgst`.

use asyncnet_core::tls::rustls::pki_types::CertificateDer;
use asyncnet_core::tls::rustls::pki_types::pem::PemObject;
use asyncnet_os::Certificate;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

fn der(name: &str) -> CertificateDer<'static> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls/certificates");
    CertificateDer::from_pem_file(folder.join(name).with_extension("pem")).unwrap()
}

#[test]
fn what_openssl_reads_is_read() {
    let certificate = Certificate::parse(&der("ecdsa-sha256")).unwrap();
    let subject = r"CN=ecdsa-sha256.test,O=Penguins\, Inc.,C=AQ";
    assert_eq!((certificate.subject(), certificate.issuer()), (subject, subject));
    assert_eq!(certificate.dns_names(), ["ecdsa-sha256.test", "*.ecdsa-sha256.test"]);
    let addresses = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse::<IpAddr>().unwrap());
    assert_eq!(certificate.ip_addresses(), addresses);
    assert_eq!((certificate.serial(), &*certificate.serial_hex()), (&[0x0a, 0xbc][..], "0ABC"));
    // `openssl x509 -dates`, as `date -d ... +%s` counts them. The later one is beyond what UTCTime can say.
    let since_1970 = |time: std::time::SystemTime| time.duration_since(UNIX_EPOCH).unwrap();
    assert_eq!(since_1970(certificate.not_before()), Duration::from_secs(1_795_398_351));
    assert_eq!(since_1970(certificate.not_after()), Duration::from_secs(4_948_998_351));
}

#[test]
fn the_channel_binding_is_the_hash_that_the_signature_has() {
    let check = |name: &str, expected: Option<&str>| {
        let certificate = Certificate::parse(&der(name)).unwrap();
        let binding = certificate.tls_server_end_point();
        let digits = binding.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!(digits.as_deref(), expected, "{name}");
    };
    // SHA-1 counts for nothing any more.
    check("ecdsa-sha1", Some("387b182d590bb0077134eaac49bce4874d09e76837fd5d724fbd5d8a42d79cb0"));
    check("ecdsa-sha224", Some("2e7d1a6327bf5bd741f023cec3660627a282f326f9b1c8df5d8f487f"));
    check("ecdsa-sha256", Some("473f22dd9280e7fa86f77f8a1b5d65b43293cce84ff9756aa4e278657d58969c"));
    check(
        "ecdsa-sha384",
        Some(
            "6e31500f2582ee8944a0dcfaca8961f4c562c9193fdf32b2e75ae54c5ac7278f\
         b771d3214bc1f12b8ef63371b908782a",
        ),
    );
    check(
        "ecdsa-sha512",
        Some(
            "b3cad68ab4e40e339512621b1cc7ea7a10d5d6b7e578fdecba5ef0e9a4a265f5\
         280e82ca380fbc3e43386debfe43b6eb4f5774c28e86f3db18b55d0714ec46fe",
        ),
    );
    check("rsa-sha256", Some("8015d5a1ddb6260956ad5c7c2342882c6b766590c051adf57c8586ccad73969c"));
    check("pss-sha1", Some("00886563ee702c12b7783304142657e566e43a41ab97b3e9785fa289536e598e"));
    check(
        "pss-sha384",
        Some(
            "ca6f81a5e3abe6bd0c6a2284b9a8619441a929676a9abb30e1f60a02e390da2c\
         3f3dd5ac02bf7343b56b086ce200e426",
        ),
    );
    // Its signature has no hash function of which RFC 5929 could speak.
    check("ed25519", None);
}

#[test]
fn what_is_cut_or_damaged_is_an_error_and_never_a_panic() {
    let whole = der("pss-sha384");
    for len in 0..whole.len() {
        assert!(Certificate::parse(&whole[..len].into()).is_err(), "{len} bytes");
    }
    for at in 0..whole.len() {
        let mut damaged = whole.to_vec();
        damaged[at] ^= 0xff;
        drop(Certificate::parse(&damaged.into()));
    }
}
