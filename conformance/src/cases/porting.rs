//! What a program from Nim asks of a socket beside talking: its options, its addresses, what it holds, whether it is
//! closed. Which call stands for which is in `docs/porting-from-nim.md`, whose rows name the cases.

use crate::adapter::{Fixture, Sockets};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::cases::network::tcp_only;
use crate::steps::drop_after;
use asyncnet_driver::{
    Datagram, Endpoint, Error, Flag, Listener, Net, OptionName, SocketOption, SocketOptions,
};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

pub(crate) fn stream_cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "info::received",
            "what came and was not taken is counted, half a line and the rest of a record too",
            |at| Box::pin(received(at)),
        ),
        Case::new(
            "info::closed",
            "a stream is closed once this side closed it, whatever the peer did",
            |at| Box::pin(closed(at)),
        ),
        Case::new(
            "ends::given_up",
            "after a receive that was given up, a close ends the stream as any other",
            |at| Box::pin(given_up(at)),
        ),
    ]
}

pub(crate) fn network_cases<N: Net>() -> Vec<Case<Sockets<N>>> {
    vec![
        Case::new(
            "ends::reused_descriptor",
            "what is sent on a closed stream reaches nobody, whoever has its descriptor now",
            |at| Box::pin(reused_descriptor(at)),
        ),
        Case::new("info::mapped", "an IPv4 peer of an IPv6 socket reads as IPv4, whoever is asked", |at| {
            Box::pin(mapped(at))
        }),
        Case::new(
            "options::flags",
            "each boolean option comes back as it was set, and changes no other",
            |at| Box::pin(flags(at)),
        ),
        Case::new("options::unsupported", "an option that cannot be had says so, and why", |at| {
            Box::pin(unsupported(at))
        }),
        Case::new("options::values", "options that are not boolean come back as they were set", |at| {
            Box::pin(values(at))
        }),
    ]
}

async fn received<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    ensure_eq(&(stream.received_len(), stream.sealed_len()), &(0, 0), "before anything came")?;
    peer.write_all(b"0123456789 and half a li")?;
    stream.peek_at_least(24).await?;
    stream.recv_exact(&mut [0; 3]).await?;
    // Over TLS this is the rest of a record, which Nim's hasDataBuffered does not see.
    ensure_eq(&stream.received(), &&b"3456789 and half a li"[..], "after 3 bytes of a message")?;
    ensure_eq(&stream.received_len(), &21, "the count")?;
    ensure(drop_after(1, stream.recv_line(), || ()).await.is_none(), "half a line is no line")?;
    ensure_eq(&stream.received_len(), &21, "half a line that was waited for")?;
    peer.write_all(b"ne\nmore")?;
    peer.shutdown_write()?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "3456789 and half a line"), "the line")?;
    stream.peek_at_least(4).await?;
    ensure_eq(&stream.received_len(), &4, "behind the line")?;
    stream.consume(4);
    ensure(stream.peek().await?.is_empty(), "the end")?;
    ensure_eq(&(stream.received_len(), stream.sealed_len()), &(0, 0), "at the end")
}

async fn closed<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    ensure(!stream.is_closed(), "a new stream")?;
    peer.shutdown_write()?;
    ensure(stream.recv_line().await?.is_none(), "the peer's end")?;
    ensure(!stream.is_closed(), "the peer's end is not ours")?;
    stream.shutdown_write().await?;
    ensure(!stream.is_closed(), "the end of sending is not the end of it")?;
    drop(peer);
    stream.close().await?;
    ensure(stream.is_closed(), "after a close")?;

    let (mut stream, _peer) = at.pair().await?;
    stream.abort();
    ensure(stream.is_closed(), "after an abort")
}

async fn given_up<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    for piece in [&b"half "[..], b"a line"] {
        peer.write_all(piece)?;
        ensure(drop_after(1, stream.recv_line(), || ()).await.is_none(), "half a line is no line")?;
    }
    stream.queue_line("the last word")?;
    let peer = std::thread::spawn(move || {
        let mut got = Vec::new();
        peer.read_to_end(&mut got)?;
        Ok(got)
    });
    stream.close().await?;
    ensure(stream.is_closed(), "it is closed")?;
    ensure(matches!(stream.recv_line().await, Err(Error::Closed)), "a receive after it")?;
    ensure_eq(&crate::peer::joined(peer)?[..], b"the last word\r\n", "what the peer saw")
}

async fn reused_descriptor<N: Net>(at: &Sockets<N>) -> Verdict {
    for graceful in [true, false, true, false] {
        let (mut gone, peer) = at.pair().await?;
        drop(peer);
        if graceful {
            gone.close().await?;
        } else {
            gone.abort();
        }
        // The lowest number that is free is the next socket's (POSIX, 2.6).
        let (mut next, mut peer) = at.pair().await?;
        let error = ensure_err(gone.send(b"a secret").await, "a send on a closed stream")?;
        ensure(matches!(error, Error::Closed), format!("{error:?}"))?;
        let error = ensure_err(gone.queue(b"a secret"), "a queue on a closed stream")?;
        ensure(matches!(error, Error::Closed), format!("{error:?}"))?;
        ensure_err(gone.flush().await, "a flush of a closed stream")?;
        drop(gone);
        next.send(b"hello").await?;
        next.shutdown_write().await?;
        let mut got = Vec::new();
        peer.read_to_end(&mut got)?;
        ensure_eq(&got[..], b"hello", "what the next stream's peer saw")?;
    }
    Ok(())
}

async fn mapped<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let no_v6 = |error| Stop::Skipped(format!("no socket of both families here: {error}"));
    let any = Endpoint::Inet((Ipv6Addr::UNSPECIFIED, 0).into());
    let port = |at: Endpoint| at.as_inet().map_or(0, |at| at.port());

    let listener = Listener::new(at.net().listen(&any).map_err(no_v6)?);
    let to: SocketAddr = (Ipv4Addr::LOCALHOST, port(listener.local_endpoint()?)).into();
    let peer = TcpStream::connect(to).map_err(no_v6)?;
    let (stream, from) = listener.accept_addr().await?;
    let expected = Endpoint::Inet(peer.local_addr()?);
    ensure_eq(&from, &expected, "the peer, by the accept")?;
    ensure_eq(&stream.peer_endpoint()?, &expected, "the peer, by the stream")?;
    ensure_eq(&stream.local_endpoint()?, &Endpoint::Inet(to), "the stream's own")?;

    let socket = Datagram::new(at.net().bind(&any).map_err(no_v6)?);
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    peer.send_to(b"hello", (Ipv4Addr::LOCALHOST, port(socket.local_endpoint()?)))?;
    let received = socket.recv_from(&mut [0; 8]).await?;
    ensure_eq(&received.from, &Some(Endpoint::Inet(peer.local_addr()?)), "the sender")
}

/// The flags that a socket has, and their values.
fn all_flags(socket: &impl SocketOptions) -> Vec<(Flag, bool)> {
    let value = |flag| match socket.option(OptionName::Flag(flag)) {
        Ok(SocketOption::Flag(_, on)) => Some((flag, on)),
        _ => None,
    };
    Flag::ALL.into_iter().filter_map(value).collect()
}

/// Changes a flag and changes it back: it does, and all others stay.
fn toggle(socket: &impl SocketOptions, flag: Flag) -> Verdict {
    let before = all_flags(socket);
    let Some((_, was)) = before.iter().find(|(known, _)| *known == flag) else {
        return Err(Stop::Failed(format!("{flag} cannot be asked")));
    };
    for on in [!was, *was] {
        socket.set_option(SocketOption::Flag(flag, on))?;
        let expected: Vec<_> =
            before.iter().map(|(known, value)| (*known, if *known == flag { on } else { *value })).collect();
        ensure_eq(&all_flags(socket), &expected, format!("all flags, after {flag} was set to {on}"))?;
    }
    Ok(())
}

async fn flags<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (stream, _peer) = at.pair().await?;
    let transport = stream.transport().ok_or(Error::Closed)?;
    let listener = at.listen()?;
    let socket = at.net().bind(&Endpoint::Inet((Ipv4Addr::LOCALHOST, 0).into()))?;
    // What Nim's setSockOpt sets for OptNoDelay is SO_DEBUG, unless it is told a level.
    for flag in [Flag::NoDelay, Flag::KeepAlive, Flag::OobInline, Flag::ReuseAddr] {
        toggle(transport, flag)?;
        toggle(listener.socket(), flag)?;
    }
    toggle(&socket, Flag::Broadcast)?;
    toggle(&socket, Flag::ReuseAddr)?;
    if cfg!(unix) {
        toggle(transport, Flag::ReusePort)?;
    }
    if cfg!(target_os = "linux") {
        ensure(listener.flag(Flag::AcceptConn)?, "a listener listens")?;
        ensure(!stream.flag(Flag::AcceptConn)?, "a stream does not")?;
    }
    ensure(stream.flag(Flag::NoDelay)?, "small segments go out at once, unless they are told not to")?;
    match at.net().listen(&Endpoint::Inet((Ipv6Addr::LOCALHOST, 0).into())) {
        Ok(listener) => ensure(Listener::new(listener).flag(Flag::OnlyV6).is_ok(), "IPV6_V6ONLY"),
        Err(_) => Ok(()), // A machine without IPv6.
    }
}

async fn unsupported<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (stream, _peer) = at.pair().await?;
    let check = |flag: Flag, result: Result<(), Error>| {
        let error = ensure_err(result, flag)?;
        let Error::Io { source, .. } = &error else { return Err(Stop::Failed(format!("{flag}: {error:?}"))) };
        ensure_eq(&source.kind(), &ErrorKind::Unsupported, flag)?;
        ensure(error.to_string().contains(&flag.to_string()), format!("it is named: {error}"))
    };
    for flag in [Flag::Debug, Flag::DontRoute] {
        check(flag, stream.flag(flag).map(drop))?;
        check(flag, stream.set_flag(flag, true))?;
    }
    check(Flag::AcceptConn, stream.set_flag(Flag::AcceptConn, true))
}

async fn values<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let seconds = Duration::from_secs;
    let (stream, _peer) = at.pair().await?;
    let mut wanted = vec![
        SocketOption::KeepaliveIdle(seconds(30)),
        SocketOption::KeepaliveInterval(seconds(5)),
        SocketOption::KeepaliveCount(4),
        SocketOption::Linger(Some(seconds(2))),
        SocketOption::Linger(None),
        SocketOption::Ttl(9),
        SocketOption::Flag(Flag::KeepAlive, true),
    ];
    if cfg!(target_os = "linux") {
        wanted.extend([SocketOption::UserTimeout(Some(seconds(7))), SocketOption::Tos(0x10)]);
    }
    for option in wanted {
        stream.set_option(option)?;
        // Windows has no call to ask for two of them.
        if cfg!(unix) {
            ensure_eq(&stream.option(option.name())?, &option, option.name())?;
        }
    }
    stream.set_option(SocketOption::RecvBuffer(20_000))?;
    let buffer = stream.option(OptionName::RecvBuffer)?;
    ensure(matches!(buffer, SocketOption::RecvBuffer(20_000..)), format!("{buffer:?}"))?;
    // A time that is cut to whole seconds means another thing.
    let half = SocketOption::KeepaliveIdle(Duration::from_millis(500));
    let error = ensure_err(stream.set_option(half), "half a second")?;
    ensure(
        matches!(&error, Error::Io { source, .. } if source.kind() == ErrorKind::InvalidInput),
        format!("{error:?}"),
    )?;
    let socket = Datagram::new(at.net().bind(&Endpoint::Inet((Ipv4Addr::LOCALHOST, 0).into()))?);
    for option in [SocketOption::MulticastTtl(3), SocketOption::MulticastLoop(false), SocketOption::Ttl(9)] {
        socket.set_option(option)?;
        ensure_eq(&socket.option(option.name())?, &option, option.name())?;
    }
    Ok(())
}

/// The case of [`adopted`], for adapters' own cases: what takes a socket over is the adapter's.
#[cfg(feature = "adapters")]
pub(crate) fn adopt_case<N: Net>(
    run: for<'a> fn(&'a Sockets<N>) -> crate::case::LocalFuture<'a, Verdict>,
) -> Case<Sockets<N>> {
    Case::new(
        "socket::adopt",
        "a socket of somebody else's is taken over: it neither blocks nor is inherited, and its type is checked",
        run,
    )
}

/// Sockets of std's, which block, as those of other libraries do.
///
/// # Errors
///
/// [`Stop`].
#[cfg(feature = "adapters")]
pub(crate) async fn adopted<N: Net>(
    at: &Sockets<N>,
    stream: impl Fn(socket2::Socket) -> std::io::Result<N::Transport>,
    listen: impl Fn(socket2::Socket) -> std::io::Result<N::Listener>,
    datagram: impl Fn(socket2::Socket) -> std::io::Result<N::Datagram>,
) -> Verdict {
    tcp_only(at)?;
    let theirs = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let to = theirs.local_addr()?;
    let theirs = socket2::Socket::from(theirs);
    make_inheritable(&theirs)?;
    let listener = Listener::new(listen(theirs)?);
    // A socket that still blocks would hang here, and the case would not end in its time.
    ensure(drop_after(1, listener.accept(), || ()).await.is_none(), "an accept without a connection")?;
    let theirs = socket2::Socket::from(TcpStream::connect(to)?);
    make_inheritable(&theirs)?;
    let mut ours = asyncnet_driver::Stream::new(stream(theirs)?);
    let mut served = listener.accept().await?;
    ensure(drop_after(1, ours.recv_line(), || ()).await.is_none(), "a receive without a line")?;
    ours.send_line("hello").await?;
    ensure(served.recv_line().await?.is_some_and(|line| line == "hello"), "a line over it")?;

    let theirs = socket2::Socket::from(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
    make_inheritable(&theirs)?;
    let datagrams = Datagram::new(datagram(theirs)?);
    ensure(drop_after(1, datagrams.recv(&mut [0; 8]), || ()).await.is_none(), "a receive without a message")?;
    datagrams.send_to(b"hello", &datagrams.local_endpoint()?).await?;
    ensure_eq(&datagrams.recv(&mut [0; 8]).await?.len, &5, "a message to itself")?;
    if cfg!(unix) {
        let inherited = [listener.is_inheritable()?, ours.is_inheritable()?, datagrams.is_inheritable()?];
        ensure_eq(&inherited, &[false; 3], "which of them are inherited")?;
    }

    let of_streams = || Ok::<_, Stop>(socket2::Socket::from(TcpStream::connect(to)?));
    let of_datagrams = || Ok::<_, Stop>(socket2::Socket::from(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?));
    ensure(stream(of_datagrams()?).is_err(), "datagrams taken for a stream")?;
    ensure(datagram(of_streams()?).is_err(), "a stream taken for datagrams")?;
    if cfg!(target_os = "linux") {
        // Elsewhere a system may not tell.
        ensure(listen(of_streams()?).is_err(), "a stream taken for a listener")?;
    }
    Ok(())
}

/// As one that another library has opened may be.
#[cfg(feature = "adapters")]
fn make_inheritable(socket: &socket2::Socket) -> Verdict {
    #[cfg(unix)]
    rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()).map_err(std::io::Error::from)?;
    let _ = socket;
    Ok(())
}
