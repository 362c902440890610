//! A server as a child process: started, asked what it used, and ended.

use super::contestant::Contestant;
use super::tidy::{Folder, Running, children};
use super::tool::Tool;
use super::work::Work;
use crate::Fault;
use crate::arguments::{Mode, word};
use crate::load::Reach;
use crate::process::{Allocations, LISTENING};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, Stdio};
use std::time::Duration;

/// How many lines of a server's stderr are looked through for its allocations. It has other things to tell there, but
/// not many.
const STDERR_LINES_MAX: usize = 64;

/// The files that the servers and the client need, in a folder that goes away with this.
#[derive(Debug)]
pub struct Files {
    folder: Folder,
}

impl Files {
    /// Makes a certificate for "localhost", signed by itself, and its key.
    ///
    /// # Errors
    ///
    /// When they cannot be made or written.
    pub fn new() -> Result<Self, Fault> {
        let files = Self { folder: Folder::new()? };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        std::fs::write(files.certificate(), made.cert.pem())?;
        std::fs::write(files.key(), made.signing_key.serialize_pem())?;
        Ok(files)
    }

    /// Where a tool may write.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub struct Server {
    running: Running,
    /// The server's own process: its tool's child, or the child itself.
    pid: Pid,
    stderr: BufReader<ChildStderr>,
    at: SocketAddr,
}

impl Server {
    /// Starts a server, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it does not; also when its tool is not there.
    pub fn start(tool: &Tool, contestant: &Contestant, work: &Work, files: &Files) -> Result<Self, Fault> {
        let program = std::env::current_exe()?.with_file_name(contestant.program);
        let mut words = tool.words();
        words.push(beside(program));
        words.extend(contestant.choice.map(OsString::from));
        words.extend(["--addr", "127.0.0.1:0", "--mode", &word(&work.mode)].map(OsString::from));
        words.extend(
            ["--work", &word(&work.served()), "--style", &word(&contestant.style)].map(OsString::from),
        );
        if work.mode == Mode::Tls {
            words.extend(["--cert".into(), files.certificate().into(), "--key".into(), files.key().into()]);
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(&mut command).map_err(|error| tool.missing(&words[0], &error))?;
        let child = running.child();
        let mut said = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut said)?;
        let mut stderr = BufReader::new(child.stderr.take().ok_or("no pipe")?);
        let Some(at) = said.strip_prefix(LISTENING) else {
            child.kill()?;
            let mut why = String::new();
            stderr.read_line(&mut why)?;
            return Err(format!("{} does not listen: {}", contestant.name, why.trim_end()).into());
        };
        let at = at.trim_end().parse()?;
        let mut pid = Pid::from_child(child);
        if let Tool::Strace(_) = tool {
            pid = *children(pid).first().ok_or("the tracer has no child")?;
        }
        Ok(Self { running, pid, stderr, at })
    }

    /// How it is reached by a client.
    ///
    /// # Errors
    ///
    /// As [`Reach::new`].
    pub fn reach(&self, work: &Work, files: &Files, resume: bool) -> Result<Reach, Fault> {
        let root = files.certificate();
        Reach::new(self.at, work.mode, (work.mode == Mode::Tls).then_some(&*root), resume)
    }

    /// How long its threads have run, in user and kernel mode; without those that have ended.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell.
    pub fn cpu_time(&self) -> Result<Duration, Fault> {
        let tasks = Path::new("/proc").join(self.pid.as_raw_pid().to_string()).join("task");
        let mut nanoseconds = 0;
        for task in std::fs::read_dir(tasks)? {
            // The kernel's Documentation/scheduler/sched-stats: the first number is the time on a processor.
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().ok_or("an empty schedstat")?;
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// What it has allocated.
    ///
    /// # Errors
    ///
    /// When it does not say.
    pub fn allocations(&mut self) -> Result<Allocations, Fault> {
        kill_process(self.pid, Signal::USR1)?;
        for _ in 0..STDERR_LINES_MAX {
            let mut line = String::new();
            self.stderr.read_line(&mut line)?;
            if line.starts_with("alloc") {
                return line.parse();
            }
        }
        Err("the server does not tell its allocations".into())
    }

    /// Ends it, and waits for its tool.
    ///
    /// # Errors
    ///
    /// When it did not end well.
    pub fn end(self) -> Result<(), Fault> {
        kill_process(self.pid, Signal::TERM)?;
        let status = self.running.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server: {status}").into()) }
    }
}

/// The program beside this one, also when this one is a test, which is in a folder below.
fn beside(program: PathBuf) -> OsString {
    let above = program.parent().and_then(Path::parent).zip(program.file_name());
    match above.map(|(folder, name)| folder.join(name)) {
        Some(above) if !program.exists() => above.into(),
        _ => program.into(),
    }
}
