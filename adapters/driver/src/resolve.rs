//! Another resolver for a network: one that caches, asks over TLS, reads a table, or answers in a test.
//!
//! It is given names only: what is an IP address already is dialed as it is. In which order and how fast its answer is
//! tried is not its business, nor is how long it may take: see [`DialTimes`](crate::DialTimes).

use crate::net::Net;
use asyncnet_core::{BindOptions, Endpoint, SocketKind};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// Looks up the addresses of host names.
///
/// A function of a host and a port is one: see the example at [`WithResolver`].
///
/// ```
/// use asyncnet_driver::Resolve;
/// use std::collections::HashMap;
/// use std::future::{Ready, ready};
/// use std::io;
/// use std::net::{IpAddr, SocketAddr};
///
/// struct Table(HashMap<String, IpAddr>);
///
/// impl Resolve for Table {
///     type Lookup = Ready<io::Result<Vec<SocketAddr>>>;
///
///     fn resolve(&self, host: &str, port: u16) -> Self::Lookup {
///         ready(match self.0.get(host) {
///             Some(&ip) => Ok(vec![(ip, port).into()]),
///             None => Err(io::Error::new(io::ErrorKind::NotFound, "not in the table")),
///         })
///     }
/// }
///
/// # futures_lite::future::block_on(async {
/// let table = Table(HashMap::from([("mail".to_owned(), "192.0.2.1".parse().unwrap())]));
/// assert_eq!(table.resolve("mail", 25).await.unwrap(), ["192.0.2.1:25".parse().unwrap()]);
/// # })
/// ```
pub trait Resolve {
    /// A name being looked up. Dropping it gives it up.
    type Lookup: Future<Output = io::Result<Vec<SocketAddr>>> + Unpin;

    /// Looks up the addresses of a host name, in the order of preference. What they carry as their port is dialed.
    fn resolve(&self, host: &str, port: u16) -> Self::Lookup;
}

impl<F, L> Resolve for F
where
    F: Fn(&str, u16) -> L,
    L: Future<Output = io::Result<Vec<SocketAddr>>>,
{
    type Lookup = Pin<Box<L>>;

    fn resolve(&self, host: &str, port: u16) -> Self::Lookup {
        Box::pin(self(host, port))
    }
}

/// A network with another resolver: everything else is that of the network below, its types too.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::{WithResolver, dial};
/// use asyncnet_smol::SmolNet;
///
/// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
///
/// // Every name is this machine.
/// let net = WithResolver::new(SmolNet, |_: &str, port: u16| async move { Ok(vec![([127, 0, 0, 1], port).into()]) });
/// let stream: asyncnet_smol::Stream = dial(&net, "mail.example.org", port).await?;
/// assert_eq!(stream.peer_endpoint()?, listener.local_endpoint()?);
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct WithResolver<N, R> {
    net: N,
    resolver: R,
}

impl<N: Net, R: Resolve> WithResolver<N, R> {
    /// A network that asks `resolver` for its names.
    ///
    /// See the example at [`WithResolver`].
    pub fn new(net: N, resolver: R) -> Self {
        Self { net, resolver }
    }

    /// The network below.
    ///
    /// ```
    /// use asyncnet_driver::{Net, WithResolver};
    ///
    /// let nobody = |_: &str, _: u16| std::future::ready(Ok(Vec::new()));
    /// let net = WithResolver::new(asyncnet_smol::SmolNet, nobody);
    /// # futures_lite::future::block_on(async {
    /// assert!(net.resolve("localhost", 1).await.unwrap().is_empty());
    /// assert!(!net.net().resolve("localhost", 1).await.unwrap().is_empty());
    /// # })
    /// ```
    pub fn net(&self) -> &N {
        &self.net
    }
}

impl<N: Net, R: Resolve> Net for WithResolver<N, R> {
    type Transport = N::Transport;
    type Listener = N::Listener;
    type Datagram = N::Datagram;
    type Socket = N::Socket;
    type Timer = N::Timer;
    type Connect = N::Connect;
    type Resolve = R::Lookup;

    fn timer(&self) -> N::Timer {
        self.net.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> R::Lookup {
        self.resolver.resolve(host, port)
    }

    fn connect(&self, to: &Endpoint) -> N::Connect {
        self.net.connect(to)
    }

    fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Listener> {
        self.net.listen_with(at, options)
    }

    fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Datagram> {
        self.net.bind_with(at, options)
    }

    fn open(&self, kind: SocketKind) -> io::Result<N::Socket> {
        self.net.open(kind)
    }

    fn connect_from(&self, socket: N::Socket, to: &Endpoint) -> N::Connect {
        self.net.connect_from(socket, to)
    }

    fn listen_from(&self, socket: N::Socket, backlog: u32) -> io::Result<N::Listener> {
        self.net.listen_from(socket, backlog)
    }

    fn datagram_from(&self, socket: N::Socket) -> io::Result<N::Datagram> {
        self.net.datagram_from(socket)
    }

    // A network may have these two of its own.
    fn listen(&self, at: &Endpoint) -> io::Result<N::Listener> {
        self.net.listen(at)
    }

    fn bind(&self, at: &Endpoint) -> io::Result<N::Datagram> {
        self.net.bind(at)
    }
}
