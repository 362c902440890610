//! The runtime's datagram sockets.

use crate::socket::Either;
use crate::timer::TokioTimer;
use asyncnet_driver::{
    Busy, DatagramSocket, Endpoint, Endpoints, OptionName, Received, SocketOption, SocketOptions,
};
use asyncnet_os::UnixFile;
use asyncnet_os::socket2::Socket;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{Interest, Ready};
use tokio::net::UdpSocket;
#[cfg(unix)]
use tokio::net::UnixDatagram;

/// A datagram socket of tokio's, for UDP or Unix.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), asyncnet_driver::Error> {
/// use asyncnet_driver::{Datagram, Endpoints};
///
/// let own = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
/// let socket = Datagram::new(asyncnet_tokio::TokioDatagram::from(own));
/// let at = socket.local_endpoint()?;
/// assert!(at.as_inet().is_some());
/// # Ok(()) }
/// ```
pub struct TokioDatagram {
    /// Goes before the socket does.
    #[expect(dead_code, reason = "it is there to be dropped")]
    file: Option<UnixFile>,
    #[cfg(unix)]
    socket: Either<Arc<UdpSocket>, UnixDatagram>,
    #[cfg(not(unix))]
    socket: Either<Arc<UdpSocket>, std::convert::Infallible>,
    /// What the network says of an earlier message makes a socket neither readable nor writable for tokio: that is
    /// waited for apart.
    trouble: Mutex<Option<Trouble>>,
    busy: Busy<TokioTimer>,
}

/// A wait for an error of the socket.
type Trouble = Pin<Box<dyn Future<Output = io::Result<Ready>> + Send>>;

impl TokioDatagram {
    /// A non-blocking socket of the operating system's, registered with the runtime.
    pub(crate) fn new(socket: Socket, unix: bool, file: Option<UnixFile>) -> io::Result<Self> {
        let datagram = match unix {
            #[cfg(unix)]
            true => Self::from(UnixDatagram::from_std(socket.into())?),
            _ => Self::from(UdpSocket::from_std(socket.into())?),
        };
        Ok(Self { file, ..datagram })
    }
}

impl From<UdpSocket> for TokioDatagram {
    fn from(socket: UdpSocket) -> Self {
        Self {
            file: None,
            socket: Either::Tcp(Arc::new(socket)),
            trouble: Mutex::default(),
            busy: Busy::default(),
        }
    }
}

#[cfg(unix)]
impl From<UnixDatagram> for TokioDatagram {
    fn from(socket: UnixDatagram) -> Self {
        Self { file: None, socket: Either::Unix(socket), trouble: Mutex::default(), busy: Busy::default() }
    }
}

impl Endpoints for TokioDatagram {
    fn local_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::local_endpoint(self)
    }

    fn peer_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::peer_endpoint(self)
    }
}

impl DatagramSocket for TokioDatagram {
    fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let read = ready!(self.poll_read(cx, || match &self.socket {
            Either::Tcp(io) => asyncnet_os::recv_datagram(self, buf, |buf| io.try_recv_from(buf)),
            #[cfg(unix)]
            Either::Unix(_) =>
                asyncnet_os::recv_datagram(self, buf, |_| Err(io::ErrorKind::Unsupported.into())),
            #[cfg(not(unix))]
            Either::Unix(never) => match *never {},
        }))?;
        let mut received = Received::new(read.len, read.from);
        received.truncated = read.truncated;
        Poll::Ready(Ok(received))
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: Option<&Endpoint>,
    ) -> Poll<io::Result<()>> {
        self.poll_write(cx, to.is_some(), || asyncnet_os::send_datagram(self, bytes, to))
    }

    fn poll_send_many(
        &self,
        cx: &mut Context<'_>,
        batch: &[(&[u8], Option<&Endpoint>)],
    ) -> Poll<io::Result<usize>> {
        let named = batch.iter().any(|(_, to)| to.is_some());
        self.poll_write(cx, named, || asyncnet_os::send_datagrams(self, batch))
    }

    fn connect(&self, to: &Endpoint) -> io::Result<()> {
        asyncnet_os::connect_datagram(self, to)
    }

    fn join(&self, group: IpAddr, interface: u32) -> io::Result<()> {
        asyncnet_os::join(self, group, interface)
    }

    fn leave(&self, group: IpAddr, interface: u32) -> io::Result<()> {
        asyncnet_os::leave(self, group, interface)
    }
}

impl TokioDatagram {
    fn poll_read<T>(
        &self,
        cx: &mut Context<'_>,
        mut read: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let done = match &self.socket {
                // One interest at a time: of several at once tokio is never ready.
                Either::Tcp(io) => match io.try_io(Interest::READABLE, &mut read) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if self.poll_trouble(io, cx).is_pending() {
                            ready!(io.poll_recv_ready(cx))?;
                            continue;
                        }
                        io.try_io(Interest::ERROR, &mut read)
                    }
                    done => done,
                },
                #[cfg(unix)]
                Either::Unix(io) => {
                    ready!(io.poll_recv_ready(cx))?;
                    io.try_io(Interest::READABLE, &mut read)
                }
                #[cfg(not(unix))]
                Either::Unix(never) => match *never {},
            };
            match done {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// Waits for an error of the socket.
    fn poll_trouble(&self, io: &Arc<UdpSocket>, cx: &mut Context<'_>) -> Poll<()> {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = trouble.get_or_insert_with(|| {
            let io = Arc::clone(io);
            Box::pin(async move { io.ready(Interest::ERROR).await })
        });
        drop(ready!(waiting.as_mut().poll(cx)));
        *trouble = None;
        Poll::Ready(())
    }

    fn poll_write<T>(
        &self,
        cx: &mut Context<'_>,
        named: bool,
        mut write: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        // It is writable though the receiver is full.
        if named && matches!(self.socket, Either::Unix(_)) {
            return self.busy.poll_retry(cx, write);
        }
        loop {
            let done = match &self.socket {
                Either::Tcp(io) => {
                    ready!(io.poll_send_ready(cx))?;
                    io.try_io(Interest::WRITABLE, &mut write)
                }
                #[cfg(unix)]
                Either::Unix(io) => {
                    ready!(io.poll_send_ready(cx))?;
                    io.try_io(Interest::WRITABLE, &mut write)
                }
                #[cfg(not(unix))]
                Either::Unix(never) => match *never {},
            };
            match done {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl SocketOptions for TokioDatagram {
    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        asyncnet_os::option(self, name)
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        asyncnet_os::set_option(self, option)
    }

    fn is_inheritable(&self) -> io::Result<bool> {
        asyncnet_os::is_inheritable(self)
    }

    fn set_inheritable(&self, on: bool) -> io::Result<()> {
        asyncnet_os::set_inheritable(self, on)
    }
}

impl fmt::Debug for TokioDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioDatagram").field("socket", &self.socket).finish_non_exhaustive()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for TokioDatagram {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match &self.socket {
            Either::Tcp(io) => io.as_fd(),
            Either::Unix(io) => io.as_fd(),
        }
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for TokioDatagram {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        match &self.socket {
            Either::Tcp(io) => io.as_socket(),
            Either::Unix(never) => match *never {},
        }
    }
}
