//! A socket before it is connected, listens, or takes datagrams: for options that are to be set, or an address that is to
//! be bound, before.
//!
//! What needs neither has shorter ways: [`dial`](crate::dial), [`Connector`](crate::Connector), [`Net`] itself.
//!
//! Invariant: it becomes one thing, once; what fails closes it, since a socket that failed to connect has no known state.

use crate::datagram::Datagram;
use crate::error::{Error, Operation};
use crate::listener::Listener;
use crate::net::Net;
use crate::options::{SocketOptions, flag_of, setting};
use crate::stream::Stream;
use asyncnet_core::{Endpoint, Flag, OptionName, SocketKind, SocketOption};
use std::{fmt, io};

/// A socket that was opened, as a runtime has it; [`NewSocket`] makes it usable.
///
/// See the skeleton in `asyncnet-conformance` for an implementation to start from.
pub trait OpenSocket: SocketOptions {
    /// Gives it a local address.
    ///
    /// # Errors
    ///
    /// What bind(2) says.
    fn bind(&self, at: &Endpoint) -> io::Result<()>;

    /// Gives it a port of all interfaces of its family; 0 is one that the system chooses.
    ///
    /// # Errors
    ///
    /// What bind(2) says; [`InvalidInput`](io::ErrorKind::InvalidInput) if its family has no ports.
    fn bind_any(&self, port: u16) -> io::Result<()>;

    /// The address it is bound to.
    ///
    /// # Errors
    ///
    /// What getsockname(2) says.
    fn local_endpoint(&self) -> io::Result<Endpoint>;
}

/// A socket that is neither connected nor listening.
///
/// Dropped, it is closed.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::{Flag, NewSocket, SocketKind};
/// use asyncnet_smol::SmolNet;
///
/// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4)?;
/// socket.set_flag(Flag::ReuseAddr, true)?;
/// socket.bind(&asyncnet_driver::Endpoint::Inet("127.0.0.1:0".parse().unwrap()))?;
/// let listener = socket.listen(128)?;
///
/// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4)?;
/// socket.set_flag(Flag::KeepAlive, true)?;
/// let mut stream = socket.connect(&listener.local_endpoint()?).await?;
/// stream.send_line("hello").await?;
/// assert_eq!(listener.accept().await?.recv_line().await?.unwrap(), "hello");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[must_use = "dropped, it is closed"]
pub struct NewSocket<N: Net> {
    net: N,
    socket: N::Socket,
}

impl<N: Net> NewSocket<N> {
    /// Opens a socket, by the name of its kind or the system's numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what socket(2) says; [`Unsupported`](io::ErrorKind::Unsupported) for a kind that there is not.
    ///
    /// ```
    /// use asyncnet_driver::{NewSocket, SocketKind};
    /// use asyncnet_smol::SmolNet;
    ///
    /// # if cfg!(target_os = "linux") {
    /// // AF_INET, SOCK_STREAM, and the protocol that goes with them.
    /// let kind = SocketKind::Raw { domain: 2, socket_type: 1, protocol: 0 };
    /// assert!(NewSocket::open(SmolNet, kind).is_ok());
    /// # }
    /// ```
    #[doc(alias = "socket")]
    pub fn open(net: N, kind: SocketKind) -> Result<Self, Error> {
        let opened = net.open(kind).map_err(|error| Error::io(Operation::Open, error));
        opened.map(|socket| Self { net, socket })
    }

    /// A socket that was opened or taken over elsewhere.
    ///
    /// ```
    /// use asyncnet_driver::{Net, NewSocket, SocketKind};
    /// use asyncnet_smol::SmolNet;
    ///
    /// let socket = SmolNet.open(SocketKind::UdpV4).unwrap();
    /// assert!(NewSocket::new(SmolNet, socket).into_datagram().is_ok());
    /// ```
    pub fn new(net: N, socket: N::Socket) -> Self {
        Self { net, socket }
    }

    /// Gives it a local address, which a Unix socket's file is made for.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what bind(2) says.
    ///
    /// See the example at [`NewSocket`].
    pub fn bind(&self, at: &Endpoint) -> Result<(), Error> {
        self.socket.bind(at).map_err(|error| Error::io_at(Operation::Bind, at, error))
    }

    /// Gives it a port of all interfaces of its family; port 0 is one that the system chooses.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what bind(2) says; [`InvalidInput`](io::ErrorKind::InvalidInput) for a Unix socket.
    ///
    /// ```
    /// use asyncnet_driver::{NewSocket, SocketKind};
    /// use asyncnet_smol::SmolNet;
    ///
    /// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4).unwrap();
    /// socket.bind_any(0).unwrap();
    /// assert!(socket.local_endpoint().unwrap().as_inet().unwrap().ip().is_unspecified());
    /// ```
    pub fn bind_any(&self, port: u16) -> Result<(), Error> {
        self.socket
            .bind_any(port)
            .map_err(|error| Error::io_at(Operation::Bind, format_args!("port {port}"), error))
    }

    /// The address it is bound to.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what getsockname(2) says.
    ///
    /// See the example at [`bind_any`](Self::bind_any).
    #[doc(alias = "local_addr")]
    pub fn local_endpoint(&self) -> Result<Endpoint, Error> {
        Ok(self.socket.local_endpoint()?)
    }

    /// Connects it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what connect(2) says; of kind [`InvalidInput`](io::ErrorKind::InvalidInput) if it is of datagrams:
    /// see [`into_datagram`](Self::into_datagram). It is closed then: the next attempt takes a new one.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it closes the socket.
    ///
    /// See the example at [`NewSocket`].
    pub async fn connect(self, to: &Endpoint) -> Result<Stream<N::Transport>, Error> {
        let connected = self.net.connect_from(self.socket, to).await;
        let transport = connected.map_err(|error| Error::io_at(Operation::Connect, to, error))?;
        Ok(Stream::new(transport).with_peer(to.clone()))
    }

    /// Makes it listen, for at most `backlog` connections that wait to be accepted; systems cut that off, Linux at 4096.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what listen(2) says; of kind [`InvalidInput`](io::ErrorKind::InvalidInput) if it is of datagrams.
    ///
    /// See the example at [`NewSocket`].
    pub fn listen(self, backlog: u32) -> Result<Listener<N::Listener>, Error> {
        let listening = self.net.listen_from(self.socket, backlog);
        listening.map(Listener::new).map_err(|error| Error::io(Operation::Listen, error))
    }

    /// Takes it for datagrams, bound or not.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] of kind [`InvalidInput`](io::ErrorKind::InvalidInput) if it is of streams.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::{Flag, NewSocket, SocketKind};
    /// use asyncnet_smol::SmolNet;
    ///
    /// let socket = NewSocket::open(SmolNet, SocketKind::UdpV4)?;
    /// socket.set_flag(Flag::Broadcast, true)?;
    /// socket.bind(&asyncnet_driver::Endpoint::Inet("127.0.0.1:0".parse().unwrap()))?;
    /// let datagrams = socket.into_datagram()?;
    /// datagrams.send_to(b"to myself", &datagrams.local_endpoint()?).await?;
    /// assert_eq!(datagrams.recv_from_owned(100).await?.0, "to myself");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn into_datagram(self) -> Result<Datagram<N::Datagram>, Error> {
        let datagrams = self.net.datagram_from(self.socket);
        datagrams.map(Datagram::new).map_err(|error| Error::io(Operation::Open, error))
    }

    /// The value of a boolean option of the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what getsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such
    /// option.
    ///
    /// ```
    /// use asyncnet_driver::{Flag, NewSocket, SocketKind};
    /// use asyncnet_smol::SmolNet;
    ///
    /// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4).unwrap();
    /// assert!(!socket.flag(Flag::KeepAlive).unwrap());
    /// ```
    #[doc(alias = "getsockopt")]
    pub fn flag(&self, flag: Flag) -> Result<bool, Error> {
        flag_of(&self.socket, flag)
    }

    /// Sets a boolean option of the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what setsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such
    /// option.
    ///
    /// See the example at [`NewSocket`].
    #[doc(alias = "setsockopt")]
    pub fn set_flag(&self, flag: Flag, on: bool) -> Result<(), Error> {
        setting(&self.socket, SocketOption::Flag(flag, on))
    }

    /// The value of an option of the socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`flag`](Self::flag).
    ///
    /// ```
    /// use asyncnet_driver::{NewSocket, OptionName, SocketKind, SocketOption};
    /// use asyncnet_smol::SmolNet;
    ///
    /// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4).unwrap();
    /// socket.set_option(SocketOption::Ttl(9)).unwrap();
    /// assert_eq!(socket.option(OptionName::Ttl).unwrap(), SocketOption::Ttl(9));
    /// ```
    pub fn option(&self, name: OptionName) -> Result<SocketOption, Error> {
        crate::options::asked(&self.socket, name)
    }

    /// Sets an option of the socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`set_flag`](Self::set_flag).
    ///
    /// See the example at [`option`](Self::option).
    pub fn set_option(&self, option: SocketOption) -> Result<(), Error> {
        setting(&self.socket, option)
    }

    /// Lets processes started later inherit the socket, or not; what it becomes keeps that.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what the system says.
    ///
    /// ```
    /// use asyncnet_driver::{NewSocket, SocketKind};
    /// use asyncnet_smol::SmolNet;
    ///
    /// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4).unwrap();
    /// socket.set_inheritable(true).unwrap();
    /// assert!(socket.is_inheritable().unwrap_or(true)); // Windows does not tell.
    /// ```
    pub fn set_inheritable(&self, on: bool) -> Result<(), Error> {
        Ok(self.socket.set_inheritable(on)?)
    }

    /// Whether processes started later inherit the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with what the system says, and [`Unsupported`](io::ErrorKind::Unsupported) where it cannot be asked.
    ///
    /// See the example at [`set_inheritable`](Self::set_inheritable).
    pub fn is_inheritable(&self) -> Result<bool, Error> {
        Ok(self.socket.is_inheritable()?)
    }

    /// The socket as the runtime has it.
    ///
    /// ```
    /// use asyncnet_driver::{NewSocket, OpenSocket, SocketKind};
    /// use asyncnet_smol::SmolNet;
    ///
    /// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4).unwrap();
    /// assert!(socket.socket().bind_any(0).is_ok());
    /// ```
    pub fn socket(&self) -> &N::Socket {
        &self.socket
    }
}

impl<N: Net<Socket: fmt::Debug>> fmt::Debug for NewSocket<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSocket").field("socket", &self.socket).finish_non_exhaustive()
    }
}
