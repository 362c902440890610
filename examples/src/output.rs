//! Where a program writes what it fetches: stdout, or a file that is there when all of it is.
//!
//! It blocks, as writing to a terminal or a disk does. A program that does one thing at a time may.

use crate::program::Failure;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Something to write to, piece by piece.
///
/// ```
/// use asyncnet_examples::output::Output;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("page");
/// let mut output = Output::create(Some(&path))?;
/// output.write(b"hello")?;
/// assert!(!path.exists());
/// output.finish()?;
/// assert_eq!(std::fs::read(&path)?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Output {
    to: To,
    /// For messages.
    name: String,
}

#[derive(Debug)]
enum To {
    Stdout,
    /// What is there and is no regular file: a terminal, a pipe, a device.
    Open(File),
    /// A file beside the one that is meant, removed if it is not finished, and where it goes then.
    Whole(NamedTempFile, PathBuf),
}

impl Output {
    /// Writes to the file, or to stdout without one. A regular file appears, or is replaced, at the end.
    ///
    /// # Errors
    ///
    /// What the system says; the message names the file.
    pub fn create(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self { to: To::Stdout, name: "stdout".to_owned() }) };
        let name = path.display().to_string();
        let to = open(path).map_err(|error| Failure::new(format!("cannot write to {name}"), error))?;
        Ok(Self { to, name })
    }

    /// Writes all of it, at once: whoever reads a pipe is waiting for it.
    ///
    /// # Errors
    ///
    /// What the system says: it is full, or nobody reads any more.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.to {
            To::Stdout => io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()),
            To::Open(file) => file.write_all(bytes),
            To::Whole(file, _) => file.write_all(bytes),
        };
        written.map_err(|error| Failure::new(format!("cannot write to {}", self.name), error))
    }

    /// All is written.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); or the file cannot be put where it is meant to be.
    pub fn finish(self) -> Result<(), Failure> {
        let finished = match self.to {
            To::Stdout | To::Open(_) => Ok(()),
            To::Whole(file, path) => file.persist(path).map(drop).map_err(|error| error.error),
        };
        finished.map_err(|error| Failure::new(format!("cannot write to {}", self.name), error))
    }
}

fn open(path: &Path) -> io::Result<To> {
    // Following links: what is behind one is written to, and stays where it is.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Ok(To::Open(File::options().write(true).open(path)?));
    }
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".http-get-");
    // As any new file: what the umask leaves of it (umask(2)).
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    Ok(To::Whole(builder.tempfile_in(folder)?, path))
}
