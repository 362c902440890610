//! A network, a listening socket and a datagram socket that have their callers wait where they need not.
//!
//! ```text
//!   Early: waits, then asks the system
//!   Late:  asks the system, keeps what it gave, waits; whoever asks next has it
//! ```
//!
//! A send is never kept: a message that was sent behind the back of a dropped call would break its promise.

use super::switch::Switch;
use asyncnet_driver::{
    Accept, AcceptFault, BindOptions, DatagramSocket, Endpoint, Endpoints, Net, Received, SocketKind,
};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// When a socket has its callers wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before it asks the system.
    Early,
    /// After the system has given something, which it keeps.
    Late,
}

/// A socket that has its callers wait; what it keeps is a `K`.
#[derive(Debug)]
pub(crate) struct Around<X, K> {
    below: X,
    switch: Switch,
    when: When,
    /// The next call has waited already.
    waited: AtomicBool,
    kept: Mutex<Option<K>>,
}

impl<X, K> Around<X, K> {
    pub(crate) fn new(below: X, switch: Switch, when: When) -> Self {
        Self { below, switch, when, waited: AtomicBool::new(false), kept: Mutex::new(None) }
    }

    /// Takes what is kept, or what the system gives.
    fn poll_take(
        &self,
        cx: &mut Context<'_>,
        ask: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<K>>,
    ) -> Poll<io::Result<K>> {
        if self.when == When::Early {
            ready!(self.poll_wait(cx));
            return self.done(ask(cx));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = kept.take() {
            return Poll::Ready(Ok(taken));
        }
        let given = ready!(ask(cx))?;
        if !self.switch.is_on() {
            return Poll::Ready(Ok(given));
        }
        *kept = Some(given);
        self.switch.wait(cx)
    }

    fn poll_wait(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.switch.is_on() || self.waited.swap(true, Ordering::Relaxed) {
            return Poll::Ready(());
        }
        self.switch.wait(cx)
    }

    /// The call after one that was done waits again.
    fn done<T>(&self, polled: Poll<T>) -> Poll<T> {
        self.waited.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }
}

impl<L: Accept> Accept for Around<L, (L::Transport, Endpoint)> {
    type Transport = L::Transport;
    type Timer = L::Timer;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(L::Transport, Endpoint)>> {
        self.poll_take(cx, |cx| self.below.poll_accept(cx))
    }

    fn accept_fault(&self, error: &io::Error) -> AcceptFault {
        self.below.accept_fault(error)
    }

    fn timer(&self) -> L::Timer {
        self.below.timer()
    }

    fn local_endpoint(&self) -> io::Result<Endpoint> {
        self.below.local_endpoint()
    }
}

/// A message in memory of its own.
type Message = (Vec<u8>, Received);

impl<D: DatagramSocket> DatagramSocket for Around<D, Message> {
    fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
        let len = buf.len();
        let (message, mut received) = ready!(self.poll_take(cx, |cx| {
            let mut memory = vec![0; len];
            self.below.poll_recv_from(cx, &mut memory).map_ok(|received| (memory, received))
        }))?;
        // Whoever takes what was kept may have less memory.
        received.truncated |= received.len > len;
        received.len = received.len.min(len);
        buf[..received.len].copy_from_slice(&message[..received.len]);
        Poll::Ready(Ok(received))
    }

    fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: Option<&Endpoint>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_wait(cx));
        self.done(self.below.poll_send_to(cx, bytes, to))
    }

    fn poll_send_many(
        &self,
        cx: &mut Context<'_>,
        batch: &[(&[u8], Option<&Endpoint>)],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_wait(cx));
        self.done(self.below.poll_send_many(cx, batch))
    }

    fn connect(&self, to: &Endpoint) -> io::Result<()> {
        self.below.connect(to)
    }

    fn join(&self, group: IpAddr, interface: u32) -> io::Result<()> {
        self.below.join(group, interface)
    }

    fn leave(&self, group: IpAddr, interface: u32) -> io::Result<()> {
        self.below.leave(group, interface)
    }
}

impl<X: Endpoints, K> Endpoints for Around<X, K> {
    fn local_endpoint(&self) -> io::Result<Endpoint> {
        self.below.local_endpoint()
    }

    fn peer_endpoint(&self) -> io::Result<Endpoint> {
        self.below.peer_endpoint()
    }
}

/// A network whose look-ups and connects wait before they begin, and whose every name is this machine's, over IPv4.
pub(crate) struct AroundNet<'a, N> {
    pub(crate) below: &'a N,
    pub(crate) switch: Switch,
}

/// A future that waits before its first poll.
pub(crate) struct Waits<F> {
    future: F,
    switch: Switch,
    waited: bool,
}

impl<F: Future + Unpin> Future for Waits<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.switch.is_on() && !self.waited {
            self.waited = true;
            return self.switch.wait(cx);
        }
        Pin::new(&mut self.future).poll(cx)
    }
}

impl<N> AroundNet<'_, N> {
    fn waits<F>(&self, future: F) -> Waits<F> {
        Waits { future, switch: self.switch.clone(), waited: false }
    }
}

impl<N: Net> Net for AroundNet<'_, N> {
    type Transport = N::Transport;
    type Listener = N::Listener;
    type Datagram = N::Datagram;
    type Socket = N::Socket;
    type Timer = N::Timer;
    type Connect = Waits<N::Connect>;
    type Resolve = Waits<N::Resolve>;

    fn timer(&self) -> N::Timer {
        self.below.timer()
    }

    fn resolve(&self, _: &str, port: u16) -> Waits<N::Resolve> {
        self.waits(self.below.resolve("127.0.0.1", port))
    }

    fn connect(&self, to: &Endpoint) -> Waits<N::Connect> {
        self.waits(self.below.connect(to))
    }

    fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Listener> {
        self.below.listen_with(at, options)
    }

    fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Datagram> {
        self.below.bind_with(at, options)
    }

    fn open(&self, kind: SocketKind) -> io::Result<N::Socket> {
        self.below.open(kind)
    }

    fn connect_from(&self, socket: N::Socket, to: &Endpoint) -> Waits<N::Connect> {
        self.waits(self.below.connect_from(socket, to))
    }

    fn listen_from(&self, socket: N::Socket, backlog: u32) -> io::Result<N::Listener> {
        self.below.listen_from(socket, backlog)
    }

    fn datagram_from(&self, socket: N::Socket) -> io::Result<N::Datagram> {
        self.below.datagram_from(socket)
    }
}
