//! TLS in memory: records sealed and opened, and handshakes, by this project's core, by rustls' own connections, and, for
//! records, by the cipher alone.

use super::{Group, Subject};
use crate::Fault;
use crate::pattern::pattern;
use asyncnet_core::tls::StartTls;
use asyncnet_core::{Connection, Limits};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rustls::client::Resumption;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::sync::Arc;

/// How many bytes of text a pass has: four full records.
const TEXT_BYTES: usize = 64 << 10;
/// The longest text of a record (RFC 8446, section 5.1).
const RECORD_BYTES: usize = 16 << 10;
/// How often two ends take turns in a handshake before it is given up.
const TURNS_MAX: usize = 16;

/// Two configurations that trust each other, of TLS 1.3 with one cipher suite, so that all do the same.
fn configs(resume: bool) -> Result<(Arc<ClientConfig>, Arc<ServerConfig>), Fault> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites = vec![rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384];
    let provider = Arc::new(provider);
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    server.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if !resume {
        client.resumption = Resumption::disabled();
    }
    Ok((Arc::new(client), Arc::new(server)))
}

/// One end of a connection, of whatever it is made.
trait End {
    /// Takes what the other end sent.
    fn receive(&mut self, sealed: &[u8]) -> Result<(), Fault>;

    /// Appends what is to be sent.
    fn send(&mut self, sealed: &mut Vec<u8>) -> Result<(), Fault>;

    fn is_established(&self) -> bool;
}

impl End for Connection {
    fn receive(&mut self, mut sealed: &[u8]) -> Result<(), Fault> {
        while !sealed.is_empty() {
            let space = self.wire_space();
            let n = space.len().min(sealed.len());
            space[..n].copy_from_slice(&sealed[..n]);
            self.wire_filled(n);
            sealed = &sealed[n..];
            self.process()?;
        }
        Ok(())
    }

    fn send(&mut self, sealed: &mut Vec<u8>) -> Result<(), Fault> {
        loop {
            self.process()?;
            let before = sealed.len();
            sealed.extend(self.wire_pending().flatten());
            if sealed.len() == before {
                return Ok(());
            }
            self.wire_sent(sealed.len() - before);
        }
    }

    fn is_established(&self) -> bool {
        self.tls_info().is_some()
    }
}

impl End for rustls::Connection {
    fn receive(&mut self, mut sealed: &[u8]) -> Result<(), Fault> {
        while !sealed.is_empty() {
            self.read_tls(&mut sealed)?;
            self.process_new_packets()?;
        }
        Ok(())
    }

    fn send(&mut self, sealed: &mut Vec<u8>) -> Result<(), Fault> {
        while self.wants_write() {
            self.write_tls(sealed)?;
        }
        Ok(())
    }

    fn is_established(&self) -> bool {
        !self.is_handshaking()
    }
}

/// Lets two ends talk until both are done, and what came after is taken.
fn shake(client: &mut impl End, server: &mut impl End) -> Result<usize, Fault> {
    let mut sealed = Vec::with_capacity(RECORD_BYTES);
    let mut bytes = 0;
    for _ in 0..TURNS_MAX {
        sealed.clear();
        client.send(&mut sealed)?;
        server.receive(&sealed)?;
        bytes += sealed.len();
        let quiet = sealed.is_empty();
        sealed.clear();
        server.send(&mut sealed)?;
        client.receive(&sealed)?;
        bytes += sealed.len();
        if quiet && sealed.is_empty() && client.is_established() && server.is_established() {
            return Ok(bytes);
        }
    }
    Err("the handshake does not come to an end".into())
}

fn ours(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<(Connection, Connection), Fault> {
    let mut ends = (Connection::new(Limits::default()), Connection::new(Limits::default()));
    ends.0.start_tls(StartTls::client(client, "localhost")?)?;
    ends.1.start_tls(StartTls::server(server))?;
    Ok(ends)
}

fn theirs(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<(rustls::Connection, rustls::Connection), Fault> {
    let client = ClientConnection::new(Arc::clone(client), ServerName::try_from("localhost")?)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    server.set_buffer_limit(None);
    Ok((client.into(), server.into()))
}

/// The works, by name.
pub(super) const SEAL: &str = "TLS, seal";
pub(super) const OPEN: &str = "TLS, seal and open";
pub(super) const FULL: &str = "handshake, full";
pub(super) const RESUMED: &str = "handshake, resumed";

/// Handshakes of TLS 1.3, both ends.
pub(super) fn handshakes(name: &str) -> Result<Group, Fault> {
    let (client, server) = configs(name == RESUMED)?;
    let (their_client, their_server) = (Arc::clone(&client), Arc::clone(&server));
    let rustls = Subject::new("rustls", move || {
        let (mut client, mut server) = theirs(&their_client, &their_server)?;
        shake(&mut client, &mut server)
    });
    let asyncnet = Subject::new("asyncnet", move || {
        let (mut client, mut server) = ours(&client, &server)?;
        shake(&mut client, &mut server)
    });
    Ok(Group { name: name.to_owned(), units: 1, unit: "handshake", subjects: vec![rustls, asyncnet] })
}

/// Text sealed, or sealed and opened again.
pub(super) fn records(name: &str) -> Result<Group, Fault> {
    let open = name == OPEN;
    let subjects = vec![cipher(open)?, rustls(open)?, asyncnet(open)?];
    Ok(Group { name: name.to_owned(), units: (TEXT_BYTES >> 10) as u64, unit: "KiB", subjects })
}

fn cipher(open: bool) -> Result<Subject, Fault> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32])?);
    let mut record = Vec::with_capacity(2 * RECORD_BYTES);
    let mut count: u64 = 0;
    let nonce = |count: u64| {
        let mut bytes = [0; NONCE_LEN];
        bytes[4..].copy_from_slice(&count.to_be_bytes());
        Nonce::assume_unique_for_key(bytes)
    };
    Ok(Subject::new("the cipher alone", move || {
        let mut seen = 0;
        for text in pattern(0, TEXT_BYTES).chunks(RECORD_BYTES) {
            count += 1;
            record.clear();
            record.extend_from_slice(text);
            key.seal_in_place_append_tag(nonce(count), Aad::from([0; 5]), &mut record)?;
            seen += text.len();
            if open {
                key.open_in_place(nonce(count), Aad::from([0; 5]), &mut record)?;
            }
        }
        Ok(seen)
    }))
}

fn rustls(open: bool) -> Result<Subject, Fault> {
    let (client, server) = configs(false)?;
    let (mut client, mut server) = theirs(&client, &server)?;
    shake(&mut client, &mut server)?;
    let (mut sealed, mut text) = (Vec::new(), vec![0; TEXT_BYTES]);
    Ok(Subject::new("rustls", move || {
        sealed.clear();
        server.writer().write_all(pattern(0, TEXT_BYTES))?;
        End::send(&mut server, &mut sealed)?;
        if !open {
            return Ok(TEXT_BYTES);
        }
        let (mut rest, mut seen) = (&sealed[..], 0);
        while !rest.is_empty() {
            client.read_tls(&mut rest)?;
            let here = client.process_new_packets()?.plaintext_bytes_to_read();
            client.reader().read_exact(&mut text[seen..][..here])?;
            seen += here;
        }
        Ok(seen)
    }))
}

fn asyncnet(open: bool) -> Result<Subject, Fault> {
    let (client, server) = configs(false)?;
    let (mut client, mut server) = ours(&client, &server)?;
    shake(&mut client, &mut server)?;
    let mut text = vec![0; TEXT_BYTES];
    let mut sealed = Vec::new();
    Ok(Subject::new("asyncnet", move || {
        sealed.clear();
        server.send(pattern(0, TEXT_BYTES))?;
        loop {
            server.process()?;
            let before = sealed.len();
            for piece in server.wire_pending() {
                sealed.extend_from_slice(piece);
            }
            if sealed.len() == before {
                break;
            }
            server.wire_sent(sealed.len() - before);
        }
        if !open {
            return Ok(TEXT_BYTES);
        }
        let (mut rest, mut seen) = (&sealed[..], 0);
        while !rest.is_empty() || client.incoming().sealed_len() > 0 {
            if client.wants_wire() && !rest.is_empty() {
                let space = client.wire_space();
                let n = space.len().min(rest.len());
                space[..n].copy_from_slice(&rest[..n]);
                client.wire_filled(n);
                rest = &rest[n..];
            }
            client.process()?;
            let n = client.take(&mut text[seen..]);
            seen += n;
            if n == 0 && rest.is_empty() {
                break;
            }
        }
        Ok(seen)
    }))
}

#[cfg(test)]
mod tests {
    use super::{FULL, OPEN, RESUMED, SEAL, TEXT_BYTES, handshakes, records};

    #[test]
    fn all_seal_and_open_the_same() {
        for name in [SEAL, OPEN] {
            for subject in &mut records(name).unwrap().subjects {
                for _ in 0..40 {
                    assert_eq!((subject.pass)().unwrap(), TEXT_BYTES, "{name} {}", subject.name);
                }
            }
        }
    }

    #[test]
    fn a_resumed_handshake_is_shorter() {
        for at in 0..2 {
            let [full, resumed] = [FULL, RESUMED].map(|name| {
                let pass = &mut handshakes(name).unwrap().subjects[at].pass;
                pass().unwrap();
                pass().unwrap()
            });
            assert!(resumed < full, "{resumed} < {full}");
        }
    }
}
