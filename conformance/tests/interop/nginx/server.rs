//! nginx as a server, and a client of ours.

use super::{head, protocol, request, start};
use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{self, hear_end, tls_error};
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::{Alert, CertificateFault, TlsError};
use asyncnet_driver::{Closed, Connector, Net};

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>> {
    let mut tests = Tests::of("nginx_server");
    tests.each("get", |at, version| Box::pin(get(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn(at, version)));
    tests.each("server_name", |at, version| Box::pin(server_name(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption(at, version)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates(at, version)));
    tests.each("we_refuse", |at, version| Box::pin(we_refuse(at, version)));
    tests.each("download", |at, version| Box::pin(download(at, version)));
    tests.into_list()
}

/// A server that says what was agreed on, with a certificate.
fn serve(port: u16, version: Version, name: &str, leaf: Leaf) -> String {
    let version = protocol(version);
    format!(
        "  server {{
    listen 127.0.0.1:{port} ssl; server_name {name}; ssl_protocols {version};
    ssl_certificate {leaf:?}.chain.pem; ssl_certificate_key {leaf:?}.key.pem;
    ssl_verify_client optional; ssl_client_certificate Ca.root.pem;
    location = / {{
      return 200 \"{name} $ssl_protocol asked=$ssl_server_name alpn=$ssl_alpn_protocol \
           resumed=$ssl_session_reused client=$ssl_client_verify\\n\";
    }}
    location / {{ root ./; }}
  }}
"
    )
}

/// Asks for `/` by a new connection, and says what was said.
async fn ask<N: Net>(at: &At<N>, port: u16, connector: &Connector) -> Result<String, Stop> {
    let mut stream = at.connect(port, connector).await?;
    request(&mut stream, "/").await?;
    ensure_eq(&head(&mut stream).await?[..], "HTTP/1.1 200 OK", "its answer")?;
    let said = stream.recv_line().await?.map(|line| line.to_str_lossy().into_owned());
    hear_end(&mut stream).await?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")?;
    said.ok_or_else(|| failed("it says nothing"))
}

async fn get<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = start(at, |port| serve(port, version, "localhost", Leaf::Intermediate)).await?;
    let said = ask(at, port, &at.connector(&at.client(Version::Both))?).await?;
    let protocol = protocol(version);
    let expected = format!("localhost {protocol} asked=localhost alpn= resumed=. client=NONE");
    ensure_eq(&said, &expected, "what it says")
}

async fn alpn<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = start(at, |port| serve(port, version, "localhost", Leaf::Localhost)).await?;
    let client = at.client(version).alpn(["imap", "http/1.1"]);
    let stream = at.dial(port, &client).await?;
    let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
    ensure_eq(&info.alpn(), &Some(&b"http/1.1"[..]), "the protocol")?;
    let said = ask(at, port, &at.connector(&client)?).await?;
    ensure(said.contains(" alpn=http/1.1 "), said)?;
    let error = tls_error(at.connect(port, &at.connector(&at.client(version).alpn(["imap"]))?).await)?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(120)), "what we say")
}

async fn server_name<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = start(at, |port| {
        serve(port, version, "localhost", Leaf::Localhost)
            + &serve(port, version, "wrong.example", Leaf::WrongName)
    })
    .await?;
    let connector = at.connector(&at.client(version))?;
    for (name, leaf) in [("wrong.example", Leaf::WrongName), ("localhost", Leaf::Localhost)] {
        let stream = at.connect(port, &connector.clone().server_name(name)).await?;
        let presented = stream.peer_certificates().first();
        ensure_eq(&presented, &leaf.identity().chain.first(), format!("its certificate for {name}"))?;
    }
    Ok(())
}

async fn resumption<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (_tool, port) = start(at, |port| serve(port, version, "localhost", Leaf::Localhost)).await?;
    let connector = at.connector(&at.client(version))?;
    for n in 0..3 {
        let mut stream = at.connect(port, &connector).await?;
        let resumed = stream.tls_info().is_some_and(|info| info.is_resumed());
        ensure_eq(&resumed, &(n > 0), format!("connection {n}"))?;
        request(&mut stream, "/").await?;
        head(&mut stream).await?;
        let said = stream.recv_line().await?.map(|line| line.to_str_lossy().into_owned());
        let expected = if resumed { " resumed=r " } else { " resumed=. " };
        ensure(said.is_some_and(|said| said.contains(expected)), expected)?;
        stream.close().await?;
    }
    Ok(())
}

async fn client_certificates<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let with = |leaf: Leaf| {
        let path = |what: &str| at.folder().join(format!("{leaf:?}.{what}.pem"));
        at.client(version).identity_files(path("chain"), path("key"))
    };
    let (_tool, port) = start(at, |port| serve(port, version, "localhost", Leaf::Localhost)).await?;
    let said = ask(at, port, &at.connector(&with(Leaf::Client))?).await?;
    ensure(said.ends_with(" client=SUCCESS"), said)?;
    // It lets others in as far as to say so, in HTTP.
    let mut stream = at.dial(port, &with(Leaf::UnknownClient)).await?;
    request(&mut stream, "/").await?;
    ensure_eq(&head(&mut stream).await?[..], "HTTP/1.1 400 Bad Request", "its answer")
}

async fn we_refuse<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let wrong_name =
        CertificateFault::WrongName { expected: "localhost".into(), presented: "wrong.example".into() };
    for (leaf, fault, says) in [
        (Leaf::WrongName, wrong_name, "alert bad certificate"),
        (Leaf::UnknownIssuer, CertificateFault::UnknownIssuer, "alert unknown ca"),
        (Leaf::Expired, CertificateFault::Expired, "alert certificate expired"),
    ] {
        let (mut tool, port) = start(at, |port| serve(port, version, "localhost", leaf)).await?;
        let error = tls_error(at.connect(port, &at.connector(&at.client(version))?).await)?;
        ensure_eq(&error, &TlsError::Certificate(fault), format!("of {leaf:?}"))?;
        tool.stderr.until(says).await?;
    }
    Ok(())
}

async fn download<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let expected = ours::megabytes(5);
    let file = at.fresh_file("txt");
    std::fs::write(at.folder().join(&file), &expected)?;
    let (_tool, port) = start(at, |port| serve(port, version, "localhost", Leaf::Localhost)).await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    request(&mut stream, &format!("/{file}")).await?;
    head(&mut stream).await?;
    let mut got = Vec::new();
    stream.recv_to_end(&mut got, expected.len()).await?;
    ensure(got == expected, "what we got")?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}
