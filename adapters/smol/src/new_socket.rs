//! Sockets that are not the runtime's yet: opened, or taken over.

use crate::datagram::SmolDatagram;
use crate::net::SmolListener;
use crate::transport::SmolTransport;
use asyncnet_driver::{Endpoint, OpenSocket, OptionName, SocketOption, SocketOptions};
use asyncnet_os::NewSocket;
use asyncnet_os::socket2::Socket;
use std::io;

/// A socket that is neither connected nor listening, and that the runtime does not know yet.
///
/// See the example at [`NewSocket`](crate::NewSocket), which makes it usable.
#[derive(Debug)]
pub struct SmolSocket(pub(crate) NewSocket);

impl SmolSocket {
    /// Takes over a socket of the standard library's, or a descriptor, that is not connected: it is made non-blocking and
    /// close-on-exec, and its type and family are asked of the system.
    ///
    /// # Errors
    ///
    /// What the system says; [`Unsupported`](io::ErrorKind::Unsupported) if it is not of streams or datagrams of IPv4, IPv6
    /// or Unix.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_smol::{NewSocket, SmolNet, SmolSocket};
    ///
    /// let theirs = std::net::UdpSocket::bind("127.0.0.1:0")?;
    /// let ours = NewSocket::new(SmolNet, SmolSocket::adopt(theirs)?).into_datagram()?;
    /// ours.send_to(b"to myself", &ours.local_endpoint()?).await?;
    /// assert_eq!(ours.recv_from_owned(100).await?.0, "to myself");
    /// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
    /// ```
    pub fn adopt(socket: impl Into<Socket>) -> io::Result<Self> {
        NewSocket::adopt(socket).map(Self)
    }
}

impl OpenSocket for SmolSocket {
    fn bind(&self, at: &Endpoint) -> io::Result<()> {
        self.0.bind(at)
    }

    fn bind_any(&self, port: u16) -> io::Result<()> {
        self.0.bind_any(port)
    }

    fn local_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::local_endpoint(&self.0)
    }
}

impl SocketOptions for SmolSocket {
    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        asyncnet_os::option(&self.0, name)
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        asyncnet_os::set_option(&self.0, option)
    }

    fn is_inheritable(&self) -> io::Result<bool> {
        asyncnet_os::is_inheritable(&self.0)
    }

    fn set_inheritable(&self, on: bool) -> io::Result<()> {
        asyncnet_os::set_inheritable(&self.0, on)
    }
}

impl SmolTransport {
    /// Takes over a connected socket of the standard library's, or its descriptor: it is made non-blocking and
    /// close-on-exec, and its type and family are asked of the system.
    ///
    /// # Errors
    ///
    /// What the system says; [`InvalidInput`](io::ErrorKind::InvalidInput) or [`Unsupported`](io::ErrorKind::Unsupported) if
    /// it is no stream of IPv4, IPv6 or Unix; [`NotConnected`](io::ErrorKind::NotConnected) if it listens, or has no peer.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_smol::{Stream, SmolTransport};
    ///
    /// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
    /// let theirs = std::net::TcpStream::connect(listener.local_endpoint()?.as_inet().unwrap())?;
    /// let mut ours = Stream::new(SmolTransport::adopt(theirs)?);
    /// ours.send_line("hello").await?;
    /// assert_eq!(listener.accept().await?.recv_line().await?.unwrap(), "hello");
    /// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
    /// ```
    pub fn adopt(socket: impl Into<Socket>) -> io::Result<Self> {
        let socket = NewSocket::adopt_connected(socket)?;
        let unix = socket.is_unix();
        crate::net::adopt(socket.into_stream()?, unix).map(Self::from)
    }
}

impl SmolListener {
    /// Takes over a listening socket of the standard library's, or its descriptor, such as one that a service manager
    /// opened: it is made non-blocking and close-on-exec, and its type and family are asked of the system.
    ///
    /// # Errors
    ///
    /// What the system says; [`InvalidInput`](io::ErrorKind::InvalidInput) if it does not listen, where the system tells.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_smol::{Listener, SmolListener};
    ///
    /// let theirs = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let ours = Listener::new(SmolListener::adopt(theirs)?);
    /// let _peer = std::net::TcpStream::connect(ours.local_endpoint()?.as_inet().unwrap())?;
    /// assert!(ours.accept().await.is_ok());
    /// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
    /// ```
    pub fn adopt(socket: impl Into<Socket>) -> io::Result<Self> {
        let socket = NewSocket::adopt(asyncnet_os::adopt_listener(socket)?)?;
        let unix = socket.is_unix();
        Self::new(socket.into_stream()?, unix, None)
    }
}

impl SmolDatagram {
    /// Takes over a datagram socket of the standard library's, or its descriptor: it is made non-blocking and
    /// close-on-exec, and its type and family are asked of the system.
    ///
    /// # Errors
    ///
    /// What the system says; [`InvalidInput`](io::ErrorKind::InvalidInput) or [`Unsupported`](io::ErrorKind::Unsupported) if
    /// it is not of datagrams of IPv4, IPv6 or Unix.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_smol::{Datagram, SmolDatagram};
    ///
    /// let ours = Datagram::new(SmolDatagram::adopt(std::net::UdpSocket::bind("127.0.0.1:0")?)?);
    /// ours.send_to(b"to myself", &ours.local_endpoint()?).await?;
    /// assert_eq!(ours.recv_from_owned(100).await?.0, "to myself");
    /// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
    /// ```
    pub fn adopt(socket: impl Into<Socket>) -> io::Result<Self> {
        let socket = NewSocket::adopt(socket)?;
        let unix = socket.is_unix();
        Self::new(socket.into_datagram()?, unix, None)
    }
}
