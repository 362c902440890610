//! tokio's network: names, connections, listeners.

use crate::datagram::TokioDatagram;
use crate::new_socket::TokioSocket;
use crate::socket::{Either, Socket};
use crate::timer::TokioTimer;
use crate::transport::TokioTransport;
#[cfg(unix)]
use asyncnet_driver::UnixName;
use asyncnet_driver::{Accept, AcceptFault, BindOptions, Endpoint, Net, SocketKind};
use asyncnet_os::{ConnectState, NewSocket, SocketBuilder, UnixFile, socket2};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, lookup_host};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// A future that can be named and spawned.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// tokio's network. Its calls are made inside a tokio runtime with I/O and time enabled, as tokio's own are.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// use asyncnet_driver::{Listener, Net, dial};
/// use asyncnet_tokio::TokioNet;
///
/// let listener = Listener::new(TokioNet.listen(&asyncnet_tokio::Endpoint::Inet("127.0.0.1:0".parse().unwrap()))?);
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
/// let stream = dial(&TokioNet, "localhost", port).await?;
/// assert_eq!(listener.accept().await?.peer_endpoint()?, stream.local_endpoint()?);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioNet;

impl Net for TokioNet {
    type Transport = TokioTransport;
    type Listener = TokioListener;
    type Datagram = TokioDatagram;
    type Socket = TokioSocket;
    type Timer = TokioTimer;
    type Connect = BoxFuture<io::Result<TokioTransport>>;
    type Resolve = BoxFuture<io::Result<Vec<SocketAddr>>>;

    fn timer(&self) -> TokioTimer {
        TokioTimer::default()
    }

    fn resolve(&self, host: &str, port: u16) -> Self::Resolve {
        let host = host.to_owned();
        Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }

    fn connect(&self, to: &Endpoint) -> Self::Connect {
        let to = to.clone();
        Box::pin(async move { connect(SocketBuilder::new().open_stream(&to)?, &to).await })
    }

    fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<TokioListener> {
        let socket = SocketBuilder::from(options).listen(at)?;
        TokioListener::new(socket, is_unix(at), own_file(at, options)?)
    }

    fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<TokioDatagram> {
        let socket = SocketBuilder::from(options).bind_datagram(at)?;
        TokioDatagram::new(socket, is_unix(at), own_file(at, options)?)
    }

    fn open(&self, kind: SocketKind) -> io::Result<TokioSocket> {
        NewSocket::open(kind).map(TokioSocket)
    }

    fn connect_from(&self, socket: TokioSocket, to: &Endpoint) -> Self::Connect {
        let to = to.clone();
        Box::pin(async move { connect(socket.0.into_stream()?, &to).await })
    }

    fn listen_from(&self, socket: TokioSocket, backlog: u32) -> io::Result<TokioListener> {
        let unix = socket.0.is_unix();
        TokioListener::new(socket.0.listen(backlog)?, unix, None)
    }

    fn datagram_from(&self, socket: TokioSocket) -> io::Result<TokioDatagram> {
        let unix = socket.0.is_unix();
        TokioDatagram::new(socket.0.into_datagram()?, unix, None)
    }
}

pub(crate) fn is_unix(at: &Endpoint) -> bool {
    matches!(at, Endpoint::Unix(_))
}

pub(crate) fn own_file(at: &Endpoint, options: &BindOptions) -> io::Result<Option<UnixFile>> {
    if options.remove_at_close { UnixFile::of(at) } else { Ok(None) }
}

async fn connect(socket: socket2::Socket, to: &Endpoint) -> io::Result<TokioTransport> {
    let mut state = asyncnet_os::try_connect(&socket, to)?;
    let mut pauses = asyncnet_os::busy_pauses();
    // Not registered before it is connecting: until then it looks hung up, for ever.
    while state == ConnectState::Busy {
        tokio::time::sleep(pauses.next().unwrap_or_default()).await;
        state = asyncnet_os::try_connect(&socket, to)?;
    }
    let socket = adopt(socket, is_unix(to))?;
    while state == ConnectState::InProgress {
        state = finish_connect(&socket).await?;
    }
    Ok(TokioTransport::from(socket))
}

/// Waits until the socket is writable and has an answer.
async fn finish_connect(socket: &Socket) -> io::Result<ConnectState> {
    let ask = || match asyncnet_os::finish_connect(socket)? {
        ConnectState::InProgress => Err(io::ErrorKind::WouldBlock.into()),
        state => Ok(state),
    };
    match socket {
        Either::Tcp(io) => io.async_io(Interest::WRITABLE, ask).await,
        Either::Unix(io) => io.async_io(Interest::WRITABLE, ask).await,
    }
}

/// A non-blocking socket of the operating system's, registered with the runtime.
pub(crate) fn adopt(socket: socket2::Socket, unix: bool) -> io::Result<Socket> {
    match unix {
        #[cfg(unix)]
        true => UnixStream::from_std(socket.into()).map(Either::Unix),
        _ => TcpStream::from_std(socket.into()).map(Either::Tcp),
    }
}

/// A listening socket of tokio's, for TCP or Unix streams.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_tokio::Error> {
/// use asyncnet_driver::Accept;
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let at = listener.local_addr()?;
/// let listener = asyncnet_tokio::TokioListener::from(listener);
/// assert_eq!(listener.local_endpoint()?.as_inet(), Some(at));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TokioListener {
    /// Goes before the socket does.
    #[expect(dead_code, reason = "it is there to be dropped")]
    file: Option<UnixFile>,
    #[cfg(unix)]
    pub(crate) socket: Either<TcpListener, UnixListener>,
    #[cfg(not(unix))]
    pub(crate) socket: Either<TcpListener, std::convert::Infallible>,
}

impl TokioListener {
    pub(crate) fn new(socket: socket2::Socket, unix: bool, file: Option<UnixFile>) -> io::Result<Self> {
        let listener = match unix {
            #[cfg(unix)]
            true => Self::from(UnixListener::from_std(socket.into())?),
            _ => Self::from(TcpListener::from_std(socket.into())?),
        };
        Ok(Self { file, ..listener })
    }
}

impl From<TcpListener> for TokioListener {
    fn from(listener: TcpListener) -> Self {
        Self { file: None, socket: Either::Tcp(listener) }
    }
}

#[cfg(unix)]
impl From<UnixListener> for TokioListener {
    fn from(listener: UnixListener) -> Self {
        Self { file: None, socket: Either::Unix(listener) }
    }
}

impl Accept for TokioListener {
    type Transport = TokioTransport;
    type Timer = TokioTimer;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TokioTransport, Endpoint)>> {
        let (socket, peer) = match &self.socket {
            Either::Tcp(listener) => {
                let (socket, peer) = ready!(listener.poll_accept(cx))?;
                asyncnet_os::send_at_once(&socket);
                (Either::Tcp(socket), Endpoint::inet(peer))
            }
            #[cfg(unix)]
            Either::Unix(listener) => {
                let (socket, peer) = ready!(listener.poll_accept(cx))?;
                let peer = match asyncnet_os::endpoint_from_unix(&peer.into()) {
                    // mio 1.2 takes an abstract name for none, so the system is asked.
                    unnamed @ Endpoint::Unix(UnixName::Unnamed) if cfg!(target_os = "linux") => {
                        asyncnet_os::peer_endpoint(&socket).unwrap_or(unnamed)
                    }
                    named => named,
                };
                (Either::Unix(socket), peer)
            }
            #[cfg(not(unix))]
            Either::Unix(never) => match *never {},
        };
        Poll::Ready(Ok((TokioTransport::from(socket), peer)))
    }

    fn accept_fault(&self, error: &io::Error) -> AcceptFault {
        asyncnet_os::accept_fault(error)
    }

    fn timer(&self) -> TokioTimer {
        TokioTimer::default()
    }

    fn local_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::local_endpoint(self)
    }
}
