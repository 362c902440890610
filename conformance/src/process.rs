//! Cases that need a process of their own: they count or use up what a process shares.
//!
//! The program starts itself again with a variable in its environment that names the adapter and the case; the child
//! runs that and prints what came of it on its last line.

use crate::adapter::{Adapter, Fixture, Link, Sockets};
use crate::case::{Stop, Verdict, ensure_eq};
use crate::steps::drop_after;
use asyncnet_driver::{Net, Stream};
use std::process::{Command, Stdio};

const VARIABLE: &str = "ASYNCNET_CONFORMANCE_CHILD";

/// The cases: id and rule.
pub(crate) const CASES: [(&str, &str); 2] = [
    ("process::descriptors", "1 000 connections opened and closed in every way leave no descriptor behind"),
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
pub(crate) fn child<A: Adapter>(adapter: &A) -> bool {
    let Ok(task) = std::env::var(VARIABLE) else { return false };
    let Some((name, case)) = task.split_once(' ') else { return false };
    if name != adapter.name() {
        return false;
    }
    let verdict = match case {
        "process::descriptors" => descriptors(adapter),
        "process::exhausted" => exhausted(adapter),
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

fn descriptors<A: Adapter>(adapter: &A) -> Verdict {
    let folder = tempfile::tempdir()?;
    for link in [Link::Tcp, Link::Unix] {
        let cycles = async |cycles| {
            let sockets = Sockets::new(adapter.net(), link, folder.path().to_owned());
            let listener = sockets.listen()?;
            for n in 0..cycles {
                one_life(&sockets, &listener, n).await?;
            }
            Ok::<(), Stop>(())
        };
        // What a runtime opens once is open after a first round.
        adapter.run(cycles(20))?;
        let before = open_descriptors()?;
        adapter.run(cycles(1_000))?;
        ensure_eq(&open_descriptors()?, &before, format!("descriptors, over {link:?}"))?;
    }
    Ok(())
}

/// One connection, which ends in one of several ways.
async fn one_life<N: Net>(
    sockets: &Sockets<N>,
    listener: &asyncnet_driver::Listener<N::Listener>,
    n: usize,
) -> Verdict {
    let to = listener.local_endpoint()?;
    match n % 6 {
        0 => {
            let (mut stream, peer) = sockets.pair().await?;
            drop(peer);
            stream.close().await?;
        }
        1 => {
            let (mut stream, _peer) = sockets.pair().await?;
            stream.abort();
        }
        2 => {
            let (mut stream, _peer) = sockets.pair().await?;
            drop(drop_after(1, stream.recv_line(), || ()).await);
        }
        3 => {
            // A connection that is dropped on its way may still reach the listener.
            drop(drop_after(1, sockets.net().connect(&to), || ()).await);
            let _stream = Stream::new(sockets.net().connect(&to).await?);
            listener.accept().await?;
            drop(drop_after(1, listener.accept(), || ()).await);
        }
        4 => {
            let (stream, _peer) = sockets.pair().await?;
            drop(stream.into_parts());
        }
        _ => {
            drop(sockets.listen()?);
            drop(drop_after(1, listener.accept(), || ()).await);
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
    use crate::case::ensure;
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
