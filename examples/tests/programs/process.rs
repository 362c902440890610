//! A program that runs beside the test: its output line by line, its signals, its end. Dropped, it is killed.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How long a test waits for anything: far longer than it takes, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// The lines of a pipe, as they come.
pub(crate) struct Lines {
    lines: Receiver<String>,
}

/// How a process ended: its status, and what it wrote that had not been read.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// One of this package's programs.
    pub(crate) fn example(program: &str, arguments: &[&str]) -> Self {
        Self::start(Command::new(Self::path(program)).args(arguments)).unwrap()
    }

    /// Where one of this package's programs is.
    pub(crate) fn path(program: &str) -> &'static str {
        match program {
            "chat" => env!("CARGO_BIN_EXE_chat"),
            "echo" => env!("CARGO_BIN_EXE_echo"),
            "http-get" => env!("CARGO_BIN_EXE_http-get"),
            "losses" => env!("CARGO_BIN_EXE_losses"),
            "s-client" => env!("CARGO_BIN_EXE_s-client"),
            "smtp" => env!("CARGO_BIN_EXE_smtp"),
            "smtp-send" => env!("CARGO_BIN_EXE_smtp-send"),
            "tls-proxy" => env!("CARGO_BIN_EXE_tls-proxy"),
            "tour" => env!("CARGO_BIN_EXE_tour"),
            "udp-echo" => env!("CARGO_BIN_EXE_udp-echo"),
            _ => panic!("there is no program {program}"),
        }
    }

    /// A program of this machine; `None`, and a word about it, if it has none of that name.
    pub(crate) fn tool(tool: &str, arguments: &[impl AsRef<OsStr>]) -> Option<Self> {
        Self::command(Command::new(tool).args(arguments))
    }

    /// As [`tool`](Self::tool), for a command with more to it than arguments.
    pub(crate) fn command(command: &mut Command) -> Option<Self> {
        match Self::start(command) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                println!("skipped: no {}", command.get_program().to_string_lossy());
                None
            }
            started => Some(started.unwrap()),
        }
    }

    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        Self::start_silent(command.stdout(Stdio::piped()))
    }

    /// As [`start`](Self::start), with a stdout of its own.
    pub(crate) fn start_silent(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let stdout = stdout.map_or_else(|| Lines::new(io::empty()), Lines::new);
        Ok(Self { child, stdin, stdout, stderr: Lines::new(stderr.unwrap()) })
    }

    /// The address in the next line of stdout, which says where it is listening.
    pub(crate) fn listening(&self) -> String {
        match self.stdout.next() {
            Some(line) => line.strip_prefix("listening on ").expect(&line).trim_end().to_owned(),
            None => panic!("it ended, saying: {}", self.stderr.rest()),
        }
    }

    /// Writes to its stdin.
    pub(crate) fn write(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends it a signal: `INT`, `TERM`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        // The shell's own `kill`, which is there without a package.
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid]).status().unwrap();
        assert!(sent.success(), "kill -s {name} {pid}");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        // The pipes end with it.
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        Ended { status: self.child.wait().unwrap(), stdout, stderr }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended, and been waited for, before.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Lines {
    fn new(pipe: impl Read + Send + 'static) -> Self {
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { lines }
    }

    /// The next line, with its line end; `None` at the end.
    pub(crate) fn next(&self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line came within {PATIENCE:?}"),
        }
    }

    /// The next line, if it is here.
    pub(crate) fn try_next(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// All lines to the end.
    pub(crate) fn rest(&self) -> String {
        std::iter::from_fn(|| self.next()).collect()
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "{}; stderr: {}", self.status, self.stderr);
    }

    /// It ended with status 0, and had nothing to complain of.
    #[track_caller]
    pub(crate) fn assert_well(&self) {
        self.assert_code(0);
        assert_eq!(self.stderr, "");
    }
}
