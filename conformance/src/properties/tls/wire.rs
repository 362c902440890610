//! What is on its way to the connection under test, as records that can be broken.
//!
//! Invariant: breaking them takes no account of what is in them; a header that was changed is believed.

use std::ops::Range;

/// A record's header: type, version, length (RFC 8446, section 5.1).
pub(super) const HEADER_LEN: usize = 5;

/// How long the record at the front is, with its header, if that is there.
pub(super) fn record_len(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, high, low, ..] = bytes else { return None };
    Some(HEADER_LEN + usize::from(u16::from_be_bytes([*high, *low])))
}

/// Where the whole records are.
pub(super) fn records(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(len) = record_len(&bytes[at..]).filter(|len| at + len <= bytes.len()) {
        found.push(at..at + len);
        at += len;
    }
    found
}

/// A plaintext record.
pub(super) fn record(typ: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).expect("a record's length is two bytes");
    [&[typ, 3, 3], &len.to_be_bytes()[..], content].concat()
}

/// Bytes under way, of which some have arrived.
#[derive(Debug, Default)]
pub(super) struct Wire {
    bytes: Vec<u8>,
    arrived: usize,
}

impl Wire {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.arrived == self.bytes.len() {
            self.bytes.clear();
            self.arrived = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What has not arrived.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.arrived..]
    }

    /// The first `n` bytes, or all, have arrived.
    pub(super) fn arrive(&mut self, n: usize) {
        self.arrived += n.min(self.rest().len());
    }

    /// Everything from byte `at` on is lost.
    pub(super) fn truncate(&mut self, at: usize) {
        self.bytes.truncate(self.arrived + at);
    }

    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }

    /// Changes bits of the byte `at`, counted around: whether there is one, and a bit was changed.
    pub(super) fn flip(&mut self, at: usize, bits: u8) -> bool {
        let rest = &mut self.bytes[self.arrived..];
        if rest.is_empty() || bits == 0 {
            return false;
        }
        let at = at % rest.len();
        rest[at] ^= bits;
        true
    }

    /// Puts bytes in front.
    pub(super) fn insert(&mut self, bytes: &[u8]) {
        self.bytes.splice(self.arrived..self.arrived, bytes.iter().copied());
    }

    /// Sets the byte `field` of the header of the first record: whether there is one, and it was another.
    pub(super) fn set_header(&mut self, field: usize, to: u8) -> bool {
        let rest = &mut self.bytes[self.arrived..];
        let changed = rest.len() >= HEADER_LEN && rest[field] != to;
        if changed {
            rest[field] = to;
        }
        changed
    }

    /// Loses the record number `n`, counted around: whether there was one.
    pub(super) fn drop_record(&mut self, n: usize) -> bool {
        let Some(record) = self.record(n) else { return false };
        self.bytes.drain(record);
        true
    }

    /// Sends the record number `n` twice.
    pub(super) fn double_record(&mut self, n: usize) -> bool {
        let Some(record) = self.record(n) else { return false };
        let again = self.bytes[record.clone()].to_vec();
        self.bytes.splice(record.end..record.end, again);
        true
    }

    /// Sends the record number `n` in front of all others.
    pub(super) fn advance_record(&mut self, n: usize) -> bool {
        let Some(record) = self.record(n).filter(|record| record.start > self.arrived) else { return false };
        self.bytes[self.arrived..record.end].rotate_right(record.len());
        true
    }

    /// Cuts the records in front that are handshake messages in plaintext into ones of `n` bytes, which changes nothing
    /// for who reads them.
    pub(super) fn cut_plaintext(&mut self, n: usize) {
        // They are recognised by their types: 1 to 24, and three bytes for their length (RFC 8446, section 4).
        let records = records(self.rest());
        let plain = records.iter().map(|at| &self.rest()[at.clone()]);
        let plain: Vec<_> = plain.take_while(|record| is_plain_handshake(record)).collect();
        let end = plain.iter().map(|record| record.len()).sum::<usize>();
        let cut = plain
            .iter()
            .flat_map(|plain| plain[HEADER_LEN..].chunks(n.max(1)))
            .flat_map(|content| record(22, content));
        let cut: Vec<u8> = cut.collect();
        self.bytes.splice(self.arrived..self.arrived + end, cut);
    }

    /// Where the record number `n` is, counted around.
    fn record(&self, n: usize) -> Option<Range<usize>> {
        let all = records(self.rest());
        let at = all.get(n.checked_rem(all.len())?)?;
        Some(self.arrived + at.start..self.arrived + at.end)
    }
}

/// Whether a record is a handshake message that fills it, as rustls sends them before it has keys. Sealed ones look
/// random, and have an explicit nonce or a type of their own.
fn is_plain_handshake(record: &[u8]) -> bool {
    match record {
        [22, _, _, _, _, 1..=24, 0, high, low, content @ ..] => {
            content.len() == usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => false,
    }
}
