//! Two streams and the wire between them.

use asyncnet_conformance::pki::{self, Version};
use asyncnet_driver::tls::StartTls;
use asyncnet_driver::{Limits, ReadTransport, SplitTransport, Stream, Timer, Transport, WriteTransport};
use futures_lite::future::{block_on, zip};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// More than any test writes at once.
pub(crate) const ROOM: usize = 4 << 20;

/// A client and a server, which nobody polls but the test.
pub(crate) struct Link {
    pub(crate) client: Stream<End>,
    pub(crate) server: Stream<End>,
    pub(crate) to_server: Wire,
    pub(crate) to_client: Wire,
    pub(crate) clock: Clock,
}

impl Link {
    /// Two that speak plaintext.
    pub(crate) fn plain() -> Self {
        let (to_server, to_client, clock) = (Wire::default(), Wire::default(), Clock::default());
        let stream = |reads: &Wire, writes: &Wire| {
            Stream::new(End { reads: reads.clone(), writes: writes.clone(), clock: clock.clone() })
        };
        let (client, server) = (stream(&to_client, &to_server), stream(&to_server, &to_client));
        Self { client, server, to_server, to_client, clock }
    }

    /// Two that have made a handshake.
    pub(crate) fn over(version: Version) -> Self {
        let mut link = Self::plain();
        link.start_tls(client_side(version), StartTls::server(&pki::server(version)));
        link
    }

    /// Makes a handshake, to the last byte of it.
    pub(crate) fn start_tls(&mut self, client: StartTls, server: StartTls) {
        let (asked, served) = block_on(zip(self.client.start_tls(client), self.server.start_tls(server)));
        asked.expect("the server is the one that was asked for");
        served.expect("the client is honest");
    }

    /// A record comes to the server that the client did not seal.
    pub(crate) fn break_the_clients_stream(&self) {
        self.to_server.push(b"\x17\x03\x03\x00\x20no key of theirs has sealed this");
    }

    /// Bounds that are the server's from here on.
    pub(crate) fn limit_server(&mut self, set: impl FnOnce(&mut Limits)) {
        let mut limits = *self.server.limits();
        set(&mut limits);
        self.server.set_limits(limits);
    }
}

/// How a client begins.
pub(crate) fn client_side(version: Version) -> StartTls {
    StartTls::client(&pki::client(version), "localhost").expect("it is a name")
}

/// Polls once: what it gave, or what it waits with.
pub(crate) fn poll<F: Future>(future: F) -> Result<F::Output, Woken> {
    let woken = Woken::default();
    match pin!(future).poll(&mut Context::from_waker(&woken.waker())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(woken),
    }
}

/// Whether a future that waits was woken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Woken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Woken {
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.0.0.load(Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One direction, to which both ends and the test have a handle.
#[derive(Clone)]
pub(crate) struct Wire(Rc<RefCell<State>>);

struct State {
    bytes: VecDeque<u8>,
    /// How many bytes it holds.
    room: usize,
    ended: bool,
    reset: bool,
    /// Nobody reads any more.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// What each write took.
    writes: Vec<Vec<u8>>,
}

impl Default for Wire {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(State {
            bytes: VecDeque::new(),
            room: ROOM,
            ended: false,
            reset: false,
            broken: false,
            reader: None,
            writer: None,
            writes: Vec::new(),
        })))
    }
}

impl Wire {
    /// Bytes are on it that nobody wrote.
    pub(crate) fn push(&self, bytes: &[u8]) {
        self.change(|state| state.bytes.extend(bytes));
    }

    /// It holds `room` bytes from now on.
    pub(crate) fn set_room(&self, room: usize) {
        self.change(|state| state.room = room);
    }

    pub(crate) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// Takes what it carries off it.
    pub(crate) fn take(&self) -> Vec<u8> {
        self.change(|state| state.bytes.drain(..).collect())
    }

    /// Whoever writes is told that nobody reads.
    pub(crate) fn break_pipe(&self) {
        self.change(|state| state.broken = true);
    }

    /// What it carries now.
    pub(crate) fn carries(&self) -> Vec<u8> {
        self.0.borrow().bytes.iter().copied().collect()
    }

    /// What each write took since this was asked last.
    pub(crate) fn take_writes(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.borrow_mut().writes)
    }

    /// Changes it, and wakes who may wait for that.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.borrow_mut();
        let changed = change(&mut state);
        let woken = [state.reader.take(), state.writer.take()];
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
        changed
    }
}

/// A clock that is moved by hand.
#[derive(Clone, Default)]
pub(crate) struct Clock(Rc<RefCell<(Duration, Vec<Waker>)>>);

impl Clock {
    pub(crate) fn advance(&self, time: Duration) {
        let mut state = self.0.borrow_mut();
        state.0 += time;
        let woken = std::mem::take(&mut state.1);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// A transport.
pub(crate) struct End {
    reads: Wire,
    writes: Wire,
    clock: Clock,
}

impl Timer for End {
    fn now(&self) -> Duration {
        self.clock.0.borrow().0
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        if self.now() >= at {
            return Poll::Ready(());
        }
        self.clock.0.borrow_mut().1.push(cx.waker().clone());
        Poll::Pending
    }
}

impl ReadTransport for End {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.reads.0.borrow_mut();
        if state.bytes.is_empty() {
            if state.reset {
                return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
            }
            if state.ended {
                return Poll::Ready(Ok(0));
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(self.reads.change(|state| io::Read::read(&mut state.bytes, buf)))
    }
}

impl WriteTransport for End {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.writes.0.borrow_mut();
        if state.broken {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let room = state.room.saturating_sub(state.bytes.len());
        if room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        let taken: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).take(room).collect();
        let n = taken.len();
        self.writes.change(|state| {
            state.bytes.extend(&taken);
            state.writes.push(taken);
        });
        Poll::Ready(Ok(n))
    }

    fn poll_shutdown_write(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes.end();
        Poll::Ready(Ok(()))
    }
}

impl Transport for End {
    /// What is on the wire already arrives, as it may on a network.
    fn abort(&mut self) {
        self.writes.change(|state| state.reset = true);
    }
}

impl SplitTransport for End {
    type Reader = Self;
    type Writer = Self;

    fn split(self) -> (Self, Self) {
        let Self { reads, writes, clock } = &self;
        (Self { reads: reads.clone(), writes: writes.clone(), clock: clock.clone() }, self)
    }

    fn reunite(reader: Self, writer: Self) -> Result<Self, (Self, Self)> {
        if Rc::ptr_eq(&reader.reads.0, &writer.reads.0) { Ok(reader) } else { Err((reader, writer)) }
    }
}
