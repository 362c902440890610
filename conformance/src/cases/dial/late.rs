//! A network that keeps connections to one address to itself: they are made, and their future does not tell.
//!
//! It shows what becomes of an attempt that was overtaken: the one way to have two that have succeeded.

use asyncnet_driver::{BindOptions, Endpoint, Net, SocketKind};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The network under test, with one address that is late.
pub(super) struct Late<'a, N> {
    net: &'a N,
    late: Option<SocketAddr>,
}

impl<'a, N: Net> Late<'a, N> {
    /// No address is late.
    pub(super) fn none(net: &'a N) -> Self {
        Self { net, late: None }
    }

    pub(super) fn at(net: &'a N, late: SocketAddr) -> Self {
        Self { net, late: Some(late) }
    }
}

/// A connection that may be late.
pub(super) struct Connect<N: Net> {
    connect: N::Connect,
    late: bool,
    /// What was connected and is not told.
    connected: Option<N::Transport>,
}

impl<N: Net> Unpin for Connect<N> {}

impl<N: Net> Future for Connect<N> {
    type Output = io::Result<N::Transport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.connected.is_some() {
            return Poll::Pending;
        }
        let connected = std::task::ready!(Pin::new(&mut this.connect).poll(cx));
        if !this.late {
            return Poll::Ready(connected);
        }
        this.connected = Some(connected?);
        Poll::Pending
    }
}

impl<N: Net> Net for Late<'_, N> {
    type Transport = N::Transport;
    type Listener = N::Listener;
    type Datagram = N::Datagram;
    type Socket = N::Socket;
    type Timer = N::Timer;
    type Connect = Connect<N>;
    type Resolve = N::Resolve;

    fn timer(&self) -> N::Timer {
        self.net.timer()
    }

    fn resolve(&self, host: &str, port: u16) -> N::Resolve {
        self.net.resolve(host, port)
    }

    fn connect(&self, to: &Endpoint) -> Connect<N> {
        let late = self.late.is_some_and(|late| to.as_inet() == Some(late));
        Connect { connect: self.net.connect(to), late, connected: None }
    }

    fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Listener> {
        self.net.listen_with(at, options)
    }

    fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<N::Datagram> {
        self.net.bind_with(at, options)
    }

    fn open(&self, kind: SocketKind) -> io::Result<N::Socket> {
        self.net.open(kind)
    }

    fn connect_from(&self, socket: N::Socket, to: &Endpoint) -> Connect<N> {
        Connect { connect: self.net.connect_from(socket, to), late: false, connected: None }
    }

    fn listen_from(&self, socket: N::Socket, backlog: u32) -> io::Result<N::Listener> {
        self.net.listen_from(socket, backlog)
    }

    fn datagram_from(&self, socket: N::Socket) -> io::Result<N::Datagram> {
        self.net.datagram_from(socket)
    }
}
