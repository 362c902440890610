//! Early data, through the engine alone: however a client's first flight is cut.

use asyncnet_conformance::pki::{self, ClientSetup, Provider, ServerSetup, Version};
use asyncnet_core::tls::rustls::{ClientConfig, ClientConnection, ServerConfig};
use asyncnet_core::tls::{EARLY_DATA_BYTES_MAX, StartTls, TlsError};
use asyncnet_core::{Connection, Limits, ProcessError};
use std::io::Write;
use std::sync::Arc;

/// More than a record holds.
const EARLY: usize = 20_000;

fn configs(bytes_max: u32) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    configs_with(Provider::Ring, bytes_max)
}

fn configs_with(provider: Provider, bytes_max: u32) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let mut client = ClientSetup { provider, ..ClientSetup::new(Version::Tls13) }.config();
    let mut server = ServerSetup { provider, ..ServerSetup::new(Version::Tls13) }.config();
    Arc::make_mut(&mut client).enable_early_data = true;
    Arc::make_mut(&mut server).max_early_data_size = bytes_max;
    (client, server)
}

fn client(config: &Arc<ClientConfig>) -> ClientConnection {
    ClientConnection::new(Arc::clone(config), pki::server_name("localhost")).expect("both ends are honest")
}

fn server(config: &Arc<ServerConfig>) -> Connection {
    let mut connection = Connection::new(Limits::default());
    connection.start_tls(StartTls::server(config)).expect("both ends are honest");
    connection
}

fn flight(client: &mut ClientConnection) -> Vec<u8> {
    let mut records = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut records).expect("both ends are honest");
    }
    records
}

/// Puts bytes in, some at a time.
fn deliver(server: &mut Connection, bytes: &[u8], some: usize) -> Result<(), ProcessError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = server.wire_space();
        let n = rest.len().min(some).min(space.len());
        space[..n].copy_from_slice(&rest[..n]);
        server.wire_filled(n);
        rest = &rest[n..];
        server.process()?;
    }
    Ok(())
}

/// Carries what the server says, and takes what the client says to it.
fn answer(server: &mut Connection, client: &mut ClientConnection) -> Vec<u8> {
    let said: Vec<u8> = server.wire_pending().flatten().copied().collect();
    server.wire_sent(said.len());
    let mut rest = &said[..];
    while !rest.is_empty() {
        client.read_tls(&mut rest).expect("both ends are honest");
        client.process_new_packets().expect("both ends are honest");
    }
    flight(client)
}

/// A handshake, after which the client has tickets.
fn acquaint(client_config: &Arc<ClientConfig>, server_config: &Arc<ServerConfig>) {
    let (mut client, mut server) = (client(client_config), server(server_config));
    for _ in 0..3 {
        let said = flight(&mut client);
        deliver(&mut server, &said, usize::MAX).expect("both ends are honest");
        let said = answer(&mut server, &mut client);
        deliver(&mut server, &said, usize::MAX).expect("both ends are honest");
    }
    assert!(server.tls_info().is_some());
}

fn take_early(server: &mut Connection) -> Vec<u8> {
    let session = server.sides().2.expect("both ends are honest");
    let mut early = vec![0; session.early_data_len()];
    assert_eq!(session.take_early_data(&mut early), early.len());
    early
}

#[test]
fn they_come_whole_however_they_are_cut_and_before_the_handshake_is_done() {
    let (client_config, server_config) = configs(u32::try_from(EARLY).unwrap());
    let text: Vec<u8> = (0..EARLY).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    for some in [1, 5, 1_000, usize::MAX] {
        for take_at_once in [true, false] {
            acquaint(&client_config, &server_config);
            let (mut client, mut server) = (client(&client_config), server(&server_config));
            client.early_data().unwrap().write_all(&text).unwrap();
            deliver(&mut server, &flight(&mut client), some).unwrap();
            assert_eq!(server.tls().unwrap().early_data_len(), EARLY);
            assert!(server.tls().unwrap().held_bytes() <= 4 * EARLY);
            assert!(server.tls().unwrap().is_handshaking() && server.plain().is_empty());
            if take_at_once {
                assert!(take_early(&mut server) == text);
            }

            let mut finish = answer(&mut server, &mut client);
            client.writer().write_all(b"later").unwrap();
            finish.extend(flight(&mut client));
            let delivered = deliver(&mut server, &finish, some);
            assert_eq!(server.tls_info().unwrap().early_data_bytes(), EARLY);
            if !take_at_once {
                let unread = TlsError::EarlyDataUnread { len: EARLY };
                assert_eq!(server.process(), Err(ProcessError::Tls(unread.clone())));
                assert!(server.plain().is_empty(), "nothing overtakes them");
                assert!(delivered.is_ok() || delivered == Err(ProcessError::Tls(unread)));
                assert!(take_early(&mut server) == text);
                if delivered.is_err() {
                    // What came behind was not put in.
                    continue;
                }
            }
            server.process().unwrap();
            assert_eq!(server.plain(), b"later");
        }
    }
}

#[test]
fn what_is_not_accepted_is_passed_over_once_and_not_kept() {
    for provider in Provider::ALL {
        let (client_config, server_config) = configs_with(*provider, 16_384);
        // The same server, which remembers its sessions, and after a restart, when it does not.
        let (mut none, other) = (server_config.clone(), configs_with(*provider, 16_384).1);
        Arc::make_mut(&mut none).max_early_data_size = 0;
        for refusing in [none, other] {
            // In one record, in some, in many.
            for piece in [12_000, 1_000, 100] {
                for some in [1, 1_000, usize::MAX] {
                    acquaint(&client_config, &server_config);
                    let (mut client, mut server) = (client(&client_config), server(&refusing));
                    for _ in 0..12_000 / piece {
                        client.early_data().unwrap().write_all(&vec![0xee; piece]).unwrap();
                    }
                    deliver(&mut server, &flight(&mut client), some).unwrap();
                    assert!(server.tls().unwrap().held_bytes() < 1_000, "it is kept");
                    let mut finish = answer(&mut server, &mut client);
                    assert!(!client.is_early_data_accepted());
                    client.writer().write_all(b"later").unwrap();
                    finish.extend(flight(&mut client));
                    deliver(&mut server, &finish, some).unwrap();
                    assert_eq!(server.tls_info().unwrap().early_data_bytes(), 0);
                    server.process().unwrap();
                    assert_eq!(server.plain(), b"later");
                }
            }
        }
    }
}

#[test]
fn what_is_not_accepted_has_a_bound() {
    let (client_config, server_config) = configs(u32::try_from(EARLY).unwrap());
    let mut refusing = server_config.clone();
    Arc::make_mut(&mut refusing).max_early_data_size = 0;
    acquaint(&client_config, &server_config);
    let (mut client, mut server) = (client(&client_config), server(&refusing));
    client.early_data().unwrap().write_all(&[0xee; EARLY]).unwrap();
    let error = deliver(&mut server, &flight(&mut client), usize::MAX).unwrap_err();
    assert!(matches!(error, ProcessError::Tls(TlsError::Protocol(_))), "{error:?}");
}

#[test]
fn a_configuration_that_allows_too_much_is_refused() {
    let (_, config) = configs(EARLY_DATA_BYTES_MAX);
    server(&config);
    let (_, config) = configs(EARLY_DATA_BYTES_MAX + 1);
    let refused = Connection::new(Limits::default()).start_tls(StartTls::server(&config));
    assert!(matches!(refused, Err(TlsError::Config(_))), "{refused:?}");
}
