//! What a client says first, looked at before anything is answered: by whom it is meant, and what it wants to speak.
//!
//! Nothing is taken: the same bytes begin the handshake afterwards. rustls' `Acceptor`, which belongs to its buffered
//! interface, parses a copy; here is only how long the message is, so that it is parsed once, when it is whole.

use crate::line::Search;
use crate::tls::TlsError;
use alloc::boxed::Box;
use alloc::vec::Vec;
use rustls::server::Acceptor;

/// The most bytes that a client's first message may take on the wire. The longest that clients send, with hybrid keys and
/// encrypted names, have some 4 KiB.
pub const CLIENT_HELLO_BYTES_MAX: usize = 16 << 10;

const HEADER_LEN: usize = 5;

/// What a client said first (RFC 8446, section 4.1.2). It is not verified, and was not encrypted: anybody may have said it.
///
/// ```
/// use asyncnet_core::tls::{ClientHello, TlsError};
///
/// // Not all of it is there yet.
/// assert!(matches!(ClientHello::find(&[22, 3, 1]), Ok(asyncnet_core::Search::NeedMore)));
/// assert_eq!(ClientHello::find(b"GET / HTTP/1.1\r\n").err(), Some(TlsError::NotTls));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    server_name: Option<Box<str>>,
    alpn: Vec<Box<[u8]>>,
}

impl ClientHello {
    /// Looks for it at the beginning of what came from a client.
    ///
    /// # Errors
    ///
    /// [`TlsError::NotTls`] if something else is there; [`TlsError::HandshakeTooLong`] beyond [`CLIENT_HELLO_BYTES_MAX`];
    /// what rustls does not like about it.
    ///
    /// See the example at [`ClientHello`].
    pub fn find(bytes: &[u8]) -> Result<Search<Self>, TlsError> {
        let Some(len) = wire_len(bytes)?.filter(|len| *len <= CLIENT_HELLO_BYTES_MAX) else {
            return if bytes.len() < CLIENT_HELLO_BYTES_MAX {
                Ok(Search::NeedMore)
            } else {
                Err(TlsError::HandshakeTooLong { limit: CLIENT_HELLO_BYTES_MAX })
            };
        };
        let mut rest = &bytes[..len];
        let mut acceptor = Acceptor::default();
        // Each round takes at least a byte: this ends.
        while !rest.is_empty() {
            let read = acceptor.read_tls(&mut rest);
            if read.map_or(true, |n| n == 0) {
                return Err(TlsError::Protocol("a client's first message that cannot be read".into()));
            }
            if let Some(accepted) = acceptor.accept().map_err(|(error, _)| TlsError::from(error))? {
                let hello = accepted.client_hello();
                let alpn = hello.alpn().into_iter().flatten().map(Box::from).collect();
                return Ok(Search::Found(Self { server_name: hello.server_name().map(Box::from), alpn }));
            }
        }
        Err(TlsError::Protocol("a client's first message that does not end".into()))
    }

    /// The host that the client wants (Server Name Indication, RFC 6066, section 3): a name, never an address.
    ///
    /// ```
    /// # use asyncnet_core::tls::ClientHello;
    /// fn is_for(hello: &ClientHello, host: &str) -> bool {
    ///     hello.server_name().is_some_and(|name| name.eq_ignore_ascii_case(host))
    /// }
    /// # let _ = is_for;
    /// ```
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The application protocols that the client offers, the one it likes best first (RFC 7301).
    ///
    /// ```
    /// # use asyncnet_core::tls::ClientHello;
    /// fn offers_imap(hello: &ClientHello) -> bool {
    ///     hello.alpn().any(|protocol| protocol == b"imap")
    /// }
    /// # let _ = offers_imap;
    /// ```
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> {
        self.alpn.iter().map(|protocol| &**protocol)
    }
}

/// How many bytes of the wire the first message takes, with the records around it: `None` while that, or some of it, is
/// not there.
fn wire_len(bytes: &[u8]) -> Result<Option<usize>, TlsError> {
    // Type and length of the message, which may lie in several records.
    let mut head = [0; 4];
    let (mut seen, mut at) = (0, 0);
    loop {
        let record = &bytes[at..];
        let looks = match *record {
            [] => true,
            [typ] => typ == 22,
            [typ, version] => (typ, version) == (22, 3),
            [typ, version, ..] => (typ, version) == (22, 3),
        };
        if !looks {
            return Err(TlsError::NotTls);
        }
        let [_, _, _, high, low, text @ ..] = record else { return Ok(None) };
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        // An empty record of a handshake is not allowed (RFC 8446, section 5.1).
        if len == 0 {
            return Err(TlsError::NotTls);
        }
        for (slot, byte) in head.iter_mut().skip(seen).zip(text.iter().take(len)) {
            *slot = *byte;
        }
        if seen == 0 && !text.is_empty() && head[0] != 1 {
            return Err(TlsError::NotTls);
        }
        seen += len;
        at += HEADER_LEN + len;
        if at > bytes.len() {
            // What is to come may show that it is too long already.
            return Ok(None);
        }
        if seen >= head.len() {
            let message = head.len()
                + usize::from(head[1]) * 0x1_0000
                + usize::from(head[2]) * 0x100
                + usize::from(head[3]);
            if message > CLIENT_HELLO_BYTES_MAX {
                return Err(TlsError::HandshakeTooLong { limit: CLIENT_HELLO_BYTES_MAX });
            }
            if seen >= message {
                return Ok(Some(at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CLIENT_HELLO_BYTES_MAX, ClientHello, wire_len};
    use crate::line::Search;
    use crate::tls::TlsError;
    use std::vec;
    use std::vec::Vec;

    /// A message of this length, in records of this length.
    fn records(message: usize, record: usize) -> Vec<u8> {
        let len = u32::try_from(message).unwrap().to_be_bytes();
        let mut text = vec![1, len[1], len[2], len[3]];
        text.resize(4 + message, 0xab);
        let mut wire = Vec::new();
        for part in text.chunks(record) {
            wire.extend_from_slice(&[22, 3, 1]);
            wire.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
            wire.extend_from_slice(part);
        }
        wire
    }

    #[test]
    fn its_length_is_known_when_it_is_whole() {
        for (message, record) in [(300, 16_384), (300, 1), (300, 3), (10, 4), (1_500, 512)] {
            let wire = records(message, record);
            for cut in 0..wire.len() {
                assert_eq!(wire_len(&wire[..cut]), Ok(None), "{message} in {record}, {cut}");
            }
            assert_eq!(wire_len(&wire), Ok(Some(wire.len())));
            let mut more = wire.clone();
            more.extend_from_slice(&[23, 3, 3, 0, 1, 0]);
            assert_eq!(wire_len(&more), Ok(Some(wire.len())), "what is behind it");
        }
    }

    #[test]
    fn what_is_none() {
        let rows: [&[u8]; 8] = [
            b"G",
            b"GET / HTTP/1.1\r\n",
            &[23],
            &[22, 2],
            &[22, 3, 1, 0, 0],
            // A server's message.
            &[22, 3, 1, 0, 4, 2],
            // A second record that is none.
            &[22, 3, 1, 0, 1, 1, 21],
            &[0x80, 0x2e, 1],
        ];
        for bytes in rows {
            assert_eq!(ClientHello::find(bytes).err(), Some(TlsError::NotTls), "{bytes:?}");
        }
    }

    #[test]
    fn it_may_not_be_too_long() {
        let too_long = Some(TlsError::HandshakeTooLong { limit: CLIENT_HELLO_BYTES_MAX });
        // It says so itself, or its records do.
        assert_eq!(ClientHello::find(&[22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]).err(), too_long);
        let many = records(CLIENT_HELLO_BYTES_MAX - 4, 2);
        assert_eq!(ClientHello::find(&many[..CLIENT_HELLO_BYTES_MAX]).err(), too_long);
        let one_less = &many[..CLIENT_HELLO_BYTES_MAX - 1];
        assert!(matches!(ClientHello::find(one_less), Ok(Search::NeedMore)));
    }

    #[test]
    fn nonsense_in_good_records_is_an_error() {
        for record in [1, 7, 16_384] {
            assert!(matches!(ClientHello::find(&records(300, record)), Err(TlsError::Protocol(_))));
        }
    }
}
