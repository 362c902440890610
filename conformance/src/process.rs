//! Cases that need a process of their own: they count or use up what a process shares.
//!
//! The program starts itself again with a variable in its environment that names the adapter and the case; the child
//! runs that and prints what came of it on its last line.

use crate::adapter::{Adapter, Fixture, Link, Sockets};
use crate::cancel;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::cases;
use crate::over_tls::OverTls;
use crate::pki::{self, Version};
use crate::steps::drop_after;
use asyncnet_driver::tls::StartTls;
use asyncnet_driver::{Datagram, Endpoint, Error, Listener, Net, NewSocket, SocketKind, Stream, dial};
use futures_lite::future::zip;
use std::process::{Command, Stdio};
use std::time::Duration;

const VARIABLE: &str = "ASYNCNET_CONFORMANCE_CHILD";

/// The cases: id and rule.
pub(crate) const CASES: [(&str, &str); 6] = [
    ("process::leaks_stream", "no stream case leaves a descriptor or a task behind"),
    ("process::leaks_over_tls", "no stream case over TLS leaves a descriptor or a task behind"),
    ("process::leaks_tls", "no case of TLS leaves a descriptor or a task behind"),
    ("process::leaks_network", "no case of a network leaves a descriptor or a task behind"),
    (
        "process::descriptors",
        "1 000 sockets of each kind, opened and closed in every way, leave no descriptor behind",
    ),
    ("process::exhausted", "a listener lives through running out of descriptors, and does not spin"),
];

/// Runs a case in a process of its own.
pub(crate) fn run(adapter: &str, case: &str) -> Verdict {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(VARIABLE, format!("{adapter} {case}")).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().last().and_then(|line| line.split_once(' ')) {
        Some(("pass", _)) => Ok(()),
        Some(("skip", reason)) => Err(Stop::Skipped(reason.to_owned())),
        Some(("fail", reason)) => Err(Stop::Failed(reason.to_owned())),
        _ => Err(Stop::Failed(format!("the child said {text:?} and ended with {}", output.status))),
    }
}

/// Runs the case that this process was started for, if it was and this is its adapter.
#[expect(clippy::print_stdout, reason = "the parent reads it there")]
pub(crate) fn child<A: Adapter<Net: 'static>>(adapter: &A) -> bool {
    let Ok(task) = std::env::var(VARIABLE) else { return false };
    let Some((name, case)) = task.split_once(' ') else { return false };
    if name != adapter.name() {
        return false;
    }
    let verdict = match case {
        "process::descriptors" => descriptors(adapter),
        "process::exhausted" => exhausted(adapter),
        "process::leaks_stream" => leaks(adapter, &cases::stream(), |sockets| sockets),
        "process::leaks_over_tls" => {
            leaks(adapter, &cases::stream(), |sockets| OverTls::new(sockets, Version::Tls13))
        }
        "process::leaks_tls" => leaks(adapter, &cases::tls(), |sockets| sockets),
        "process::leaks_network" => leaks(adapter, &cases::network(), |sockets| sockets)
            .and_then(|()| leaks(adapter, &adapter.own_cases(), |sockets| sockets)),
        other => Err(Stop::Failed(format!("no case is named {other}"))),
    };
    match verdict {
        Ok(()) => println!("\npass ."),
        Err(Stop::Skipped(reason)) => println!("\nskip {reason}"),
        Err(Stop::Failed(reason)) => println!("\nfail {}", reason.replace('\n', " ")),
    }
    true
}

/// How many descriptors are open.
#[cfg(target_os = "linux")]
fn open_descriptors() -> Result<usize, Stop> {
    // The one that reads the folder is among them, each time.
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

#[cfg(not(target_os = "linux"))]
fn open_descriptors() -> Result<usize, Stop> {
    Err(Stop::Skipped("descriptors are counted in /proc, which is Linux'".to_owned()))
}

/// Runs each case once, over TCP: what is open before it is open after it, and nothing more, and no task is alive.
///
/// Those that break calls off wherever they can are left out: what they do, the others do once.
fn leaks<A: Adapter, F: Fixture>(
    adapter: &A,
    cases: &[Case<F>],
    fixture: impl Fn(Sockets<A::Net>) -> F,
) -> Verdict {
    let folder = tempfile::tempdir()?;
    // What a process opens once is open after a first case, which is not counted.
    let mut before = None;
    for case in cases.iter().take(1).chain(cases).filter(|case| !cancel::is_each_call(case.id)) {
        let work = async {
            let sockets = Sockets::new(adapter.net(), Link::Tcp, folder.path().to_owned());
            (case.run)(&fixture(sockets)).await
        };
        let (verdict, tasks) = adapter.run_and_count(work);
        if let Err(Stop::Failed(reason)) = verdict {
            return Err(Stop::Failed(format!("{}: {reason}", case.id)));
        }
        ensure_eq(&tasks, &0, format!("{}: tasks that are alive", case.id))?;
        let allowed = before.unwrap_or(usize::MAX);
        let open = settled_descriptors(allowed)?;
        ensure(open <= allowed, format!("{}: {open} descriptors are open, {allowed} were before", case.id))?;
        before = Some(open);
    }
    Ok(())
}

/// How many descriptors are open, once that is as few as it should be: the threads of a case's peers may end a moment
/// after it, and nothing tells of that. After ten seconds, how many there still are.
fn settled_descriptors(allowed: usize) -> Result<usize, Stop> {
    let mut open = open_descriptors()?;
    for _ in 0..1_000 {
        if open <= allowed {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        open = open_descriptors()?;
    }
    Ok(open)
}

fn descriptors<A: Adapter>(adapter: &A) -> Verdict {
    let folder = tempfile::tempdir()?;
    for link in [Link::Tcp, Link::Unix] {
        for kind in KINDS {
            let cycles = async |cycles| {
                let sockets = Sockets::new(adapter.net(), link, folder.path().to_owned());
                let listener = sockets.listen()?;
                for n in 0..cycles {
                    one_life(&sockets, &listener, kind, n).await?;
                }
                Ok::<(), Stop>(())
            };
            // What a runtime opens once is open after a first round.
            adapter.run(cycles(20))?;
            let before = open_descriptors()?;
            adapter.run(cycles(1_000))?;
            ensure_eq(&open_descriptors()?, &before, format!("descriptors of {kind:?}, over {link:?}"))?;
        }
    }
    Ok(())
}

/// A kind of socket, by what makes it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Stream,
    Listener,
    NewSocket,
    Datagram,
    Dialed,
    Tls,
}

const KINDS: [Kind; 6] =
    [Kind::Stream, Kind::Listener, Kind::NewSocket, Kind::Datagram, Kind::Dialed, Kind::Tls];

/// One socket's life, which ends in one of several ways.
async fn one_life<N: Net>(
    sockets: &Sockets<N>,
    listener: &Listener<N::Listener>,
    kind: Kind,
    n: usize,
) -> Verdict {
    match kind {
        Kind::Stream => stream_life(sockets, n).await,
        Kind::Listener => listener_life(sockets, listener, n).await,
        Kind::NewSocket => new_socket_life(sockets, listener, n).await,
        Kind::Datagram => datagram_life(sockets, n).await,
        Kind::Dialed => dialed_life(sockets, listener, n).await,
        Kind::Tls => tls_life(sockets, listener, n).await,
    }
}

async fn stream_life<N: Net>(sockets: &Sockets<N>, n: usize) -> Verdict {
    let (mut stream, peer) = sockets.pair().await?;
    match n % 4 {
        0 => {
            drop(peer);
            stream.close().await?;
        }
        1 => stream.abort(),
        2 => drop(drop_after(1, stream.recv_line(), || ()).await),
        _ => drop(stream.into_parts()),
    }
    Ok(())
}

async fn listener_life<N: Net>(sockets: &Sockets<N>, listener: &Listener<N::Listener>, n: usize) -> Verdict {
    let to = listener.local_endpoint()?;
    match n % 3 {
        0 => {
            // A connection that is dropped on its way may still reach the listener.
            drop(drop_after(1, sockets.net().connect(&to), || ()).await);
            let _stream = Stream::new(sockets.net().connect(&to).await?);
            listener.accept().await?;
            drop(drop_after(1, listener.accept(), || ()).await);
        }
        1 => drop(sockets.listen()?),
        _ => {
            drop(drop_after(1, listener.accept(), || ()).await);
            // An address that is in use, and its socket is closed.
            ensure(sockets.net().listen(&to).is_err(), "two listeners at one address")?;
        }
    }
    Ok(())
}

async fn new_socket_life<N: Net>(
    sockets: &Sockets<N>,
    listener: &Listener<N::Listener>,
    n: usize,
) -> Verdict {
    let to = listener.local_endpoint()?;
    let socket = NewSocket::open(sockets.net(), SocketKind::stream_for(&to))?;
    match n % 5 {
        0 => drop(socket),
        1 => drop(socket.connect(&to)),
        2 => {
            let mut stream = socket.connect(&to).await?;
            drop(listener.accept().await?);
            stream.abort();
        }
        3 => drop(socket.into_datagram().err()),
        _ => {
            ensure(socket.bind(&to).is_err(), "an address that is in use")?;
            drop(drop_after(1, socket.connect(&to), || ()).await);
            // It may have come about, or not.
            drop(drop_after(1, listener.accept(), || ()).await);
        }
    }
    Ok(())
}

async fn datagram_life<N: Net>(sockets: &Sockets<N>, n: usize) -> Verdict {
    let at = match sockets.link() {
        Link::Tcp => Endpoint::Inet(([127, 0, 0, 1], 0).into()),
        Link::Unix => crate::adapter::unix_endpoint(&sockets.fresh_path())?,
    };
    let socket = Datagram::new(sockets.net().bind(&at)?);
    let own = socket.local_endpoint()?;
    match n % 4 {
        0 => drop(socket),
        1 => {
            socket.send_to(b"to myself", &own).await?;
            socket.recv_from_owned(100).await?;
        }
        2 => drop(drop_after(1, socket.recv_from_owned(100), || ()).await),
        _ => {
            ensure(sockets.net().bind(&own).is_err(), "two datagram sockets at one address")?;
            drop(socket.into_socket());
        }
    }
    Ok(())
}

async fn dialed_life<N: Net>(sockets: &Sockets<N>, listener: &Listener<N::Listener>, n: usize) -> Verdict {
    let to = listener.local_endpoint()?;
    let Some(to) = to.as_inet() else { return Ok(()) };
    match n % 4 {
        0 => {
            // What is accepted may be one that was dropped before, so nobody might answer a close.
            let mut stream = dial(sockets.net(), "127.0.0.1", to.port()).await?;
            drop(listener.accept().await?);
            stream.abort();
        }
        1 => drop(drop_after(1, dial(sockets.net(), "localhost", to.port()), || ()).await),
        2 => {
            drop(drop_after(1, dial(sockets.net(), "127.0.0.1", to.port()), || ()).await);
            drop(drop_after(1, listener.accept(), || ()).await);
        }
        _ => {
            // A port that was just free.
            let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            ensure(dial(sockets.net(), "127.0.0.1", free).await.is_err(), "nobody is there")?;
        }
    }
    Ok(())
}

async fn tls_life<N: Net>(sockets: &Sockets<N>, listener: &Listener<N::Listener>, n: usize) -> Verdict {
    let mut client = Stream::new(sockets.net().connect(&listener.local_endpoint()?).await?);
    let mut server = listener.accept().await?;
    let (ours, theirs) = (pki::client(Version::Tls13), pki::server(Version::Tls13));
    let begins = StartTls::client(&ours, "localhost").map_err(Error::from)?;
    let answers = StartTls::server(&theirs);
    match n % 8 {
        // A handshake is dear: one in eight is made to its end.
        0 => {
            let (ask, answer) = zip(client.start_tls(begins), server.start_tls(answers)).await;
            ask?;
            answer?;
            let (one, other) = zip(client.close(), server.close()).await;
            one?;
            other?;
        }
        1 => {
            // Dropped in the middle, and the peer hangs up.
            drop(drop_after(1, client.start_tls(begins), || ()).await);
            drop(client);
            ensure(server.start_tls(answers).await.is_err(), "a client that hangs up")?;
        }
        2 => {
            client.send_line("plaintext").await?;
            ensure(server.start_tls(answers).await.is_err(), "plaintext instead of a handshake")?;
        }
        _ => {
            drop(drop_after(1, client.start_tls(begins), || ()).await);
            drop(drop_after(1, server.start_tls(answers), || ()).await);
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn exhausted<A: Adapter>(_: &A) -> Verdict {
    Err(Stop::Skipped("the limit on descriptors is POSIX'".to_owned()))
}

#[cfg(unix)]
fn exhausted<A: Adapter>(adapter: &A) -> Verdict {
    use crate::adapter::connect_peer;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let folder = tempfile::tempdir()?;
    adapter.run(async {
        let sockets = Sockets::new(adapter.net(), Link::Tcp, folder.path().to_owned());
        let listener = sockets.listen()?;
        // What a runtime opens once is open after a first connection.
        drop(connect_peer(&listener)?);
        drop(listener.accept().await?);

        let all = getrlimit(Resource::Nofile);
        let set = |current| {
            setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..all })
                .map_err(|error| Stop::Failed(error.to_string()))
        };
        let used = u64::try_from(open_descriptors()?).unwrap_or(u64::MAX);
        set(used + 40)?;
        // The peer's side has its descriptor, ours has none left.
        let mut peer = connect_peer(&listener)?;
        let mut hoard = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            hoard.push(file);
            ensure(hoard.len() < 1_000, "the limit is not in force")?;
        }
        peer.write_all(b"hello\n")?;
        let mut accept = Box::pin(listener.accept());
        // It waits some times, with a pause that grows: a listener that spins would not return.
        ensure(drop_after(4, accept.as_mut(), || ()).await.is_none(), "accepted without a descriptor")?;
        let count = listener.exhausted_count();
        ensure((1..=8).contains(&count), format!("it ran out {count} times in four waits"))?;
        drop(hoard);
        let mut stream = accept.await?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "hello"), "the connection that waited")?;
        drop(connect_peer(&listener)?);
        listener.accept().await?;
        Ok::<(), Stop>(())
    })
}
