//! A network that stands for another passes every call on, also those that it could answer itself.

use asyncnet_driver::{BindOptions, Endpoint, Net, SocketKind, WithResolver};
use asyncnet_smol::SmolNet;
use futures_lite::future::block_on;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;

/// A network that says which of its calls was made.
struct Telling;

fn told<T>(call: &str) -> io::Result<T> {
    Err(io::Error::other(call))
}

impl Net for Telling {
    type Transport = <SmolNet as Net>::Transport;
    type Listener = <SmolNet as Net>::Listener;
    type Datagram = <SmolNet as Net>::Datagram;
    type Socket = <SmolNet as Net>::Socket;
    type Timer = <SmolNet as Net>::Timer;
    type Connect = Ready<io::Result<Self::Transport>>;
    type Resolve = Ready<io::Result<Vec<SocketAddr>>>;

    fn timer(&self) -> Self::Timer {
        SmolNet.timer()
    }

    fn resolve(&self, _: &str, _: u16) -> Self::Resolve {
        ready(told("resolve"))
    }

    fn connect(&self, _: &Endpoint) -> Self::Connect {
        ready(told("connect"))
    }

    fn listen_with(&self, _: &Endpoint, _: &BindOptions) -> io::Result<Self::Listener> {
        told("listen_with")
    }

    fn bind_with(&self, _: &Endpoint, _: &BindOptions) -> io::Result<Self::Datagram> {
        told("bind_with")
    }

    fn open(&self, _: SocketKind) -> io::Result<Self::Socket> {
        told("open")
    }

    fn connect_from(&self, _: Self::Socket, _: &Endpoint) -> Self::Connect {
        ready(told("connect_from"))
    }

    fn listen_from(&self, _: Self::Socket, _: u32) -> io::Result<Self::Listener> {
        told("listen_from")
    }

    fn datagram_from(&self, _: Self::Socket) -> io::Result<Self::Datagram> {
        told("datagram_from")
    }

    fn listen(&self, _: &Endpoint) -> io::Result<Self::Listener> {
        told("listen")
    }

    fn bind(&self, _: &Endpoint) -> io::Result<Self::Datagram> {
        told("bind")
    }
}

fn check<N: Net<Socket = <SmolNet as Net>::Socket>>(net: &N, resolve: &str) {
    let at = Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], 0)));
    let options = BindOptions::default();
    let socket = || SmolNet.open(SocketKind::TcpV4).expect("there is TCP over IPv4");
    let said = [
        ("connect", block_on(net.connect(&at)).map(drop)),
        ("listen_with", net.listen_with(&at, &options).map(drop)),
        ("bind_with", net.bind_with(&at, &options).map(drop)),
        ("open", net.open(SocketKind::TcpV4).map(drop)),
        ("connect_from", block_on(net.connect_from(socket(), &at)).map(drop)),
        ("listen_from", net.listen_from(socket(), 1).map(drop)),
        ("datagram_from", net.datagram_from(socket()).map(drop)),
        ("listen", net.listen(&at).map(drop)),
        ("bind", net.bind(&at).map(drop)),
        (resolve, block_on(net.resolve("host", 1)).map(drop)),
    ];
    for (call, answer) in said {
        assert_eq!(answer.expect_err("every call is told by an error").to_string(), call);
    }
}

#[test]
fn a_borrowed_network_is_the_one_that_was_lent() {
    check(&&Telling, "resolve");
}

#[test]
fn another_resolver_is_the_only_difference() {
    let resolver = |_: &str, _: u16| ready(told::<Vec<SocketAddr>>("another"));
    check(&WithResolver::new(Telling, resolver), "another");
}
