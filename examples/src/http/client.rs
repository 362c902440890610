//! One request, its answer, and where the answer sends us: each on a connection of its own.

use crate::http::body::Body;
use crate::http::error::HttpError;
use crate::http::head::Head;
use crate::http::url::{Scheme, Url};
use crate::runtime::within;
use asyncnet_driver::tls::rustls::ClientConfig;
use asyncnet_driver::{Connector, Limits, Net, Stream, Transport};
use asyncnet_os::ClientTls;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long the last of a connection is waited for: all of the answer is here, so this is politeness.
const CLOSING: Duration = Duration::from_millis(500);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The head and the body.
    Get,
    /// The head alone.
    Head,
}

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom it trusts over TLS, read when the first `https` URL is met. Its protocols should be `http/1.1` alone.
    pub tls: ClientTls,
    /// How many redirects are followed; with 0, they are answers like others.
    pub redirects_max: usize,
    /// Whether one from `https` to `http` is: what follows could be read, and changed, by others.
    pub downgrade: bool,
    /// How long the server may be silent, while it connects, before the head, and in the body.
    pub silence_max: Duration,
}

/// The system's roots, 5 redirects that stay encrypted, 30 s.
impl Default for Settings {
    fn default() -> Self {
        Self {
            tls: ClientTls::new().alpn(["http/1.1"]),
            redirects_max: 5,
            downgrade: false,
            silence_max: Duration::from_secs(30),
        }
    }
}

/// A client of HTTP on a network.
#[derive(Debug)]
pub struct Client<'a, N> {
    net: &'a N,
    settings: Settings,
    tls: OnceLock<Arc<ClientConfig>>,
}

/// An answer, whose body is received piece by piece.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_examples::http::{Client, Method, Settings};
/// use asyncnet_smol::SmolNet;
///
/// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
/// let url = format!("http://{}/hello", listener.local_endpoint()?).parse()?;
/// let serve = async {
///     let mut stream = listener.accept().await?;
///     assert_eq!(stream.recv_line().await?.unwrap(), "GET /hello HTTP/1.1");
///     while stream.recv_line().await?.is_some_and(|field| !field.is_empty()) {}
///     stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await?;
///     Ok(stream.close().await?)
/// };
/// let ask = async {
///     let client = Client::new(&SmolNet, Settings::default());
///     let mut response = client.fetch(Method::Get, &url).await?;
///     assert_eq!((&response.head.status_text()[..], response.remaining()), ("200 OK", Some(5)));
///     let mut buf = [0; 100];
///     assert_eq!(response.recv(&mut buf).await?, 5);
///     assert_eq!(&buf[..5], b"hello");
///     assert_eq!(response.recv(&mut buf).await?, 0);
///     response.close().await;
///     Ok::<_, Box<dyn std::error::Error>>(())
/// };
/// futures_lite::future::try_zip(serve, ask).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Response<'a, N: Net> {
    /// Where it comes from, after redirects.
    pub url: Url,
    /// Its status and fields.
    pub head: Head,
    body: Body,
    stream: Stream<N::Transport>,
    net: &'a N,
    silence_max: Duration,
}

impl<'a, N: Net> Client<'a, N> {
    /// A client that has asked nothing yet.
    pub fn new(net: &'a N, settings: Settings) -> Self {
        Self { net, settings, tls: OnceLock::new() }
    }

    /// Asks for what the URL names, and follows redirects.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`]. A status is none, whatever it is.
    ///
    /// See the example at [`Response`].
    pub async fn fetch(&self, method: Method, url: &Url) -> Result<Response<'a, N>, HttpError> {
        let Settings { redirects_max: limit, downgrade, .. } = self.settings;
        let mut response = self.ask(method, url.clone()).await?;
        for _ in 0..limit {
            let Some(to) = response.redirect()? else { return Ok(response) };
            if (response.url.scheme(), to.scheme()) == (Scheme::Https, Scheme::Http) && !downgrade {
                return Err(HttpError::Downgrade { to });
            }
            // The body of this one is of no interest, so neither is how its connection ends.
            response = self.ask(method, to).await?;
        }
        match response.redirect() {
            Ok(Some(to)) if limit > 0 => Err(HttpError::TooManyRedirects { limit, to }),
            _ => Ok(response),
        }
    }

    async fn ask(&self, method: Method, url: Url) -> Result<Response<'a, N>, HttpError> {
        let Self { net, settings: Settings { silence_max, .. }, .. } = *self;
        let connector = self.connector(url.scheme())?;
        let connecting = connector.dial(net, url.host(), url.port());
        let mut stream = patiently(net, silence_max, connecting).await??;
        queue_request(&mut stream, method, &url)?;
        // What is queued goes out before the receive waits.
        let head = patiently(net, silence_max, Head::recv(&mut stream)).await??;
        let body = if method == Method::Head { Body::EMPTY } else { Body::of(&head)? };
        Ok(Response { url, head, body, stream, net, silence_max })
    }

    fn connector(&self, scheme: Scheme) -> Result<Connector, HttpError> {
        let mut limits = Limits::default();
        limits.drain_time_max = CLOSING;
        let connector = Connector::new().limits(limits);
        if scheme == Scheme::Http {
            return Ok(connector);
        }
        if let Some(config) = self.tls.get() {
            return Ok(connector.tls(config));
        }
        let config = self.settings.tls.build()?;
        Ok(connector.tls(self.tls.get_or_init(|| config)))
    }
}

impl<N: Net> Response<'_, N> {
    /// How many bytes of the body are to come, if the server has said so.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        self.body.remaining()
    }

    /// Receives what is there of the body, at least one byte: how many, 0 at its end.
    ///
    /// # Errors
    ///
    /// As [`Body::recv`]; [`HttpError::Silent`].
    ///
    /// # Panics
    ///
    /// If `buf` is empty.
    ///
    /// # Cancel safety
    ///
    /// As [`Body::recv`].
    ///
    /// See the example at [`Response`].
    pub async fn recv(&mut self, buf: &mut [u8]) -> Result<usize, HttpError> {
        patiently(self.net, self.silence_max, self.body.recv(&mut self.stream, buf)).await?
    }

    /// Ends the connection well, within half a second. All that matters is here already, so it cannot fail.
    pub async fn close(mut self) {
        within(self.net.timer(), CLOSING, self.stream.close()).await;
    }

    /// Where it sends us: `None` if it does not (RFC 9110, section 15.4).
    fn redirect(&self) -> Result<Option<Url>, HttpError> {
        let to = match self.head.status() {
            301 | 302 | 303 | 307 | 308 => self.head.field("location"),
            _ => None,
        };
        let Some(to) = to.map(String::from_utf8_lossy) else { return Ok(None) };
        self.url.resolve(&to).map(Some).map_err(|why| HttpError::Redirect { to: to.into_owned(), why })
    }
}

/// What comes of it, unless the server is silent for so long.
async fn patiently<N: Net, T>(
    net: &N,
    time: Duration,
    what: impl Future<Output = T>,
) -> Result<T, HttpError> {
    within(net.timer(), time, what).await.ok_or(HttpError::Silent(time))
}

/// The connection is for one request, and what comes is taken as it is stored.
fn queue_request<T: Transport>(stream: &mut Stream<T>, method: Method, url: &Url) -> Result<(), HttpError> {
    let method = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
    };
    stream.queue_line(format!("{method} {} HTTP/1.1", url.target()))?;
    stream.queue_line(format!("Host: {}", url.authority()))?;
    stream.queue_line(concat!("User-Agent: asyncnet-http-get/", env!("CARGO_PKG_VERSION")))?;
    stream.queue_line("Accept: */*")?;
    stream.queue_line("Accept-Encoding: identity")?;
    stream.queue_line("Connection: close")?;
    Ok(stream.queue_line("")?)
}
