//! Which sessions are resumed: as many as were asked for, and of one configuration alone.

use crate::handshakes::{Site, shake, shake_with};
use TlsVersions::{Only12, Only13};
use asyncnet_core::tls::rustls::{ClientConfig, HandshakeKind, ServerConfig};
use asyncnet_os::{ClientTls, ServerTls, TlsVersions};
use std::sync::Arc;

type Remember = fn(ServerTls) -> ServerTls;
type Forget = fn(ClientTls, ServerTls) -> (ClientTls, ServerTls);

/// Whether a handshake resumed a session; both sides are asked.
#[track_caller]
fn resumed(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> bool {
    let (client_end, server_end) = shake(client, server).unwrap();
    assert_eq!(client_end.handshake_kind(), server_end.handshake_kind());
    client_end.handshake_kind() == Some(HandshakeKind::Resumed)
}

#[test]
fn a_session_is_resumed_under_its_own_configuration_alone() {
    let site = Site::new();
    let ways: [(&str, Remember); 2] =
        [("tickets", |server| server), ("memory", |server| server.session_cache(16))];
    for versions in [Only12, Only13] {
        for (way, remember) in ways {
            let (client, server) = (site.client().versions(versions), remember(site.server()));
            let (one, other) = (client.build().unwrap(), client.build().unwrap());
            let (here, there) = (server.build().unwrap(), server.build().unwrap());
            assert!(!resumed(&one, &here), "{versions:?} {way}: the first");
            assert!(resumed(&one, &here), "{versions:?} {way}: the second");
            assert!(!resumed(&other, &here), "{versions:?} {way}: another client");
            assert!(!resumed(&one, &there), "{versions:?} {way}: another server");
            assert!(resumed(&one, &there), "{versions:?} {way}: that one again");
        }
    }
}

#[test]
fn without_resumption_each_handshake_is_a_full_one() {
    let site = Site::new();
    let ways: [Forget; 4] = [
        |client, server| (client.no_resumption(), server),
        |client, server| (client.session_cache(0), server),
        |client, server| (client, server.no_resumption()),
        |client, server| (client, server.session_cache(0)),
    ];
    for versions in [Only12, Only13] {
        for (at, forget) in ways.iter().enumerate() {
            let (client, server) = forget(site.client().versions(versions), site.server());
            let (client, server) = (client.build().unwrap(), server.build().unwrap());
            assert!(!resumed(&client, &server), "{versions:?} {at}");
            assert!(!resumed(&client, &server), "{versions:?} {at}");
        }
    }
}

#[test]
fn the_oldest_is_forgotten_first() {
    let site = Site::new();
    let server = site.server().session_cache(2).build().unwrap();
    let client = || site.client().versions(Only12).build().unwrap();
    let clients = [client(), client(), client()];
    for client in &clients {
        assert!(!resumed(client, &server));
    }
    assert!(resumed(&clients[1], &server) && resumed(&clients[2], &server));
    assert!(!resumed(&clients[0], &server));
}

/// A client counts servers by the names that it knows them by.
#[test]
fn a_client_remembers_so_many_servers() {
    let site = Site::new();
    let names = ["a.test", "b.test", "c.test"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names.clone()).unwrap();
    let path = site.files.write("names.pem", &made.cert.pem());
    let server = ServerTls::from_der(vec![made.cert.der().clone()], made.signing_key.into());
    for versions in [Only12, Only13] {
        let server = server.clone().versions(versions).build().unwrap();
        let client = ClientTls::new().ca_file(&path).session_cache(2).build().unwrap();
        let kinds = names.iter().chain(names.iter().rev()).map(|name| {
            let (end, _) = shake_with(name, &client, &server).unwrap();
            end.handshake_kind() == Some(HandshakeKind::Resumed)
        });
        assert_eq!(kinds.collect::<Vec<_>>(), [false, false, false, true, true, false], "{versions:?}");
    }
}
