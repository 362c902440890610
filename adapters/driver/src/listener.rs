//! A listening socket that any number of tasks may wait on.
//!
//! The runtime's socket keeps one waker. Here each waiting accept has a slot, and the socket gets a waker that wakes them all:
//! the first to run takes the connection and the others wait again. So an accept that is dropped takes nothing with it, and
//! needs no one to pass a wake-up on.
//!
//! Invariants:
//! - A task's waker is in its slot before the socket is asked, so no connection comes unnoticed.
//! - A connection is never held between two polls: it is either in the kernel's queue or with the caller.

use crate::error::{Error, Operation};
use crate::net::Accept;
use crate::stream::Stream;
use crate::transport::Timer;
use asyncnet_core::{AcceptDecision, AcceptPolicy, Endpoint, Limits};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

/// A listening socket.
///
/// It lives through what befalls a listener: connections that are gone before they are accepted are passed over, and when descriptors
/// or memory run out it waits a little and goes on (5 ms at first, up to 1 s).
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
pub struct Listener<L> {
    socket: L,
    waiters: Arc<Waiters>,
    wake_all: Waker,
    policy: Mutex<AcceptPolicy>,
    limits: Limits,
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
        Self { socket, waiters, wake_all, policy: Mutex::default(), limits }
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
        lock(&self.policy).exhausted_count()
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

impl<L: fmt::Debug> fmt::Debug for Listener<L> {
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
        let Listener { socket, waiters, wake_all, policy, limits } = this.listener;
        loop {
            if let Some((timer, until)) = &mut this.timer {
                ready!(timer.poll_until(cx, *until));
                this.timer = None;
            }
            this.slot = Some(waiters.wait(this.slot, cx.waker()));
            let error = match ready!(socket.poll_accept(&mut Context::from_waker(wake_all))) {
                Ok((transport, peer)) => {
                    lock(policy).accepted();
                    return Poll::Ready(Ok((Stream::with_limits(transport, *limits), peer)));
                }
                Err(error) => error,
            };
            let timer = socket.timer();
            match lock(policy).failed(socket.accept_fault(&error), timer.now()) {
                AcceptDecision::Retry => {}
                AcceptDecision::WaitUntil(until) => this.timer = Some((timer, until)),
                AcceptDecision::Fail => return Poll::Ready(Err(Error::io(Operation::Accept, error))),
            }
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
        let mut slots = lock(&self.slots);
        let slot = slot.or_else(|| slots.iter().position(|slot| !slot.taken)).unwrap_or(slots.len());
        if slot == slots.len() {
            slots.push(Slot::default());
        }
        slots[slot].taken = true;
        slots[slot].waker.get_or_insert_with(|| waker.clone()).clone_from(waker);
        slot
    }

    fn leave(&self, slot: usize) {
        lock(&self.slots)[slot] = Slot::default();
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
