//! From an address on the command line to a listener, or to a datagram socket.

use crate::program::Failure;
use asyncnet_driver::{Accept, Datagram, DatagramSocket, Endpoint, Limits, Listener, Net};
use asyncnet_os::Address;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
#[cfg(unix)]
use std::path::PathBuf;

/// A listener, where it listens, and the file that goes away with it.
#[derive(Debug)]
pub struct Offered<L: Accept> {
    /// The listener.
    pub listener: Listener<L>,
    /// Where it is bound: with the port that the system chose, if it was 0.
    pub at: Endpoint,
    /// The socket's file, which closing it would leave behind (unix(7)). `None` for TCP and for abstract names.
    #[cfg(unix)]
    pub file: Option<SocketFile>,
}

/// A datagram socket, where it is bound, and the file that goes away with it.
#[derive(Debug)]
pub struct Bound<D: DatagramSocket> {
    /// The socket.
    pub socket: Datagram<D>,
    /// Where it is bound: with the port that the system chose, if it was 0.
    pub at: Endpoint,
    /// The socket's file, as in [`Offered`].
    #[cfg(unix)]
    pub file: Option<SocketFile>,
}

/// The file of a Unix socket that this process made: dropping this removes it.
#[cfg(unix)]
#[derive(Debug)]
pub struct SocketFile(PathBuf);

#[cfg(unix)]
impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to do about the rest.
        std::fs::remove_file(&self.0).ok();
    }
}

/// Listens on an address of this machine. A name is looked up, and its first address that can be listened on is taken.
///
/// # Errors
///
/// The name is not known, or what bind(2) and listen(2) say; the message names the address.
///
/// ```
/// use asyncnet_driver::Limits;
/// use asyncnet_examples::address::listen;
/// use asyncnet_smol::SmolNet;
///
/// # futures_lite::future::block_on(async {
/// let offered = listen(&SmolNet, &"127.0.0.1:0".parse()?, Limits::default()).await?;
/// assert_ne!(offered.at.as_inet().unwrap().port(), 0);
///
/// let again = listen(&SmolNet, &offered.at.to_string().parse()?, Limits::default()).await;
/// assert!(again.unwrap_err().to_string().starts_with(&format!("cannot listen on {}: ", offered.at)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub async fn listen<N: Net>(
    net: &N,
    address: &Address,
    limits: Limits,
) -> Result<Offered<N::Listener>, Failure> {
    let failed = cannot("listen on", address);
    let socket = first(endpoints(net, address).await.map_err(&failed)?, |at| net.listen(at));
    let listener = Listener::with_limits(socket.map_err(&failed)?, limits);
    Ok(Offered {
        #[cfg(unix)]
        file: socket_file(address),
        at: listener.local_endpoint().map_err(|error| failed(error.into()))?,
        listener,
    })
}

/// Binds a datagram socket to an address of this machine: UDP, or Unix. A name is looked up, and its first address that
/// can be bound to is taken.
///
/// # Errors
///
/// The name is not known, or what bind(2) says; the message names the address.
///
/// ```
/// use asyncnet_examples::address::bind;
/// use asyncnet_smol::SmolNet;
///
/// # futures_lite::future::block_on(async {
/// let bound = bind(&SmolNet, &"127.0.0.1:0".parse()?).await?;
/// assert_ne!(bound.at.as_inet().unwrap().port(), 0);
///
/// let again = bind(&SmolNet, &bound.at.to_string().parse()?).await;
/// assert!(again.unwrap_err().to_string().starts_with(&format!("cannot bind to {}: ", bound.at)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub async fn bind<N: Net>(net: &N, address: &Address) -> Result<Bound<N::Datagram>, Failure> {
    let failed = cannot("bind to", address);
    let socket = first(endpoints(net, address).await.map_err(&failed)?, |at| net.bind(at));
    let socket = Datagram::new(socket.map_err(&failed)?);
    Ok(Bound {
        #[cfg(unix)]
        file: socket_file(address),
        at: socket.local_endpoint().map_err(|error| failed(error.into()))?,
        socket,
    })
}

/// Says what could not be done with an address.
fn cannot(what: &str, address: &Address) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::new(format!("cannot {what} {address}"), explain(address, error))
}

/// The first socket that can be made, or why the last could not.
fn first<S>(addresses: Vec<Endpoint>, make: impl Fn(&Endpoint) -> io::Result<S>) -> io::Result<S> {
    let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    for at in addresses {
        result = make(&at);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// What an address may stand for, best first.
async fn endpoints<N: Net>(net: &N, address: &Address) -> io::Result<Vec<Endpoint>> {
    match address {
        // All interfaces. A socket of IPv6 takes both families where the system does not say otherwise.
        Address::Host { host, port } if host.is_empty() => Ok(vec![
            Endpoint::Inet((Ipv6Addr::UNSPECIFIED, *port).into()),
            Endpoint::Inet((Ipv4Addr::UNSPECIFIED, *port).into()),
        ]),
        Address::Host { host, port } => {
            Ok(net.resolve(host, *port).await?.into_iter().map(Endpoint::inet).collect())
        }
        _ => Ok(address.endpoint().into_iter().collect()),
    }
}

/// A Unix socket's file may be of a server that ended without removing it, which its error does not say.
fn explain(address: &Address, error: io::Error) -> io::Error {
    match address {
        Address::Unix(_) if error.kind() == io::ErrorKind::AddrInUse => {
            io::Error::new(error.kind(), format!("{error}: if no server is running there, remove the file"))
        }
        _ => error,
    }
}

#[cfg(unix)]
fn socket_file(address: &Address) -> Option<SocketFile> {
    match address {
        Address::Unix(name) => Some(SocketFile(asyncnet_os::unix_path(name)?.to_owned())),
        _ => None,
    }
}
