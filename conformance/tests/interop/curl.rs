//! curl, and a server of ours that speaks a little HTTP/1.1 (RFC 9112), or SMTP (RFC 5321) with an upgrade.

use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{self, close, hear, hear_end, tls_error};
use crate::process::Process;
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::{Alert, TlsError, TlsVersion};
use asyncnet_driver::{Closed, Fill, Net, Stream, Transport};
use futures_lite::future;

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>> {
    let mut tests = Tests::of("curl");
    tests.each("get", |at, version| Box::pin(get(at, version)));
    tests.each("kept_alive", |at, version| Box::pin(kept_alive(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption(at, version)));
    tests.each("download", |at, version| Box::pin(download(at, version)));
    tests.each("upload", |at, version| Box::pin(upload(at, version)));
    tests.each("cut_off", |at, version| Box::pin(cut_off(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn(at, version)));
    tests.one("no_common_version", |at| Box::pin(no_common_version(at)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates(at, version)));
    tests.each("server_refused", |at, version| Box::pin(server_refused(at, version)));
    tests.one("plaintext", |at| Box::pin(plaintext(at)));
    tests.each("start_tls", |at, version| Box::pin(start_tls(at, version)));
    tests.into_list()
}

/// curl, which trusts our authority and nobody else, and asks for `/0`, `/1`, ...
fn start<N: Net>(at: &At<N>, port: u16, version: Version, urls: usize, more: &str) -> Result<Process, Stop> {
    let version = match version {
        Version::Tls12 => "--tlsv1.2 --tls-max 1.2",
        Version::Tls13 => "--tlsv1.3",
        Version::Both => "",
    };
    let urls: String = (0..urls).map(|n| format!(" https://localhost:{port}/{n}")).collect();
    // -q: without the user's own settings.
    let trust = "--cacert Ca.root.pem --capath /nonexistent --noproxy *";
    let name = format!("--resolve localhost:{port}:127.0.0.1");
    at.start("curl", &format!("-q -sS --http1.1 {trust} {name} {version} {more}{urls}"))
}

/// The head of a request: its first line.
async fn request<T: Transport>(stream: &mut Stream<T>) -> Result<String, Stop> {
    let first = stream.recv_line().await?.ok_or_else(|| failed("no request"))?.to_str_lossy().into_owned();
    while stream.recv_line().await?.is_some_and(|line| !line.is_empty()) {}
    Ok(first)
}

/// The head of an answer: its body is so long, or as long as the connection.
fn answer<T: Transport>(stream: &mut Stream<T>, len: Option<usize>, close: bool) -> Verdict {
    stream.queue_line("HTTP/1.1 200 OK")?;
    if let Some(len) = len {
        stream.queue_line(format!("Content-Length: {len}"))?;
    }
    if close {
        stream.queue_line("Connection: close")?;
    }
    Ok(stream.queue_line("")?)
}

async fn get<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(Version::Both, Leaf::Intermediate))?;
    let tool = start(at, port, version, 1, "-i")?;
    let mut stream = listener.accept().await?;
    let info = stream.handshake().await?;
    let expected = if version == Version::Tls12 { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
    ensure_eq(&info.version(), &expected, "the version")?;
    ensure_eq(&request(&mut stream).await?[..], "GET /0 HTTP/1.1", "the request")?;
    // The end of the body is that of the stream.
    answer(&mut stream, None, true)?;
    stream.queue_line("hello, curl")?;
    let ended = close(stream, tool).await?;
    ensure_eq(
        &ended.stdout[..],
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello, curl\r\n",
        "what it got",
    )?;
    ended.code(0)
}

async fn kept_alive<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let tool = start(at, port, version, 5, "")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    for n in 0..5 {
        ensure_eq(&request(&mut stream).await?, &format!("GET /{n} HTTP/1.1"), "the request")?;
        answer(&mut stream, Some(1), false)?;
        stream.send(n.to_string().as_bytes()).await?;
    }
    hear_end(&mut stream).await?;
    let ended = close(stream, tool).await?;
    ensure_eq(&ended.stdout[..], b"01234", "what it got")?;
    ended.code(0)
}

async fn resumption<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let tool = start(at, port, version, 3, "")?;
    for n in 0..3 {
        let mut stream = listener.accept().await?;
        ensure_eq(&stream.handshake().await?.is_resumed(), &(n > 0), format!("connection {n}"))?;
        request(&mut stream).await?;
        answer(&mut stream, Some(1), true)?;
        stream.queue(b"x")?;
        ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")?;
    }
    let ended = tool.end().await;
    ensure_eq(&ended.stdout[..], b"xxx", "what it got")?;
    ended.code(0)
}

async fn download<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let tool = start(at, port, version, 1, "")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    request(&mut stream).await?;
    let expected = ours::megabytes(5);
    answer(&mut stream, Some(expected.len()), true)?;
    let sends = async {
        stream.send(&expected).await?;
        stream.close().await
    };
    let (closed, ended) = future::zip(sends, tool.end()).await;
    ensure_eq(&closed?, &Closed::PeerEnded, "how it closed")?;
    ensure(ended.stdout == expected, "what it got")?;
    ended.code(0)
}

async fn upload<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let name = at.fresh_file("txt");
    let expected = ours::megabytes(5);
    std::fs::write(at.folder().join(&name), &expected)?;
    // It would ask first, and wait a second for an answer.
    let tool = start(at, port, version, 1, &format!("-H Expect: -T {name}"))?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    ensure_eq(&request(&mut stream).await?[..], "PUT /0 HTTP/1.1", "the request")?;
    let mut got = vec![0; expected.len()];
    stream.recv_exact_into(&mut Fill::new(&mut got)).await?;
    ensure(got == expected, "what we got")?;
    answer(&mut stream, Some(2), true)?;
    stream.queue(b"ok")?;
    let ended = close(stream, tool).await?;
    ensure_eq(&ended.stdout[..], b"ok", "what it got")?;
    ended.code(0)
}

/// Half a body, and no `close_notify`.
async fn cut_off<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let tool = start(at, port, version, 1, "")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    request(&mut stream).await?;
    answer(&mut stream, Some(100), true)?;
    stream.send_line("half a bo").await?;
    drop(stream);
    let ended = tool.end().await;
    ensure_eq(&ended.stdout[..], b"half a bo\r\n", "what it got")?;
    // Which of the two ends it minds first is up to its version.
    ensure(matches!(ended.status.code(), Some(18 | 56)), format!("it ended with {}", ended.status))
}

async fn alpn<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = |protocol: &'static str| at.server(version, Leaf::Localhost).alpn([protocol]);
    let (listener, port) = at.listen(&server("http/1.1"))?;
    let _tool = start(at, port, version, 1, "")?;
    let mut stream = listener.accept().await?;
    ensure_eq(&stream.handshake().await?.alpn(), &Some(&b"http/1.1"[..]), "the protocol")?;
    let (listener, port) = at.listen(&server("imap"))?;
    let tool = start(at, port, version, 1, "")?;
    let mut stream = listener.accept().await?;
    let error = tls_error(stream.handshake().await)?;
    ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
    let ended = close(stream, tool).await?;
    ended.says(&["alert no application protocol"])?;
    ended.code(35)
}

async fn no_common_version<N: Net>(at: &At<N>) -> Verdict {
    let (listener, port) = at.listen(&at.server(Version::Tls13, Leaf::Localhost))?;
    let tool = start(at, port, Version::Tls12, 1, "")?;
    let mut stream = listener.accept().await?;
    let error = tls_error(stream.handshake().await)?;
    ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
    let ended = close(stream, tool).await?;
    ended.says(&["alert protocol version"])?;
    ended.code(35)
}

async fn client_certificates<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost).client_ca_file(at.root(Root::Ca));
    let (listener, port) = at.listen(&server)?;
    let tool = start(at, port, version, 1, "--cert Client.chain.pem --key Client.key.pem")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    let certificate = Leaf::Client.identity().chain.first();
    ensure_eq(&stream.peer_certificates().first(), &certificate, "its certificate")?;
    request(&mut stream).await?;
    answer(&mut stream, Some(0), true)?;
    let ended = close(stream, tool).await?;
    ended.code(0)?;
    for (more, expected, alert) in [
        ("", None, "alert certificate required"),
        (
            "--cert UnknownClient.chain.pem --key UnknownClient.key.pem",
            Some(asyncnet_driver::tls::CertificateFault::UnknownIssuer),
            "alert unknown ca",
        ),
    ] {
        let tool = start(at, port, version, 1, more)?;
        let mut stream = listener.accept().await?;
        let error = tls_error(stream.handshake().await)?;
        ensure_eq(&error, &expected.map_or(TlsError::NoCertificate, TlsError::Certificate), more)?;
        let ended = close(stream, tool).await?;
        ended.says(&[alert])?;
        ensure(
            matches!(ended.status.code(), Some(35 | 55 | 56 | 98)),
            format!("it ended with {}", ended.status),
        )?;
    }
    Ok(())
}

async fn server_refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (leaf, alert, says) in [
        (Leaf::UnknownIssuer, 48, "unable to get local issuer certificate"),
        (Leaf::SelfSigned, 48, "self-signed certificate"),
        (Leaf::Expired, 45, "certificate has expired"),
    ] {
        let (listener, port) = at.listen(&at.server(version, leaf))?;
        let tool = start(at, port, version, 1, "")?;
        let mut stream = listener.accept().await?;
        let error = tls_error(stream.handshake().await)?;
        ensure_eq(&error, &TlsError::AlertReceived(Alert::new(alert)), format!("of {leaf:?}"))?;
        let ended = close(stream, tool).await?;
        ended.says(&[says])?;
        ended.code(60)?;
    }
    // It looks at the name when the handshake is done, and asks for nothing.
    let (listener, port) = at.listen(&at.server(version, Leaf::WrongName))?;
    let tool = start(at, port, version, 1, "")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    hear_end(&mut stream).await?;
    let ended = close(stream, tool).await?;
    ended.says(&["no alternative certificate subject name matches target host name 'localhost'"])?;
    ended.code(60)
}

async fn plaintext<N: Net>(at: &At<N>) -> Verdict {
    // It to our port for TLS,
    let (listener, port) = at.listen(&at.server(Version::Both, Leaf::Localhost))?;
    let tool = at.start("curl", &format!("-q -sS --noproxy * http://127.0.0.1:{port}/"))?;
    let mut stream = listener.accept().await?;
    ensure_eq(&tls_error(stream.handshake().await)?, &TlsError::NotTls, "what we say")?;
    let ended = close(stream, tool).await?;
    ensure(!ended.status.success(), "it is content")?;
    // and for TLS to our port for plaintext.
    let (listener, port) = at.listen_plain()?;
    let tool = start(at, port, Version::Both, 1, "")?;
    let mut stream = listener.accept().await?;
    stream.send_line("220 localhost ESMTP").await?;
    // It does not read all we said, which is a reset.
    let (_, ended) = future::zip(stream.close(), tool.end()).await;
    ended.says(&["wrong version number"])?;
    ended.code(35)
}

/// A mail is handed in, which curl does not do without TLS.
async fn start_tls<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen_plain()?;
    let name = at.fresh_file("eml");
    std::fs::write(at.folder().join(&name), "Subject: hello\r\n\r\n.a line with a dot\r\n")?;
    let version_max = if version == Version::Tls12 { "1.2" } else { "1.3" };
    let tool = at.start(
        "curl",
        &format!(
            "-q -sS --ssl-reqd --tlsv{version_max} --tls-max {version_max} --cacert Ca.root.pem --noproxy * \
             --resolve localhost:{port}:127.0.0.1 --mail-from ann@client.example --mail-rcpt bob@localhost \
             -T {name} smtp://localhost:{port}/client.example"
        ),
    )?;
    let mut stream = listener.accept().await?;
    stream.queue_line("220 localhost ESMTP")?;
    expect(&mut stream, "EHLO client.example", &["250-localhost", "250 STARTTLS"]).await?;
    expect(&mut stream, "STARTTLS", &["220 go ahead"]).await?;
    stream.start_tls(&at.server(version, Leaf::Localhost).build().map_err(failed)?).await?;
    expect(&mut stream, "EHLO client.example", &["250 localhost"]).await?;
    expect(&mut stream, "MAIL FROM:<ann@client.example>", &["250 ok"]).await?;
    expect(&mut stream, "RCPT TO:<bob@localhost>", &["250 ok"]).await?;
    expect(&mut stream, "DATA", &["354 go ahead"]).await?;
    let mail = stream.recv_until(b"\r\n.\r\n", 1_000).await?;
    ensure_eq(&mail, &Some(&b"Subject: hello\r\n\r\n..a line with a dot"[..]), "the mail")?;
    stream.queue_line("250 taken")?;
    expect(&mut stream, "QUIT", &["221 bye"]).await?;
    let ended = close(stream, tool).await?;
    ended.code(0)
}

/// A command, and its answers.
async fn expect<T: Transport>(stream: &mut Stream<T>, command: &str, answers: &[&str]) -> Verdict {
    hear(stream, command).await?;
    for answer in answers {
        stream.queue_line(answer)?;
    }
    Ok(())
}
