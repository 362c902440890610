//! How a program speaks to whoever started it: what failed goes to stderr, in one line that names it, and the exit
//! status says the rest.
//!
//! | status | means |
//! |---|---|
//! | 0 | done, or stopped when asked to |
//! | 1 | it failed; stderr says at what |
//! | 2 | the command line is wrong (clap's) |
//! | 130 | a second Ctrl-C did not wait for the end; a client was interrupted by the first |
//!
//! A program may have more, which are its own; its `--help` tells them.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// The end of every program's `--help`.
pub const EXIT_STATUS: &str = "\
Exit status: 0 when it was stopped by Ctrl-C or SIGTERM, 1 when something failed (stderr says what), 2 when the command \
line is wrong, 130 when a second Ctrl-C did not wait for the connections to end.";

/// What a shell reports for a program that SIGINT has ended: 128 and the signal's number (bash(1), EXIT STATUS).
pub const INTERRUPTED: u8 = 130;

/// Why a program ends with another status than 0.
///
/// ```
/// use asyncnet_examples::program::Failure;
///
/// let failure = Failure::new("cannot listen on 127.0.0.1:80", "permission denied");
/// assert_eq!(failure.to_string(), "cannot listen on 127.0.0.1:80: permission denied");
/// assert_eq!(failure.status(), 1);
/// assert_eq!(failure.with_status(3).status(), 3);
/// ```
#[derive(Debug)]
pub struct Failure {
    what: String,
    why: Box<dyn Error + Send + Sync>,
    status: u8,
}

impl Failure {
    /// What was being done, with its object, and what came instead.
    pub fn new(what: impl Into<String>, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what: what.into(), why: why.into(), status: 1 }
    }

    /// The same, with another exit status than 1.
    #[must_use]
    pub fn with_status(mut self, status: u8) -> Self {
        self.status = status;
        self
    }

    /// The exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.why)
    }
}

/// The exit status of a program that ended this way; a failure is told on stderr.
#[must_use]
pub fn exit(program: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(program, &failure);
            failure.status.into()
        }
    }
}

/// Tells on stderr what befell one connection, or the program.
pub fn note(program: &str, what: &dyn fmt::Display) {
    // Nobody is left to hear that stderr is closed.
    writeln!(io::stderr(), "{program}: {what}").ok();
}

/// Writes to stdout, at once: a reader of a pipe is waiting for it.
///
/// # Errors
///
/// When stdout is closed or full.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::new("cannot write to stdout", error))
}
