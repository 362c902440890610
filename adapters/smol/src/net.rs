//! smol's network: names, connections, listeners.

use crate::datagram::SmolDatagram;
use crate::new_socket::SmolSocket;
use crate::socket::{Either, Socket};
use crate::timer::SmolTimer;
use crate::transport::SmolTransport;
use async_io::Async;
use asyncnet_driver::{Accept, AcceptFault, BindOptions, Endpoint, Net, SocketKind};
use asyncnet_os::{ConnectState, NewSocket, SocketBuilder, UnixFile, socket2};
use std::future::Future;
use std::io;
use std::net::{TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A future that can be named and spawned.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// smol's network. It needs no runtime around it: async-io brings its own reactor thread.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::{Listener, Net, dial};
/// use asyncnet_smol::SmolNet;
///
/// let listener = Listener::new(SmolNet.listen(&asyncnet_smol::Endpoint::Inet("127.0.0.1:0".parse().unwrap()))?);
/// let port = listener.local_endpoint()?.as_inet().unwrap().port();
/// let stream = dial(&SmolNet, "localhost", port).await?;
/// assert_eq!(listener.accept().await?.peer_endpoint()?, stream.local_endpoint()?);
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SmolNet;

impl Net for SmolNet {
    type Transport = SmolTransport;
    type Listener = SmolListener;
    type Datagram = SmolDatagram;
    type Socket = SmolSocket;
    type Timer = SmolTimer;
    type Connect = BoxFuture<io::Result<SmolTransport>>;
    type Resolve = asyncnet_os::Lookup;

    fn timer(&self) -> SmolTimer {
        SmolTimer::default()
    }

    fn resolve(&self, host: &str, port: u16) -> Self::Resolve {
        asyncnet_os::lookup(host, port)
    }

    fn connect(&self, to: &Endpoint) -> Self::Connect {
        let to = to.clone();
        Box::pin(async move { connect(SocketBuilder::new().open_stream(&to)?, &to).await })
    }

    fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<SmolListener> {
        let socket = SocketBuilder::from(options).listen(at)?;
        SmolListener::new(socket, is_unix(at), own_file(at, options)?)
    }

    fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<SmolDatagram> {
        let socket = SocketBuilder::from(options).bind_datagram(at)?;
        SmolDatagram::new(socket, is_unix(at), own_file(at, options)?)
    }

    fn open(&self, kind: SocketKind) -> io::Result<SmolSocket> {
        NewSocket::open(kind).map(SmolSocket)
    }

    fn connect_from(&self, socket: SmolSocket, to: &Endpoint) -> Self::Connect {
        let to = to.clone();
        Box::pin(async move { connect(socket.0.into_stream()?, &to).await })
    }

    fn listen_from(&self, socket: SmolSocket, backlog: u32) -> io::Result<SmolListener> {
        let unix = socket.0.is_unix();
        SmolListener::new(socket.0.listen(backlog)?, unix, None)
    }

    fn datagram_from(&self, socket: SmolSocket) -> io::Result<SmolDatagram> {
        let unix = socket.0.is_unix();
        SmolDatagram::new(socket.0.into_datagram()?, unix, None)
    }
}

pub(crate) fn is_unix(at: &Endpoint) -> bool {
    matches!(at, Endpoint::Unix(_))
}

pub(crate) fn own_file(at: &Endpoint, options: &BindOptions) -> io::Result<Option<UnixFile>> {
    if options.remove_at_close { UnixFile::of(at) } else { Ok(None) }
}

async fn connect(socket: socket2::Socket, to: &Endpoint) -> io::Result<SmolTransport> {
    let mut state = asyncnet_os::try_connect(&socket, to)?;
    let mut pauses = asyncnet_os::busy_pauses();
    // Not registered before it is connecting: until then it looks hung up, for ever.
    while state == ConnectState::Busy {
        async_io::Timer::after(pauses.next().unwrap_or_default()).await;
        state = asyncnet_os::try_connect(&socket, to)?;
    }
    let socket = adopt(socket, is_unix(to))?;
    while state == ConnectState::InProgress {
        match &socket {
            Either::Tcp(io) => io.writable().await?,
            Either::Unix(io) => io.writable().await?,
        }
        state = asyncnet_os::finish_connect(&socket)?;
    }
    Ok(SmolTransport::from(socket))
}

/// A non-blocking socket of the operating system's, registered with the reactor.
pub(crate) fn adopt(socket: socket2::Socket, unix: bool) -> io::Result<Socket> {
    match unix {
        #[cfg(unix)]
        true => Ok(Either::Unix(Arc::new(Async::new_nonblocking(UnixStream::from(socket))?))),
        _ => Ok(Either::Tcp(Arc::new(Async::new_nonblocking(TcpStream::from(socket))?))),
    }
}

/// A listening socket of async-io's, for TCP or Unix streams.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use async_io::Async;
/// use asyncnet_driver::Accept;
/// use std::net::TcpListener;
///
/// let listener = Async::<TcpListener>::bind(([127, 0, 0, 1], 0))?;
/// let at = listener.get_ref().local_addr()?;
/// let listener = asyncnet_smol::SmolListener::from(listener);
/// assert_eq!(listener.local_endpoint()?.as_inet(), Some(at));
/// # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct SmolListener {
    /// Goes before the socket does.
    #[expect(dead_code, reason = "it is there to be dropped")]
    file: Option<UnixFile>,
    #[cfg(unix)]
    pub(crate) socket: Either<Async<TcpListener>, Async<UnixListener>>,
    #[cfg(not(unix))]
    pub(crate) socket: Either<Async<TcpListener>, std::convert::Infallible>,
}

impl SmolListener {
    pub(crate) fn new(socket: socket2::Socket, unix: bool, file: Option<UnixFile>) -> io::Result<Self> {
        let listener = match unix {
            #[cfg(unix)]
            true => Self::from(Async::new_nonblocking(UnixListener::from(socket))?),
            _ => Self::from(Async::new_nonblocking(TcpListener::from(socket))?),
        };
        Ok(Self { file, ..listener })
    }
}

impl From<Async<TcpListener>> for SmolListener {
    fn from(listener: Async<TcpListener>) -> Self {
        Self { file: None, socket: Either::Tcp(listener) }
    }
}

#[cfg(unix)]
impl From<Async<UnixListener>> for SmolListener {
    fn from(listener: Async<UnixListener>) -> Self {
        Self { file: None, socket: Either::Unix(listener) }
    }
}

impl Accept for SmolListener {
    type Transport = SmolTransport;
    type Timer = SmolTimer;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(SmolTransport, Endpoint)>> {
        let (socket, peer) = match &self.socket {
            Either::Tcp(listener) => {
                let (socket, peer) = ready!(poll_accept(listener, cx, TcpListener::accept))?;
                asyncnet_os::send_at_once(&socket);
                (Either::Tcp(Arc::new(Async::new(socket)?)), Endpoint::inet(peer))
            }
            #[cfg(unix)]
            Either::Unix(listener) => {
                let (socket, peer) = ready!(poll_accept(listener, cx, UnixListener::accept))?;
                (Either::Unix(Arc::new(Async::new(socket)?)), asyncnet_os::endpoint_from_unix(&peer))
            }
            #[cfg(not(unix))]
            Either::Unix(never) => match *never {},
        };
        Poll::Ready(Ok((SmolTransport::from(socket), peer)))
    }

    fn accept_fault(&self, error: &io::Error) -> AcceptFault {
        asyncnet_os::accept_fault(error)
    }

    fn timer(&self) -> SmolTimer {
        SmolTimer::default()
    }

    fn local_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::local_endpoint(self)
    }
}

/// Accepts, or waits until there is something to accept.
fn poll_accept<L, T>(
    listener: &Async<L>,
    cx: &mut Context<'_>,
    accept: impl Fn(&L) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        match accept(listener.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready!(listener.poll_readable(cx))?;
            }
            accepted => return Poll::Ready(accepted),
        }
    }
}
