//! Which cipher suite and which group two sides agree on.

use crate::handshakes::{Refused, Site, shake};
use TlsVersions::{AtLeast12, Only12};
use asyncnet_core::tls::rustls::{ClientConnection, Error, NamedGroup, PeerIncompatible, ProtocolVersion};
use asyncnet_os::{ClientTls, ServerTls, TlsConfigFault, TlsVersions};

/// The suite in rustls' name, and the group of a full handshake.
fn agreed(client: &ClientTls, server: &ServerTls) -> Result<(String, NamedGroup), Refused> {
    let (end, _) = shake(&client.build().unwrap(), &server.build().unwrap())?;
    let suite = end.negotiated_cipher_suite().unwrap().suite();
    Ok((format!("{suite:?}"), group(&end)))
}

fn group(end: &ClientConnection) -> NamedGroup {
    end.negotiated_key_exchange_group().unwrap().name()
}

#[test]
fn a_servers_order_of_suites_counts_once_it_has_one() {
    let site = Site::new();
    let check = |versions, client: [&str; 2], server: Option<[&str; 2]>, expected: &str| {
        let client = site.client().versions(versions).cipher_suites(client);
        let server = match server {
            Some(names) => site.server().cipher_suites(names),
            None => site.server(),
        };
        assert_eq!(agreed(&client, &server).unwrap().0, expected);
    };
    let (aes, chacha) = ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256");
    check(AtLeast12, [aes, chacha], None, "TLS13_AES_128_GCM_SHA256");
    check(AtLeast12, [chacha, aes], None, "TLS13_CHACHA20_POLY1305_SHA256");
    check(AtLeast12, [chacha, aes], Some([aes, chacha]), "TLS13_AES_128_GCM_SHA256");
    check(AtLeast12, [aes, chacha], Some([chacha, aes]), "TLS13_CHACHA20_POLY1305_SHA256");
    let aes = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    let chacha = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    check(Only12, [aes, chacha], None, aes);
    check(Only12, [aes, chacha], Some([chacha, aes]), chacha);
}

#[test]
fn nothing_else_than_what_was_named_is_spoken() {
    let site = Site::new();
    let client = site.client().cipher_suites(["TLS_AES_128_GCM_SHA256"]);
    let server = site.server().cipher_suites(["TLS_AES_256_GCM_SHA384"]);
    let why = Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon);
    assert_eq!(agreed(&client, &server), Err(Refused::ByServer(why)));

    let client = site.client().key_exchange_groups(["secp256r1"]);
    let server = site.server().key_exchange_groups(["x25519", "secp384r1"]);
    let why = Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon);
    assert_eq!(agreed(&client, &server), Err(Refused::ByServer(why)));

    // A version without a suite is not spoken, and a configuration without a version not made.
    let server = site.server().cipher_suites(["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]);
    let (end, _) = shake(&site.client().build().unwrap(), &server.clone().build().unwrap()).unwrap();
    assert_eq!(end.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    let error = server.versions(TlsVersions::Only13).build().unwrap_err();
    assert_eq!(error.fault(), TlsConfigFault::ProviderUnsuitable);
}

#[test]
fn a_clients_order_of_groups_counts() {
    let site = Site::new();
    for versions in [AtLeast12, Only12] {
        let check = |client: [&str; 2], server: [&str; 2], expected| {
            let client = site.client().versions(versions).key_exchange_groups(client);
            let server = site.server().key_exchange_groups(server);
            assert_eq!(agreed(&client, &server).unwrap().1, expected, "{versions:?}");
        };
        check(["secp256r1", "x25519"], ["x25519", "secp256r1"], NamedGroup::secp256r1);
        check(["secp384r1", "x25519"], ["x25519", "secp256r1"], NamedGroup::X25519);
    }
}

/// The default, where the provider has it. In TLS 1.2 there is no such group.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn keys_are_exchanged_in_a_hybrid_that_withstands_quantum_computers() {
    let site = Site::new();
    let check = |client: &ClientTls, expected| {
        assert_eq!(agreed(client, &site.server()).unwrap().1, expected);
    };
    check(&site.client(), NamedGroup::X25519MLKEM768);
    check(&site.client().versions(Only12), NamedGroup::X25519);
    check(&site.client().key_exchange_groups(["x25519"]), NamedGroup::X25519);
    // Also one that the provider has, and does not offer by itself.
    let client = site.client().key_exchange_groups(["SecP256r1MLKEM768"]);
    let server = site.server().key_exchange_groups(["SecP256r1MLKEM768"]);
    assert_eq!(agreed(&client, &server).unwrap().1, NamedGroup::secp256r1MLKEM768);
}

/// ring has none, and says so.
#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn without_a_hybrid_the_classic_group_is_taken() {
    let site = Site::new();
    assert_eq!(agreed(&site.client(), &site.server()).unwrap().1, NamedGroup::X25519);
    let error = site.client().key_exchange_groups(["X25519MLKEM768"]).build().unwrap_err();
    assert_eq!(error.fault(), TlsConfigFault::KeyExchangeGroupUnknown);
}
