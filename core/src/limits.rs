//! Every bound of a connection in one place, each with its reason.

use alloc::boxed::Box;
use core::fmt;
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
#[derive(Clone, Copy, PartialEq, Eq)]
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
    /// How long the peer may take for a whole line, or for what is received up to a delimiter, from the first wait for it
    /// on: a byte now and then does not renew it, nor does a call that is dropped and made again. The line can still be
    /// received afterwards. The default is [`Duration::MAX`], for ever: only the protocol knows who has to speak when, and
    /// a stream that watches the clock holds an alarm.
    pub line_time_max: Duration,
    /// How long a receive waits while nothing comes; each byte renews it. The stream can be used afterwards. The
    /// default is [`Duration::MAX`], as for [`line_time_max`](Self::line_time_max).
    pub idle_time_max: Duration,
    /// How long the peer may take to make room for what is sent, from the first wait of a send, a flush or an end of the
    /// write side until all is out; some room now and then does not renew it. A receive that has to wait until what is
    /// queued is out keeps it too. A send is then left as if its future was dropped. The default is [`Duration::MAX`], as
    /// for [`line_time_max`](Self::line_time_max).
    pub send_time_max: Duration,
    /// How many bytes of text the TLS records have that a fresh connection sends first, and one that was idle for a second:
    /// every ten records they get twice as long, up to 16 KiB. The default is 1 350, which fills a TCP segment of an
    /// Ethernet, so that the first bytes can be used when they are there; 16 384 turns it off, for bulk alone.
    pub record_bytes_start: usize,
    /// How long `close` may take to send what is queued, and its `close_notify`, before it gives the peer up and resets the
    /// connection. The default is 10 s: a peer that takes nothing for so long is not going to.
    pub close_time_max: Duration,
    /// How many bytes `close` takes from the peer and drops while it waits for the peer's end. The default is 1 MiB:
    /// what a peer may well have had under way.
    pub drain_bytes_max: usize,
    /// How long `close`, when all is sent, waits for the peer's end. The default is 2 s: some round trips on a bad line.
    pub drain_time_max: Duration,
}

impl Limits {
    const DEFAULT: Self = Self {
        line_bytes_max: 1_000_000,
        discard_bytes_max: 8 << 20,
        recv_bytes_max: 1 << 20,
        queue_bytes_max: 2 << 20,
        send_atomic_max: 256 << 10,
        handshake_time_max: Duration::from_secs(10),
        line_time_max: Duration::MAX,
        idle_time_max: Duration::MAX,
        send_time_max: Duration::MAX,
        record_bytes_start: 1_350,
        close_time_max: Duration::from_secs(10),
        drain_bytes_max: 1 << 20,
        drain_time_max: Duration::from_secs(2),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A time without a bound is `Duration::MAX`, and not so many seconds.
impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each by name, so that a new one does not stay out.
        let Self {
            line_bytes_max,
            discard_bytes_max,
            recv_bytes_max,
            queue_bytes_max,
            send_atomic_max,
            handshake_time_max,
            line_time_max,
            idle_time_max,
            send_time_max,
            record_bytes_start,
            close_time_max,
            drain_bytes_max,
            drain_time_max,
        } = self;
        f.debug_struct("Limits")
            .field("line_bytes_max", line_bytes_max)
            .field("discard_bytes_max", discard_bytes_max)
            .field("recv_bytes_max", recv_bytes_max)
            .field("queue_bytes_max", queue_bytes_max)
            .field("send_atomic_max", send_atomic_max)
            .field("handshake_time_max", &Shown(*handshake_time_max))
            .field("line_time_max", &Shown(*line_time_max))
            .field("idle_time_max", &Shown(*idle_time_max))
            .field("send_time_max", &Shown(*send_time_max))
            .field("record_bytes_start", record_bytes_start)
            .field("close_time_max", &Shown(*close_time_max))
            .field("drain_bytes_max", drain_bytes_max)
            .field("drain_time_max", &Shown(*drain_time_max))
            .finish()
    }
}

/// A time, as it is shown.
struct Shown(Duration);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Duration::MAX { f.write_str("Duration::MAX") } else { self.0.fmt(f) }
    }
}

/// The limits of one connection: most have the default ones, which then take no memory of theirs.
#[derive(Debug)]
pub(crate) struct OwnLimits(Option<Box<Limits>>);

impl OwnLimits {
    pub(crate) fn new(limits: Limits) -> Self {
        Self((limits != Limits::DEFAULT).then(|| Box::new(limits)))
    }

    #[inline]
    pub(crate) fn own(&self) -> Option<&Limits> {
        self.0.as_deref()
    }

    pub(crate) fn get(&self) -> &Limits {
        self.0.as_deref().unwrap_or(&Limits::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::Limits;
    use alloc::format;
    use core::time::Duration;

    #[test]
    fn a_time_without_a_bound_is_shown_by_its_name() {
        let line_time_max = Duration::from_millis(1_500);
        let limits = Limits { line_time_max, close_time_max: Duration::MAX, ..Limits::default() };
        let expected = "Limits { line_bytes_max: 1000000, discard_bytes_max: 8388608, recv_bytes_max: 1048576, \
                        queue_bytes_max: 2097152, send_atomic_max: 262144, handshake_time_max: 10s, \
                        line_time_max: 1.5s, idle_time_max: Duration::MAX, send_time_max: Duration::MAX, \
                        record_bytes_start: 1350, close_time_max: Duration::MAX, drain_bytes_max: 1048576, \
                        drain_time_max: 2s }";
        assert_eq!(format!("{limits:?}"), expected);
    }
}
