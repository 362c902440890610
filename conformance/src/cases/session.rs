//! What the cases of TLS have in common: who is on which side, handshakes, and what went over the wire.
//!
//! A case of TLS takes a plain pair from its fixture and makes the handshake itself, so it runs wherever a stream case
//! does. Its peer is rustls' buffered connection, or bytes.

use super::wire::{Seen, Tap, ensure_alerts};
use crate::adapter::Fixture;
use crate::case::{Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::{Peer, joined};
use crate::pki::{self, ClientSetup, ServerSetup, Version};
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::{
    self, AlertDescription, ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection,
};
use asyncnet_driver::tls::{StartTls, TlsError, TlsInfo};
use asyncnet_driver::{Closed, Error, Stream, Transport};
use bytes::Bytes;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

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
        Ok(TlsPeer::new(wire, self.theirs()?))
    }

    /// The other side, over nothing.
    pub(super) fn theirs(&self) -> Result<Connection, Stop> {
        let tls = match self.ours {
            Ours::Client => ServerConnection::new(Arc::clone(&self.server)).map(Connection::from),
            Ours::Server => ClientConnection::new(Arc::clone(&self.client), pki::server_name(self.name))
                .map(Connection::from),
        };
        tls.map_err(|error| Stop::Failed(error.to_string()))
    }

    /// For what is said of a failure.
    pub(super) fn what(&self) -> String {
        format!("{:?}, ours is the {:?}", self.version, self.ours)
    }
}

/// What rustls wants sent.
pub(super) fn flight(tls: &mut Connection) -> io::Result<Vec<u8>> {
    let mut records = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut records)?;
    }
    Ok(records)
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

/// Makes a handshake that is to fail: what it says, and what a read of the peer said.
pub(super) async fn fail<F: Fixture>(at: &F, setup: &Setup) -> Result<(TlsError, io::Result<usize>), Stop> {
    let (mut stream, wire) = at.pair().await?;
    let (wire, seen) = Tap::on(wire);
    let mut peer = setup.peer(wire)?;
    let peer = std::thread::spawn(move || Ok((peer.read(&mut [0; 1]), peer)));
    let error = tls_error(stream.start_tls(setup.how()?).await, &setup.what())?;
    // The alert is sent: it needs no call more.
    let (outcome, peer) = joined(peer)?;
    ensure_failed(&mut stream, &error).await?;
    let (closed, _) = close(&mut stream, peer).await?;
    ensure_eq(&closed?, &Closed::PeerEnded, "the close")?;
    let ours = !matches!(error, TlsError::AlertReceived(_));
    ensure_alerts(&seen, usize::from(ours), &setup.what())?;
    Ok((error, outcome))
}

/// Whether nothing is left of a stream whose handshake failed but to look at it and to close it.
pub(super) async fn ensure_failed<T: Transport>(stream: &mut Stream<T>, error: &TlsError) -> Verdict {
    ensure(!stream.is_tls(), format!("{error:?}: it is no TLS"))?;
    ensure(!stream.is_handshaking(), format!("{error:?}: the handshake is over"))?;
    ensure(stream.tls_info().is_none(), format!("{error:?}: nothing was agreed on"))?;
    ensure(stream.peer_certificates().is_empty(), format!("{error:?}: nobody was verified"))?;
    ensure_every_call(stream, error).await?;
    ensure_eq(&tls_error(stream.handshake().await, "the handshake again")?, error, "the handshake again")?;
    let how = StartTls::server(&ServerSetup::new(Version::Both).config());
    ensure_err(stream.start_tls(how).await, "another handshake")?;
    ensure(!stream.is_closed(), "it is not closed yet")
}

/// Whether an error is this alert of the peer's, and names it.
pub(super) fn ensure_alert(error: &TlsError, code: u8, name: &str) -> Verdict {
    let TlsError::AlertReceived(alert) = error else { return Err(Stop::Failed(format!("{error:?}"))) };
    ensure_eq(&alert.code(), &code, "the alert")?;
    ensure(error.to_string().contains(name), format!("its text names it: {error}"))
}

/// A pair after its handshake, of which what the peer reads is seen.
pub(super) async fn tapped<F: Fixture>(
    at: &F,
    setup: &Setup,
) -> Result<(Stream<F::Transport>, TlsPeer, Seen), Stop> {
    let (mut stream, wire) = at.pair().await?;
    let (wire, seen) = Tap::on(wire);
    let (_, mut peer) = secure(&mut stream, wire, setup).await?;
    // A client reads its tickets with the first text.
    stream.send(b"?").await?;
    peer.read_exact(&mut [0])?;
    seen.take();
    Ok((stream, peer, seen))
}

/// Closes the stream, while the peer reads what is still on the wire, and ends: whether a read of its text said anything but
/// an end.
pub(super) async fn close<T: Transport>(
    stream: &mut Stream<T>,
    mut peer: TlsPeer,
) -> Result<(Result<Closed, Error>, io::Result<Vec<u8>>), Stop> {
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = peer.read_to_end(&mut text);
        peer.wire()?.read_to_end(&mut Vec::new())?;
        Ok(read.map(|_| text))
    });
    let closed = stream.close().await;
    Ok((closed, joined(reader)?))
}
