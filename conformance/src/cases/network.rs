//! Networks: connecting, dialing, listening; what needs a socket and not just a stream.

use crate::adapter::{Fixture, Link, Sockets, connect_peer, reset};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::steps::drop_after;
use asyncnet_driver::{Endpoint, Error, Net, Stream, UnixName, dial};
#[cfg(feature = "adapters")]
use asyncnet_driver::{Endpoints, ReuniteError, ReuniteFault, SplitTransport};
use futures_lite::future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

pub(crate) fn cases<N: Net>() -> Vec<Case<Sockets<N>>> {
    vec![
        Case::new(
            "dial::by_name",
            "a host name is looked up, and one of its addresses is connected to",
            |at| Box::pin(by_name(at)),
        ),
        Case::new("dial::literal", "an address is dialed as it is written", |at| Box::pin(literal(at))),
        Case::new("dial::refused", "the error names every address that was tried, and why it failed", |at| {
            Box::pin(refused(at))
        }),
        Case::new("dial::unknown_host", "a name that does not exist is an error of the lookup", |at| {
            Box::pin(unknown_host(at))
        }),
        Case::new("connect::missing", "a connection to nobody is an error of the socket", |at| {
            Box::pin(missing(at))
        }),
        Case::new("connect::dropped", "a connection that is dropped half-way leaves nothing behind", |at| {
            Box::pin(dropped_connect(at))
        }),
        Case::new("listen::endpoints", "each end knows its own address and the other's", |at| {
            Box::pin(endpoints(at))
        }),
        Case::new(
            "listen::many_tasks",
            "any number of tasks wait on one listener, and none is forgotten",
            |at| Box::pin(many_tasks(at)),
        ),
        Case::new("listen::dropped_accept", "an accept that is dropped loses no connection", |at| {
            Box::pin(dropped_accept(at))
        }),
        Case::new(
            "listen::reset_before_accept",
            "a connection that is reset before it is accepted harms no other",
            |at| Box::pin(reset_before_accept(at)),
        ),
        Case::new("listen::in_use", "an address that is in use cannot be listened on again", |at| {
            Box::pin(in_use(at))
        }),
        Case::new(
            "connect::quiet",
            "a stream that waits for a silent peer is not polled again and again",
            |at| Box::pin(quiet(at)),
        ),
        Case::new(
            "listen::full_backlog",
            "a connection to a full backlog waits until there is room, and is then as quiet as any",
            |at| Box::pin(full_backlog(at)),
        ),
    ]
}

pub(super) fn tcp_only<N: Net>(at: &Sockets<N>) -> Verdict {
    match at.link() {
        Link::Tcp => Ok(()),
        Link::Unix => Err(Stop::Skipped("names and ports are of TCP".to_owned())),
    }
}

async fn by_name<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let listener = at.listen()?;
    let port = listener.local_endpoint()?.as_inet().map_or(0, |address| address.port());
    let mut stream = dial(at.net(), "localhost", port).await?;
    let mut served = listener.accept().await?;
    stream.send_line("hello").await?;
    ensure(served.recv_line().await?.is_some_and(|line| line == "hello"), "a line over it")
}

async fn literal<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    for host in ["127.0.0.1", "::1"] {
        let address: SocketAddr =
            (host.parse::<std::net::IpAddr>().map_err(|e| Stop::Failed(e.to_string()))?, 0).into();
        let listener = match std::net::TcpListener::bind(address) {
            Ok(listener) => listener,
            Err(_) if host == "::1" => continue, // A machine without IPv6.
            Err(error) => return Err(error.into()),
        };
        let at_listener = Endpoint::Inet(listener.local_addr()?);
        let stream = dial(at.net(), host, listener.local_addr()?.port()).await?;
        ensure_eq(&stream.peer_endpoint()?, &at_listener, host)?;
    }
    Ok(())
}

async fn refused<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    // A port that was just free: nobody listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let error = ensure_err(dial(at.net(), "127.0.0.1", port).await, "nobody listens")?;
    let Error::Dial(report) = error else { return Err(Stop::Failed(format!("{error:?}"))) };
    let tried: Vec<String> = report.attempts().iter().map(|(address, _)| address.to_string()).collect();
    ensure_eq(&tried[..], &[format!("127.0.0.1:{port}")], "what was tried")?;
    let kind = report.attempts()[0].1.kind();
    ensure_eq(&kind, &std::io::ErrorKind::ConnectionRefused, "why it failed")?;
    ensure(report.to_string().contains(&tried[0]), format!("the text names it: {report}"))
}

async fn unknown_host<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    // RFC 6761, section 6.4: a name under .invalid never exists.
    let error = ensure_err(dial(at.net(), "no-such-host.invalid", 80).await, "a name that does not exist")?;
    let Error::Dial(report) = error else { return Err(Stop::Failed(format!("{error:?}"))) };
    ensure(report.attempts().is_empty(), "nothing was tried")?;
    ensure(report.lookup().is_some(), "the lookup failed")?;
    ensure(report.to_string().contains("no-such-host.invalid"), format!("the text names it: {report}"))
}

async fn missing<N: Net>(at: &Sockets<N>) -> Verdict {
    let nobody = match at.link() {
        Link::Tcp => Endpoint::Inet(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?),
        Link::Unix => crate::adapter::unix_endpoint(&at.fresh_path())?,
    };
    let expected = match at.link() {
        Link::Tcp => std::io::ErrorKind::ConnectionRefused,
        Link::Unix => std::io::ErrorKind::NotFound,
    };
    match at.net().connect(&nobody).await {
        Ok(_) => Err(Stop::Failed("connected to nobody".to_owned())),
        Err(error) => ensure_eq(&error.kind(), &expected, "the error"),
    }
}

async fn dropped_connect<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    let to = listener.local_endpoint()?;
    for _ in 0..20 {
        drop(drop_after(1, at.net().connect(&to), || ()).await);
    }
    // The next connection is as good as any.
    let mut stream = Stream::new(at.net().connect(&to).await?);
    stream.send_line("still here").await?;
    for _ in 0..21 {
        let mut served = listener.accept().await?;
        if let Ok(Some(line)) = served.recv_line().await {
            return ensure(line == "still here", "a line over it");
        }
    }
    Err(Stop::Failed("the connection was not accepted".to_owned()))
}

async fn endpoints<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    let address = listener.local_endpoint()?;
    let stream = Stream::new(at.net().connect(&address).await?);
    let (served, from) = listener.accept_addr().await?;
    ensure_eq(&served.local_endpoint()?, &address, "the accepted stream's own")?;
    ensure_eq(&stream.peer_endpoint()?, &address, "the connected stream's peer")?;
    ensure_eq(&served.peer_endpoint()?, &from, "the accepted stream's peer")?;
    match at.link() {
        Link::Tcp => ensure_eq(&stream.local_endpoint()?, &from, "the connected stream's own"),
        Link::Unix => ensure_eq(&from, &Endpoint::Unix(UnixName::Unnamed), "a client that was never bound"),
    }
}

async fn many_tasks<N: Net>(at: &Sockets<N>) -> Verdict {
    const TASKS: usize = 8;
    const EACH: usize = 25;
    let listener = at.listen()?;
    let accept = async || {
        for _ in 0..EACH {
            listener.accept().await?;
        }
        Ok::<(), Error>(())
    };
    let mut tasks: Vec<_> = (0..TASKS).map(|_| Box::pin(accept())).collect();
    // All of them wait before the first connection comes.
    for task in &mut tasks {
        ensure(drop_after(1, task.as_mut(), || ()).await.is_none(), "an accept without a connection waits")?;
    }
    let connect = async {
        for n in 0..TASKS * EACH {
            drop(connect_peer(&listener)?);
            if n % 10 == 0 {
                future::yield_now().await;
            }
        }
        Ok::<(), Stop>(())
    };
    let all = async {
        let mut outcome = Ok(());
        let mut join = pin!(join_all(tasks));
        let (connected, accepted) = future::zip(connect, join.as_mut()).await;
        for accepted in accepted {
            outcome = outcome.and(accepted.map_err(Stop::from));
        }
        connected.and(outcome)
    };
    all.await
}

/// Runs all futures to their ends. Each has a waker of its own, as tasks have, and is polled only when that was woken.
async fn join_all<T, F: Future<Output = T> + Unpin>(futures: Vec<F>) -> Vec<T> {
    let mut tasks: Vec<_> =
        futures.into_iter().map(|future| (future, Arc::<Woken>::default(), None)).collect();
    std::future::poll_fn(|cx| {
        let mut waiting = false;
        for (future, woken, output) in tasks.iter_mut().filter(|(_, _, output)| output.is_none()) {
            *woken.parent.lock().expect("nothing panics while it holds the lock") = Some(cx.waker().clone());
            if !woken.asleep.swap(true, Ordering::AcqRel) {
                let waker = Waker::from(Arc::clone(woken));
                if let Poll::Ready(value) = Pin::new(future).poll(&mut Context::from_waker(&waker)) {
                    *output = Some(value);
                    continue;
                }
            }
            waiting = true;
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    tasks.into_iter().filter_map(|(_, _, output)| output).collect()
}

/// Whether a task was woken since it was last polled; at first it was.
#[derive(Default)]
struct Woken {
    asleep: AtomicBool,
    parent: Mutex<Option<Waker>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.asleep.store(false, Ordering::Release);
        let parent = self.parent.lock().expect("nothing panics while it holds the lock").clone();
        parent.into_iter().for_each(Waker::wake);
    }
}

async fn dropped_accept<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    for _ in 0..10 {
        // One waits on while another is dropped.
        let mut waiting = Box::pin(listener.accept());
        ensure(
            drop_after(1, waiting.as_mut(), || ()).await.is_none(),
            "an accept without a connection waits",
        )?;
        ensure(drop_after(1, listener.accept(), || ()).await.is_none(), "a second one waits")?;
        let mut peer = connect_peer(&listener)?;
        peer.write_all(b"hello\n")?;
        let mut served = waiting.await?;
        ensure(served.recv_line().await?.is_some_and(|line| line == "hello"), "the connection")?;
    }
    let peer = connect_peer(&listener)?;
    ensure(listener.accept().await.is_ok(), "a connection that came while nobody waited")?;
    drop(peer);
    Ok(())
}

async fn reset_before_accept<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    for _ in 0..5 {
        reset(connect_peer(&listener)?)?;
    }
    let mut peer = connect_peer(&listener)?;
    peer.write_all(b"hello\n")?;
    for _ in 0..6 {
        // Linux hands the dead ones out, to fail at the first receive.
        if let Ok(Some(line)) = listener.accept().await?.recv_line().await {
            return ensure(line == "hello", "the connection behind the dead ones");
        }
    }
    Err(Stop::Failed("the connection behind the dead ones was not accepted".to_owned()))
}

async fn in_use<N: Net>(at: &Sockets<N>) -> Verdict {
    let listener = at.listen()?;
    match at.net().listen(&listener.local_endpoint()?) {
        Ok(_) => Err(Stop::Failed("two listeners on one address".to_owned())),
        Err(error) => ensure_eq(&error.kind(), &std::io::ErrorKind::AddrInUse, "the error"),
    }
}

async fn quiet<N: Net>(at: &Sockets<N>) -> Verdict {
    let (mut stream, _peer) = at.pair().await?;
    stays_quiet(at, &mut stream).await
}

/// A receive from a silent peer is polled when it starts, and hardly ever after that.
async fn stays_quiet<N: Net>(at: &Sockets<N>, stream: &mut Stream<N::Transport>) -> Verdict {
    let mut polls = 0;
    let waiting = async {
        crate::steps::lockstep(stream.recv_line(), || polls += 1).await?;
        Err(Stop::Failed("a silent peer said something".to_owned()))
    };
    future::or(waiting, async {
        at.elapse(Duration::from_millis(30)).await;
        Ok(())
    })
    .await?;
    ensure(polls < 20, format!("it was polled {polls} times in 30 ms"))
}

async fn full_backlog<N: Net>(at: &Sockets<N>) -> Verdict {
    #[cfg(unix)]
    if at.link() == Link::Unix {
        // A Unix socket is the one whose connect says EAGAIN when the backlog is full (unix(7), connect(2)).
        let path = at.fresh_path();
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
        socket.bind(&socket2::SockAddr::unix(&path)?)?;
        socket.listen(0)?;
        let to = crate::adapter::unix_endpoint(&path)?;
        let mut connected = Vec::new();
        let mut waiting = None;
        for _ in 0..100 {
            let mut connect = at.net().connect(&to);
            match drop_after(1, &mut connect, || ()).await {
                Some(transport) => connected.push(transport?),
                None => {
                    waiting = Some(connect);
                    break;
                }
            }
        }
        let Some(waiting) = waiting else {
            return Err(Stop::Failed("100 connections fit in a backlog of 0".to_owned()));
        };
        let accepted = socket.accept()?;
        let mut stream = Stream::new(waiting.await?);
        stays_quiet(at, &mut stream).await?;
        drop((accepted, connected));
        return Ok(());
    }
    let _ = at;
    Err(Stop::Skipped("TCP has its own answer to a full backlog, in the kernel".to_owned()))
}

/// A stream that is split, used from both halves, and put together again. For adapters' own cases: not every transport
/// comes apart.
///
/// # Errors
///
/// [`Stop`].
#[cfg(feature = "adapters")]
pub(crate) async fn split<N: Net>(at: &Sockets<N>) -> Verdict
where
    N::Transport: SplitTransport + Endpoints,
{
    let (stream, mut peer) = at.pair().await?;
    let (mut reader, mut writer) = stream.into_split()?;
    // The reader waits on a silent peer while the writer writes.
    let mut line = Box::pin(reader.recv_line());
    ensure(drop_after(1, line.as_mut(), || ()).await.is_none(), "a silent peer")?;
    writer.send_line("first").await?;
    let mut buf = [0; 7];
    peer.read_exact(&mut buf)?;
    ensure_eq(&buf, b"first\r\n", "what the writer sent")?;
    peer.write_all(b"answer\nand rest")?;
    ensure(line.await?.is_some_and(|line| line == "answer"), "what the reader received")?;
    let mut stream = reader.reunite(writer).map_err(|error| Stop::Failed(error.to_string()))?;
    peer.shutdown_write()?;
    ensure_eq(&stream.recv_owned(100).await?[..], b"and rest", "what was buffered")?;
    stream.send_line("together").await?;
    stream.shutdown_write().await?;
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest)?;
    ensure_eq(&rest[..], b"together\r\n", "what the stream sent")?;

    let (one, mut peer) = at.pair().await?;
    not_reunited(at, one).await?;
    reset_of_halves(at).await?;
    let mut nothing = Vec::new();
    peer.read_to_end(&mut nothing)?;
    ensure(nothing.is_empty(), "dropped halves end the connection")
}

/// Halves that are not put together are given back as they were, and the error says why.
#[cfg(feature = "adapters")]
async fn not_reunited<N: Net>(at: &Sockets<N>, mut one: Stream<N::Transport>) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (reader, writer) = one.split()?;
    let Err(refused) = Stream::reunite(reader, writer) else {
        return Err(Stop::Failed("halves that are lent make a second stream".to_owned()));
    };
    ensure_eq(&refused.fault, &ReuniteFault::Lent, "why lent halves are refused")?;
    drop(refused);
    let (other, mut other_peer) = at.pair().await?;
    let (reader, writer) = one.into_split()?;
    let (other_reader, other_writer) = other.into_split()?;
    let Err(refused) = reader.reunite(other_writer) else {
        return Err(Stop::Failed("halves of two streams go together".to_owned()));
    };
    ensure_eq(&refused.fault, &ReuniteFault::OtherStream, "why halves of two streams are refused")?;
    let ReuniteError { reader, writer: other_writer, .. } = refused;
    let mut other = other_reader.reunite(other_writer).map_err(|error| Stop::Failed(error.to_string()))?;
    other.send(b"other").await?;
    let mut buf = [0; 5];
    other_peer.read_exact(&mut buf)?;
    ensure_eq(&buf, b"other", "what the other stream sent, whole again")?;
    drop((reader, writer));
    Ok(())
}

/// A reset that the sending half met is no end for the receiving half.
#[cfg(feature = "adapters")]
async fn reset_of_halves<N: Net>(at: &Sockets<N>) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (mut stream, mut peer) = at.pair().await?;
    stream.send(b"!").await?;
    peer.read_exact(&mut [0])?;
    let (mut reader, mut writer) = stream.into_split()?;
    match reset(peer) {
        Err(Stop::Skipped(_)) => return Ok(()),
        done => done?,
    }
    ensure_err(writer.send(b"more").await, "a send to a peer that is gone")?;
    let error = ensure_err(reader.recv_line().await, "a reset that the other half met")?;
    ensure(error.is_disconnect(), format!("{error:?}"))
}
