//! What every server of this package is as a process: it says where it listens, counts its allocations, tells them
//! when asked, and ends when asked.
//!
//! Signals are waited for on a thread that sleeps in one read, so no runtime has a part in them, and each server, of
//! whatever it is made, pays the same: nothing.

use crate::Fault;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What a process has allocated since it began, as Rust's allocator saw it.
///
/// ```
/// use asyncnet_benches::process::Allocations;
///
/// let said = Allocations { calls: 3, live: 100, total: 250 }.to_string();
/// assert_eq!(said, "alloc calls=3 live=100 total=250");
/// assert_eq!(said.parse::<Allocations>().unwrap().live, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocations {
    /// How often memory was asked for, or to be grown or shrunk.
    pub calls: u64,
    /// Bytes that are held.
    pub live: u64,
    /// Bytes that were asked for in all; of what grew, what it grew by.
    pub total: u64,
}

impl Allocations {
    /// Of this process, now.
    #[must_use]
    pub fn now() -> Self {
        let stats = COUNTED.stats();
        let number = |n| u64::try_from(n).unwrap_or(u64::MAX);
        Self {
            calls: number(stats.allocations + stats.reallocations),
            live: number(stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)),
            total: number(stats.bytes_allocated),
        }
    }
}

impl fmt::Display for Allocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alloc calls={} live={} total={}", self.calls, self.live, self.total)
    }
}

impl FromStr for Allocations {
    type Err = Fault;

    fn from_str(line: &str) -> Result<Self, Fault> {
        let number = |name: &str| {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.and_then(|number| number.parse().ok()).ok_or_else(|| format!("no {name} in: {line}"))
        };
        if line.split_whitespace().next() != Some("alloc") {
            return Err(format!("not about allocations: {line}").into());
        }
        Ok(Self { calls: number("calls")?, live: number("live")?, total: number("total")? })
    }
}

/// From now on the process has what it may of descriptors, SIGUSR1 tells the allocations on stderr, and SIGTERM and SIGINT end the process, with status 0.
///
/// # Errors
///
/// What the system says.
pub fn prepare() -> Result<(), Fault> {
    raise_descriptors()?;
    let mut signals = Signals::new([SIGUSR1, SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if signal != SIGUSR1 {
                std::process::exit(0);
            }
            // Before the line is made, which allocates. Nobody may be there to read it.
            let now = Allocations::now();
            writeln!(io::stderr(), "{now}").ok();
        }
    })?;
    Ok(())
}

/// Lets this process have as many descriptors as it may: ten thousand connections are more than most systems give at
/// first.
///
/// # Errors
///
/// What the system says.
pub fn raise_descriptors() -> Result<(), Fault> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// Says on stdout where the server listens: the first line there, and the sign that it accepts.
///
/// # Errors
///
/// When stdout is closed.
pub fn announce(at: SocketAddr) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    writeln!(out, "{LISTENING}{at}")?;
    Ok(out.flush()?)
}

/// What the first line of a server begins with.
pub const LISTENING: &str = "listening on ";

/// Tells on stderr what went wrong with a connection, [`NOTES_MAX`] times at most: nobody may read there, and a server
/// that waits for it serves no one.
pub fn note_some(program: &str, what: &dyn fmt::Display) {
    static NOTED: AtomicUsize = AtomicUsize::new(0);
    if NOTED.fetch_add(1, Ordering::Relaxed) < NOTES_MAX {
        note(program, what);
    }
}

/// How often a server tells what went wrong with a connection: what a pipe holds by far.
const NOTES_MAX: usize = 16;

/// Tells what went wrong on one line of stderr. It goes on.
pub fn note(program: &str, what: &dyn fmt::Display) {
    writeln!(io::stderr(), "{program}: {what}").ok();
}

/// The end of a program: its status, and on stderr why it is not 0.
#[must_use]
pub fn exit(program: &str, result: Result<(), Fault>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            note(program, &fault);
            ExitCode::FAILURE
        }
    }
}
