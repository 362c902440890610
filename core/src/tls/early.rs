//! Early data: what a client sent in its first flight, before the handshake was done (RFC 8446, section 2.3). It stands apart
//! from all that comes after, because others than the client may be able to send it again (section 8, appendix E.5).

use alloc::boxed::Box;
use alloc::vec::Vec;

/// The most early data that a configuration may allow, in bytes: rustls' `max_early_data_size`. It is all kept until it is
/// taken. Servers commonly allow 16 KiB.
pub const EARLY_DATA_BYTES_MAX: u32 = 1 << 20;

/// What came, of which nothing is the usual case.
#[derive(Debug, Default)]
pub(crate) struct EarlyData(Option<Box<Came>>);

#[derive(Debug, Default)]
struct Came {
    bytes: Vec<u8>,
    /// How many of them were taken.
    taken: usize,
    /// How many came in all.
    total: usize,
}

impl EarlyData {
    pub(crate) fn push(&mut self, text: &[u8]) {
        let came = self.0.get_or_insert_default();
        came.bytes.extend_from_slice(text);
        came.total += text.len();
    }

    /// Moves bytes from the front: how many.
    pub(crate) fn take(&mut self, into: &mut [u8]) -> usize {
        let Some(came) = &mut self.0 else { return 0 };
        let rest = &came.bytes[came.taken..];
        let n = rest.len().min(into.len());
        into[..n].copy_from_slice(&rest[..n]);
        came.taken += n;
        if came.taken == came.bytes.len() {
            (came.bytes, came.taken) = (Vec::new(), 0);
        }
        n
    }

    /// How many bytes wait to be taken.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |came| came.bytes.len() - came.taken)
    }

    /// How many came in all.
    pub(crate) fn total(&self) -> usize {
        self.0.as_ref().map_or(0, |came| came.total)
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |came| came.bytes.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::EarlyData;

    #[test]
    fn it_is_taken_once_in_its_order() {
        let mut early = EarlyData::default();
        assert_eq!((early.len(), early.total(), early.take(&mut [0; 4])), (0, 0, 0));
        early.push(b"abc");
        early.push(b"");
        early.push(b"de");
        let mut four = [0; 4];
        assert_eq!((early.take(&mut four), &four), (4, b"abcd"));
        assert_eq!(early.take(&mut []), 0);
        early.push(b"f");
        assert_eq!((early.len(), early.take(&mut four), &four[..2]), (2, 2, &b"ef"[..]));
        assert_eq!((early.len(), early.total(), early.held_bytes()), (0, 6, 0));
    }
}
