//! Makes stream sockets for an endpoint, with their options set before anybody can connect.
//!
//! They are not listeners or streams of a runtime yet: this ends where the runtime's own type begins.
//!
//! Invariant: what comes from here is non-blocking, and close-on-exec unless
//! [`inheritable`](SocketBuilder::inheritable) was asked for. Close-on-exec is set by the call that makes the
//! socket wherever the system can (not on macOS), so that no process started meanwhile inherits it.

use crate::builder::SocketBuilder;
use crate::connect::{ConnectState, try_connect};
use crate::endpoint::sock_addr;
use crate::handle::set_inheritable;
use asyncnet_core::{Endpoint, Flag};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

impl SocketBuilder {
    /// A socket that listens at an endpoint.
    ///
    /// The file of a Unix listener stays when it is closed; see [`remove_stale`](Self::remove_stale).
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::{SocketBuilder, local_endpoint};
    ///
    /// let listener = SocketBuilder::new().listen(&Endpoint::inet("127.0.0.1:0".parse().unwrap()))?;
    /// assert_ne!(local_endpoint(&listener)?.as_inet().unwrap().port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the system answers, such as `AddrInUse`; `InvalidInput` and `Unsupported` as [`sock_addr`].
    pub fn listen(&self, local: &Endpoint) -> io::Result<Socket> {
        let address = sock_addr(local)?;
        let socket = self.open(address.domain(), true)?;
        self.bind_named(&socket, local, &address)?;
        socket.listen(self.backlog)?;
        Ok(socket)
    }

    /// A socket that listens on a port of all interfaces, for an [`Address::Host`](crate::Address::Host) without a host.
    ///
    /// One IPv6 socket serves both families, unless [`only_v6`](Self::only_v6) says otherwise. Where the system
    /// has no IPv6, or no sockets for both (OpenBSD), it is an IPv4 socket.
    ///
    /// ```
    /// use asyncnet_os::{SocketBuilder, local_endpoint};
    ///
    /// let listener = SocketBuilder::new().listen_any(0)?;
    /// let port = local_endpoint(&listener)?.as_inet().unwrap().port();
    /// std::net::TcpStream::connect(("127.0.0.1", port))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the system answers, such as `AddrInUse`.
    pub fn listen_any(&self, port: u16) -> io::Result<Socket> {
        self.on_any(port, Self::listen)
    }

    /// A socket at a port of all interfaces, of both families if that can be had.
    pub(crate) fn on_any(
        &self,
        port: u16,
        bind: impl Fn(&Self, &Endpoint) -> io::Result<Socket>,
    ) -> io::Result<Socket> {
        let v6 = Endpoint::inet(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
        if self.only_v6 == Some(true) {
            return bind(self, &v6);
        }
        match bind(&self.clone().only_v6(false), &v6) {
            // These two are about the port, and another family does not mend them.
            Err(error)
                if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) =>
            {
                bind(self, &Endpoint::inet(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))))
            }
            result => result,
        }
    }

    /// A socket that can connect to an endpoint, and has not begun to.
    ///
    /// It is for runtimes that connect by themselves; [`start_connect`](Self::start_connect) goes one step further.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let remote = Endpoint::inet("192.0.2.1:25".parse().unwrap());
    /// let socket = SocketBuilder::new().open_stream(&remote)?;
    /// assert!(socket.peer_addr().is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the system answers; `InvalidInput` when the local endpoint to bind is of another family;
    /// `InvalidInput` and `Unsupported` as [`sock_addr`].
    pub fn open_stream(&self, remote: &Endpoint) -> io::Result<Socket> {
        let domain = sock_addr(remote)?.domain();
        let local = self.local.as_ref().map(sock_addr).transpose()?;
        if local.as_ref().is_some_and(|local| local.domain() != domain) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the local endpoint is of another address family than the remote one",
            ));
        }
        let socket = self.open(domain, false)?;
        if let Some(local) = local {
            socket.bind(&local)?;
        }
        Ok(socket)
    }

    /// A socket on its way to an endpoint, and how far it has come.
    ///
    /// [`ConnectState`] says what comes next.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::{ConnectState, SocketBuilder};
    ///
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let remote = Endpoint::inet(listener.local_addr()?);
    /// let (_socket, state) = SocketBuilder::new().start_connect(&remote)?;
    /// assert!(matches!(state, ConnectState::Connected | ConnectState::InProgress));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`open_stream`](Self::open_stream) and [`try_connect`].
    pub fn start_connect(&self, remote: &Endpoint) -> io::Result<(Socket, ConnectState)> {
        let socket = self.open_stream(remote)?;
        let state = try_connect(&socket, remote)?;
        Ok((socket, state))
    }

    fn open(&self, domain: Domain, listener: bool) -> io::Result<Socket> {
        let socket = new_stream(domain)?;
        if self.inheritable {
            set_inheritable(&socket, true)?;
        }
        // Before connect and listen, because the window scale is settled in the handshake (RFC 7323, section 2.2).
        if let Some(bytes) = self.recv_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer_bytes {
            socket.set_send_buffer_size(bytes)?;
        }
        if domain == Domain::UNIX {
            return Ok(socket);
        }
        if self.keepalive {
            socket.set_keepalive(true)?;
        }
        if self.nodelay {
            socket.set_tcp_nodelay(true)?;
        }
        if !cfg!(windows) && self.reuse_address.unwrap_or(listener) {
            socket.set_reuse_address(true)?;
        }
        if self.reuse_port {
            crate::option::set_flag(&socket, Flag::ReusePort, true)?;
        }
        if domain == Domain::IPV6 {
            if let Some(only_v6) = self.only_v6 {
                socket.set_only_v6(only_v6)?;
            }
        }
        Ok(socket)
    }

    #[cfg(unix)]
    pub(crate) fn bind_named(&self, socket: &Socket, local: &Endpoint, address: &SockAddr) -> io::Result<()> {
        let path = match local {
            Endpoint::Unix(name) => crate::endpoint::unix_path(name),
            _ => None,
        };
        match (socket.bind(address), path) {
            (Err(error), Some(path)) if self.remove_stale && error.kind() == io::ErrorKind::AddrInUse => {
                if !crate::stale::remove(path)? {
                    return Err(error);
                }
                socket.bind(address)?;
            }
            (Err(error), Some(_)) if error.kind() == io::ErrorKind::AddrInUse => {
                let why =
                    format!("{error}; if nobody listens there any more, remove_stale takes the file over");
                return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
            }
            (result, _) => result?,
        }
        match (path, self.mode) {
            (Some(path), Some(mode)) => crate::stale::set_mode(path, mode),
            _ => Ok(()),
        }
    }

    #[cfg(windows)]
    pub(crate) fn bind_named(&self, socket: &Socket, _: &Endpoint, address: &SockAddr) -> io::Result<()> {
        socket.bind(address)
    }
}

fn new_stream(domain: Domain) -> io::Result<Socket> {
    // `SOCK_NONBLOCK` saves two system calls where it exists. Close-on-exec is `Socket::new`'s own work.
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "illumos",
        target_os = "linux",
        target_os = "netbsd",
        target_os = "openbsd",
    ))]
    return Socket::new(domain, Type::STREAM.nonblocking(), None);
    #[cfg(not(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "illumos",
        target_os = "linux",
        target_os = "netbsd",
        target_os = "openbsd",
    )))]
    {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use crate::{SocketBuilder, local_endpoint, unix_name};
    use asyncnet_core::{Endpoint, UnixName};
    use rustix::io::{FdFlags, fcntl_getfd};
    use socket2::Socket;
    use std::io;
    use std::net::TcpStream;

    fn inet(text: &str) -> Endpoint {
        Endpoint::inet(text.parse().unwrap())
    }

    fn check_flags(socket: &Socket, inheritable: bool) {
        assert!(socket.nonblocking().unwrap());
        assert_eq!(fcntl_getfd(socket).unwrap().contains(FdFlags::CLOEXEC), !inheritable);
    }

    #[test]
    fn every_socket_is_non_blocking_and_inherited_only_on_request() {
        let directory = tempfile::tempdir().unwrap();
        for (at, inheritable) in [("one", false), ("two", true)] {
            let unix = Endpoint::Unix(unix_name(&directory.path().join(at)).unwrap());
            let builder = SocketBuilder::new().inheritable(inheritable);
            for endpoint in [inet("127.0.0.1:0"), unix] {
                check_flags(&builder.listen(&endpoint).unwrap(), inheritable);
                check_flags(&builder.open_stream(&endpoint).unwrap(), inheritable);
            }
        }
    }

    #[test]
    fn options_are_set_where_the_family_has_them() {
        let builder = SocketBuilder::new()
            .nodelay(false)
            .keepalive(true)
            .only_v6(true)
            .recv_buffer_bytes(16_384)
            .send_buffer_bytes(16_384);
        let plain = SocketBuilder::new().open_stream(&inet("127.0.0.1:0")).unwrap();
        assert!(plain.tcp_nodelay().unwrap() && !plain.keepalive().unwrap());

        let tcp = builder.open_stream(&inet("127.0.0.1:0")).unwrap();
        assert!(!tcp.tcp_nodelay().unwrap() && tcp.keepalive().unwrap());
        for size in [tcp.recv_buffer_size().unwrap(), tcp.send_buffer_size().unwrap()] {
            assert!((16_384..=32_768).contains(&size), "{size}");
        }
        if let Ok(v6) = builder.open_stream(&inet("[::1]:0")) {
            assert!(v6.only_v6().unwrap());
        }
        let name = UnixName::Path(Box::from(&b"/nowhere"[..]));
        let unix = builder.open_stream(&Endpoint::Unix(name)).unwrap();
        assert!(!unix.keepalive().unwrap());
    }

    #[test]
    fn a_listener_reuses_its_address_and_a_connection_does_not() {
        let any = inet("127.0.0.1:0");
        let reuse = |builder: SocketBuilder| {
            let (listener, stream) = (builder.listen(&any).unwrap(), builder.open_stream(&any).unwrap());
            (listener.reuse_address().unwrap(), stream.reuse_address().unwrap())
        };
        assert_eq!(reuse(SocketBuilder::new()), (true, false));
        assert_eq!(reuse(SocketBuilder::new().reuse_address(true)), (true, true));
        assert_eq!(reuse(SocketBuilder::new().reuse_address(false)), (false, false));
    }

    #[test]
    fn a_port_in_use_stays_in_use() {
        let listener = SocketBuilder::new().listen(&inet("127.0.0.1:0")).unwrap();
        let bound = local_endpoint(&listener).unwrap();
        let second = SocketBuilder::new().listen(&bound).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn all_interfaces_are_both_families() {
        let listener = SocketBuilder::new().listen_any(0).unwrap();
        let bound = local_endpoint(&listener).unwrap().as_inet().unwrap();
        TcpStream::connect(("127.0.0.1", bound.port())).unwrap();
        if bound.is_ipv6() {
            TcpStream::connect(("::1", bound.port())).unwrap();
        }
        let second = SocketBuilder::new().listen_any(bound.port()).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_connection_from_a_chosen_endpoint() {
        let listener = SocketBuilder::new().listen(&inet("127.0.0.1:0")).unwrap();
        let remote = local_endpoint(&listener).unwrap();
        let local = inet("127.0.0.1:0");
        let socket = SocketBuilder::new().bind_local(local.clone()).open_stream(&remote).unwrap();
        let bound = local_endpoint(&socket).unwrap().as_inet().unwrap();
        assert!(bound.ip().is_loopback() && bound.port() != 0);

        let other = SocketBuilder::new().bind_local(local).open_stream(&inet("[::1]:25")).unwrap_err();
        assert_eq!(other.kind(), io::ErrorKind::InvalidInput);
        assert!(other.to_string().contains("family"), "{other}");
    }

    #[test]
    fn the_largest_backlog_fits() {
        let builder = SocketBuilder::new().backlog(u32::MAX);
        assert_eq!(builder.backlog, i32::MAX);
        builder.listen(&inet("127.0.0.1:0")).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_abstract_name_leaves_no_file() {
        let name = format!("asyncnet-os-test-{}", std::process::id());
        let endpoint = Endpoint::Unix(UnixName::Abstract(name.into_bytes().into()));
        for _ in 0..2 {
            let listener = SocketBuilder::new().listen(&endpoint).unwrap();
            assert_eq!(local_endpoint(&listener).unwrap(), endpoint);
        }
    }
}
