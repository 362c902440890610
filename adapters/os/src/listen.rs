//! A listening socket from an address as people write it.

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
        let at = match address.parse()? {
            Address::Host { host, port } if host.is_empty() => {
                let any = Endpoint::Inet((Ipv6Addr::UNSPECIFIED, port).into());
                return Ok((self.listen_any(port)?, any));
            }
            Address::Host { host, .. } => {
                let reason = format!("{host} is a name: listening takes an address of this machine");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
            }
            Address::Inet(address) => Endpoint::Inet(address),
            Address::Unix(name) => Endpoint::Unix(name),
        };
        Ok((self.listen(&at)?, at))
    }
}
