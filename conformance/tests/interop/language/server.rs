//! A server in another language, and a client of ours.

use super::{Language, ensure_refused, name_of};
use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{self, hear, hear_end, tls_error};
use crate::process::Process;
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::{CertificateFault, TlsError};
use asyncnet_driver::{Closed, Connector, Net, SplitTransport};

pub(crate) fn tests<L: Language, N: Net + 'static>() -> Vec<Test<N>>
where
    N::Transport: SplitTransport,
{
    let mut tests = Tests::of(L::SERVER);
    tests.each("lines", |at, version| Box::pin(lines::<L, N>(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn::<L, N>(at, version)));
    tests.each("server_name", |at, version| Box::pin(server_name::<L, N>(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption::<L, N>(at, version)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates::<L, N>(at, version)));
    tests.each("we_refuse", |at, version| Box::pin(we_refuse::<L, N>(at, version)));
    tests.each("megabytes", |at, version| Box::pin(megabytes::<L, N>(at, version)));
    tests.each("it_is_killed", |at, version| Box::pin(it_is_killed::<L, N>(at, version)));
    tests.into_list()
}

/// The server with a certificate, and its port.
async fn start<L: Language, N: Net>(
    at: &At<N>,
    version: Version,
    leaf: Leaf,
    more: &str,
) -> Result<(Process, u16), Stop> {
    let version = name_of(version);
    let arguments = format!("server.{} --version {version} --leaf {leaf:?} {more}", L::EXTENSION);
    let mut tool = at.start(L::TOOL, &arguments)?;
    tool.stdout.until("listening on ").await?;
    let port = tool.stdout.until("\n").await?.trim().parse().map_err(failed)?;
    Ok((tool, port))
}

async fn lines<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start::<L, N>(at, version, Leaf::Intermediate, "").await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    ensure_eq(stream.peer_certificates(), &Leaf::Intermediate.identity().chain[..], "its certificates")?;
    let said = tool.stdout.until("\n").await?;
    let expected = format!("{} alpn=none resumed=false name=localhost client=none\n", name_of(version));
    ensure_eq(&said, &expected, "what it says of the session")?;
    for n in 0..20 {
        stream.send_line(format!("line {n}")).await?;
        hear(&mut stream, format!("line {n}")).await?;
    }
    // It ends when we do.
    stream.shutdown_write().await?;
    hear_end(&mut stream).await?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")?;
    ensure_eq(&tool.stdout.until("\n").await?[..], "ended\n", "what it says of the end")
}

async fn alpn<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start::<L, N>(at, version, Leaf::Localhost, "--alpn smtp,imap").await?;
    for (ours, chosen) in
        [(&["pop3", "imap"][..], Some("imap")), (&["imap", "smtp"], Some("smtp")), (&[], None)]
    {
        let mut stream = at.dial(port, &at.client(version).alpn(ours)).await?;
        let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
        ensure_eq(&info.alpn(), &chosen.map(str::as_bytes), format!("of {ours:?}"))?;
        tool.stdout.until(&format!(" alpn={} ", chosen.unwrap_or("none"))).await?;
        stream.close().await?;
    }
    Ok(())
}

async fn server_name<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start::<L, N>(at, version, Leaf::Localhost, "").await?;
    let connector = at.connector(&at.client(version))?;
    for (name, leaf) in [("wrong.example", Leaf::WrongName), ("localhost", Leaf::Localhost)] {
        let mut stream = at.connect(port, &connector.clone().server_name(name)).await?;
        let presented = stream.peer_certificates().first();
        ensure_eq(&presented, &leaf.identity().chain.first(), format!("its certificate for {name}"))?;
        tool.stdout.until(&format!(" name={name} ")).await?;
        stream.close().await?;
    }
    // By its address: that is no name to ask for (RFC 6066, section 3).
    let config = at.client(version).build().map_err(failed)?;
    Connector::new().tls(&config).dial(at.net(), "127.0.0.1", port).await?;
    tool.stdout.until(" name=none ").await.map(drop)
}

async fn resumption<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start::<L, N>(at, version, Leaf::Localhost, "").await?;
    let connector = at.connector(&at.client(version))?;
    for n in 0..3 {
        let mut stream = at.connect(port, &connector).await?;
        let resumed = stream.tls_info().is_some_and(|info| info.is_resumed());
        ensure_eq(&resumed, &(n > 0), format!("connection {n}"))?;
        ensure(tool.stdout.until("\n").await?.contains(&format!(" resumed={resumed} ")), "what it says")?;
        // Its tickets come before its first line.
        stream.send_line("hello").await?;
        hear(&mut stream, "hello").await?;
        ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")?;
        tool.stdout.until("ended\n").await?;
    }
    Ok(())
}

async fn client_certificates<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let with = |leaf: Leaf| {
        let path = |what: &str| at.folder().join(format!("{leaf:?}.{what}.pem"));
        at.client(version).identity_files(path("chain"), path("key"))
    };
    let (mut tool, port) = start::<L, N>(at, version, Leaf::Localhost, "--client-ca Ca.root.pem").await?;
    let mut stream = at.dial(port, &with(Leaf::Client)).await?;
    stream.send_line("let in").await?;
    hear(&mut stream, "let in").await?;
    tool.stdout.until(" client=Client\n").await?;
    stream.close().await?;
    let none = if version == Version::Tls12 { 40 } else { 116 };
    for (client, alert) in [(with(Leaf::UnknownClient), 48), (at.client(version), none)] {
        let connector = at.connector(&client)?;
        // A client of TLS 1.3 is done before the server has seen all.
        match at.connect(port, &connector).await {
            Ok(mut stream) => ensure_refused::<L, _>(stream.recv_line().await, alert, "then")?,
            refused => ensure_refused::<L, _>(refused, alert, "in the handshake")?,
        }
    }
    Ok(())
}

async fn we_refuse<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let wrong_name =
        CertificateFault::WrongName { expected: "localhost".into(), presented: "wrong.example".into() };
    for (leaf, fault, says) in [
        (Leaf::WrongName, wrong_name, "alert bad certificate"),
        (Leaf::UnknownIssuer, CertificateFault::UnknownIssuer, "alert unknown ca"),
        (Leaf::Expired, CertificateFault::Expired, "alert certificate expired"),
    ] {
        let (mut tool, port) = start::<L, N>(at, version, leaf, "").await?;
        let connector = at.connector(&at.client(version))?;
        let error = tls_error(at.connect(port, &connector).await)?;
        ensure_eq(&error, &TlsError::Certificate(fault), format!("of {leaf:?}"))?;
        tool.stdout.until("error: ").await?;
        tool.stdout.until(says).await?;
    }
    Ok(())
}

async fn megabytes<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (_tool, port) = start::<L, N>(at, version, Leaf::Localhost, "").await?;
    let stream = at.dial(port, &at.client(version)).await?;
    let expected = ours::megabytes(2);
    let (mut stream, received) = ours::exchange(stream, &expected).await?;
    ensure(received == expected, "its echo")?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}

async fn it_is_killed<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start::<L, N>(at, version, Leaf::Localhost, "").await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    stream.send_line("hello").await?;
    hear(&mut stream, "hello").await?;
    tool.kill()?;
    ensure_eq(&tls_error(stream.recv_line().await)?, &TlsError::Truncated, "the end")
}
