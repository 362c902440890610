//! The peer of the connections under test: rustls' buffered connection, fed one whole record at a time.
//!
//! Nothing of the code under test is in it, and it is not driven as that code is: what it makes of the bytes is the
//! truth that is compared with. It lies when it is told to, see [`Oracle::forge`].

use super::crypto::MARK;
use super::setup::name;
use super::wire::record_len;
use asyncnet_core::tls::rustls::{
    ClientConfig, ClientConnection, Connection, ContentType, Error, ServerConfig, ServerConnection,
};
use std::io::{Read, Write};
use std::sync::Arc;

/// The longest content of a forged record, in bytes.
const FORGED_BYTES_MAX: usize = (16 << 10) - 64;

/// A peer.
///
/// ```
/// use asyncnet_conformance::pki::{self, Version};
/// use asyncnet_conformance::properties::tls::Oracle;
///
/// let mut client = Oracle::client(&pki::client(Version::Tls13));
/// let mut server = Oracle::server(&pki::server(Version::Tls13));
/// for _ in 0..2 {
///     server.feed(&client.take_output());
///     client.feed(&server.take_output());
/// }
/// client.write(b"hello");
/// server.feed(&client.take_output());
/// assert_eq!(server.text(), b"hello");
/// ```
#[derive(Debug)]
pub struct Oracle {
    connection: Connection,
    /// A record that is not whole yet.
    partial: Vec<u8>,
    text: Vec<u8>,
    failure: Option<Error>,
    peer_closed: bool,
    behind_end: usize,
}

impl Oracle {
    /// A client of `localhost`.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a configuration that was built makes connections")]
    pub fn client(config: &Arc<ClientConfig>) -> Self {
        let connection = ClientConnection::new(Arc::clone(config), name());
        Self::new(connection.expect("the configuration is good").into())
    }

    /// A server.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "a configuration that was built makes connections")]
    pub fn server(config: &Arc<ServerConfig>) -> Self {
        let connection = ServerConnection::new(Arc::clone(config));
        Self::new(connection.expect("the configuration is good").into())
    }

    fn new(mut connection: Connection) -> Self {
        connection.set_buffer_limit(None);
        Self {
            connection,
            partial: Vec::new(),
            text: Vec::new(),
            failure: None,
            peer_closed: false,
            behind_end: 0,
        }
    }

    /// Takes what the other side sent, until it fails.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.partial);
        let mut rest = all.as_slice();
        while let Some(len) = record_len(rest).filter(|len| *len <= rest.len()) {
            self.feed_record(&rest[..len]);
            rest = &rest[len..];
        }
        self.partial = rest.to_vec();
    }

    fn feed_record(&mut self, mut record: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        if self.peer_closed {
            self.behind_end += record.len();
        }
        while !record.is_empty() && self.failure.is_none() {
            match self.connection.read_tls(&mut record) {
                Ok(0) => return,
                Ok(_) => match self.connection.process_new_packets() {
                    Ok(state) => self.peer_closed |= state.peer_has_closed(),
                    Err(error) => self.failure = Some(error),
                },
                Err(error) => self.failure = Some(Error::General(error.to_string())),
            }
            // An end is no error here: it is asked for with `has_peer_closed`.
            self.connection.reader().read_to_end(&mut self.text).ok();
        }
    }

    /// What it wants sent.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "memory takes what is written to it")]
    pub fn take_output(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut output).expect("memory takes what is written to it");
        }
        output
    }

    /// Sends text: before the handshake is done, behind it; once it has failed, nothing.
    #[expect(clippy::missing_panics_doc, reason = "its buffer has no limit")]
    pub fn write(&mut self, text: &[u8]) {
        if self.failure.is_none() {
            self.connection.writer().write_all(text).expect("its buffer has no limit");
        }
    }

    /// Sends a record of the type `typ` with this content, sealed like any other, if its configuration is of a
    /// [`Setup`](super::Setup) in which it is not tested. The next handshake message that it sends of itself loses
    /// `skip` bytes at its front: those that were forged.
    ///
    /// # Panics
    ///
    /// If the content does not fit into a record with the mark before it, or the handshake is not done.
    pub fn forge(&mut self, typ: ContentType, skip: u8, content: &[u8]) {
        assert!(content.len() <= FORGED_BYTES_MAX, "a record takes no more");
        assert!(!self.is_handshaking(), "it has no keys");
        self.write(&[&MARK[..], &[typ.into(), skip], content].concat());
    }

    /// Sends a key update, and asks for one (RFC 8446, section 4.6.3), over TLS 1.3.
    pub fn refresh_keys(&mut self) {
        // Over TLS 1.2 and before the handshake is done there is nothing to be changed.
        self.connection.refresh_traffic_keys().ok();
    }

    /// Sends `close_notify`.
    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// The text that came.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether the handshake is not done.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// Whether the other side's `close_notify` came.
    #[must_use]
    pub fn has_peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// How many bytes came behind the other side's `close_notify`.
    #[must_use]
    pub fn behind_end(&self) -> usize {
        self.behind_end
    }
}
