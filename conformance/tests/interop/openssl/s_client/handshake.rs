//! What is agreed on, and what is refused.

use super::{meet, refuse, start};
use crate::at::{At, Tests};
use crate::failed;
use crate::openssl::{suites, unknown_suite};
use crate::ours::{close, hear, hear_end};
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::{Alert, CertificateFault, TlsError, TlsVersion};
use asyncnet_driver::{Closed, Net};
use asyncnet_os::{ClientCertificates, ServerTls};

pub(super) fn add<N: Net + 'static>(tests: &mut Tests<N>) {
    tests.each("versions", |at, version| Box::pin(versions(at, version)));
    tests.one("newest_version", |at| Box::pin(newest_version(at)));
    tests.one("no_common_version", |at| Box::pin(no_common_version(at)));
    tests.each("cipher_suites", |at, version| Box::pin(cipher_suites(at, version)));
    tests.each("own_words", |at, version| Box::pin(own_words(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn(at, version)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates(at, version)));
    tests.each("client_refused", |at, version| Box::pin(client_refused(at, version)));
    tests.each("server_refused", |at, version| Box::pin(server_refused(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption(at, version)));
    tests.one("reconnect", |at| Box::pin(reconnect(at)));
    tests.each("start_tls", |at, version| Box::pin(start_tls(at, version)));
}

async fn versions<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(Version::Both, Leaf::Localhost))?;
    let mut tool = start(at, port, version, "")?;
    let mut stream = listener.accept().await?;
    let info = stream.handshake().await?;
    let expected = if version == Version::Tls12 { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
    ensure_eq(&info.version(), &expected, "the version")?;
    ensure(!info.is_resumed() && info.alpn().is_none(), "nothing is resumed, and there is no protocol")?;
    let said = tool.stdout.until("Verify return code: 0 (ok)").await?;
    ensure(said.contains(&format!("New, {expected}, Cipher is")), "what it says of the session")?;
    ensure(said.contains("Verification: OK") && said.contains("No ALPN negotiated"), "what it says of us")
}

async fn newest_version<N: Net>(at: &At<N>) -> Verdict {
    // With the provider that programs get: its key exchange is new to this tool.
    let path = |what: &str| at.folder().join(format!("Intermediate.{what}.pem"));
    let server = ServerTls::from_files(path("chain"), path("key"));
    let (_tool, stream) = meet(at, &server, Version::Both, "").await?;
    let version = stream.tls_info().map(|info| info.version());
    ensure_eq(&version, &Some(TlsVersion::Tls13), "the version")
}

async fn no_common_version<N: Net>(at: &At<N>) -> Verdict {
    for (ours, its) in [(Version::Tls13, Version::Tls12), (Version::Tls12, Version::Tls13)] {
        let (error, ended) = refuse(at, &at.server(ours, Leaf::Localhost), its, "").await?;
        ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
        ended.says(&["alert protocol version"])?;
        ended.code(1)?;
    }
    Ok(())
}

async fn cipher_suites<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (offered, expected) in suites(version) {
        let (_tool, stream) = meet(at, &at.server(version, Leaf::Localhost), version, offered).await?;
        let suite = stream.tls_info().map(|info| info.cipher_suite());
        ensure_eq(&suite, &Some(expected), "the suite")?;
    }
    let none = unknown_suite(version);
    let (error, ended) = refuse(at, &at.server(version, Leaf::Localhost), version, none).await?;
    ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
    ended.says(&["alert handshake failure"])
}

/// Handshakes that are not like everybody's.
async fn own_words<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost);
    // An unknown group comes first: in TLS 1.3 we ask for another hello (RFC 8446, section 4.1.4).
    let (mut tool, stream) = meet(at, &server, version, "-groups P-521:P-256").await?;
    let group = stream.tls_info().and_then(|info| info.key_exchange_group());
    ensure_eq(&group, &Some("secp256r1"), "the group")?;
    tool.kill()?;
    for more in [
        "-noservername",
        "-verify_ip 127.0.0.1",
        "-no_middlebox",
        "-no_ticket",
        "-max_send_frag 512",
        "-maxfraglen 512",
        "-record_padding 1024",
        "-sigalgs ECDSA+SHA256",
    ] {
        let (mut tool, mut stream) = meet(at, &server, version, more).await?;
        let long = "long ".repeat(600);
        tool.write(&format!("{long}\n"))?;
        hear(&mut stream, long).await?;
    }
    Ok(())
}

async fn alpn<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = || at.server(version, Leaf::Localhost);
    for (ours, its, chosen) in [
        (&["imap", "smtp"][..], "-alpn smtp,imap", Some("imap")),
        (&["imap", "smtp"], "-alpn pop3,smtp", Some("smtp")),
        (&["imap"], "", None),
        (&[], "-alpn imap", None),
    ] {
        let (listener, port) = at.listen(&server().alpn(ours))?;
        let mut tool = start(at, port, version, its)?;
        let mut stream = listener.accept().await?;
        let info = stream.handshake().await?;
        ensure_eq(&info.alpn(), &chosen.map(str::as_bytes), format!("of {ours:?} and {its:?}"))?;
        tool.stdout
            .until(&chosen.map_or("No ALPN negotiated".to_owned(), |name| format!("ALPN protocol: {name}\n")))
            .await?;
    }
    let (error, ended) = refuse(at, &server().alpn(["imap"]), version, "-alpn smtp").await?;
    ensure(matches!(error, TlsError::Incompatible(_)), format!("we say: {error}"))?;
    ended.says(&["alert no application protocol", "alert number 120"])?;
    ended.code(1)
}

async fn client_certificates<N: Net>(at: &At<N>, version: Version) -> Verdict {
    use ClientCertificates::{Off, Optional, Required};
    let certificate = Leaf::Client.identity().chain.first();
    let shown = "-cert Client.chain.pem -key Client.key.pem";
    for (asked, its, expected) in [
        (Off, shown, None),
        (Optional, "", None),
        (Optional, shown, certificate),
        (Required, shown, certificate),
    ] {
        let server = at.server(version, Leaf::Localhost).client_ca_file(at.root(Root::Ca));
        let (mut tool, mut stream) = meet(at, &server.client_certificates(asked), version, its).await?;
        // It sends the root along.
        let presented = stream.peer_certificates().first();
        ensure_eq(&presented, &expected, format!("{asked:?}, {its:?}"))?;
        tool.write("hello\n")?;
        hear(&mut stream, "hello").await?;
    }
    Ok(())
}

async fn client_refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost).client_ca_file(at.root(Root::Ca));
    let (error, ended) = refuse(at, &server, version, "").await?;
    ensure_eq(&error, &TlsError::NoCertificate, "without a certificate")?;
    ended.says(&["alert certificate required"])?;
    for asked in [ClientCertificates::Optional, ClientCertificates::Required] {
        for (leaf, expected, alert) in [
            (Leaf::UnknownClient, CertificateFault::UnknownIssuer, "alert unknown ca"),
            (Leaf::Expired, CertificateFault::Expired, "alert certificate expired"),
            (Leaf::Localhost, CertificateFault::WrongPurpose, "alert unsupported certificate"),
        ] {
            let server = server.clone().client_certificates(asked);
            let its = format!("-cert {leaf:?}.chain.pem -key {leaf:?}.key.pem");
            let (error, ended) = refuse(at, &server, version, &its).await?;
            ensure_eq(&error, &TlsError::Certificate(expected), format!("with {leaf:?}"))?;
            ended.says(&[alert])?;
        }
    }
    Ok(())
}

async fn server_refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (leaf, alert, says) in [
        (Leaf::WrongName, 42, "hostname mismatch"),
        (Leaf::UnknownIssuer, 48, "unable to get local issuer certificate"),
        (Leaf::SelfSigned, 48, "self-signed certificate"),
        (Leaf::Expired, 45, "certificate has expired"),
        (Leaf::NotYetValid, 42, "certificate is not yet valid"),
    ] {
        let (error, ended) = refuse(at, &at.server(version, leaf), version, "").await?;
        ensure_eq(&error, &TlsError::AlertReceived(Alert::new(alert)), format!("of {leaf:?}"))?;
        ended.says(&[says])?;
        ended.code(1)?;
    }
    Ok(())
}

async fn resumption<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let server = at.server(version, Leaf::Localhost);
    let (listener, port) = at.listen(&server)?;
    let session = at.fresh_file("session");
    for (more, word) in [(format!("-sess_out {session}"), "New"), (format!("-sess_in {session}"), "Reused")] {
        let mut tool = start(at, port, version, &more)?;
        let mut stream = listener.accept().await?;
        let info = stream.handshake().await?;
        ensure_eq(&info.is_resumed(), &(word == "Reused"), word)?;
        stream.send_line("welcome").await?;
        // In TLS 1.3 the ticket comes before this line.
        let said = tool.stdout.until("welcome\r\n").await?;
        ensure(said.contains(&format!("{word}, TLSv1.")), word)?;
        tool.close_stdin();
        let ended = close(stream, tool).await?;
        ended.code(0)?;
    }
    // The keys of tickets belong to one configuration.
    let (listener, port) = at.listen(&server)?;
    let mut tool = start(at, port, version, &format!("-sess_in {session}"))?;
    let mut stream = listener.accept().await?;
    ensure(!stream.handshake().await?.is_resumed(), "it resumed a session of another server")?;
    tool.stdout.until("New, TLSv1.").await.map(drop)
}

/// It drops the connection five times, well, and resumes its session in the next.
async fn reconnect<N: Net>(at: &At<N>) -> Verdict {
    let (listener, port) = at.listen(&at.server(Version::Tls12, Leaf::Localhost))?;
    let mut tool = start(at, port, Version::Tls12, "-reconnect")?;
    for n in 0..6 {
        let mut stream = listener.accept().await?;
        let info = stream.handshake().await?;
        ensure_eq(&info.is_resumed(), &(n > 0), format!("connection {n}"))?;
        tool.stdout.until(if n == 0 { "New, TLSv1.2" } else { "Reused, TLSv1.2" }).await?;
        if n == 5 {
            tool.write("the last\n")?;
            hear(&mut stream, "the last").await?;
            tool.close_stdin();
        }
        hear_end(&mut stream).await?;
        ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")?;
    }
    tool.end().await.code(0)
}

/// A mail server's.
async fn start_tls<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen_plain()?;
    let mut tool = start(at, port, version, "-starttls smtp -name client.example")?;
    let mut stream = listener.accept().await?;
    stream.send_line("220 localhost ESMTP").await?;
    hear(&mut stream, "EHLO client.example").await?;
    stream.queue_line("250-localhost")?;
    stream.queue_line("250-STARTTLS")?;
    stream.queue_line("250 HELP")?;
    hear(&mut stream, "STARTTLS").await?;
    stream.queue_line("220 go ahead")?;
    let config = at.server(version, Leaf::Localhost).build();
    stream.start_tls(&config.map_err(failed)?).await?;
    tool.stdout.until("Verify return code: 0 (ok)").await?;
    tool.write("NOOP\n")?;
    hear(&mut stream, "NOOP").await?;
    stream.send_line("250 over TLS").await?;
    tool.stdout.until("250 over TLS\r\n").await?;
    tool.close_stdin();
    let ended = close(stream, tool).await?;
    ended.code(0)
}
