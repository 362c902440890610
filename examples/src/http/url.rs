//! URLs as far as a client of HTTP needs them: read, written, and resolved against each other (RFC 3986).
//!
//! It is no general parser: two schemes, no names and passwords in front of the host, hosts in ASCII. What is not in a
//! URL's alphabet is percent-encoded in path and query, as browsers do, and refused in front of them.
//!
//! Invariant: host and target are visible ASCII, so that neither can end a line of a request.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A URL of the scheme `http` or `https`.
///
/// ```
/// use asyncnet_examples::http::Url;
///
/// let url: Url = "HTTPS://Example.org:8443/a/../b c?q#top".parse()?;
/// assert_eq!(url.to_string(), "https://example.org:8443/b%20c?q");
/// assert_eq!((url.host(), url.port(), &url.target()[..]), ("example.org", 8443, "/b%20c?q"));
/// assert_eq!(url.resolve("../c")?.to_string(), "https://example.org:8443/c");
/// # Ok::<(), asyncnet_examples::http::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    /// In lower case; an IPv6 address is without brackets.
    host: String,
    /// `None` is the scheme's own.
    port: Option<u16>,
    /// Begins with a slash, has no dot segments.
    path: String,
    query: Option<String>,
}

/// How the connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In plaintext, to port 80.
    Http,
    /// Over TLS, to port 443.
    Https,
}

/// Why a text is no URL that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// It does not begin with a scheme and `://`.
    SchemeMissing,
    /// The scheme is neither `http` nor `https`.
    SchemeUnknown(String),
    /// There is a name or password before the host, which would be shown to whoever reads a log.
    UserInfo,
    /// The host is neither a name in ASCII nor an IP address.
    Host(String),
    /// The port is not a number from 1 to 65535.
    Port(String),
    /// There is a control character in it.
    Control,
}

impl Url {
    /// How the connection is made.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, a name or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, which may be the scheme's own.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(self.scheme.port())
    }

    /// What is asked of the host: path and query.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The host as the field `Host` has it: in brackets if need be, with the port unless it is the scheme's own.
    ///
    /// ```
    /// use asyncnet_examples::http::Url;
    ///
    /// let url: Url = "http://[0:0::1]:8080/".parse()?;
    /// assert_eq!(url.authority(), "[::1]:8080");
    /// assert_eq!("http://a:80/".parse::<Url>()?.authority(), "a");
    /// # Ok::<(), asyncnet_examples::http::UrlError>(())
    /// ```
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// What `reference` means in an answer from this URL (RFC 3986, section 5.2).
    ///
    /// # Errors
    ///
    /// As parsing.
    ///
    /// See the example at [`Url`].
    pub fn resolve(&self, reference: &str) -> Result<Self, UrlError> {
        if has_scheme(reference) {
            return reference.parse();
        }
        if reference.starts_with("//") {
            return format!("{}:{reference}", self.scheme).parse();
        }
        let (path, query) = split(reference);
        let mut target = self.clone();
        if path.is_empty() {
            target.query = query.map(encode).transpose()?.or(target.query);
            return Ok(target);
        }
        let folder = if path.starts_with('/') { "" } else { self.folder() };
        target.path = without_dots(&encode(&format!("{folder}{path}"))?);
        target.query = query.map(encode).transpose()?;
        Ok(target)
    }

    /// The path through its last slash.
    fn folder(&self) -> &str {
        &self.path[..=self.path.rfind('/').unwrap_or(0)]
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if !has_scheme(text) {
            return Err(UrlError::SchemeMissing);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::SchemeMissing)?;
        let scheme = match &scheme.to_ascii_lowercase()[..] {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(UrlError::SchemeUnknown(scheme.to_owned())),
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = host_and_port(authority)?;
        let (path, query) = split(rest);
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            scheme,
            host,
            port: port.filter(|port| *port != scheme.port()),
            path: without_dots(&encode(path)?),
            query: query.map(encode).transpose()?,
        })
    }
}

impl Scheme {
    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Whether it begins with a scheme: else it is relative to something (RFC 3986, section 4.1). `host:80` is not taken
/// for one, though the grammar would have it so.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Path and query, without the fragment, which is not the server's business.
fn split(text: &str) -> (&str, Option<&str>) {
    let text = text.split('#').next().unwrap_or_default();
    text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)))
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), UrlError> {
    let bad_host = || UrlError::Host(authority.to_owned());
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']').ok_or_else(bad_host)?;
        let address: Ipv6Addr = address.parse().map_err(|_| bad_host())?;
        return match port.strip_prefix(':') {
            _ if port.is_empty() => Ok((address.to_string(), None)),
            Some(port) => Ok((address.to_string(), parse_port(port)?)),
            None => Err(bad_host()),
        };
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    if port.contains(':') || !is_host(host) {
        return Err(bad_host());
    }
    Ok((host.to_ascii_lowercase(), parse_port(port)?))
}

/// Whether it is a host's name, or an IPv4 address in the usual form. Resolvers know other forms of those, in which one
/// does not see where they lead: whatever ends in a number has to be usual.
fn is_host(host: &str) -> bool {
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number =
        last.bytes().all(|byte| byte.is_ascii_digit()) || last.to_ascii_lowercase().starts_with("0x");
    (1..=253).contains(&host.len())
        && host.bytes().all(in_alphabet)
        && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// An empty port is the scheme's own (RFC 3986, section 3.2.3).
fn parse_port(port: &str) -> Result<Option<u16>, UrlError> {
    if port.is_empty() {
        return Ok(None);
    }
    let number = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok()).flatten();
    number.filter(|port| *port != 0).map(Some).ok_or_else(|| UrlError::Port(port.to_owned()))
}

/// Percent-encodes what is not visible ASCII, and leaves the rest as it is.
fn encode(text: &str) -> Result<String, UrlError> {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            0..=0x1f | 0x7f => return Err(UrlError::Control),
            b' ' | b'"' | b'<' | b'>' | 0x80.. => {
                write!(encoded, "%{byte:02X}").expect("a String takes everything");
            }
            _ => encoded.push(char::from(byte)),
        }
    }
    Ok(encoded)
}

/// A path from the root without `.` and `..` (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_dots = segment == "." || segment == "..";
        if segment == ".." {
            kept.pop();
        }
        if !is_dots {
            kept.push(segment);
        } else if segments.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.target())
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SchemeMissing => f.write_str("it has to begin with http:// or https://"),
            Self::SchemeUnknown(scheme) => write!(f, "the scheme {scheme:?} is neither http nor https"),
            Self::UserInfo => f.write_str("a name or password before the host is not supported"),
            Self::Host(host) if host.is_empty() => f.write_str("the host is missing"),
            Self::Host(host) => write!(
                f,
                "{host:?} is no host: a name in ASCII (xn--... for others), an IPv4 address, or an IPv6 address in brackets"
            ),
            Self::Port(port) => write!(f, "the port {port:?} is not a number from 1 to 65535"),
            Self::Control => f.write_str("there is a control character in it"),
        }
    }
}

impl std::error::Error for UrlError {}
