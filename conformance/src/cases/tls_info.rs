//! What a handshake agreed on, and with whom.

use super::session::{Ours, Setup, secure};
use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq};
use crate::pki::{ClientAuth, ClientSetup, Leaf, ServerSetup, Version};
use crate::steps::drop_after;
use asyncnet_driver::tls::{TlsVersion, rustls_0_23};
use asyncnet_driver::{Stream, Transport};
use std::io::Read;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("tls::info", "what a handshake agreed on is what its peer says, and None before", |at| {
            Box::pin(info(at))
        }),
        Case::new(
            "tls::peer_certificates",
            "the peer's certificates are those it presented, leaf first, and none before",
            |at| Box::pin(peer_certificates(at)),
        ),
        Case::new("tls::protocol", "the application protocol is the one that both sides chose", |at| {
            Box::pin(protocol(at))
        }),
        Case::new(
            "tls::received",
            "what came is counted as text once its record is opened, and as sealed before",
            |at| Box::pin(received(at)),
        ),
        Case::new(
            "tls::resumption",
            "a session is resumed under the same configuration, with the same certificates",
            |at| Box::pin(resumption(at)),
        ),
    ]
}

/// Whether nothing is known yet, or any more.
fn ensure_nothing<T: Transport>(stream: &Stream<T>, when: &str) -> Verdict {
    ensure(!stream.is_tls(), format!("{when}: it is no TLS"))?;
    ensure(stream.tls_info().is_none(), format!("{when}: nothing was agreed on"))?;
    ensure(stream.peer_certificates().is_empty(), format!("{when}: nobody has shown a certificate"))
}

async fn info<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = at.pair().await?;
        ensure_nothing(&stream, "before")?;
        ensure(!stream.is_handshaking(), "it has not begun")?;
        ensure(rustls_0_23::with_common_state(&stream, |_| ()).is_none(), "there is no session")?;
        let started = drop_after(1, stream.start_tls(setup.how()?), || ()).await;
        ensure(started.is_none() && stream.is_handshaking(), "it has begun")?;
        ensure_nothing(&stream, "in the middle")?;

        let (info, mut peer) = secure(&mut stream, wire, &setup).await?;
        ensure(stream.is_tls() && !stream.is_handshaking(), "it is done")?;
        ensure_eq(&stream.tls_info(), &Some(info.clone()), "asked for again")?;
        ensure_eq(&stream.handshake().await?, &info, "a handshake that is done")?;
        let version = if setup.version == Version::Tls12 { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
        ensure_eq(&info.version(), &version, "the version")?;
        let theirs = peer.tls();
        let suite = theirs.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        // rustls' names for the suites of TLS 1.3 are its own.
        let suite = suite.map(|name| name.replacen("TLS13_", "TLS_", 1));
        ensure_eq(&Some(info.cipher_suite()), &suite.as_deref(), "the cipher suite")?;
        let group = theirs.negotiated_key_exchange_group().and_then(|group| group.name().as_str());
        ensure(group.is_some(), "the peer knows of a group")?;
        ensure_eq(&info.key_exchange_group(), &group, "the group")?;
        ensure_eq(&info.alpn(), &None::<&[u8]>, "the protocol")?;
        ensure(!info.is_resumed(), "it is a new session")?;
        let seen = rustls_0_23::with_common_state(&stream, |state| {
            (state.is_handshaking(), state.negotiated_cipher_suite())
        });
        ensure_eq(&seen, &Some((false, theirs.negotiated_cipher_suite())), "rustls' view")?;

        drop(peer);
        stream.close().await?;
        ensure_nothing(&stream, "after the close")?;
    }
    Ok(())
}

async fn peer_certificates<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        for leaf in [Leaf::Localhost, Leaf::Intermediate] {
            let server = ServerSetup { leaf, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Client, ClientSetup::new(version), server);
            let (mut stream, wire) = at.pair().await?;
            secure(&mut stream, wire, &setup).await?;
            ensure_eq(stream.peer_certificates(), &leaf.identity().chain[..], "the server's")?;
        }
        for clients in [ClientAuth::Off, ClientAuth::Required] {
            let client = ClientSetup { identity: Some(Leaf::Client), ..ClientSetup::new(version) };
            let server = ServerSetup { clients, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Server, client, server);
            let (mut stream, wire) = at.pair().await?;
            secure(&mut stream, wire, &setup).await?;
            let asked = clients == ClientAuth::Required;
            let expected = if asked { &Leaf::Client.identity().chain[..] } else { &[] };
            ensure_eq(stream.peer_certificates(), expected, "the client's")?;
        }
    }
    Ok(())
}

async fn protocol<F: Fixture>(at: &F) -> Verdict {
    const NONE: &[&str] = &[];
    let rows = [
        (&["smtp", "imap"] as &[_], &["imap", "smtp"] as &[_], Some(&b"imap"[..])),
        (&["smtp"], &["imap", "smtp"], Some(b"smtp")),
        (&["smtp"], NONE, None),
        (NONE, &["imap"], None),
    ];
    for version in Version::EACH {
        for ours in [Ours::Client, Ours::Server] {
            for (offered, accepted, expected) in rows {
                let client = ClientSetup { alpn: offered, ..ClientSetup::new(version) };
                let server = ServerSetup { alpn: accepted, ..ServerSetup::new(version) };
                let (mut stream, wire) = at.pair().await?;
                let (info, _) = secure(&mut stream, wire, &Setup::of(ours, client, server)).await?;
                ensure_eq(&info.alpn(), &expected, format!("{offered:?} and {accepted:?}"))?;
            }
        }
    }
    Ok(())
}

async fn received<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, wire) = at.pair().await?;
        let (_, mut peer) = secure(&mut stream, wire, &setup).await?;
        // Two records in one write, and the first byte of a third.
        let mut wire = peer.seal(b"one\ntwo")?;
        let second = peer.seal(b"three\n")?;
        let third = peer.seal(b"rest")?;
        wire.extend_from_slice(&second);
        wire.push(third[0]);
        peer.wire()?.write_all(&wire)?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "one"), "the first line")?;
        ensure_eq(&stream.received_len(), &3, "text of the record that was opened")?;
        // How much of the rest was read with it is the system's choice; over memory and loopback it is all of it.
        ensure(stream.sealed_len() <= second.len() + 1, "what is sealed is the rest")?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "twothree"), "a line of two records")?;
        ensure_eq(&stream.received_len(), &0, "no text is left")?;
        ensure(drop_after(1, stream.recv_line(), || ()).await.is_none(), "there is no line")?;
        ensure_eq(&stream.received_len(), &0, "a byte of a record is no text")?;
        ensure_eq(&stream.sealed_len(), &1, "a byte of a record is sealed")?;
        peer.wire()?.write_all(&third[1..])?;
        let got = stream.recv_owned(2).await?;
        ensure_eq(&got[..], b"re", "the third record")?;
        ensure_eq(&(stream.received_len(), stream.sealed_len()), &(2, 0), "opened, and not taken")?;
    }
    Ok(())
}

async fn resumption<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        for ours in [Ours::Client, Ours::Server] {
            let client = ClientSetup { identity: Some(Leaf::Client), ..ClientSetup::new(version) };
            let server = ServerSetup {
                leaf: Leaf::Intermediate,
                clients: ClientAuth::Required,
                ..ServerSetup::new(version)
            };
            let setup = Setup::of(ours, client, server);
            let presented = if ours == Ours::Client { Leaf::Intermediate } else { Leaf::Client };
            for resumed in [false, true, true] {
                let what = format!("{}, resumed: {resumed}", setup.what());
                let (mut stream, wire) = at.pair().await?;
                let (info, mut peer) = secure(&mut stream, wire, &setup).await?;
                // A client reads its tickets with the first text.
                stream.send(b"?").await?;
                peer.read_exact(&mut [0])?;
                ensure_eq(&info.is_resumed(), &resumed, &what)?;
                ensure_eq(stream.peer_certificates(), &presented.identity().chain[..], &what)?;
                // TLS 1.2 resumes without exchanging keys.
                let has_group = info.key_exchange_group().is_some();
                ensure_eq(&has_group, &(!resumed || version == Version::Tls13), &what)?;
            }
            // Another configuration, of the same content, knows nothing of it.
            let other = match ours {
                Ours::Client => Setup { client: client.config(), ..setup },
                Ours::Server => Setup { server: server.config(), ..setup },
            };
            let (mut stream, wire) = at.pair().await?;
            let (info, _) = secure(&mut stream, wire, &other).await?;
            ensure(!info.is_resumed(), "another configuration")?;
        }
    }
    Ok(())
}
