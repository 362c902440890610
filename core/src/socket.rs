//! What a socket is to be, said as data: its kind, how it is bound, and who its peer is. What a system makes of it is not
//! the core's business.

use crate::endpoint::Endpoint;

/// What socket(2) is asked for.
///
/// ```
/// use asyncnet_core::{Endpoint, SocketKind};
///
/// let at = Endpoint::Inet("[::1]:25".parse().unwrap());
/// assert_eq!(SocketKind::stream_for(&at), SocketKind::TcpV6);
/// assert_eq!(SocketKind::datagram_for(&at), SocketKind::UdpV6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketKind {
    /// TCP over IPv4.
    TcpV4,
    /// TCP over IPv6.
    TcpV6,
    /// UDP over IPv4.
    UdpV4,
    /// UDP over IPv6.
    UdpV6,
    /// A stream between processes of one machine, unix(7).
    UnixStream,
    /// Datagrams between processes of one machine, unix(7).
    UnixDatagram,
    /// The system's own numbers, for what has no name here: SCTP over IPv4 is `2, 1, 132` on Linux.
    Raw {
        /// The address family, `AF_...`.
        domain: i32,
        /// The type, `SOCK_...`: streams and datagrams can be used.
        socket_type: i32,
        /// The protocol, `IPPROTO_...`; 0 is the one that the family has for the type.
        protocol: i32,
    },
}

impl SocketKind {
    /// The stream socket that reaches an endpoint, or listens at it.
    ///
    /// See the example at [`SocketKind`].
    #[must_use]
    pub fn stream_for(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Inet(address) if address.is_ipv4() => Self::TcpV4,
            Endpoint::Inet(_) => Self::TcpV6,
            Endpoint::Unix(_) => Self::UnixStream,
        }
    }

    /// The datagram socket that reaches an endpoint, or is bound to it.
    ///
    /// See the example at [`SocketKind`].
    #[must_use]
    pub fn datagram_for(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Inet(address) if address.is_ipv4() => Self::UdpV4,
            Endpoint::Inet(_) => Self::UdpV6,
            Endpoint::Unix(_) => Self::UnixDatagram,
        }
    }
}

/// How a socket is bound and listens. Fields that the family or the system does not have are taken no notice of, unless
/// they say otherwise.
///
/// ```
/// use asyncnet_core::BindOptions;
///
/// let mut options = BindOptions::default();
/// options.remove_stale = true;
/// options.mode = Some(0o660);
/// assert_eq!(options.backlog, 4096);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BindOptions {
    /// How many connections may wait to be accepted; 4096, which is where Linux cuts it off since 5.4
    /// (`net.core.somaxconn`). Asking for less refuses connections in a burst.
    pub backlog: u32,
    /// Whether processes started later inherit the socket; off. Accepted ones follow a setting of their listener's.
    pub inheritable: bool,
    /// The permission bits of a Unix socket's file, such as `0o660`; else the process' umask decides. A listener's file has
    /// them before anybody can connect.
    pub mode: Option<u32>,
    /// Whether an IPv6 socket leaves IPv4 alone; else the system decides: Linux and macOS take both families, Windows and
    /// the BSDs IPv6 alone.
    pub only_v6: Option<bool>,
    /// Removes the file of a Unix socket when the socket is closed, if it is still that socket's; off.
    pub remove_at_close: bool,
    /// Takes over the path of a Unix socket that nobody listens on; off. The file is removed if it is a socket and a
    /// connection to it is refused. Two processes that start on one path at the same moment can each take the other for gone:
    /// whoever must exclude that holds a lock of its own.
    pub remove_stale: bool,
    /// Binds although connections of an earlier listener linger on the port (`SO_REUSEADDR`); else it is on for listeners
    /// and off for datagrams. Never set on Windows, where it lets one process take the port from another.
    pub reuse_address: Option<bool>,
    /// Lets several sockets bind the same address (`SO_REUSEPORT`); off. Linux shares the load between them, other systems
    /// do not; an error where there is no such option (Windows).
    pub reuse_port: bool,
}

impl Default for BindOptions {
    fn default() -> Self {
        Self {
            backlog: 4096,
            inheritable: false,
            mode: None,
            only_v6: None,
            remove_at_close: false,
            remove_stale: false,
            reuse_address: None,
            reuse_port: false,
        }
    }
}

/// The process at the other end of a Unix socket, as it was when it connected or listened.
///
/// ```
/// use asyncnet_core::PeerCredentials;
///
/// let peer = PeerCredentials::new(Some(1), 0, 0);
/// assert_eq!((peer.process, peer.user, peer.group), (Some(1), 0, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// Its process: `None` if it has no number here, as one of another PID namespace (a container's) has not.
    #[doc(alias = "pid")]
    pub process: Option<u32>,
    /// Its effective user.
    #[doc(alias = "uid")]
    pub user: u32,
    /// Its effective group.
    #[doc(alias = "gid")]
    pub group: u32,
}

impl PeerCredentials {
    /// A process of a user and a group.
    ///
    /// See the example at [`PeerCredentials`].
    #[must_use]
    pub const fn new(process: Option<u32>, user: u32, group: u32) -> Self {
        Self { process, user, group }
    }
}
