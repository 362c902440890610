//! What a connection is to be like, said before there is one: its limits, and whether it speaks TLS.

use crate::dial::{dial, no_answer};
use crate::error::{Error, Operation};
use crate::net::Net;
use crate::stream::Stream;
use crate::tls::{Leftover, StartTls};
use crate::transport::Timer;
use asyncnet_core::tls::rustls::ClientConfig;
use asyncnet_core::{DialTimes, Endpoint, Limits};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use std::{fmt, io};

/// How to connect. It may be kept, and used any number of times.
///
/// ```
/// # futures_lite::future::block_on(async {
/// # use asyncnet_conformance::pki;
/// use asyncnet_driver::Connector;
/// use asyncnet_driver::tls::TlsListener;
/// use asyncnet_smol::SmolNet;
///
/// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
/// let listener = TlsListener::new(asyncnet_smol::listen("127.0.0.1:0")?, &theirs);
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
///
/// let connector = Connector::new().tls(&ours);
/// let ask = async {
///     let mut stream = connector.dial(&SmolNet, "localhost", port).await?;
///     assert!(stream.is_tls());
///     stream.send_line("hello").await
/// };
/// let serve = async {
///     let mut stream = listener.accept().await?;
///     stream.handshake().await?;
///     assert_eq!(stream.recv_line().await?.unwrap(), "hello");
///     Ok::<_, asyncnet_driver::Error>(())
/// };
/// let (asked, served) = futures_lite::future::zip(ask, serve).await;
/// asked?;
/// served?;
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
#[must_use = "it connects when it is told to"]
pub struct Connector {
    limits: Limits,
    dial_times: DialTimes,
    tls: Option<Arc<ClientConfig>>,
    server_name: Option<Box<str>>,
    accept_truncation: bool,
}

impl Connector {
    /// Plaintext, with the default limits.
    ///
    /// See the example at [`Connector`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The limits of its streams; [`Limits::handshake_time_max`] is that of the handshake.
    ///
    /// ```
    /// use asyncnet_driver::{Connector, Limits};
    ///
    /// let mut limits = Limits::default();
    /// limits.line_bytes_max = 512;
    /// assert!(format!("{:?}", Connector::new().limits(limits)).contains("line_bytes_max: 512"));
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long connecting may take, before TLS, which has a time of its own. A connection to one address has that of an
    /// attempt, or of the whole if that is shorter.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::{Connector, DialTimes};
    /// use std::time::Duration;
    ///
    /// let mut times = DialTimes::default();
    /// times.time_max = Duration::ZERO;
    /// let connector = Connector::new().dial_times(times);
    /// assert!(connector.dial(&asyncnet_smol::SmolNet, "localhost", 1).await.is_err());
    /// # })
    /// ```
    pub fn dial_times(mut self, times: DialTimes) -> Self {
        self.dial_times = times;
        self
    }

    /// Makes a TLS handshake before a stream is given out.
    ///
    /// See the example at [`Connector`].
    pub fn tls(mut self, config: &Arc<ClientConfig>) -> Self {
        self.tls = Some(Arc::clone(config));
        self
    }

    /// The name that the server's certificate has to be for, if it is not the one that is dialed.
    ///
    /// ```
    /// use asyncnet_driver::Connector;
    ///
    /// assert!(format!("{:?}", Connector::new().server_name("mail.example.org")).contains("mail.example.org"));
    /// ```
    pub fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Takes a TLS stream's end without `close_notify` for a clean one; see [`StartTls::accept_truncation`].
    ///
    /// ```
    /// use asyncnet_driver::Connector;
    ///
    /// assert!(format!("{:?}", Connector::new().accept_truncation(true)).contains("accept_truncation: true"));
    /// ```
    pub fn accept_truncation(mut self, accept: bool) -> Self {
        self.accept_truncation = accept;
        self
    }

    /// Connects to a host by name or address, as [`dial`] does.
    ///
    /// # Errors
    ///
    /// As [`dial`]; with TLS also as [`Stream::start_tls`], and before anything is dialed
    /// [`TlsError::Name`](crate::tls::TlsError::Name).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it closes what it opened.
    ///
    /// See the example at [`Connector`].
    pub async fn dial<N: Net>(&self, net: &N, host: &str, port: u16) -> Result<Stream<N::Transport>, Error> {
        let how = self.how(host)?;
        let stream = dial(net, host, port).times(self.dial_times).await?;
        self.begin(stream, how).await
    }

    /// Connects to one address. With TLS, the certificate has to be for that IP address unless a
    /// [`server_name`](Self::server_name) is given; a Unix socket needs one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`TimedOut`](io::ErrorKind::TimedOut) if there is no answer in the
    /// [`dial_times`](Self::dial_times); with TLS also as [`Stream::start_tls`], and before anything is connected
    /// [`TlsError::Name`](crate::tls::TlsError::Name).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it closes what it opened.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::Connector;
    /// use asyncnet_smol::SmolNet;
    ///
    /// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
    /// let stream = Connector::new().connect(&SmolNet, &listener.local_endpoint()?).await?;
    /// assert!(!stream.is_tls());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn connect<N: Net>(&self, net: &N, to: &Endpoint) -> Result<Stream<N::Transport>, Error> {
        let how = match to {
            Endpoint::Inet(address) => self.how(&address.ip().to_string())?,
            _ => self.how("")?,
        };
        let connected = self.connect_in_time(net, to).await;
        let transport = connected.map_err(|error| Error::io_at(Operation::Connect, to, error))?;
        self.begin(Stream::new(transport).with_peer(to.clone()), how).await
    }

    async fn connect_in_time<N: Net>(&self, net: &N, to: &Endpoint) -> io::Result<N::Transport> {
        let time_max = self.dial_times.attempt_time_max.min(self.dial_times.time_max);
        let mut timer = net.timer();
        let until = timer.now().saturating_add(time_max);
        let mut connect = net.connect(to);
        poll_fn(|cx| {
            if let Poll::Ready(connected) = Pin::new(&mut connect).poll(cx) {
                return Poll::Ready(connected);
            }
            if until == Duration::MAX {
                return Poll::Pending;
            }
            ready!(timer.poll_until(cx, until));
            Poll::Ready(Err(no_answer(time_max)))
        })
        .await
    }

    /// How TLS is to begin with a host, if it is to.
    fn how(&self, host: &str) -> Result<Option<StartTls>, Error> {
        let Some(config) = &self.tls else { return Ok(None) };
        let how = StartTls::client(config, self.server_name.as_deref().unwrap_or(host))?;
        // A server that speaks first, before TLS, is not one that speaks TLS: its words are for the handshake to refuse.
        Ok(Some(how.leftover(Leftover::IntoTls).accept_truncation(self.accept_truncation)))
    }

    async fn begin<T: crate::Transport>(
        &self,
        mut stream: Stream<T>,
        how: Option<StartTls>,
    ) -> Result<Stream<T>, Error> {
        stream.set_limits(self.limits);
        if let Some(how) = how {
            stream.start_tls(how).await?;
        }
        Ok(stream)
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("limits", &self.limits)
            .field("dial_times", &self.dial_times)
            .field("tls", &self.tls.is_some())
            .field("server_name", &self.server_name)
            .field("accept_truncation", &self.accept_truncation)
            .finish()
    }
}
