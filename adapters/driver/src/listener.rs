//! A listening socket that any number of tasks may wait on.
//!
//! The runtime's socket keeps one waker. Here each waiting accept has a slot, and the socket gets a waker that wakes
//! them all: the first to run takes the connection and the others wait again. So an accept that is dropped takes
//! nothing with it, and needs no one to pass a wake-up on.
//!
//! Invariants:
//! - A task's waker is in its slot before the socket is asked, so no connection comes unnoticed.
//! - A connection is never held between two polls: it is either in the kernel's queue or with the caller.
//! - A pause after descriptors ran out is the listener's, not an accept's: others, and later ones, keep it too.

use crate::error::{Error, Operation};
use crate::net::Accept;
use crate::options::SocketOptions;
use crate::pump::TURNS_MAX;
use crate::stream::Stream;
use crate::transport::Timer;
use crate::waiters::{Place, Waiters, lock};
use asyncnet_core::{AcceptDecision, AcceptFault, AcceptPolicy, Endpoint, Limits};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use std::{fmt, io};

/// A listening socket.
///
/// It lives through what befalls a listener: connections that are gone before they are accepted are passed over, and
/// when descriptors or memory run out it waits a little and goes on (5 ms at first, up to 1 s).
///
/// ```
/// # futures_lite::future::block_on(async {
/// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
/// let at = listener.local_endpoint()?.as_inet().unwrap();
/// let peer = std::net::TcpStream::connect(at)?;
/// let (stream, from) = listener.accept_addr().await?;
/// assert_eq!(from.as_inet().unwrap(), peer.local_addr()?);
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub struct Listener<L: Accept> {
    socket: L,
    waiters: Arc<Waiters>,
    wake_all: Waker,
    pauses: Mutex<Pauses<L::Timer>>,
    limits: Limits,
    /// What is done to a connection before it is given out.
    prepare: Option<Prepare<L::Transport>>,
}

/// What may fail to be done to a connection.
type Prepare<T> = fn(&T) -> io::Result<()>;

/// When the socket is not to be asked.
struct Pauses<T> {
    policy: AcceptPolicy,
    clock: T,
    /// By that clock.
    not_before: Duration,
}

impl<L: Accept> Listener<L> {
    /// A listener over a runtime's listening socket, with the default limits for the streams it accepts.
    ///
    /// See the example at [`Net`](crate::Net).
    pub fn new(socket: L) -> Self {
        Self::with_limits(socket, Limits::default())
    }

    /// A listener whose streams have limits of their own.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::{Endpoint, Limits, Listener, Net};
    ///
    /// let mut limits = Limits::default();
    /// limits.line_bytes_max = 512;
    /// let at = Endpoint::Inet("127.0.0.1:0".parse().unwrap());
    /// let listener = Listener::with_limits(asyncnet_smol::SmolNet::default().listen(&at)?, limits);
    /// let peer = std::net::TcpStream::connect(listener.local_endpoint()?.as_inet().unwrap())?;
    /// assert_eq!(listener.accept().await?.limits().line_bytes_max, 512);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn with_limits(socket: L, limits: Limits) -> Self {
        let waiters = Arc::new(Waiters::default());
        let wake_all = Waker::from(Arc::clone(&waiters));
        let clock = socket.timer();
        let pauses = Pauses { policy: AcceptPolicy::default(), clock, not_before: Duration::ZERO };
        Self { socket, waiters, wake_all, pauses: Mutex::new(pauses), limits, prepare: None }
    }

    /// Accepts a connection.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the listener is of no use any more.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has accepted nothing.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let listener = asyncnet_smol::listen("127.0.0.1:0")?;
    /// let peer = std::net::TcpStream::connect(listener.local_endpoint()?.as_inet().unwrap())?;
    /// assert!(!listener.accept().await?.is_closed());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub async fn accept(&self) -> Result<Stream<L::Transport>, Error> {
        Ok(self.accept_addr().await?.0)
    }

    /// Accepts a connection, with its peer's address.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the listener is of no use any more.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has accepted nothing.
    ///
    /// See the example at [`Listener`].
    pub fn accept_addr(&self) -> Accepting<'_, L> {
        Accepting { listener: self, timer: None, place: Place::new(&self.waiters) }
    }

    /// The address it is bound to: with the port that the system chose, if it was 0.
    ///
    /// # Errors
    ///
    /// What getsockname(2) says.
    ///
    /// See the example at [`Listener`].
    pub fn local_endpoint(&self) -> Result<Endpoint, Error> {
        Ok(self.socket.local_endpoint()?)
    }

    /// How often descriptors, buffers or memory had run out.
    ///
    /// ```
    /// let listener = asyncnet_smol::listen("127.0.0.1:0").unwrap();
    /// assert_eq!(listener.exhausted_count(), 0);
    /// ```
    pub fn exhausted_count(&self) -> u64 {
        lock(&self.pauses).policy.exhausted_count()
    }

    /// Changes the limits of the streams that are accepted from now on.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let mut listener = asyncnet_smol::listen("127.0.0.1:0")?;
    /// let mut limits = asyncnet_driver::Limits::default();
    /// limits.line_bytes_max = 512;
    /// listener.set_limits(limits);
    /// let peer = std::net::TcpStream::connect(listener.local_endpoint()?.as_inet().unwrap())?;
    /// assert_eq!(listener.accept().await?.limits().line_bytes_max, 512);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The runtime's socket.
    ///
    /// ```
    /// use asyncnet_driver::Accept;
    ///
    /// let listener = asyncnet_smol::listen("127.0.0.1:0").unwrap();
    /// assert!(listener.socket().local_endpoint().is_ok());
    /// ```
    pub fn socket(&self) -> &L {
        &self.socket
    }
}

impl<L: Accept<Transport: SocketOptions>> Listener<L> {
    /// Lets processes started later inherit the connections that are accepted from now on, or not; they are not inherited
    /// until then, whatever the listener is. A connection becomes inheritable after it was accepted, so a process that is
    /// started in between does not get it.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let mut listener = asyncnet_smol::listen("127.0.0.1:0")?;
    /// listener.set_accepted_inheritable(true);
    /// let _peer = std::net::TcpStream::connect(listener.local_endpoint()?.as_inet().unwrap())?;
    /// let stream = listener.accept().await?;
    /// assert!(stream.is_inheritable().unwrap_or(true)); // Windows does not tell.
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn set_accepted_inheritable(&mut self, on: bool) {
        self.prepare = on.then_some(|transport: &L::Transport| transport.set_inheritable(true));
    }
}

impl<L: Accept + fmt::Debug> fmt::Debug for Listener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// An accept under way: what [`Listener::accept_addr`] returns.
///
/// It can be named, so that a caller that spawns can ask for `Accepting<'_, L>: Send`.
///
/// ```
/// fn assert_send<T: Send>(_: &T) {}
///
/// let listener = asyncnet_smol::listen("127.0.0.1:0").unwrap();
/// assert_send(&listener.accept_addr());
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct Accepting<'a, L: Accept> {
    listener: &'a Listener<L>,
    /// The pause after descriptors ran out.
    timer: Option<(L::Timer, Duration)>,
    place: Place<'a>,
}

impl<L: Accept> Unpin for Accepting<'_, L> {}

impl<L: Accept> Future for Accepting<'_, L> {
    type Output = Result<(Stream<L::Transport>, Endpoint), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Listener { socket, wake_all, pauses, limits, prepare, .. } = this.listener;
        for _ in 0..TURNS_MAX {
            if this.timer.is_none() {
                this.timer = lock(pauses).left().map(|left| {
                    let timer = socket.timer();
                    let until = timer.now().saturating_add(left);
                    (timer, until)
                });
            }
            if let Some((timer, until)) = &mut this.timer {
                ready!(timer.poll_until(cx, *until));
                this.timer = None;
                continue;
            }
            this.place.wait(cx.waker());
            match ready!(socket.poll_accept(&mut Context::from_waker(wake_all))) {
                Ok((transport, peer)) => {
                    lock(pauses).policy.accepted();
                    if let Some(Err(error)) = prepare.map(|prepare| prepare(&transport)) {
                        return Poll::Ready(Err(Error::io(Operation::Accept, error)));
                    }
                    let stream = Stream::with_limits(transport, *limits).with_peer(peer.clone());
                    return Poll::Ready(Ok((stream, peer)));
                }
                Err(error) => {
                    if !lock(pauses).goes_on(socket.accept_fault(&error)) {
                        return Poll::Ready(Err(Error::io(Operation::Accept, error)));
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: Timer> Pauses<T> {
    /// How long the socket is not to be asked, if it is not.
    fn left(&self) -> Option<Duration> {
        let left = self.not_before.saturating_sub(self.clock.now());
        (!left.is_zero()).then_some(left)
    }

    /// Whether the listener lives through an error, after a pause or without one.
    fn goes_on(&mut self, fault: AcceptFault) -> bool {
        match self.policy.failed(fault, self.clock.now()) {
            AcceptDecision::Retry => true,
            AcceptDecision::WaitUntil(until) => {
                self.not_before = until;
                true
            }
            AcceptDecision::Fail => false,
        }
    }
}
