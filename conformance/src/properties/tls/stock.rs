//! Sessions to be resumed, made ahead: each resumed handshake takes one, whatever became of the handshakes before it.
//!
//! Invariants: connections take from a stock and put nothing there, so that it is as long as it was filled; only filling
//! it puts. Each filling has random numbers of its own: a server knows its tickets by them.

use super::crypto::with_other_randomness;
use super::oracle::Oracle;
use super::setup::Ends;
use asyncnet_core::tls::rustls::client::{ClientSessionStore, Resumption};
use asyncnet_core::tls::rustls::client::{Tls12ClientSessionValue, Tls13ClientSessionValue};
use asyncnet_core::tls::rustls::pki_types::ServerName;
use asyncnet_core::tls::rustls::server::StoresServerSessions;
use asyncnet_core::tls::rustls::{ClientConfig, NamedGroup, ServerConfig};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many tickets one handshake brings.
const TICKETS: usize = 64;

/// How many sessions a server remembers: some are never asked for again, where a hello was broken.
const SERVER_SESSIONS_MAX: usize = 1_000;

/// How many tickets there are to be for who begins a connection: threads may begin some at once.
const TICKETS_MIN: usize = 32;

#[derive(Default)]
pub(super) struct Stock {
    sessions: Arc<Mutex<Sessions>>,
}

#[derive(Debug, Default)]
struct Sessions {
    tls12: Option<Tls12ClientSessionValue>,
    tls13: Vec<Tls13ClientSessionValue>,
    servers: HashMap<Vec<u8>, Vec<u8>>,
    /// How often it was filled.
    fillings: u64,
}

/// The client's or the server's door to a stock.
#[derive(Debug)]
pub(super) struct Door {
    sessions: Arc<Mutex<Sessions>>,
    fills: bool,
}

impl Stock {
    pub(super) fn client(&self) -> Door {
        Door { sessions: Arc::clone(&self.sessions), fills: false }
    }

    pub(super) fn server(&self) -> Door {
        Door { sessions: Arc::clone(&self.sessions), fills: false }
    }

    /// Sees to it that there are sessions to resume, by a handshake if there are none.
    pub(super) fn fill(&self, ends: &Ends) {
        let mut sessions = lock(&self.sessions);
        if sessions.tls12.is_some() || sessions.tls13.len() >= TICKETS_MIN {
            return;
        }
        if sessions.servers.len() > SERVER_SESSIONS_MAX {
            sessions.servers.clear();
            sessions.tls13.clear();
        }
        sessions.fillings += 1;
        let fillings = sessions.fillings;
        drop(sessions);
        with_other_randomness(fillings, || self.handshake(ends));
    }

    fn handshake(&self, ends: &Ends) {
        let mut client = ClientConfig::clone(&ends.client);
        client.resumption = Resumption::store(Arc::new(Door { fills: true, ..self.client() }));
        let mut server = ServerConfig::clone(&ends.server);
        server.session_storage = Arc::new(Door { fills: true, ..self.server() });
        server.send_tls13_tickets = TICKETS;
        let mut client = Oracle::client(&Arc::new(client));
        let mut server = Oracle::server(&Arc::new(server));
        for _ in 0..4 {
            server.feed(&client.take_output());
            client.feed(&server.take_output());
        }
        assert!(!client.is_handshaking(), "two honest ends agree: {:?}", client.failure());
    }
}

fn lock(sessions: &Mutex<Sessions>) -> MutexGuard<'_, Sessions> {
    sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientSessionStore for Door {
    fn set_kx_hint(&self, _server_name: ServerName<'static>, _group: NamedGroup) {}

    fn kx_hint(&self, _server_name: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        if self.fills {
            lock(&self.sessions).tls12 = Some(value);
        }
    }

    fn tls12_session(&self, _server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        lock(&self.sessions).tls12.clone().filter(|_| !self.fills)
    }

    fn remove_tls12_session(&self, _server_name: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        if self.fills {
            lock(&self.sessions).tls13.push(value);
        }
    }

    fn take_tls13_ticket(&self, _server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        if self.fills { None } else { lock(&self.sessions).tls13.pop() }
    }
}

impl StoresServerSessions for Door {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        if self.fills {
            lock(&self.sessions).servers.insert(key, value);
        }
        // A server says so, and a client is given its ticket.
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        lock(&self.sessions).servers.get(key).cloned()
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        lock(&self.sessions).servers.remove(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}
