//! The runtime's datagram sockets.

use crate::socket::Either;
use crate::timer::SmolTimer;
use async_io::Async;
use asyncnet_driver::{
    Busy, DatagramSocket, Endpoint, Endpoints, OptionName, Received, SocketOption, SocketOptions,
};
use asyncnet_os::UnixFile;
use asyncnet_os::socket2::Socket;
use std::io;
use std::net::{IpAddr, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;
use std::task::{Context, Poll, ready};

/// A datagram socket of async-io's, for UDP or Unix.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::{Datagram, Endpoints};
///
/// let own = async_io::Async::<std::net::UdpSocket>::bind(([127, 0, 0, 1], 0))?;
/// let socket = Datagram::new(asyncnet_smol::SmolDatagram::from(own));
/// let at = socket.local_endpoint()?;
/// assert!(at.as_inet().is_some());
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct SmolDatagram {
    /// Goes before the socket does.
    #[expect(dead_code, reason = "it is there to be dropped")]
    file: Option<UnixFile>,
    #[cfg(unix)]
    socket: Either<Async<UdpSocket>, Async<UnixDatagram>>,
    #[cfg(not(unix))]
    socket: Either<Async<UdpSocket>, std::convert::Infallible>,
    busy: Busy<SmolTimer>,
}

impl SmolDatagram {
    /// A non-blocking socket of the operating system's, registered with the runtime.
    pub(crate) fn new(socket: Socket, unix: bool, file: Option<UnixFile>) -> io::Result<Self> {
        let datagram = match unix {
            #[cfg(unix)]
            true => Self::from(Async::new_nonblocking(UnixDatagram::from(socket))?),
            _ => Self::from(Async::new_nonblocking(UdpSocket::from(socket))?),
        };
        Ok(Self { file, ..datagram })
    }
}

impl From<Async<UdpSocket>> for SmolDatagram {
    fn from(socket: Async<UdpSocket>) -> Self {
        Self { file: None, socket: Either::Tcp(socket), busy: Busy::default() }
    }
}

#[cfg(unix)]
impl From<Async<UnixDatagram>> for SmolDatagram {
    fn from(socket: Async<UnixDatagram>) -> Self {
        Self { file: None, socket: Either::Unix(socket), busy: Busy::default() }
    }
}

impl Endpoints for SmolDatagram {
    fn local_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::local_endpoint(self)
    }

    fn peer_endpoint(&self) -> io::Result<Endpoint> {
        asyncnet_os::peer_endpoint(self)
    }
}

impl DatagramSocket for SmolDatagram {
    fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let read = ready!(self.poll_read(cx, || match &self.socket {
            Either::Tcp(io) => asyncnet_os::recv_datagram(self, buf, |buf| io.get_ref().recv_from(buf)),
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

impl SmolDatagram {
    /// Tries first, and waits when that says so.
    fn poll_read<T>(
        &self,
        cx: &mut Context<'_>,
        mut read: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            match read() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
            ready!(match &self.socket {
                Either::Tcp(io) => io.poll_readable(cx),
                #[cfg(unix)]
                Either::Unix(io) => io.poll_readable(cx),
                #[cfg(not(unix))]
                Either::Unix(never) => match *never {},
            })?;
        }
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
            match write() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
            ready!(match &self.socket {
                Either::Tcp(io) => io.poll_writable(cx),
                #[cfg(unix)]
                Either::Unix(io) => io.poll_writable(cx),
                #[cfg(not(unix))]
                Either::Unix(never) => match *never {},
            })?;
        }
    }
}

impl SocketOptions for SmolDatagram {
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

#[cfg(unix)]
impl std::os::fd::AsFd for SmolDatagram {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match &self.socket {
            Either::Tcp(io) => io.as_fd(),
            Either::Unix(io) => io.as_fd(),
        }
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for SmolDatagram {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        match &self.socket {
            Either::Tcp(io) => io.as_socket(),
            Either::Unix(never) => match *never {},
        }
    }
}
