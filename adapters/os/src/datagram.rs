//! Datagram sockets: made, bound, and read from with what the system tells of a message.

use crate::builder::SocketBuilder;
use crate::endpoint::sock_addr;
use crate::handle::{SocketHandle, set_inheritable};
#[cfg(unix)]
use asyncnet_core::UnixName;
use asyncnet_core::{Endpoint, Flag};
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};

impl SocketBuilder {
    /// A new datagram socket, bound to an address: UDP or Unix. It is non-blocking, and not inherited unless the builder
    /// says so.
    ///
    /// # Errors
    ///
    /// What socket(2) and bind(2) say.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::{SocketBuilder, local_endpoint};
    ///
    /// let socket = SocketBuilder::new().bind_datagram(&Endpoint::inet("127.0.0.1:0".parse().unwrap()))?;
    /// assert_ne!(local_endpoint(&socket)?.as_inet().unwrap().port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind_datagram(&self, local: &Endpoint) -> io::Result<Socket> {
        let address = sock_addr(local)?;
        let socket = Socket::new(address.domain(), Type::DGRAM, None)?;
        socket.set_nonblocking(true)?;
        if self.inheritable {
            set_inheritable(&socket, true)?;
        }
        if let Some(bytes) = self.recv_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer_bytes {
            socket.set_send_buffer_size(bytes)?;
        }
        if address.domain() == Domain::IPV6 {
            if let Some(only_v6) = self.only_v6 {
                socket.set_only_v6(only_v6)?;
            }
        }
        // Not by default, as listeners have it: two datagram sockets on one address would take each other's messages.
        if self.reuse_address == Some(true) && !cfg!(windows) {
            socket.set_reuse_address(true)?;
        }
        if self.reuse_port && address.domain() != Domain::UNIX {
            crate::option::set_flag(&socket, Flag::ReusePort, true)?;
        }
        self.bind_named(&socket, local, &address)?;
        Ok(socket)
    }
}

/// What came with a message.
///
/// ```
/// use asyncnet_os::DatagramRead;
///
/// let read = DatagramRead { len: 3, truncated: false, from: None };
/// assert!(!read.truncated);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatagramRead {
    /// How many bytes of the memory were filled.
    pub len: usize,
    /// Whether the message was longer than the memory.
    pub truncated: bool,
    /// Who sent it, where that is known.
    pub from: Option<Endpoint>,
}

/// Receives one message, without waiting. Where the system has recvmsg(2), that is called; elsewhere `recv_from`, which does
/// it the way of the socket's own type.
///
/// # Errors
///
/// What recvmsg(2) says, [`WouldBlock`](io::ErrorKind::WouldBlock) among it.
///
/// ```
/// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// socket.send_to(b"a message", socket.local_addr()?)?;
/// let mut memory = [0; 4];
/// let read = asyncnet_os::recv_datagram(&socket, &mut memory, |buf| socket.recv_from(buf))?;
/// assert_eq!((&memory, read.len, read.truncated), (b"a me", 4, true));
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(unix)]
pub fn recv_datagram(
    socket: &impl SocketHandle,
    buf: &mut [u8],
    recv_from: impl FnOnce(&mut [u8]) -> io::Result<(usize, SocketAddr)>,
) -> io::Result<DatagramRead> {
    use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags};
    // For systems without this call.
    drop(recv_from);
    let capacity = buf.len();
    let mut bufs = [io::IoSliceMut::new(buf)];
    let mut ancillary = RecvAncillaryBuffer::default();
    let message = rustix::net::recvmsg(&*socket.sock_ref(), &mut bufs, &mut ancillary, RecvFlags::empty())?;
    Ok(DatagramRead {
        len: message.bytes.min(capacity),
        truncated: message.flags.contains(ReturnFlags::TRUNC),
        from: match &message.address {
            Some(address) => endpoint_from_any(address),
            // A Unix socket without a name has no address at all.
            None => (socket.sock_ref().local_addr()?.domain() == Domain::UNIX)
                .then_some(Endpoint::Unix(UnixName::Unnamed)),
        },
    })
}

/// As above.
///
/// # Errors
///
/// What WSARecvFrom says, [`WouldBlock`](io::ErrorKind::WouldBlock) among it.
#[cfg(not(unix))]
pub fn recv_datagram(
    _: &impl SocketHandle,
    buf: &mut [u8],
    recv_from: impl FnOnce(&mut [u8]) -> io::Result<(usize, SocketAddr)>,
) -> io::Result<DatagramRead> {
    /// The message was longer than the memory, which is full of its start.
    const WSAEMSGSIZE: i32 = 10_040;
    /// An earlier message met nobody: for Windows a reset, for everyone else a refusal.
    const WSAECONNRESET: i32 = 10_054;
    let capacity = buf.len();
    match recv_from(buf) {
        Ok((len, from)) => Ok(DatagramRead { len, truncated: false, from: Some(Endpoint::inet(from)) }),
        Err(error) if error.raw_os_error() == Some(WSAEMSGSIZE) => {
            Ok(DatagramRead { len: capacity, truncated: true, from: None })
        }
        Err(error) if error.raw_os_error() == Some(WSAECONNRESET) => {
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, error))
        }
        Err(error) => Err(error),
    }
}

/// Sends one message, without waiting: to an address, or to the one the socket is connected to.
///
/// # Errors
///
/// What sendto(2) says, [`WouldBlock`](io::ErrorKind::WouldBlock) among it.
///
/// ```
/// use asyncnet_core::Endpoint;
///
/// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// let me = Endpoint::inet(socket.local_addr()?);
/// asyncnet_os::send_datagram(&socket, b"hello", Some(&me))?;
/// assert_eq!(socket.recv(&mut [0; 8])?, 5);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn send_datagram(socket: &impl SocketHandle, bytes: &[u8], to: Option<&Endpoint>) -> io::Result<()> {
    let socket = socket.sock_ref();
    // A datagram is sent whole or not at all.
    match to {
        Some(to) => socket.send_to(bytes, &address_on(&socket, to)?).map(drop),
        None => socket.send(bytes).map(drop),
    }
}

/// An endpoint as a socket takes it: one of both families wants IPv4 addresses mapped into IPv6 (RFC 3493, section 3.7).
/// Linux takes them as they are, and is not asked for the socket's family each time.
fn address_on(socket: &socket2::SockRef<'_>, to: &Endpoint) -> io::Result<socket2::SockAddr> {
    if let (false, Endpoint::Inet(SocketAddr::V4(v4))) = (cfg!(target_os = "linux"), to) {
        if socket.local_addr().is_ok_and(|local| local.domain() == Domain::IPV6) {
            return Ok(SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())).into());
        }
    }
    sock_addr(to)
}

/// Sends messages in order, without waiting, as many as the system takes: how many, at least one. One system call on Linux
/// (sendmmsg(2)), elsewhere one for each.
///
/// # Errors
///
/// As [`send_datagram`], for the first of them.
///
/// ```
/// use asyncnet_core::Endpoint;
///
/// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// let me = Endpoint::inet(socket.local_addr()?);
/// assert_eq!(asyncnet_os::send_datagrams(&socket, &[(b"one", Some(&me)), (b"three", Some(&me))])?, 2);
/// assert_eq!((socket.recv(&mut [0; 8])?, socket.recv(&mut [0; 8])?), (3, 5));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn send_datagrams(socket: &impl SocketHandle, batch: &[(&[u8], Option<&Endpoint>)]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    if let Some(sent) = send_at_once(socket, batch) {
        return sent;
    }
    for (sent, (bytes, to)) in batch.iter().enumerate() {
        match send_datagram(socket, bytes, *to) {
            Ok(()) => {}
            Err(_) if sent > 0 => return Ok(sent),
            Err(error) => return Err(error),
        }
    }
    Ok(batch.len())
}

/// The most messages of one call: what the kernel takes (`UIO_MAXIOV`, sendmmsg(2)).
#[cfg(target_os = "linux")]
const BATCH_MAX: usize = 1024;

/// `None` for messages to addresses that are not the internet's.
#[cfg(target_os = "linux")]
fn send_at_once(
    socket: &impl SocketHandle,
    batch: &[(&[u8], Option<&Endpoint>)],
) -> Option<io::Result<usize>> {
    use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny};
    let batch = &batch[..batch.len().min(BATCH_MAX)];
    let addresses: Vec<Option<SocketAddrAny>> = batch
        .iter()
        .map(|(_, to)| {
            to.map(|to| to.as_inet().map(SocketAddrAny::from)).map_or(Some(None), |to| to.map(Some))
        })
        .collect::<Option<_>>()?;
    let texts: Vec<[io::IoSlice<'_>; 1]> = batch.iter().map(|(bytes, _)| [io::IoSlice::new(bytes)]).collect();
    let mut controls: Vec<SendAncillaryBuffer<'_, '_, '_>> =
        batch.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let mut messages: Vec<MMsgHdr<'_>> = texts
        .iter()
        .zip(&mut controls)
        .zip(&addresses)
        .map(|((text, control), to)| match to {
            Some(to) => MMsgHdr::new_with_addr(to, text, control),
            None => MMsgHdr::new(text, control),
        })
        .collect();
    Some(
        rustix::net::sendmmsg(&*socket.sock_ref(), &mut messages, SendFlags::NOSIGNAL)
            .map_err(io::Error::from),
    )
}

/// Sets the address that a datagram socket sends to, and the only one it receives from.
///
/// # Errors
///
/// What connect(2) says.
///
/// ```
/// use asyncnet_core::Endpoint;
///
/// let (one, other) = (std::net::UdpSocket::bind("127.0.0.1:0")?, std::net::UdpSocket::bind("127.0.0.1:0")?);
/// asyncnet_os::connect_datagram(&one, &Endpoint::inet(other.local_addr()?))?;
/// assert_eq!(one.peer_addr()?, other.local_addr()?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn connect_datagram(socket: &impl SocketHandle, to: &Endpoint) -> io::Result<()> {
    let socket = socket.sock_ref();
    socket.connect(&address_on(&socket, to)?)
}

/// Joins a multicast group on the interface of that index; 0 leaves the choice to the system.
///
/// # Errors
///
/// What setsockopt(2) says.
///
/// ```
/// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// assert!(asyncnet_os::join(&socket, "192.0.2.1".parse().unwrap(), 0).is_err(), "not a group");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn join(socket: &impl SocketHandle, group: IpAddr, interface: u32) -> io::Result<()> {
    match group {
        IpAddr::V4(group) => {
            socket.sock_ref().join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface))
        }
        IpAddr::V6(group) => socket.sock_ref().join_multicast_v6(&group, interface),
    }
}

/// Leaves a multicast group.
///
/// # Errors
///
/// What setsockopt(2) says.
///
/// ```
/// let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// assert!(asyncnet_os::leave(&socket, "224.0.0.251".parse().unwrap(), 0).is_err(), "it was not joined");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn leave(socket: &impl SocketHandle, group: IpAddr, interface: u32) -> io::Result<()> {
    match group {
        IpAddr::V4(group) => {
            socket.sock_ref().leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface))
        }
        IpAddr::V6(group) => socket.sock_ref().leave_multicast_v6(&group, interface),
    }
}

#[cfg(unix)]
fn endpoint_from_any(address: &rustix::net::SocketAddrAny) -> Option<Endpoint> {
    use rustix::net::SocketAddrUnix;
    if let Ok(inet) = SocketAddr::try_from(address.clone()) {
        return Some(Endpoint::inet(inet));
    }
    let unix = SocketAddrUnix::try_from(address.clone()).ok()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = unix.abstract_name() {
        return Some(Endpoint::Unix(UnixName::Abstract(name.into())));
    }
    // The NUL that ends the longest path there is would be in it: rustix counts it to a `sun_path` that is full.
    let path =
        unix.path().map(|path| path.to_bytes().split(|&byte| byte == 0).next().unwrap_or_default().into());
    Some(Endpoint::Unix(path.map_or(UnixName::Unnamed, UnixName::Path)))
}

#[cfg(test)]
mod tests {
    use super::{recv_datagram, send_datagram, send_datagrams};
    use crate::{SocketBuilder, local_endpoint};
    use asyncnet_core::Endpoint;
    #[cfg(unix)]
    use asyncnet_core::UnixName;
    use std::io::ErrorKind;
    use std::net::UdpSocket;

    fn bound() -> UdpSocket {
        let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
        SocketBuilder::new().bind_datagram(&any).unwrap().into()
    }

    #[test]
    fn messages_are_whole_and_know_their_sender() {
        let (one, other) = (bound(), bound());
        let to = local_endpoint(&other).unwrap();
        send_datagrams(&one, &[(b"", Some(&to)), (b"four", Some(&to)), (b"longer", Some(&to))]).unwrap();
        let mut buf = [0; 4];
        for (expected, truncated) in [(&b""[..], false), (b"four", false), (b"long", true)] {
            let read = recv_datagram(&other, &mut buf, |buf| other.recv_from(buf)).unwrap();
            assert_eq!((&buf[..read.len], read.truncated), (expected, truncated));
            assert_eq!(read.from, Some(local_endpoint(&one).unwrap()));
        }
        let error = recv_datagram(&other, &mut buf, |buf| other.recv_from(buf)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_message_that_is_too_long_is_not_sent() {
        let socket = bound();
        let me = local_endpoint(&socket).unwrap();
        assert!(send_datagram(&socket, &[0; 65_508], Some(&me)).is_err());
        // The one before it was.
        assert_eq!(send_datagrams(&socket, &[(b"ok", Some(&me)), (&[0; 65_508], Some(&me))]).unwrap(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn unix_messages_know_their_sender() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Endpoint::Unix(crate::unix_name(&folder.path().join(name)).unwrap());
        let one = SocketBuilder::new().bind_datagram(&at("one")).unwrap();
        let other = SocketBuilder::new().bind_datagram(&at("other")).unwrap();
        send_datagram(&one, b"hello", Some(&at("other"))).unwrap();
        let unnamed = std::os::unix::net::UnixDatagram::unbound().unwrap();
        unnamed.send_to(b"anonymous", folder.path().join("other")).unwrap();
        let mut buf = [0; 16];
        let none = |_: &mut [u8]| unreachable!("not on this system");
        let read = recv_datagram(&other, &mut buf, none).unwrap();
        assert_eq!((read.len, read.from), (5, Some(at("one"))));
        let read = recv_datagram(&other, &mut buf, none).unwrap();
        assert_eq!((read.len, read.from), (9, Some(Endpoint::Unix(UnixName::Unnamed))));
        // The longest path there is, too.
        let room = crate::UNIX_PATH_BYTES_MAX - folder.path().as_os_str().len() - 1;
        let longest = at(&"n".repeat(room));
        let third = SocketBuilder::new().bind_datagram(&longest).unwrap();
        send_datagram(&third, b"far", Some(&at("other"))).unwrap();
        let read = recv_datagram(&other, &mut buf, none).unwrap();
        assert_eq!((read.len, read.from), (3, Some(longest)));
        // A batch of them goes out one by one.
        assert_eq!(
            send_datagrams(&one, &[(b"a", Some(&at("other"))), (b"b", Some(&at("other")))]).unwrap(),
            2
        );
    }
}
