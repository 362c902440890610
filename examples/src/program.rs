//! How a program speaks to whoever started it: what failed goes to stderr, in one line that names it, and the exit
//! status says the rest.
//!
//! | status | means |
//! |---|---|
//! | 0 | done, or stopped when asked to |
//! | 1 | it failed; stderr says at what |
//! | 2 | the command line is wrong (clap's) |
//! | 130 | a second Ctrl-C did not wait for the end |

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// The end of every program's `--help`.
pub const EXIT_STATUS: &str = "\
Exit status: 0 when it was stopped by Ctrl-C or SIGTERM, 1 when something failed (stderr says what), 2 when the command \
line is wrong, 130 when a second Ctrl-C did not wait for the connections to end.";

/// Why a program ends with status 1.
///
/// ```
/// use asyncnet_examples::program::Failure;
///
/// let failure = Failure::new("cannot listen on 127.0.0.1:80", "permission denied");
/// assert_eq!(failure.to_string(), "cannot listen on 127.0.0.1:80: permission denied");
/// ```
#[derive(Debug)]
pub struct Failure {
    what: String,
    why: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// What was being done, with its object, and what came instead.
    pub fn new(what: impl Into<String>, why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { what: what.into(), why: why.into() }
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
            ExitCode::FAILURE
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
