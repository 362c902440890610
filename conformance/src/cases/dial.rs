//! Dialing: resolvers, the order of addresses, times, and what becomes of the attempts that are not taken.
//!
//! Times are set so that they end a dial to an address that answers nothing; how long anything takes is not measured. The
//! schedule itself is asserted in the core, where time is an argument.

mod black_hole;
mod late;

use super::network::tcp_only;
use crate::adapter::{Sockets, connect_peer};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::steps::drop_after;
use asyncnet_driver::{
    Connector, Datagram, DialError, DialTimes, Endpoint, Error, Net, Operation, WithResolver, dial,
    dial_datagram,
};
use black_hole::BlackHole;
use late::Late;
use socket2::{Domain, Socket, Type};
use std::cell::RefCell;
use std::future::{pending, ready};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

/// A time that is over soon, and long enough for an attempt to be made on a busy machine.
const SHORT: Duration = Duration::from_millis(300);

pub(crate) fn cases<N: Net>() -> Vec<Case<Sockets<N>>> {
    vec![
        Case::new("dial::literal_v6", "an IPv6 address is dialed as it is written, without brackets", |at| {
            Box::pin(literal_v6(at))
        }),
        Case::new(
            "dial::resolver",
            "a resolver that replaces the runtime's is asked, and its ports are dialed",
            |at| Box::pin(resolver(at)),
        ),
        Case::new("dial::literal_unasked", "no resolver is asked for what is an address already", |at| {
            Box::pin(literal_unasked(at))
        }),
        Case::new(
            "dial::resolver_fails",
            "a resolver's failure is told as its own, and is no error of a socket",
            |at| Box::pin(resolver_fails(at)),
        ),
        Case::new("dial::no_addresses", "a name without addresses is an error that says so", |at| {
            Box::pin(no_addresses(at))
        }),
        Case::new(
            "dial::order",
            "when all addresses fail each is told with its reason, and the families took turns",
            |at| Box::pin(order(at)),
        ),
        Case::new("dial::black_hole", "a first address that answers nothing does not stop the dial", |at| {
            Box::pin(black_hole(at))
        }),
        Case::new(
            "dial::loser",
            "a connection that comes second is closed, and its peer sees the end",
            |at| Box::pin(loser(at)),
        ),
        Case::new("dial::dropped", "a dial that is dropped closes its sockets", |at| Box::pin(dropped(at))),
        Case::new("dial::attempt_time", "an attempt that has had its time is given up, and told", |at| {
            Box::pin(attempt_time(at))
        }),
        Case::new(
            "dial::time",
            "a dial that has had its time ends, and tells every attempt under way",
            |at| Box::pin(time(at)),
        ),
        Case::new("dial::lookup_time", "a resolver that does not answer is given up, and told", |at| {
            Box::pin(lookup_time(at))
        }),
        Case::new("connect::time", "a connection to one address has its time too", |at| {
            Box::pin(connect_time(at))
        }),
        Case::new(
            "dial::datagram",
            "a datagram socket is dialed by name: the first address that can be connected to is taken",
            |at| Box::pin(datagram(at)),
        ),
        Case::new(
            "dial::datagram_fails",
            "a datagram socket's dial tells each address with its reason, and has its time",
            |at| Box::pin(datagram_fails(at)),
        ),
    ]
}

/// The network under test, with a resolver that has one answer for everything.
fn answering<'a, N: Net>(
    at: &'a Sockets<N>,
    answer: &[SocketAddr],
) -> impl Net<Transport = N::Transport> + 'a {
    let answer = answer.to_owned();
    WithResolver::new(Late::none(at.net()), move |_: &str, _: u16| ready(Ok(answer.clone())))
}

/// What a dial failed with.
fn report<T>(outcome: Result<T, Error>, what: &str) -> Result<DialError, Stop> {
    match ensure_err(outcome, what)? {
        Error::Dial(report) => Ok(*report),
        error => Err(Stop::Failed(format!("{what}: {error:?}"))),
    }
}

/// The attempts of a report, as rows of address and kind.
fn attempts(report: &DialError) -> Vec<(SocketAddr, ErrorKind)> {
    report.attempts().iter().map(|(address, error)| (*address, error.kind())).collect()
}

fn ensure_text(report: &DialError, parts: &[&str]) -> Verdict {
    let text = report.to_string();
    parts.iter().try_for_each(|part| ensure(text.contains(part), format!("{part:?} in the text: {text}")))
}

/// An address that refuses: bound, so that nobody else has it, and not listening.
fn refusing() -> Result<(SocketAddr, Socket), Stop> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let address = socket.local_addr()?.as_socket();
    Ok((address.ok_or_else(|| Stop::Failed("a TCP socket has an address".to_owned()))?, socket))
}

async fn literal_v6<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let listener =
        TcpListener::bind("[::1]:0").map_err(|_| Stop::Skipped("this machine has no IPv6".to_owned()))?;
    let address = listener.local_addr()?;
    let stream = dial(at.net(), "::1", address.port()).await?;
    ensure_eq(&stream.peer_endpoint()?, &Endpoint::Inet(address), "its peer")?;
    // An address that is an IPv4 address in IPv6 clothes is dialed as the one it is.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let stream = dial(at.net(), "::ffff:127.0.0.1", address.port()).await?;
    ensure_eq(&stream.peer_endpoint()?, &Endpoint::Inet(address), "its peer, mapped")
}

async fn resolver<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let listener = at.listen()?;
    let to = listener.local_endpoint()?.as_inet();
    let to = to.ok_or_else(|| Stop::Failed("a TCP listener has an address".to_owned()))?;
    let asked = RefCell::new(Vec::new());
    let net = WithResolver::new(Late::none(at.net()), |host: &str, port: u16| {
        asked.borrow_mut().push((host.to_owned(), port));
        ready(Ok(vec![to]))
    });
    let mut stream = dial(&net, "mail.example.org", 25).await?;
    ensure_eq(&asked.take()[..], &[("mail.example.org".to_owned(), 25)], "what it was asked")?;
    let mut served = listener.accept().await?;
    stream.send_line("hello").await?;
    ensure(served.recv_line().await?.is_some_and(|line| line == "hello"), "a line over it")?;
    // The rest is that of the network below.
    let stream = Connector::new().connect(&net, &Endpoint::Inet(to)).await?;
    ensure_eq(&stream.peer_endpoint()?, &Endpoint::Inet(to), "connected past it")?;
    ensure(asked.take().is_empty(), "it was asked for an address")
}

async fn literal_unasked<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (nobody, _held) = refusing()?;
    let asked = RefCell::new(Vec::new());
    let net = WithResolver::new(Late::none(at.net()), |host: &str, _: u16| {
        asked.borrow_mut().push(host.to_owned());
        ready(Ok(vec![nobody]))
    });
    let rows = [
        ("127.0.0.1", false),
        ("::1", false),
        // The zone of an interface's name, and what is no address, are for a resolver.
        ("fe80::1%lo", true),
        ("[::1]", true),
        ("127.1", true),
        ("localhost", true),
        ("", true),
    ];
    for (host, is_asked) in rows {
        report(dial(&net, host, nobody.port()).await, host)?;
        let expected: &[&str] = if is_asked { &[host] } else { &[] };
        ensure_eq(&asked.take()[..], expected, format!("what was asked for {host:?}"))?;
    }
    let _client = dial_datagram(&net, "127.0.0.1", nobody.port()).await?;
    let sender = Datagram::new(at.net().bind(&Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], 0))))?);
    sender.send_to_host(&net, "127.0.0.1", nobody.port(), b"ping").await?;
    ensure(asked.take().is_empty(), "it was asked for the address of a datagram")
}

async fn resolver_fails<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let net = WithResolver::new(Late::none(at.net()), |_: &str, _: u16| {
        ready(Err(io::Error::new(ErrorKind::HostUnreachable, "the resolver is away")))
    });
    let report = report(dial(&net, "mail.example.org", 25).await, "no answer")?;
    let kind = report.lookup().map(io::Error::kind);
    ensure_eq(&kind, &Some(ErrorKind::HostUnreachable), "why the look-up failed")?;
    ensure(report.attempts().is_empty() && report.untried() == 0, "nothing was tried")?;
    ensure_text(&report, &["mail.example.org cannot be looked up", "the resolver is away"])?;
    // The runtime's own: RFC 6761, section 6.4: a name under .invalid never exists.
    let report = self::report(dial(at.net(), "no-such-host.invalid", 80).await, "no such name")?;
    let code = report.lookup().and_then(io::Error::raw_os_error);
    ensure(report.lookup().is_some() && code.is_none(), format!("no errno: {code:?}"))
}

async fn no_addresses<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let report = report(dial(&answering(at, &[]), "mail.example.org", 25).await, "no addresses")?;
    ensure(report.lookup().is_none() && report.attempts().is_empty(), format!("{report:?}"))?;
    ensure_text(&report, &["mail.example.org has no addresses"])
}

async fn order<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let ((one, _one), (two, _two), (three, _three)) = (refusing()?, refusing()?, refusing()?);
    // Nobody listens there either, with IPv6 or without.
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 1));
    let net = answering(at, &[one, two, two, three, six]);
    let report = report(dial(&net, "mail.example.org", 25).await, "nobody listens")?;
    let seen = attempts(&report);
    let order: Vec<SocketAddr> = seen.iter().map(|(address, _)| *address).collect();
    ensure_eq(&order[..], &[one, six, two, three], "the order")?;
    let refused = seen.iter().filter(|(address, _)| address.is_ipv4());
    ensure(refused.clone().all(|(_, kind)| *kind == ErrorKind::ConnectionRefused), format!("{seen:?}"))?;
    let named: Vec<String> = report.attempts().iter().map(|(to, error)| format!("{to}: {error}")).collect();
    ensure_text(&report, &named.iter().map(String::as_str).collect::<Vec<_>>())?;
    ensure_eq(&report.untried(), &0, "what was not tried")
}

async fn black_hole<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let hole = BlackHole::new()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let net = answering(at, &[hole.address(), listener.local_addr()?]);
    let mut dial = dial(&net, "mail.example.org", 25);
    ensure(drop_after(1, &mut dial, || ()).await.is_none(), "an address that answers nothing answered")?;
    hole.ensure_attempted()?;
    let stream = dial.await?;
    ensure_eq(&stream.peer_endpoint()?, &Endpoint::Inet(listener.local_addr()?), "its peer")?;
    hole.ensure_attempts(0)
}

async fn loser<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (late, winner) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    let answer = vec![late.local_addr()?, winner.local_addr()?];
    let net = WithResolver::new(Late::at(at.net(), late.local_addr()?), move |_: &str, _: u16| {
        ready(Ok(answer.clone()))
    });
    let stream = dial(&net, "mail.example.org", 25).await?;
    ensure_eq(&stream.peer_endpoint()?, &Endpoint::Inet(winner.local_addr()?), "its peer")?;
    let mut overtaken = crate::peer::tcp(late.accept()?.0)?;
    let mut rest = Vec::new();
    overtaken.read_to_end(&mut rest)?;
    ensure(rest.is_empty(), "an end, and nothing before it")
}

async fn dropped<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let hole = BlackHole::new()?;
    let net = answering(at, &[hole.address()]);
    let mut dial = Box::pin(dial(&net, "mail.example.org", 25));
    ensure(drop_after(1, dial.as_mut(), || ()).await.is_none(), "an address that answers nothing answered")?;
    hole.ensure_attempted()?;
    drop(dial);
    hole.ensure_attempts(0)
}

async fn attempt_time<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let hole = BlackHole::new()?;
    let (nobody, _held) = refusing()?;
    let mut times = DialTimes::default();
    times.attempt_time_max = SHORT;
    times.time_max = Duration::MAX;
    let net = answering(at, &[hole.address()]);
    let given_up = report(dial(&net, "mail.example.org", 25).times(times).await, "one address")?;
    ensure_eq(&attempts(&given_up)[..], &[(hole.address(), ErrorKind::TimedOut)], "one address")?;
    ensure_text(&given_up, &[&format!("{}: no answer within 300 ms", hole.address())])?;
    hole.ensure_attempts(0)?;
    // Others fail in their own way beside it.
    let net = answering(at, &[hole.address(), nobody]);
    let given_up = report(dial(&net, "mail.example.org", 25).times(times).await, "two addresses")?;
    let mut seen = attempts(&given_up);
    seen.sort_by_key(|(address, _)| *address != hole.address());
    let expected = [(hole.address(), ErrorKind::TimedOut), (nobody, ErrorKind::ConnectionRefused)];
    ensure_eq(&seen[..], &expected, "two addresses")
}

async fn time<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (one, other) = (BlackHole::new()?, BlackHole::new()?);
    let mut times = DialTimes::default();
    times.attempt_delay = Duration::ZERO;
    times.attempt_time_max = Duration::MAX;
    times.time_max = SHORT;
    let net = answering(at, &[one.address(), other.address()]);
    let over = report(dial(&net, "mail.example.org", 25).times(times).await, "its time")?;
    let expected = [one.address(), other.address()].map(|address| (address, ErrorKind::TimedOut));
    ensure_eq(&attempts(&over)[..], &expected, "what was under way")?;
    ensure_text(&over, &["no answer before the 300 ms of the dial were over"])?;
    one.ensure_attempts(0)?;
    other.ensure_attempts(0)?;
    // What had not been started yet is counted.
    times.attempt_delay = Duration::MAX;
    let over = report(dial(&net, "mail.example.org", 25).times(times).await, "its time, before the second")?;
    ensure_eq(&attempts(&over)[..], &expected[..1], "what was under way, of one")?;
    ensure_eq(&over.untried(), &1, "what was not tried")
}

async fn lookup_time<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let net = WithResolver::new(Late::none(at.net()), |_: &str, _: u16| pending());
    let mut times = DialTimes::default();
    times.time_max = SHORT;
    let dials = [
        report(dial(&net, "mail.example.org", 25).times(times).await, "a stream")?,
        report(dial_datagram(&net, "mail.example.org", 25).times(times).await, "a datagram socket")?,
        report(Connector::new().dial_times(times).dial(&net, "mail.example.org", 25).await, "a connector")?,
    ];
    dials.iter().try_for_each(|over| {
        ensure_eq(&over.lookup().map(io::Error::kind), &Some(ErrorKind::TimedOut), "why the look-up failed")?;
        ensure_text(over, &["mail.example.org cannot be looked up: no answer within 300 ms"])
    })
}

async fn connect_time<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let hole = BlackHole::new()?;
    let to = Endpoint::Inet(hole.address());
    for whole in [false, true] {
        let mut times = DialTimes::default();
        *(if whole { &mut times.time_max } else { &mut times.attempt_time_max }) = SHORT;
        let connector = Connector::new().dial_times(times);
        let error = ensure_err(connector.connect(at.net(), &to).await, "an address that answers nothing")?;
        let Error::Io { operation: Operation::Connect, source } = &error else {
            return Err(Stop::Failed(format!("{error:?}")));
        };
        ensure_eq(&source.kind(), &ErrorKind::TimedOut, "the error")?;
        let text = format!("connect: {to}: no answer within 300 ms");
        ensure_eq(&error.to_string(), &text, "its text")?;
        hole.ensure_attempts(0)?;
    }
    // A connection that comes in time is not touched by it, nor is one without a time.
    let mut never = DialTimes::default();
    (never.attempt_time_max, never.time_max) = (Duration::MAX, Duration::MAX);
    for times in [DialTimes::default(), never] {
        let listener = at.listen()?;
        let connector = Connector::new().dial_times(times);
        let mut stream = connector.connect(at.net(), &listener.local_endpoint()?).await?;
        stream.send_line("hello").await?;
        ensure(listener.accept().await?.recv_line().await?.is_some_and(|line| line == "hello"), "a line")?;
        drop(connect_peer(&listener)?);
    }
    Ok(())
}

/// An address that no UDP socket can be connected to without leave: that of a broadcast (ip(7), EACCES).
const BROADCAST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::BROADCAST), 9);

async fn datagram<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let server = UdpSocket::bind("127.0.0.1:0")?;
    server.set_read_timeout(Some(crate::peer::PATIENCE))?;
    let net = answering(at, &[BROADCAST, server.local_addr()?]);
    let client = dial_datagram(&net, "mail.example.org", 25).await?;
    ensure_eq(&client.peer_endpoint()?, &Endpoint::Inet(server.local_addr()?), "its peer")?;
    client.send(b"ping").await?;
    let mut buf = [0; 8];
    let (len, from) = server.recv_from(&mut buf)?;
    ensure_eq(&buf[..len], b"ping", "what the server got")?;
    server.send_to(b"pong", from)?;
    let received = client.recv(&mut buf).await?;
    ensure_eq(&buf[..received.len], b"pong", "what came back")
}

async fn datagram_fails<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let other = SocketAddr::new(BROADCAST.ip(), 10);
    let net = answering(at, &[BROADCAST, other]);
    let failed = report(dial_datagram(&net, "mail.example.org", 25).await, "no address can be connected to")?;
    let tried: Vec<SocketAddr> = failed.attempts().iter().map(|(address, _)| *address).collect();
    ensure_eq(&tried[..], &[BROADCAST, other], "what was tried")?;
    ensure_text(&failed, &["255.255.255.255:9: ", "255.255.255.255:10: "])?;
    let sender = Datagram::new(at.net().bind(&Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], 0))))?);
    let failed = report(sender.send_to_host(&net, "mail.example.org", 25, b"ping").await, "none takes it")?;
    let tried: Vec<SocketAddr> = failed.attempts().iter().map(|(address, _)| *address).collect();
    ensure_eq(&tried[..], &[BROADCAST, other], "what a message was sent to")
}
