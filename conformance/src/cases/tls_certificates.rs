//! Certificates, of servers and of clients: who is taken, who is refused, and what each side learns of it.

use super::session::{Ours, Setup, alert_seen, ensure_alert, ensure_every_call, fail, secure, tls_error};
use super::wire::{Tap, ensure_alerts};
use crate::adapter::Fixture;
use crate::case::{Case, Verdict, ensure, ensure_eq};
use crate::peer::joined;
use crate::pki::{ClientAuth, ClientSetup, Leaf, ServerSetup, Version};
use asyncnet_core::tls::rustls::AlertDescription;
use asyncnet_driver::tls::{CertificateFault, TlsError};
use asyncnet_driver::{Closed, Fault};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "tls::server_name",
            "a server is taken for a name or an address that its certificate has",
            |at| Box::pin(server_name(at)),
        ),
        Case::new(
            "tls::bad_certificate",
            "a certificate that is not good fails the handshake, and the peer gets the alert that says why",
            |at| Box::pin(bad_certificate(at)),
        ),
        Case::new(
            "tls::refused_certificate",
            "a peer that refuses our certificate fails the handshake, and the error names its alert",
            |at| Box::pin(refused_certificate(at)),
        ),
        Case::new(
            "tls::client_certificate",
            "a client's certificate is asked for, required and verified as configured",
            |at| Box::pin(client_certificate(at)),
        ),
        Case::new(
            "tls::refused_client",
            "a client that is refused learns it from its handshake, over TLS 1.3 from its first receive",
            |at| Box::pin(refused_client(at)),
        ),
    ]
}

async fn server_name<F: Fixture>(at: &F) -> Verdict {
    let rows = [
        (Leaf::Localhost, "localhost"),
        (Leaf::Localhost, "localhost."),
        (Leaf::Localhost, "LOCALHOST"),
        (Leaf::Localhost, "127.0.0.1"),
        (Leaf::Localhost, "::1"),
        (Leaf::Localhost, "[::1]"),
        (Leaf::WrongName, "wrong.example"),
        (Leaf::Intermediate, "localhost"),
    ];
    for version in Version::EACH {
        for (leaf, name) in rows {
            let server = ServerSetup { leaf, ..ServerSetup::new(version) };
            let setup = Setup { name, ..Setup::of(Ours::Client, ClientSetup::new(version), server) };
            let (mut stream, wire) = at.pair().await?;
            secure(&mut stream, wire, &setup).await?;
            ensure_eq(stream.peer_certificates(), &leaf.identity().chain[..], name)?;
        }
    }
    Ok(())
}

async fn bad_certificate<F: Fixture>(at: &F) -> Verdict {
    use AlertDescription as A;
    use CertificateFault as C;
    let wrong = |expected: &str, presented: &str| C::WrongName {
        expected: expected.into(),
        presented: presented.into(),
    };
    let rows = [
        (Leaf::WrongName, "localhost", wrong("localhost", "wrong.example"), A::BadCertificate),
        (Leaf::NameOnly, "127.0.0.1", wrong("127.0.0.1", "localhost"), A::BadCertificate),
        (Leaf::NameOnly, "::1", wrong("::1", "localhost"), A::BadCertificate),
        (Leaf::SelfSigned, "localhost", C::UnknownIssuer, A::UnknownCA),
        (Leaf::UnknownIssuer, "localhost", C::UnknownIssuer, A::UnknownCA),
        (Leaf::Expired, "localhost", C::Expired, A::CertificateExpired),
        (Leaf::NotYetValid, "localhost", C::NotYetValid, A::CertificateExpired),
        (Leaf::Client, "client.example", C::WrongPurpose, A::UnsupportedCertificate),
    ];
    for version in Version::EACH {
        for (leaf, name, fault, alert) in &rows {
            let server = ServerSetup { leaf: *leaf, ..ServerSetup::new(version) };
            let setup = Setup { name, ..Setup::of(Ours::Client, ClientSetup::new(version), server) };
            let (error, seen) = fail(at, &setup).await?;
            ensure_eq(&error, &TlsError::Certificate(fault.clone()), format!("{leaf:?}"))?;
            ensure_eq(&error.fault(), &Fault::Peer, "whose fault it is")?;
            ensure_eq(&alert_seen(&seen), &Some(*alert), format!("{leaf:?}: what the peer saw: {seen:?}"))?;
        }
    }
    Ok(())
}

async fn refused_certificate<F: Fixture>(at: &F) -> Verdict {
    let rows = [
        (Leaf::UnknownIssuer, 48, "unknown_ca"),
        (Leaf::Expired, 45, "certificate_expired"),
        (Leaf::WrongName, 42, "bad_certificate"),
    ];
    for version in Version::EACH {
        for (leaf, code, name) in rows {
            let server = ServerSetup { leaf, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Server, ClientSetup::new(version), server);
            let (error, _) = fail(at, &setup).await?;
            ensure_alert(&error, code, name)?;
        }
    }
    Ok(())
}

async fn client_certificate<F: Fixture>(at: &F) -> Verdict {
    use AlertDescription as A;
    let unknown = TlsError::Certificate(CertificateFault::UnknownIssuer);
    let rows = [
        (ClientAuth::Off, Some(Leaf::Client), None),
        (ClientAuth::Optional, None, None),
        (ClientAuth::Optional, Some(Leaf::Client), None),
        (ClientAuth::Optional, Some(Leaf::UnknownClient), Some((unknown.clone(), A::UnknownCA))),
        (ClientAuth::Required, None, Some((TlsError::NoCertificate, A::CertificateRequired))),
        (ClientAuth::Required, Some(Leaf::Client), None),
        (ClientAuth::Required, Some(Leaf::UnknownClient), Some((unknown, A::UnknownCA))),
    ];
    for version in Version::EACH {
        for (clients, identity, refused) in &rows {
            let client = ClientSetup { identity: *identity, ..ClientSetup::new(version) };
            let server = ServerSetup { clients: *clients, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Server, client, server);
            let what = format!("{version:?}, {clients:?}, {identity:?}");
            if let Some((expected, alert)) = refused {
                let (error, seen) = fail(at, &setup).await?;
                ensure_eq(&error, expected, &what)?;
                ensure_eq(&alert_seen(&seen), &Some(*alert), format!("{what}: the peer saw {seen:?}"))?;
            } else {
                let (mut stream, wire) = at.pair().await?;
                secure(&mut stream, wire, &setup).await?;
                let shown = identity.filter(|_| *clients != ClientAuth::Off);
                let chain = shown.map_or(&[][..], |leaf| &leaf.identity().chain);
                ensure_eq(stream.peer_certificates(), chain, &what)?;
            }
        }
    }
    Ok(())
}

async fn refused_client<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        for (identity, code, name) in
            [(None, 116, "certificate_required"), (Some(Leaf::UnknownClient), 48, "unknown_ca")]
        {
            let client = ClientSetup { identity, ..ClientSetup::new(version) };
            let server = ServerSetup { clients: ClientAuth::Required, ..ServerSetup::new(version) };
            let setup = Setup::of(Ours::Client, client, server);
            if version == Version::Tls12 {
                let (error, _) = fail(at, &setup).await?;
                ensure_alert(&error, code, name)?;
                continue;
            }
            let (mut stream, wire) = at.pair().await?;
            let (wire, seen) = Tap::on(wire);
            let mut peer = setup.peer(wire)?;
            let peer = std::thread::spawn(move || {
                let outcome = peer.handshake();
                peer.wire()?.read_to_end(&mut Vec::new())?;
                Ok(outcome)
            });
            // It has done all there is to do, and the server has not said what it thinks of it.
            stream.start_tls(setup.how()?).await?;
            let error = tls_error(stream.recv(&mut [0; 8]).await, "a receive of a client that is refused")?;
            ensure_alert(&error, code, name)?;
            ensure_every_call(&mut stream, &error).await?;
            ensure_eq(&stream.close().await?, &Closed::PeerEnded, "the close")?;
            let outcome = joined(peer)?;
            ensure(outcome.is_err(), "the peer refused nothing")?;
            ensure_alerts(&seen, 0, &setup.what())?;
        }
    }
    Ok(())
}
