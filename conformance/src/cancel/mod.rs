//! Every public call broken off wherever it can be, and what both sides and the caller's memory are then.
//!
//! A call is a row ([`row::Row`]): its name, what the other end sends before it, and the call itself over a stream and the
//! caller's memory. [`check`] runs it undisturbed, then up to its first wait, its second, and so on until it completes, over
//! a transport that waits before every byte ([`cut::Cut`]) and over one whose operations complete after the calls that
//! began them ([`late::Late`]); each time the future is dropped, or leaked, and all that follows has to be as it was
//! undisturbed. So a new call is covered by a new row.

mod check;
mod cut;
mod drive;
mod far;
mod handshake;
mod late;
mod row;
mod stream;
mod switch;
mod tally;

pub use tally::Cuts;
pub(crate) use tally::take as take_cuts;

use self::check::Plan;
use self::cut::Cut;
use self::late::Late;
use self::row::Row;
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict};
use crate::pki::{self, Version};
use asyncnet_core::tls::rustls::client::Resumption;
use asyncnet_core::tls::rustls::{
    ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection,
};
use asyncnet_driver::tls::StartTls;
use asyncnet_driver::{Stream, Transport};
use std::sync::{Arc, LazyLock};

/// A transport of any kind, disturbed: so that each row is compiled once.
type Wire = Box<dyn Transport>;

pub(crate) fn cases<F>() -> Vec<Case<F>>
where
    F: Fixture + 'static,
{
    vec![
        Case::new(
            "cancel::each_call",
            "a call of a stream that is broken off anywhere has lost nothing",
            |at| Box::pin(calls(at, Protocol::Plain, stream::rows())),
        ),
        Case::new("cancel::each_call_tls12", "the same over TLS 1.2", |at| {
            Box::pin(calls(at, Protocol::Tls(Version::Tls12), stream::rows()))
        }),
        Case::new("cancel::each_call_tls13", "the same over TLS 1.3", |at| {
            Box::pin(calls(at, Protocol::Tls(Version::Tls13), stream::rows()))
        }),
        Case::new("cancel::handshake_tls12", "a handshake of TLS 1.2 that is broken off goes on", |at| {
            Box::pin(calls(at, Protocol::Tls(Version::Tls12), handshake::rows()))
        }),
        Case::new("cancel::handshake_tls13", "a handshake of TLS 1.3 that is broken off goes on", |at| {
            Box::pin(calls(at, Protocol::Tls(Version::Tls13), handshake::rows()))
        }),
    ]
}

async fn calls<F>(at: &F, protocol: Protocol, rows: Vec<Row<Stream<Wire>>>) -> Verdict
where
    F: Fixture + 'static,
{
    let disturb = |transport, disturb, switch, piece| -> Wire {
        match disturb {
            Disturb::Cut => Box::new(Cut::new(transport, switch, piece)),
            Disturb::Late => Box::new(Late::new(transport, switch, LATE_PIECES * piece)),
        }
    };
    let plan = Plan { at, protocol, disturb, subject: Ok };
    check::each_call(&plan, &rows).await
}

/// How many times as much as a [`Cut`] moves an operation of a [`Late`] transport moves: so that it ends in the middle.
const LATE_PIECES: usize = 5;

/// How a transport is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturb {
    /// It waits before every piece.
    Cut,
    /// Its operations complete after the calls.
    Late,
}

impl Disturb {
    const EACH: [Self; 2] = [Self::Cut, Self::Late];
}

/// What calls run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Plain,
    Tls(Version),
}

/// The side of TLS that the stream under test is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ours {
    Client,
    Server,
}

impl Protocol {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls(Version::Tls12) => "TLS 1.2",
            Self::Tls(_) => "TLS 1.3",
        }
    }

    /// How the stream begins, and its other end: if it is over TLS.
    fn begin(self, ours: Ours, resumes: bool) -> Result<Option<(StartTls, Connection)>, Stop> {
        let Self::Tls(version) = self else { return Ok(None) };
        let (client, server) = configs(version, resumes);
        let theirs = match ours {
            Ours::Client => ServerConnection::new(server.clone()).map(Connection::from),
            Ours::Server => {
                ClientConnection::new(client.clone(), pki::server_name("localhost")).map(Connection::from)
            }
        };
        let how = match ours {
            Ours::Client => StartTls::client(client, "localhost"),
            Ours::Server => Ok(StartTls::server(server)),
        };
        let failed = |error: &dyn std::fmt::Display| Stop::Failed(error.to_string());
        Ok(Some((how.map_err(|error| failed(&error))?, theirs.map_err(|error| failed(&error))?)))
    }
}

/// A client's and a server's configuration.
type Configs = (Arc<ClientConfig>, Arc<ServerConfig>);

/// Both sides' configurations, made once. Where handshakes are not what is tried, sessions are resumed: that takes a quarter of
/// the time.
fn configs(version: Version, resumes: bool) -> &'static Configs {
    static CONFIGS: LazyLock<[[Configs; 2]; 2]> = LazyLock::new(|| {
        Version::EACH.map(|version| {
            let (client, server) = (pki::client(version), pki::server(version));
            let mut full = ClientConfig::clone(&client);
            full.resumption = Resumption::disabled();
            [(Arc::new(full), Arc::clone(&server)), (client, server)]
        })
    });
    &CONFIGS[usize::from(version != Version::Tls12)][usize::from(resumes)]
}
