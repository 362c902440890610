//! What a listener does when `accept` fails: a small state machine that takes the time as an argument.
//!
//! A failed accept says one of three things. The connection that was about to come is gone, the next one is
//! fine ([`AcceptFault::Retry`]); the process or the machine has nothing left to accept with, which passes
//! ([`AcceptFault::Exhausted`]); the listener is of no use any more ([`AcceptFault::Fatal`]). Which errno is which is the
//! operating system's business and is sorted in `asyncnet-os`.
//!
//! ```text
//!              Retry                    accepted
//!            +------+              +----------------+
//!            v      |              v                |
//!          [ ready: delay = 0 ] --------------------+
//!            |      ^
//!  Exhausted |      | accepted            Exhausted: delay doubles, up to the longest
//!            v      |                     +----+
//!          [ backing off: delay > 0 ] <---+----+
//! ```
//!
//! Invariant: between two `Exhausted` errors at least the shortest delay passes, so a listener never spins.

use core::time::Duration;

/// What an error of `accept` means for the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptFault {
    /// The connection in question is gone, or the call was interrupted: accept again at once.
    Retry,
    /// Descriptors, buffers or memory ran out: the connection waits in the backlog, try again later.
    Exhausted,
    /// The listener cannot accept any more.
    Fatal,
}

/// What to do next.
///
/// ```
/// use asyncnet_core::{AcceptDecision, AcceptFault, AcceptPolicy};
/// use std::time::Duration;
///
/// let mut policy = AcceptPolicy::default();
/// assert_eq!(policy.failed(AcceptFault::Retry, Duration::ZERO), AcceptDecision::Retry);
/// assert_eq!(policy.failed(AcceptFault::Fatal, Duration::ZERO), AcceptDecision::Fail);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptDecision {
    /// Accept again at once.
    Retry,
    /// Accept again at this time, counted from the timer's origin.
    WaitUntil(Duration),
    /// Hand the error to the caller.
    Fail,
}

/// Turns the errors of one listener into decisions, and counts them.
///
/// The delays of a listener that ran out of something start at 5 ms, which is less than a person notices, and double
/// up to 1 s, which is rare enough to cost nothing and soon enough once descriptors are free again.
///
/// ```
/// use asyncnet_core::{AcceptDecision, AcceptFault, AcceptPolicy};
/// use std::time::Duration;
///
/// let mut policy = AcceptPolicy::default();
/// let now = Duration::from_secs(60);
/// assert_eq!(
///     policy.failed(AcceptFault::Exhausted, now),
///     AcceptDecision::WaitUntil(now + Duration::from_millis(5)),
/// );
/// assert_eq!(
///     policy.failed(AcceptFault::Exhausted, now),
///     AcceptDecision::WaitUntil(now + Duration::from_millis(10)),
/// );
/// policy.accepted();
/// assert_eq!(policy.exhausted_count(), 2);
/// assert_eq!(
///     policy.failed(AcceptFault::Exhausted, now),
///     AcceptDecision::WaitUntil(now + Duration::from_millis(5)),
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct AcceptPolicy {
    /// Zero while the last accept succeeded.
    delay: Duration,
    retried: u64,
    exhausted: u64,
}

const DELAY_SHORTEST: Duration = Duration::from_millis(5);
const DELAY_LONGEST: Duration = Duration::from_secs(1);

impl AcceptPolicy {
    /// An accept failed at `now`, counted from the timer's origin.
    pub fn failed(&mut self, fault: AcceptFault, now: Duration) -> AcceptDecision {
        match fault {
            AcceptFault::Retry => {
                self.retried += 1;
                AcceptDecision::Retry
            }
            AcceptFault::Exhausted => {
                self.exhausted += 1;
                self.delay = (self.delay * 2).clamp(DELAY_SHORTEST, DELAY_LONGEST);
                AcceptDecision::WaitUntil(now.saturating_add(self.delay))
            }
            AcceptFault::Fatal => AcceptDecision::Fail,
        }
    }

    /// An accept succeeded: the next failure starts with the shortest delay again.
    pub fn accepted(&mut self) {
        self.delay = Duration::ZERO;
    }

    /// How often descriptors, buffers or memory had run out, since the listener was made.
    #[must_use]
    pub fn exhausted_count(&self) -> u64 {
        self.exhausted
    }

    /// How many connections were gone before they could be accepted, since the listener was made.
    #[must_use]
    pub fn retried_count(&self) -> u64 {
        self.retried
    }
}

#[cfg(test)]
mod tests {
    use super::{AcceptDecision, AcceptFault, AcceptPolicy, DELAY_LONGEST};
    use core::time::Duration;

    #[test]
    fn the_delay_is_bounded() {
        let mut policy = AcceptPolicy::default();
        for _ in 0..1_000 {
            policy.failed(AcceptFault::Exhausted, Duration::ZERO);
        }
        assert_eq!(
            policy.failed(AcceptFault::Exhausted, Duration::ZERO),
            AcceptDecision::WaitUntil(DELAY_LONGEST)
        );
        assert_eq!(policy.exhausted_count(), 1_001);
    }

    #[test]
    fn a_lost_connection_does_not_shorten_the_delay() {
        let mut policy = AcceptPolicy::default();
        policy.failed(AcceptFault::Exhausted, Duration::ZERO);
        policy.failed(AcceptFault::Retry, Duration::ZERO);
        assert_eq!(
            policy.failed(AcceptFault::Exhausted, Duration::ZERO),
            AcceptDecision::WaitUntil(Duration::from_millis(10))
        );
        assert_eq!(policy.retried_count(), 1);
    }
}
