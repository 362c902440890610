//! A program of this machine that runs beside the test: what it writes as it writes it, its stdin, its end. Dropped, it
//! is killed.
//!
//! Invariants: of what it writes no more than two chunks are read before they are asked for, so that a test that does
//! not look makes it slow; every wait is a future, which the test's deadline ends, but for that for a process whose
//! output has ended, or which was killed.

use async_channel::Receiver;
use asyncnet_conformance::{Stop, Verdict, ensure};
use futures_lite::future;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// As much as a pipe holds (pipe(7)).
const CHUNK: usize = 64 << 10;

/// How much of each chunk is kept for the report of a failure.
const LOGGED: usize = 4 << 10;

/// What the tools of a test said, for the report of its failure.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<String>>);

pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    tool: String,
    log: Log,
}

/// What a pipe gives.
pub(crate) struct Output {
    chunks: Receiver<Vec<u8>>,
    unread: Vec<u8>,
}

/// How a process ended: its status, and what it wrote that had not been read.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Process {
    /// Starts a tool in a folder, with arguments that have no spaces in them.
    pub(crate) fn start(tool: &str, arguments: &str, folder: &Path, log: &Log) -> Result<Self, Stop> {
        let mut command = Command::new(tool);
        command.args(arguments.split_whitespace()).current_dir(folder);
        // What they say is looked at, and is to be the same everywhere.
        command.env("LC_ALL", "C");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        log.note(&format!("$ {tool} {arguments}"), b"");
        let mut child = match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Stop::Skipped(format!("no {tool}")));
            }
            spawned => spawned?,
        };
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let output = |pipe: Option<Box<dyn Read + Send>>, name: &str| {
            Output::new(pipe.expect("it is piped"), log.clone(), format!("{tool}, {name}"))
        };
        let stdout = output(stdout.map(|pipe| Box::new(pipe) as _), "stdout");
        let stderr = output(stderr.map(|pipe| Box::new(pipe) as _), "stderr");
        Ok(Self { child, stdin, stdout, stderr, tool: tool.to_owned(), log: log.clone() })
    }

    /// Types a few words.
    pub(crate) fn write(&mut self, text: &str) -> io::Result<()> {
        self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(text.as_bytes())
    }

    /// Types much, from a thread. Its stdin does not end with that.
    pub(crate) fn feed(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let mut stdin = duplicate(self.stdin.as_ref().ok_or(io::ErrorKind::BrokenPipe)?)?;
        // When the tool ends before, what it did not read is no matter of ours.
        thread::spawn(move || stdin.write_all(&bytes).ok());
        Ok(())
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Stops it where it is, until it may [`go_on`](Self::go_on).
    pub(crate) fn pause(&self) -> Verdict {
        self.signal("STOP")
    }

    pub(crate) fn go_on(&self) -> Verdict {
        self.signal("CONT")
    }

    /// Sends it a signal, with the shell's own `kill`, which is there without a package.
    fn signal(&self, name: &str) -> Verdict {
        if !cfg!(unix) {
            return Err(Stop::Skipped("signals are POSIX'".to_owned()));
        }
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid]).status()?;
        ensure(sent.success(), format!("kill -s {name} {pid}"))
    }

    /// Kills it, and waits until it is gone, and its sockets with it.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Waits for its end. Its stdin stays as it is.
    pub(crate) async fn end(mut self) -> Ended {
        // The pipes end with it.
        let (stdout, stderr) = future::zip(self.stdout.rest(), self.stderr.rest()).await;
        let status = self.child.wait().expect("it was started, and is waited for once");
        self.log.note(&self.tool, format!("{status}").as_bytes());
        Ended { status, stdout, stderr }
    }
}

/// Another handle of the same pipe.
#[cfg(unix)]
fn duplicate(stdin: &ChildStdin) -> io::Result<impl Write + Send + use<>> {
    use std::os::fd::AsFd;
    Ok(std::fs::File::from(stdin.as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn duplicate(stdin: &ChildStdin) -> io::Result<impl Write + Send + use<>> {
    use std::os::windows::io::AsHandle;
    Ok(std::fs::File::from(stdin.as_handle().try_clone_to_owned()?))
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended, and been waited for, before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Output {
    fn new(mut pipe: Box<dyn Read + Send>, log: Log, from: String) -> Self {
        // A chunk waits here, one in the thread's hand, the rest in the pipe.
        let (sender, chunks) = async_channel::bounded(1);
        thread::spawn(move || {
            let mut chunk = vec![0; CHUNK];
            while let Ok(n @ 1..) = pipe.read(&mut chunk) {
                log.note(&from, &chunk[..n]);
                if sender.send_blocking(chunk[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { chunks, unread: Vec::new() }
    }

    /// What it writes, through the next `text`; an error if it ends before.
    pub(crate) async fn until(&mut self, text: &str) -> Result<String, Stop> {
        let mut searched = 0;
        loop {
            let found = memchr::memmem::find(&self.unread[searched..], text.as_bytes());
            if let Some(at) = found {
                let rest = self.unread.split_off(searched + at + text.len());
                let read = std::mem::replace(&mut self.unread, rest);
                return Ok(String::from_utf8_lossy(&read).into_owned());
            }
            searched = (self.unread.len() + 1).saturating_sub(text.len());
            match self.chunks.recv().await {
                Ok(chunk) => self.unread.extend_from_slice(&chunk),
                Err(_) => return Err(Stop::Failed(format!("it ended without {text:?}"))),
            }
        }
    }

    /// The next bytes it writes; fewer only at its end.
    pub(crate) async fn take(&mut self, len: usize) -> Vec<u8> {
        while self.unread.len() < len {
            match self.chunks.recv().await {
                Ok(chunk) => self.unread.extend_from_slice(&chunk),
                Err(_) => break,
            }
        }
        let rest = self.unread.split_off(len.min(self.unread.len()));
        std::mem::replace(&mut self.unread, rest)
    }

    /// All it writes, to the end.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while let Ok(chunk) = self.chunks.recv().await {
            self.unread.extend_from_slice(&chunk);
        }
        std::mem::take(&mut self.unread)
    }
}

impl Ended {
    /// It ended with this status.
    pub(crate) fn code(&self, code: i32) -> Verdict {
        ensure(self.status.code() == Some(code), format!("it ended with {}, not {code}", self.status))
    }

    /// One of the texts is in what it wrote at the end: tools change their words.
    pub(crate) fn says(&self, texts: &[&str]) -> Verdict {
        let said = [&self.stdout[..], &self.stderr[..]];
        let says =
            |text: &&str| said.iter().any(|said| memchr::memmem::find(said, text.as_bytes()).is_some());
        ensure(texts.iter().any(says), format!("it does not say {texts:?}"))
    }
}

impl Log {
    fn note(&self, from: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LOGGED)]);
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&format!("[{from}] {text}\n"));
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
