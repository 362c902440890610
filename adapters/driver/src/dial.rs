//! Reaching a host by name: looks it up, tries its addresses by the core's plan, keeps the first that answers.
//!
//! `dial_datagram` is its like for UDP, where nobody answers; both search with what is here. What a search came to when
//! all failed is a [`DialError`].
//!
//! Invariants: each attempt has a socket of its own, and all sockets but the winner's are closed when the dial ends or is
//! dropped, because the futures own them; what is an IP address already is never looked up, whoever the resolver is.

use crate::dial_error::DialError;
use crate::error::Error;
use crate::net::Net;
use crate::stream::Stream;
use crate::transport::Timer;
use asyncnet_core::{DialPlan, DialStep, DialTimes, Endpoint};
use std::future::Future;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

/// Connects to a host by name or address: its addresses are tried as RFC 8305 says, each on a new socket, and the
/// first that answers is taken.
///
/// The host stands alone, without a port and without brackets: `example.org`, `192.0.2.1`, `2001:db8::1`. An IP address
/// is dialed as it is; any other text is for the resolver, also `fe80::1%eth0`, whose zone is the name of an interface.
/// [`Dial::times`] sets how long it may take. For UDP see [`dial_datagram`](crate::dial_datagram).
///
/// # Errors
///
/// [`Error::Dial`] with each address that was tried and why it failed, or why the name could not be looked up.
///
/// # Cancel safety
///
/// Dropped, it closes the sockets of all attempts.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::{Error, dial};
///
/// // Port 1 of the loopback interface: nobody is there.
/// let Err(Error::Dial(report)) = dial(&asyncnet_smol::SmolNet::default(), "127.0.0.1", 1).await else { panic!() };
/// assert_eq!(report.attempts().len(), 1);
/// assert!(report.to_string().starts_with("127.0.0.1:1 cannot be reached: 127.0.0.1:1: "));
/// # })
/// ```
pub fn dial<'a, N: Net>(net: &'a N, host: &str, port: u16) -> Dial<'a, N> {
    Dial { search: Search::new(net, host, port), attempts: Vec::new() }
}

/// A dial under way: what [`dial`] returns. Its time begins when it is first polled.
///
/// It can be named, so that a caller that spawns can ask for `Dial<'_, N>: Send`.
///
/// ```
/// fn assert_send<T: Send>(_: &T) {}
///
/// let net = asyncnet_smol::SmolNet::default();
/// assert_send(&asyncnet_driver::dial(&net, "localhost", 1));
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct Dial<'a, N: Net> {
    search: Search<'a, N>,
    attempts: Vec<(SocketAddr, N::Connect)>,
}

impl<N: Net> Dial<'_, N> {
    /// How long each attempt and the whole may take, with the look-up, and how fast the attempts follow each other. It is
    /// set before the first poll.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::{DialTimes, Error, dial};
    /// use std::time::Duration;
    ///
    /// let mut times = DialTimes::default();
    /// times.time_max = Duration::ZERO;
    /// let Err(Error::Dial(report)) = dial(&asyncnet_smol::SmolNet, "localhost", 1).times(times).await else { panic!() };
    /// // It says what there was no time for: the look-up, or the attempts.
    /// assert!(report.to_string().starts_with("localhost"));
    /// # })
    /// ```
    pub fn times(mut self, times: DialTimes) -> Self {
        self.search.times = times;
        self
    }

    /// Polls every attempt: the first that succeeded, if one did. Those that failed are put in the report.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Option<(SocketAddr, N::Transport)> {
        let mut at = 0;
        while at < self.attempts.len() {
            let (address, attempt) = &mut self.attempts[at];
            match Pin::new(attempt).poll(cx) {
                Poll::Ready(Ok(transport)) => return Some((*address, transport)),
                Poll::Ready(Err(error)) => {
                    self.search.attempt_failed(*address, error);
                    drop(self.attempts.remove(at));
                }
                Poll::Pending => at += 1,
            }
        }
        None
    }
}

impl<N: Net> Unpin for Dial<'_, N> {}

impl<N: Net> Future for Dial<'_, N> {
    type Output = Result<Stream<N::Transport>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if let Some((address, transport)) = this.poll_attempts(cx) {
                this.attempts.clear();
                return Poll::Ready(Ok(Stream::new(transport).with_peer(Endpoint::Inet(address))));
            }
            match ready!(this.search.poll_next(cx)) {
                Next::Start(address) => {
                    this.attempts.push((address, this.search.net().connect(&Endpoint::Inet(address))));
                }
                Next::GaveUp(address) => this.attempts.retain(|(tried, _)| *tried != address),
                Next::End => {
                    let under_way = this.attempts.drain(..).map(|(address, _)| address);
                    return Poll::Ready(Err(this.search.failed(under_way)));
                }
            }
        }
    }
}

impl<N: Net> fmt::Debug for Dial<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way: Vec<_> = self.attempts.iter().map(|(address, _)| address).collect();
        f.debug_struct("Dial")
            .field("report", &self.search.report)
            .field("under_way", &under_way)
            .finish_non_exhaustive()
    }
}

/// The search for an address that can be reached: looks the host up, and keeps the plan and the report. The attempts
/// are the caller's.
pub(crate) struct Search<'a, N: Net> {
    net: &'a N,
    pub(crate) times: DialTimes,
    timer: N::Timer,
    /// `None` until the first poll, at which the time begins.
    plan: Option<DialPlan>,
    /// While the host is looked up.
    resolve: Option<N::Resolve>,
    report: DialError,
}

/// What a search asks for next.
pub(crate) enum Next {
    /// Try this address, and ask again.
    Start(SocketAddr),
    /// Drop the attempt at this address, which is in the report, and ask again.
    GaveUp(SocketAddr),
    /// Nothing is left to try, or no time is.
    End,
}

impl<'a, N: Net> Search<'a, N> {
    pub(crate) fn new(net: &'a N, host: &str, port: u16) -> Self {
        Self {
            net,
            times: DialTimes::default(),
            timer: net.timer(),
            plan: None,
            resolve: None,
            report: DialError::new(host, port),
        }
    }

    pub(crate) fn net(&self) -> &'a N {
        self.net
    }

    /// What is next; pending while there is nothing to do but wait.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if self.plan.is_none() {
            self.begin();
        }
        let Some(plan) = &mut self.plan else { return Poll::Pending };
        loop {
            if let Some(resolve) = &mut self.resolve {
                if let Poll::Ready(answer) = Pin::new(resolve).poll(cx) {
                    self.resolve = None;
                    match answer {
                        Ok(addresses) => plan.found(addresses),
                        Err(error) => {
                            self.report.lookup_failed(error);
                            return Poll::Ready(Next::End);
                        }
                    }
                }
            }
            match plan.step(self.timer.now()) {
                DialStep::Start(address) => return Poll::Ready(Next::Start(address)),
                DialStep::GiveUp(address) => {
                    let late = no_answer(self.times.attempt_time_max);
                    self.report.attempt_failed(address, late);
                    return Poll::Ready(Next::GaveUp(address));
                }
                DialStep::WaitUntil(at) => ready!(self.timer.poll_until(cx, at)),
                DialStep::Wait => return Poll::Pending,
                DialStep::Exhausted => return Poll::Ready(Next::End),
                DialStep::TimeOver => {
                    if self.resolve.take().is_some() {
                        self.report.lookup_failed(no_answer(self.times.time_max));
                    }
                    return Poll::Ready(Next::End);
                }
            }
        }
    }

    pub(crate) fn attempt_failed(&mut self, address: SocketAddr, error: io::Error) {
        if let Some(plan) = &mut self.plan {
            plan.attempt_failed(address);
        }
        self.report.attempt_failed(address, error);
    }

    /// The report, once it came to its [`End`](Next::End) with these attempts still under way.
    pub(crate) fn failed(&mut self, under_way: impl IntoIterator<Item = SocketAddr>) -> Error {
        let mut report = self.report.take();
        for address in under_way {
            report.attempt_failed(address, out_of_time(self.times.time_max));
        }
        report.left_untried(self.plan.as_ref().map_or(0, DialPlan::untried));
        Error::Dial(Box::new(report))
    }

    fn begin(&mut self) {
        let mut plan = DialPlan::new(self.times, self.timer.now());
        let (host, port) = (self.report.host(), self.report.port());
        match literal(host, port) {
            Some(address) => plan.found([address]),
            None => self.resolve = Some(self.net.resolve(host, port)),
        }
        self.plan = Some(plan);
    }
}

/// The error of what did not answer in its own time.
pub(crate) fn no_answer(within: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {}", Seconds(within)))
}

/// The error of what did not answer in the time of the whole dial.
fn out_of_time(whole: Duration) -> io::Error {
    let text = format!("no answer before the {} of the dial were over", Seconds(whole));
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// A time in seconds, or in milliseconds where that is shorter to say.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_nanos() {
            0 => write!(f, "{} s", self.0.as_secs()),
            _ => write!(f, "{} ms", self.0.as_millis()),
        }
    }
}

/// An IP address, which needs no resolver; one of IPv6 may have the number of its zone (RFC 4007, section 11).
fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    let scoped = || format!("[{host}]:{port}").parse::<SocketAddrV6>().ok().map(SocketAddr::from);
    host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port)).or_else(scoped)
}

#[cfg(test)]
mod literals {
    use super::literal;

    #[test]
    fn an_address_needs_no_resolver() {
        for (host, expected) in [
            ("192.0.2.1", Some("192.0.2.1:7")),
            ("2001:db8::1", Some("[2001:db8::1]:7")),
            ("fe80::1%2", Some("[fe80::1%2]:7")),
            ("fe80::1%eth0", None),
            ("[::1]", None),
            ("192.0.2.1%2", None),
            ("::1]:8", None),
            ("example.org", None),
            ("", None),
        ] {
            assert_eq!(literal(host, 7), expected.map(|address| address.parse().unwrap()), "{host:?}");
        }
    }
}
