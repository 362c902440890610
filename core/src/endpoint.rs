//! Where a socket is bound or connected: an address that needs no more resolving.
//!
//! This is not what a user types (that is `asyncnet_os::Address`, which may hold a host name); it is
//! what the operating system answers, as a value that reads the same on every adapter.
//!
//! Invariant: what a socket says of itself or its peer goes through [`Endpoint::inet`], which unwraps IPv4-mapped IPv6
//! addresses: an IPv4 peer is `SocketAddr::V4` however the kernel spelled it.

use alloc::boxed::Box;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// The address of one end of a socket.
///
/// ```
/// use asyncnet_core::Endpoint;
///
/// let mapped = "[::ffff:192.0.2.7]:25".parse().unwrap();
/// assert_eq!(Endpoint::inet(mapped).to_string(), "192.0.2.7:25");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// An internet address with its port.
    Inet(SocketAddr),
    /// The name of a Unix socket.
    Unix(UnixName),
}

/// The name of a Unix socket, as the bytes of `sun_path` (unix(7)).
///
/// ```
/// use asyncnet_core::UnixName;
///
/// assert_eq!(UnixName::Path(Box::from(&b"/run/app.sock"[..])).to_string(), "unix:/run/app.sock");
/// assert_eq!(UnixName::Abstract(Box::from(&b"app"[..])).to_string(), "unix:@app");
/// assert_eq!(UnixName::Unnamed.to_string(), "unix:");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnixName {
    /// A socket that was never bound: the usual client.
    Unnamed,
    /// A path in the file system, without a terminating NUL.
    Path(Box<[u8]>),
    /// A name in Linux's abstract namespace, without its leading NUL.
    Abstract(Box<[u8]>),
}

/// As [`Endpoint::inet`].
///
/// ```
/// use asyncnet_core::Endpoint;
/// use core::net::SocketAddr;
///
/// let address: SocketAddr = "192.0.2.7:25".parse().unwrap();
/// assert_eq!(Endpoint::from(address).as_inet(), Some(address));
/// ```
impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::inet(address)
    }
}

impl Endpoint {
    /// An internet address; an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2) becomes IPv4.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    ///
    /// let plain: std::net::SocketAddr = "127.0.0.1:80".parse().unwrap();
    /// let mapped: std::net::SocketAddr = "[::ffff:127.0.0.1]:80".parse().unwrap();
    /// assert_eq!(Endpoint::inet(plain), Endpoint::inet(mapped));
    /// ```
    #[must_use]
    pub fn inet(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        Self::Inet(ip.map_or(address, |ip| SocketAddr::new(ip, address.port())))
    }

    /// The internet address, if it is one.
    ///
    /// ```
    /// use asyncnet_core::{Endpoint, UnixName};
    ///
    /// assert_eq!(Endpoint::Unix(UnixName::Unnamed).as_inet(), None);
    /// ```
    #[must_use]
    pub fn as_inet(&self) -> Option<SocketAddr> {
        match self {
            Self::Inet(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

/// `192.0.2.7:25`, `[2001:db8::1]:25`, `unix:/path`, `unix:@abstract`: the forms that an address is parsed from.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for UnixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, name) = match self {
            Self::Unnamed => ("", &[][..]),
            Self::Path(path) => ("", &path[..]),
            Self::Abstract(name) => ("@", &name[..]),
        };
        write!(f, "unix:{sign}{}", bytes_as_text(name))
    }
}

fn bytes_as_text(bytes: &[u8]) -> impl fmt::Display + '_ {
    // `escape_ascii` would also escape the bytes of a UTF-8 path, which people want to read.
    alloc::string::String::from_utf8_lossy(bytes)
}
