//! What a client and a server made here agree on, in memory.

use crate::authority::{Authority, Files, Issued};
use TlsVersions::{AtLeast12, Only12, Only13};
use asyncnet_core::tls::rustls::client::ClientConfig;
use asyncnet_core::tls::rustls::crypto::ring;
use asyncnet_core::tls::rustls::pki_types::pem::PemObject;
use asyncnet_core::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use asyncnet_core::tls::rustls::server::{NoServerSessionStorage, ServerConfig};
use asyncnet_core::tls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use asyncnet_core::tls::rustls::{
    AlertDescription, CertificateError, ClientConnection, Error, HandshakeKind, ProtocolVersion,
    ServerConnection,
};
use asyncnet_os::{ClientCertificates, ClientTls, ServerTls, TlsVersions};
use std::sync::Arc;

/// Who refused, and why.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    ByClient(Error),
    ByServer(Error),
}

/// A handshake, and all that follows it unasked, as session tickets do.
pub(crate) fn shake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<(ClientConnection, ServerConnection), Refused> {
    shake_with("site.test", client, server)
}

/// The same with a server that has this name, or address.
pub(crate) fn shake_with(
    name: &str,
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<(ClientConnection, ServerConnection), Refused> {
    let (mut client, mut server) = ends(name, client, server);
    talk(&mut client, &mut server)?;
    Ok((client, server))
}

/// What a handshake that is refused tells the other side.
pub(crate) fn alert(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Option<AlertDescription> {
    let (mut client, mut server) = ends("site.test", client, server);
    talk(&mut client, &mut server).err()?;
    match talk(&mut client, &mut server).err()? {
        Refused::ByClient(Error::AlertReceived(alert)) | Refused::ByServer(Error::AlertReceived(alert)) => {
            Some(alert)
        }
        other => panic!("{other:?}"),
    }
}

fn ends(
    name: &str,
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> (ClientConnection, ServerConnection) {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = ClientConnection::new(Arc::clone(client), name).unwrap();
    (client, ServerConnection::new(Arc::clone(server)).unwrap())
}

fn talk(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), Refused> {
    for _flight in 0..10 {
        if !client.wants_write() && !server.wants_write() {
            assert!(!client.is_handshaking() && !server.is_handshaking());
            return Ok(());
        }
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = &*wire;
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().map_err(Refused::ByServer)?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = &*wire;
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(Refused::ByClient)?;
        }
    }
    panic!("they talk without end");
}

/// An authority, a site that it vouches for, and their files.
pub(crate) struct Site {
    pub(crate) files: Files,
    pub(crate) authority: Authority,
    pub(crate) issued: Issued,
}

impl Site {
    pub(crate) fn new() -> Self {
        let (files, authority) = (Files::new(), Authority::root("test authority"));
        let issued = authority.issue("site.test");
        Self { files, authority, issued }
    }

    pub(crate) fn client(&self) -> ClientTls {
        ClientTls::new().ca_file(self.files.write("ca.pem", &self.authority.certificate()))
    }

    pub(crate) fn server(&self) -> ServerTls {
        let chain = self.files.write("chain.pem", &self.issued.certificate);
        ServerTls::from_files(chain, self.files.write("key.pem", &self.issued.key))
    }
}

#[test]
fn they_speak_the_newest_version_that_both_have() {
    let site = Site::new();
    let check = |client: TlsVersions, server: TlsVersions, expected: Option<ProtocolVersion>| {
        let client = site.client().versions(client).build().unwrap();
        let server = site.server().versions(server).build().unwrap();
        let spoken = shake(&client, &server).map(|(client, _)| client.protocol_version().unwrap());
        assert_eq!(spoken.ok(), expected);
    };
    check(AtLeast12, AtLeast12, Some(ProtocolVersion::TLSv1_3));
    check(Only13, AtLeast12, Some(ProtocolVersion::TLSv1_3));
    check(AtLeast12, Only12, Some(ProtocolVersion::TLSv1_2));
    check(Only12, Only12, Some(ProtocolVersion::TLSv1_2));
    check(Only12, Only13, None);
    check(Only13, Only12, None);
}

#[test]
fn a_server_must_be_vouched_for_and_have_the_name() {
    let site = Site::new();
    let server = site.server().build().unwrap();
    let check = |client: ClientTls, expected: Option<CertificateError>| {
        let refused = shake(&client.build().unwrap(), &server).err();
        assert_eq!(refused, expected.map(|why| Refused::ByClient(Error::InvalidCertificate(why))));
    };
    check(site.client(), None);
    check(ClientTls::new().roots(site.authority.store()), None);
    check(ClientTls::new().bundled_roots(), Some(CertificateError::UnknownIssuer));
    // It has the same name, and another key.
    let namesake = Authority::root("test authority").store();
    check(ClientTls::new().roots(namesake), Some(CertificateError::BadSignature));

    let other = site.authority.issue("other.test");
    let chain = site.files.write("other.pem", &other.certificate);
    let key = site.files.write("other.key", &other.key);
    let other = ServerTls::from_files(chain, key).build().unwrap();
    let refused = shake(&site.client().build().unwrap(), &other).expect_err("it has another name");
    let Refused::ByClient(Error::InvalidCertificate(why)) = refused else { panic!("{refused:?}") };
    assert!(matches!(why, CertificateError::NotValidForNameContext { .. }), "{why:?}");
}

#[test]
fn a_chain_is_sent_whole() {
    let site = Site::new();
    let intermediate = site.authority.intermediate("test intermediate");
    let issued = intermediate.issue("site.test");
    let key = site.files.write("issued.key", &issued.key);
    let alone = site.files.write("alone.pem", &issued.certificate);
    let whole =
        site.files.write("whole.pem", &format!("{}{}", issued.certificate, intermediate.certificate()));
    let client = site.client().build().unwrap();
    let (client_end, _) = shake(&client, &ServerTls::from_files(whole, &key).build().unwrap()).unwrap();
    assert_eq!(client_end.peer_certificates().unwrap().len(), 2);
    let refused = shake(&client, &ServerTls::from_files(alone, &key).build().unwrap()).err();
    let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    assert_eq!(refused, Some(Refused::ByClient(unknown)));
}

#[test]
fn clients_are_asked_for_a_certificate_or_not() {
    let site = Site::new();
    let clients = Authority::root("authority for clients");
    let issue = |authority: &Authority, name: &str| {
        let issued = authority.issue(name);
        let chain = site.files.write(&format!("{name}.pem"), &issued.certificate);
        (chain, site.files.write(&format!("{name}.key"), &issued.key))
    };
    let member = Some(issue(&clients, "member.test"));
    // Vouched for by somebody who may vouch for servers only.
    let stranger = Some(issue(&site.authority, "stranger.test"));
    let untrusted = || Some(Error::InvalidCertificate(CertificateError::UnknownIssuer));

    for versions in [Only12, Only13] {
        let check = |asked: Option<ClientCertificates>,
                     identity: &Option<(_, _)>,
                     shown: usize,
                     why: Option<Error>| {
            let mut server = site.server().client_roots(clients.store());
            if let Some(asked) = asked {
                server = server.client_certificates(asked);
            }
            let mut client = site.client().versions(versions);
            if let Some((chain, key)) = identity {
                client = client.identity_files(chain, key);
            }
            match shake(&client.build().unwrap(), &server.build().unwrap()) {
                Ok((_, server_end)) => {
                    assert_eq!(why, None, "{versions:?} {asked:?}");
                    assert_eq!(
                        server_end.peer_certificates().map_or(0, <[_]>::len),
                        shown,
                        "{versions:?} {asked:?}"
                    );
                }
                Err(refused) => {
                    assert_eq!(Some(refused), why.map(Refused::ByServer), "{versions:?} {asked:?}");
                }
            }
        };
        let off = Some(ClientCertificates::Off);
        check(off, &None, 0, None);
        check(off, &member, 0, None);
        check(off, &stranger, 0, None);
        let optional = Some(ClientCertificates::Optional);
        check(optional, &None, 0, None);
        check(optional, &member, 1, None);
        check(optional, &stranger, 0, untrusted());
        // Roots for clients, and not a word about whether: they count.
        for required in [Some(ClientCertificates::Required), None] {
            check(required, &None, 0, Some(Error::NoCertificatesPresented));
            check(required, &member, 1, None);
            check(required, &stranger, 0, untrusted());
        }
    }
}

#[test]
fn they_agree_on_an_application_protocol() {
    let site = Site::new();
    let check = |client: &[&str], server: &[&str], expected: Result<Option<&[u8]>, Refused>| {
        let client = site.client().alpn(client).build().unwrap();
        let server = site.server().alpn(server).build().unwrap();
        match shake(&client, &server) {
            Ok((client_end, server_end)) => {
                assert_eq!(Ok(client_end.alpn_protocol()), expected);
                assert_eq!(client_end.alpn_protocol(), server_end.alpn_protocol());
            }
            Err(refused) => assert_eq!(Err(refused), expected),
        }
    };
    check(&["imap"], &["imap"], Ok(Some(b"imap")));
    check(&["http/1.1", "h2"], &["h2", "http/1.1"], Ok(Some(b"h2")));
    check(&[], &["imap"], Ok(None));
    check(&["imap"], &[], Ok(None));
    check(&["imap"], &["pop3"], Err(Refused::ByServer(Error::NoApplicationProtocol)));
}

#[test]
fn a_later_session_is_a_resumed_one() {
    let site = Site::new();
    for versions in [Only12, Only13] {
        let client = site.client().versions(versions).build().unwrap();
        let mut server = Arc::unwrap_or_clone(site.server().build().unwrap());
        // By tickets: there is no other memory.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        let server = Arc::new(server);
        assert_eq!((server.max_early_data_size, client.enable_early_data), (0, false));
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed] {
            let (client_end, server_end) = shake(&client, &server).unwrap();
            assert_eq!(client_end.handshake_kind(), Some(expected), "{versions:?}");
            assert_eq!(server_end.handshake_kind(), Some(expected), "{versions:?}");
        }
        // Tickets of another server, here one with a certificate that was renewed, are of no use.
        let (client_end, _) = shake(&client, &site.server().build().unwrap()).unwrap();
        assert_eq!(client_end.handshake_kind(), Some(HandshakeKind::Full), "{versions:?}");
    }
}

#[test]
fn any_certificate_is_taken_but_not_without_its_key() {
    let site = Site::new();
    let stranger = Authority::root("unknown authority").issue("elsewhere.test");
    let chain = site.files.write("stranger.pem", &stranger.certificate);
    let key = site.files.write("stranger.key", &stranger.key);
    let client =
        |versions| ClientTls::new().dangerous_accept_any_certificate().versions(versions).build().unwrap();
    // A certificate that everybody can see, signed for with a key that it does not have: built past the check.
    let thief = CertifiedKey::new(
        vec![CertificateDer::from_pem_slice(site.issued.certificate.as_bytes()).unwrap()],
        ring::sign::any_supported_type(&PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap(),
    );
    let server = ServerTls::from_files(chain, key).build().unwrap();
    let mut stolen = ServerConfig::clone(&server);
    stolen.cert_resolver = Arc::new(SingleCertAndKey::from(thief));
    let stolen = Arc::new(stolen);
    for versions in [Only12, Only13] {
        assert!(shake(&client(versions), &server).is_ok(), "{versions:?}");
        let refused = shake(&client(versions), &stolen).err();
        let why = Error::InvalidCertificate(CertificateError::BadSignature);
        assert_eq!(refused, Some(Refused::ByClient(why)), "{versions:?}");
    }
}
