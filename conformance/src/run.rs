//! Runs cases and says what came of them.
//!
//! Invariant: a run ends. Each case has a thread of its own, and one that takes too long is reported and left behind.

use crate::adapter::{Adapter, Fixture, Link, Sockets};
use crate::cancel::{self, Cuts};
use crate::case::{Case, Stop, Verdict};
use crate::cases;
use crate::memory::Memory;
use crate::over_tls::OverTls;
use crate::pki::Version;
use crate::process;
use futures_lite::future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// How long a case may take, in all its connections: many times what any takes on a busy machine.
const CASE_TIME: Duration = Duration::from_secs(40);

/// One case on one adapter, ready to run.
pub struct Job {
    /// The adapter's name.
    pub adapter: &'static str,
    /// The case's id; before that of a stream case over TLS stands the version, as in `tls13::lines::limit`.
    pub case: String,
    /// The case's rule.
    pub rule: &'static str,
    run: Arc<dyn Fn() -> Verdict + Send + Sync>,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rule holds.
    Pass,
    /// It does not: how.
    Fail(String),
    /// It cannot be tried here: why.
    Skip(String),
}

/// What came of a job, and how long it took.
#[derive(Clone, Debug)]
pub struct Report {
    /// What came of it.
    pub outcome: Outcome,
    /// In how many places each call was broken off, if the case is about that.
    pub cuts: Vec<Cuts>,
    /// How long it took.
    pub time: Duration,
}

impl Job {
    /// Runs it.
    ///
    /// ```
    /// use asyncnet_conformance::{Outcome, memory_jobs};
    ///
    /// let jobs = memory_jobs();
    /// let job = jobs.iter().find(|job| job.case == "lines::into").unwrap();
    /// assert_eq!(job.run().outcome, Outcome::Pass);
    /// ```
    #[must_use]
    pub fn run(&self) -> Report {
        let start = Instant::now();
        let (tell, told) = mpsc::sync_channel(1);
        let run = Arc::clone(&self.run);
        std::thread::spawn(move || {
            // Nobody listens any more if it took too long.
            let verdict = catch_unwind(AssertUnwindSafe(|| run()));
            tell.send((verdict, cancel::take_cuts())).ok();
        });
        let (outcome, cuts) = match told.recv_timeout(CASE_TIME) {
            Ok((Ok(Ok(())), cuts)) => (Outcome::Pass, cuts),
            Ok((Ok(Err(Stop::Failed(reason))), cuts)) => (Outcome::Fail(reason), cuts),
            Ok((Ok(Err(Stop::Skipped(reason))), cuts)) => (Outcome::Skip(reason), cuts),
            Ok((Err(panic), cuts)) => (Outcome::Fail(format!("it panicked: {}", panic_text(&*panic))), cuts),
            Err(_) => (Outcome::Fail(format!("it did not end within {} s", CASE_TIME.as_secs())), Vec::new()),
        };
        Report { outcome, cuts, time: start.elapsed() }
    }
}

/// Every case on an adapter: over TCP, over Unix sockets, and those that need a process of their own.
pub fn jobs<A: Adapter + Send + Sync + 'static>(adapter: A) -> Vec<Job> {
    let adapter = Arc::new(adapter);
    let name = adapter.name();
    let mut jobs = Vec::new();
    let mut add = |case: Case<Sockets<A::Net>>| {
        let adapter = Arc::clone(&adapter);
        let (id, rule) = (case.id.to_owned(), case.rule);
        let run = Arc::new(move || on_each_link(&*adapter, &case, |sockets| sockets));
        jobs.push(Job { adapter: name, case: id, rule, run });
    };
    cases::stream().into_iter().for_each(&mut add);
    cases::tls().into_iter().for_each(&mut add);
    cases::network().into_iter().for_each(&mut add);
    adapter.own_cases().into_iter().for_each(&mut add);
    for version in Version::EACH {
        for case in cases::stream::<OverTls<Sockets<A::Net>>>() {
            let adapter = Arc::clone(&adapter);
            let (id, rule) = (over_tls(version, case.id), case.rule);
            let run =
                Arc::new(move || on_each_link(&*adapter, &case, |sockets| OverTls::new(sockets, version)));
            jobs.push(Job { adapter: name, case: id, rule, run });
        }
    }
    for (case, rule) in process::CASES {
        let run = Arc::new(move || process::run(name, case));
        jobs.push(Job { adapter: name, case: case.to_owned(), rule, run });
    }
    jobs
}

fn over_tls(version: Version, id: &str) -> String {
    format!("{}::{id}", if version == Version::Tls12 { "tls12" } else { "tls13" })
}

/// The stream cases in memory.
///
/// See the example at [`Job::run`].
#[must_use]
pub fn memory_jobs() -> Vec<Job> {
    let job = |case: Case<Memory>| {
        let (id, rule) = (case.id.to_owned(), case.rule);
        let run = Arc::new(move || future::block_on((case.run)(&Memory::default())));
        Job { adapter: "memory", case: id, rule, run }
    };
    let mut jobs: Vec<Job> = [cases::stream(), cases::tls(), cases::unbuffered(), cancel::socket_cases()]
        .into_iter()
        .flatten()
        .map(job)
        .collect();
    for version in Version::EACH {
        jobs.extend(cases::stream::<OverTls<Memory>>().into_iter().map(|case| {
            let (id, rule) = (over_tls(version, case.id), case.rule);
            let run =
                Arc::new(move || future::block_on((case.run)(&OverTls::new(Memory::default(), version))));
            Job { adapter: "memory", case: id, rule, run }
        }));
    }
    jobs
}

/// In a process that [`Job::run`] started: runs what it is there for, and `true`. In any other: `false`.
///
/// A program that runs jobs calls it first, with each of its adapters.
pub fn child<A: Adapter<Net: 'static>>(adapter: &A) -> bool {
    process::child(adapter)
}

/// A case passes if it passes on every kind of connection; it is skipped if it is skipped on all.
fn on_each_link<A: Adapter, F: Fixture>(
    adapter: &A,
    case: &Case<F>,
    fixture: impl Fn(Sockets<A::Net>) -> F,
) -> Verdict {
    let folder = tempfile::tempdir()?;
    let mut skipped = Vec::new();
    for link in [Link::Tcp, Link::Unix] {
        let work = async {
            let sockets = Sockets::new(adapter.net(), link, folder.path().to_owned());
            (case.run)(&fixture(sockets)).await
        };
        match adapter.run(work) {
            Ok(()) => {}
            Err(Stop::Failed(reason)) => return Err(Stop::Failed(format!("over {link:?}: {reason}"))),
            Err(Stop::Skipped(reason)) => skipped.push(reason),
        }
    }
    match <[String; 2]>::try_from(skipped) {
        Ok([tcp, _]) => Err(Stop::Skipped(tcp)),
        Err(_) => Ok(()),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
