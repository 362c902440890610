//! The listener over a socket that fails as it is told.

use asyncnet_driver::{Accept, AcceptFault, Endpoint, Listener, Timer};
use asyncnet_smol::SmolTransport;
use futures_lite::future::{block_on, poll_once};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A clock that is moved by hand.
#[derive(Clone, Default)]
struct Manual(Rc<Cell<Duration>>);

impl Timer for Manual {
    fn now(&self) -> Duration {
        self.0.get()
    }

    fn poll_until(&mut self, _: &mut Context<'_>, at: Duration) -> Poll<()> {
        if self.now() >= at { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Each accept fails with this fault, or waits.
#[derive(Default)]
struct Failing {
    fault: Cell<Option<AcceptFault>>,
    accepts: Cell<usize>,
    clock: Manual,
    waker: RefCell<Option<Waker>>,
}

impl Accept for Failing {
    type Transport = SmolTransport;
    type Timer = Manual;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(SmolTransport, Endpoint)>> {
        self.accepts.set(self.accepts.get() + 1);
        assert!(self.accepts.get() < 10_000, "a loop without a bound");
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        self.fault.get().map_or(Poll::Pending, |_| Poll::Ready(Err(io::Error::other("as told"))))
    }

    fn accept_fault(&self, _: &io::Error) -> AcceptFault {
        self.fault.get().unwrap_or(AcceptFault::Fatal)
    }

    fn timer(&self) -> Manual {
        self.clock.clone()
    }

    fn local_endpoint(&self) -> io::Result<Endpoint> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn failing(fault: AcceptFault) -> Listener<Failing> {
    let socket = Failing::default();
    socket.fault.set(Some(fault));
    Listener::new(socket)
}

#[test]
fn a_pause_is_the_listeners_and_outlives_a_dropped_accept() {
    let listener = failing(AcceptFault::Exhausted);
    for _ in 0..1_000 {
        assert!(block_on(poll_once(listener.accept_addr())).is_none());
    }
    assert_eq!(listener.exhausted_count(), 1, "asked while it was to pause");
    listener.socket().clock.0.set(Duration::from_secs(1));
    assert!(block_on(poll_once(listener.accept_addr())).is_none());
    assert_eq!(listener.exhausted_count(), 2);
}

#[test]
fn connections_that_are_gone_without_end_do_not_hold_the_thread() {
    let listener = failing(AcceptFault::Retry);
    assert!(block_on(poll_once(listener.accept_addr())).is_none());
    assert!(listener.socket().accepts.get() < 100);
}

#[test]
fn a_fatal_error_is_the_callers() {
    assert!(matches!(block_on(poll_once(failing(AcceptFault::Fatal).accept())), Some(Err(_))));
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_connection_wakes_all_who_wait_and_none_who_left() {
    let listener = Listener::new(Failing::default());
    let counts: [Arc<Count>; 3] = Default::default();
    let mut accepts = counts.each_ref().map(|count| {
        let mut accept = Box::pin(listener.accept_addr());
        let waker = Waker::from(Arc::clone(count));
        assert!(accept.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        Some(accept)
    });
    // The second one is given up; the socket knows the waker of the last.
    accepts[1] = None;
    listener.socket().waker.take().expect("the last accept left a waker").wake();
    assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [1, 0, 1]);
}

/// A waker that owns an accept, as a task's waker owns its task.
struct Owner(Mutex<Option<Box<dyn Send>>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().expect("no test panics while it holds the lock").take());
    }
}

#[test]
fn a_waker_that_owns_another_accept_can_be_dropped() {
    let listener: &'static _ = Box::leak(Box::new(asyncnet_smol::listen("127.0.0.1:0").unwrap()));
    let mut owned = Box::pin(listener.accept_addr());
    let plain = Waker::noop();
    assert!(owned.as_mut().poll(&mut Context::from_waker(plain)).is_pending());
    let owner = Waker::from(Arc::new(Owner(Mutex::new(Some(Box::new(owned))))));
    let mut other = Box::pin(listener.accept_addr());
    assert!(other.as_mut().poll(&mut Context::from_waker(&owner)).is_pending());
    drop(owner);
    // The slot has the last waker now: dropping it drops the accept that it owns.
    drop(other);
}
