//! The short ways: reach an address, offer one.

use crate::datagram::TokioDatagram;
use crate::net::{TokioListener, TokioNet, is_unix, own_file};
use crate::{Datagram, Listener, Stream, TlsListener};
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
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let listener = asyncnet_tokio::listen("127.0.0.1:0")?;
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
/// let stream = asyncnet_tokio::dial("localhost", port).await?;
/// assert_eq!(stream.peer_endpoint()?, listener.local_endpoint()?);
/// # Ok(()) }
/// ```
pub async fn dial(host: &str, port: u16) -> Result<Stream, Error> {
    asyncnet_driver::dial(&TokioNet, host, port).await
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
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// # use asyncnet_conformance::pki;
/// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
/// let listener = asyncnet_tokio::listen_tls("127.0.0.1:0", &theirs)?;
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
/// let serve = async {
///     let mut stream = listener.accept().await?;
///     stream.handshake().await?;
///     stream.send_line("hello").await?;
///     stream.close().await
/// };
/// let ask = async {
///     let mut stream = asyncnet_tokio::dial_tls("localhost", port, &ours).await?;
///     assert_eq!(stream.recv_line().await?.unwrap(), "hello");
///     stream.close().await
/// };
/// let (served, asked) = tokio::join!(serve, ask);
/// served?;
/// asked?;
/// # Ok(()) }
/// ```
pub async fn dial_tls(host: &str, port: u16, config: &Arc<ClientConfig>) -> Result<Stream, Error> {
    Connector::new().tls(config).dial(&TokioNet, host, port).await
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
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let listener = asyncnet_tokio::listen("127.0.0.1:0")?;
/// let stream = asyncnet_tokio::connect(&listener.local_endpoint()?.to_string()).await?;
/// assert_eq!(stream.peer_endpoint()?, listener.local_endpoint()?);
/// assert!(asyncnet_tokio::connect("no port").await.is_err());
/// # Ok(()) }
/// ```
pub async fn connect(address: &str) -> Result<Stream, Error> {
    match address.parse::<Address>().map_err(|error| Error::io(Operation::Connect, error.into()))? {
        Address::Host { host, port } => dial(&host, port).await,
        Address::Inet(at) => Connector::new().connect(&TokioNet, &Endpoint::Inet(at)).await,
        Address::Unix(name) => Connector::new().connect(&TokioNet, &Endpoint::Unix(name)).await,
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
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let folder = std::env::temp_dir().join(format!("asyncnet-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let path = folder.join("connect_unix.tokio");
/// # std::fs::remove_file(&path).ok();
/// let listener = asyncnet_tokio::listen_unix(&path)?;
/// let mut stream = asyncnet_tokio::connect_unix(&path).await?;
/// stream.send_line("hello").await?;
/// assert_eq!(listener.accept().await?.recv_line().await?.unwrap(), "hello");
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(()) }
/// ```
#[cfg(unix)]
pub async fn connect_unix(path: impl AsRef<Path>) -> Result<Stream, Error> {
    let path = path.as_ref();
    let name = asyncnet_os::unix_name(path)
        .map_err(|error| Error::io_at(Operation::Connect, path.display(), error))?;
    Connector::new().connect(&TokioNet, &Endpoint::Unix(name)).await
}

/// Listens on an address as people write it: `127.0.0.1:0`, `[::1]:25`, `:25` (all interfaces), `unix:/path`.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
///
/// # Errors
///
/// [`Error::Io`] if it is no address of this machine: a host name has to be looked up before; what bind(2) and listen(2)
/// say.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let listener = asyncnet_tokio::listen("127.0.0.1:0")?;
/// assert_ne!(listener.local_endpoint()?.as_inet().unwrap().port(), 0);
/// # Ok(()) }
/// ```
pub fn listen(address: &str) -> Result<Listener, Error> {
    listen_with(address, &BindOptions::default())
}

/// Listens on an address as people write it, bound as the options say.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
///
/// # Errors
///
/// As [`listen`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// # #[cfg(unix)] {
/// # let folder = std::env::temp_dir().join(format!("asyncnet-with-tokio-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("app.sock");
/// let mut options = asyncnet_tokio::BindOptions::default();
/// options.remove_stale = true;
/// options.remove_at_close = true;
/// options.mode = Some(0o660);
/// let listener = asyncnet_tokio::listen_with(&format!("unix:{}", path.display()), &options)?;
/// assert!(path.exists());
/// drop(listener);
/// assert!(!path.exists());
/// # std::fs::remove_dir_all(&folder)?;
/// # }
/// # Ok(()) }
/// ```
pub fn listen_with(address: &str, options: &BindOptions) -> Result<Listener, Error> {
    let listened = SocketBuilder::from(options)
        .listen_on(address)
        .and_then(|(socket, at)| TokioListener::new(socket, is_unix(&at), own_file(&at, options)?));
    listened.map(Listener::new).map_err(|error| at(Operation::Listen, address, error))
}

/// Listens on an address, for TLS: accepting yields a stream at once, whose next call is its handshake.
///
/// # Errors
///
/// As [`listen`].
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
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
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let socket = asyncnet_tokio::bind("127.0.0.1:0")?;
/// socket.send_to(b"to myself", &socket.local_endpoint()?).await?;
/// assert_eq!(socket.recv_from_owned(100).await?.0, "to myself");
/// # Ok(()) }
/// ```
pub fn bind(address: &str) -> Result<Datagram, Error> {
    bind_with(address, &BindOptions::default())
}

/// Binds a datagram socket to an address as people write it, as the options say.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
///
/// # Errors
///
/// As [`bind`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let mut options = asyncnet_tokio::BindOptions::default();
/// options.reuse_address = Some(true);
/// let socket = asyncnet_tokio::bind_with("127.0.0.1:0", &options)?;
/// assert_eq!(socket.flag(asyncnet_tokio::Flag::ReuseAddr)?, !cfg!(windows));
/// # Ok(()) }
/// ```
pub fn bind_with(address: &str, options: &BindOptions) -> Result<Datagram, Error> {
    let bound = SocketBuilder::from(options)
        .bind_datagram_on(address)
        .and_then(|(socket, at)| TokioDatagram::new(socket, is_unix(&at), own_file(&at, options)?));
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
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let server = asyncnet_tokio::bind("127.0.0.1:0")?;
/// let port = server.local_endpoint()?.as_inet().unwrap().port();
/// asyncnet_tokio::dial_datagram("127.0.0.1", port).await?.send(b"ping").await?;
/// assert_eq!(server.recv_from_owned(100).await?.0, "ping");
/// # Ok(()) }
/// ```
pub async fn dial_datagram(host: &str, port: u16) -> Result<Datagram, Error> {
    asyncnet_driver::dial_datagram(&TokioNet, host, port).await
}

/// Listens on an endpoint.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
///
/// # Errors
///
/// [`Error::Io`] with what bind(2) and listen(2) say.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let at = asyncnet_tokio::Endpoint::Inet("127.0.0.1:0".parse().unwrap());
/// assert!(asyncnet_tokio::listen_at(&at).is_ok());
/// # Ok(()) }
/// ```
pub fn listen_at(at: &Endpoint) -> Result<Listener, Error> {
    TokioNet.listen(at).map(Listener::new).map_err(|error| Error::io_at(Operation::Listen, at, error))
}

/// Listens on a Unix stream socket at a path, which must not exist; the file stays when the listener is
/// dropped. [`listen_with`] can remove a stale file, its own at the end, and set permissions.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
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
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
///
/// # Errors
///
/// [`Error::Io`] with what the system says.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// let (mut a, mut b) = asyncnet_tokio::pair()?;
/// a.send_line("hello").await?;
/// assert_eq!(b.recv_line().await?.unwrap(), "hello");
/// # Ok(()) }
/// ```
pub fn pair() -> Result<(Stream, Stream), Error> {
    let (one, other) = asyncnet_os::tcp_pair()?;
    Ok((
        Stream::new(tokio::net::TcpStream::from_std(one)?.into()),
        Stream::new(tokio::net::TcpStream::from_std(other)?.into()),
    ))
}

/// An error that names the address, unless what is wrong with the address says it.
fn at(operation: Operation, address: &str, error: io::Error) -> Error {
    if error.raw_os_error().is_some() || error.kind() != io::ErrorKind::InvalidInput {
        return Error::io_at(operation, address, error);
    }
    Error::io(operation, error)
}
