//! Sockets before they are connected, how they are bound, and what is known of them afterwards.

use super::network::tcp_only;
use crate::adapter::{Fixture, Link, Sockets, connect_peer, reset, unix_endpoint};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::steps::{drop_after, lockstep};
use asyncnet_driver::{
    BindOptions, Connector, Datagram, Endpoint, Error, Flag, Listener, Net, NewSocket, SocketKind,
    SocketOption, Stream, UnixName,
};
use futures_lite::future;
use std::cell::Cell;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

pub(crate) fn cases<N: Net>() -> Vec<Case<Sockets<N>>> {
    vec![
        Case::new(
            "socket::before_connecting",
            "a socket takes options and an address before it listens or connects, and keeps them",
            |at| Box::pin(before_connecting(at)),
        ),
        Case::new("socket::raw_numbers", "the system's own numbers open a socket, protocol 0 too", |at| {
            Box::pin(raw_numbers(at))
        }),
        Case::new(
            "socket::all_interfaces",
            "without an address it is bound to all interfaces of its family",
            |at| Box::pin(all_interfaces(at)),
        ),
        Case::new(
            "socket::misused",
            "a socket of datagrams does not connect a stream, and one of streams takes no datagrams",
            |at| Box::pin(misused(at)),
        ),
        Case::new("socket::dropped", "a socket whose connecting is dropped is closed", |at| {
            Box::pin(dropped(at))
        }),
        Case::new(
            "socket::inheritable",
            "a descriptor is inherited when it is said to be, accepted ones too",
            |at| Box::pin(inheritable(at)),
        ),
        Case::new(
            "listen::stale_file",
            "a file that nobody listens on is taken over on request only",
            |at| Box::pin(stale_file(at)),
        ),
        Case::new(
            "listen::own_file",
            "a socket removes its own file at its end on request, and no other",
            |at| Box::pin(own_file(at)),
        ),
        Case::new("listen::mode", "a file has the permissions that were asked for", |at| Box::pin(mode(at))),
        Case::new("listen::reuse_port", "one port may have several listeners if they say so", |at| {
            Box::pin(reuse_port(at))
        }),
        Case::new(
            "unix::abstract_name",
            "names without a file connect both ways, streams and datagrams",
            |at| Box::pin(abstract_name(at)),
        ),
        Case::new(
            "unix::full_receiver",
            "a datagram to a name whose queue is full waits without spinning, and goes out when there is room",
            |at| Box::pin(full_receiver(at)),
        ),
        Case::new("unix::long_datagram", "a Unix datagram may be longer than any of UDP", |at| {
            Box::pin(long_datagram(at))
        }),
        Case::new(
            "info::peer",
            "who was accepted or connected to is known after a reset, and after a close",
            |at| Box::pin(peer(at)),
        ),
        Case::new(
            "info::peer_as_written",
            "a peer reads as the system tells it, however its address was written",
            |at| Box::pin(peer_as_written(at)),
        ),
        Case::new("info::credentials", "a Unix stream knows the process at its other end", |at| {
            Box::pin(credentials(at))
        }),
    ]
}

fn kind_on<N: Net>(at: &Sockets<N>) -> SocketKind {
    match at.link() {
        Link::Tcp => SocketKind::TcpV4,
        Link::Unix => SocketKind::UnixStream,
    }
}

/// An address of this kind that is free.
fn fresh<N: Net>(at: &Sockets<N>) -> Result<Endpoint, Stop> {
    match at.link() {
        Link::Tcp => Ok(Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], 0)))),
        Link::Unix => unix_endpoint(&at.fresh_path()),
    }
}

fn unix_only<N: Net>(at: &Sockets<N>) -> Verdict {
    match at.link() {
        Link::Unix => Ok(()),
        Link::Tcp => Err(Stop::Skipped("only Unix sockets have files".to_owned())),
    }
}

fn ensure_kind(error: &Error, kind: ErrorKind) -> Verdict {
    ensure(matches!(error, Error::Io { source, .. } if source.kind() == kind), format!("{error:?}"))
}

async fn before_connecting<N: Net>(at: &Sockets<N>) -> Verdict {
    let socket = NewSocket::open(at.net(), kind_on(at))?;
    socket.set_flag(Flag::ReuseAddr, true)?;
    socket.bind(&fresh(at)?)?;
    let bound = socket.local_endpoint()?;
    let listener = socket.listen(16)?;
    ensure_eq(&listener.local_endpoint()?, &bound, "the address of the listener")?;
    ensure(listener.flag(Flag::ReuseAddr)?, "the listener's option")?;

    let socket = NewSocket::open(at.net(), kind_on(at))?;
    socket.set_option(SocketOption::Flag(Flag::KeepAlive, true))?;
    socket.bind(&fresh(at)?)?;
    let own = socket.local_endpoint()?;
    let mut stream = socket.connect(&bound).await?;
    ensure(stream.flag(Flag::KeepAlive)?, "the stream's option")?;
    let (mut served, from) = listener.accept_addr().await?;
    ensure_eq(&from, &own, "the address that the peer sees")?;
    stream.send_line("hello").await?;
    ensure(served.recv_line().await?.is_some_and(|line| line == "hello"), "a line over it")
}

async fn raw_numbers<N: Net>(at: &Sockets<N>) -> Verdict {
    if !cfg!(target_os = "linux") {
        return Err(Stop::Skipped("the numbers here are those of Linux".to_owned()));
    }
    // AF_INET or AF_UNIX, then SOCK_STREAM and SOCK_DGRAM.
    let (domain, protocols): (i32, &[(i32, i32)]) = match at.link() {
        Link::Tcp => (2, &[(1, 0), (1, 6), (2, 0), (2, 17)]),
        Link::Unix => (1, &[(1, 0), (2, 0)]),
    };
    let open = |(socket_type, protocol)| {
        NewSocket::open(at.net(), SocketKind::Raw { domain, socket_type, protocol })
    };
    for &(socket_type, protocol) in protocols {
        let socket = open((socket_type, protocol))?;
        socket.bind(&fresh(at)?)?;
        if socket_type == 1 {
            let listener = socket.listen(1)?;
            let mut stream = open((socket_type, protocol))?.connect(&listener.local_endpoint()?).await?;
            stream.send_line("raw").await?;
            let got = listener.accept().await?.recv_line_owned().await?;
            ensure(got.is_some_and(|line| line == "raw"), "a line over raw numbers")?;
        } else {
            let datagrams = socket.into_datagram()?;
            datagrams.send_to(b"raw", &datagrams.local_endpoint()?).await?;
            ensure_eq(&datagrams.recv_from_owned(8).await?.0[..], b"raw", "a datagram over raw numbers")?;
        }
    }
    // A protocol that the type does not have, and a type that is neither.
    let (socket_type, protocol) = (1, 17);
    ensure_err(open((socket_type, protocol)).map(drop), "streams of UDP")?;
    let error = ensure_err(open((5, 0)).map(drop), "SOCK_SEQPACKET")?;
    ensure(matches!(error, Error::Io { .. }), format!("{error:?}"))
}

async fn all_interfaces<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    for (kind, any, loopback) in
        [(SocketKind::TcpV4, "0.0.0.0", "127.0.0.1"), (SocketKind::TcpV6, "::", "::1")]
    {
        let Ok(socket) = NewSocket::open(at.net(), kind) else { continue }; // A machine without IPv6.
        socket.bind_any(0)?;
        let listener = socket.listen(1)?;
        let bound =
            listener.local_endpoint()?.as_inet().ok_or_else(|| Stop::Failed("no address".to_owned()))?;
        ensure_eq(&bound.ip().to_string()[..], any, "the address")?;
        ensure(bound.port() != 0, "a port was chosen")?;
        let to = Endpoint::Inet(SocketAddr::new(loopback.parse().map_err(other)?, bound.port()));
        let Ok(transport) = at.net().connect(&to).await else { continue };
        drop(transport);
        listener.accept().await?;
    }
    Ok(())
}

/// The error of a socket that was not to be had.
fn ensure_io_err<T>(outcome: std::io::Result<T>, what: &str) -> Result<std::io::Error, Stop> {
    outcome.err().ok_or_else(|| Stop::Failed(format!("{what}: no error")))
}

fn other(error: impl std::fmt::Display) -> Stop {
    Stop::Failed(error.to_string())
}

async fn misused<N: Net>(at: &Sockets<N>) -> Verdict {
    let (stream, datagram) = match at.link() {
        Link::Tcp => (SocketKind::TcpV4, SocketKind::UdpV4),
        Link::Unix => (SocketKind::UnixStream, SocketKind::UnixDatagram),
    };
    let listener = at.listen()?;
    let open = |kind| NewSocket::open(at.net(), kind);
    let error =
        ensure_err(open(datagram)?.connect(&listener.local_endpoint()?).await, "a stream of datagrams")?;
    ensure_kind(&error, ErrorKind::InvalidInput)?;
    let error = ensure_err(open(datagram)?.listen(1), "a listener of datagrams")?;
    ensure_kind(&error, ErrorKind::InvalidInput)?;
    let error = ensure_err(open(stream)?.into_datagram(), "datagrams over a stream")?;
    ensure_kind(&error, ErrorKind::InvalidInput)?;
    let taken = open(stream)?;
    ensure_err(taken.bind(&listener.local_endpoint()?), "an address that is in use")?;
    if at.link() == Link::Unix {
        ensure_kind(&ensure_err(taken.bind_any(0), "a port of a Unix socket")?, ErrorKind::InvalidInput)?;
    }
    Ok(())
}

async fn dropped<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    let to = listener.local_endpoint()?;
    let bound = || {
        let socket = NewSocket::open(at.net(), kind_on(at))?;
        socket.bind(&fresh(at)?)?;
        Ok::<_, Stop>((socket.local_endpoint()?, socket))
    };
    // Before it has asked for a connection, its address is free again.
    let (own, socket) = bound()?;
    drop(socket.connect(&to));
    if at.link() == Link::Tcp {
        NewSocket::open(at.net(), kind_on(at))?.bind(&own)?;
    }
    // Afterwards, if the connection came about, the listener sees its end.
    let (_, socket) = bound()?;
    drop(drop_after(1, socket.connect(&to), || ()).await);
    let other = Stream::new(at.net().connect(&to).await?);
    let mut served = listener.accept().await?;
    let of_other = served.peer_endpoint()? == other.local_endpoint()? && at.link() == Link::Tcp;
    if !of_other {
        match served.recv_line().await {
            Ok(line) => ensure(line.is_none(), "a line of nobody")?,
            Err(error) => ensure(error.is_disconnect(), format!("{error:?}"))?,
        }
    }
    Ok(())
}

async fn inheritable<N: Net>(at: &Sockets<N>) -> Verdict {
    if cfg!(windows) {
        return Err(Stop::Skipped("Windows does not tell".to_owned()));
    }
    let socket = NewSocket::open(at.net(), kind_on(at))?;
    ensure(!socket.is_inheritable()?, "a new socket")?;
    socket.bind(&fresh(at)?)?;
    let mut listener = socket.listen(4)?;
    ensure(!listener.is_inheritable()?, "a listener")?;
    for on in [false, true, false] {
        listener.set_accepted_inheritable(on);
        let _peer = connect_peer(&listener)?;
        ensure_eq(&listener.accept().await?.is_inheritable()?, &on, "an accepted stream")?;
    }
    let mut options = BindOptions::default();
    options.inheritable = true;
    let listener = Listener::new(at.net().listen_with(&fresh(at)?, &options)?);
    ensure(listener.is_inheritable()?, "a listener that is to be")?;
    let _peer = connect_peer(&listener)?;
    let stream = listener.accept().await?;
    ensure(!stream.is_inheritable()?, "what it accepts does not follow it")?;
    stream.set_inheritable(true)?;
    ensure(stream.is_inheritable()?, "a stream that is to be")?;

    let socket = NewSocket::open(at.net(), kind_on(at))?;
    socket.set_inheritable(true)?;
    let stream = socket.connect(&listener.local_endpoint()?).await?;
    ensure(stream.is_inheritable()?, "what becomes of an inheritable socket")
}

async fn stale_file<N: Net>(at: &Sockets<N>) -> Verdict {
    unix_only(at)?;
    let path = at.fresh_path();
    let here = unix_endpoint(&path)?;
    drop(at.net().listen(&here)?);
    ensure(path.exists(), "the file stays")?;
    ensure_io_err(at.net().listen(&here), "a file in the way")?;
    let mut options = BindOptions::default();
    options.remove_stale = true;
    let listener = Listener::new(at.net().listen_with(&here, &options)?);
    // One that is answered for is nobody's to take.
    let error = ensure_io_err(at.net().listen_with(&here, &options), "a listener that lives")?;
    ensure_eq(&error.kind(), &ErrorKind::AddrInUse, "why")?;
    let mut stream = Stream::new(at.net().connect(&here).await?);
    stream.send_line("hello").await?;
    // The connection that asked whether anybody listens comes first, and ends.
    let mut lines = Vec::new();
    for _ in 0..2 {
        lines.extend(listener.accept().await?.recv_line_owned().await?);
    }
    ensure_eq(&lines.len(), &1, "the one that said something")?;
    let file = at.fresh_path();
    std::fs::write(&file, "no socket")?;
    let here = unix_endpoint(&file)?;
    ensure_io_err(at.net().listen_with(&here, &options), "a file that is no socket")?;
    ensure_eq(&std::fs::read_to_string(&file)?[..], "no socket", "the file")
}

async fn own_file<N: Net>(at: &Sockets<N>) -> Verdict {
    unix_only(at)?;
    let mut options = BindOptions::default();
    options.remove_at_close = true;
    let path = at.fresh_path();
    let here = unix_endpoint(&path)?;
    let listener = Listener::new(at.net().listen_with(&here, &options)?);
    let _stream = at.net().connect(&here).await?;
    let served = listener.accept().await?;
    drop(served);
    ensure(path.exists(), "a stream that ends takes no file with it")?;
    drop(listener);
    ensure(!path.exists(), "the listener's file is gone")?;
    let datagram = Datagram::new(at.net().bind_with(&here, &options)?);
    ensure(path.exists(), "the datagram socket's file")?;
    drop(datagram);
    ensure(!path.exists(), "the datagram socket's file is gone")?;

    let listener = at.net().listen_with(&here, &options)?;
    std::fs::remove_file(&path)?;
    let _other = at.net().listen(&here)?;
    drop(listener);
    ensure(path.exists(), "another one's file")
}

async fn mode<N: Net>(at: &Sockets<N>) -> Verdict {
    unix_only(at)?;
    for bits in [0o600, 0o660, 0o666] {
        let mut options = BindOptions::default();
        options.mode = Some(bits);
        let (listening, bound) = (at.fresh_path(), at.fresh_path());
        let _listener = at.net().listen_with(&unix_endpoint(&listening)?, &options)?;
        let _datagram = at.net().bind_with(&unix_endpoint(&bound)?, &options)?;
        for path in [listening, bound] {
            ensure_eq(&permissions(&path)?, &bits, "the permissions")?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn permissions(path: &Path) -> Result<u32, Stop> {
    use std::os::unix::fs::PermissionsExt;
    Ok(path.symlink_metadata()?.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn permissions(_: &Path) -> Result<u32, Stop> {
    Err(Stop::Skipped("no Unix sockets on this platform".to_owned()))
}

async fn reuse_port<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let mut options = BindOptions::default();
    options.reuse_port = true;
    let one = match at.net().listen_with(&fresh(at)?, &options) {
        Err(error) if error.kind() == ErrorKind::Unsupported => return Err(Stop::Skipped(error.to_string())),
        listening => Listener::new(listening?),
    };
    let here = one.local_endpoint()?;
    let other = Listener::new(at.net().listen_with(&here, &options)?);
    ensure(other.flag(Flag::ReusePort)?, "the flag")?;
    ensure_io_err(at.net().listen(&here), "one that does not say so")?;
    let _stream = at.net().connect(&here).await?;
    future::or(one.accept(), other.accept()).await?;
    Ok(())
}

async fn abstract_name<N: Net>(at: &Sockets<N>) -> Verdict {
    unix_only(at)?;
    if !cfg!(target_os = "linux") {
        return Err(Stop::Skipped("only Linux has abstract names".to_owned()));
    }
    // A NUL and a byte that is no text are as good as any (unix(7)). The folder of the run makes it nobody else's.
    let name = |what: &str| {
        let mut name = at.fresh_path().into_os_string().into_encoded_bytes();
        name.extend_from_slice(b"\0\xff");
        name.extend_from_slice(what.as_bytes());
        Endpoint::Unix(UnixName::Abstract(name.into()))
    };
    let here = name("listener");
    let listener = Listener::new(at.net().listen(&here)?);
    ensure_eq(&listener.local_endpoint()?, &here, "its name")?;
    let socket = NewSocket::open(at.net(), SocketKind::UnixStream)?;
    let own = name("client");
    socket.bind(&own)?;
    let mut stream = socket.connect(&here).await?;
    ensure_eq(&stream.peer_endpoint()?, &here, "the peer's name")?;
    let (mut served, from) = listener.accept_addr().await?;
    ensure_eq(&from, &own, "the client's name")?;
    stream.send_line("hello").await?;
    ensure(served.recv_line().await?.is_some_and(|line| line == "hello"), "a line over it")?;
    // As others see it.
    let theirs = theirs(&here)?;
    drop(theirs);

    let (one, two) = (name("one"), name("two"));
    let (first, second) = (Datagram::new(at.net().bind(&one)?), Datagram::new(at.net().bind(&two)?));
    first.send_to(b"by name", &two).await?;
    let (message, received) = second.recv_from_owned(100).await?;
    ensure_eq(&message[..], b"by name", "a datagram")?;
    ensure_eq(&received.from, &Some(one), "its sender")
}

async fn full_receiver<N: Net>(at: &Sockets<N>) -> Verdict {
    unix_only(at)?;
    let (path, own) = (at.fresh_path(), at.fresh_path());
    let here = unix_endpoint(&path)?;
    let receiver = Datagram::new(at.net().bind(&here)?);
    let queued = fill_up(&path)?;
    let sender = Datagram::new(at.net().bind(&unix_endpoint(&own)?)?);
    for batch in [false, true] {
        let polls = Cell::new(0);
        let sending = async {
            if batch {
                let one: &[(&[u8], Option<&Endpoint>)] = &[(b"ours", Some(&here))];
                return sender.send_many(one).await.map(drop);
            }
            sender.send_to(b"ours", &here).await
        };
        let mut sending = Box::pin(lockstep(sending, || polls.set(polls.get() + 1)));
        future::or(async { sending.as_mut().await.map(|()| false) }, async {
            at.elapse(Duration::from_millis(30)).await;
            Ok(true)
        })
        .await
        .map(|waited| ensure(waited, "it was sent to a full queue"))??;
        // One message out lets one in; the pause before it is noticed is the socket's own.
        receiver.recv_from_owned(16).await?;
        sending.await?;
        ensure(polls.get() < 30, format!("it was polled {} times", polls.get()))?;
    }
    let mut last = Vec::new();
    for _ in 0..queued {
        last = receiver.recv_from_owned(16).await?.0.to_vec();
    }
    ensure_eq(&last[..], b"ours", "the last message")
}

/// Fills the queue of a datagram socket, in another's name: how many messages.
#[cfg(unix)]
fn fill_up(path: &Path) -> Result<usize, Stop> {
    let filler = std::os::unix::net::UnixDatagram::unbound()?;
    filler.set_nonblocking(true)?;
    for queued in 0..1_000_000 {
        match filler.send_to(b"theirs", path) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(queued),
            Err(error) => {
                return Err(Stop::Skipped(format!("a full queue is told as an error here: {error}")));
            }
        }
    }
    Err(Stop::Failed("the queue has no end".to_owned()))
}

#[cfg(not(unix))]
fn fill_up(_: &Path) -> Result<usize, Stop> {
    Err(Stop::Skipped("no Unix sockets on this platform".to_owned()))
}

async fn long_datagram<N: Net>(at: &Sockets<N>) -> Verdict {
    unix_only(at)?;
    let here = unix_endpoint(&at.fresh_path())?;
    let socket = Datagram::new(at.net().bind(&here)?);
    let long = vec![7; 100_000];
    match socket.send_to(&long, &here).await {
        Err(error) if !cfg!(target_os = "linux") => return Err(Stop::Skipped(error.to_string())),
        sent => sent?,
    }
    let (message, received) = socket.recv_from_owned(long.len()).await?;
    ensure(!received.truncated && message == long, format!("{} bytes came: {received:?}", message.len()))?;
    socket.send_to(&long, &here).await?;
    let (message, received) = socket.recv_from_owned(usize::MAX).await?;
    ensure(!received.truncated && message == long, "a bound that no message comes to")
}

/// A connection of the standard library's to an abstract name.
#[cfg(target_os = "linux")]
fn theirs(here: &Endpoint) -> Result<std::os::unix::net::UnixStream, Stop> {
    use std::os::linux::net::SocketAddrExt;
    let Endpoint::Unix(UnixName::Abstract(name)) = here else { return Err(Stop::Failed(here.to_string())) };
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    Ok(std::os::unix::net::UnixStream::connect_addr(&address)?)
}

#[cfg(not(target_os = "linux"))]
fn theirs(_: &Endpoint) -> Result<(), Stop> {
    Err(Stop::Skipped("only Linux has abstract names".to_owned()))
}

async fn peer<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    let peer = connect_peer(&listener)?;
    let (mut stream, from) = listener.accept_addr().await?;
    match reset(peer) {
        Ok(()) => {
            ensure_err(stream.recv_line().await, "a reset")?;
        }
        // Over a Unix socket the peer just ends.
        Err(Stop::Skipped(_)) => {}
        Err(stop) => return Err(stop),
    }
    ensure_eq(&stream.peer_endpoint()?, &from, "after the reset")?;
    stream.abort();
    ensure_eq(&stream.peer_endpoint()?, &from, "after the close")?;
    ensure(matches!(stream.local_endpoint(), Err(Error::Closed)), "its own address is the socket's to tell")
}

async fn peer_as_written<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    if cfg!(windows) {
        return Err(Stop::Skipped("Windows does not connect to the unspecified address".to_owned()));
    }
    let listener = at.listen()?;
    let here = listener.local_endpoint()?;
    let port = here.as_inet().map_or(0, |address| address.port());
    for written in ["127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "::ffff:0.0.0.0"] {
        let ip: IpAddr = written.parse().map_err(|_| Stop::Failed(written.to_owned()))?;
        let to = Endpoint::Inet(SocketAddr::new(ip, port));
        let connected = match Connector::new().connect(at.net(), &to).await {
            Err(_) if ip.is_ipv6() => continue, // A machine without IPv6.
            connected => connected?,
        };
        ensure_eq(&connected.peer_endpoint()?, &here, format!("{written}, connected"))?;
        let (accepted, from) = listener.accept_addr().await?;
        ensure_eq(&from, &connected.local_endpoint()?, format!("{written}, accepted"))?;
        ensure_eq(&accepted.peer_endpoint()?, &from, format!("{written}, the accepted stream"))?;
        if let Ok(socket) = NewSocket::open(at.net(), SocketKind::stream_for(&to)) {
            let connected = socket.connect(&to).await?;
            ensure_eq(&connected.peer_endpoint()?, &here, format!("{written}, a socket of its own"))?;
            listener.accept().await?;
        }
    }
    Ok(())
}

async fn credentials<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    let _peer = connect_peer(&listener)?;
    let stream = listener.accept().await?;
    match stream.peer_credentials() {
        Ok(peer) => {
            ensure(at.link() == Link::Unix, "TCP knows no process")?;
            ensure_eq(&peer.process, &Some(std::process::id()), "the process")
        }
        Err(error) => {
            ensure_kind(&error, ErrorKind::Unsupported)?;
            ensure(at.link() == Link::Tcp || !cfg!(target_os = "linux"), "Linux knows the process")?;
            if at.link() == Link::Unix { Err(Stop::Skipped(error.to_string())) } else { Ok(()) }
        }
    }
}
