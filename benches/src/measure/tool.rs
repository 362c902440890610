//! What counts where a process cannot count itself: strace(1) for system calls, valgrind(1) for instructions.

use crate::Fault;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// What a server is run under.
#[derive(Clone, Debug)]
pub enum Tool {
    /// Nothing.
    Bare,
    /// strace, which writes how many system calls of each name there were.
    Strace(PathBuf),
    /// valgrind's callgrind, which writes how many instructions there were, and where.
    Callgrind(PathBuf),
}

impl Tool {
    /// The words before the program's own.
    #[must_use]
    pub fn words(&self) -> Vec<OsString> {
        match self {
            Self::Bare => Vec::new(),
            Self::Strace(to) => {
                let words = ["strace", "-f", "-c", "-q", "-o"].map(OsString::from);
                words.into_iter().chain([to.into(), "--".into()]).collect()
            }
            Self::Callgrind(to) => {
                let mut out = OsString::from("--callgrind-out-file=");
                out.push(to);
                // Without what a debugger would speak to, which stays in a folder for all if it is killed.
                let words = ["valgrind", "--tool=callgrind", "-q", "--vgdb=no"].map(OsString::from);
                words.into_iter().chain([out, "--".into()]).collect()
            }
        }
    }

    /// Why it, or the program itself, did not start.
    #[must_use]
    pub fn missing(&self, program: &OsStr, error: &io::Error) -> Fault {
        let instead = match self {
            Self::Bare => "build the whole package: cargo build --release -p asyncnet-benches",
            Self::Strace(_) => "install it, or leave out what it counts with --no-system-calls",
            Self::Callgrind(_) => "install it, or leave out what it counts with --no-instructions",
        };
        format!("cannot start {}: {error}; {instead}", program.to_string_lossy()).into()
    }

    /// What it counted, by name, once the server has ended: system calls, or `instructions`.
    ///
    /// # Errors
    ///
    /// When it wrote nothing, or nothing that can be understood.
    pub fn counted(&self) -> Result<BTreeMap<String, u64>, Fault> {
        match self {
            Self::Bare => Ok(BTreeMap::new()),
            Self::Strace(from) => Ok(system_calls(&report(from)?)),
            Self::Callgrind(from) => instructions(from),
        }
    }
}

/// What a tool wrote.
fn report(from: &Path) -> Result<String, Fault> {
    Ok(std::fs::read_to_string(from).map_err(|error| format!("no report in {}: {error}", from.display()))?)
}

/// From strace's table: share, seconds, each, calls, errors if any, name.
fn system_calls(table: &str) -> BTreeMap<String, u64> {
    let row = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let name = *words.last()?;
        let calls = words.get(3)?.parse().ok()?;
        (name != "total").then(|| (name.to_owned(), calls))
    };
    table.lines().filter_map(row).collect()
}

fn instructions(from: &Path) -> Result<BTreeMap<String, u64>, Fault> {
    let text = report(from)?;
    let line = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    let total = line.ok_or("callgrind wrote no total")?.trim().parse()?;
    Ok(BTreeMap::from([("instructions".to_owned(), total)]))
}

#[cfg(test)]
mod tests {
    use super::system_calls;

    #[test]
    fn a_table_of_strace_is_read() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 75.00    0.000030           1        30           read
 25.00    0.000010           1        10         2 epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.000040           1        40         2 total
";
        let calls = system_calls(table);
        assert_eq!(calls.len(), 2);
        assert_eq!((calls["read"], calls["epoll_wait"]), (30, 10));
    }
}
