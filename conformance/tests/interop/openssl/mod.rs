//! OpenSSL's client and server, which take the same options.

pub(crate) mod s_client;
pub(crate) mod s_server;

use asyncnet_conformance::pki::Version;

/// What `-msg` says of the answer to a key update that asked for one.
const KEY_UPDATE_ANSWER: &str = "<<< TLS 1.3, Handshake [length 0005], KeyUpdate\n    18 00 00 01 00\n";

/// The option for a version.
fn version_option(version: Version) -> &'static str {
    match version {
        Version::Tls12 => "-tls1_2",
        Version::Tls13 => "-tls1_3",
        Version::Both => "",
    }
}

/// Each suite that we know: the option for it alone, and its registered name.
fn suites(version: Version) -> [(&'static str, &'static str); 3] {
    match version {
        Version::Tls12 => [
            ("-cipher ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
            ("-cipher ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
            ("-cipher ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        ],
        _ => [
            ("-ciphersuites TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            ("-ciphersuites TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
            ("-ciphersuites TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
        ],
    }
}

/// The option for a suite that we do not know.
fn unknown_suite(version: Version) -> &'static str {
    match version {
        Version::Tls12 => "-cipher AES128-SHA",
        _ => "-ciphersuites TLS_AES_128_CCM_SHA256",
    }
}
