//! What a library that dials or listens for itself is generic over: one value for a runtime's network.
//!
//! Its asynchronous operations are poll functions or named futures, so that a caller that spawns can write
//! `where N::Connect: Send`.

use crate::datagram::DatagramSocket;
use crate::new_socket::OpenSocket;
use crate::options::SocketOptions;
use crate::transport::{Endpoints, Timer, Transport};
use asyncnet_core::{AcceptFault, BindOptions, Endpoint, SocketKind};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// A runtime's network: how to find, reach and offer addresses.
///
/// ```
/// use asyncnet_driver::{Error, Net, dial};
///
/// /// Asks one question of a line server, on whatever runtime the caller has.
/// async fn ask<N: Net>(net: &N, host: &str, port: u16, question: &str) -> Result<String, Error> {
///     let mut stream = dial(net, host, port).await?;
///     stream.send_line(question).await?;
///     let answer = stream.recv_line().await?.map(|line| line.to_str_lossy().into_owned());
///     stream.close().await?;
///     Ok(answer.unwrap_or_default())
/// }
///
/// # use asyncnet_driver::Listener;
/// # futures_lite::future::block_on(async {
/// let net = asyncnet_smol::SmolNet::default();
/// let listener = Listener::new(net.listen(&"127.0.0.1:0".parse().map(asyncnet_driver::Endpoint::Inet).unwrap())?);
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
/// let serve = async {
///     let mut stream = listener.accept().await?;
///     let name = stream.recv_line().await?.unwrap().to_str_lossy().into_owned();
///     stream.send_line(format!("hello, {name}")).await?;
///     stream.close().await
/// };
/// let (served, answer) = futures_lite::future::zip(serve, ask(&net, "localhost", port, "ann")).await;
/// served?;
/// assert_eq!(answer?, "hello, ann");
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
pub trait Net {
    /// A connected stream socket.
    type Transport: Transport + Endpoints + SocketOptions;
    /// A listening socket.
    type Listener: Accept<Transport = Self::Transport> + SocketOptions;
    /// A datagram socket.
    type Datagram: DatagramSocket + SocketOptions;
    /// A socket that is not connected yet, and does not listen.
    type Socket: OpenSocket;
    /// A clock with an alarm.
    type Timer: Timer + Unpin;
    /// A connection under way.
    type Connect: Future<Output = io::Result<Self::Transport>> + Unpin;
    /// A name being looked up.
    type Resolve: Future<Output = io::Result<Vec<SocketAddr>>> + Unpin;

    /// A timer of its own.
    fn timer(&self) -> Self::Timer;

    /// Looks up the addresses of a host name, off the event loop, in the resolver's order.
    fn resolve(&self, host: &str, port: u16) -> Self::Resolve;

    /// Connects a new socket to one address. Dropping the future closes the socket.
    fn connect(&self, to: &Endpoint) -> Self::Connect;

    /// Binds a new socket as the options say, and listens on it.
    ///
    /// # Errors
    ///
    /// What socket(2), bind(2) and listen(2) say.
    fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<Self::Listener>;

    /// Binds a new datagram socket as the options say.
    ///
    /// # Errors
    ///
    /// What socket(2) and bind(2) say.
    fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<Self::Datagram>;

    /// Opens a socket that is not bound and not connected.
    ///
    /// # Errors
    ///
    /// What socket(2) says; [`Unsupported`](io::ErrorKind::Unsupported) for a kind that there is not.
    fn open(&self, kind: SocketKind) -> io::Result<Self::Socket>;

    /// Connects a socket that was opened. Dropping the future closes it; so does a failure, after which the state of a
    /// socket is not known (POSIX, `connect`).
    fn connect_from(&self, socket: Self::Socket, to: &Endpoint) -> Self::Connect;

    /// Listens on a socket that was opened.
    ///
    /// # Errors
    ///
    /// What listen(2) says.
    fn listen_from(&self, socket: Self::Socket, backlog: u32) -> io::Result<Self::Listener>;

    /// Takes a socket that was opened for datagrams, bound or not.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is of streams.
    fn datagram_from(&self, socket: Self::Socket) -> io::Result<Self::Datagram>;

    /// Binds a new socket and listens on it, with the default options.
    ///
    /// # Errors
    ///
    /// As [`listen_with`](Self::listen_with).
    fn listen(&self, at: &Endpoint) -> io::Result<Self::Listener> {
        self.listen_with(at, &BindOptions::default())
    }

    /// Binds a new datagram socket, with the default options.
    ///
    /// # Errors
    ///
    /// As [`bind_with`](Self::bind_with).
    fn bind(&self, at: &Endpoint) -> io::Result<Self::Datagram> {
        self.bind_with(at, &BindOptions::default())
    }
}

/// A listening socket, as a runtime has it; [`Listener`](crate::Listener) makes it usable from any number of tasks.
///
/// See the skeleton in `asyncnet-conformance` for an implementation to start from.
pub trait Accept {
    /// What an accepted connection is.
    type Transport: Transport + Endpoints;
    /// A clock with an alarm.
    type Timer: Timer + Unpin;

    /// Accepts one connection, with its peer's address. Only the waker of the last call is kept.
    ///
    /// # Errors
    ///
    /// What accept(2) says, but never [`WouldBlock`](io::ErrorKind::WouldBlock): that is `Pending`.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Transport, Endpoint)>>;

    /// What an error of [`poll_accept`](Self::poll_accept) means for the listener.
    fn accept_fault(&self, error: &io::Error) -> AcceptFault;

    /// A timer of its own, for the pauses when descriptors run out.
    fn timer(&self) -> Self::Timer;

    /// The address it is bound to.
    ///
    /// # Errors
    ///
    /// What getsockname(2) says.
    fn local_endpoint(&self) -> io::Result<Endpoint>;
}

/// A network that is somebody else's.
impl<N: Net> Net for &N {
    type Transport = N::Transport;
    type Listener = N::Listener;
    type Datagram = N::Datagram;
    type Socket = N::Socket;
    type Timer = N::Timer;
    type Connect = N::Connect;
    type Resolve = N::Resolve;

    fn timer(&self) -> N::Timer {
        (**self).timer()
    }

    fn resolve(&self, host: &str, port: u16) -> N::Resolve {
        (**self).resolve(host, port)
    }

    fn connect(&self, to: &Endpoint) -> N::Connect {
        (**self).connect(to)
    }

    fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Listener> {
        (**self).listen_with(at, options)
    }

    fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Datagram> {
        (**self).bind_with(at, options)
    }

    fn open(&self, kind: SocketKind) -> io::Result<N::Socket> {
        (**self).open(kind)
    }

    fn connect_from(&self, socket: N::Socket, to: &Endpoint) -> N::Connect {
        (**self).connect_from(socket, to)
    }

    fn listen_from(&self, socket: N::Socket, backlog: u32) -> io::Result<N::Listener> {
        (**self).listen_from(socket, backlog)
    }

    fn datagram_from(&self, socket: N::Socket) -> io::Result<N::Datagram> {
        (**self).datagram_from(socket)
    }

    // A network may have these two of its own.
    fn listen(&self, at: &Endpoint) -> io::Result<N::Listener> {
        (**self).listen(at)
    }

    fn bind(&self, at: &Endpoint) -> io::Result<N::Datagram> {
        (**self).bind(at)
    }
}
