//! Every bound of a connection in one place, each with its reason.

use core::time::Duration;

/// The bounds of one connection: no buffer, queue or loop goes past them.
///
/// Start from [`Limits::default`] and change what your protocol knows better.
///
/// ```
/// use asyncnet_core::{Connection, Limits};
///
/// let mut limits = Limits::default();
/// limits.line_bytes_max = 512; // RFC 2812, section 2.3
/// assert_eq!(Connection::new(limits).limits().line_bytes_max, 512);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest line, in bytes without its terminator, where a call names no limit of its own. The default is
    /// 1 000 000, as in Nim's `asyncnet`: far above any line protocol, far below what hurts. Who queues lines as long
    /// as this raises [`queue_bytes_max`](Self::queue_bytes_max) with it, to twice as much.
    pub line_bytes_max: usize,
    /// How many bytes of an over-long line, counted behind the byte that made it too long, are dropped in search of its
    /// terminator before the peer is given up. The default is 8 MiB: a peer that sends more without a line end is
    /// not going to send one.
    pub discard_bytes_max: usize,
    /// The largest request that is gathered in the receive buffer, in bytes; a call with a limit of its own is bound
    /// by that instead. The default is 1 MiB, so that the longest line fits. Over TLS the buffer may hold one record
    /// more, of 16 KiB.
    pub recv_bytes_max: usize,
    /// How many bytes may wait in the outgoing queue; an owned value, whose memory is the caller's, may go above it once.
    /// The default is 2 MiB, twice the longest line: a server that echoes has room for any line, since every receive
    /// sends first when much is queued (see [`Outgoing::is_heavy`](crate::Outgoing::is_heavy)).
    pub queue_bytes_max: usize,
    /// The longest send, in bytes, that is completed from the queue when its future is dropped after its first byte
    /// went out. The default is 256 KiB: what is copied then is a copy that no undisturbed send makes.
    pub send_atomic_max: usize,
    /// How long a TLS handshake may take. The default is 10 s: some round trips on a bad line, and time to compute on a
    /// slow machine.
    pub handshake_time_max: Duration,
    /// How many bytes of text the TLS records have that a fresh connection sends first, and one that was idle for a second:
    /// every ten records they get twice as long, up to 16 KiB. The default is 1 350, which fills a TCP segment of an
    /// Ethernet, so that the first bytes can be used when they are there; 16 384 turns it off, for bulk alone.
    pub record_bytes_start: usize,
    /// How many bytes `close` takes from the peer and drops while it waits for the peer's end. The default is 1 MiB:
    /// what a peer may well have had under way.
    pub drain_bytes_max: usize,
    /// How long `close` waits for the peer's end. The default is 2 s: some round trips on a bad line.
    pub drain_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes_max: 1_000_000,
            discard_bytes_max: 8 << 20,
            recv_bytes_max: 1 << 20,
            queue_bytes_max: 2 << 20,
            send_atomic_max: 256 << 10,
            handshake_time_max: Duration::from_secs(10),
            record_bytes_start: 1_350,
            drain_bytes_max: 1 << 20,
            drain_time_max: Duration::from_secs(2),
        }
    }
}
