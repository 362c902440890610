//! Options of a socket, each at its right level.
//!
//! Every call is one that a crate offers in safe code. What no such call reaches, or the system does not have, is
//! [`Unsupported`](io::ErrorKind::Unsupported), and the error says which of the two.

use crate::handle::SocketHandle;
use asyncnet_core::{Flag, OptionName, SocketOption};
use socket2::{Domain, SockRef, TcpKeepalive};
use std::io;
use std::time::Duration;

/// The value of a boolean option.
///
/// # Errors
///
/// What getsockopt(2) says; [`Unsupported`](io::ErrorKind::Unsupported).
///
/// ```
/// use asyncnet_core::Flag;
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// assert!(asyncnet_os::flag(&listener, Flag::KeepAlive).is_ok_and(|on| !on));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn flag(socket: &impl SocketHandle, flag: Flag) -> io::Result<bool> {
    let socket = socket.sock_ref();
    match flag {
        Flag::AcceptConn => accept_conn(&socket),
        Flag::Broadcast => socket.broadcast(),
        Flag::KeepAlive => socket.keepalive(),
        Flag::NoDelay => socket.tcp_nodelay(),
        Flag::OnlyV6 => socket.only_v6(),
        Flag::OobInline => socket.out_of_band_inline(),
        Flag::ReuseAddr => socket.reuse_address(),
        Flag::ReusePort => reuse_port(&socket),
        other => Err(unreached(other)),
    }
}

/// Sets a boolean option.
///
/// # Errors
///
/// What setsockopt(2) says; [`Unsupported`](io::ErrorKind::Unsupported), also for what can only be asked.
///
/// ```
/// use asyncnet_core::Flag;
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// asyncnet_os::set_flag(&listener, Flag::NoDelay, true)?;
/// assert!(asyncnet_os::flag(&listener, Flag::NoDelay)?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn set_flag(socket: &impl SocketHandle, flag: Flag, on: bool) -> io::Result<()> {
    let socket = socket.sock_ref();
    match flag {
        Flag::AcceptConn => Err(unsupported(flag, "can be asked, not set")),
        Flag::Broadcast => socket.set_broadcast(on),
        Flag::KeepAlive => socket.set_keepalive(on),
        Flag::NoDelay => socket.set_tcp_nodelay(on),
        Flag::OnlyV6 => socket.set_only_v6(on),
        Flag::OobInline => socket.set_out_of_band_inline(on),
        Flag::ReuseAddr => socket.set_reuse_address(on),
        Flag::ReusePort => set_reuse_port(&socket, on),
        other => Err(unreached(other)),
    }
}

/// The value of an option.
///
/// # Errors
///
/// As [`flag`].
///
/// ```
/// use asyncnet_core::{OptionName, SocketOption};
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// assert_eq!(asyncnet_os::option(&listener, OptionName::Linger)?, SocketOption::Linger(None));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn option(handle: &impl SocketHandle, name: OptionName) -> io::Result<SocketOption> {
    let socket = handle.sock_ref();
    Ok(match name {
        OptionName::Flag(which) => SocketOption::Flag(which, flag(handle, which)?),
        OptionName::KeepaliveIdle => SocketOption::KeepaliveIdle(keepalive_idle(&socket)?),
        OptionName::KeepaliveInterval => SocketOption::KeepaliveInterval(keepalive_interval(&socket)?),
        OptionName::KeepaliveCount => SocketOption::KeepaliveCount(socket.tcp_keepalive_retries()?),
        OptionName::Linger => SocketOption::Linger(socket.linger()?),
        OptionName::RecvBuffer => SocketOption::RecvBuffer(socket.recv_buffer_size()?),
        OptionName::SendBuffer => SocketOption::SendBuffer(socket.send_buffer_size()?),
        OptionName::UserTimeout => SocketOption::UserTimeout(user_timeout(&socket)?),
        OptionName::Ttl if is_v6(&socket)? => SocketOption::Ttl(socket.unicast_hops_v6()?),
        OptionName::Ttl => SocketOption::Ttl(socket.ttl_v4()?),
        OptionName::Tos if is_v6(&socket)? => SocketOption::Tos(traffic_class(&socket)?),
        OptionName::Tos => SocketOption::Tos(socket.tos_v4()?),
        OptionName::MulticastTtl if is_v6(&socket)? => {
            SocketOption::MulticastTtl(socket.multicast_hops_v6()?)
        }
        OptionName::MulticastTtl => SocketOption::MulticastTtl(socket.multicast_ttl_v4()?),
        OptionName::MulticastLoop if is_v6(&socket)? => {
            SocketOption::MulticastLoop(socket.multicast_loop_v6()?)
        }
        OptionName::MulticastLoop => SocketOption::MulticastLoop(socket.multicast_loop_v4()?),
        OptionName::MulticastInterfaceV4 => SocketOption::MulticastInterfaceV4(socket.multicast_if_v4()?),
        OptionName::MulticastInterfaceV6 => SocketOption::MulticastInterfaceV6(socket.multicast_if_v6()?),
        other => return Err(unreached(other)),
    })
}

/// Sets an option.
///
/// # Errors
///
/// What setsockopt(2) says; [`Unsupported`](io::ErrorKind::Unsupported).
///
/// ```
/// use asyncnet_core::{OptionName, SocketOption};
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// asyncnet_os::set_option(&listener, SocketOption::Ttl(7))?;
/// assert_eq!(asyncnet_os::option(&listener, OptionName::Ttl)?, SocketOption::Ttl(7));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn set_option(handle: &impl SocketHandle, option: SocketOption) -> io::Result<()> {
    let socket = handle.sock_ref();
    match option {
        SocketOption::Flag(flag, on) => set_flag(handle, flag, on),
        SocketOption::KeepaliveIdle(time) => {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(whole_seconds(time, option)?))
        }
        SocketOption::KeepaliveInterval(time) => {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_interval(whole_seconds(time, option)?))
        }
        SocketOption::KeepaliveCount(count) => {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_retries(count))
        }
        SocketOption::Linger(time) => {
            socket.set_linger(time.map(|time| whole_seconds(time, option)).transpose()?)
        }
        SocketOption::RecvBuffer(bytes) => socket.set_recv_buffer_size(bytes),
        SocketOption::SendBuffer(bytes) => socket.set_send_buffer_size(bytes),
        SocketOption::UserTimeout(time) => set_user_timeout(&socket, time),
        SocketOption::Ttl(hops) if is_v6(&socket)? => socket.set_unicast_hops_v6(hops),
        SocketOption::Ttl(hops) => socket.set_ttl_v4(hops),
        SocketOption::Tos(bits) if is_v6(&socket)? => set_traffic_class(&socket, bits),
        SocketOption::Tos(bits) => socket.set_tos_v4(bits),
        SocketOption::MulticastTtl(hops) if is_v6(&socket)? => socket.set_multicast_hops_v6(hops),
        SocketOption::MulticastTtl(hops) => socket.set_multicast_ttl_v4(hops),
        SocketOption::MulticastLoop(on) if is_v6(&socket)? => socket.set_multicast_loop_v6(on),
        SocketOption::MulticastLoop(on) => socket.set_multicast_loop_v4(on),
        SocketOption::MulticastInterfaceV4(address) => socket.set_multicast_if_v4(&address),
        SocketOption::MulticastInterfaceV6(index) => socket.set_multicast_if_v6(index),
        other => Err(unreached(other.name())),
    }
}

/// The options of a socket's two families have names of their own.
fn is_v6(socket: &SockRef<'_>) -> io::Result<bool> {
    Ok(socket.local_addr()?.domain() == Domain::IPV6)
}

/// The kernel counts in whole seconds, and a time that is cut to zero means something else.
fn whole_seconds(time: Duration, option: SocketOption) -> io::Result<Duration> {
    let zero_counts = matches!(option, SocketOption::Linger(_));
    if time.subsec_nanos() == 0 && (zero_counts || !time.is_zero()) {
        return Ok(time);
    }
    let text = format!("{} takes whole seconds, not {time:?}", option.name());
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

fn unreached(option: impl std::fmt::Display) -> io::Error {
    unsupported(option, "no safe call of the crates below reaches it")
}

fn unsupported(option: impl std::fmt::Display, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("{option}: {why}"))
}

#[cfg(any(target_os = "android", target_os = "freebsd", target_os = "fuchsia", target_os = "linux"))]
fn accept_conn(socket: &SockRef<'_>) -> io::Result<bool> {
    socket.is_listener()
}

#[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "fuchsia", target_os = "linux")))]
fn accept_conn(_: &SockRef<'_>) -> io::Result<bool> {
    Err(unsupported(Flag::AcceptConn, "cannot be asked on this system"))
}

#[cfg(unix)]
fn reuse_port(socket: &SockRef<'_>) -> io::Result<bool> {
    socket.reuse_port()
}

#[cfg(unix)]
fn set_reuse_port(socket: &SockRef<'_>, on: bool) -> io::Result<()> {
    socket.set_reuse_port(on)
}

#[cfg(not(unix))]
fn reuse_port(_: &SockRef<'_>) -> io::Result<bool> {
    Err(unsupported(Flag::ReusePort, "this system has no such option"))
}

#[cfg(not(unix))]
fn set_reuse_port(_: &SockRef<'_>, _: bool) -> io::Result<()> {
    Err(unsupported(Flag::ReusePort, "this system has no such option"))
}

#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn user_timeout(socket: &SockRef<'_>) -> io::Result<Option<Duration>> {
    socket.tcp_user_timeout()
}

#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn set_user_timeout(socket: &SockRef<'_>, time: Option<Duration>) -> io::Result<()> {
    socket.set_tcp_user_timeout(time)
}

#[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
fn user_timeout(_: &SockRef<'_>) -> io::Result<Option<Duration>> {
    Err(unsupported(OptionName::UserTimeout, "this system has no such option"))
}

#[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
fn set_user_timeout(_: &SockRef<'_>, _: Option<Duration>) -> io::Result<()> {
    Err(unsupported(OptionName::UserTimeout, "this system has no such option"))
}

#[cfg(unix)]
fn keepalive_idle(socket: &SockRef<'_>) -> io::Result<Duration> {
    socket.tcp_keepalive_time()
}

#[cfg(unix)]
fn keepalive_interval(socket: &SockRef<'_>) -> io::Result<Duration> {
    socket.tcp_keepalive_interval()
}

#[cfg(not(unix))]
fn keepalive_idle(_: &SockRef<'_>) -> io::Result<Duration> {
    Err(unsupported(OptionName::KeepaliveIdle, "can be set on this system, not asked"))
}

#[cfg(not(unix))]
fn keepalive_interval(_: &SockRef<'_>) -> io::Result<Duration> {
    Err(unsupported(OptionName::KeepaliveInterval, "can be set on this system, not asked"))
}

#[cfg(unix)]
fn traffic_class(socket: &SockRef<'_>) -> io::Result<u32> {
    socket.tclass_v6()
}

#[cfg(unix)]
fn set_traffic_class(socket: &SockRef<'_>, bits: u32) -> io::Result<()> {
    socket.set_tclass_v6(bits)
}

#[cfg(not(unix))]
fn traffic_class(_: &SockRef<'_>) -> io::Result<u32> {
    Err(unsupported(OptionName::Tos, "this system has no such option for IPv6"))
}

#[cfg(not(unix))]
fn set_traffic_class(_: &SockRef<'_>, _: u32) -> io::Result<()> {
    Err(unsupported(OptionName::Tos, "this system has no such option for IPv6"))
}

#[cfg(test)]
mod tests {
    use super::{flag, option, set_flag, set_option};
    use asyncnet_core::{Flag, OptionName, SocketOption};
    use std::io::ErrorKind;
    use std::net::{TcpListener, UdpSocket};
    use std::time::Duration;

    fn listener(at: &str) -> Option<TcpListener> {
        TcpListener::bind(at).ok()
    }

    #[test]
    fn flags_are_at_their_level() {
        let tcp = listener("127.0.0.1:0").unwrap();
        for (which, on) in [(Flag::NoDelay, true), (Flag::KeepAlive, true), (Flag::OobInline, true)] {
            assert_eq!(flag(&tcp, which).unwrap(), !on, "{which}");
            set_flag(&tcp, which, on).unwrap();
            assert_eq!(flag(&tcp, which).unwrap(), on, "{which}");
        }
        // As another crate sees them.
        let seen = socket2::SockRef::from(&tcp);
        assert!(seen.tcp_nodelay().unwrap() && seen.keepalive().unwrap());
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        set_flag(&udp, Flag::Broadcast, true).unwrap();
        assert!(udp.broadcast().unwrap());
        assert!(set_flag(&udp, Flag::NoDelay, true).is_err(), "a datagram socket has none");
    }

    #[test]
    fn what_cannot_be_had_is_unsupported_and_says_why() {
        let tcp = listener("127.0.0.1:0").unwrap();
        for which in [Flag::Debug, Flag::DontRoute] {
            for error in [flag(&tcp, which).unwrap_err(), set_flag(&tcp, which, true).unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                assert!(error.to_string().starts_with(&which.to_string()), "{error}");
            }
        }
        let error = set_flag(&tcp, Flag::AcceptConn, true).unwrap_err();
        assert_eq!(error.to_string(), "SO_ACCEPTCONN: can be asked, not set");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_listener_listens() {
        let tcp = listener("127.0.0.1:0").unwrap();
        assert!(flag(&tcp, Flag::AcceptConn).unwrap());
        let stream = std::net::TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        assert!(!flag(&stream, Flag::AcceptConn).unwrap());
    }

    #[test]
    fn values_come_back() {
        let seconds = Duration::from_secs;
        let mut options = vec![
            SocketOption::KeepaliveIdle(seconds(30)),
            SocketOption::KeepaliveInterval(seconds(5)),
            SocketOption::KeepaliveCount(4),
            SocketOption::Linger(Some(seconds(2))),
            SocketOption::Linger(Some(Duration::ZERO)),
            SocketOption::Linger(None),
            SocketOption::Ttl(9),
        ];
        if cfg!(target_os = "linux") {
            options.push(SocketOption::UserTimeout(Some(seconds(7))));
            options.push(SocketOption::Tos(0x10));
        }
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let Some(tcp) = listener(at) else { continue };
            for wanted in &options {
                set_option(&tcp, *wanted).unwrap();
                assert_eq!(option(&tcp, wanted.name()).unwrap(), *wanted, "at {at}");
            }
        }
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        for wanted in [SocketOption::MulticastTtl(3), SocketOption::MulticastLoop(false)] {
            set_option(&udp, wanted).unwrap();
            assert_eq!(option(&udp, wanted.name()).unwrap(), wanted);
        }
    }

    #[test]
    fn buffers_are_at_least_as_asked() {
        let tcp = listener("127.0.0.1:0").unwrap();
        set_option(&tcp, SocketOption::RecvBuffer(20_000)).unwrap();
        let Ok(SocketOption::RecvBuffer(bytes)) = option(&tcp, OptionName::RecvBuffer) else { panic!() };
        assert!(bytes >= 20_000, "{bytes}");
    }

    #[test]
    fn a_fraction_of_a_second_is_refused() {
        let tcp = listener("127.0.0.1:0").unwrap();
        let half = Duration::from_millis(500);
        for wanted in [
            SocketOption::KeepaliveIdle(half),
            SocketOption::KeepaliveInterval(Duration::ZERO),
            SocketOption::Linger(Some(half)),
        ] {
            assert_eq!(set_option(&tcp, wanted).unwrap_err().kind(), ErrorKind::InvalidInput, "{wanted:?}");
        }
    }
}
