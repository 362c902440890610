//! Listening and datagram sockets from an address as people write it.

use crate::address::Address;
use crate::builder::SocketBuilder;
use asyncnet_core::Endpoint;
use socket2::Socket;
use std::io;
use std::net::Ipv6Addr;

impl SocketBuilder {
    /// Listens on an address as people write it: `127.0.0.1:0`, `[::1]:25`, `:25` (all interfaces), `unix:/path`.
    /// With the socket comes what it was bound to, a port of 0 as it was written.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is no address, or a host name, which would have to be looked up; what bind(2) and
    /// listen(2) say.
    ///
    /// ```
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let (socket, _) = SocketBuilder::new().listen_on("127.0.0.1:0")?;
    /// assert!(asyncnet_os::local_endpoint(&socket)?.as_inet().is_some());
    /// let error = SocketBuilder::new().listen_on("localhost:25").unwrap_err();
    /// assert_eq!(error.to_string(), "localhost is a name: listening takes an address of this machine");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn listen_on(&self, address: &str) -> io::Result<(Socket, Endpoint)> {
        let at = local_address(address)?;
        match address.parse()? {
            Address::Host { port, .. } => Ok((self.listen_any(port)?, at)),
            _ => Ok((self.listen(&at)?, at)),
        }
    }

    /// Binds a datagram socket to an address as people write it, as [`listen_on`](Self::listen_on) does a listener: that of
    /// `:port` takes both families, unless [`only_v6`](Self::only_v6) says otherwise or the system has no IPv6.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is no address, or a host name; what bind(2) says.
    ///
    /// ```
    /// use asyncnet_os::{SocketBuilder, local_endpoint};
    ///
    /// let (socket, _) = SocketBuilder::new().bind_datagram_on(":0")?;
    /// let port = local_endpoint(&socket)?.as_inet().unwrap().port();
    /// let peer = std::net::UdpSocket::bind("127.0.0.1:0")?;
    /// assert_eq!(peer.send_to(b"over IPv4", ("127.0.0.1", port))?, 9);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind_datagram_on(&self, address: &str) -> io::Result<(Socket, Endpoint)> {
        let at = local_address(address)?;
        let socket = match address.parse()? {
            Address::Host { port, .. } => self.on_any(port, Self::bind_datagram)?,
            _ => self.bind_datagram(&at)?,
        };
        Ok((socket, at))
    }
}

/// An address of this machine as people write it: `127.0.0.1:0`, `[::1]:53`, `:53` (all interfaces, as IPv6), `unix:/path`.
///
/// # Errors
///
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is none, or a host name, which has to be looked up before.
///
/// ```
/// assert!(asyncnet_os::local_address("127.0.0.1:0").is_ok());
/// assert!(asyncnet_os::local_address("example.org:53").is_err());
/// ```
pub fn local_address(address: &str) -> io::Result<Endpoint> {
    match address.parse()? {
        Address::Host { host, port } if host.is_empty() => {
            Ok(Endpoint::Inet((Ipv6Addr::UNSPECIFIED, port).into()))
        }
        Address::Host { host, .. } => {
            let reason = format!("{host} is a name: listening takes an address of this machine");
            Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
        }
        Address::Inet(address) => Ok(Endpoint::Inet(address)),
        Address::Unix(name) => Ok(Endpoint::Unix(name)),
    }
}
