//! Datagram sockets: whole messages, each with its sender, for any number of tasks.
//!
//! A type of its own, and no stream: nothing is gathered or cut, an empty message is not an end, and what the network says
//! of an earlier message (ECONNREFUSED) is an error of a later call that leaves the socket as it was.

use crate::dial::{Next, Search};
use crate::error::{Error, Operation};
use crate::net::Net;
use crate::transport::Endpoints;
use crate::waiters::{Place, Waiters};
use asyncnet_core::Endpoint;
use bytes::Bytes;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};

/// The longest message of UDP, in bytes: what the length of a datagram can say (RFC 768), and more than its text. One
/// between Unix sockets may be longer.
pub const DATAGRAM_BYTES_MAX: usize = 65_535;

/// How much memory an owned message gets at most, whatever is asked for. A Unix datagram may be longer than one of UDP: as
/// long as its sender's buffer, 208 KiB on Linux unless the administrator gives more, which is seldom more than this.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// How many calls in a row may succeed before other tasks have their turn.
const TURNS_MAX: u8 = 32;

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// How many bytes of the memory it filled.
    pub len: usize,
    /// Whether it was longer than the memory: the rest of it is gone.
    pub truncated: bool,
    /// Who sent it; a Unix socket without a name is [`UnixName::Unnamed`](crate::UnixName::Unnamed). `None` where the
    /// system does not tell, as Windows does not for one that was truncated.
    pub from: Option<Endpoint>,
}

impl Received {
    /// A message of `len` bytes.
    ///
    /// ```
    /// assert!(!asyncnet_driver::Received::new(3, None).truncated);
    /// ```
    #[must_use]
    pub fn new(len: usize, from: Option<Endpoint>) -> Self {
        Self { len, truncated: false, from }
    }
}

/// A datagram socket, as a runtime has it; [`Datagram`] makes it usable from any number of tasks.
///
/// See the skeleton in `asyncnet-conformance` for an implementation to start from.
pub trait DatagramSocket: Endpoints {
    /// Receives one message into `buf`. Only the waker of the last call is kept.
    ///
    /// # Errors
    ///
    /// What recvmsg(2) says, but never [`WouldBlock`](io::ErrorKind::WouldBlock): that is `Pending`.
    fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>>;

    /// Sends one message, to an address or to the one it is connected to. Only the waker of the last call is kept.
    ///
    /// # Errors
    ///
    /// What sendto(2) says, but never [`WouldBlock`](io::ErrorKind::WouldBlock): that is `Pending`.
    fn poll_send_to(&self, cx: &mut Context<'_>, bytes: &[u8], to: Option<&Endpoint>)
    -> Poll<io::Result<()>>;

    /// Sends messages in order, as many as the system takes: how many, at least one. A runtime that can do it with one
    /// system call does.
    ///
    /// # Errors
    ///
    /// As [`poll_send_to`](Self::poll_send_to), for the first of them.
    fn poll_send_many(
        &self,
        cx: &mut Context<'_>,
        batch: &[(&[u8], Option<&Endpoint>)],
    ) -> Poll<io::Result<usize>> {
        for (sent, (bytes, to)) in batch.iter().enumerate() {
            match self.poll_send_to(cx, bytes, *to) {
                Poll::Ready(Ok(())) => {}
                // What went out is told first; the next call meets the rest.
                _ if sent > 0 => return Poll::Ready(Ok(sent)),
                polled => return polled.map_ok(|()| 0),
            }
        }
        Poll::Ready(Ok(batch.len()))
    }

    /// Sets the address that messages go to, and the only one they are received from.
    ///
    /// # Errors
    ///
    /// What connect(2) says.
    fn connect(&self, to: &Endpoint) -> io::Result<()>;

    /// Joins a multicast group on the interface of that index; 0 leaves the choice to the system.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) says.
    fn join(&self, group: IpAddr, interface: u32) -> io::Result<()>;

    /// Leaves a multicast group.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) says.
    fn leave(&self, group: IpAddr, interface: u32) -> io::Result<()>;
}

/// A datagram socket, UDP or Unix.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let server = asyncnet_smol::bind("127.0.0.1:0")?;
/// let client = asyncnet_smol::bind("127.0.0.1:0")?;
///
/// client.send_to(b"ping", &server.local_endpoint()?).await?;
/// let mut memory = [0; 100];
/// let received = server.recv_from(&mut memory).await?;
/// assert_eq!((&memory[..received.len], received.truncated), (&b"ping"[..], false));
/// assert_eq!(received.from, Some(client.local_endpoint()?));
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub struct Datagram<D> {
    socket: D,
    receivers: Direction,
    senders: Direction,
}

/// Who waits for a direction.
struct Direction {
    waiters: Arc<Waiters>,
    wake_all: Waker,
    /// Calls that succeeded since one had to wait.
    turns: AtomicU8,
}

impl<D: DatagramSocket> Datagram<D> {
    /// A socket for any number of tasks over a runtime's.
    ///
    /// ```
    /// use asyncnet_driver::{Datagram, Endpoint, Net};
    ///
    /// let at = Endpoint::Inet("127.0.0.1:0".parse().unwrap());
    /// let socket = Datagram::new(asyncnet_smol::SmolNet.bind(&at).unwrap());
    /// assert_ne!(socket.local_endpoint().unwrap().as_inet().unwrap().port(), 0);
    /// ```
    pub fn new(socket: D) -> Self {
        Self { socket, receivers: Direction::new(), senders: Direction::new() }
    }

    /// Receives one message into `buf`: its length, its sender, and whether it was too long for `buf`, the rest of it being
    /// gone then. An empty message is a message.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what recvmsg(2) says, on a connected socket also of messages that were sent before, as
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused). The socket can be used on.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has received nothing.
    ///
    /// See the example at [`Datagram`].
    pub async fn recv_from(&self, buf: &mut [u8]) -> Result<Received, Error> {
        let polled = self.receivers.wait(|cx| self.socket.poll_recv_from(cx, buf));
        polled.await.map_err(|error| Error::io(Operation::Read, error))
    }

    /// As [`recv_from`](Self::recv_from), as an owned value of at most `max` bytes, and 16 MiB at most.
    /// [`DATAGRAM_BYTES_MAX`] is enough for UDP; a Unix datagram may be longer.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has received nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let socket = asyncnet_smol::bind("127.0.0.1:0")?;
    /// socket.send_to(b"to myself", &socket.local_endpoint()?).await?;
    /// let (message, received) = socket.recv_from_owned(4).await?;
    /// assert_eq!(message, "to m");
    /// assert!(received.truncated);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_from_owned(&self, max: usize) -> Result<(Bytes, Received), Error> {
        let mut message = vec![0; max.min(MESSAGE_BYTES_MAX)];
        let received = self.recv_from(&mut message).await?;
        message.truncate(received.len);
        // A short message does not hold a long memory.
        message.shrink_to_fit();
        Ok((Bytes::from(message), received))
    }

    /// Receives one message of the peer the socket is connected to: as [`recv_from`](Self::recv_from), for a socket of
    /// which the sender is known.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has received nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (one, other) = (asyncnet_smol::bind("127.0.0.1:0")?, asyncnet_smol::bind("127.0.0.1:0")?);
    /// one.connect(&other.local_endpoint()?)?;
    /// other.send_to(b"hello", &one.local_endpoint()?).await?;
    /// assert_eq!(one.recv(&mut [0; 8]).await?.len, 5);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv(&self, buf: &mut [u8]) -> Result<Received, Error> {
        self.recv_from(buf).await
    }

    /// Receives a message into the first of `bufs`, and what else is there already into the others: what came, in order, in
    /// `received`, which is cleared first. Each message is a system call: no safe call takes several at once.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from), for the first message; an error behind it is the next call's.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has received nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let socket = asyncnet_smol::bind("127.0.0.1:0")?;
    /// let me = socket.local_endpoint()?;
    /// assert_eq!(socket.send_many(&[(b"one", Some(&me)), (b"three", Some(&me))]).await?, 2);
    /// let (mut one, mut two, mut three) = ([0; 8], [0; 8], [0; 8]);
    /// let mut received = Vec::new();
    /// while received.len() < 2 {
    ///     socket.recv_many(&mut [&mut one, &mut two, &mut three], &mut received).await?;
    /// }
    /// assert_eq!((received[0].len, received[1].len), (3, 5));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn recv_many(&self, bufs: &mut [&mut [u8]], received: &mut Vec<Received>) -> Result<(), Error> {
        received.clear();
        let Some((first, rest)) = bufs.split_first_mut() else { return Ok(()) };
        let polled = self.receivers.wait(|cx| {
            let message = std::task::ready!(self.socket.poll_recv_from(cx, first))?;
            received.push(message);
            for buf in rest.iter_mut() {
                match self.socket.poll_recv_from(cx, buf) {
                    Poll::Ready(Ok(message)) => received.push(message),
                    Poll::Ready(Err(_)) | Poll::Pending => break,
                }
            }
            Poll::Ready(Ok(()))
        });
        polled.await.map_err(|error| Error::io(Operation::Read, error))
    }

    /// Sends a message to an address: complete when the kernel has it. That it arrives nobody says.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what sendto(2) says, as that the message is too long (EMSGSIZE), or that broadcast is not allowed
    /// (EACCES, see [`Flag::Broadcast`](crate::Flag::Broadcast)). Nothing was sent, and the socket can be used on.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has sent nothing.
    ///
    /// See the example at [`Datagram`].
    pub async fn send_to(&self, bytes: &[u8], to: &Endpoint) -> Result<(), Error> {
        let sent = self.senders.wait(|cx| self.socket.poll_send_to(cx, bytes, Some(to))).await;
        sent.map_err(|error| Error::io_at(Operation::Write, to, error))
    }

    /// Looks a host up and sends a message to the first of its addresses that takes it.
    ///
    /// # Errors
    ///
    /// [`Error::Dial`] with each address and why it did not.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the message may have been sent, or not.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let server = asyncnet_smol::bind("127.0.0.1:0")?;
    /// let port = server.local_endpoint()?.as_inet().unwrap().port();
    /// let client = asyncnet_smol::bind("127.0.0.1:0")?;
    /// client.send_to_host(&asyncnet_smol::SmolNet, "localhost", port, b"ping").await?;
    /// assert_eq!(server.recv_from_owned(100).await?.0, "ping");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send_to_host<N: Net>(
        &self,
        net: &N,
        host: &str,
        port: u16,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let send = async |to| self.senders.wait(|cx| self.socket.poll_send_to(cx, bytes, Some(&to))).await;
        let mut search = Search::new(net, host, port);
        loop {
            match poll_fn(|cx| search.poll_next(cx)).await {
                Next::Start(address) => match send(Endpoint::Inet(address)).await {
                    Ok(()) => return Ok(()),
                    Err(error) => search.attempt_failed(address, error),
                },
                // No attempt is under way when the search is asked.
                Next::GaveUp(_) => {}
                Next::End => return Err(search.failed([])),
            }
        }
    }

    /// Sends a message to the peer the socket is connected to.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to); [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) for an earlier message that
    /// nobody took: then this one was not sent.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has sent nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (one, other) = (asyncnet_smol::bind("127.0.0.1:0")?, asyncnet_smol::bind("127.0.0.1:0")?);
    /// one.connect(&other.local_endpoint()?)?;
    /// one.send(b"hello").await?;
    /// assert_eq!(other.recv_from_owned(100).await?.0, "hello");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.senders.wait(|cx| self.socket.poll_send_to(cx, bytes, None)).await;
        sent.map_err(|error| Error::io(Operation::Write, error))
    }

    /// Sends messages in order, each to its address or to the peer: how many the kernel took, at least one unless there
    /// are none. On Linux they are one system call (sendmmsg(2)).
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to), for the first of them.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has sent nothing.
    ///
    /// See the example at [`recv_many`](Self::recv_many).
    pub async fn send_many(&self, batch: &[(&[u8], Option<&Endpoint>)]) -> Result<usize, Error> {
        if batch.is_empty() {
            return Ok(0);
        }
        let sent = self.senders.wait(|cx| self.socket.poll_send_many(cx, batch)).await;
        sent.map_err(|error| Error::io(Operation::Write, error))
    }

    /// Sets the address that messages go to, and the only one they are received from.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what connect(2) says.
    ///
    /// See the example at [`send`](Self::send).
    pub fn connect(&self, to: &Endpoint) -> Result<(), Error> {
        self.socket.connect(to).map_err(|error| Error::io_at(Operation::Connect, to, error))
    }

    /// Joins a multicast group on the interface of that index (`ip link` shows it); 0 leaves the choice to the system.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what setsockopt(2) says.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let socket = asyncnet_smol::bind("127.0.0.1:0")?;
    /// assert!(socket.join("192.0.2.1".parse().unwrap(), 0).is_err(), "not a group");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "join_multicast")]
    pub fn join(&self, group: IpAddr, interface: u32) -> Result<(), Error> {
        let joined = self.socket.join(group, interface);
        joined.map_err(|error| Error::io_at(Operation::Option, format_args!("join {group}"), error))
    }

    /// Leaves a multicast group.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what setsockopt(2) says, as that it was not joined.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let socket = asyncnet_smol::bind("127.0.0.1:0")?;
    /// assert!(socket.leave("224.0.0.251".parse().unwrap(), 0).is_err(), "it was not joined");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "leave_multicast")]
    pub fn leave(&self, group: IpAddr, interface: u32) -> Result<(), Error> {
        let left = self.socket.leave(group, interface);
        left.map_err(|error| Error::io_at(Operation::Option, format_args!("leave {group}"), error))
    }

    /// The address of this end.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what getsockname(2) says.
    ///
    /// See the example at [`Datagram`].
    #[doc(alias = "local_addr")]
    pub fn local_endpoint(&self) -> Result<Endpoint, Error> {
        Ok(self.socket.local_endpoint()?)
    }

    /// The address it is connected to.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: what getpeername(2) says, as that it is not connected.
    ///
    /// ```
    /// let socket = asyncnet_smol::bind("127.0.0.1:0").unwrap();
    /// assert!(socket.peer_endpoint().is_err());
    /// ```
    #[doc(alias = "peer_addr")]
    pub fn peer_endpoint(&self) -> Result<Endpoint, Error> {
        Ok(self.socket.peer_endpoint()?)
    }

    /// The runtime's socket.
    ///
    /// ```
    /// use asyncnet_driver::Endpoints;
    ///
    /// let socket = asyncnet_smol::bind("127.0.0.1:0").unwrap();
    /// assert!(socket.socket().local_endpoint().is_ok());
    /// ```
    pub fn socket(&self) -> &D {
        &self.socket
    }

    /// Gives the runtime's socket back.
    ///
    /// ```
    /// use asyncnet_driver::Endpoints;
    ///
    /// let socket = asyncnet_smol::bind("127.0.0.1:0").unwrap();
    /// assert!(socket.into_socket().local_endpoint().is_ok());
    /// ```
    pub fn into_socket(self) -> D {
        self.socket
    }
}

impl Direction {
    fn new() -> Self {
        let waiters = Arc::new(Waiters::default());
        Self { wake_all: Waker::from(Arc::clone(&waiters)), waiters, turns: AtomicU8::new(0) }
    }

    /// Calls until it is ready, as one of those who wait.
    async fn wait<R>(&self, mut call: impl FnMut(&mut Context<'_>) -> Poll<io::Result<R>>) -> io::Result<R> {
        let mut place = Place::new(&self.waiters);
        poll_fn(|cx| {
            if self.turns.load(Ordering::Relaxed) >= TURNS_MAX {
                self.turns.store(0, Ordering::Relaxed);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            place.wait(cx.waker());
            for _ in 0..TURNS_MAX {
                match call(&mut Context::from_waker(&self.wake_all)) {
                    Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                    Poll::Pending => {
                        self.turns.store(0, Ordering::Relaxed);
                        return Poll::Pending;
                    }
                    ready @ Poll::Ready(_) => {
                        // Some tasks at once may count less than there were, which only puts the pause off.
                        self.turns.store(self.turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                        return ready;
                    }
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }
}

impl<D: fmt::Debug> fmt::Debug for Datagram<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagram").field("socket", &self.socket).finish_non_exhaustive()
    }
}
