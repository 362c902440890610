//! Records that do not belong where they come: as plaintext among sealed ones, or sealed by a peer that lies.

use super::wire::record;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const TEXT: u8 = 23;

/// A record's type and its content.
pub(super) type Content = (u8, &'static [u8]);

/// What a record may hold, the number `n` of them, counted around. The numbers are in seeds, and stay what they are.
pub(super) fn content(n: usize) -> Content {
    CONTENTS[n % CONTENTS.len()]
}

/// What comes as plaintext, the number `n` of it, counted around: the contents, then what is no good record at all.
pub(super) fn plaintext(n: usize) -> Vec<u8> {
    let n = n % (CONTENTS.len() + RAW.len());
    match n.checked_sub(CONTENTS.len()) {
        Some(n) => RAW[n].to_vec(),
        None => {
            let (typ, content) = content(n);
            record(typ, content)
        }
    }
}

/// Long enough to fill most of a record.
static ZEROS: [u8; 16_000] = [0; 16_000];

/// The front of a message that takes many records: a ticket of 60 000 bytes.
static LONG_TICKET: [u8; 16_000] = {
    let mut bytes = [0; 16_000];
    [bytes[0], bytes[2], bytes[3]] = [4, 0xEA, 0x60];
    bytes
};

const CONTENTS: [Content; 28] = [
    // Text, and none.
    (TEXT, b"text"),
    (TEXT, b""),
    // Key updates (RFC 8446, section 4.6.3): whole, not asked for, asked for, neither; and in pieces.
    (HANDSHAKE, &[24, 0, 0, 1, 0]),
    (HANDSHAKE, &[24, 0, 0, 1, 1]),
    (HANDSHAKE, &[24, 0, 0, 1, 2]),
    (HANDSHAKE, &[24]),
    (HANDSHAKE, &[24, 0, 0]),
    (HANDSHAKE, &[0, 1, 1]),
    (HANDSHAKE, &[1, 1]),
    (HANDSHAKE, &[24, 0, 0, 1, 0, 24, 0, 0, 1, 0]),
    (HANDSHAKE, &[24, 0, 0, 1, 0, 24, 0]),
    // Messages that are too long, or that are long and do not end.
    (HANDSHAKE, &[4, 0xFF, 0xFF, 0xFF]),
    (HANDSHAKE, &[11, 1, 0, 0, 0]),
    (HANDSHAKE, &LONG_TICKET),
    (HANDSHAKE, &ZEROS),
    (HANDSHAKE, b""),
    // A renegotiation, asked for by a server or by a client (RFC 5246, section 7.4.1).
    (HANDSHAKE, &[0, 0, 0, 0]),
    (HANDSHAKE, &[1, 0, 0, 2, 3, 3]),
    // The ends, warnings, failures, and alerts that are none (RFC 8446, section 6).
    (ALERT, &[1, 0]),
    (ALERT, &[2, 0]),
    (ALERT, &[1, 90]),
    (ALERT, &[1, 100]),
    (ALERT, &[2, 40]),
    (ALERT, &[3, 40]),
    (ALERT, &[2]),
    (CHANGE_CIPHER_SPEC, &[1]),
    (CHANGE_CIPHER_SPEC, &[2, 2]),
    // A type that there is, but that nobody agreed on (heartbeat: RFC 6520).
    (24, &[1, 0x40, 0, 0]),
];

const RAW: [&[u8]; 9] = [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"220 ready\r\n",
    // Headers: of nothing, of too much, of another version, of no type.
    &[22, 3, 3, 0, 0],
    &[23, 3, 3, 0, 0],
    &[23, 3, 3, 0xFF, 0xFF],
    &[22, 3, 3, 0x48, 0x01],
    &[22, 4, 0, 0, 1],
    &[0, 0, 0, 0, 0],
    // A hello of SSL 2 (RFC 5246, appendix E.2).
    &[0x80, 0x2E, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10],
];
