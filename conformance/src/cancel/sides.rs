//! Who is on which side of TLS, and with what configuration.

use super::calls::EIGHT;
use crate::case::Stop;
use crate::pki::{self, Version};
use asyncnet_core::tls::rustls::client::Resumption;
use asyncnet_core::tls::rustls::{
    ClientConfig, ClientConnection, Connection, Error, ServerConfig, ServerConnection,
};
use asyncnet_driver::tls::StartTls;
use std::io::Write;
use std::sync::{Arc, LazyLock};

/// What calls run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Plain,
    Tls(Version),
}

/// The side of TLS that the stream under test is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    Client,
    Server,
}

/// How a session of TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// By a full handshake.
    Full,
    /// As the one before was left: that takes a quarter of the time.
    Resumed,
    /// With early data of the client's.
    Early,
}

impl Protocol {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls(Version::Tls12) => "TLS 1.2",
            Self::Tls(_) => "TLS 1.3",
        }
    }

    /// How the stream begins, and its other end: if it is over TLS.
    pub(crate) fn begin(self, ours: Ours, session: Session) -> Result<Option<(StartTls, Connection)>, Stop> {
        let Self::Tls(version) = self else { return Ok(None) };
        let begun = match session {
            Session::Full | Session::Resumed => begin(configs(version, session), ours),
            Session::Early => early(version),
        };
        begun.map(Some).map_err(|error| Stop::Failed(error.to_string()))
    }
}

/// A client's and a server's configuration.
type Configs = (Arc<ClientConfig>, Arc<ServerConfig>);

/// Both sides' configurations, made once.
fn configs(version: Version, session: Session) -> &'static Configs {
    static CONFIGS: LazyLock<[[Configs; 2]; 2]> = LazyLock::new(|| {
        Version::EACH.map(|version| {
            let (client, server) = (pki::client(version), pki::server(version));
            let mut full = ClientConfig::clone(&client);
            full.resumption = Resumption::disabled();
            [(Arc::new(full), Arc::clone(&server)), (client, server)]
        })
    });
    &CONFIGS[usize::from(version != Version::Tls12)][usize::from(session == Session::Resumed)]
}

fn begin((client, server): &Configs, ours: Ours) -> Result<(StartTls, Connection), Error> {
    Ok(match ours {
        Ours::Client => (client_of(client)?, ServerConnection::new(Arc::clone(server))?.into()),
        Ours::Server => (StartTls::server(server), connected(client)?.into()),
    })
}

fn client_of(config: &Arc<ClientConfig>) -> Result<StartTls, Error> {
    StartTls::client(config, "localhost").map_err(|error| Error::General(error.to_string()))
}

fn connected(config: &Arc<ClientConfig>) -> Result<ClientConnection, Error> {
    ClientConnection::new(Arc::clone(config), pki::server_name("localhost"))
}

/// A server that accepts early data, and a client that has a ticket of its and sends some.
fn early(version: Version) -> Result<(StartTls, Connection), Error> {
    let (mut client, mut server) = (pki::client(version), pki::server(version));
    Arc::make_mut(&mut client).enable_early_data = true;
    Arc::make_mut(&mut server).max_early_data_size = 1_000;
    let (mut asks, mut serves) = (connected(&client)?, ServerConnection::new(Arc::clone(&server))?);
    // Two flights each way, and the tickets behind them.
    for _ in 0..4 {
        let (mut there, mut back) = (Vec::new(), Vec::new());
        let failed = |error: std::io::Error| Error::General(error.to_string());
        while asks.wants_write() {
            asks.write_tls(&mut there).map_err(failed)?;
        }
        let mut there = &there[..];
        while !there.is_empty() {
            serves.read_tls(&mut there).map_err(failed)?;
            serves.process_new_packets()?;
        }
        while serves.wants_write() {
            serves.write_tls(&mut back).map_err(failed)?;
        }
        let mut back = &back[..];
        while !back.is_empty() {
            asks.read_tls(&mut back).map_err(failed)?;
            asks.process_new_packets()?;
        }
    }
    let mut client = connected(&client)?;
    let mut sends = client.early_data().ok_or_else(|| Error::General("there is no ticket".to_owned()))?;
    sends.write_all(EIGHT).map_err(|error| Error::General(error.to_string()))?;
    Ok((StartTls::server(&server), client.into()))
}
