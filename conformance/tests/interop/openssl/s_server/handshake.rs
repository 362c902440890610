//! What is agreed on, and what is refused.

use super::{meet, start, welcome};
use crate::at::{At, Tests};
use crate::failed;
use crate::openssl::{suites, unknown_suite};
use crate::ours::{close, hear, tls_error};
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::tls::{Alert, CertificateFault, TlsError, TlsVersion};
use asyncnet_driver::{Connector, Net};
use asyncnet_os::ClientTls;

pub(super) fn add<N: Net + 'static>(tests: &mut Tests<N>) {
    tests.each("versions", |at, version| Box::pin(versions(at, version)));
    tests.one("newest_version", |at| Box::pin(newest_version(at)));
    tests.one("no_common_version", |at| Box::pin(no_common_version(at)));
    tests.each("cipher_suites", |at, version| Box::pin(cipher_suites(at, version)));
    tests.each("own_words", |at, version| Box::pin(own_words(at, version)));
    tests.each("alpn", |at, version| Box::pin(alpn(at, version)));
    tests.each("client_certificates", |at, version| Box::pin(client_certificates(at, version)));
    tests.each("we_are_refused", |at, version| Box::pin(we_are_refused(at, version)));
    tests.each("we_refuse", |at, version| Box::pin(we_refuse(at, version)));
    tests.each("by_address", |at, version| Box::pin(by_address(at, version)));
    tests.each("resumption", |at, version| Box::pin(resumption(at, version)));
}

async fn versions<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start(at, version, Leaf::Localhost, "").await?;
    let stream = at.dial(port, &at.client(Version::Both)).await?;
    let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
    let expected = if version == Version::Tls12 { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
    ensure_eq(&info.version(), &expected, "the version")?;
    ensure(!info.is_resumed() && info.alpn().is_none(), "nothing is resumed, and there is no protocol")?;
    // It sends the root along.
    let presented = stream.peer_certificates().first();
    ensure_eq(&presented, &Leaf::Localhost.identity().chain.first(), "its certificate")?;
    tool.stdout.until("CIPHER is ").await.map(drop)
}

async fn newest_version<N: Net>(at: &At<N>) -> Verdict {
    // With the provider that programs get: its key exchange is new to this tool.
    let (mut tool, port) = start(at, Version::Both, Leaf::Localhost, "").await?;
    let mut stream = at.dial(port, &ClientTls::new().ca_file(at.root(Root::Ca))).await?;
    welcome(&mut tool, &mut stream).await?;
    let version = stream.tls_info().map(|info| info.version());
    ensure_eq(&version, &Some(TlsVersion::Tls13), "the version")
}

/// What fails the handshake, or the first receive: a client of TLS 1.3 is done before the server has seen all.
async fn refusal<N: Net>(at: &At<N>, port: u16, client: &ClientTls) -> Result<TlsError, Stop> {
    let connector = at.connector(client)?;
    match at.connect(port, &connector).await {
        Ok(mut stream) => {
            let error = tls_error(stream.recv_line().await)?;
            stream.close().await?;
            Ok(error)
        }
        refused => tls_error(refused),
    }
}

async fn no_common_version<N: Net>(at: &At<N>) -> Verdict {
    for (ours, its) in [(Version::Tls13, Version::Tls12), (Version::Tls12, Version::Tls13)] {
        let (tool, port) = start(at, its, Leaf::Localhost, "-naccept 1").await?;
        let error = refusal(at, port, &at.client(ours)).await?;
        ensure_eq(&error, &TlsError::AlertReceived(Alert::new(70)), "what we say")?;
        tool.end().await.says(&["unsupported protocol", "version too low"])?;
    }
    Ok(())
}

async fn cipher_suites<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (offered, expected) in suites(version) {
        let (_tool, stream) = meet(at, version, offered).await?;
        let suite = stream.tls_info().map(|info| info.cipher_suite());
        ensure_eq(&suite, &Some(expected), "the suite")?;
    }
    let none = unknown_suite(version);
    let (_tool, port) = start(at, version, Leaf::Localhost, none).await?;
    let error = refusal(at, port, &at.client(version)).await?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(40)), "what we say")
}

/// Handshakes that are not like everybody's.
async fn own_words<N: Net>(at: &At<N>, version: Version) -> Verdict {
    // It knows a group that we have, but not first: in TLS 1.3 it asks for another hello (RFC 8446, section 4.1.4).
    let (_tool, stream) = meet(at, version, "-groups P-384:P-256").await?;
    let group = stream.tls_info().and_then(|info| info.key_exchange_group());
    ensure(matches!(group, Some("secp384r1" | "secp256r1")), format!("the group {group:?}"))?;
    for more in
        ["-no_middlebox", "-no_ticket", "-num_tickets 0", "-max_send_frag 512", "-record_padding 1024"]
    {
        if version == Version::Tls12 && more.starts_with("-num") {
            continue;
        }
        let (mut tool, mut stream) = meet(at, version, more).await?;
        let long = "long ".repeat(600);
        tool.write(&format!("{long}\n"))?;
        hear(&mut stream, long).await?;
    }
    Ok(())
}

async fn alpn<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (ours, its, chosen) in [
        (&["imap", "smtp"][..], "-alpn smtp,imap", Some("smtp")),
        (&["imap", "smtp"], "", None),
        (&[], "-alpn imap", None),
    ] {
        let (_tool, port) = start(at, version, Leaf::Localhost, its).await?;
        let stream = at.dial(port, &at.client(version).alpn(ours)).await?;
        let info = stream.tls_info().ok_or_else(|| failed("no handshake"))?;
        ensure_eq(&info.alpn(), &chosen.map(str::as_bytes), format!("of {ours:?} and {its:?}"))?;
    }
    let (tool, port) = start(at, version, Leaf::Localhost, "-alpn smtp -naccept 1").await?;
    let error = refusal(at, port, &at.client(version).alpn(["imap"])).await?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(120)), "what we say")?;
    tool.end().await.says(&["no application protocol"])
}

fn with_identity<N: Net>(at: &At<N>, version: Version, leaf: Leaf) -> ClientTls {
    let path = |what: &str| at.folder().join(format!("{leaf:?}.{what}.pem"));
    at.client(version).identity_files(path("chain"), path("key"))
}

async fn client_certificates<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (asked, ours, expected) in [
        ("", true, false),
        ("-verify 2 -verify_return_error", false, false),
        ("-verify 2 -verify_return_error", true, true),
        ("-Verify 2 -verify_return_error", true, true),
    ] {
        let (mut tool, port) = start(at, version, Leaf::Localhost, asked).await?;
        let client = if ours { with_identity(at, version, Leaf::Client) } else { at.client(version) };
        let mut stream = at.dial(port, &client).await?;
        let said = tool.stdout.until("CIPHER is ").await?;
        ensure_eq(&said.contains("Client certificate\n"), &expected, format!("with {asked:?}"))?;
        welcome(&mut tool, &mut stream).await?;
    }
    Ok(())
}

async fn we_are_refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (leaf, alert, says) in [
        // TLS 1.2 has no alert for that.
        (None, if version == Version::Tls12 { 40 } else { 116 }, "peer did not return a certificate"),
        (Some(Leaf::UnknownClient), 48, "unable to get local issuer certificate"),
        (Some(Leaf::Localhost), 43, "unsuitable certificate purpose"),
    ] {
        let (tool, port) =
            start(at, version, Leaf::Localhost, "-Verify 2 -verify_return_error -naccept 1").await?;
        let client = leaf.map_or_else(|| at.client(version), |leaf| with_identity(at, version, leaf));
        let error = refusal(at, port, &client).await?;
        ensure_eq(&error, &TlsError::AlertReceived(Alert::new(alert)), format!("with {leaf:?}"))?;
        tool.end().await.says(&[says])?;
    }
    Ok(())
}

async fn we_refuse<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let wrong_name =
        CertificateFault::WrongName { expected: "localhost".into(), presented: "wrong.example".into() };
    for (leaf, fault, says) in [
        (Leaf::WrongName, wrong_name, "alert bad certificate"),
        (Leaf::UnknownIssuer, CertificateFault::UnknownIssuer, "alert unknown ca"),
        (Leaf::SelfSigned, CertificateFault::UnknownIssuer, "alert unknown ca"),
        (Leaf::Expired, CertificateFault::Expired, "alert certificate expired"),
        (Leaf::NotYetValid, CertificateFault::NotYetValid, "alert certificate expired"),
        (Leaf::Client, CertificateFault::WrongPurpose, "alert unsupported certificate"),
    ] {
        let (tool, port) = start(at, version, leaf, "-naccept 1").await?;
        let error = refusal(at, port, &at.client(version)).await?;
        ensure_eq(&error, &TlsError::Certificate(fault), format!("of {leaf:?}"))?;
        tool.end().await.says(&[says])?;
    }
    Ok(())
}

/// By its address: the certificate has to be for that.
async fn by_address<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let config = at.client(version).build().map_err(failed)?;
    let connector = Connector::new().tls(&config);
    let (mut tool, port) = start(at, version, Leaf::Localhost, "").await?;
    let mut stream = connector.dial(at.net(), "127.0.0.1", port).await?;
    welcome(&mut tool, &mut stream).await?;
    let (_tool, port) = start(at, version, Leaf::NameOnly, "").await?;
    let error = tls_error(connector.dial(at.net(), "127.0.0.1", port).await)?;
    let fault = CertificateFault::WrongName { expected: "127.0.0.1".into(), presented: "localhost".into() };
    ensure_eq(&error, &TlsError::Certificate(fault), "what we say")
}

async fn resumption<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, port) = start(at, version, Leaf::Localhost, "-naccept 3").await?;
    let connector = at.connector(&at.client(version))?;
    for n in 0..3 {
        let mut stream = at.connect(port, &connector).await?;
        let resumed = stream.tls_info().is_some_and(|info| info.is_resumed());
        ensure_eq(&resumed, &(n > 0), format!("connection {n}"))?;
        welcome(&mut tool, &mut stream).await?;
        if n == 2 {
            let ended = close(stream, tool).await?;
            ended.says(&["2 session cache hits"])?;
            return ended.code(0);
        }
        stream.close().await?;
    }
    Ok(())
}
