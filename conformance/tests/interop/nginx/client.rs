//! nginx as a client, which hands on what it is asked for, and a server of ours.

use super::{head, protocol, request, start};
use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{hear, hear_end};
use crate::process::Process;
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::TlsListener;
use asyncnet_driver::{Closed, Connector, Net, Stream};
use asyncnet_os::ClientCertificates;

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>> {
    let mut tests = Tests::of("nginx_client");
    tests.each("get", |at, version| Box::pin(get(at, version)));
    tests.each("server_name", |at, version| Box::pin(server_name(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption(at, version)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates(at, version)));
    tests.each("server_refused", |at, version| Box::pin(server_refused(at, version)));
    tests.into_list()
}

/// nginx, which trusts our authority and nobody else, and the port where it is asked for what it hands on to the port `to`.
async fn hand_on<N: Net>(at: &At<N>, to: u16, version: Version, more: &str) -> Result<(Process, u16), Stop> {
    let version = protocol(version);
    let name = if more.contains("proxy_ssl_name") { "" } else { "proxy_ssl_name localhost;" };
    start(at, |port| {
        format!(
            "  server {{
    listen 127.0.0.1:{port};
    proxy_ssl_protocols {version}; proxy_ssl_verify on; proxy_ssl_trusted_certificate Ca.root.pem;
    proxy_ssl_server_name on; {name} {more}
    location / {{ proxy_pass https://127.0.0.1:{to}; }}
  }}
"
        )
    })
    .await
}

/// Asks nginx, in plaintext.
async fn ask<N: Net>(at: &At<N>, port: u16) -> Result<Stream<N::Transport>, Stop> {
    let mut asking = at.connect(port, &Connector::new()).await?;
    request(&mut asking, "/").await?;
    Ok(asking)
}

/// nginx, asked once, and its stream to us, whose handshake has succeeded.
async fn meet<N: Net>(
    at: &At<N>,
    listener: &TlsListener<N::Listener>,
    port: u16,
) -> Result<(Stream<N::Transport>, Stream<N::Transport>), Stop> {
    let asking = ask(at, port).await?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    Ok((asking, stream))
}

/// Answers what it hands on, and hears that at its other side.
async fn answer<N: Net>(mut asking: Stream<N::Transport>, mut stream: Stream<N::Transport>) -> Verdict {
    ensure_eq(&head(&mut stream).await?[..], "GET / HTTP/1.0", "the request")?;
    stream.queue_line("HTTP/1.0 200 OK")?;
    stream.queue_line("")?;
    stream.queue_line("from behind")?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")?;
    ensure_eq(&head(&mut asking).await?[..], "HTTP/1.1 200 OK", "the answer")?;
    // Behind the length of its only chunk.
    asking.recv_line().await?;
    hear(&mut asking, "from behind").await
}

async fn get<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, to) = at.listen(&at.server(Version::Both, Leaf::Intermediate))?;
    let (_tool, port) = hand_on(at, to, version, "proxy_ssl_verify_depth 2;").await?;
    let (asking, stream) = meet(at, &listener, port).await?;
    let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
    ensure_eq(&info.version().to_string()[..], protocol(version), "the version")?;
    ensure_eq(&info.alpn(), &None, "the protocol")?;
    answer::<N>(asking, stream).await
}

async fn server_name<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, to) = at.listen(&at.server_by_name(version))?;
    for name in ["wrong.example", "localhost"] {
        let (_tool, port) = hand_on(at, to, version, &format!("proxy_ssl_name {name};")).await?;
        let (asking, stream) = meet(at, &listener, port).await?;
        let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
        ensure_eq(&info.server_name(), &Some(name), "the name")?;
        answer::<N>(asking, stream).await?;
    }
    Ok(())
}

async fn resumption<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = || at.server(version, Leaf::Localhost);
    for (way, server, each) in [
        ("memory", server().session_cache(16), true),
        // A resumed handshake of TLS 1.2 brings a new ticket. OpenSSL then holds the session that it came with for used
        // up, and tells of a new one after full handshakes only: nginx comes back with the old one, and makes a full one.
        ("tickets", server(), version != Version::Tls12),
    ] {
        let (listener, to) = at.listen(&server)?;
        let (_tool, port) = hand_on(at, to, version, "").await?;
        let mut before = None;
        for n in 0..6 {
            let (asking, stream) = meet(at, &listener, port).await?;
            let resumed = stream.tls_info().is_some_and(|info| info.is_resumed());
            match before.replace(resumed) {
                None => ensure(!resumed, "the first connection has nothing to resume")?,
                Some(before) => {
                    ensure(resumed || before && !each, format!("{way}: connection {n} is not resumed"))?;
                }
            }
            answer::<N>(asking, stream).await?;
        }
    }
    Ok(())
}

async fn client_certificates<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost).client_ca_file(at.root(Root::Ca));
    let (listener, to) = at.listen(&server.client_certificates(ClientCertificates::Required))?;
    let its = "proxy_ssl_certificate Client.chain.pem; proxy_ssl_certificate_key Client.key.pem;";
    let (_tool, port) = hand_on(at, to, version, its).await?;
    let (asking, stream) = meet(at, &listener, port).await?;
    let certificate = Leaf::Client.identity().chain.first();
    ensure_eq(&stream.peer_certificates().first(), &certificate, "its certificate")?;
    answer::<N>(asking, stream).await?;
    // Without one it hears our alert, and says so in HTTP.
    let (mut tool, port) = hand_on(at, to, version, "").await?;
    let mut asking = ask(at, port).await?;
    let mut stream = listener.accept().await?;
    ensure(stream.handshake().await.is_err(), "we are content")?;
    stream.close().await?;
    ensure_eq(&head(&mut asking).await?[..], "HTTP/1.1 502 Bad Gateway", "its answer")?;
    tool.stderr.until("alert certificate required").await.map(drop)
}

async fn server_refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (leaf, says) in [
        (Leaf::UnknownIssuer, "upstream SSL certificate verify error"),
        (Leaf::WrongName, "upstream SSL certificate does not match \"localhost\""),
        (Leaf::Expired, "certificate has expired"),
    ] {
        let (listener, to) = at.listen(&at.server(version, leaf))?;
        let (mut tool, port) = hand_on(at, to, version, "").await?;
        // It looks when the handshake is done, hands nothing on, and says so in HTTP.
        let (mut asking, mut stream) = meet(at, &listener, port).await?;
        hear_end(&mut stream).await?;
        ensure_eq(&head(&mut asking).await?[..], "HTTP/1.1 502 Bad Gateway", "its answer")?;
        tool.stderr.until(says).await?;
    }
    Ok(())
}
