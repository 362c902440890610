//! What a command leaves behind, which is nothing, however it ends.

use crate::Fault;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// A folder for files that nobody needs afterwards, a private key among them. It goes away with this; and when the process
/// is told to end (SIGINT, SIGTERM, SIGHUP) it goes first, with the servers that run.
#[derive(Debug)]
pub struct Folder {
    folder: tempfile::TempDir,
}

/// What has to go before the process does.
#[derive(Default)]
struct Left {
    folders: Vec<PathBuf>,
    servers: Vec<Pid>,
}

static LEFT: Mutex<Left> = Mutex::new(Left { folders: Vec::new(), servers: Vec::new() });
static WATCH: Once = Once::new();

impl Folder {
    /// An empty folder, which only this user may look into.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn new() -> Result<Self, Fault> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        WATCH.call_once(|| {
            std::thread::spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    end(signal);
                }
            });
        });
        let folder = tempfile::tempdir()?;
        left().folders.push(folder.path().to_owned());
        Ok(Self { folder })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        left().folders.retain(|folder| folder != self.folder.path());
    }
}

/// Starts a server, or its tool, that is to end when this process is told to.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    // Held meanwhile, so that none is started that nobody knows.
    let mut left = left();
    let child = command.spawn()?;
    left.servers.push(Pid::from_child(&child));
    Ok(child)
}

/// What a tool has started is to end with it.
pub(super) fn remember(server: Pid) {
    left().servers.push(server);
}

/// This one has ended, or is about to.
pub(super) fn forget(server: Pid) {
    left().servers.retain(|&other| other != server);
}

/// Ends the process, and what would be left of it first.
fn end(signal: i32) -> ! {
    let left = left();
    for folder in &left.folders {
        std::fs::remove_dir_all(folder).ok();
    }
    for &server in &left.servers {
        // It may have ended.
        kill_process(server, Signal::KILL).ok();
    }
    // As a shell tells of whom a signal has ended.
    std::process::exit(128 + signal)
}

fn left() -> MutexGuard<'static, Left> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}
