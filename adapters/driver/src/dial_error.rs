//! Why a host could not be reached: every address that was tried, and the error of each.
//!
//! A name that could not be looked up is told apart from addresses that could not be reached: it is no socket's error, and
//! what a resolver says is no errno.

use std::net::SocketAddr;
use std::{error, fmt, io};

/// Why a host could not be reached.
///
/// See the example at [`dial`](crate::dial).
#[derive(Debug)]
pub struct DialError {
    host: String,
    port: u16,
    lookup: Option<io::Error>,
    attempts: Vec<(SocketAddr, io::Error)>,
    untried: usize,
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

    /// Why the name could not be looked up, if that was it: what the resolver said, or
    /// [`TimedOut`](io::ErrorKind::TimedOut).
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

    /// Each address that was tried, in the order in which they failed. One that did not answer in time failed with
    /// [`TimedOut`](io::ErrorKind::TimedOut).
    ///
    /// See the example at [`dial`](crate::dial).
    #[must_use]
    pub fn attempts(&self) -> &[(SocketAddr, io::Error)] {
        &self.attempts
    }

    /// How many addresses were found and not tried: the time was over, or there were too many
    /// ([`DIAL_ADDRESSES_MAX`](crate::DIAL_ADDRESSES_MAX)).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// # use asyncnet_driver::{Error, dial};
    /// # let Err(Error::Dial(report)) = dial(&asyncnet_smol::SmolNet::default(), "127.0.0.1", 1).await else { panic!() };
    /// assert_eq!(report.untried(), 0);
    /// # })
    /// ```
    #[must_use]
    pub fn untried(&self) -> usize {
        self.untried
    }

    /// Nothing was tried yet.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, lookup: None, attempts: Vec::new(), untried: 0 }
    }

    pub(crate) fn lookup_failed(&mut self, error: io::Error) {
        self.lookup = Some(error);
    }

    pub(crate) fn attempt_failed(&mut self, address: SocketAddr, error: io::Error) {
        self.attempts.push((address, error));
    }

    pub(crate) fn left_untried(&mut self, count: usize) {
        self.untried = count;
    }

    /// The report as it stands; an empty one stays.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new("", 0))
    }

    pub(crate) fn kind(&self) -> io::ErrorKind {
        let last = self.attempts.last().map(|(_, error)| error);
        let none = if self.untried > 0 { io::ErrorKind::TimedOut } else { io::ErrorKind::NotFound };
        last.or(self.lookup.as_ref()).map_or(none, io::Error::kind)
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, untried, .. } = self;
        if let Some(error) = &self.lookup {
            if host.is_empty() {
                return write!(f, "no host is named: {error}");
            }
            // What one dials by mistake: the port is an argument of its own.
            let port = if host.contains(':') { " (a host is dialed without a port or brackets)" } else { "" };
            return write!(f, "{host} cannot be looked up{port}: {error}");
        }
        if self.attempts.is_empty() && *untried == 0 {
            return write!(f, "{host} has no addresses");
        }
        match host.contains(':') {
            true => write!(f, "[{host}]:{port} cannot be reached")?,
            false => write!(f, "{host}:{port} cannot be reached")?,
        }
        let mut separator = ":";
        for (address, error) in &self.attempts {
            write!(f, "{separator} {address}: {error}")?;
            separator = ";";
        }
        if *untried > 0 {
            write!(f, "{separator} not tried in time, or too many: {untried} more")?;
        }
        Ok(())
    }
}

impl error::Error for DialError {}

#[cfg(test)]
mod tests {
    use super::DialError;
    use std::io;

    fn check(attempts: &[&str], untried: usize, expected: &str) {
        let mut report = DialError::new("host", 7);
        for address in attempts {
            report.attempt_failed(address.parse().unwrap(), io::Error::other("why"));
        }
        report.left_untried(untried);
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn the_text_has_every_address() {
        check(&[], 0, "host has no addresses");
        check(&["1.1.1.1:7"], 0, "host:7 cannot be reached: 1.1.1.1:7: why");
        check(&["1.1.1.1:7", "[::1]:7"], 0, "host:7 cannot be reached: 1.1.1.1:7: why; [::1]:7: why");
        check(
            &["1.1.1.1:7"],
            2,
            "host:7 cannot be reached: 1.1.1.1:7: why; not tried in time, or too many: 2 more",
        );
        check(&[], 2, "host:7 cannot be reached: not tried in time, or too many: 2 more");
    }

    #[test]
    fn the_text_tells_an_address_from_its_port() {
        let mut report = DialError::new("::1", 7);
        report.attempt_failed("[::1]:7".parse().unwrap(), io::Error::other("why"));
        assert_eq!(report.to_string(), "[::1]:7 cannot be reached: [::1]:7: why");
    }

    #[test]
    fn its_kind_is_that_of_what_came_last() {
        let mut report = DialError::new("host", 7);
        assert_eq!(report.kind(), io::ErrorKind::NotFound);
        report.left_untried(1);
        assert_eq!(report.kind(), io::ErrorKind::TimedOut);
        report.attempt_failed("1.1.1.1:7".parse().unwrap(), io::ErrorKind::ConnectionRefused.into());
        assert_eq!(report.kind(), io::ErrorKind::ConnectionRefused);
        let mut report = DialError::new("host", 7);
        report.lookup_failed(io::ErrorKind::InvalidInput.into());
        assert_eq!(report.kind(), io::ErrorKind::InvalidInput);
    }
}
