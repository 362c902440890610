//! What went over the wire: a peer that keeps what it reads, and the records in it.

use crate::case::{Stop, Verdict, ensure, ensure_eq};
use crate::peer::{Peer, Reset};
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// A peer that keeps what it reads.
pub(super) struct Tap {
    wire: Box<dyn Peer>,
    seen: Seen,
}

/// What a [`Tap`] has read.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<u8>>>);

impl Tap {
    pub(super) fn on(wire: Box<dyn Peer>) -> (Box<dyn Peer>, Seen) {
        let seen = Seen::default();
        (Box::new(Self { wire, seen: seen.clone() }), seen)
    }
}

impl Seen {
    /// All since the last look.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Read for Tap {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.wire.read(buf)?;
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buf[..n]);
        Ok(n)
    }
}

impl Write for Tap {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.wire.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()
    }
}

impl Peer for Tap {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.wire.shutdown_write()
    }

    fn reset(self: Box<Self>) -> io::Result<Reset> {
        self.wire.reset()
    }
}

/// The types of records (RFC 8446, section 5.1).
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const TEXT: u8 = 23;

const HEADER_LEN: usize = 5;

/// A record on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
    /// With its header.
    pub(super) whole: &'a [u8],
}

impl Record<'_> {
    /// Whether it is an alert: plain, or sealed as TLS 1.2 or TLS 1.3 do it. No text of a case is two bytes long.
    pub(super) fn is_alert(&self) -> bool {
        self.kind == ALERT || (self.kind == TEXT && self.body.len() == 2 + 1 + 16)
    }
}

/// The records of these bytes, all of which belong to one.
pub(super) fn records(mut bytes: &[u8]) -> Result<Vec<Record<'_>>, Stop> {
    let mut records = Vec::new();
    while let [kind, 3, _, high, low, rest @ ..] = bytes {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        ensure(rest.len() >= len, format!("a record of {len} bytes is cut after {}", rest.len()))?;
        let (body, behind) = rest.split_at(len);
        records.push(Record { kind: *kind, body, whole: &bytes[..HEADER_LEN + len] });
        bytes = behind;
    }
    ensure(bytes.is_empty(), format!("no record: {:?}", bytes.escape_ascii().to_string()))?;
    Ok(records)
}

/// Whether so many alerts, one at most, are among what a peer got, and nothing behind that.
pub(super) fn ensure_alerts(seen: &Seen, count: usize, what: &str) -> Verdict {
    let seen = seen.take();
    let records = records(&seen)?;
    let alerts = records.iter().filter(|record| record.is_alert()).count();
    ensure_eq(&alerts, &count, format!("{what}: alerts among {records:?}"))?;
    let last = records.last().is_some_and(Record::is_alert);
    ensure_eq(&last, &(count == 1), format!("{what}: whether an alert is the last that the peer got"))
}
