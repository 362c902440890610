//! In which order, how fast and for how long the addresses of a host are tried: RFC 8305 ("Happy Eyeballs"), sections 4
//! and 5, as a state machine that takes the answers and the time as arguments.
//!
//! ```text
//!                 found                       250 ms after the last start,
//!   [ looking up ] ----> interleaved: [ waiting ] or when an attempt fails --> [ under way ] -- failed, or 20 s --> gone
//!         |                               |                                        |
//!         +------- 60 s: TimeOver --------+----------------------------------------+
//! ```
//!
//! It starts nothing and knows no socket: it says which address is next, which attempt has had its time, and when to ask
//! again. Whoever drives it keeps the attempts, takes the first that succeeds and closes the others.
//!
//! Section 3 of the RFC, a head start for the IPv6 half of an answer, is not here: the resolvers that are asked answer for
//! both families at once, in the order of their preference.
//!
//! Invariants: each address is started once, in an order in which the families alternate; at most
//! [`DIAL_ADDRESSES_MAX`] are started.

use crate::endpoint::Endpoint;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// How many addresses of a host are tried. An answer comes from the network, and each attempt is a socket: with the
/// default times the last of 64 starts 16 s after the first, before any has had its time, and still has its own before the
/// whole is over.
pub const DIAL_ADDRESSES_MAX: usize = 64;

/// RFC 8305, section 5: an attempt must not be started sooner after the one before.
const ATTEMPT_DELAY_MIN: Duration = Duration::from_millis(10);
/// RFC 8305, section 8: the recommended maximum.
const ATTEMPT_DELAY_MAX: Duration = Duration::from_secs(2);

/// How fast the addresses of a host are tried, and when they are given up.
///
/// ```
/// use asyncnet_core::DialTimes;
/// use std::time::Duration;
///
/// let mut times = DialTimes::default();
/// times.time_max = Duration::from_secs(5);
/// times.attempt_time_max = Duration::MAX; // as long as the whole
/// assert_eq!(times.attempt_delay, Duration::from_millis(250));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialTimes {
    /// How long an attempt has to itself before the next one starts beside it. One that fails is followed at once. The
    /// default is 250 ms, as RFC 8305 recommends, which also sets the bounds: less than 10 ms counts as 10 ms, more than
    /// 2 s as 2 s.
    pub attempt_delay: Duration,
    /// How long one attempt may take. The default is 20 s: Linux has sent its first five SYNs after 15 s (tcp(7),
    /// `tcp_syn_retries`), and would wait two minutes for a host that answers none. [`Duration::MAX`] sets no time.
    pub attempt_time_max: Duration,
    /// How long the whole may take, with the look-up of the name. The default is 60 s: time for a resolver that has to
    /// ask a second server, and for all of [`DIAL_ADDRESSES_MAX`] attempts. [`Duration::MAX`] sets no time.
    pub time_max: Duration,
}

impl Default for DialTimes {
    fn default() -> Self {
        Self {
            attempt_delay: Duration::from_millis(250),
            attempt_time_max: Duration::from_secs(20),
            time_max: Duration::from_secs(60),
        }
    }
}

/// The course of one dial.
///
/// ```
/// use asyncnet_core::{DialPlan, DialStep, DialTimes};
/// use std::time::Duration;
///
/// let six = "[2001:db8::1]:25".parse().unwrap();
/// let four = "192.0.2.1:25".parse().unwrap();
/// let at = Duration::from_millis;
///
/// let mut plan = DialPlan::new(DialTimes::default(), at(7_000));
/// assert_eq!(plan.step(at(7_000)), DialStep::WaitUntil(at(67_000)), "for the look-up");
/// plan.found([six, four]);
/// assert_eq!(plan.step(at(7_100)), DialStep::Start(six));
/// assert_eq!(plan.step(at(7_100)), DialStep::WaitUntil(at(7_350)));
/// assert_eq!(plan.step(at(7_350)), DialStep::Start(four));
/// assert_eq!(plan.step(at(7_350)), DialStep::WaitUntil(at(27_100)));
/// assert_eq!(plan.step(at(27_100)), DialStep::GiveUp(six));
/// plan.attempt_failed(four);
/// assert_eq!(plan.step(at(27_100)), DialStep::Exhausted);
/// ```
#[derive(Clone, Debug)]
pub struct DialPlan {
    times: DialTimes,
    /// What is still to be started; `None` until the look-up has answered.
    waiting: Option<VecDeque<SocketAddr>>,
    /// How many addresses of the answer are not tried at all.
    left_out: usize,
    /// What was started, the oldest first, and when each is given up.
    under_way: Vec<(SocketAddr, Duration)>,
    /// When the next attempt may start, unless one fails before.
    next: Duration,
    /// When the whole is over.
    end: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialStep {
    /// Start an attempt at this address, and ask again.
    Start(SocketAddr),
    /// The attempt at this address has had its time: drop it, and ask again. The plan counts it as failed.
    GiveUp(SocketAddr),
    /// Ask again at this time, counted from the timer's origin, or before when the look-up has answered or an attempt
    /// has failed.
    WaitUntil(Duration),
    /// Ask again when the look-up has answered or an attempt has failed: no time is set.
    Wait,
    /// All have failed, or there is none.
    Exhausted,
    /// The whole has had its time: drop the look-up and every attempt.
    TimeOver,
}

impl DialPlan {
    /// A dial that begins at `now`, counted from the timer's origin, with the look-up of its addresses.
    ///
    /// See the example at [`DialPlan`].
    #[must_use]
    pub fn new(times: DialTimes, now: Duration) -> Self {
        Self {
            times,
            waiting: None,
            left_out: 0,
            under_way: Vec::new(),
            next: Duration::ZERO,
            end: now.saturating_add(times.time_max),
        }
    }

    /// The answer of the look-up, in the resolver's order of preference: the families then alternate, and the first
    /// address stays the first (RFC 8305, section 4). It is told once. An IPv4-mapped IPv6 address is tried as IPv4, and
    /// one that comes twice is tried once.
    ///
    /// ```
    /// use asyncnet_core::{DialPlan, DialStep, DialTimes};
    /// use std::time::Duration;
    ///
    /// let mut plan = DialPlan::new(DialTimes::default(), Duration::ZERO);
    /// plan.found([]);
    /// assert_eq!(plan.step(Duration::ZERO), DialStep::Exhausted);
    /// ```
    pub fn found(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for address in addresses {
            let address = Endpoint::inet(address).as_inet().unwrap_or(address);
            let first_family = first.first().map_or(address.is_ipv6(), SocketAddr::is_ipv6);
            let family = if address.is_ipv6() == first_family { &mut first } else { &mut second };
            if family.contains(&address) {
                continue;
            }
            if family.len() < DIAL_ADDRESSES_MAX {
                family.push(address);
            } else {
                self.left_out += 1;
            }
        }
        let found = first.len() + second.len();
        let (mut first, mut second) = (first.into_iter(), second.into_iter());
        let mut waiting = VecDeque::with_capacity(found);
        while waiting.len() < found {
            waiting.extend(first.next());
            waiting.extend(second.next());
        }
        waiting.truncate(DIAL_ADDRESSES_MAX);
        self.left_out += found - waiting.len();
        self.waiting = Some(waiting);
    }

    /// What to do at `now`, counted from the timer's origin.
    ///
    /// See the example at [`DialPlan`].
    pub fn step(&mut self, now: Duration) -> DialStep {
        let waiting = self.waiting.as_ref();
        let next = waiting.and_then(|waiting| waiting.front().copied());
        if waiting.is_some() && next.is_none() && self.under_way.is_empty() {
            return DialStep::Exhausted;
        }
        if has_come(self.end, now) {
            return DialStep::TimeOver;
        }
        let oldest = self.under_way.first().copied();
        if let Some((address, _)) = oldest.filter(|&(_, until)| has_come(until, now)) {
            self.attempt_failed(address);
            return DialStep::GiveUp(address);
        }
        if let Some(address) = next.filter(|_| oldest.is_none() || now >= self.next) {
            return self.start(address, now);
        }
        let mut until = self.end;
        if let Some((_, given_up)) = oldest {
            until = until.min(given_up);
        }
        if next.is_some() {
            until = until.min(self.next);
        }
        if until == Duration::MAX { DialStep::Wait } else { DialStep::WaitUntil(until) }
    }

    /// The attempt at `address` failed: the next one need not wait for its time. The delay is there for attempts
    /// of which nothing is known.
    ///
    /// ```
    /// use asyncnet_core::{DialPlan, DialStep, DialTimes};
    /// use std::time::Duration;
    ///
    /// let addresses: [_; 2] = ["192.0.2.1:25", "192.0.2.2:25"].map(|address| address.parse().unwrap());
    /// let mut plan = DialPlan::new(DialTimes::default(), Duration::ZERO);
    /// plan.found(addresses);
    /// assert_eq!(plan.step(Duration::ZERO), DialStep::Start(addresses[0]));
    /// plan.attempt_failed(addresses[0]);
    /// assert_eq!(plan.step(Duration::ZERO), DialStep::Start(addresses[1]));
    /// ```
    pub fn attempt_failed(&mut self, address: SocketAddr) {
        let before = self.under_way.len();
        self.under_way.retain(|&(started, _)| started != address);
        if self.under_way.len() < before {
            self.next = Duration::ZERO;
        }
    }

    /// How many addresses were found and not started: those that wait, and those beyond [`DIAL_ADDRESSES_MAX`].
    ///
    /// ```
    /// use asyncnet_core::{DIAL_ADDRESSES_MAX, DialPlan, DialTimes};
    ///
    /// let mut plan = DialPlan::new(DialTimes::default(), std::time::Duration::ZERO);
    /// plan.found((1..=100).map(|n| ([192, 0, 2, n], 25).into()));
    /// assert_eq!(plan.untried(), 100);
    /// for _ in 0..DIAL_ADDRESSES_MAX {
    ///     let asyncnet_core::DialStep::Start(address) = plan.step(std::time::Duration::ZERO) else { panic!() };
    ///     plan.attempt_failed(address);
    /// }
    /// assert_eq!(plan.untried(), 36);
    /// ```
    #[must_use]
    pub fn untried(&self) -> usize {
        self.left_out + self.waiting.as_ref().map_or(0, VecDeque::len)
    }

    /// The times it keeps.
    ///
    /// ```
    /// use asyncnet_core::{DialPlan, DialTimes};
    ///
    /// let times = DialTimes::default();
    /// assert_eq!(DialPlan::new(times, std::time::Duration::ZERO).times(), times);
    /// ```
    #[must_use]
    pub fn times(&self) -> DialTimes {
        self.times
    }

    fn start(&mut self, address: SocketAddr, now: Duration) -> DialStep {
        let DialTimes { attempt_delay, attempt_time_max, .. } = self.times;
        self.waiting.as_mut().and_then(VecDeque::pop_front);
        self.under_way.push((address, now.saturating_add(attempt_time_max)));
        self.next = now.saturating_add(attempt_delay.clamp(ATTEMPT_DELAY_MIN, ATTEMPT_DELAY_MAX));
        DialStep::Start(address)
    }
}

/// Whether a time is reached; that of [`Duration::MAX`] never is.
fn has_come(time: Duration, now: Duration) -> bool {
    time != Duration::MAX && now >= time
}

#[cfg(test)]
mod tests {
    use super::{DIAL_ADDRESSES_MAX, DialPlan, DialStep, DialTimes};
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use core::net::SocketAddr;
    use core::time::Duration;

    /// Does what a row says, and tells what the plan says then. `now` is in milliseconds.
    fn play(plan: &mut DialPlan, now: &mut u64, event: &str) -> String {
        let (what, argument) = event.split_once(' ').unwrap_or((event, ""));
        match what {
            "at" => *now = argument.parse().unwrap(),
            "found" => plan.found(argument.split_whitespace().map(|address| address.parse().unwrap())),
            "failed" => plan.attempt_failed(argument.parse().unwrap()),
            other => panic!("{other}?"),
        }
        let mut said = Vec::new();
        loop {
            // What waits is asked again in the row that says when.
            let (text, goes_on) = match plan.step(Duration::from_millis(*now)) {
                DialStep::Start(address) => (format!("start {address}"), true),
                DialStep::GiveUp(address) => (format!("give up {address}"), true),
                DialStep::WaitUntil(at) => (format!("until {}", at.as_millis()), false),
                DialStep::Wait => ("wait".to_string(), false),
                DialStep::Exhausted => ("exhausted".to_string(), false),
                DialStep::TimeOver => ("time over".to_string(), false),
            };
            said.push(text);
            if !goes_on {
                return said.join(", ");
            }
        }
    }

    fn check(times: DialTimes, rows: &[(&str, &str)]) {
        let mut now = 1_000;
        let mut plan = DialPlan::new(times, Duration::from_millis(now));
        for (event, expected) in rows {
            assert_eq!(&play(&mut plan, &mut now, event), expected, "{event}");
        }
    }

    fn times(attempt_delay: u64, attempt_time_max: u64, time_max: u64) -> DialTimes {
        let ms = |n| if n == u64::MAX { Duration::MAX } else { Duration::from_millis(n) };
        DialTimes {
            attempt_delay: ms(attempt_delay),
            attempt_time_max: ms(attempt_time_max),
            time_max: ms(time_max),
        }
    }

    fn check_order(found: &str, expected: &str) {
        let mut plan = DialPlan::new(DialTimes::default(), Duration::ZERO);
        plan.found(found.split_whitespace().map(|address| address.parse().unwrap()));
        let mut order = Vec::new();
        while let DialStep::Start(address) = plan.step(Duration::ZERO) {
            order.push(address.to_string());
            plan.attempt_failed(address);
        }
        assert_eq!(order.join(" "), expected);
        assert_eq!((plan.step(Duration::ZERO), plan.untried()), (DialStep::Exhausted, 0));
    }

    #[test]
    fn families_alternate_and_the_first_stays_first() {
        check_order("1.1.1.1:1 2.2.2.2:1 [::1]:1", "1.1.1.1:1 [::1]:1 2.2.2.2:1");
        check_order("[::1]:1 [::2]:1 1.1.1.1:1", "[::1]:1 1.1.1.1:1 [::2]:1");
        check_order("[::1]:1 [::2]:1 [::3]:1", "[::1]:1 [::2]:1 [::3]:1");
        check_order(
            "[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1",
            "[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1",
        );
        check_order("1.1.1.1:1 [::1]:1 [::2]:1 [::3]:1", "1.1.1.1:1 [::1]:1 [::2]:1 [::3]:1");
        check_order("", "");
    }

    #[test]
    fn an_address_is_tried_once() {
        check_order("1.1.1.1:1 1.1.1.1:1 [::1]:1 [::1]:1", "1.1.1.1:1 [::1]:1");
        check_order("[::ffff:1.1.1.1]:1 [::1]:1 1.1.1.1:1 2.2.2.2:1", "1.1.1.1:1 [::1]:1 2.2.2.2:1");
        check_order("1.1.1.1:1 1.1.1.1:2", "1.1.1.1:1 1.1.1.1:2");
    }

    #[test]
    fn attempts_start_one_by_one() {
        let rows = [
            ("at 1000", "until 61000"),
            ("at 1300", "until 61000"),
            ("found 1.1.1.1:1 2.2.2.2:1 [::1]:1", "start 1.1.1.1:1, until 1550"),
            ("at 1549", "until 1550"),
            ("at 1550", "start [::1]:1, until 1800"),
            // Asked late: the next has its whole time all the same.
            ("at 1900", "start 2.2.2.2:1, until 21300"),
        ];
        check(DialTimes::default(), &rows);
    }

    #[test]
    fn a_failed_attempt_lets_the_next_start_at_once() {
        let rows = [
            ("found 1.1.1.1:1 2.2.2.2:1 3.3.3.3:1 4.4.4.4:1", "start 1.1.1.1:1, until 1250"),
            ("at 1249", "until 1250"),
            ("failed 1.1.1.1:1", "start 2.2.2.2:1, until 1499"),
            ("at 1250", "until 1499"),
            // One that is not under way changes nothing.
            ("failed 1.1.1.1:1", "until 1499"),
            ("at 1499", "start 3.3.3.3:1, until 1749"),
            ("failed 2.2.2.2:1", "start 4.4.4.4:1, until 21499"),
            ("failed 3.3.3.3:1", "until 21499"),
            ("failed 4.4.4.4:1", "exhausted"),
            ("at 99999", "exhausted"),
        ];
        check(DialTimes::default(), &rows);
    }

    #[test]
    fn an_attempt_that_has_had_its_time_is_given_up() {
        let rows = [
            ("found 1.1.1.1:1 2.2.2.2:1 3.3.3.3:1", "start 1.1.1.1:1, until 1250"),
            ("at 1250", "start 2.2.2.2:1, until 1400"),
            // That counts as a failure: the next starts before 1500.
            ("at 1400", "give up 1.1.1.1:1, start 3.3.3.3:1, until 1650"),
            ("at 1800", "give up 2.2.2.2:1, give up 3.3.3.3:1, exhausted"),
        ];
        check(times(250, 400, 60_000), &rows);
    }

    #[test]
    fn the_whole_has_its_time() {
        let looked_up = [("at 5999", "until 6000"), ("at 6000", "time over"), ("at 7000", "time over")];
        check(times(250, 20_000, 5_000), &looked_up);
        let tried = [
            ("at 5800", "until 6000"),
            ("found 1.1.1.1:1 2.2.2.2:1", "start 1.1.1.1:1, until 6000"),
            ("at 6000", "time over"),
        ];
        check(times(250, 20_000, 5_000), &tried);
        let late = [("at 6000", "time over"), ("found 1.1.1.1:1", "time over")];
        check(times(250, 20_000, 5_000), &late);
        // A last answer is an answer, also when it comes late.
        let failed = [
            ("found 1.1.1.1:1", "start 1.1.1.1:1, until 6000"),
            ("failed 1.1.1.1:1", "exhausted"),
            ("at 6000", "exhausted"),
        ];
        check(times(250, 20_000, 5_000), &failed);
    }

    #[test]
    fn times_can_be_anything() {
        let off = [
            ("at 2000", "wait"),
            ("found 1.1.1.1:1 2.2.2.2:1", "start 1.1.1.1:1, until 4000"),
            ("at 4000", "start 2.2.2.2:1, wait"),
        ];
        check(times(u64::MAX, u64::MAX, u64::MAX), &off);
        let none = [("at 1000", "time over")];
        check(times(0, 0, 0), &none);
        let no_attempt = [(
            "found 1.1.1.1:1 2.2.2.2:1",
            "start 1.1.1.1:1, give up 1.1.1.1:1, start 2.2.2.2:1, give up 2.2.2.2:1, exhausted",
        )];
        check(times(0, 0, u64::MAX), &no_attempt);
        let shortest = [
            ("found 1.1.1.1:1 2.2.2.2:1", "start 1.1.1.1:1, until 1010"),
            ("at 1010", "start 2.2.2.2:1, wait"),
        ];
        check(times(0, u64::MAX, u64::MAX), &shortest);
    }

    #[test]
    fn a_long_answer_is_cut_and_both_families_stay() {
        let four = (0..200u8).map(|n| SocketAddr::from(([10, 0, 0, n], 1)));
        let six = (0..100u16).map(|n| SocketAddr::from(([1, 0, 0, 0, 0, 0, 0, n], 1)));
        let mut plan = DialPlan::new(DialTimes::default(), Duration::ZERO);
        plan.found(four.chain(six));
        let mut sixes = 0;
        for _ in 0..DIAL_ADDRESSES_MAX {
            let DialStep::Start(address) = plan.step(Duration::ZERO) else { panic!() };
            sixes += usize::from(address.is_ipv6());
            plan.attempt_failed(address);
        }
        assert_eq!(plan.step(Duration::ZERO), DialStep::Exhausted);
        assert_eq!((sixes, plan.untried()), (DIAL_ADDRESSES_MAX / 2, 300 - DIAL_ADDRESSES_MAX));
    }
}
