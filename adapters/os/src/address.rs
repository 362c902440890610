//! What a user types to say where to connect or listen, as a value.
//!
//! It is not resolved: turning [`Address::Host`] into endpoints is the resolver's work, which needs a
//! runtime. An IP literal becomes [`Address::Inet`] at once and needs none.
//!
//! | written | means |
//! |---|---|
//! | `example.org:25` | a host name and a port |
//! | `192.0.2.1:25`, `[2001:db8::1]:25`, `[fe80::1%2]:25` | an IP literal and a port; the zone is the number of an interface |
//! | `:25`, `*:25` | a port on all interfaces, for listeners |
//! | `unix:/run/app.sock` | the path of a Unix socket, absolute or relative |
//! | `unix:@app` | a name in Linux's abstract namespace; a path that starts with `@` is `unix:./@app` |
//!
//! It is one file because the forms exclude each other: which one a text has is decided across all of them. Half of it
//! is the table of texts.
//!
//! Invariant: what [`FromStr`] accepts, [`Display`](fmt::Display) prints so that it is read as an equal value.

use crate::address_error::{AddressError, AddressFault};
use asyncnet_core::{Endpoint, UnixName};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

/// The longest path of a Unix socket, in bytes: `sun_path` without its terminating NUL (unix(7)).
///
/// An abstract name has the same bound, because its leading NUL takes the place of the terminating one.
///
/// ```
/// use asyncnet_os::{Address, UNIX_PATH_BYTES_MAX};
///
/// let fits = "a".repeat(UNIX_PATH_BYTES_MAX);
/// assert!(format!("unix:{fits}").parse::<Address>().is_ok());
/// assert!(format!("unix:{fits}a").parse::<Address>().is_err());
/// ```
pub const UNIX_PATH_BYTES_MAX: usize = SUN_PATH_LEN - 1;

/// `sun_path` is 104 bytes where it comes from 4.4BSD and 108 elsewhere.
const SUN_PATH_LEN: usize = if cfg!(any(
    target_vendor = "apple",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
)) {
    104
} else {
    108
};

/// The longest host name in its text form, in bytes (RFC 1035, section 2.3.4, less two bytes of framing).
const HOST_BYTES_MAX: usize = 253;

/// Where to connect or listen, before any name is resolved.
///
/// ```
/// use asyncnet_os::Address;
///
/// let host: Address = "example.org:25".parse()?;
/// assert_eq!(host, Address::Host { host: "example.org".into(), port: 25 });
/// let literal: Address = "[2001:db8::1]:25".parse()?;
/// assert_eq!(literal, Address::Inet("[2001:db8::1]:25".parse().unwrap()));
/// assert_eq!("unix:/run/app.sock".parse::<Address>()?.to_string(), "unix:/run/app.sock");
///
/// let error = "2001:db8::1:25".parse::<Address>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"address "2001:db8::1:25": an IPv6 address needs brackets, as in "[2001:db8::1]:25""#,
/// );
/// # Ok::<(), asyncnet_os::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A name for the resolver. An empty one is written by listeners and means all interfaces;
    /// [`SocketBuilder::listen_any`](crate::SocketBuilder::listen_any) serves it.
    Host {
        /// At most 253 bytes (254 with a trailing dot), without white space or control characters; or empty.
        host: String,
        /// 0 lets the system choose, for listeners.
        port: u16,
    },
    /// An IP literal, just as it was written: an IPv4-mapped IPv6 address stays one.
    Inet(SocketAddr),
    /// The name of a Unix socket.
    Unix(UnixName),
}

impl Address {
    /// An address from a host name or an IP literal without brackets, and a port.
    ///
    /// ```
    /// use asyncnet_os::Address;
    ///
    /// assert_eq!(Address::new("::1", 25)?, "[::1]:25".parse()?);
    /// assert_eq!(Address::new("example.org", 25)?, "example.org:25".parse()?);
    /// assert!(Address::new("exa mple.org", 25).is_err());
    /// # Ok::<(), asyncnet_os::AddressError>(())
    /// ```
    ///
    /// # Errors
    /// The host is too long, or has a character that no host name has.
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        parse_host(host, port).map_err(|fault| AddressError::new(host, fault))
    }

    /// What it stands for, when that needs no resolver; an IPv4-mapped IPv6 address becomes IPv4 here.
    ///
    /// ```
    /// use asyncnet_os::Address;
    ///
    /// let literal: Address = "192.0.2.1:25".parse()?;
    /// assert_eq!(literal.endpoint().unwrap().as_inet(), "192.0.2.1:25".parse().ok());
    /// assert_eq!("example.org:25".parse::<Address>()?.endpoint(), None);
    /// # Ok::<(), asyncnet_os::AddressError>(())
    /// ```
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Host { .. } => None,
            Self::Inet(address) => Some(Endpoint::inet(*address)),
            Self::Unix(name) => Some(Endpoint::Unix(name.clone())),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(input: &str) -> Result<Self, AddressError> {
        let parsed = match input.strip_prefix("unix:") {
            Some(name) => parse_unix(name),
            None if input.starts_with('[') => parse_bracketed(input),
            None => parse_host_port(input),
        };
        parsed.map_err(|fault| AddressError::new(input, fault))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, port } => write!(f, "{host}:{port}"),
            Self::Inet(address) => address.fmt(f),
            Self::Unix(name) => name.fmt(f),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

fn parse_unix(name: &str) -> Result<Address, AddressFault> {
    let (name, is_abstract) = name.strip_prefix('@').map_or((name, false), |name| (name, true));
    if name.is_empty() {
        return Err(AddressFault::UnixPathEmpty);
    }
    if name.len() > UNIX_PATH_BYTES_MAX {
        return Err(AddressFault::UnixPathTooLong { len: name.len() });
    }
    let bytes = Box::from(name.as_bytes());
    if is_abstract {
        // A NUL means nothing special in an abstract name (unix(7)).
        return Ok(Address::Unix(UnixName::Abstract(bytes)));
    }
    match name.find('\0') {
        // The kernel would take the part before it for the whole path.
        Some(at) => Err(AddressFault::UnixPathNul { at }),
        None => Ok(Address::Unix(UnixName::Path(bytes))),
    }
}

/// `[` v6 literal `]:` port, where the literal may end in `%` and the number of an interface (RFC 4007, section 11).
fn parse_bracketed(input: &str) -> Result<Address, AddressFault> {
    let (literal, rest) = input[1..].split_once(']').ok_or(AddressFault::BracketUnclosed)?;
    let ip = parse_ipv6(literal).ok_or(AddressFault::Ipv6Malformed)?;
    if rest.is_empty() {
        return Err(AddressFault::PortMissing);
    }
    let port = parse_port(rest.strip_prefix(':').ok_or(AddressFault::BracketTrailer)?)?;
    Ok(ip.inet(port))
}

fn parse_host_port(input: &str) -> Result<Address, AddressFault> {
    let (host, port) = match input.rsplit_once(':') {
        Some((host, _)) if looks_like_ipv6(host) || looks_like_ipv6(input) => {
            return Err(AddressFault::Ipv6Bare);
        }
        Some(parts) => parts,
        None => return Err(AddressFault::PortMissing),
    };
    let address = parse_host(host, 0)?;
    let port = parse_port(port)?;
    Ok(match address {
        Address::Inet(mut literal) => {
            literal.set_port(port);
            Address::Inet(literal)
        }
        Address::Host { host, .. } => Address::Host { host, port },
        Address::Unix(_) => address,
    })
}

fn parse_host(host: &str, port: u16) -> Result<Address, AddressFault> {
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Ok(Address::Inet((ip, port).into()));
    }
    if let Some(ip) = parse_ipv6(host) {
        return Ok(ip.inet(port));
    }
    if host == "*" {
        return Ok(Address::Host { host: String::new(), port });
    }
    // The dot that marks a name as complete is not counted.
    let len = host.strip_suffix('.').unwrap_or(host).len();
    if len > HOST_BYTES_MAX {
        return Err(AddressFault::HostTooLong { len });
    }
    match host.char_indices().find(|&(_, character)| !is_host_character(character)) {
        Some((at, character)) => Err(AddressFault::HostCharacter { character, at }),
        None => Ok(Address::Host { host: host.to_owned(), port }),
    }
}

/// More than RFC 1123 allows: names with underscores exist, and what is not ASCII is for the resolver to judge.
fn is_host_character(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_')
    } else {
        !character.is_control() && !character.is_whitespace()
    }
}

fn parse_port(port: &str) -> Result<u16, AddressFault> {
    if port.is_empty() {
        return Err(AddressFault::PortMissing);
    }
    parse_decimal(port).and_then(|port| u16::try_from(port).ok()).ok_or(AddressFault::PortMalformed)
}

/// Digits only: `str::parse` would also take a sign.
fn parse_decimal(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

struct Ipv6Literal {
    ip: Ipv6Addr,
    scope: u32,
}

impl Ipv6Literal {
    fn inet(&self, port: u16) -> Address {
        Address::Inet(SocketAddrV6::new(self.ip, port, 0, self.scope).into())
    }
}

fn parse_ipv6(literal: &str) -> Option<Ipv6Literal> {
    let (ip, scope) = match literal.split_once('%') {
        Some((ip, zone)) => (ip, parse_decimal(zone)?),
        None => (literal, 0),
    };
    Some(Ipv6Literal { ip: ip.parse().ok()?, scope })
}

/// Whether somebody meant an IPv6 address here, with a zone of any form.
fn looks_like_ipv6(text: &str) -> bool {
    text.split('%').next().is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::{Address, UNIX_PATH_BYTES_MAX};
    use crate::address_error::AddressFault::{
        self, BracketTrailer, BracketUnclosed, HostCharacter, HostTooLong, Ipv6Bare, Ipv6Malformed,
        PortMalformed, PortMissing, UnixPathEmpty, UnixPathNul, UnixPathTooLong,
    };
    use asyncnet_core::UnixName;

    fn check(input: &str, expected: &Result<Address, AddressFault>) {
        let parsed = input.parse::<Address>().map_err(|error| {
            assert_eq!(error.input(), input);
            error.fault()
        });
        assert_eq!(&parsed, expected, "{input:?}");
        check_round_trip(input);
    }

    fn check_round_trip(input: &str) {
        if let Ok(address) = input.parse::<Address>() {
            assert_eq!(address.to_string().parse(), Ok(address), "{input:?}");
        }
    }

    fn host(host: &str, port: u16) -> Result<Address, AddressFault> {
        Ok(Address::Host { host: host.into(), port })
    }

    fn inet(literal: &str) -> Result<Address, AddressFault> {
        Ok(Address::Inet(literal.parse().unwrap()))
    }

    fn path(path: &str) -> Result<Address, AddressFault> {
        Ok(Address::Unix(UnixName::Path(Box::from(path.as_bytes()))))
    }

    fn name(name: &str) -> Result<Address, AddressFault> {
        Ok(Address::Unix(UnixName::Abstract(Box::from(name.as_bytes()))))
    }

    #[test]
    fn the_accepted_forms() {
        for (input, expected) in [
            ("example.org:25", host("example.org", 25)),
            ("example.org.:25", host("example.org.", 25)),
            ("_dmarc.EXAMPLE-1.org:025", host("_dmarc.EXAMPLE-1.org", 25)),
            ("bücher.example:80", host("bücher.example", 80)),
            (":0", host("", 0)),
            ("*:65535", host("", 65535)),
            ("unix.example:25", host("unix.example", 25)),
            ("192.0.2.1:25", inet("192.0.2.1:25")),
            ("192.0.2.256:25", host("192.0.2.256", 25)),
            ("[2001:db8::1]:25", inet("[2001:db8::1]:25")),
            ("[::]:0", inet("[::]:0")),
            ("[fe80::1%2]:25", inet("[fe80::1%2]:25")),
            ("[fe80::1%0]:25", inet("[fe80::1]:25")),
            ("[::ffff:192.0.2.1]:25", inet("[::ffff:192.0.2.1]:25")),
            ("unix:/run/app.sock", path("/run/app.sock")),
            ("unix:app.sock", path("app.sock")),
            ("unix:./@app", path("./@app")),
            ("unix:/with space:25/ü", path("/with space:25/ü")),
            ("unix:@app", name("app")),
            ("unix:@a\0b", name("a\0b")),
            ("unix:@@", name("@")),
        ] {
            check(input, &expected);
        }
    }

    #[test]
    fn the_refused_forms() {
        for (input, fault) in [
            ("", PortMissing),
            ("example.org", PortMissing),
            ("example.org:", PortMissing),
            ("192.0.2.1", PortMissing),
            ("[::1]", PortMissing),
            ("[::1]:", PortMissing),
            ("example.org:smtp", PortMalformed),
            ("example.org:65536", PortMalformed),
            ("example.org:99999999999999999999", PortMalformed),
            ("example.org:+25", PortMalformed),
            ("example.org:-1", PortMalformed),
            ("example.org:25 ", PortMalformed),
            ("example.org:²", PortMalformed),
            ("[::1]:x", PortMalformed),
            ("::1", Ipv6Bare),
            ("::", Ipv6Bare),
            ("::1:25", Ipv6Bare),
            ("1:2:3:4:5:6:7:8:25", Ipv6Bare),
            ("2001:db8::1", Ipv6Bare),
            ("fe80::1%2:25", Ipv6Bare),
            ("fe80::1%eth0:25", Ipv6Bare),
            ("[::1", BracketUnclosed),
            ("[", BracketUnclosed),
            ("[::1:25", BracketUnclosed),
            ("[]:25", Ipv6Malformed),
            ("[example.org]:25", Ipv6Malformed),
            ("[192.0.2.1]:25", Ipv6Malformed),
            ("[fe80::1%eth0]:25", Ipv6Malformed),
            ("[fe80::1%]:25", Ipv6Malformed),
            ("[fe80::1%+2]:25", Ipv6Malformed),
            ("[fe80::1%4294967296]:25", Ipv6Malformed),
            ("[::1]25", BracketTrailer),
            ("[::1] :25", BracketTrailer),
            ("exa mple.org:25", HostCharacter { character: ' ', at: 3 }),
            (" example.org:25", HostCharacter { character: ' ', at: 0 }),
            ("example.org\n:25", HostCharacter { character: '\n', at: 11 }),
            ("a\u{a0}b:25", HostCharacter { character: '\u{a0}', at: 1 }),
            ("a\0:25", HostCharacter { character: '\0', at: 1 }),
            ("http://example.org:80", HostCharacter { character: ':', at: 4 }),
            ("a:b:25", HostCharacter { character: ':', at: 1 }),
            ("**:25", HostCharacter { character: '*', at: 0 }),
            ("user@example.org:25", HostCharacter { character: '@', at: 4 }),
            ("unix:", UnixPathEmpty),
            ("unix:@", UnixPathEmpty),
            ("unix:/a\0b", UnixPathNul { at: 2 }),
        ] {
            check(input, &Err(fault));
        }
    }

    #[test]
    fn the_longest_names() {
        let (longest, limit) = ("h".repeat(253), "p".repeat(UNIX_PATH_BYTES_MAX));
        let over = UNIX_PATH_BYTES_MAX + 1;
        check(&format!("{longest}:1"), &host(&longest, 1));
        check(&format!("{longest}.:1"), &host(&format!("{longest}."), 1));
        check(&format!("{longest}h:1"), &Err(HostTooLong { len: 254 }));
        check(&format!("unix:{limit}"), &path(&limit));
        check(&format!("unix:{limit}p"), &Err(UnixPathTooLong { len: over }));
        check(&format!("unix:@{limit}"), &name(&limit));
        check(&format!("unix:@{limit}p"), &Err(UnixPathTooLong { len: over }));
    }

    #[test]
    fn a_host_and_a_port_apart() {
        for (text, expected) in [
            ("::1", inet("[::1]:25")),
            ("fe80::1%2", inet("[fe80::1%2]:25")),
            ("127.0.0.1", inet("127.0.0.1:25")),
            ("example.org", host("example.org", 25)),
            ("", host("", 25)),
            ("[::1]", Err(HostCharacter { character: '[', at: 0 })),
            ("example.org:25", Err(HostCharacter { character: ':', at: 11 })),
        ] {
            assert_eq!(Address::new(text, 25).map_err(|error| error.fault()), expected, "{text:?}");
        }
    }

    /// Every string of up to five of these, bare and after `unix:`.
    #[test]
    fn no_short_string_panics_or_prints_as_another() {
        const ALPHABET: [char; 13] = ['1', 'a', ':', '[', ']', '%', '.', '@', '*', '/', ' ', 'é', '\0'];
        let mut strings = vec![String::new()];
        let mut accepted = 0;
        for _ in 0..5 {
            strings = strings
                .iter()
                .flat_map(|start| ALPHABET.iter().map(move |&character| format!("{start}{character}")))
                .collect();
            for string in &strings {
                check_round_trip(string);
                check_round_trip(&format!("unix:{string}"));
                accepted += usize::from(string.parse::<Address>().is_ok());
            }
        }
        assert!(accepted > 100, "the loop must not pass by refusing everything");
    }
}
