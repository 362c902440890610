//! Endpoints as the system calls want them and as they answer them.
//!
//! The types belong to other crates, so these are functions. Windows has Unix sockets, but no runtime offers them:
//! Unix names are [`io::ErrorKind::Unsupported`] there.
//!
//! Invariant: an internet address comes out through [`Endpoint::inet`], so an IPv4 peer reads the same everywhere.

use crate::handle::SocketHandle;
use asyncnet_core::{Endpoint, UnixName};
use socket2::SockAddr;
use std::io;
#[cfg(unix)]
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

/// An endpoint in the form that `bind` and `connect` take.
///
/// An unnamed Unix endpoint is an address without a path: Linux binds that to an abstract name of its own choice, and
/// connecting to it fails.
///
/// ```
/// use asyncnet_core::Endpoint;
///
/// let endpoint = Endpoint::inet("192.0.2.1:25".parse().unwrap());
/// assert_eq!(asyncnet_os::sock_addr(&endpoint)?.as_socket(), endpoint.as_inet());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `InvalidInput` when a Unix name is too long or its path has a NUL; `Unsupported` where the system has no such names.
pub fn sock_addr(endpoint: &Endpoint) -> io::Result<SockAddr> {
    match endpoint {
        Endpoint::Inet(address) => Ok((*address).into()),
        Endpoint::Unix(name) => unix_sock_addr(name),
        _ => Err(unsupported("this kind of endpoint is unknown here")),
    }
}

/// An address that a system call answered, as an endpoint.
///
/// ```
/// use asyncnet_core::Endpoint;
///
/// let address: std::net::SocketAddr = "[::ffff:192.0.2.1]:25".parse().unwrap();
/// let endpoint = asyncnet_os::endpoint_from_sock_addr(&address.into())?;
/// assert_eq!(endpoint.to_string(), "192.0.2.1:25");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `Unsupported` when the address is neither of the internet nor of a Unix socket.
pub fn endpoint_from_sock_addr(address: &SockAddr) -> io::Result<Endpoint> {
    if let Some(inet) = address.as_socket() {
        return Ok(Endpoint::inet(inet));
    }
    #[cfg(unix)]
    if let Some(name) = name_from_sock_addr(address) {
        return Ok(Endpoint::Unix(name));
    }
    Err(unsupported("the socket's address is neither of the internet nor of a Unix socket"))
}

/// Where this end of a socket is bound.
///
/// ```
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let bound = asyncnet_os::local_endpoint(&listener)?;
/// assert_eq!(bound.as_inet(), Some(listener.local_addr()?));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What getsockname(2) answers; `Unsupported` as in [`endpoint_from_sock_addr`].
pub fn local_endpoint(socket: &impl SocketHandle) -> io::Result<Endpoint> {
    endpoint_from_sock_addr(&socket.sock_ref().local_addr()?)
}

/// Where the other end of a connected socket is bound.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let client = TcpStream::connect(listener.local_addr()?)?;
/// assert_eq!(asyncnet_os::peer_endpoint(&client)?, asyncnet_os::local_endpoint(&listener)?);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What getpeername(2) answers, `NotConnected` among it; `Unsupported` as in [`endpoint_from_sock_addr`].
pub fn peer_endpoint(socket: &impl SocketHandle) -> io::Result<Endpoint> {
    endpoint_from_sock_addr(&socket.sock_ref().peer_addr()?)
}

/// The address of one of std's Unix sockets, as an endpoint.
///
/// ```
/// use std::os::unix::net::UnixStream;
///
/// let (one, _other) = UnixStream::pair()?;
/// assert_eq!(asyncnet_os::endpoint_from_unix(&one.local_addr()?).to_string(), "unix:");
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(unix)]
#[must_use]
pub fn endpoint_from_unix(address: &std::os::unix::net::SocketAddr) -> Endpoint {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = abstract_name(address) {
        return Endpoint::Unix(UnixName::Abstract(name.into()));
    }
    Endpoint::Unix(address.as_pathname().map_or(UnixName::Unnamed, name_from_path))
}

/// The name of a Unix socket at a path.
///
/// ```
/// let name = asyncnet_os::unix_name("/run/app.sock".as_ref())?;
/// assert_eq!(asyncnet_os::unix_path(&name), Some("/run/app.sock".as_ref()));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `InvalidInput` when the path is empty, has a NUL, or is longer than
/// [`UNIX_PATH_BYTES_MAX`](crate::UNIX_PATH_BYTES_MAX).
#[cfg(unix)]
pub fn unix_name(path: &Path) -> io::Result<UnixName> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path of a Unix socket is empty"));
    }
    let name = UnixName::Path(path.as_os_str().as_bytes().into());
    unix_sock_addr(&name).map(|_| name)
}

/// The path of a Unix name, if it is one.
///
/// ```
/// use asyncnet_core::UnixName;
///
/// assert_eq!(asyncnet_os::unix_path(&UnixName::Abstract(Box::from(&b"app"[..]))), None);
/// ```
#[cfg(unix)]
#[must_use]
pub fn unix_path(name: &UnixName) -> Option<&Path> {
    match name {
        UnixName::Path(path) => Some(Path::new(OsStr::from_bytes(path))),
        _ => None,
    }
}

#[cfg(unix)]
fn unix_sock_addr(name: &UnixName) -> io::Result<SockAddr> {
    match name {
        UnixName::Unnamed => SockAddr::unix(""),
        UnixName::Path(path) if path.is_empty() || path.contains(&0) => {
            // A leading NUL would make it an abstract name, any other one a shorter path.
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the path of a Unix socket is empty or has a NUL",
            ))
        }
        UnixName::Path(path) => SockAddr::unix(OsStr::from_bytes(path)),
        UnixName::Abstract(name) if cfg!(any(target_os = "linux", target_os = "android")) => {
            // How the kernel spells it (unix(7)), and what socket2 passes on as it is.
            SockAddr::unix(OsStr::from_bytes(&[b"\0", &name[..]].concat()))
        }
        UnixName::Abstract(_) => Err(unsupported("only Linux has abstract names of Unix sockets")),
        _ => Err(unsupported("this kind of Unix name is unknown here")),
    }
}

#[cfg(windows)]
fn unix_sock_addr(_: &UnixName) -> io::Result<SockAddr> {
    Err(unsupported("Unix sockets are not supported on Windows"))
}

#[cfg(unix)]
fn name_from_sock_addr(address: &SockAddr) -> Option<UnixName> {
    // macOS answers with a length of 0, and so without a family, for a peer that has no name.
    if address.is_unnamed() || address.len() == 0 {
        return Some(UnixName::Unnamed);
    }
    if let Some(name) = address.as_abstract_namespace() {
        return Some(UnixName::Abstract(name.into()));
    }
    address.as_pathname().map(name_from_path)
}

#[cfg(unix)]
fn name_from_path(path: &Path) -> UnixName {
    let bytes = path.as_os_str().as_bytes();
    // Some systems answer with the whole of `sun_path`, which NULs fill up.
    UnixName::Path(bytes.split(|&byte| byte == 0).next().unwrap_or_default().into())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(address: &std::os::unix::net::SocketAddr) -> Option<&[u8]> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    address.as_abstract_name()
}

fn unsupported(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::{endpoint_from_sock_addr, endpoint_from_unix, local_endpoint, peer_endpoint, sock_addr};
    use crate::UNIX_PATH_BYTES_MAX;
    use asyncnet_core::{Endpoint, UnixName};
    use std::io;
    use std::os::unix::net::{UnixListener, UnixStream};

    fn path(bytes: &[u8]) -> Endpoint {
        Endpoint::Unix(UnixName::Path(bytes.into()))
    }

    fn abstract_name(bytes: &[u8]) -> Endpoint {
        Endpoint::Unix(UnixName::Abstract(bytes.into()))
    }

    fn inet(text: &str) -> Endpoint {
        Endpoint::inet(text.parse().unwrap())
    }

    #[test]
    fn there_and_back() {
        let longest = [b'p'; UNIX_PATH_BYTES_MAX];
        let mut endpoints = vec![
            inet("192.0.2.1:25"),
            inet("[2001:db8::1]:25"),
            inet("[fe80::1%2]:25"),
            path(b"/run/app.sock"),
            path(b"a"),
            path(b"\xff\xfe"),
            path(&longest),
            Endpoint::Unix(UnixName::Unnamed),
        ];
        if cfg!(target_os = "linux") {
            endpoints.extend([abstract_name(b""), abstract_name(b"a\0b\0"), abstract_name(&longest)]);
        }
        for endpoint in endpoints {
            let back = endpoint_from_sock_addr(&sock_addr(&endpoint).unwrap()).unwrap();
            assert_eq!(back, endpoint);
        }
    }

    #[test]
    fn names_that_cannot_be() {
        let over = [b'p'; UNIX_PATH_BYTES_MAX + 1];
        for endpoint in [path(b""), path(b"\0a"), path(b"a\0"), path(&over), abstract_name(&over)] {
            let kind = sock_addr(&endpoint).map(drop).unwrap_err().kind();
            let expected = match endpoint {
                Endpoint::Unix(UnixName::Abstract(_)) if cfg!(not(target_os = "linux")) => {
                    io::ErrorKind::Unsupported
                }
                _ => io::ErrorKind::InvalidInput,
            };
            assert_eq!(kind, expected, "{endpoint:?}");
        }
    }

    #[test]
    fn the_ends_of_a_unix_connection() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join("socket");
        let listener = UnixListener::bind(&at).unwrap();
        let client = UnixStream::connect(&at).unwrap();
        let (served, peer) = listener.accept().unwrap();

        let named = Endpoint::Unix(super::unix_name(&at).unwrap());
        let unnamed = Endpoint::Unix(UnixName::Unnamed);
        assert_eq!(local_endpoint(&listener).unwrap(), named);
        assert_eq!(endpoint_from_unix(&listener.local_addr().unwrap()), named);
        assert_eq!(peer_endpoint(&client).unwrap(), named);
        assert_eq!(local_endpoint(&client).unwrap(), unnamed);
        assert_eq!(peer_endpoint(&served).unwrap(), unnamed);
        assert_eq!(endpoint_from_unix(&peer), unnamed);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_abstract_name_of_std() {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(b"a\0b").unwrap();
        assert_eq!(endpoint_from_unix(&address), abstract_name(b"a\0b"));
    }

    #[test]
    fn an_unconnected_socket_has_no_peer() {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        assert_eq!(peer_endpoint(&socket).unwrap_err().kind(), io::ErrorKind::NotConnected);
    }
}
