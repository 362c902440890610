//! TLS from a connection's first byte: listeners, and dialing.

use super::network::tcp_only;
use super::send::collect;
use super::session::{Ours, Setup, alert_seen, ensure_every_call, ensure_failed, tls_error};
use super::wire::{ALERT, HANDSHAKE, records};
use crate::adapter::{Fixture, Link, Sockets, connect_peer};
use crate::case::{Case, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::{joined, tcp};
use crate::pki::{ClientSetup, Leaf, ServerSetup, Version};
use crate::steps::drop_after;
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::AlertDescription;
use asyncnet_driver::tls::{CertificateFault, TlsError, TlsListener};
use asyncnet_driver::{Connector, Error, Limits, Net};
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) fn cases<N: Net>() -> Vec<Case<Sockets<N>>> {
    vec![
        Case::new(
            "tls::listener",
            "a TLS listener accepts at once, and a peer that is slow with its handshake stops nobody",
            |at| Box::pin(listener(at)),
        ),
        Case::new(
            "tls::listener_time",
            "the time of an accepted stream's handshake begins with the handshake, not with the accept",
            |at| Box::pin(listener_time(at)),
        ),
        Case::new(
            "tls::listener_plaintext",
            "a plaintext peer of a TLS listener is an error, and gets a fatal alert",
            |at| Box::pin(listener_plaintext(at)),
        ),
        Case::new(
            "tls::dial",
            "a dialed server is verified by the name or address that was dialed, or the name that was given",
            |at| Box::pin(dialed(at)),
        ),
        Case::new("tls::dial_refused", "dialing a server that is not the one that was meant fails", |at| {
            Box::pin(dial_refused(at))
        }),
        Case::new("tls::dial_plaintext", "dialing a server that speaks plaintext fails", |at| {
            Box::pin(dial_plaintext(at))
        }),
        Case::new("tls::dial_silent", "dialing a server that says nothing fails after its time", |at| {
            Box::pin(dial_silent(at))
        }),
        Case::new(
            "tls::dial_truncated",
            "a dialed stream that is cut is Truncated, or ends well where that is accepted",
            |at| Box::pin(dial_truncated(at)),
        ),
        Case::new(
            "tls::connect",
            "a server without a name to verify is not connected to, nor one by a name that is none",
            |at| Box::pin(connect(at)),
        ),
    ]
}

async fn listener<N: Net>(at: &Sockets<N>) -> Verdict {
    for version in Version::EACH {
        let setup = Setup::new(version, Ours::Server);
        let listener = TlsListener::new(at.listen()?, &setup.server);
        ensure_eq(&listener.local_endpoint()?, &listener.plain().local_endpoint()?, "where it is")?;
        // The first says nothing, the second half of its first message.
        let silent = connect_peer(listener.plain())?;
        let mut first = listener.accept().await?;
        ensure(!first.is_tls() && first.is_handshaking(), "nothing was said yet")?;
        let mut slow = setup.peer(connect_peer(listener.plain())?)?;
        let (mut second, _) = listener.accept_addr().await?;
        let hello = slow.output()?;
        slow.wire()?.write_all(&hello[..hello.len() / 2])?;
        ensure(drop_after(1, first.handshake(), || ()).await.is_none(), "the first waits")?;
        ensure(drop_after(1, second.handshake(), || ()).await.is_none(), "the second waits")?;
        ensure_every_call(&mut first, &TlsError::HandshakePending).await?;

        let mut peer = setup.peer(connect_peer(listener.plain())?)?;
        let mut third = listener.accept().await?;
        let served = std::thread::spawn(move || {
            peer.write_all(b"hello\n")?;
            let mut answer = [0; 7];
            peer.read_exact(&mut answer)?;
            Ok(answer)
        });
        third.handshake().await?;
        ensure(third.recv_line().await?.is_some_and(|line| line == "hello"), "a line of the third")?;
        third.send_line("there").await?;
        ensure_eq(&joined(served)?, b"there\r\n", "what the third got")?;

        // The second goes on where it was, and the first is still where it was.
        let rest = std::thread::spawn(move || {
            slow.wire()?.write_all(&hello[hello.len() / 2..])?;
            slow.write_all(b"at last\n")?;
            Ok(slow)
        });
        second.handshake().await?;
        ensure(second.recv_line().await?.is_some_and(|line| line == "at last"), "a line of the second")?;
        joined(rest)?;
        ensure(first.is_handshaking(), "the first still waits")?;
        drop(silent);
        let error = tls_error(first.handshake().await, "a peer that went without a word")?;
        ensure_eq(&error, &TlsError::HandshakeEnded, "a peer that went without a word")?;
    }
    Ok(())
}

async fn listener_time<N: Net>(at: &Sockets<N>) -> Verdict {
    let time = Duration::from_millis(30);
    let setup = Setup::new(Version::Tls13, Ours::Server);
    let mut limits = Limits::default();
    limits.handshake_time_max = time;
    let mut listener = TlsListener::new(at.listen()?, &setup.server);
    listener.plain_mut().set_limits(limits);
    let _silent = connect_peer(listener.plain())?;
    let mut stream = listener.accept().await?;
    at.elapse(time).await;
    ensure(drop_after(1, stream.handshake(), || ()).await.is_none(), "its time has just begun")?;
    let error = tls_error(stream.handshake().await, "a silent peer")?;
    ensure_eq(&error, &TlsError::HandshakeTimedOut { after_ms: 30 }, "a silent peer")
}

async fn listener_plaintext<N: Net>(at: &Sockets<N>) -> Verdict {
    for version in Version::EACH {
        let listener = TlsListener::new(at.listen()?, &Setup::new(version, Ours::Server).server);
        let mut peer = connect_peer(listener.plain())?;
        peer.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut stream = listener.accept().await?;
        let error = tls_error(stream.handshake().await, "plaintext")?;
        ensure_eq(&error, &TlsError::NotTls, "plaintext")?;
        ensure_failed(&mut stream, &error).await?;
        let said = collect(peer);
        stream.close().await?;
        let said = joined(said)?;
        let said = records(&said)?;
        ensure_eq(&said.len(), &1, "the records that it got")?;
        ensure(said[0].kind == ALERT && said[0].body[0] == 2, format!("a fatal alert: {said:?}"))?;
    }
    Ok(())
}

/// A server that makes one handshake and then says hello: its port, and what a read of it said.
fn server(setup: &Setup) -> io::Result<(u16, JoinHandle<io::Result<io::Result<usize>>>)> {
    let setup = Setup { ours: Ours::Client, ..setup.clone() };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let served = std::thread::spawn(move || {
        let (socket, _) = listener.accept()?;
        let mut peer = setup.peer(tcp(socket)?).map_err(|_| io::ErrorKind::InvalidInput)?;
        if let Err(error) = peer.write_all(b"hello\n") {
            return Ok(Err(error));
        }
        Ok(peer.read(&mut [0; 1]))
    });
    Ok((port, served))
}

async fn dialed<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let rows = [
        (Leaf::Localhost, "localhost", None),
        (Leaf::Localhost, "127.0.0.1", None),
        (Leaf::NameOnly, "localhost", None),
        (Leaf::NameOnly, "127.0.0.1", Some("localhost")),
        (Leaf::WrongName, "localhost", Some("wrong.example")),
    ];
    for version in Version::EACH {
        for (leaf, host, name) in rows {
            let setup = Setup::of(
                Ours::Client,
                ClientSetup::new(version),
                ServerSetup { leaf, ..ServerSetup::new(version) },
            );
            let mut limits = Limits::default();
            limits.line_bytes_max = 99;
            let mut connector = Connector::new().tls(&setup.client).limits(limits);
            if let Some(name) = name {
                connector = connector.server_name(name);
            }
            let (port, served) = server(&setup)?;
            let mut stream = connector.dial(at.net(), host, port).await?;
            ensure(stream.is_tls(), "it is given out after its handshake")?;
            ensure_eq(&stream.limits().line_bytes_max, &99, "its limits")?;
            ensure(stream.recv_line().await?.is_some_and(|line| line == "hello"), "a line")?;
            stream.close().await?;
            ensure_eq(&joined(served)??, &0, "what the server saw then")?;
        }
    }
    Ok(())
}

async fn dial_refused<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let rows = [
        (Leaf::NameOnly, "127.0.0.1", None, "127.0.0.1"),
        (Leaf::WrongName, "localhost", None, "localhost"),
        (Leaf::Localhost, "localhost", Some("mail.example"), "mail.example"),
    ];
    for version in Version::EACH {
        for (leaf, host, name, asked) in rows {
            let setup = Setup::of(
                Ours::Client,
                ClientSetup::new(version),
                ServerSetup { leaf, ..ServerSetup::new(version) },
            );
            let mut connector = Connector::new().tls(&setup.client);
            if let Some(name) = name {
                connector = connector.server_name(name);
            }
            let (port, served) = server(&setup)?;
            let error = tls_error(connector.dial(at.net(), host, port).await, asked)?;
            let TlsError::Certificate(CertificateFault::WrongName { expected, .. }) = error else {
                return ensure(false, format!("{asked}: {error:?}"));
            };
            ensure_eq(&expected[..], asked, "the name that was asked for")?;
            let seen = joined(served)?;
            ensure_eq(&alert_seen(&seen), &Some(AlertDescription::BadCertificate), "what the server saw")?;
        }
    }
    Ok(())
}

async fn dial_plaintext<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let setup = Setup::new(Version::Both, Ours::Client);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let served = std::thread::spawn(move || {
        let mut peer = tcp(listener.accept()?.0)?;
        peer.write_all(b"220 ready\r\n")?;
        let mut said = Vec::new();
        peer.read_to_end(&mut said)?;
        Ok(said)
    });
    let error =
        tls_error(Connector::new().tls(&setup.client).dial(at.net(), "localhost", port).await, "plaintext")?;
    ensure_eq(&error, &TlsError::NotTls, "a server that greets in plaintext")?;
    let said = joined(served)?;
    let kinds: Vec<u8> = records(&said)?.iter().map(|record| record.kind).collect();
    ensure_eq(&kinds[..], &[HANDSHAKE, ALERT], "what the server got")
}

async fn dial_silent<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let setup = Setup::new(Version::Both, Ours::Client);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut limits = Limits::default();
    limits.handshake_time_max = Duration::from_millis(30);
    let connector = Connector::new().tls(&setup.client).limits(limits);
    let outcome = connector.dial(at.net(), "127.0.0.1", listener.local_addr()?.port()).await;
    let error = tls_error(outcome, "a silent server")?;
    ensure_eq(&error, &TlsError::HandshakeTimedOut { after_ms: 30 }, "a silent server")
}

async fn dial_truncated<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let setup = Setup::new(Version::Both, Ours::Client);
    for accept in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let theirs = setup.theirs()?;
        let served = std::thread::spawn(move || {
            let mut peer = TlsPeer::new(tcp(listener.accept()?.0)?, theirs);
            peer.write_all(b"hello\n")?;
            peer.wire()?.shutdown_write()?;
            peer.read(&mut [0; 1])
        });
        let connector = Connector::new().tls(&setup.client).accept_truncation(accept);
        let mut stream = connector.dial(at.net(), "localhost", port).await?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "hello"), "a line")?;
        if accept {
            ensure(stream.recv_line().await?.is_none(), "an end that is accepted")?;
        } else {
            let error = ensure_err(stream.recv_line().await, "an end that is not")?;
            ensure(error.is_truncated(), format!("{error:?}"))?;
        }
        stream.close().await?;
        ensure_eq(&joined(served)?, &0, "what the server saw then")?;
    }
    Ok(())
}

async fn connect<N: Net>(at: &Sockets<N>) -> Verdict {
    let setup = Setup::new(Version::Tls13, Ours::Client);
    let listener = at.listen()?;
    let to = listener.local_endpoint()?;
    let connector = Connector::new().tls(&setup.client);
    let is_name = |error: &Error| matches!(error, Error::Tls(TlsError::Name(_)));
    if at.link() == Link::Unix {
        let error = ensure_err(connector.connect(at.net(), &to).await, "no name to verify")?;
        ensure(is_name(&error), format!("{error:?}"))?;
    }
    let unnamed = connector.clone().server_name("not a name");
    let error = ensure_err(unnamed.connect(at.net(), &to).await, "a name that is none")?;
    ensure(is_name(&error), format!("{error:?}"))?;
    ensure(error.to_string().contains("not a name"), format!("its text names it: {error}"))?;
    ensure(drop_after(1, listener.accept(), || ()).await.is_none(), "nobody was connected to")?;

    // By its address, or the name that was given.
    let connector = if at.link() == Link::Unix { connector.server_name("localhost") } else { connector };
    let mut connecting = Box::pin(connector.connect(at.net(), &to));
    ensure(drop_after(1, connecting.as_mut(), || ()).await.is_none(), "it waits for the handshake")?;
    let serving = async {
        let mut stream = listener.accept().await?;
        stream.start_tls(&setup.server).await?;
        stream.send_line("hello").await
    };
    let (connected, served) = futures_lite::future::zip(connecting, serving).await;
    served?;
    ensure(connected?.recv_line().await?.is_some_and(|line| line == "hello"), "a line")
}
