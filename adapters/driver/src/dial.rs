//! Reaching a host by name: looks it up, tries its addresses by the core's plan, keeps the first that answers.
//!
//! Invariant: each attempt has a socket of its own, and all sockets but the winner's are closed when the dial ends or is
//! dropped, because the futures own them.

use crate::error::Error;
use crate::net::Net;
use crate::stream::Stream;
use crate::transport::Timer;
use asyncnet_core::{DialPlan, DialStep, Endpoint};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{error, fmt, io};

/// Connects to a host by name or address: its addresses are tried as RFC 8305 says, each on a new socket, and the
/// first that answers is taken.
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
    Dial {
        net,
        timer: net.timer(),
        resolve: Some(net.resolve(host, port)),
        plan: DialPlan::new([]),
        attempts: Vec::new(),
        report: DialError::new(host, port),
    }
}

/// A dial under way: what [`dial`] returns.
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
    net: &'a N,
    timer: N::Timer,
    /// `None` once the addresses are known.
    resolve: Option<N::Resolve>,
    plan: DialPlan,
    attempts: Vec<(SocketAddr, N::Connect)>,
    report: DialError,
}

impl<N: Net> Unpin for Dial<'_, N> {}

impl<N: Net> Future for Dial<'_, N> {
    type Output = Result<Stream<N::Transport>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(resolve) = &mut this.resolve {
            let found = std::task::ready!(Pin::new(resolve).poll(cx));
            this.resolve = None;
            match found {
                Ok(addresses) => this.plan = DialPlan::new(addresses),
                Err(error) => this.report.lookup_failed(error),
            }
        }
        loop {
            if let Some(transport) = this.poll_attempts(cx) {
                this.attempts.clear();
                return Poll::Ready(Ok(Stream::new(transport)));
            }
            match this.plan.step(this.timer.now()) {
                DialStep::Start(address) => {
                    this.attempts.push((address, this.net.connect(&Endpoint::Inet(address))));
                }
                DialStep::WaitUntil(at) => std::task::ready!(this.timer.poll_until(cx, at)),
                DialStep::Wait => return Poll::Pending,
                DialStep::Exhausted => {
                    let report = std::mem::replace(&mut this.report, DialError::new("", 0));
                    return Poll::Ready(Err(Error::Dial(Box::new(report))));
                }
            }
        }
    }
}

impl<N: Net> Dial<'_, N> {
    /// Polls every attempt: the first that succeeded, if one did. Those that failed are put in the report.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Option<N::Transport> {
        let mut at = 0;
        while at < self.attempts.len() {
            let (address, attempt) = &mut self.attempts[at];
            match Pin::new(attempt).poll(cx) {
                Poll::Ready(Ok(transport)) => return Some(transport),
                Poll::Ready(Err(error)) => {
                    self.report.attempt_failed(*address, error);
                    self.plan.attempt_failed();
                    drop(self.attempts.swap_remove(at));
                }
                Poll::Pending => at += 1,
            }
        }
        None
    }
}

/// Why a host could not be reached.
///
/// See the example at [`dial`].
#[derive(Debug)]
pub struct DialError {
    host: String,
    port: u16,
    lookup: Option<io::Error>,
    attempts: Vec<(SocketAddr, io::Error)>,
}

impl DialError {
    /// The host that was dialed.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_driver::{Error, dial};
    /// # let Err(Error::Dial(report)) = dial(&asyncnet_smol::SmolNet::default(), "127.0.0.1", 1).await else { panic!() };
    /// assert_eq!((report.host(), report.port()), ("127.0.0.1", 1));
    /// # })
    /// ```
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port that was dialed.
    ///
    /// See the example at [`host`](Self::host).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Why the name could not be looked up, if that was it.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_driver::{Error, dial};
    /// # let Err(Error::Dial(report)) = dial(&asyncnet_smol::SmolNet::default(), "127.0.0.1", 1).await else { panic!() };
    /// assert!(report.lookup().is_none());
    /// # })
    /// ```
    #[must_use]
    pub fn lookup(&self) -> Option<&io::Error> {
        self.lookup.as_ref()
    }

    /// Each address that was tried, in the order in which they failed.
    ///
    /// See the example at [`dial`].
    #[must_use]
    pub fn attempts(&self) -> &[(SocketAddr, io::Error)] {
        &self.attempts
    }

    /// Nothing was tried yet.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, lookup: None, attempts: Vec::new() }
    }

    pub(crate) fn lookup_failed(&mut self, error: io::Error) {
        self.lookup = Some(error);
    }

    pub(crate) fn attempt_failed(&mut self, address: SocketAddr, error: io::Error) {
        self.attempts.push((address, error));
    }

    pub(crate) fn kind(&self) -> io::ErrorKind {
        let last = self.attempts.last().map(|(_, error)| error);
        last.or(self.lookup.as_ref()).map_or(io::ErrorKind::NotFound, io::Error::kind)
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if let Some(error) = &self.lookup {
            return write!(f, "{host} cannot be looked up: {error}");
        }
        if self.attempts.is_empty() {
            return write!(f, "{host} has no addresses");
        }
        write!(f, "{host}:{port} cannot be reached")?;
        for (at, (address, error)) in self.attempts.iter().enumerate() {
            write!(f, "{} {address}: {error}", if at == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl error::Error for DialError {}
