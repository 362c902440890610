//! The short ways: reach an address, offer one.

use crate::datagram::SmolDatagram;
use crate::net::{SmolListener, SmolNet, is_unix, own_file};
use crate::{Datagram, Listener, Stream, TlsListener};
use async_io::Async;
use asyncnet_driver::tls::rustls::{ClientConfig, ServerConfig};
use asyncnet_driver::{BindOptions, Connector, Endpoint, Error, Net, Operation};
use asyncnet_os::{Address, SocketBuilder};
use std::io;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;

/// Connects to a host by name or address over TCP; see [`asyncnet_driver::dial`].
///
/// # Errors
///
/// [`Error::Dial`] with every address that was tried and why it failed.
///
/// # Cancel safety
///
/// Dropped, it closes its sockets.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
/// let stream = asyncnet_smol::dial("localhost", port).await?;
/// assert_eq!(stream.peer_endpoint()?, listener.local_endpoint()?);
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub async fn dial(host: &str, port: u16) -> Result<Stream, Error> {
    asyncnet_driver::dial(&SmolNet, host, port).await
}

/// Connects to a host and makes a TLS handshake; the server's certificate has to be for `host`. A [`Connector`] has more
/// to set. A server that wants a certificate of ours, and does not like it, says so with the first receive: in TLS 1.3 our
/// handshake is done before.
///
/// # Errors
///
/// As [`dial`], and as [`Stream::start_tls`](asyncnet_driver::Stream::start_tls).
///
/// # Cancel safety
///
/// Dropped, it closes its sockets.
///
/// ```
/// # futures_lite::future::block_on(async {
/// # use asyncnet_conformance::pki;
/// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
/// let listener = asyncnet_smol::listen_tls("127.0.0.1:0", &theirs)?;
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
/// let serve = async {
///     let mut stream = listener.accept().await?;
///     stream.handshake().await?;
///     stream.send_line("hello").await?;
///     stream.close().await
/// };
/// let ask = async {
///     let mut stream = asyncnet_smol::dial_tls("localhost", port, &ours).await?;
///     assert_eq!(stream.recv_line().await?.unwrap(), "hello");
///     stream.close().await
/// };
/// let (served, asked) = futures_lite::future::zip(serve, ask).await;
/// served?;
/// asked?;
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub async fn dial_tls(host: &str, port: u16, config: &Arc<ClientConfig>) -> Result<Stream, Error> {
    Connector::new().tls(config).dial(&SmolNet, host, port).await
}

/// Connects to an address as people write it: `host:port`, `192.0.2.1:25`, `[2001:db8::1]:25`, `unix:/path`.
///
/// # Errors
///
/// [`Error::Io`] if it is no address, or cannot be connected to; [`Error::Dial`] for a host name.
///
/// # Cancel safety
///
/// Dropped, it closes its sockets.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
/// let stream = asyncnet_smol::connect(&listener.local_endpoint()?.to_string()).await?;
/// assert_eq!(stream.peer_endpoint()?, listener.local_endpoint()?);
/// assert!(asyncnet_smol::connect("no port").await.is_err());
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub async fn connect(address: &str) -> Result<Stream, Error> {
    match address.parse::<Address>().map_err(|error| Error::io(Operation::Connect, error.into()))? {
        Address::Host { host, port } => dial(&host, port).await,
        Address::Inet(at) => Connector::new().connect(&SmolNet, &Endpoint::Inet(at)).await,
        Address::Unix(name) => Connector::new().connect(&SmolNet, &Endpoint::Unix(name)).await,
    }
}

/// Connects to a Unix stream socket by its path. While its backlog is full, it waits, for 20 s
/// at most; a [`Connector`] sets another time.
///
/// # Errors
///
/// [`Error::Io`] with what connect(2) says.
///
/// # Cancel safety
///
/// Dropped, it closes its socket.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let folder = std::env::temp_dir().join(format!("asyncnet-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let path = folder.join("connect_unix.smol");
/// # std::fs::remove_file(&path).ok();
/// let listener = asyncnet_smol::listen_unix(&path)?;
/// let mut stream = asyncnet_smol::connect_unix(&path).await?;
/// stream.send_line("hello").await?;
/// assert_eq!(listener.accept().await?.recv_line().await?.unwrap(), "hello");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
#[cfg(unix)]
pub async fn connect_unix(path: impl AsRef<Path>) -> Result<Stream, Error> {
    let path = path.as_ref();
    let name = asyncnet_os::unix_name(path)
        .map_err(|error| Error::io_at(Operation::Connect, path.display(), error))?;
    Connector::new().connect(&SmolNet, &Endpoint::Unix(name)).await
}

/// Listens on an address as people write it: `127.0.0.1:0`, `[::1]:25`, `:25` (all interfaces), `unix:/path`.
///
/// # Errors
///
/// [`Error::Io`] if it is no address of this machine: a host name has to be looked up before; what bind(2) and listen(2)
/// say.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
/// assert_ne!(listener.local_endpoint()?.as_inet().unwrap().port(), 0);
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub fn listen(address: &str) -> Result<Listener, Error> {
    listen_with(address, &BindOptions::default())
}

/// Listens on an address as people write it, bound as the options say.
///
/// # Errors
///
/// As [`listen`].
///
/// ```
/// # futures_lite::future::block_on(async {
/// # #[cfg(unix)] {
/// # let folder = std::env::temp_dir().join(format!("asyncnet-with-smol-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("app.sock");
/// let mut options = asyncnet_smol::BindOptions::default();
/// options.remove_stale = true;
/// options.remove_at_close = true;
/// options.mode = Some(0o660);
/// let listener = asyncnet_smol::listen_with(&format!("unix:{}", path.display()), &options)?;
/// assert!(path.exists());
/// drop(listener);
/// assert!(!path.exists());
/// # std::fs::remove_dir_all(&folder)?;
/// # }
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub fn listen_with(address: &str, options: &BindOptions) -> Result<Listener, Error> {
    let listened = SocketBuilder::from(options)
        .listen_on(address)
        .and_then(|(socket, at)| SmolListener::new(socket, is_unix(&at), own_file(&at, options)?));
    listened.map(Listener::new).map_err(|error| at(Operation::Listen, address, error))
}

/// Listens on an address, for TLS: accepting yields a stream at once, whose next call is its handshake.
///
/// # Errors
///
/// As [`listen`].
///
/// See the example at [`dial_tls`].
pub fn listen_tls(address: &str, config: &Arc<ServerConfig>) -> Result<TlsListener, Error> {
    Ok(TlsListener::new(listen(address)?, config))
}

/// Binds a datagram socket to an address as people write it: `127.0.0.1:0` (UDP), `[::1]:53`, `:53` (all interfaces),
/// `unix:/path`.
///
/// # Errors
///
/// [`Error::Io`] if it is no address of this machine: a host name has to be looked up before; what bind(2) says.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let socket = asyncnet_smol::bind("127.0.0.1:0")?;
/// socket.send_to(b"to myself", &socket.local_endpoint()?).await?;
/// assert_eq!(socket.recv_from_owned(100).await?.0, "to myself");
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub fn bind(address: &str) -> Result<Datagram, Error> {
    bind_with(address, &BindOptions::default())
}

/// Binds a datagram socket to an address as people write it, as the options say.
///
/// # Errors
///
/// As [`bind`].
///
/// ```
/// # futures_lite::future::block_on(async {
/// let mut options = asyncnet_smol::BindOptions::default();
/// options.reuse_address = Some(true);
/// let socket = asyncnet_smol::bind_with("127.0.0.1:0", &options)?;
/// assert_eq!(socket.flag(asyncnet_smol::Flag::ReuseAddr)?, !cfg!(windows));
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub fn bind_with(address: &str, options: &BindOptions) -> Result<Datagram, Error> {
    let bound = SocketBuilder::from(options)
        .bind_datagram_on(address)
        .and_then(|(socket, at)| SmolDatagram::new(socket, is_unix(&at), own_file(&at, options)?));
    bound.map(Datagram::new).map_err(|error| at(Operation::Bind, address, error))
}

/// Connects a datagram socket (UDP) to a host; see [`asyncnet_driver::dial_datagram`].
///
/// # Errors
///
/// [`Error::Dial`] with every address that was tried and why it failed.
///
/// # Cancel safety
///
/// Dropped, it closes its socket.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let server = asyncnet_smol::bind("127.0.0.1:0")?;
/// let port = server.local_endpoint()?.as_inet().unwrap().port();
/// asyncnet_smol::dial_datagram("127.0.0.1", port).await?.send(b"ping").await?;
/// assert_eq!(server.recv_from_owned(100).await?.0, "ping");
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub async fn dial_datagram(host: &str, port: u16) -> Result<Datagram, Error> {
    asyncnet_driver::dial_datagram(&SmolNet, host, port).await
}

/// Listens on an endpoint.
///
/// # Errors
///
/// [`Error::Io`] with what bind(2) and listen(2) say.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let at = asyncnet_smol::Endpoint::Inet("127.0.0.1:0".parse().unwrap());
/// assert!(asyncnet_smol::listen_at(&at).is_ok());
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub fn listen_at(at: &Endpoint) -> Result<Listener, Error> {
    SmolNet.listen(at).map(Listener::new).map_err(|error| Error::io_at(Operation::Listen, at, error))
}

/// Listens on a Unix stream socket at a path, which must not exist; the file stays when the listener is
/// dropped. [`listen_with`] can remove a stale file, its own at the end, and set permissions.
///
/// # Errors
///
/// [`Error::Io`] with what bind(2) and listen(2) say.
///
/// See the example at [`connect_unix`].
#[cfg(unix)]
pub fn listen_unix(path: impl AsRef<Path>) -> Result<Listener, Error> {
    let path = path.as_ref();
    let name = asyncnet_os::unix_name(path)
        .map_err(|error| Error::io_at(Operation::Listen, path.display(), error))?;
    listen_at(&Endpoint::Unix(name))
}

/// Two streams connected with each other over loopback TCP, for tests.
///
/// # Errors
///
/// [`Error::Io`] with what the system says.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let (mut a, mut b) = asyncnet_smol::pair()?;
/// a.send_line("hello").await?;
/// assert_eq!(b.recv_line().await?.unwrap(), "hello");
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
pub fn pair() -> Result<(Stream, Stream), Error> {
    let (one, other) = asyncnet_os::tcp_pair()?;
    Ok((Stream::new(Async::new_nonblocking(one)?.into()), Stream::new(Async::new_nonblocking(other)?.into())))
}

/// An error that names the address, unless what is wrong with the address says it.
fn at(operation: Operation, address: &str, error: io::Error) -> Error {
    if error.raw_os_error().is_some() || error.kind() != io::ErrorKind::InvalidInput {
        return Error::io_at(operation, address, error);
    }
    Error::io(operation, error)
}
