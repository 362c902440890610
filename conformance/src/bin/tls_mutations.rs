//! Breaks TLS connections, a million of them unless told otherwise, and tells whether one of them did what it must not:
//! panic, serve what was not sent, forget an error, leave the peer without an alert, hold too much memory.
//!
//! Each is a script of the property `tls_mutated`, made up from a seed and a number, so that any of them can be run again.
//!
//! Invariant: only the main thread prints.

use asyncnet_conformance::properties::tls::{Played, Scripts, play_mutated};
use asyncnet_core::tls::TlsError;
use clap::Parser;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::num::{NonZeroU64, NonZeroUsize};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

/// Breaks TLS connections in memory, client and server, TLS 1.2 and 1.3, and tells whether one did what it must not.
#[derive(Clone, Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    /// Which scripts: the same ones for the same seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// The number of the first one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,

    /// How many.
    #[arg(long, value_name = "N", default_value_t = NonZeroU64::new(1_000_000).expect("it is not zero"))]
    count: NonZeroU64,

    /// Run N at once [default: one for each processor].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

const AFTER_HELP: &str = "\
Build it with --release: a million takes some minutes then. A script that fails is printed, as text to put into a file of \
fuzz/seeds/tls_mutated; --from and --count run it again.

Exit status: 0 when nothing failed, 1 when something did or the results could not be printed, 2 when the command line is \
wrong.";

/// How many a thread takes at once: some tenths of a second.
const BATCH: u64 = 1_000;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let (sum, failures) = run(&arguments);
    let printed = report(&arguments, &sum, &failures, begun.elapsed().as_secs_f64());
    if let Err(error) = &printed {
        writeln!(io::stderr(), "asyncnet-tls-mutations: cannot write to stdout: {error}").ok();
    }
    if failures.is_empty() && printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What all connections came to.
#[derive(Debug, Default)]
struct Sum {
    played: u64,
    established: u64,
    broken: u64,
    text_bytes: u64,
    ends: BTreeMap<&'static str, u64>,
}

/// What a thread has to tell.
enum Event {
    Batch(Sum),
    /// The script of that number did what it must not.
    Failure(u64),
}

/// Plays all the scripts: what they came to, and the numbers of those that failed.
fn run(arguments: &Arguments) -> (Sum, Vec<u64>) {
    let next = AtomicU64::new(arguments.from);
    let threads =
        arguments.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || play(arguments, next, &tell));
        }
        // The channel ends with the last of the threads.
        drop(tell);
        listen(arguments, &told)
    })
}

fn play(arguments: &Arguments, next: &AtomicU64, tell: &Sender<Event>) {
    let end = arguments.from.saturating_add(arguments.count.get());
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= end {
            return;
        }
        let mut sum = Sum::default();
        for n in first..first.saturating_add(BATCH).min(end) {
            let script = script(arguments.seed, n);
            match catch_unwind(|| play_mutated(&script)) {
                Ok(played) => sum.add(&played),
                Err(_) => drop(tell.send(Event::Failure(n))),
            }
        }
        if tell.send(Event::Batch(sum)).is_err() {
            return;
        }
    }
}

fn script(seed: u64, n: u64) -> Vec<u8> {
    Scripts::new(seed, n).mutated()
}

fn listen(arguments: &Arguments, told: &Receiver<Event>) -> (Sum, Vec<u64>) {
    let on_terminal = io::stderr().is_terminal();
    let begun = Instant::now();
    let (mut all, mut failures) = (Sum::default(), Vec::new());
    for event in told {
        match event {
            Event::Batch(sum) => all.merge(sum),
            Event::Failure(n) => failures.push(n),
        }
        if on_terminal {
            let (played, count) = (all.played, arguments.count);
            let rate = played as f64 / begun.elapsed().as_secs_f64();
            let failed = failures.len();
            write!(io::stderr(), "\r\x1b[K{played} of {count}, {rate:.0} a second, {failed} failed").ok();
        }
    }
    if on_terminal {
        write!(io::stderr(), "\r\x1b[K").ok();
    }
    (all, failures)
}

impl Sum {
    fn add(&mut self, played: &Played) {
        self.played += 1;
        self.established += u64::from(played.established);
        self.broken += u64::from(played.broken > 0);
        self.text_bytes += played.text_bytes as u64;
        *self.ends.entry(end(played.failure.as_ref())).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        self.played += other.played;
        self.established += other.established;
        self.broken += other.broken;
        self.text_bytes += other.text_bytes;
        for (end, n) in other.ends {
            *self.ends.entry(end).or_default() += n;
        }
    }
}

/// How a connection ended, in a few words.
fn end(failure: Option<&TlsError>) -> &'static str {
    match failure {
        None => "close_notify",
        Some(TlsError::Truncated) => "cut after the handshake",
        Some(TlsError::HandshakeEnded) => "cut in the handshake",
        Some(TlsError::AlertReceived(_)) => "an alert of the peer",
        Some(TlsError::Certificate(_) | TlsError::NoCertificate) => "our alert: a certificate",
        Some(TlsError::NotTls) => "our alert: no TLS",
        Some(TlsError::Incompatible(_)) => "our alert: no common ground",
        Some(TlsError::HandshakeTooLong { .. }) => "our alert: a handshake message too long",
        Some(_) => "our alert: a broken protocol",
    }
}

fn report(arguments: &Arguments, sum: &Sum, failures: &[u64], seconds: f64) -> io::Result<()> {
    let Arguments { seed, from, count, .. } = arguments;
    let mut out = io::stdout().lock();
    writeln!(out, "{count} connections of seed {seed} from number {from} in {seconds:.0} s")?;
    writeln!(out, "{:>10}  made the handshake", sum.established)?;
    writeln!(out, "{:>10}  had something broken or forged", sum.broken)?;
    writeln!(out, "{:>10}  MB of text", sum.text_bytes / 1_000_000)?;
    for (end, n) in &sum.ends {
        writeln!(out, "{n:>10}  ended with {end}")?;
    }
    for n in failures {
        writeln!(out, "FAIL  number {n}: {}", script(*seed, *n).escape_ascii())?;
    }
    // Alone on the last line, for scripts.
    writeln!(out, "{} passed, {} failed", sum.played, failures.len())?;
    out.flush()
}
