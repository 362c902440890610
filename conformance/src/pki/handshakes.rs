//! Handshakes in memory, over rustls' buffered connections: the certificates and configurations are what they say.

use super::{
    ClientAuth, ClientSetup, Leaf, Provider, Root, ServerSetup, Version, client, server, server_name,
};
use asyncnet_core::tls::rustls::{
    CertificateError, ClientConfig, ClientConnection, Connection, Error, ProtocolVersion, ServerConfig,
    ServerConnection,
};
use std::sync::Arc;

/// How a handshake ended on each side.
struct Ends {
    client: Connection,
    server: Connection,
    client_says: Result<(), Error>,
    server_says: Result<(), Error>,
}

/// Carries what one side has for the other, and says whether that was anything.
fn carry(from: &mut Connection, to: &mut Connection, says: &mut Result<(), Error>) -> bool {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut rest = wire.as_slice();
    while says.is_ok() && !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        *says = to.process_new_packets().map(drop);
    }
    !wire.is_empty()
}

fn handshake(client: Arc<ClientConfig>, server: Arc<ServerConfig>, name: &str) -> Ends {
    let mut client = Connection::from(ClientConnection::new(client, server_name(name)).unwrap());
    let mut server = Connection::from(ServerConnection::new(server).unwrap());
    let (mut client_says, mut server_says) = (Ok(()), Ok(()));
    for _ in 0..8 {
        let there = carry(&mut client, &mut server, &mut server_says);
        let back = carry(&mut server, &mut client, &mut client_says);
        if !there && !back {
            return Ends { client, server, client_says, server_says };
        }
    }
    panic!("a handshake takes fewer flights");
}

fn shake(client: ClientSetup, server: ServerSetup, name: &str) -> Ends {
    handshake(client.config(), server.config(), name)
}

fn check_taken(ends: &Ends) {
    assert_eq!((&ends.client_says, &ends.server_says), (&Ok(()), &Ok(())));
    assert!(!ends.client.is_handshaking() && !ends.server.is_handshaking());
}

/// What is wrong with a certificate, in a word.
fn fault(says: &Result<(), Error>) -> &'static str {
    match says {
        Err(Error::InvalidCertificate(error)) => match error {
            CertificateError::NotValidForNameContext { .. } => "name",
            CertificateError::ExpiredContext { .. } => "expired",
            CertificateError::NotValidYetContext { .. } => "not yet valid",
            CertificateError::UnknownIssuer => "issuer",
            CertificateError::InvalidPurposeContext { .. } => "purpose",
            _ => "something else",
        },
        _ => "nothing",
    }
}

#[test]
fn both_versions_and_providers_shake_hands() {
    for &ours in Provider::ALL {
        for &theirs in Provider::ALL {
            for (version, expected) in [
                (Version::Tls12, ProtocolVersion::TLSv1_2),
                (Version::Tls13, ProtocolVersion::TLSv1_3),
                (Version::Both, ProtocolVersion::TLSv1_3),
            ] {
                let client = ClientSetup { provider: ours, ..ClientSetup::new(version) };
                let server = ServerSetup { provider: theirs, ..ServerSetup::new(version) };
                let ends = shake(client, server, "localhost");
                check_taken(&ends);
                assert_eq!(ends.client.protocol_version(), Some(expected));
            }
        }
    }
}

#[test]
fn one_version_alone_does_not_meet_the_other() {
    let ends = handshake(client(Version::Tls13), server(Version::Tls12), "localhost");
    assert!(matches!(ends.server_says, Err(Error::PeerIncompatible(_))), "{:?}", ends.server_says);
}

#[test]
fn a_server_is_taken_by_the_names_it_has() {
    for version in Version::EACH {
        for (leaf, name) in [
            (Leaf::Localhost, "localhost"),
            (Leaf::Localhost, "127.0.0.1"),
            (Leaf::Localhost, "::1"),
            (Leaf::WrongName, "wrong.example"),
            (Leaf::NameOnly, "localhost"),
            (Leaf::Intermediate, "127.0.0.1"),
        ] {
            let server = ServerSetup { leaf, ..ServerSetup::new(version) };
            let ends = shake(ClientSetup::new(version), server, name);
            check_taken(&ends);
            assert_eq!(ends.client.peer_certificates(), Some(leaf.identity().chain.as_slice()));
        }
    }
}

#[test]
fn a_server_is_refused_for_what_is_wrong_with_it() {
    for version in Version::EACH {
        for (leaf, name, expected) in [
            (Leaf::WrongName, "localhost", "name"),
            (Leaf::NameOnly, "127.0.0.1", "name"),
            (Leaf::Expired, "localhost", "expired"),
            (Leaf::NotYetValid, "localhost", "not yet valid"),
            (Leaf::SelfSigned, "localhost", "issuer"),
            (Leaf::UnknownIssuer, "localhost", "issuer"),
            (Leaf::Client, "client.example", "purpose"),
        ] {
            let server = ServerSetup { leaf, ..ServerSetup::new(version) };
            let ends = shake(ClientSetup::new(version), server, name);
            assert_eq!(fault(&ends.client_says), expected, "{leaf:?} as {name}: {:?}", ends.client_says);
            assert!(matches!(ends.server_says, Err(Error::AlertReceived(_))), "{:?}", ends.server_says);
        }
    }
}

#[test]
fn a_server_is_taken_by_its_own_root() {
    for (leaf, roots) in [
        (Leaf::SelfSigned, &[Root::SelfSigned] as &'static [_]),
        (Leaf::UnknownIssuer, &[Root::Ca, Root::UnknownCa]),
    ] {
        let client = ClientSetup { roots, ..ClientSetup::new(Version::Tls13) };
        let server = ServerSetup { leaf, ..ServerSetup::new(Version::Tls13) };
        check_taken(&shake(client, server, "localhost"));
    }
}

#[test]
fn clients_are_asked_as_configured() {
    let rows = [
        (ClientAuth::Off, None, true),
        (ClientAuth::Off, Some(Leaf::Client), true),
        (ClientAuth::Optional, None, true),
        (ClientAuth::Optional, Some(Leaf::Client), true),
        (ClientAuth::Optional, Some(Leaf::UnknownClient), false),
        (ClientAuth::Required, None, false),
        (ClientAuth::Required, Some(Leaf::Client), true),
        (ClientAuth::Required, Some(Leaf::UnknownClient), false),
    ];
    for version in Version::EACH {
        for (clients, identity, taken) in rows {
            let client = ClientSetup { identity, ..ClientSetup::new(version) };
            let server = ServerSetup { clients, ..ServerSetup::new(version) };
            let ends = shake(client, server, "localhost");
            if taken {
                check_taken(&ends);
                let shown = identity.filter(|_| clients != ClientAuth::Off);
                let chain = shown.map(|leaf| leaf.identity().chain.as_slice());
                assert_eq!(ends.server.peer_certificates(), chain);
            } else {
                let expected = match identity {
                    None => Error::NoCertificatesPresented,
                    Some(_) => Error::InvalidCertificate(CertificateError::UnknownIssuer),
                };
                assert_eq!(ends.server_says, Err(expected), "{clients:?} {identity:?}");
                assert!(matches!(ends.client_says, Err(Error::AlertReceived(_))));
            }
        }
    }
}

#[test]
fn the_protocol_is_the_servers_choice() {
    for version in Version::EACH {
        let client = ClientSetup { alpn: &["smtp", "imap"], ..ClientSetup::new(version) };
        let server = ServerSetup { alpn: &["imap", "smtp"], ..ServerSetup::new(version) };
        let ends = shake(client, server, "localhost");
        assert_eq!(ends.client.alpn_protocol(), Some(&b"imap"[..]));
    }
}

#[test]
fn tickets_are_counted() {
    for (tickets, expected) in [(0, 0), (3, 3)] {
        let server = ServerSetup { tickets, ..ServerSetup::new(Version::Tls13) };
        let ends = shake(ClientSetup::new(Version::Tls13), server, "localhost");
        let Connection::Client(client) = ends.client else { panic!("it is a client") };
        assert_eq!(client.tls13_tickets_received(), expected);
    }
}
