//! A client in another language, and a server of ours.

use super::{Language, ensure_refused, name_of};
use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{self, close, hear, hear_end, tls_error};
use crate::process::{Ended, Process};
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Closed, Net, SplitTransport, Stream};
use asyncnet_os::{ClientCertificates, ServerTls};
use futures_lite::future;

pub(crate) fn tests<L: Language, N: Net + 'static>() -> Vec<Test<N>>
where
    N::Transport: SplitTransport,
{
    let mut tests = Tests::of(L::CLIENT);
    tests.each("lines", |at, version| Box::pin(lines::<L, N>(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn::<L, N>(at, version)));
    tests.each("server_name", |at, version| Box::pin(server_name::<L, N>(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption::<L, N>(at, version)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates::<L, N>(at, version)));
    tests.each("server_refused", |at, version| Box::pin(server_refused::<L, N>(at, version)));
    tests.each("megabytes", |at, version| Box::pin(megabytes::<L, N>(at, version)));
    tests.each("we_end", |at, version| Box::pin(we_end::<L, N>(at, version)));
    tests.each("we_are_gone", |at, version| Box::pin(we_are_gone::<L, N>(at, version)));
    tests.each("it_is_killed", |at, version| Box::pin(it_is_killed::<L, N>(at, version)));
    tests.into_list()
}

/// The client, which trusts our authority and nobody else.
fn start<L: Language, N: Net>(at: &At<N>, port: u16, version: Version, more: &str) -> Result<Process, Stop> {
    let name = if more.contains("--name") { "" } else { "--name localhost" };
    let version = name_of(version);
    at.start(L::TOOL, &format!("client.{} --port {port} --version {version} {name} {more}", L::EXTENSION))
}

/// The client, and a stream whose handshake with it has succeeded on both sides.
async fn meet<L: Language, N: Net>(
    at: &At<N>,
    server: &ServerTls,
    version: Version,
    more: &str,
) -> Result<(Process, Stream<N::Transport>), Stop> {
    let (listener, port) = at.listen(server)?;
    let mut tool = start::<L, N>(at, port, version, more)?;
    let mut stream = listener.accept().await?;
    let info = stream.handshake().await?;
    let alpn = info.alpn().map_or("none".into(), String::from_utf8_lossy);
    let expected = format!("{} alpn={alpn} resumed={}\n", name_of(version), info.is_resumed());
    ensure_eq(&tool.stdout.until("\n").await?, &expected, "what it says of the session")?;
    Ok((tool, stream))
}

/// A handshake that fails: why, as we say it, and what the client says.
async fn refuse<L: Language, N: Net>(
    at: &At<N>,
    server: &ServerTls,
    version: Version,
    more: &str,
) -> Result<(TlsError, Ended), Stop> {
    let (listener, port) = at.listen(server)?;
    let mut tool = start::<L, N>(at, port, version, more)?;
    // In TLS 1.3 it is told after it has taken the handshake for done.
    tool.write("is anybody there?\n")?;
    let mut stream = listener.accept().await?;
    let error = tls_error(stream.handshake().await)?;
    let ended = close(stream, tool).await?;
    Ok((error, ended))
}

async fn lines<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) =
        meet::<L, N>(at, &at.server(version, Leaf::Intermediate), version, "").await?;
    for n in 0..20 {
        tool.write(&format!("ask {n}\n"))?;
        hear(&mut stream, format!("ask {n}")).await?;
        stream.send_line(format!("answer {n}")).await?;
        ensure_eq(&tool.stdout.until("\n").await?, &format!("answer {n}\n"), "what it heard")?;
    }
    tool.close_stdin();
    hear_end(&mut stream).await?;
    let ended = close(stream, tool).await?;
    ended.code(0)
}

async fn alpn<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost).alpn(["imap", "smtp"]);
    let (_tool, stream) = meet::<L, N>(at, &server, version, "--alpn smtp,imap").await?;
    let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
    ensure_eq(&info.alpn(), &Some(&b"imap"[..]), "the protocol")?;
    let (_tool, stream) = meet::<L, N>(at, &server, version, "").await?;
    let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
    ensure_eq(&info.alpn(), &None, "the protocol")?;
    let (error, ended) = refuse::<L, N>(at, &server, version, "--alpn pop3").await?;
    ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
    ended.says(&["alert no application protocol"])?;
    ended.code(1)
}

async fn server_name<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server_by_name(version);
    for name in ["wrong.example", "localhost"] {
        // It takes no certificate that is for another name.
        let (_tool, stream) = meet::<L, N>(at, &server, version, &format!("--name {name}")).await?;
        let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
        ensure_eq(&info.server_name(), &Some(name), "the name")?;
    }
    let (error, ended) = refuse::<L, N>(at, &server, version, "--name other.example").await?;
    ensure_eq(&error, &TlsError::Refused("no server certificate chain resolved".into()), "what we say")?;
    ended.says(&["alert access denied"])?;
    ended.code(1)
}

/// It connects three times, with the session that it was given before.
async fn resumption<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let mut tool = start::<L, N>(at, port, version, "--times 3")?;
    for n in 0..3 {
        let mut stream = listener.accept().await?;
        ensure_eq(&stream.handshake().await?.is_resumed(), &(n > 0), format!("connection {n}"))?;
        // In TLS 1.3 the tickets come before this line.
        stream.send_line("welcome").await?;
        let expected = format!("{} alpn=none resumed={}\nwelcome\n", name_of(version), n > 0);
        ensure_eq(&tool.stdout.until("welcome\n").await?, &expected, "what it says")?;
        hear_end(&mut stream).await?;
        ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")?;
    }
    tool.end().await.code(0)
}

async fn client_certificates<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    use ClientCertificates::{Optional, Required};
    let certificate = Leaf::Client.identity().chain.first();
    let server = at.server(version, Leaf::Localhost).client_ca_file(at.root(Root::Ca));
    for (asked, its, expected) in [
        (Optional, "", None),
        (Optional, "--identity Client", certificate),
        (Required, "--identity Client", certificate),
    ] {
        let server = server.clone().client_certificates(asked);
        let (mut tool, mut stream) = meet::<L, N>(at, &server, version, its).await?;
        ensure_eq(&stream.peer_certificates().first(), &expected, format!("{asked:?}, {its:?}"))?;
        tool.write("let in\n")?;
        hear(&mut stream, "let in").await?;
    }
    let (error, ended) = refuse::<L, N>(at, &server, version, "").await?;
    ensure_eq(&error, &TlsError::NoCertificate, "without one")?;
    ended.says(&["alert certificate required", "alert handshake failure"])?;
    ended.code(1)
}

async fn server_refused<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (leaf, alert, says) in [
        (
            Leaf::UnknownIssuer,
            48,
            &["unable to get local issuer certificate", "unable to verify the first certificate"][..],
        ),
        (Leaf::WrongName, 42, &["Hostname mismatch", "Hostname/IP does not match certificate's altnames"]),
        (Leaf::Expired, 45, &["certificate has expired"]),
    ] {
        let (listener, port) = at.listen(&at.server(version, leaf))?;
        let tool = start::<L, N>(at, port, version, "")?;
        let mut stream = listener.accept().await?;
        let of = format!("of {leaf:?}");
        match stream.handshake().await {
            Ok(_) => ensure_refused::<L, _>(stream.recv_line().await, alert, &of)?,
            refused => ensure_refused::<L, _>(refused, alert, &of)?,
        }
        // It may be gone with a reset.
        let (_, ended) = future::zip(stream.close(), tool.end()).await;
        ended.says(says)?;
        ended.code(1)?;
    }
    Ok(())
}

async fn megabytes<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict
where
    N::Transport: SplitTransport,
{
    let expected = ours::megabytes(2);
    let file = at.fresh_file("txt");
    std::fs::write(at.folder().join(&file), &expected)?;
    let server = at.server(version, Leaf::Localhost);
    let (mut tool, stream) = meet::<L, N>(at, &server, version, &format!("--file {file}")).await?;
    let (exchanged, got) =
        future::zip(ours::exchange(stream, &expected), tool.stdout.take(expected.len())).await;
    let (stream, received) = exchanged?;
    ensure(received == expected, "what we received")?;
    ensure(got == expected, "what it received")?;
    let ended = close(stream, tool).await?;
    ended.code(0)
}

async fn we_end<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet::<L, N>(at, &at.server(version, Leaf::Localhost), version, "").await?;
    tool.write("the last\n")?;
    hear(&mut stream, "the last").await?;
    let ended = close(stream, tool).await?;
    ensure_eq(&ended.stdout[..], b"ended\n", "what it says")?;
    ended.code(0)
}

async fn we_are_gone<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet::<L, N>(at, &at.server(version, Leaf::Localhost), version, "").await?;
    tool.write("the last\n")?;
    hear(&mut stream, "the last").await?;
    drop(stream);
    let ended = tool.end().await;
    let (says, code) = L::OF_A_CUT;
    ended.says(&[says])?;
    ended.code(code)
}

async fn it_is_killed<L: Language, N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet::<L, N>(at, &at.server(version, Leaf::Localhost), version, "").await?;
    // What it has not received when it is gone makes its end a reset: it reads the tickets with this answer.
    tool.write("ask\n")?;
    hear(&mut stream, "ask").await?;
    stream.send_line("answer").await?;
    tool.stdout.until("answer\n").await?;
    tool.write("the last\n")?;
    stream.peek_at_least(9).await?;
    tool.kill()?;
    hear(&mut stream, "the last").await?;
    ensure_eq(&tls_error(stream.recv_line().await)?, &TlsError::Truncated, "the end")
}
