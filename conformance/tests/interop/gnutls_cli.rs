//! GnuTLS' client, and a server of ours.

use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{self, close, hear, hear_end, only_hear, tls_error};
use crate::process::{Ended, Process};
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::{Alert, CertificateFault, TlsError};
use asyncnet_driver::{Net, SplitTransport, Stream};
use asyncnet_os::{ClientCertificates, ServerTls};
use futures_lite::future;

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>>
where
    N::Transport: SplitTransport,
{
    let mut tests = Tests::of("gnutls_cli");
    tests.each("lines", |at, version| Box::pin(lines(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn(at, version)));
    tests.each("server_name", |at, version| Box::pin(server_name(at, version)));
    tests.one("no_common_version", |at| Box::pin(no_common_version(at)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates(at, version)));
    tests.each("client_refused", |at, version| Box::pin(client_refused(at, version)));
    tests.each("server_refused", |at, version| Box::pin(server_refused(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption(at, version)));
    tests.one("key_update", |at| Box::pin(key_update(at)));
    tests.each("megabytes", |at, version| Box::pin(megabytes(at, version)));
    tests.each("half_close", |at, version| Box::pin(half_close(at, version)));
    tests.each("it_is_killed", |at, version| Box::pin(it_is_killed(at, version)));
    tests.each("we_are_gone", |at, version| Box::pin(we_are_gone(at, version)));
    tests.each("start_tls", |at, version| Box::pin(start_tls(at, version)));
    tests.into_list()
}

/// The versions it shall speak.
pub(crate) fn priority(version: Version) -> &'static str {
    match version {
        Version::Tls12 => "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2",
        Version::Tls13 => "--priority NORMAL:-VERS-ALL:+VERS-TLS1.3",
        Version::Both => "",
    }
}

/// The client, which trusts our authority and nobody else.
fn start<N: Net>(at: &At<N>, port: u16, version: Version, more: &str) -> Result<Process, Stop> {
    let name = if more.contains("--sni-hostname") {
        ""
    } else {
        "--verify-hostname localhost --sni-hostname localhost"
    };
    let version = priority(version);
    at.start("gnutls-cli", &format!("{name} --x509cafile Ca.root.pem {version} {more} -p {port} 127.0.0.1"))
}

/// The client, and a stream whose handshake with it has succeeded on both sides.
async fn meet<N: Net>(
    at: &At<N>,
    server: &ServerTls,
    version: Version,
    more: &str,
) -> Result<(Process, Stream<N::Transport>), Stop> {
    let (listener, port) = at.listen(server)?;
    let mut tool = start(at, port, version, more)?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    stream.send_line("welcome").await?;
    tool.stdout.until("welcome\r\n").await?;
    Ok((tool, stream))
}

/// A handshake that fails: why, as we say it, and what the client says.
async fn refuse<N: Net>(
    at: &At<N>,
    server: &ServerTls,
    version: Version,
    more: &str,
) -> Result<(TlsError, Ended), Stop> {
    let (listener, port) = at.listen(server)?;
    let tool = start(at, port, version, more)?;
    let mut stream = listener.accept().await?;
    let error = tls_error(stream.handshake().await)?;
    let ended = close(stream, tool).await?;
    Ok((error, ended))
}

async fn lines<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, &at.server(version, Leaf::Intermediate), version, "").await?;
    for n in 0..20 {
        tool.write(&format!("ask {n}\n"))?;
        hear(&mut stream, format!("ask {n}")).await?;
        stream.send_line(format!("answer {n}")).await?;
        tool.stdout.until(&format!("answer {n}\r\n")).await?;
    }
    stream.queue_line("bye")?;
    let ended = close(stream, tool).await?;
    ended.says(&["bye\r\n"])?;
    ended.says(&["Peer has closed the GnuTLS connection"])?;
    ended.code(0)
}

async fn alpn<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost).alpn(["imap", "smtp"]);
    let (listener, port) = at.listen(&server)?;
    let mut tool = start(at, port, version, "--alpn pop3 --alpn smtp")?;
    let mut stream = listener.accept().await?;
    ensure_eq(&stream.handshake().await?.alpn(), &Some(&b"smtp"[..]), "the protocol")?;
    tool.stdout.until("Application protocol: smtp\n").await?;
    let (error, ended) = refuse(at, &server, version, "--alpn pop3").await?;
    ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
    ended.says(&["No supported application protocol could be negotiated"])
}

async fn server_name<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server_by_name(version);
    for name in ["wrong.example", "localhost"] {
        let asks = format!("--verify-hostname {name} --sni-hostname {name}");
        let (_tool, stream) = meet(at, &server, version, &asks).await?;
        let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
        ensure_eq(&info.server_name(), &Some(name), "the name")?;
    }
    Ok(())
}

async fn no_common_version<N: Net>(at: &At<N>) -> Verdict {
    for (ours, its) in [(Version::Tls13, Version::Tls12), (Version::Tls12, Version::Tls13)] {
        let (error, ended) = refuse(at, &at.server(ours, Leaf::Localhost), its, "").await?;
        ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
        ended.says(&["Error in protocol version"])?;
        ended.code(1)?;
    }
    Ok(())
}

async fn client_certificates<N: Net>(at: &At<N>, version: Version) -> Verdict {
    use ClientCertificates::{Off, Optional, Required};
    let certificate = Leaf::Client.identity().chain.first();
    let shown = "--x509certfile Client.chain.pem --x509keyfile Client.key.pem";
    for (asked, its, expected) in [
        (Off, shown, None),
        (Optional, "", None),
        (Optional, shown, certificate),
        (Required, shown, certificate),
    ] {
        let server = at.server(version, Leaf::Localhost).client_ca_file(at.root(Root::Ca));
        let (_tool, stream) = meet(at, &server.client_certificates(asked), version, its).await?;
        ensure_eq(&stream.peer_certificates().first(), &expected, format!("{asked:?}, {its:?}"))?;
    }
    Ok(())
}

async fn client_refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost).client_ca_file(at.root(Root::Ca));
    let (error, ended) = refuse(at, &server, version, "").await?;
    ensure_eq(&error, &TlsError::NoCertificate, "without a certificate")?;
    ended.says(&["Certificate is required"])?;
    // It shows what the server's authorities vouch for, or nothing: one by another authority is not shown at all.
    let its = "--x509certfile Expired.chain.pem --x509keyfile Expired.key.pem";
    let (error, ended) = refuse(at, &server, version, its).await?;
    ensure_eq(&error, &TlsError::Certificate(CertificateFault::Expired), "with one that expired")?;
    ended.says(&["Certificate has expired", "expired"])
}

async fn server_refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (leaf, says) in [
        (Leaf::WrongName, "name in the certificate does not match"),
        (Leaf::UnknownIssuer, "certificate issuer is unknown"),
        (Leaf::Expired, "certificate chain uses expired certificate"),
        (Leaf::NotYetValid, "certificate chain uses not yet valid certificate"),
    ] {
        let (error, ended) = refuse(at, &at.server(version, leaf), version, "").await?;
        // It has one alert for all of it.
        ensure_eq(&error, &TlsError::AlertReceived(Alert::new(42)), format!("of {leaf:?}"))?;
        ended.says(&[says])?;
        ended.code(1)?;
    }
    Ok(())
}

/// It connects, ends well, and connects again.
async fn resumption<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let more = if version == Version::Tls13 { "--resume --waitresumption" } else { "--resume" };
    let mut tool = start(at, port, version, more)?;
    for resumed in [false, true] {
        let mut stream = listener.accept().await?;
        ensure_eq(&stream.handshake().await?.is_resumed(), &resumed, "resumed")?;
        if resumed {
            stream.send_line("welcome").await?;
            let said = tool.stdout.until("welcome\r\n").await?;
            ensure(said.contains("*** This is a resumed session"), "what it says of it")?;
            tool.close_stdin();
        }
        hear_end(&mut stream).await?;
        stream.close().await?;
    }
    tool.end().await.code(0)
}

/// `^rekey^` changes its keys and asks for a change of ours, `^rekey1^` changes its own alone. Ours only reads.
async fn key_update<N: Net>(at: &At<N>) -> Verdict {
    let server = at.server(Version::Tls13, Leaf::Localhost);
    let (mut tool, mut stream) = meet(at, &server, Version::Tls13, "--inline-commands").await?;
    for n in 0..3 {
        only_hear(&mut stream, async |lines| {
            for word in ["^rekey^", "^rekey1^", "^rekey^"] {
                tool.write(&format!("{word}\n"))?;
                tool.stdout.until("- Rekey was completed").await?;
                tool.write("with new keys\n")?;
                lines.next_is("with new keys").await?;
            }
            Ok(())
        })
        .await?;
        stream.send_line(format!("answer {n}")).await?;
        tool.stdout.until(&format!("answer {n}\r\n")).await?;
    }
    Ok(())
}

async fn megabytes<N: Net>(at: &At<N>, version: Version) -> Verdict
where
    N::Transport: SplitTransport,
{
    let log = "--logfile /dev/null";
    let (mut tool, stream) = meet(at, &at.server(version, Leaf::Localhost), version, log).await?;
    let expected = ours::megabytes(2);
    tool.feed(expected.clone())?;
    let (exchanged, got) =
        future::zip(ours::exchange(stream, &expected), tool.stdout.take(expected.len())).await;
    let (stream, received) = exchanged?;
    ensure(received == expected, "what we received")?;
    ensure(got == expected, "what it received")?;
    let ended = close(stream, tool).await?;
    ended.code(0)
}

/// It ends its half, and still takes what we say.
async fn half_close<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    tool.write("the last\n")?;
    tool.close_stdin();
    hear(&mut stream, "the last").await?;
    hear_end(&mut stream).await?;
    for n in 0..3 {
        stream.send_line(format!("still {n}")).await?;
        tool.stdout.until(&format!("still {n}\r\n")).await?;
    }
    let ended = close(stream, tool).await?;
    ended.says(&["Peer has closed the GnuTLS connection"])?;
    ended.code(0)
}

async fn it_is_killed<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    tool.write("the last\n")?;
    stream.peek_at_least(9).await?;
    tool.kill()?;
    hear(&mut stream, "the last").await?;
    ensure_eq(&tls_error(stream.recv_line().await)?, &TlsError::Truncated, "the end")
}

async fn we_are_gone<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (tool, stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    drop(stream);
    let ended = tool.end().await;
    ended.says(&["The TLS connection was non-properly terminated"])?;
    ended.code(1)
}

/// A mail server's, for which it has a protocol of its own.
async fn start_tls<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen_plain()?;
    let mut tool = start(at, port, version, "--starttls-proto smtp")?;
    let mut stream = listener.accept().await?;
    stream.send_line("220 localhost ESMTP").await?;
    ensure(stream.recv_line().await?.is_some_and(|line| line.to_str_lossy().starts_with("EHLO ")), "EHLO")?;
    stream.queue_line("250-localhost")?;
    stream.queue_line("250 STARTTLS")?;
    hear(&mut stream, "STARTTLS").await?;
    stream.queue_line("220 go ahead")?;
    stream.start_tls(&at.server(version, Leaf::Localhost).build().map_err(failed)?).await?;
    tool.write("NOOP\n")?;
    hear(&mut stream, "NOOP").await?;
    stream.send_line("250 over TLS").await?;
    tool.stdout.until("250 over TLS\r\n").await?;
    tool.close_stdin();
    let ended = close(stream, tool).await?;
    ended.code(0)
}
