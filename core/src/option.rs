//! Options of a socket, by name and value. What a system makes of them is not the core's business.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

/// A boolean option, which always stands for its own level: [`NoDelay`](Self::NoDelay) is TCP's, whoever sets it.
///
/// ```
/// use asyncnet_core::Flag;
///
/// assert_eq!(Flag::NoDelay.to_string(), "TCP_NODELAY");
/// assert_eq!(Flag::ALL.len(), 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// The socket listens. It can be asked, not set.
    AcceptConn,
    /// Datagrams may go to broadcast addresses.
    Broadcast,
    /// The system keeps a record of what the socket does.
    Debug,
    /// What is sent goes to hosts on the same link alone.
    DontRoute,
    /// An idle connection is probed, so that a peer that is gone is noticed (RFC 1122, section 4.2.3.6).
    KeepAlive,
    /// Small segments go out at once, without waiting for an acknowledgement (RFC 1122, section 4.2.3.4).
    NoDelay,
    /// An IPv6 socket takes no IPv4 (RFC 3493, section 5.3).
    OnlyV6,
    /// Urgent data comes in line with the rest.
    OobInline,
    /// A local address can be bound again while old connections of it are winding down.
    ReuseAddr,
    /// Several sockets may bind one address; what that means differs between systems.
    ReusePort,
}

impl Flag {
    /// All of them.
    ///
    /// See the example at [`Flag`].
    pub const ALL: [Self; 10] = [
        Self::AcceptConn,
        Self::Broadcast,
        Self::Debug,
        Self::DontRoute,
        Self::KeepAlive,
        Self::NoDelay,
        Self::OnlyV6,
        Self::OobInline,
        Self::ReuseAddr,
        Self::ReusePort,
    ];
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AcceptConn => "SO_ACCEPTCONN",
            Self::Broadcast => "SO_BROADCAST",
            Self::Debug => "SO_DEBUG",
            Self::DontRoute => "SO_DONTROUTE",
            Self::KeepAlive => "SO_KEEPALIVE",
            Self::NoDelay => "TCP_NODELAY",
            Self::OnlyV6 => "IPV6_V6ONLY",
            Self::OobInline => "SO_OOBINLINE",
            Self::ReuseAddr => "SO_REUSEADDR",
            Self::ReusePort => "SO_REUSEPORT",
        })
    }
}

/// An option with its value.
///
/// ```
/// use asyncnet_core::{OptionName, SocketOption};
/// use core::time::Duration;
///
/// let option = SocketOption::Linger(Some(Duration::from_secs(1)));
/// assert_eq!(option.name(), OptionName::Linger);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketOption {
    /// A boolean one.
    Flag(Flag, bool),
    /// How long a connection is idle before the first probe; whole seconds.
    KeepaliveIdle(Duration),
    /// The time between probes; whole seconds.
    KeepaliveInterval(Duration),
    /// How many probes go unanswered before the connection is given up.
    KeepaliveCount(u32),
    /// How long close(2) waits for what is not yet acknowledged; with zero it resets the connection. Whole seconds.
    Linger(Option<Duration>),
    /// The kernel's receive buffer, in bytes. Linux doubles what is asked for, and tells the double.
    RecvBuffer(usize),
    /// The kernel's send buffer, in bytes. Linux doubles what is asked for, and tells the double.
    SendBuffer(usize),
    /// How long sent data may stay unacknowledged before the connection is given up (RFC 5482); `None` is the system's
    /// choice.
    UserTimeout(Option<Duration>),
    /// How many hops a packet lives: IPv4's time to live, IPv6's hop limit.
    Ttl(u32),
    /// The type of service of IPv4, the traffic class of IPv6: eight bits.
    Tos(u32),
    /// As [`Ttl`](Self::Ttl), for multicast.
    MulticastTtl(u32),
    /// Whether what is sent to a group comes back to this host.
    MulticastLoop(bool),
    /// The address of the interface by which an IPv4 socket sends to groups; the unspecified one leaves the choice to the
    /// system.
    MulticastInterfaceV4(Ipv4Addr),
    /// The index of the interface by which an IPv6 socket sends to groups; 0 leaves the choice to the system.
    MulticastInterfaceV6(u32),
}

/// Which [`SocketOption`] it is.
///
/// ```
/// assert_eq!(asyncnet_core::OptionName::Ttl.to_string(), "IP_TTL");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OptionName {
    /// [`SocketOption::Flag`].
    Flag(Flag),
    /// [`SocketOption::KeepaliveIdle`].
    KeepaliveIdle,
    /// [`SocketOption::KeepaliveInterval`].
    KeepaliveInterval,
    /// [`SocketOption::KeepaliveCount`].
    KeepaliveCount,
    /// [`SocketOption::Linger`].
    Linger,
    /// [`SocketOption::RecvBuffer`].
    RecvBuffer,
    /// [`SocketOption::SendBuffer`].
    SendBuffer,
    /// [`SocketOption::UserTimeout`].
    UserTimeout,
    /// [`SocketOption::Ttl`].
    Ttl,
    /// [`SocketOption::Tos`].
    Tos,
    /// [`SocketOption::MulticastTtl`].
    MulticastTtl,
    /// [`SocketOption::MulticastLoop`].
    MulticastLoop,
    /// [`SocketOption::MulticastInterfaceV4`].
    MulticastInterfaceV4,
    /// [`SocketOption::MulticastInterfaceV6`].
    MulticastInterfaceV6,
}

impl SocketOption {
    /// Its name.
    ///
    /// See the example at [`SocketOption`].
    #[must_use]
    pub fn name(&self) -> OptionName {
        match self {
            Self::Flag(flag, _) => OptionName::Flag(*flag),
            Self::KeepaliveIdle(_) => OptionName::KeepaliveIdle,
            Self::KeepaliveInterval(_) => OptionName::KeepaliveInterval,
            Self::KeepaliveCount(_) => OptionName::KeepaliveCount,
            Self::Linger(_) => OptionName::Linger,
            Self::RecvBuffer(_) => OptionName::RecvBuffer,
            Self::SendBuffer(_) => OptionName::SendBuffer,
            Self::UserTimeout(_) => OptionName::UserTimeout,
            Self::Ttl(_) => OptionName::Ttl,
            Self::Tos(_) => OptionName::Tos,
            Self::MulticastTtl(_) => OptionName::MulticastTtl,
            Self::MulticastLoop(_) => OptionName::MulticastLoop,
            Self::MulticastInterfaceV4(_) => OptionName::MulticastInterfaceV4,
            Self::MulticastInterfaceV6(_) => OptionName::MulticastInterfaceV6,
        }
    }
}

impl fmt::Display for OptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag(flag) => return flag.fmt(f),
            Self::KeepaliveIdle => "TCP_KEEPIDLE",
            Self::KeepaliveInterval => "TCP_KEEPINTVL",
            Self::KeepaliveCount => "TCP_KEEPCNT",
            Self::Linger => "SO_LINGER",
            Self::RecvBuffer => "SO_RCVBUF",
            Self::SendBuffer => "SO_SNDBUF",
            Self::UserTimeout => "TCP_USER_TIMEOUT",
            Self::Ttl => "IP_TTL",
            Self::Tos => "IP_TOS",
            Self::MulticastTtl => "IP_MULTICAST_TTL",
            Self::MulticastLoop => "IP_MULTICAST_LOOP",
            Self::MulticastInterfaceV4 => "IP_MULTICAST_IF",
            Self::MulticastInterfaceV6 => "IPV6_MULTICAST_IF",
        })
    }
}
