//! How long the records are that we send: short at first, so that a peer can open what came without waiting for more.
//!
//! ```text
//!    fresh, or idle for 1 s --> 1 350 --10 records--> 2 700 --10--> 5 400 --10--> 10 800 --10--> 16 384
//! ```
//!
//! A record can be opened when all of it is there. On a fresh connection TCP may send ten segments (RFC 6928, section 2)
//! before the peer has answered, and after a pause it starts over (RFC 5681, section 4.1): a record of 16 KiB then takes
//! a round trip more than its first bytes do. The idea is I. Grigorik's ("Optimizing TLS Record Size & Buffering Latency",
//! 2013); Go's crypto/tls and nginx do it in their ways. The price is some 30 bytes and a seal for each record more, of
//! the first 200 KB.

use crate::tls::RECORD_TEXT_MAX;
use core::time::Duration;

/// How many records of a length go before the next one, of twice the length: as many as TCP sends at first.
const RECORDS_EACH: u8 = 10;

/// After how long without a write a connection counts as idle: about TCP's own time before it starts over, which is the
/// retransmission timeout, of 1 s at first (RFC 6298, section 2.1).
const IDLE: Duration = Duration::from_secs(1);

/// The length of records, as it grows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordSize {
    /// The most text of a record now.
    now: usize,
    start: usize,
    left: u8,
    written_at: Duration,
}

impl RecordSize {
    /// Records that begin with `start` bytes of text; from 16 KiB on they are as long as they may be.
    pub(crate) fn new(start: usize) -> Self {
        let start = start.clamp(1, RECORD_TEXT_MAX);
        Self { now: start, start, left: RECORDS_EACH, written_at: Duration::ZERO }
    }

    /// From now on they begin with `start`.
    pub(crate) fn set_start(&mut self, start: usize) {
        *self = Self { written_at: self.written_at, ..Self::new(start) };
    }

    /// The most text of a record after a pause.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// A write of more than a short record begins at `now`, by the transport's clock. Shorter ones need not be told: they
    /// leave TCP's window as small as a pause does (RFC 7661, section 4).
    pub(crate) fn write_at(&mut self, now: Duration) {
        if now.saturating_sub(self.written_at) >= IDLE {
            *self = Self::new(self.start);
        }
        self.written_at = now;
    }

    /// The most text of the next record.
    pub(crate) fn text_max(&self) -> usize {
        self.now
    }

    /// A record of `len` bytes was sealed. A short one, whose text had come to its end, counts as any.
    pub(crate) fn sealed(&mut self) {
        if self.now == RECORD_TEXT_MAX {
            return;
        }
        self.left -= 1;
        if self.left == 0 {
            self.now = (self.now * 2).min(RECORD_TEXT_MAX);
            self.left = RECORDS_EACH;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RecordSize;
    use core::time::Duration;
    use std::vec::Vec;

    fn lens(size: &mut RecordSize, records: usize) -> Vec<usize> {
        let one = |size: &mut RecordSize| {
            let len = size.text_max();
            size.sealed();
            len
        };
        (0..records).map(|_| one(size)).collect()
    }

    #[test]
    fn they_grow() {
        let mut size = RecordSize::new(1_350);
        let expected: Vec<usize> =
            [1_350, 2_700, 5_400, 10_800, 16_384].into_iter().flat_map(|len| [len; 10]).collect();
        assert_eq!(lens(&mut size, 50), expected);
        assert_eq!(lens(&mut size, 500), [16_384; 500]);
    }

    #[test]
    fn a_pause_begins_again() {
        let at = Duration::from_millis;
        let mut size = RecordSize::new(1_350);
        size.write_at(at(5_000));
        lens(&mut size, 100);
        size.write_at(at(5_999));
        assert_eq!(size.text_max(), 16_384);
        size.write_at(at(6_998));
        assert_eq!(size.text_max(), 16_384, "from one write to the next");
        size.write_at(at(7_998));
        assert_eq!(size.text_max(), 1_350);
        lens(&mut size, 100);
        // A clock that is not told, or goes back, changes nothing.
        size.write_at(at(0));
        assert_eq!(size.text_max(), 16_384);
    }

    #[test]
    fn it_can_be_turned_off() {
        for start in [16_384, 16_385, usize::MAX] {
            let mut size = RecordSize::new(start);
            assert_eq!(lens(&mut size, 3), [16_384; 3]);
            size.write_at(Duration::from_secs(100));
            assert_eq!(size.text_max(), 16_384);
        }
        assert_eq!(RecordSize::new(0).text_max(), 1);
    }
}
