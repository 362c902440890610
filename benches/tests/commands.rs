//! What the commands of this package say and leave behind when they are asked for nothing, or told to end.

#![cfg(target_os = "linux")]

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

type Fault = Box<dyn std::error::Error + Send + Sync>;

const COMPARE: &str = env!("CARGO_BIN_EXE_compare");
const COUNTS: &str = env!("CARGO_BIN_EXE_counts");
const LOAD: &str = env!("CARGO_BIN_EXE_load");
const MEMORY: &str = env!("CARGO_BIN_EXE_memory");
const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// How often a process is looked for that is about to start: some ten seconds of looking.
const LOOKS_MAX: usize = 1_000_000;

#[test]
fn names_that_nothing_has_are_refused() -> Result<(), Fault> {
    for (program, words) in [
        (COMPARE, &["--only", "nothing"][..]),
        (COMPARE, &["--only", "tls-ping-1", "--on", "tokio-bufreader"]),
        (COUNTS, &["--on", "nobody"]),
        (COMPARE, &["--only", "nothing", "--only", "plain-ping-1", "--list"]),
        (MEMORY, &["--only", "nothing"]),
    ] {
        let output = run(program, words)?;
        assert_eq!(output.status.code(), Some(1), "{program} {words:?}");
        assert!(output.stdout.is_empty(), "{program} {words:?}");
        assert!(String::from_utf8(output.stderr)?.contains(words[1]), "{program} {words:?}");
    }
    Ok(())
}

#[test]
fn a_list_has_what_is_asked_for() -> Result<(), Fault> {
    for (program, words, expected) in [
        (COMPARE, &["--list", "--only", "growth", "--on", "epoll"][..], "growth  epoll\n"),
        (COMPARE, &["--list", "--only", "plain-put", "--on", "std"], "plain-put  std-threads\n"),
        (COUNTS, &["--list", "--only", "client", "--on", "asyncnet"], "tls-client-heap  asyncnet-tokio\n"),
        (MEMORY, &["--list", "--only", "split, 80 B, LF, 8"], "split, 80 B, LF, 8 KiB\n"),
    ] {
        assert_eq!(String::from_utf8(run(program, words)?.stdout)?, expected, "{program} {words:?}");
    }
    Ok(())
}

#[test]
fn more_lines_than_fit_into_the_sockets_come_back() -> Result<(), Fault> {
    let (_server, at) = serve("echo")?;
    let words = ["--shape", "echo", "--lines", "1024", "--bytes", "4096", "--messages", "1"];
    let output = load(&at, &words)?;
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.starts_with(b"1024 messages"), "{output:?}");
    Ok(())
}

#[test]
fn a_server_that_does_not_answer_is_given_up() -> Result<(), Fault> {
    // The kernel accepts for it, and that is all.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let output = load(&silent.local_addr()?.to_string(), &["--shape", "echo", "--timeout", "1"])?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8(output.stderr)?.contains("in time"));
    Ok(())
}

#[test]
fn who_is_told_to_end_leaves_neither_files_nor_servers() -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let mut compare = Ended(
        Command::new(COMPARE)
            .args(["--only", "plain-ping-1", "--on", "epoll", "--rounds", "1000"])
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    let mut told = BufReader::new(compare.0.stderr.take().ok_or("no pipe")?).lines();
    told.next().ok_or("it ended by itself")??;
    // It tells of a round before it starts the server.
    let server = (0..LOOKS_MAX).find_map(|_| only_child(&compare.0).transpose()).ok_or("no server")??;
    assert_eq!(entries(folder.path())?, 1);
    let server = pidfd_open(server, PidfdFlags::empty())?;
    let mut ended = [PollFd::new(&server, PollFlags::IN)];
    assert_eq!(poll(&mut ended, Some(&Timespec::default()))?, 0, "the server has ended by itself");
    kill_process(Pid::from_child(&compare.0), Signal::TERM)?;
    assert_eq!(compare.0.wait()?.code(), Some(128 + 15));
    assert_eq!(entries(folder.path())?, 0);
    let a_while = Timespec { tv_sec: 20, tv_nsec: 0 };
    assert_eq!(poll(&mut ended, Some(&a_while))?, 1, "the server goes on");
    Ok(())
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn run(program: &str, words: &[&str]) -> Result<Output, Fault> {
    Ok(Command::new(program).args(words).stdin(Stdio::null()).output()?)
}

/// A server, and where it listens.
fn serve(work: &str) -> Result<(Ended, String), Fault> {
    let words = ["--adapter", "tokio", "--addr", "localhost:0", "--mode", "plain", "--work", work];
    let mut server =
        Ended(Command::new(SERVER).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
    let mut said = String::new();
    BufReader::new(server.0.stdout.take().ok_or("no pipe")?).read_line(&mut said)?;
    let at = said.trim_end().strip_prefix("listening on ").ok_or("it does not listen")?.to_owned();
    Ok((server, at))
}

fn load(at: &str, words: &[&str]) -> Result<Output, Fault> {
    run(LOAD, &[&["--addr", at, "--mode", "plain"], words].concat())
}

fn only_child(of: &Child) -> Result<Option<Pid>, Fault> {
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", of.id()))?;
    let first = children.split_whitespace().next().map(str::parse).transpose()?;
    Ok(first.and_then(Pid::from_raw))
}

fn entries(folder: &Path) -> Result<usize, Fault> {
    Ok(std::fs::read_dir(folder)?.count())
}
