//! A maildir: a folder in which each message is one file, whole or absent.
//!
//! ```text
//!   draft: tmp/NAME is new, and nobody else's -- write ... -- fsync --> commit: rename to new/NAME, fsync new/
//!            `-- dropped, or anything fails: removed
//! ```
//!
//! Its calls block, as files do: they belong on a thread for that. A file in `tmp/` that a killed process left behind is
//! not a message; readers of maildirs remove it after some days.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A folder of messages.
///
/// ```
/// use asyncnet_examples::smtp::Maildir;
///
/// let folder = tempfile::tempdir()?;
/// let maildir = Maildir::open(folder.path(), "mail.example")?;
/// let mut draft = maildir.draft()?;
/// draft.write(b"Subject: hello\n\n")?;
/// assert_eq!(folder.path().join("new").read_dir()?.count(), 0);
/// let name = draft.commit()?;
/// assert_eq!(std::fs::read(folder.path().join("new").join(name))?, b"Subject: hello\n\n");
///
/// drop(maildir.draft()?);
/// assert_eq!(folder.path().join("tmp").read_dir()?.count(), 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Maildir {
    tmp: PathBuf,
    new: PathBuf,
    host: String,
    /// How many names it gave.
    count: AtomicU64,
    /// Told apart from another process of this number, on another machine or in another container.
    run: u64,
}

/// A message that is being written. Dropped, it was never there.
#[derive(Debug)]
pub struct Draft {
    file: File,
    name: String,
    at: PathBuf,
    new: PathBuf,
    /// Renamed, so that nothing is left to be removed.
    is_moved: bool,
}

impl Maildir {
    /// Opens a maildir, and makes it if it is not there; its parent must be. `host` becomes a part of the files' names.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open(folder: &Path, host: &str) -> io::Result<Self> {
        let [tmp, new, cur] = ["tmp", "new", "cur"].map(|name| folder.join(name));
        for folder in [folder, &tmp, &new, &cur] {
            match fs::create_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                made => made?,
            }
        }
        sync_folder(folder)?;
        let run = RandomState::new().build_hasher().finish();
        Ok(Self { tmp, new, host: host.to_owned(), count: AtomicU64::new(0), run })
    }

    /// Begins a message.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn draft(&self) -> io::Result<Draft> {
        let name = self.name(SystemTime::now());
        let at = self.tmp.join(&name);
        let mut options = File::options();
        options.write(true).create_new(true);
        // Mail is its owner's.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&at)?;
        Ok(Draft { file, name, at, new: self.new.clone(), is_moved: false })
    }

    /// A name that nothing else has: a time, and what this process alone says of it, host last.
    fn name(&self, now: SystemTime) -> String {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let (seconds, micros, process) = (now.as_secs(), now.subsec_micros(), process::id());
        format!("{seconds}.M{micros}P{process}Q{count}R{:016x}.{}", self.run, self.host)
    }
}

impl Draft {
    /// Writes a piece.
    ///
    /// # Errors
    ///
    /// What the system says: the disk is full.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)
    }

    /// Makes it a message, which outlives a crash of the machine from here on: its name.
    ///
    /// # Errors
    ///
    /// What the system says; then it is not there.
    pub fn commit(mut self) -> io::Result<String> {
        self.file.sync_all()?;
        let there = self.new.join(&self.name);
        fs::rename(&self.at, &there)?;
        self.is_moved = true;
        if let Err(error) = sync_folder(&self.new) {
            // It will be sent again, and is not to be there twice.
            fs::remove_file(there).ok();
            return Err(error);
        }
        Ok(std::mem::take(&mut self.name))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_moved {
            // There is nothing to do about a failure: what is in tmp/ is no message.
            fs::remove_file(&self.at).ok();
        }
    }
}

/// Makes the names in a folder last: fsync of a file does not (fsync(2)).
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened, and its names last by themselves.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Maildir;
    use std::collections::HashSet;
    use std::time::SystemTime;

    #[test]
    fn names_are_unique_also_among_two_that_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let maildirs = [0, 1].map(|_| Maildir::open(folder.path(), "me").unwrap());
        let now = SystemTime::now();
        let names: HashSet<_> =
            maildirs.iter().flat_map(|maildir| (0..100).map(|_| maildir.name(now))).collect();
        assert_eq!(names.len(), 200);
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("new"), "").unwrap();
        assert!(Maildir::open(folder.path(), "me").is_err());
        assert!(Maildir::open(&folder.path().join("no/parent"), "me").is_err());
    }
}
