//! Halves over TLS, and TLS over a foreign stream: for adapters' own cases, since not every transport comes apart, and
//! each runtime has streams of its own.

use super::send::numbered;
use super::session::{Setup, alert_seen, close, secure, tapped, tls_error};
use super::upgrade::ensure_lines;
use super::wire::ensure_alerts;
use crate::adapter::{Fixture, Sockets};
use crate::case::{Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::{Peer as _, joined};
use crate::pki::Version;
use crate::steps::drop_after;
use asyncnet_core::tls::rustls::AlertDescription;
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Closed, Net, ReuniteError, SplitTransport, Stream, Transport};
use futures_lite::future;
use std::io::{self, Read as _, Write as _};

/// A stream over TLS that is split, used from both halves, and put together again.
///
/// # Errors
///
/// [`Stop`].
pub(crate) async fn split_tls<N: Net>(at: &Sockets<N>) -> Verdict
where
    N::Transport: SplitTransport,
{
    for setup in Setup::each() {
        let (mut stream, _wire) = at.pair().await?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none(), "a handshake waits for its peer")?;
        let error = tls_error(stream.into_split().map(drop), "halves in the middle of a handshake")?;
        ensure_eq(&error, &TlsError::HandshakePending, "halves in the middle of a handshake")?;

        both_ways(at, &setup).await?;
        together(at, &setup).await?;
        broken(at, &setup).await?;
        answered(at, &setup).await?;
    }
    Ok(())
}

/// A key update is answered though the writer does nothing, and before whatever it sends next.
async fn answered<N: Net>(at: &Sockets<N>, setup: &Setup) -> Verdict
where
    N::Transport: SplitTransport,
{
    if setup.version == Version::Tls12 {
        return Ok(());
    }
    let (stream, mut peer, _) = tapped(at, setup).await?;
    let (mut reader, mut writer) = stream.into_split()?;
    for _ in 0..3 {
        peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
        let mut bytes = peer.output()?;
        bytes.extend(peer.seal(b"line\n")?);
        peer.wire()?.write_all(&bytes)?;
        ensure(reader.recv_line().await?.is_some_and(|line| line == "line"), "what came behind the update")?;
        let mut answer = [0; KEY_UPDATE_BYTES];
        peer.wire()?.read_exact(&mut answer)?;
        peer.tls().read_tls(&mut &answer[..])?;
        peer.tls().process_new_packets().map_err(io::Error::other)?;
        writer.send(b"after it").await?;
        let mut sent = [0; 8];
        peer.read_exact(&mut sent)?;
        ensure_eq(&sent, b"after it", "what the writer sent")?;
    }
    Ok(())
}

/// A record of a key update: its head, a message of 5 bytes, the type of its content, and 16 bytes of tag (RFC 8446,
/// sections 4.6.3 and 5.2).
const KEY_UPDATE_BYTES: usize = 5 + 5 + 1 + 16;

fn reunited<T: SplitTransport>(halves: asyncnet_driver::Halves<'_, T>) -> Result<Stream<T>, Stop> {
    let (reader, writer) = halves;
    reader.reunite(writer).map_err(|error| Stop::Failed(error.to_string()))
}

/// Much goes both ways at once, each half in a task of its own.
async fn both_ways<N: Net>(at: &Sockets<N>, setup: &Setup) -> Verdict
where
    N::Transport: SplitTransport,
{
    const TOTAL: usize = 5_000_000;
    let (mut stream, wire) = at.pair().await?;
    let (_, mut peer) = secure(&mut stream, wire, setup).await?;
    let (mut reader, mut writer) = stream.into_split()?;
    let updates = setup.version == Version::Tls13;
    let echo = std::thread::spawn(move || {
        let mut buf = vec![0; 50_000];
        for n in 0..TOTAL / buf.len() {
            peer.read_exact(&mut buf)?;
            if updates && n % 10 == 0 {
                peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
            }
            peer.write_all(&buf)?;
        }
        peer.shutdown_write()?;
        Ok(peer)
    });
    let sent = numbered(TOTAL);
    let writing = async {
        for (n, part) in sent.chunks(70_000).enumerate() {
            if n % 2 == 0 {
                writer.send(part).await?;
            } else {
                writer.queue(part)?;
                writer.flush().await?;
            }
        }
        Ok::<_, Stop>(writer)
    };
    let reading = async {
        let mut got = Vec::new();
        let mut buf = vec![0; 30_000];
        loop {
            match reader.recv(&mut buf).await? {
                0 => return Ok::<_, Stop>((reader, got)),
                n => got.extend_from_slice(&buf[..n]),
            }
        }
    };
    let (writer, read) = future::zip(writing, reading).await;
    let (reader, got) = read?;
    ensure(got == sent, format!("{}: what came back is not what was sent", setup.what()))?;
    let peer = joined(echo)?;
    // Together they are a stream that can be closed well.
    let mut stream = reunited::<N::Transport>((reader, writer?))?;
    let (closed, text) = close(&mut stream, peer).await?;
    ensure_eq(&closed?, &Closed::PeerEnded, "the close")?;
    ensure(text?.is_empty(), "what is behind it all")
}

/// What each half has comes together again, and what is said to one is known to the other.
async fn together<N: Net>(at: &Sockets<N>, setup: &Setup) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (mut stream, wire) = at.pair().await?;
    let (info, mut peer) = secure(&mut stream, wire, setup).await?;
    let (mut reader, mut writer) = stream.into_split()?;
    // The reader waits on a silent peer while the writer writes.
    let mut line = Box::pin(reader.recv_line());
    ensure(drop_after(1, line.as_mut(), || ()).await.is_none(), "a silent peer")?;
    writer.send_line("question").await?;
    let mut question = [0; 10];
    peer.read_exact(&mut question)?;
    ensure_eq(&question, b"question\r\n", "what the writer sent")?;
    let mut bytes = Vec::new();
    if setup.version == Version::Tls13 {
        // The reader meets it, and the writer sends the answer.
        peer.tls().refresh_traffic_keys().map_err(io::Error::other)?;
        bytes.extend(peer.output()?);
    }
    bytes.extend(peer.seal(b"answer\nand ")?);
    bytes.extend(peer.seal(b"rest\n")?);
    peer.wire()?.write_all(&bytes)?;
    ensure(line.await?.is_some_and(|line| line == "answer"), "what the reader received")?;
    writer.queue_line("queued")?;
    // Halves of two streams are given back as they were.
    let (mut other, wire) = at.pair().await?;
    let (_, _other_peer) = secure(&mut other, wire, setup).await?;
    let (other_reader, other_writer) = other.into_split()?;
    let Err(ReuniteError { reader, writer: other_writer, .. }) = reader.reunite(other_writer) else {
        return Err(Stop::Failed("halves of two streams go together".to_owned()));
    };
    drop((other_reader, other_writer));

    let mut stream = reunited::<N::Transport>((reader, writer))?;
    ensure_eq(&stream.tls_info(), &Some(info), "what the handshake agreed on")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "and rest"), "what was buffered and sealed")?;
    stream.flush().await?;
    let mut queued = [0; 8];
    peer.read_exact(&mut queued)?;
    ensure_eq(&queued, b"queued\r\n", "what was queued")?;
    ensure_lines(&mut stream, &mut peer, "together again").await?;

    // A writer's end is a close_notify, and the reader goes on.
    let (mut reader, mut writer) = stream.into_split()?;
    writer.shutdown_write().await?;
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest)?;
    ensure(rest.is_empty(), "nothing but an end")?;
    peer.write_all(b"goes on\n")?;
    ensure(reader.recv_line().await?.is_some_and(|line| line == "goes on"), "the reader goes on")?;

    // Halves that are dropped end without one: what is missing may be noticed.
    let (mut stream, mut peer, seen) = tapped(at, setup).await?;
    stream.queue(b"never sent")?;
    drop(stream.into_split()?);
    let outcome = peer.read(&mut [0; 1]).map_err(|error| error.kind());
    ensure(outcome.is_err(), format!("{}: the peer saw a clean end: {outcome:?}", setup.what()))?;
    ensure(seen.take().is_empty(), "nothing was sent")
}

/// What fails one half fails the other.
async fn broken<N: Net>(at: &Sockets<N>, setup: &Setup) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (stream, mut peer, seen) = tapped(at, setup).await?;
    let (mut reader, mut writer) = stream.into_split()?;
    let mut bytes = peer.seal(b"whole\n")?;
    bytes.extend(peer.seal(b"lost\n")?);
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    peer.wire()?.write_all(&bytes)?;
    ensure(reader.recv_line().await?.is_some_and(|line| line == "whole"), "the line before it")?;
    let error = tls_error(reader.recv_line().await, "a broken record")?;
    ensure(matches!(error, TlsError::Protocol(_)), format!("{error:?}"))?;
    let outcomes = [
        ("recv", reader.recv(&mut [0; 8]).await.err()),
        ("send", writer.send(b"x").await.err()),
        ("send_line", writer.send_line("x").await.err()),
        ("queue", writer.queue(b"x").err()),
        // It sends the alert.
        ("flush", writer.flush().await.err()),
    ];
    for (call, seen) in outcomes {
        let seen = tls_error(seen.map_or(Ok(()), Err), call)?;
        ensure_eq(&seen, &error, call)?;
    }
    let outcome = peer.read(&mut [0; 1]);
    ensure_eq(&alert_seen(&outcome), &Some(AlertDescription::BadRecordMac), format!("it saw {outcome:?}"))?;
    drop((reader, writer));
    peer.wire()?.read_to_end(&mut Vec::new()).ok();
    ensure_alerts(&seen, 1, &setup.what())
}

/// TLS over a stream of the runtime's traits, which `wrap` makes a transport; also when that stream speaks TLS itself.
///
/// # Errors
///
/// [`Stop`].
pub(crate) async fn tls_over<N: Net, T: Transport>(
    at: &Sockets<N>,
    wrap: impl Fn(Stream<N::Transport>) -> T,
) -> Verdict {
    for setup in Setup::each() {
        for within_tls in [false, true] {
            let (mut inner, mut wire) = at.pair().await?;
            if within_tls {
                let (_, peer) = secure(&mut inner, wire, &setup).await?;
                wire = Box::new(peer);
            }
            let mut outer = Stream::new(wrap(inner));
            let (_, mut peer) = secure(&mut outer, wire, &setup).await?;
            ensure_lines(&mut outer, &mut peer, "over a foreign stream").await?;
            let sent = numbered(500_000);
            let echo = std::thread::spawn(move || {
                let mut got = vec![0; 500_000];
                peer.read_exact(&mut got)?;
                peer.write_all(&got)?;
                let end = peer.read(&mut [0; 1])?;
                Ok((peer, end))
            });
            outer.send(&sent).await?;
            let mut got = vec![0; sent.len()];
            outer.recv_exact(&mut got).await?;
            ensure(got == sent, format!("{}: what came back is not what was sent", setup.what()))?;
            outer.shutdown_write().await?;
            let (peer, end) = joined(echo)?;
            ensure_eq(&end, &0, "the peer's view of our end")?;
            drop(peer);
            ensure(outer.recv_line().await?.is_none(), "the peer's end")?;
            outer.close().await?;
            ensure_err(outer.send(b"x").await, "it is closed")?;
        }
    }
    Ok(())
}
