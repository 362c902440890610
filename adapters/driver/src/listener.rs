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
//! - Nothing foreign runs under a lock: wakers are woken and dropped outside.

use crate::error::{Error, Operation};
use crate::net::Accept;
use crate::pump::TURNS_MAX;
use crate::stream::Stream;
use crate::transport::Timer;
use asyncnet_core::{AcceptDecision, AcceptFault, AcceptPolicy, Endpoint, Limits};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

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
}

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
        Self { socket, waiters, wake_all, pauses: Mutex::new(pauses), limits }
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
        Accepting { listener: self, timer: None, slot: None }
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
    slot: Option<usize>,
}

impl<L: Accept> Unpin for Accepting<'_, L> {}

impl<L: Accept> Future for Accepting<'_, L> {
    type Output = Result<(Stream<L::Transport>, Endpoint), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Listener { socket, waiters, wake_all, pauses, limits } = this.listener;
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
            this.slot = Some(waiters.wait(this.slot, cx.waker()));
            match ready!(socket.poll_accept(&mut Context::from_waker(wake_all))) {
                Ok((transport, peer)) => {
                    lock(pauses).policy.accepted();
                    return Poll::Ready(Ok((Stream::with_limits(transport, *limits), peer)));
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

impl<L: Accept> Drop for Accepting<'_, L> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.listener.waiters.leave(slot);
        }
    }
}

/// The wakers of all accepts that wait.
#[derive(Default)]
struct Waiters {
    slots: Mutex<Vec<Slot>>,
}

#[derive(Default)]
struct Slot {
    taken: bool,
    waker: Option<Waker>,
}

impl Waiters {
    /// Puts the waker in its slot, or in a free one at first: which.
    fn wait(&self, slot: Option<usize>, waker: &Waker) -> usize {
        let waker = waker.clone();
        let mut slots = lock(&self.slots);
        let slot = slot.or_else(|| slots.iter().position(|slot| !slot.taken)).unwrap_or(slots.len());
        if slot == slots.len() {
            slots.push(Slot::default());
        }
        let old = std::mem::replace(&mut slots[slot], Slot { taken: true, waker: Some(waker) });
        // A waker may own its task, and that may hold another accept of this listener.
        drop(slots);
        drop(old);
        slot
    }

    fn leave(&self, slot: usize) {
        let old = std::mem::take(&mut lock(&self.slots)[slot]);
        drop(old);
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken: Vec<Waker> = lock(&self.slots).iter_mut().filter_map(|slot| slot.waker.take()).collect();
        for waker in woken {
            waker.wake();
        }
    }
}

/// What is behind these locks is whole at every moment, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
