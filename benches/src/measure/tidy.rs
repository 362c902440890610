//! What a command leaves behind, which is nothing: neither when it ends by itself nor when it is told to.

use crate::Fault;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What has to go before the process does. Whoever makes such a thing, or takes it away, holds it meanwhile.
struct Left {
    is_watched: bool,
    folders: Vec<PathBuf>,
    children: Vec<Pid>,
}

static LEFT: Mutex<Left> = Mutex::new(Left { is_watched: false, folders: Vec::new(), children: Vec::new() });

/// How often a folder is taken away: a process that was just killed may have written into it meanwhile.
const REMOVALS: usize = 3;

/// A folder for files that nobody needs afterwards, a private key among them. It goes away with this; and before the
/// process does when that is told to end (SIGINT, SIGTERM), with the children that run.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// An empty folder, which only this user may look into.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn new() -> Result<Self, Fault> {
        let mut left = left();
        left.watch()?;
        let only_us = Permissions::from_mode(0o700);
        let path = tempfile::Builder::new().permissions(only_us).tempdir()?.keep();
        left.folders.push(path.clone());
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let mut left = left();
        remove(&self.path);
        left.folders.retain(|path| *path != self.path);
    }
}

/// A child that runs. Dropped, it is killed, and what it has started too; so it is when the process is told to end.
#[derive(Debug)]
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut left = left();
        let child = command.spawn()?;
        left.children.push(Pid::from_child(&child));
        Ok(Self { child })
    }

    /// The child.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut left = left();
        let pid = Pid::from_child(&self.child);
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            kill(pid);
            self.child.wait().ok();
        }
        left.children.retain(|&other| other != pid);
    }
}

impl Left {
    /// From now on the process is told by a thread that it is to end.
    fn watch(&mut self) -> io::Result<()> {
        if self.is_watched {
            return Ok(());
        }
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            if let Some(signal) = signals.forever().next() {
                end(signal);
            }
        })?;
        self.is_watched = true;
        Ok(())
    }
}

/// Ends the process, and what would be left of it first.
fn end(signal: i32) -> ! {
    let left = left();
    left.children.iter().copied().for_each(kill);
    left.folders.iter().for_each(|path| remove(path));
    // As a shell tells of whom a signal has ended.
    std::process::exit(128 + signal)
}

/// Kills a process and its children: a tracer leaves its own alone when it is killed. They may have ended.
fn kill(pid: Pid) {
    for child in children(pid) {
        kill_process(child, Signal::KILL).ok();
    }
    kill_process(pid, Signal::KILL).ok();
}

/// The processes that one has started; none if it has ended.
pub(super) fn children(of: Pid) -> Vec<Pid> {
    let of = of.as_raw_pid();
    let listed = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

fn remove(folder: &Path) {
    let _ = (0..REMOVALS).any(|_| std::fs::remove_dir_all(folder).is_ok());
}

fn left() -> MutexGuard<'static, Left> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}
