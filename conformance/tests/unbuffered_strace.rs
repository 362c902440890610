//! What an unbuffered stream asks of the kernel, as `strace` sees it: no byte is taken that no receive has asked for,
//! and while half a line waits there is next to no system call.
//!
//! The program starts itself again under `strace`, and the child reads lines without reading ahead. It says in the trace
//! itself where it stands: by short messages on a second connection, whose sends are system calls too. Not the rules of
//! such a stream, which are the cases `unbuffered::*`; those cannot see what was taken and put by.
//!
//! Nothing sleeps. The child ends by [`PATIENCE`], and by a limit on its time of processor if it spins.

#[cfg(not(target_os = "linux"))]
#[expect(clippy::print_stderr, reason = "a skip says why")]
fn main() {
    eprintln!("skipped: unbuffered_strace: strace is Linux'");
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
#[expect(clippy::print_stderr, reason = "a skip says why, beside the test that it is of")]
mod linux {
    use asyncnet_conformance::adapters::{Smol, Tokio};
    use asyncnet_conformance::{
        Adapter, Fixture, Link, PATIENCE, Peer, Sockets, Stop, Verdict, ensure, ensure_eq,
    };
    use asyncnet_driver::{Net, PeekTransport, Stream, Timer, Transport, Unbuffered};
    use asyncnet_smol::SmolTransport;
    use asyncnet_tokio::TokioTransport;
    use futures_lite::future::{race, zip};
    use libtest_mimic::{Arguments, Failed, Trial};
    use rustix::process::{Resource, Rlimit, setrlimit};
    use std::collections::HashMap;
    use std::future::poll_fn;
    use std::io::{BufRead, BufReader, Read};
    use std::os::fd::{AsFd, AsRawFd, RawFd};
    use std::pin::{Pin, pin};
    use std::process::{Command, Stdio};

    /// Says that a process is the child, and which: its adapter and its kind of connection.
    const VARIABLE: &str = "ASYNCNET_STRACE_CHILD";
    /// All that the peer sends; the last piece is nobody's here.
    const TEXT: &str = "first\nsecond\nthird\nfourth\nrest";
    /// The pieces that come while the third line waits for its end.
    const PIECES: [&str; 3] = ["r", "d", "\nfourth\nrest"];
    /// What a note begins with, in the trace.
    const NOTE: &str = "note: ";
    /// How many notes go to and fro while half a line waits.
    const PINGS: usize = 100;
    /// How many system calls on the socket are allowed for one wait, whatever goes on beside it. A runtime may try once
    /// more, and arm its poller for the descriptor.
    const WAIT_CALLS_MAX: usize = 4;
    /// And for a piece: a look, the taking read, a look that finds nothing, and a wait.
    const PIECE_CALLS_MAX: usize = 3 + WAIT_CALLS_MAX;
    /// How many seconds of processor the child may use, in which it should not need one.
    const CPU_SECONDS_MAX: u64 = 10;
    /// How many lines of a trace are looked at. A good one has some 2 000.
    const TRACE_LINES_MAX: usize = 200_000;

    pub(crate) fn main() {
        if let Ok(task) = std::env::var(VARIABLE) {
            if let Err(stop) = child(&task) {
                eprintln!("{stop:?}");
                std::process::exit(1);
            }
            return;
        }
        let trials = ["tokio", "tokio-multi", "smol"].into_iter().flat_map(|adapter| {
            ["tcp", "unix"].map(|link| {
                let task = format!("{adapter} {link}");
                Trial::test(format!("{adapter}/{link}"), move || match parent(&task) {
                    Ok(()) => Ok(()),
                    Err(Stop::Failed(reason)) => Err(Failed::from(reason)),
                    Err(Stop::Skipped(reason)) => {
                        eprintln!("skipped: {reason}");
                        Ok(())
                    }
                })
            })
        });
        libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
    }

    // The child.

    fn child(task: &str) -> Verdict {
        let cpu = Rlimit { current: Some(CPU_SECONDS_MAX), maximum: Some(CPU_SECONDS_MAX) };
        setrlimit(Resource::Cpu, cpu).map_err(failed)?;
        let (adapter, link) = task.split_once(' ').ok_or_else(|| failed(task))?;
        let link = if link == "tcp" { Link::Tcp } else { Link::Unix };
        let tokio = |adapter| run(&adapter, link, |work| drop(tokio::spawn(work)), descriptor_on_tokio);
        match adapter {
            "tokio" => tokio(Tokio::current_thread()),
            "tokio-multi" => tokio(Tokio::multi_thread()),
            _ => run(&Smol, link, |work| smol::spawn(work).detach(), descriptor_on_smol),
        }
    }

    fn descriptor_on_tokio(transport: &TokioTransport) -> RawFd {
        transport.io().as_fd().as_raw_fd()
    }

    fn descriptor_on_smol(transport: &SmolTransport) -> RawFd {
        transport.io().as_fd().as_raw_fd()
    }

    type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn run<A: Adapter>(
        adapter: &A,
        link: Link,
        spawn: fn(Work),
        descriptor: fn(&<A::Net as Net>::Transport) -> RawFd,
    ) -> Verdict
    where
        <A::Net as Net>::Transport: PeekTransport + Send + 'static,
    {
        let folder = tempfile::tempdir()?;
        adapter.run(async {
            let mut timer = adapter.net().timer();
            let until = timer.now() + PATIENCE;
            let patience = async {
                poll_fn(|cx| timer.poll_until(cx, until)).await;
                Err(failed(format!("it did not end within {PATIENCE:?}")))
            };
            let sockets = Sockets::new(adapter.net(), link, folder.path().to_owned());
            race(read_lines(&sockets, spawn, descriptor), patience).await
        })
    }

    /// Reads four lines, the third in pieces, and says at each step what comes next.
    async fn read_lines<N: Net>(
        sockets: &Sockets<N>,
        spawn: fn(Work),
        descriptor: fn(&N::Transport) -> RawFd,
    ) -> Verdict
    where
        N::Transport: PeekTransport + Send + 'static,
    {
        let (stream, mut peer) = sockets.pair().await?;
        let (notes, notes_peer) = sockets.pair().await?;
        let mut notes = Notes { stream: notes, peer: notes_peer };
        let fd = descriptor(stream.transport().ok_or_else(|| failed("no transport"))?);
        let mut stream = stream.into_unbuffered().map_err(failed)?;

        notes.say(&format!("descriptor {fd}")).await?;
        peer.write_all(&TEXT.as_bytes()[..TEXT.len() - PIECES.concat().len()])?;
        for expected in ["first", "second"] {
            notes.say("ask").await?;
            ensure(stream.recv_line().await?.is_some_and(|line| line == expected), expected)?;
        }

        notes.say("ask").await?;
        // It has a task, and so a waker, of its own: what goes on here does not poll it.
        let (waits, wait) = async_channel::unbounded();
        let (lines, line) = async_channel::bounded(1);
        spawn(Box::pin(async move {
            // Nobody takes it when the test has failed already.
            drop(lines.send(third(stream, waits).await).await);
        }));
        wait.recv().await.map_err(failed)?;
        notes.say("quiet").await?;
        for _ in 0..PINGS {
            notes.say("ping").await?;
        }
        ensure(wait.is_empty(), "a receive was polled though nothing had come for it")?;
        for (n, piece) in PIECES.iter().enumerate() {
            notes.say("piece").await?;
            peer.write_all(piece.as_bytes())?;
            if n + 1 < PIECES.len() {
                wait.recv().await.map_err(failed)?;
            }
        }
        let mut stream = line.recv().await.map_err(failed)??;

        notes.say("ask").await?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "fourth"), "the fourth line")?;
        let parts = stream.into_parts();
        ensure_eq(&parts.received[..], b"", "what is left in the stream")?;
        notes.say("end").await?;
        drop(parts);
        Ok(())
    }

    /// Reads the third line, and tells each time that it has to wait.
    async fn third<T: Transport + PeekTransport>(
        mut stream: Unbuffered<T>,
        waits: async_channel::Sender<()>,
    ) -> Result<Unbuffered<T>, Stop> {
        let seen = {
            let mut line = pin!(stream.recv_line());
            poll_fn(|cx| {
                let polled = line.as_mut().poll(cx);
                if polled.is_pending() {
                    waits.try_send(()).expect("the test waits, and there is no bound");
                }
                polled.map_ok(|line| line.is_some_and(|line| line == "third"))
            })
            .await?
        };
        ensure(seen, "the third line")?;
        Ok(stream)
    }

    /// A second connection, on which the child says in the trace where it stands.
    struct Notes<T> {
        stream: Stream<T>,
        peer: Box<dyn Peer>,
    }

    impl<T: Transport> Notes<T> {
        /// Says it to the peer, and waits for an answer: a turn of the runtime with its poller.
        async fn say(&mut self, what: &str) -> Verdict {
            // As one piece, which stands in the trace as it is.
            let note = format!("{NOTE}{what}\n");
            self.stream.send(note.as_bytes()).await?;
            let mut got = vec![0; note.len()];
            self.peer.read_exact(&mut got)?;
            let answer = async {
                // Behind the receive below, which waits by then.
                Ok::<(), Stop>(self.peer.write_all(b"yes\n")?)
            };
            let (line, sent) = zip(self.stream.recv_line(), answer).await;
            sent?;
            ensure(line?.is_some_and(|line| line == "yes"), "the answer to a note")
        }
    }

    fn failed(reason: impl std::fmt::Display) -> Stop {
        Stop::Failed(reason.to_string())
    }

    // The parent.

    fn parent(task: &str) -> Verdict {
        ensure_tracing()?;
        let mut strace = Command::new("strace")
            .args([
                "-f",
                "-q",
                "-s",
                "4096",
                "-e",
                "trace=%network,%desc",
                "-e",
                "signal=none",
                "-o",
                "/dev/stdout",
            ])
            .arg(std::env::current_exe()?)
            .env(VARIABLE, task)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = strace.stdout.take().ok_or_else(|| failed("no pipe"))?;
        let mut trace = Vec::new();
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line?;
            if trace.len() < TRACE_LINES_MAX {
                trace.push(String::from_utf8_lossy(&line).into_owned());
            }
        }
        let mut said = String::new();
        if let Some(mut stderr) = strace.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        let status = strace.wait()?;
        check(&calls(&trace)).map_err(|stop| failed(format!("{stop:?}; the child: {status}, {said}")))?;
        ensure(status.success(), format!("the child: {status}, {said}"))
    }

    /// That there is a strace, and that it may trace: a container may forbid it (ptrace(2), "EPERM").
    fn ensure_tracing() -> Verdict {
        let tried =
            Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stdin(Stdio::null()).output();
        match tried {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Stop::Skipped("no strace".to_owned()))
            }
            Err(error) => Err(error.into()),
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(Stop::Skipped(format!(
                    "strace may not trace here: {}",
                    said.lines().next().unwrap_or("?")
                )))
            }
        }
    }

    /// The system calls of a trace, each on one line, in the order in which they were done.
    fn calls(trace: &[String]) -> Vec<String> {
        let mut begun = HashMap::new();
        let mut calls = Vec::new();
        for line in trace {
            let Some((pid, call)) = line.split_once(' ') else { continue };
            let call = call.trim_start();
            if let Some(head) = call.strip_suffix("<unfinished ...>") {
                begun.insert(pid, head.trim_end().to_owned());
            } else if let Some((_, tail)) =
                call.strip_prefix("<... ").and_then(|call| call.split_once(" resumed>"))
            {
                calls.push(format!("{}{tail}", begun.remove(pid).unwrap_or_default()));
            } else {
                calls.push(call.to_owned());
            }
        }
        calls
    }

    /// A note that this call sends, if it does.
    fn note(call: &str) -> Option<&str> {
        let sends = ["sendto(", "sendmsg(", "write(", "writev("].iter().any(|name| call.starts_with(name));
        let (note, _) = call.split_once(NOTE)?.1.split_once(r"\n")?;
        sends.then_some(note)
    }

    /// Whether this call is on the descriptor: its first argument, or the one that a poller is told of.
    fn is_on(call: &str, fd: &str) -> bool {
        let Some((name, arguments)) = call.split_once('(') else { return false };
        let at = if name == "epoll_ctl" { 2 } else { 0 };
        arguments.split([',', ')']).nth(at).is_some_and(|argument| argument.trim() == fd)
    }

    /// How many bytes this call takes from its socket.
    fn taken(call: &str) -> usize {
        let takes = ["read(", "readv(", "preadv", "recvfrom(", "recvmsg(", "recvmmsg(", "splice("];
        if call.contains("MSG_PEEK") || !takes.iter().any(|name| call.starts_with(name)) {
            return 0;
        }
        // An error is -1.
        let result = call.rsplit_once("= ").and_then(|(_, result)| result.split_whitespace().next());
        result.and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// Goes through the notes and the calls between them.
    fn check(calls: &[String]) -> Verdict {
        let line_ends: Vec<usize> = TEXT.match_indices('\n').map(|(at, _)| at + 1).collect();
        let mut fd = None;
        let mut notes = HashMap::<&str, usize>::new();
        let (mut asked, mut got) = (0, 0);
        // How many calls on the descriptor there were since it asked, waited, or a piece came.
        let (mut count, mut max) = (0, usize::MAX);
        for call in calls {
            if let Some(note) = note(call) {
                let (word, argument) = note.split_once(' ').unwrap_or((note, ""));
                *notes.entry(word).or_default() += 1;
                match word {
                    "descriptor" => fd = Some(argument),
                    "ask" => {
                        asked = line_ends[notes["ask"] - 1];
                        (count, max) = (0, PIECE_CALLS_MAX);
                    }
                    "quiet" => (count, max) = (0, WAIT_CALLS_MAX),
                    "piece" => (count, max) = (0, PIECE_CALLS_MAX),
                    "end" => break,
                    _ => (),
                }
            } else if fd.is_some_and(|fd| is_on(call, fd)) {
                got += taken(call);
                ensure(got <= asked, format!("{asked} bytes are asked for, and {got} taken: {call}"))?;
                count += 1;
                ensure(count <= max, format!("call {count} of one wait, where {max} are allowed: {call}"))?;
            }
        }
        for (word, times) in [
            ("descriptor", 1),
            ("ask", 4),
            ("quiet", 1),
            ("ping", PINGS),
            ("piece", PIECES.len()),
            ("end", 1),
        ] {
            ensure_eq(&notes.get(word), &Some(&times), format!("notes that say {word}"))?;
        }
        ensure_eq(&got, &line_ends[3], "bytes taken in all")
    }
}
