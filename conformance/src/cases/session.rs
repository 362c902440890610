//! What the cases of TLS have in common: who is on which side, handshakes, and what went over the wire.
//!
//! A case of TLS takes a plain pair from its fixture and makes the handshake itself, so it runs wherever a stream case
//! does. Its peer is rustls' buffered connection, or bytes.

use crate::case::{Stop, Verdict, ensure, ensure_err};
use crate::peer::{Peer, Reset, joined};
use crate::pki::{self, ClientSetup, ServerSetup, Version};
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::{
    self, AlertDescription, ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection,
};
use asyncnet_driver::tls::{StartTls, TlsError, TlsInfo};
use asyncnet_driver::{Error, Stream, Transport};
use bytes::Bytes;
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// The side of a connection that the stream under test is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ours {
    Client,
    Server,
}

/// Both sides of a handshake.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) version: Version,
    pub(super) ours: Ours,
    pub(super) client: Arc<ClientConfig>,
    pub(super) server: Arc<ServerConfig>,
    /// The name that the client asks for.
    pub(super) name: &'static str,
}

impl Setup {
    /// Everything in order.
    pub(super) fn new(version: Version, ours: Ours) -> Self {
        Self::of(ours, ClientSetup::new(version), ServerSetup::new(version))
    }

    /// The stream under test on one side of these.
    pub(super) fn of(ours: Ours, client: ClientSetup, server: ServerSetup) -> Self {
        let version = if ours == Ours::Client { client.version } else { server.version };
        Self { version, ours, client: client.config(), server: server.config(), name: "localhost" }
    }

    /// Both versions, and the stream under test on both sides.
    pub(super) fn each() -> impl Iterator<Item = Self> {
        Version::EACH
            .into_iter()
            .flat_map(|version| [Ours::Client, Ours::Server].map(|ours| Self::new(version, ours)))
    }

    /// How the stream under test begins.
    pub(super) fn how(&self) -> Result<StartTls, Error> {
        Ok(match self.ours {
            Ours::Client => StartTls::client(&self.client, self.name)?,
            Ours::Server => StartTls::server(&self.server),
        })
    }

    /// The other side, over `wire`.
    pub(super) fn peer(&self, wire: Box<dyn Peer>) -> Result<TlsPeer, Stop> {
        let tls = match self.ours {
            Ours::Client => ServerConnection::new(Arc::clone(&self.server)).map(Connection::from),
            Ours::Server => ClientConnection::new(Arc::clone(&self.client), pki::server_name(self.name))
                .map(Connection::from),
        };
        Ok(TlsPeer::new(wire, tls.map_err(|error| Stop::Failed(error.to_string()))?))
    }

    /// For what is said of a failure.
    pub(super) fn what(&self) -> String {
        format!("{:?}, ours is the {:?}", self.version, self.ours)
    }
}

/// Makes the handshake: what it agreed on, and the peer. All that belongs to the handshake has come then, tickets too.
pub(super) async fn secure<T: Transport>(
    stream: &mut Stream<T>,
    wire: Box<dyn Peer>,
    setup: &Setup,
) -> Result<(TlsInfo, TlsPeer), Stop> {
    secure_as(stream, wire, setup, setup.how()?).await
}

/// As [`secure`], beginning as `how` says.
pub(super) async fn secure_as<T: Transport>(
    stream: &mut Stream<T>,
    wire: Box<dyn Peer>,
    setup: &Setup,
    how: StartTls,
) -> Result<(TlsInfo, TlsPeer), Stop> {
    let mut peer = setup.peer(wire)?;
    let peer = std::thread::spawn(move || {
        peer.write_all(b"!")?;
        Ok(peer)
    });
    let info = stream.start_tls(how).await?;
    let first = stream.recv_owned(1).await?;
    ensure(first == "!", format!("{}: the first byte over TLS: {first:?}", setup.what()))?;
    Ok((info, joined(peer)?))
}

/// The error of a call that TLS should fail.
pub(super) fn tls_error<T>(outcome: Result<T, Error>, what: &str) -> Result<TlsError, Stop> {
    match ensure_err(outcome, what)? {
        Error::Tls(error) => Ok(error),
        other => Err(Stop::Failed(format!("{what}: {other:?}"))),
    }
}

/// What every call that sends or receives says.
pub(super) async fn every_call<T: Transport>(stream: &mut Stream<T>) -> Vec<(&'static str, Option<Error>)> {
    let mut buf = [0; 8];
    let mut line = Vec::new();
    vec![
        ("recv", stream.recv(&mut buf).await.err()),
        ("recv_owned", stream.recv_owned(8).await.err()),
        ("recv_exact", stream.recv_exact(&mut buf).await.err()),
        ("recv_full", stream.recv_full(&mut buf).await.err()),
        ("recv_line", stream.recv_line().await.err()),
        ("recv_line_into", stream.recv_line_into(&mut line).await.err()),
        ("recv_line_owned", stream.recv_line_owned().await.err()),
        ("recv_until", stream.recv_until(b";", 8).await.err()),
        ("recv_to_end", stream.recv_to_end(&mut line, 8).await.err()),
        ("peek", stream.peek().await.err()),
        ("try_line", stream.try_line().err()),
        ("send", stream.send(b"x").await.err()),
        ("send_vectored", stream.send_vectored(&[IoSlice::new(b"x")]).await.err()),
        ("send_owned", stream.send_owned(Bytes::from_static(b"x")).await.err()),
        ("send_line", stream.send_line("x").await.err()),
        ("queue", stream.queue(b"x").err()),
        ("queue_line", stream.queue_line("x").err()),
        ("flush", stream.flush().await.err()),
        ("shutdown_write", stream.shutdown_write().await.err()),
    ]
}

/// Whether every call fails with this error of TLS.
pub(super) async fn ensure_every_call<T: Transport>(stream: &mut Stream<T>, expected: &TlsError) -> Verdict {
    for (call, error) in every_call(stream).await {
        let same = matches!(&error, Some(Error::Tls(error)) if error == expected);
        ensure(same, format!("{call}: {error:?}, not {expected:?}"))?;
    }
    Ok(())
}

/// The alert that a peer saw, if that is why its call failed.
pub(super) fn alert_seen<T>(outcome: &io::Result<T>) -> Option<AlertDescription> {
    let inner = outcome.as_ref().err()?.get_ref()?.downcast_ref()?;
    if let rustls::Error::AlertReceived(alert) = inner { Some(*alert) } else { None }
}

/// A peer that keeps what it reads.
pub(super) struct Tap {
    wire: Box<dyn Peer>,
    seen: Seen,
}

/// What a [`Tap`] has read.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<u8>>>);

impl Tap {
    pub(super) fn on(wire: Box<dyn Peer>) -> (Box<dyn Peer>, Seen) {
        let seen = Seen::default();
        (Box::new(Self { wire, seen: seen.clone() }), seen)
    }
}

impl Seen {
    /// All since the last look.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Tap {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.wire.read(buf)?;
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buf[..n]);
        Ok(n)
    }
}

impl Write for Tap {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.wire.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()
    }
}

impl Peer for Tap {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.wire.shutdown_write()
    }

    fn reset(self: Box<Self>) -> io::Result<Reset> {
        self.wire.reset()
    }
}

/// The types of records (RFC 8446, section 5.1).
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const TEXT: u8 = 23;

/// A record on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
}

impl Record<'_> {
    /// Whether it is an alert: plain, or sealed as TLS 1.2 or TLS 1.3 do it. No text of a case is two bytes long.
    pub(super) fn is_alert(&self) -> bool {
        self.kind == ALERT || (self.kind == TEXT && self.body.len() == 2 + 1 + 16)
    }
}

/// The records of these bytes, all of which belong to one.
pub(super) fn records(mut bytes: &[u8]) -> Result<Vec<Record<'_>>, Stop> {
    let mut records = Vec::new();
    while let [kind, 3, _, high, low, rest @ ..] = bytes {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        ensure(rest.len() >= len, format!("a record of {len} bytes is cut after {}", rest.len()))?;
        let (body, behind) = rest.split_at(len);
        records.push(Record { kind: *kind, body });
        bytes = behind;
    }
    ensure(bytes.is_empty(), format!("no record: {:?}", bytes.escape_ascii().to_string()))?;
    Ok(records)
}
