//! A socket on its own: opened, or taken over from somebody, and not yet a stream, a listener or datagrams of a runtime.
//!
//! Here it gets its options and its address. What it becomes is the adapter's to say, which takes it out again.
//!
//! Invariant: it is a stream or a datagram socket, non-blocking, and close-on-exec unless it was made inheritable.

use crate::endpoint::sock_addr;
use crate::handle::{SocketHandle, adopt, send_at_once};
use asyncnet_core::{Endpoint, SocketKind};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket that is neither connected nor listening, or was just taken over.
///
/// ```
/// use asyncnet_core::{Flag, SocketKind};
/// use asyncnet_os::{NewSocket, local_endpoint, set_flag};
///
/// let socket = NewSocket::open(SocketKind::TcpV4)?;
/// set_flag(&socket, Flag::ReuseAddr, true)?;
/// socket.bind_any(0)?;
/// let listener = socket.listen(128)?;
/// assert!(local_endpoint(&listener)?.as_inet().unwrap().ip().is_unspecified());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct NewSocket {
    socket: Socket,
    domain: Domain,
    datagram: bool,
}

impl NewSocket {
    /// Opens a socket. One of TCP sends small segments at once, as those of a [`SocketBuilder`](crate::SocketBuilder) do.
    ///
    /// # Errors
    ///
    /// What socket(2) says; [`Unsupported`](io::ErrorKind::Unsupported) for a type that is neither of streams nor of
    /// datagrams, for a family that is neither IPv4, IPv6 nor Unix, and for Unix sockets where there are none.
    ///
    /// See the example at [`NewSocket`].
    pub fn open(kind: SocketKind) -> io::Result<Self> {
        let (domain, socket_type, protocol) = numbers(kind)?;
        // Socket::new makes it close-on-exec in the same call wherever the system can.
        let socket = Socket::new(domain, socket_type, protocol)?;
        let new = Self { datagram: is_datagram(&socket)?, domain: known_family(domain)?, socket };
        new.socket.set_nonblocking(true)?;
        if !new.datagram && !new.is_unix() {
            send_at_once(&new.socket);
        }
        Ok(new)
    }

    /// Takes over a socket of somebody else's, or its descriptor: from then on it is non-blocking and close-on-exec. Its
    /// type and its family are asked of the system, not believed.
    ///
    /// # Errors
    ///
    /// What the system says, such as ENOTSOCK for a file; [`Unsupported`](io::ErrorKind::Unsupported) for a type that is
    /// neither of streams nor of datagrams, and for a family that is neither IPv4, IPv6 nor Unix. The socket is closed then.
    ///
    /// ```
    /// use asyncnet_os::NewSocket;
    ///
    /// let theirs = std::net::UdpSocket::bind("127.0.0.1:0")?;
    /// let ours = NewSocket::adopt(theirs)?;
    /// assert!(ours.is_datagram() && !ours.is_unix());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn adopt(socket: impl Into<Socket>) -> io::Result<Self> {
        let socket = socket.into();
        // Before anything is changed: what is refused may be in use elsewhere, by way of another descriptor.
        let datagram = is_datagram(&socket)?;
        let domain = known_family(socket.local_addr()?.domain())?;
        Ok(Self { datagram, domain, socket: adopt(socket)? })
    }

    /// As [`adopt`](Self::adopt), of a socket that is connected and carries a stream.
    ///
    /// # Errors
    ///
    /// As [`adopt`](Self::adopt), and [`NotConnected`](io::ErrorKind::NotConnected): it listens, or has no peer, or not any
    /// more.
    ///
    /// ```
    /// use asyncnet_os::NewSocket;
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let stream = std::net::TcpStream::connect(listener.local_addr()?)?;
    /// assert!(NewSocket::adopt_connected(stream).is_ok());
    /// assert!(NewSocket::adopt_connected(listener).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn adopt_connected(socket: impl Into<Socket>) -> io::Result<Self> {
        let new = Self::adopt(socket)?;
        if !new.datagram {
            new.socket.peer_addr()?;
        }
        Ok(new)
    }

    /// Gives it a local address.
    ///
    /// # Errors
    ///
    /// What bind(2) says; `InvalidInput` and `Unsupported` as [`sock_addr`].
    ///
    /// ```
    /// use asyncnet_core::{Endpoint, SocketKind};
    /// use asyncnet_os::{NewSocket, local_endpoint};
    ///
    /// let socket = NewSocket::open(SocketKind::UdpV4)?;
    /// socket.bind(&Endpoint::Inet("127.0.0.1:0".parse().unwrap()))?;
    /// assert_ne!(local_endpoint(&socket)?.as_inet().unwrap().port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind(&self, local: &Endpoint) -> io::Result<()> {
        self.socket.bind(&sock_addr(local)?)
    }

    /// Gives it a port of all interfaces of its family; port 0 is one that the system chooses.
    ///
    /// # Errors
    ///
    /// What bind(2) says; [`InvalidInput`](io::ErrorKind::InvalidInput) for a Unix socket, which has no ports.
    ///
    /// See the example at [`NewSocket`].
    pub fn bind_any(&self, port: u16) -> io::Result<()> {
        let any = match self.domain {
            Domain::IPV4 => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
            Domain::IPV6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "a socket of this family has no ports",
                ));
            }
        };
        self.bind(&Endpoint::Inet(any))
    }

    /// Makes it listen, for this many connections that wait to be accepted.
    ///
    /// # Errors
    ///
    /// What listen(2) says; [`InvalidInput`](io::ErrorKind::InvalidInput) for a datagram socket.
    ///
    /// See the example at [`NewSocket`].
    pub fn listen(self, backlog: u32) -> io::Result<Socket> {
        let socket = self.into_stream()?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(socket)
    }

    /// Takes the socket out, if it is of streams.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is of datagrams.
    ///
    /// ```
    /// use asyncnet_core::SocketKind;
    /// use asyncnet_os::NewSocket;
    ///
    /// assert!(NewSocket::open(SocketKind::TcpV4)?.into_stream().is_ok());
    /// assert!(NewSocket::open(SocketKind::UdpV4)?.into_stream().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_stream(self) -> io::Result<Socket> {
        if !self.datagram {
            return Ok(self.socket);
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket is of datagrams, not of streams"))
    }

    /// Takes the socket out, if it is of datagrams.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is of streams.
    ///
    /// ```
    /// use asyncnet_core::SocketKind;
    /// use asyncnet_os::NewSocket;
    ///
    /// assert!(NewSocket::open(SocketKind::UdpV4)?.into_datagram().is_ok());
    /// assert!(NewSocket::open(SocketKind::TcpV4)?.into_datagram().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_datagram(self) -> io::Result<Socket> {
        if self.datagram {
            return Ok(self.socket);
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "the socket is of streams, not of datagrams"))
    }

    /// Whether it is of datagrams; else it is of streams.
    ///
    /// See the example at [`adopt`](Self::adopt).
    #[must_use]
    pub fn is_datagram(&self) -> bool {
        self.datagram
    }

    /// Whether it is a Unix socket; else it is of IPv4 or IPv6.
    ///
    /// See the example at [`adopt`](Self::adopt).
    #[must_use]
    pub fn is_unix(&self) -> bool {
        self.domain == Domain::UNIX
    }
}

/// What socket(2) takes.
fn numbers(kind: SocketKind) -> io::Result<(Domain, Type, Option<Protocol>)> {
    Ok(match kind {
        SocketKind::TcpV4 => (Domain::IPV4, Type::STREAM, Some(Protocol::TCP)),
        SocketKind::TcpV6 => (Domain::IPV6, Type::STREAM, Some(Protocol::TCP)),
        SocketKind::UdpV4 => (Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)),
        SocketKind::UdpV6 => (Domain::IPV6, Type::DGRAM, Some(Protocol::UDP)),
        SocketKind::UnixStream | SocketKind::UnixDatagram if cfg!(not(unix)) => {
            return Err(unsupported("Unix sockets are not offered on this platform"));
        }
        SocketKind::UnixStream => (Domain::UNIX, Type::STREAM, None),
        SocketKind::UnixDatagram => (Domain::UNIX, Type::DGRAM, None),
        SocketKind::Raw { domain, socket_type, protocol } => {
            (Domain::from(domain), Type::from(socket_type), Some(Protocol::from(protocol)))
        }
        _ => return Err(unsupported("a socket of this kind is not known here")),
    })
}

fn is_datagram(socket: &Socket) -> io::Result<bool> {
    match socket.r#type()? {
        Type::STREAM => Ok(false),
        Type::DGRAM => Ok(true),
        _ => Err(unsupported("the socket is neither of streams nor of datagrams")),
    }
}

fn known_family(domain: Domain) -> io::Result<Domain> {
    if [Domain::IPV4, Domain::IPV6, Domain::UNIX].contains(&domain) {
        return Ok(domain);
    }
    Err(unsupported("the socket's family is neither IPv4, IPv6 nor Unix"))
}

fn unsupported(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

#[cfg(unix)]
impl std::os::fd::AsFd for NewSocket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for NewSocket {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        self.socket.as_socket()
    }
}

/// Whether processes started later inherit a socket.
///
/// # Errors
///
/// What fcntl(2) says; [`Unsupported`](io::ErrorKind::Unsupported) on Windows, where it can be set and not asked.
///
/// See the example at [`set_inheritable`].
pub fn is_inheritable(socket: &impl SocketHandle) -> io::Result<bool> {
    #[cfg(unix)]
    return Ok(!rustix::io::fcntl_getfd(&*socket.sock_ref())?.contains(rustix::io::FdFlags::CLOEXEC));
    #[cfg(windows)]
    {
        let _ = socket;
        Err(unsupported("this system can be told whether a socket is inherited, not asked"))
    }
}

/// Lets processes started later inherit a socket, or not: fcntl(2), `FD_CLOEXEC`. What is made here is not inherited until
/// then.
///
/// # Errors
///
/// What the system says.
///
/// ```
/// use asyncnet_core::SocketKind;
/// use asyncnet_os::{NewSocket, is_inheritable, set_inheritable};
///
/// let socket = NewSocket::open(SocketKind::TcpV4)?;
/// # #[cfg(unix)]
/// assert!(!is_inheritable(&socket)?);
/// set_inheritable(&socket, true)?;
/// # #[cfg(unix)]
/// assert!(is_inheritable(&socket)?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn set_inheritable(socket: &impl SocketHandle, on: bool) -> io::Result<()> {
    crate::handle::set_inheritable(&socket.sock_ref(), on)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::{NewSocket, is_inheritable};
    use crate::{flag, local_endpoint};
    use asyncnet_core::{Flag, SocketKind};
    use rustix::io::Errno;
    use socket2::{Domain, Socket, Type};
    use std::io::ErrorKind;

    const NAMED: [SocketKind; 6] = [
        SocketKind::TcpV4,
        SocketKind::TcpV6,
        SocketKind::UdpV4,
        SocketKind::UdpV6,
        SocketKind::UnixStream,
        SocketKind::UnixDatagram,
    ];

    #[test]
    fn each_kind_is_what_it_says() {
        for kind in NAMED {
            let Ok(new) = NewSocket::open(kind) else { continue }; // A machine without IPv6.
            let datagram = matches!(kind, SocketKind::UdpV4 | SocketKind::UdpV6 | SocketKind::UnixDatagram);
            assert_eq!(new.is_datagram(), datagram, "{kind:?}");
            assert!(!is_inheritable(&new).unwrap() && new.socket.nonblocking().unwrap(), "{kind:?}");
            if matches!(kind, SocketKind::TcpV4 | SocketKind::TcpV6) {
                assert!(flag(&new, Flag::NoDelay).unwrap());
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn raw_numbers_with_and_without_a_protocol() {
        for (domain, socket_type, protocol, datagram) in [
            (2, 1, 0, false),
            (2, 1, 6, false),
            (2, 2, 0, true),
            (2, 2, 17, true),
            (1, 1, 0, false),
            (1, 2, 0, true),
        ] {
            let new = NewSocket::open(SocketKind::Raw { domain, socket_type, protocol }).unwrap();
            assert_eq!((new.is_unix(), new.is_datagram()), (domain == 1, datagram));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn numbers_that_make_no_socket() {
        let open = |domain, socket_type, protocol| {
            NewSocket::open(SocketKind::Raw { domain, socket_type, protocol }).unwrap_err()
        };
        // SOCK_SEQPACKET of Unix sockets exists, and is neither.
        assert_eq!(open(1, 5, 0).kind(), ErrorKind::Unsupported);
        // AF_NETLINK has datagrams, and addresses that are none of ours.
        assert_eq!(open(16, 2, 0).kind(), ErrorKind::Unsupported);
        assert_eq!(Errno::from_io_error(&open(2, 1, 17)), Some(Errno::PROTONOSUPPORT));
        assert_eq!(Errno::from_io_error(&open(9_999, 1, 0)), Some(Errno::AFNOSUPPORT));
    }

    #[test]
    fn a_family_is_read_back() {
        let unix = std::os::unix::net::UnixDatagram::unbound().unwrap();
        let new = NewSocket::adopt(unix).unwrap();
        assert!(new.is_unix() && new.is_datagram());
        let six = Socket::new(Domain::IPV6, Type::STREAM, None).map(NewSocket::adopt);
        assert!(six.map_or(true, |new| new.is_ok_and(|new| !new.is_unix())), "IPv6, where there is any");
        let file = std::os::fd::OwnedFd::from(tempfile::tempfile().unwrap());
        assert_eq!(Errno::from_io_error(&NewSocket::adopt(file).unwrap_err()), Some(Errno::NOTSOCK));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_not_adopted_is_left_as_it_was() {
        // Messages in order between Unix sockets, and what the kernel talks to programs over.
        for (domain, socket_type) in [(1, 5), (16, 2)] {
            let theirs = Socket::new(Domain::from(domain), Type::from(socket_type), None).unwrap();
            let refused = NewSocket::adopt(theirs.try_clone().unwrap()).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unsupported);
            assert!(!theirs.nonblocking().unwrap(), "{domain} {socket_type}: it does not block any more");
        }
    }

    #[test]
    fn all_interfaces_of_its_family() {
        for (kind, any) in [(SocketKind::TcpV4, "0.0.0.0"), (SocketKind::TcpV6, "::")] {
            let Ok(new) = NewSocket::open(kind) else { continue };
            new.bind_any(0).unwrap();
            assert_eq!(local_endpoint(&new).unwrap().as_inet().unwrap().ip().to_string(), any);
        }
        let unix = NewSocket::open(SocketKind::UnixStream).unwrap();
        assert_eq!(unix.bind_any(0).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn datagrams_do_not_listen() {
        let udp = NewSocket::open(SocketKind::UdpV4).unwrap();
        assert_eq!(udp.listen(1).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
