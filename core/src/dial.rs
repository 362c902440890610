//! In which order and how fast the addresses of a host are tried: RFC 8305 ("Happy Eyeballs"), sections 4 and 5, as a
//! state machine that takes the time as an argument.
//!
//! ```text
//!   addresses --interleave--> [ waiting ] -- 250 ms after the last start, or when an attempt fails --> started
//! ```
//!
//! It starts nothing and knows no socket: it says which address is next and when to ask again. Whoever drives it keeps
//! the attempts, takes the first that succeeds and closes the others.
//!
//! Invariant: each address is started once, in an order in which the families alternate.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// RFC 8305, section 8: the recommended Connection Attempt Delay.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The order of the attempts to reach one host.
///
/// ```
/// use asyncnet_core::{DialPlan, DialStep};
/// use std::time::Duration;
///
/// let six = "[2001:db8::1]:25".parse().unwrap();
/// let four = "192.0.2.1:25".parse().unwrap();
/// let mut plan = DialPlan::new([six, four]);
/// let start = Duration::from_secs(7);
/// assert_eq!(plan.step(start), DialStep::Start(six));
/// let later = start + Duration::from_millis(250);
/// assert_eq!(plan.step(start), DialStep::WaitUntil(later));
/// assert_eq!(plan.step(later), DialStep::Start(four));
/// assert_eq!(plan.step(later), DialStep::Wait);
/// plan.attempt_failed();
/// plan.attempt_failed();
/// assert_eq!(plan.step(later), DialStep::Exhausted);
/// ```
#[derive(Clone, Debug)]
pub struct DialPlan {
    waiting: VecDeque<SocketAddr>,
    under_way: usize,
    /// When the next attempt may start, unless one fails before.
    next: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialStep {
    /// Start an attempt at this address, and ask again.
    Start(SocketAddr),
    /// Ask again at this time, counted from the timer's origin, or when an attempt has failed.
    WaitUntil(Duration),
    /// Ask again when an attempt has failed: all are started.
    Wait,
    /// All have failed.
    Exhausted,
}

impl DialPlan {
    /// A plan for addresses in the resolver's order of preference: the families then alternate, and the first address
    /// stays the first (RFC 8305, section 4).
    ///
    /// ```
    /// use asyncnet_core::{DialPlan, DialStep};
    ///
    /// assert_eq!(DialPlan::new([]).step(std::time::Duration::ZERO), DialStep::Exhausted);
    /// ```
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let addresses: Vec<SocketAddr> = addresses.into_iter().collect();
        let six_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
        let mut first = addresses.iter().filter(|address| address.is_ipv6() == six_first);
        let mut second = addresses.iter().filter(|address| address.is_ipv6() != six_first);
        let mut waiting = VecDeque::with_capacity(addresses.len());
        for _ in 0..addresses.len() {
            waiting.extend(first.next());
            waiting.extend(second.next());
        }
        Self { waiting, under_way: 0, next: Duration::ZERO }
    }

    /// What to do at `now`, counted from the timer's origin.
    ///
    /// See the example at [`DialPlan`].
    pub fn step(&mut self, now: Duration) -> DialStep {
        let Some(address) = self.waiting.front().copied() else {
            return if self.under_way > 0 { DialStep::Wait } else { DialStep::Exhausted };
        };
        if self.under_way > 0 && now < self.next {
            return DialStep::WaitUntil(self.next);
        }
        self.waiting.pop_front();
        self.under_way += 1;
        self.next = now.saturating_add(ATTEMPT_DELAY);
        DialStep::Start(address)
    }

    /// An attempt failed: the next one need not wait for its time.
    ///
    /// ```
    /// use asyncnet_core::{DialPlan, DialStep};
    /// use std::time::Duration;
    ///
    /// let addresses: [_; 2] = ["192.0.2.1:25", "192.0.2.2:25"].map(|address| address.parse().unwrap());
    /// let mut plan = DialPlan::new(addresses);
    /// assert_eq!(plan.step(Duration::ZERO), DialStep::Start(addresses[0]));
    /// plan.attempt_failed();
    /// assert_eq!(plan.step(Duration::ZERO), DialStep::Start(addresses[1]));
    /// ```
    pub fn attempt_failed(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
        self.next = Duration::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::{DialPlan, DialStep};
    use alloc::vec::Vec;
    use core::net::SocketAddr;
    use core::time::Duration;

    fn order(addresses: &[&str]) -> Vec<SocketAddr> {
        let mut plan = DialPlan::new(addresses.iter().map(|address| address.parse().unwrap()));
        let mut order = Vec::new();
        while let DialStep::Start(address) = plan.step(Duration::ZERO) {
            order.push(address);
            plan.attempt_failed();
        }
        order
    }

    fn check(addresses: &[&str], expected: &[&str]) {
        let expected: Vec<SocketAddr> = expected.iter().map(|address| address.parse().unwrap()).collect();
        assert_eq!(order(addresses), expected);
    }

    #[test]
    fn families_alternate_and_the_first_stays_first() {
        check(&["1.1.1.1:1", "2.2.2.2:1", "[::1]:1"], &["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"]);
        check(&["[::1]:1", "[::2]:1", "1.1.1.1:1"], &["[::1]:1", "1.1.1.1:1", "[::2]:1"]);
        check(&["[::1]:1", "[::2]:1", "[::3]:1"], &["[::1]:1", "[::2]:1", "[::3]:1"]);
    }

    #[test]
    fn a_failed_attempt_lets_the_next_start_at_once() {
        let mut plan = DialPlan::new(["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"].map(|a| a.parse().unwrap()));
        let at = Duration::from_millis;
        assert!(matches!(plan.step(at(0)), DialStep::Start(_)));
        assert_eq!(plan.step(at(249)), DialStep::WaitUntil(at(250)));
        plan.attempt_failed();
        assert!(matches!(plan.step(at(249)), DialStep::Start(_)));
        assert_eq!(plan.step(at(250)), DialStep::WaitUntil(at(499)));
        assert!(matches!(plan.step(at(499)), DialStep::Start(_)));
        assert_eq!(plan.step(at(499)), DialStep::Wait);
    }
}
