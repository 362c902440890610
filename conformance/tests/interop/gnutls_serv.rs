//! GnuTLS' server, and a client of ours. It gives back each line it is sent.

use crate::at::{At, Test, Tests};
use crate::failed;
use crate::gnutls_cli::priority;
use crate::ours::{self, hear, hear_end, tls_error};
use crate::process::Process;
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::{Alert, CertificateFault, TlsError};
use asyncnet_driver::{Closed, Net, SplitTransport};
use asyncnet_os::ClientTls;
use futures_lite::future;

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>>
where
    N::Transport: SplitTransport,
{
    let mut tests = Tests::of("gnutls_serv");
    tests.each("lines", |at, version| Box::pin(lines(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn(at, version)));
    tests.each("server_name", |at, version| Box::pin(server_name(at, version)));
    tests.one("no_common_version", |at| Box::pin(no_common_version(at)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates(at, version)));
    tests.each("we_refuse", |at, version| Box::pin(we_refuse(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption(at, version)));
    tests.each("megabytes", |at, version| Box::pin(megabytes(at, version)));
    tests.each("it_is_killed", |at, version| Box::pin(it_is_killed(at, version)));
    tests.into_list()
}

/// How often another port is tried.
const PORTS: u32 = 8;

/// The server with a certificate, and its port. It takes no address to listen on: it listens on all there are.
async fn start<N: Net>(at: &At<N>, version: Version, leaf: Leaf, more: &str) -> Result<(Process, u16), Stop> {
    let identity = format!("--x509certfile {leaf:?}.chain.pem --x509keyfile {leaf:?}.key.pem");
    for _ in 0..PORTS {
        // It does not tell which port it was given: it gets one that is free, and may be lost to another test by then.
        let port = at.listen_plain()?.1;
        let arguments = format!("--echo --crlf {identity} {} {more} -p {port}", priority(version));
        let mut tool = at.start("gnutls-serv", &arguments)?;
        tool.stderr.until(&format!("IPv4 0.0.0.0 port {port}...")).await?;
        if tool.stderr.until("\n").await? == "done\n" {
            return Ok((tool, port));
        }
    }
    Err(failed(format!("it found no port in {PORTS} attempts")))
}

async fn lines<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = start(at, version, Leaf::Intermediate, "--disable-client-cert").await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    ensure_eq(stream.peer_certificates(), &Leaf::Intermediate.identity().chain[..], "its certificates")?;
    for n in 0..20 {
        stream.send_line(format!("line {n}")).await?;
        hear(&mut stream, format!("line {n}")).await?;
    }
    // It ends when we do.
    stream.shutdown_write().await?;
    hear_end(&mut stream).await?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}

/// What fails the handshake, or the first receive: a client of TLS 1.3 is done before the server has seen all.
async fn refusal<N: Net>(at: &At<N>, port: u16, client: &ClientTls) -> Result<TlsError, Stop> {
    let connector = at.connector(client)?;
    match at.connect(port, &connector).await {
        Ok(mut stream) => tls_error(stream.recv_line().await),
        refused => tls_error(refused),
    }
}

async fn alpn<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = start(at, version, Leaf::Localhost, "--alpn smtp --alpn imap --alpn-fatal").await?;
    for (ours, chosen) in [(&["pop3", "imap"][..], Some("imap")), (&[], None)] {
        let stream = at.dial(port, &at.client(version).alpn(ours)).await?;
        let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
        ensure_eq(&info.alpn(), &chosen.map(str::as_bytes), format!("of {ours:?}"))?;
    }
    let error = refusal(at, port, &at.client(version).alpn(["pop3"])).await?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(120)), "what we say")
}

/// It minds which name it is asked for.
async fn server_name<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let strict = "--sni-hostname wrong.example --sni-hostname-fatal";
    let (_tool, port) = start(at, version, Leaf::WrongName, strict).await?;
    let connector = at.connector(&at.client(version))?;
    let stream = at.connect(port, &connector.clone().server_name("wrong.example")).await?;
    let presented = stream.peer_certificates().first();
    ensure_eq(&presented, &Leaf::WrongName.identity().chain.first(), "its certificate")?;
    let error = tls_error(at.connect(port, &connector).await)?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(112)), "what we say")
}

async fn no_common_version<N: Net>(at: &At<N>) -> Verdict {
    let (_tool, port) = start(at, Version::Tls13, Leaf::Localhost, "").await?;
    let error = refusal(at, port, &at.client(Version::Tls12)).await?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(70)), "of 1.2")?;
    // It answers with the only version it has, and leaves it to us.
    let (mut tool, port) = start(at, Version::Tls12, Leaf::Localhost, "").await?;
    let error = refusal(at, port, &at.client(Version::Tls13)).await?;
    ensure(matches!(error, TlsError::Incompatible(_)), format!("of 1.3 we say: {error}"))?;
    tool.stderr.until("A TLS fatal alert has been received").await.map(drop)
}

async fn client_certificates<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let with = |leaf: Leaf| {
        let path = |what: &str| at.folder().join(format!("{leaf:?}.{what}.pem"));
        at.client(version).identity_files(path("chain"), path("key"))
    };
    let required = "--x509cafile Ca.root.pem --require-client-cert --verify-client-cert";
    let (_tool, port) = start(at, version, Leaf::Localhost, required).await?;
    let mut stream = at.dial(port, &with(Leaf::Client)).await?;
    stream.send_line("let in").await?;
    hear(&mut stream, "let in").await?;
    let error = refusal(at, port, &with(Leaf::UnknownClient)).await?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(49)), "by another authority")?;
    let error = refusal(at, port, &at.client(version)).await?;
    // In TLS 1.2 it calls that a fault of decoding.
    let alert = if version == Version::Tls12 { 50 } else { 116 };
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(alert)), "without one")
}

async fn we_refuse<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let wrong_name =
        CertificateFault::WrongName { expected: "localhost".into(), presented: "wrong.example".into() };
    for (leaf, fault) in [
        (Leaf::WrongName, wrong_name),
        (Leaf::UnknownIssuer, CertificateFault::UnknownIssuer),
        (Leaf::Expired, CertificateFault::Expired),
    ] {
        let (mut tool, port) = start(at, version, leaf, "").await?;
        let error = refusal(at, port, &at.client(version)).await?;
        ensure_eq(&error, &TlsError::Certificate(fault), format!("of {leaf:?}"))?;
        // Which, it says where it is not passed on to a pipe before much has come together.
        tool.stderr.until("A TLS fatal alert has been received").await?;
    }
    Ok(())
}

async fn resumption<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = start(at, version, Leaf::Localhost, "").await?;
    let connector = at.connector(&at.client(version))?;
    for n in 0..3 {
        let mut stream = at.connect(port, &connector).await?;
        let resumed = stream.tls_info().is_some_and(|info| info.is_resumed());
        ensure_eq(&resumed, &(n > 0), format!("connection {n}"))?;
        // Its tickets come before its first line.
        stream.send_line("hello").await?;
        hear(&mut stream, "hello").await?;
        stream.close().await?;
    }
    Ok(())
}

async fn megabytes<N: Net>(at: &At<N>, version: Version) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (mut tool, port) = start(at, version, Leaf::Localhost, "").await?;
    let stream = at.dial(port, &at.client(version)).await?;
    let expected = ours::megabytes(2);
    let exchange = async {
        let (_stream, received) = ours::exchange(stream, &expected).await?;
        ensure(received == expected, "its echo")
    };
    // It says all of it there, too.
    let talks = async {
        tool.stderr.rest().await;
        Err(failed("it ended"))
    };
    future::race(exchange, talks).await
}

async fn it_is_killed<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start(at, version, Leaf::Localhost, "").await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    stream.send_line("hello").await?;
    hear(&mut stream, "hello").await?;
    tool.kill()?;
    ensure_eq(&tls_error(stream.recv_line().await)?, &TlsError::Truncated, "the end")?;
    // Whom we dial next is not there.
    let connector = at.connector(&at.client(version).ca_file(at.root(Root::UnknownCa)))?;
    ensure(at.connect(port, &connector).await.is_err(), "somebody is there")
}
