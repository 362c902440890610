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
/// assert_eq!((url.host(), url.port(), url.target()), ("example.org", 8443, "/b%20c?q"));
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

#[cfg(test)]
mod tests {
    use super::{Url, UrlError};

    #[test]
    fn what_is_read_is_written_in_one_form() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Url>().unwrap().to_string(), expected, "{text:?}");
            assert_eq!(expected.parse::<Url>().unwrap().to_string(), expected, "{text:?}");
        };
        check("http://a", "http://a/");
        check("http://a?q", "http://a/?q");
        check("http://a#f?q", "http://a/");
        check("http://a/?", "http://a/?");
        check("http://A.Example/B", "http://a.example/B");
        check("http://a:80/", "http://a/");
        check("http://a:/", "http://a/");
        check("http://a:443/", "http://a:443/");
        check("https://a:443/", "https://a/");
        check("https://a:00080/", "https://a:80/");
        check("http://127.0.0.1:8080/", "http://127.0.0.1:8080/");
        check("http://[2001:DB8:0::1]/x", "http://[2001:db8::1]/x");
        check("http://[::1]:/", "http://[::1]/");
        check("http://a_b.example./", "http://a_b.example./");
        check("http://a/b//c/", "http://a/b//c/");
        check("http://a/%2e%2E/ü?ü=\"<>\"", "http://a/%2e%2E/%C3%BC?%C3%BC=%22%3C%3E%22");
        check("http://a/x?u=http://b/../c", "http://a/x?u=http://b/../c");
        check("http://a/../../x/./y/..", "http://a/x/");
        check("http://a/.", "http://a/");
        check("http://a/b/...", "http://a/b/...");
    }

    #[test]
    fn what_cannot_be_fetched_is_refused() {
        let check =
            |text: &str, expected: UrlError| assert_eq!(text.parse::<Url>(), Err(expected), "{text:?}");
        for text in
            ["", "a", "a/b", "//a/", "http", "http:", "http:a", "http:/a", "localhost:80/", "/://", "1://a"]
        {
            check(text, UrlError::SchemeMissing);
        }
        check("ftp://a/", UrlError::SchemeUnknown("ftp".to_owned()));
        check("http://ann@a/", UrlError::UserInfo);
        check("http://a:b@c/", UrlError::UserInfo);
        let long = "x".repeat(254);
        for host in [
            "",
            ":80",
            "ü.example",
            "a b",
            "a\\b",
            "a%20b",
            "::1",
            "1:2:3",
            "[",
            "[]",
            "[::1",
            "[::1]x",
            "[1.2.3.4]",
            "[fe80::1%eth0]",
            "127.1",
            "0x7f.1",
            "1.2.3.4.5",
            "1.2.3.256",
            "2130706433",
            "127.0.0.1.",
            "a.0x7f",
            ".",
            "a\r\nb",
            &long,
        ] {
            check(&format!("http://{host}/"), UrlError::Host(host.to_owned()));
        }
        for port in ["0", "65536", "http", "+80", "-1", " 80", "8 0"] {
            check(&format!("http://a:{port}/"), UrlError::Port(port.to_owned()));
        }
        for text in ["http://a/\r\nX: y", "http://a/\0", "http://a/?\t", "http://a/\x7f"] {
            check(text, UrlError::Control);
        }
    }

    /// RFC 3986, sections 5.4.1 and 5.4.2, as far as the schemes go.
    #[test]
    fn references_are_resolved() {
        let base: Url = "http://a/b/c/d;p?q".parse().unwrap();
        let check = |reference: &str, expected: &str| {
            assert_eq!(base.resolve(reference).unwrap().to_string(), expected, "{reference:?}");
        };
        check("g", "http://a/b/c/g");
        check("./g", "http://a/b/c/g");
        check("g/", "http://a/b/c/g/");
        check("/g", "http://a/g");
        check("//g", "http://g/");
        check("?y", "http://a/b/c/d;p?y");
        check("g?y", "http://a/b/c/g?y");
        check("#s", "http://a/b/c/d;p?q");
        check("g#s", "http://a/b/c/g");
        check("g?y#s", "http://a/b/c/g?y");
        check(";x", "http://a/b/c/;x");
        check("g;x?y#s", "http://a/b/c/g;x?y");
        check("", "http://a/b/c/d;p?q");
        check(".", "http://a/b/c/");
        check("./", "http://a/b/c/");
        check("..", "http://a/b/");
        check("../", "http://a/b/");
        check("../g", "http://a/b/g");
        check("../..", "http://a/");
        check("../../g", "http://a/g");
        check("../../../g", "http://a/g");
        check("/./g", "http://a/g");
        check("/../g", "http://a/g");
        check("g.", "http://a/b/c/g.");
        check("..g", "http://a/b/c/..g");
        check("./../g", "http://a/b/g");
        check("g/./h", "http://a/b/c/g/h");
        check("g/../h", "http://a/b/c/h");
        check("g;x=1/../y", "http://a/b/c/y");
        check("g?y/../x", "http://a/b/c/g?y/../x");
        check("https://b:8443/x", "https://b:8443/x");
        check("HTTP://b", "http://b/");
        check("a b/ü", "http://a/b/c/a%20b/%C3%BC");
        check("/x:y", "http://a/x:y");
        assert_eq!(base.resolve("mailto:ann@a"), Err(UrlError::SchemeMissing));
        assert_eq!(base.resolve("ftp://a/"), Err(UrlError::SchemeUnknown("ftp".to_owned())));
        assert_eq!(base.resolve("/a\r\nb"), Err(UrlError::Control));
        let port: Url = "https://a:8443/".parse().unwrap();
        assert_eq!(port.resolve("x").unwrap().to_string(), "https://a:8443/x");
        assert_eq!(port.resolve("//b/x").unwrap().to_string(), "https://b/x");
    }
}
