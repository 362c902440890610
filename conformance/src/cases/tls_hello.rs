//! Before TLS: a client's first message, looked at; and plaintext, refused where TLS is required.

use super::session::{Ours, Setup, flight, secure, secure_as, tls_error};
use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq, ensure_err};
use crate::pki::{ClientSetup, ServerSetup, Version};
use crate::steps::drop_after;
use asyncnet_driver::tls::{CLIENT_HELLO_BYTES_MAX, Leftover, TlsError};
use asyncnet_driver::{Error, Fault, Limits};
use std::io::{Read, Write};
use std::time::Duration;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "hello::cuts",
            "a client's first message is seen however it was cut, and nothing is taken",
            |at| Box::pin(cuts(at)),
        ),
        Case::new(
            "hello::choose",
            "a configuration is chosen by what the client wants, and TLS goes on",
            |at| Box::pin(choose(at)),
        ),
        Case::new("hello::not_tls", "what is no client's first message says so, and can be received", |at| {
            Box::pin(not_tls(at))
        }),
        Case::new("hello::too_long", "a first message has a bound", |at| Box::pin(too_long(at))),
        Case::new("hello::silent", "a first message that does not come to its end has a time", |at| {
            Box::pin(silent(at))
        }),
        Case::new("hello::ended", "an end before the first message is over is an error", |at| {
            Box::pin(ended(at))
        }),
        Case::new("hello::server_name", "both sides tell which host was asked for", |at| {
            Box::pin(server_name(at))
        }),
        Case::new("upgrade::required", "where TLS is required no call sends or receives plaintext", |at| {
            Box::pin(required(at))
        }),
        Case::new(
            "upgrade::required_queue",
            "what is queued as plaintext is told before TLS is required",
            |at| Box::pin(required_queue(at)),
        ),
    ]
}

/// A client's first message, of a client that asks for `localhost` and offers two protocols.
fn hello(version: Version) -> Result<(Setup, Vec<u8>), crate::case::Stop> {
    let client = ClientSetup { alpn: &["imap", "smtp"], ..ClientSetup::new(version) };
    let setup = Setup::of(Ours::Server, client, ServerSetup::new(version));
    let bytes = flight(&mut setup.theirs()?)?;
    Ok((setup, bytes))
}

async fn cuts<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        let (_, bytes) = hello(version)?;
        // A look for each byte, and each cut at once.
        for cut in (0..bytes.len()).step_by(7) {
            let (mut stream, mut peer) = at.pair().await?;
            peer.write_all(&bytes[..cut])?;
            ensure(drop_after(1, stream.client_hello(), || ()).await.is_none(), "not all of it came")?;
            peer.write_all(&bytes[cut..])?;
            let hello = stream.client_hello().await?;
            ensure_eq(&hello.server_name(), &Some("localhost"), "the host")?;
            ensure(hello.alpn().eq([&b"imap"[..], b"smtp"]), "the protocols")?;
            ensure_eq(&stream.client_hello().await?, &hello, "looked at again")?;
            ensure_eq(stream.received(), &bytes[..], "what is there to be received")?;
        }
    }
    let (_, bytes) = hello(Version::Tls13)?;
    let (mut stream, mut peer) = at.pair().await?;
    for (n, byte) in bytes.iter().enumerate() {
        ensure(
            drop_after(1, stream.client_hello(), || ()).await.is_none(),
            format!("{n} bytes are not all"),
        )?;
        peer.write_all(&[*byte])?;
        stream.peek_at_least(n + 1).await?;
    }
    ensure_eq(&stream.client_hello().await?.server_name(), &Some("localhost"), "byte by byte")
}

async fn choose<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        let (setup, _) = hello(version)?;
        let (mut stream, wire) = at.pair().await?;
        let mut peer = setup.peer(wire)?;
        let peer = std::thread::spawn(move || {
            peer.write_all(b"hello")?;
            Ok::<_, std::io::Error>(peer)
        });
        let hello = stream.client_hello().await?;
        ensure_eq(&hello.server_name(), &Some("localhost"), "the host")?;
        ensure(!stream.is_tls() && !stream.is_handshaking(), "nothing has begun")?;
        let info = stream.start_tls(setup.how()?.leftover(Leftover::IntoTls)).await?;
        ensure_eq(&info.server_name(), &Some("localhost"), "the host afterwards")?;
        ensure_eq(&stream.recv_owned(5).await?[..], b"hello", "the first text")?;
        let _peer = crate::peer::joined(peer)?;
        let again = tls_error(stream.client_hello().await, "a look at what has begun")?;
        ensure_eq(&again, &TlsError::AlreadyStarted, "the error")?;
    }
    Ok(())
}

async fn not_tls<F: Fixture>(at: &F) -> Verdict {
    for bytes in [
        &b"EHLO example.org\r\n"[..],
        b"\x16\x02",
        b"\x17\x03\x03\x00\x01x",
        b"\x16\x03\x01\x00\x04\x02\0\0\0",
    ] {
        let (mut stream, mut peer) = at.pair().await?;
        peer.write_all(bytes)?;
        let error = tls_error(stream.client_hello().await, "what is no first message")?;
        ensure_eq(&error, &TlsError::NotTls, "the error")?;
        stream.peek_at_least(bytes.len()).await?;
        ensure_eq(stream.received(), bytes, "it can be received")?;
        stream.send(b"spoken to in plaintext").await?;
    }
    Ok(())
}

async fn too_long<F: Fixture>(at: &F) -> Verdict {
    // One that says so, and one whose records do: a byte in each.
    let says = vec![22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff];
    let mut records = Vec::new();
    for byte in [1, 0, 0x3f, 0xfc].into_iter().chain(std::iter::repeat_n(0xab, CLIENT_HELLO_BYTES_MAX / 6)) {
        records.extend_from_slice(&[22, 3, 1, 0, 1, byte]);
    }
    for bytes in [says, records] {
        let (mut stream, mut peer) = at.pair().await?;
        let sender = std::thread::spawn(move || peer.write_all(&bytes).map(|()| peer));
        let error = tls_error(stream.client_hello().await, "a first message that is too long")?;
        ensure_eq(&error, &TlsError::HandshakeTooLong { limit: CLIENT_HELLO_BYTES_MAX }, "the error")?;
        drop(stream);
        drop(sender.join());
    }
    Ok(())
}

async fn silent<F: Fixture>(at: &F) -> Verdict {
    let mut limits = Limits::default();
    limits.handshake_time_max = Duration::from_millis(30);
    let (_, bytes) = hello(Version::Tls13)?;
    let (mut stream, mut peer) = at.pair_with(limits).await?;
    peer.write_all(&bytes[..bytes.len() - 1])?;
    let waits = futures_lite::future::zip(stream.client_hello(), at.elapse(Duration::from_millis(31)));
    let (found, ()) = waits.await;
    let error = tls_error(found, "a first message without its end")?;
    ensure_eq(&error, &TlsError::HandshakeTimedOut { after_ms: 30 }, "the error")?;
    ensure(error.fault() == Fault::Peer, "whose fault it is")?;
    peer.write_all(&bytes[bytes.len() - 1..])?;
    ensure_eq(&stream.client_hello().await?.server_name(), &Some("localhost"), "asked again")
}

async fn ended<F: Fixture>(at: &F) -> Verdict {
    let (_, bytes) = hello(Version::Tls13)?;
    for len in [0, 1, bytes.len() - 1] {
        let (mut stream, mut peer) = at.pair().await?;
        peer.write_all(&bytes[..len])?;
        peer.shutdown_write()?;
        let error = tls_error(stream.client_hello().await, "an end in the first message")?;
        ensure_eq(&error, &TlsError::HandshakeEnded, "the error")?;
    }
    Ok(())
}

async fn server_name<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        for (name, said) in [("localhost", Some("localhost")), ("127.0.0.1", None)] {
            let setup = Setup { name, ..setup.clone() };
            let (mut stream, wire) = at.pair().await?;
            let (info, _) = secure(&mut stream, wire, &setup).await?;
            ensure_eq(&info.server_name(), &said, format!("{}: the host", setup.what()))?;
        }
    }
    Ok(())
}

async fn required<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut wire) = at.pair().await?;
        wire.write_all(b"250 INJECTED\r\n")?;
        stream.peek_at_least(14).await?;
        stream.require_tls()?;
        let error = ensure_err(stream.recv_line().await, "a line that came before")?;
        ensure(matches!(error, Error::Tls(TlsError::PlaintextRefused)), format!("{error:?}"))?;
        ensure_eq(&error.fault(), &Fault::Caller, "whose fault it is")?;
        ensure(stream.received().is_empty(), "what came is not shown either")?;
        // All but the end, which says nothing, and a flush of nothing.
        let refused = Some(TlsError::PlaintextRefused);
        for (call, error) in super::session::every_call(&mut stream).await {
            let error = error.map(|error| if let Error::Tls(error) = error { Ok(error) } else { Err(error) });
            let same = matches!(&error, Some(Ok(error)) if Some(error) == refused.as_ref());
            ensure(same || ["flush", "shutdown_write"].contains(&call), format!("{call}: {error:?}"))?;
        }
        drop(stream);
        let mut seen = Vec::new();
        // The peer may see a reset, since what it sent was not taken.
        wire.read_to_end(&mut seen).ok();
        ensure(seen.is_empty(), "something was sent as plaintext")?;

        let (mut stream, wire) = at.pair().await?;
        stream.require_tls()?;
        stream.require_tls()?;
        let (_, mut peer) = secure(&mut stream, wire, &setup).await?;
        super::upgrade::ensure_lines(&mut stream, &mut peer, "over TLS").await?;
        drop(peer);

        // What is left of plaintext is dropped, not served.
        let (mut stream, mut wire) = at.pair().await?;
        wire.write_all(b"250 INJECTED\r\n")?;
        stream.peek_at_least(14).await?;
        stream.require_tls()?;
        let how = setup.how()?;
        let left = tls_error(stream.start_tls(how.clone()).await.map(drop), "plaintext before TLS")?;
        ensure_eq(&left, &TlsError::Leftover { len: 14 }, "the error")?;
        let (_, mut peer) = secure_as(&mut stream, wire, &setup, how.leftover(Leftover::Discard)).await?;
        super::upgrade::ensure_lines(&mut stream, &mut peer, "over TLS, behind what was dropped").await?;
    }
    Ok(())
}

async fn required_queue<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    stream.queue(b"in plaintext")?;
    let error = ensure_err(stream.require_tls(), "plaintext in the queue")?;
    ensure(matches!(error, Error::Tls(TlsError::PlaintextRefused)), format!("{error:?}"))?;
    stream.flush().await?;
    stream.require_tls()?;
    ensure_err(stream.queue(b"more"), "more of it")?;
    drop(stream);
    let mut seen = Vec::new();
    peer.read_to_end(&mut seen)?;
    ensure_eq(&seen[..], b"in plaintext", "what was sent before")
}
