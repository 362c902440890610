//! Runs cases and prints what came of them: a table whose rows are cases and whose columns are adapters, or one
//! object a line.
//!
//! Invariant: only the main thread prints, so a line is never broken by another.

use asyncnet_conformance::adapters::{all_jobs, any_child};
use asyncnet_conformance::{Cuts, Job, Outcome, Report};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

/// Runs the conformance cases of asyncnet on its adapters, and prints a table.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Arguments {
    /// Run on this adapter only; may be given several times.
    #[arg(long = "adapter", value_name = "NAME")]
    adapters: Vec<String>,

    /// Run only the cases whose id begins with PREFIX: an area, as in `lines::`, or one case.
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    case: String,

    /// Print the ids and rules of the cases, one a line, and run nothing.
    #[arg(long, conflicts_with = "json")]
    list: bool,

    /// Print a JSON object a line as each case ends: adapter, case, outcome (pass, fail or skip), reason (null for a
    /// pass), ms; and, if the case breaks calls off, cuts: objects with call, protocol and points.
    #[arg(long)]
    json: bool,

    /// Run up to N cases at once [default: one for each processor].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

const AFTER_HELP: &str = "\
In the table, `-` says that the adapter has no such case. A case that is skipped says why below it.

Exit status: 0 when every case passed or was skipped, 1 when one failed or the results could not be printed, 2 when the \
command line is wrong or names nothing.";

fn main() -> ExitCode {
    // A case that needs a process of its own starts this program again.
    if any_child() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    let all = all_jobs();
    let adapters = chosen_adapters(&all, &arguments.adapters).unwrap_or_else(|error| error.exit());
    let jobs = chosen_jobs(all, &adapters, &arguments.case).unwrap_or_else(|error| error.exit());
    let printed = if arguments.list {
        print(&list(&jobs)).map(|()| true)
    } else {
        let threads =
            arguments.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        if arguments.json { run_to_json(&jobs, threads) } else { run_to_table(&jobs, &adapters, threads) }
    };
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Who closed the pipe has read enough, and need not be told.
            if error.kind() != io::ErrorKind::BrokenPipe {
                writeln!(io::stderr(), "asyncnet-conformance: cannot write to stdout: {error}").ok();
            }
            ExitCode::FAILURE
        }
    }
}

/// The adapters that were asked for, in the order of the columns: all if none was.
fn chosen_adapters(all: &[Job], wanted: &[String]) -> Result<Vec<&'static str>, clap::Error> {
    let names = distinct(all.iter().map(|job| job.adapter));
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(usage_error(format_args!(
            "no adapter is named {unknown}: there are {}",
            names.join(", ")
        )));
    }
    let is_wanted = |name: &&str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    Ok(names.into_iter().filter(is_wanted).collect())
}

fn chosen_jobs(mut all: Vec<Job>, adapters: &[&str], prefix: &str) -> Result<Vec<Job>, clap::Error> {
    all.retain(|job| adapters.contains(&job.adapter) && job.case.starts_with(prefix));
    if all.is_empty() {
        let adapters = adapters.join(", ");
        return Err(usage_error(format_args!("no case on {adapters} begins with {prefix}: see --list")));
    }
    Ok(all)
}

fn usage_error(what: fmt::Arguments<'_>) -> clap::Error {
    Arguments::command().error(ErrorKind::InvalidValue, what)
}

/// Each once, where it comes first.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for each in all {
        if !distinct.contains(&each) {
            distinct.push(each);
        }
    }
    distinct
}

/// The cases, an area after the other, each in the order of the suite.
fn cases(jobs: &[Job]) -> Vec<(&str, &'static str)> {
    let mut cases = distinct(jobs.iter().map(|job| (&job.case[..], job.rule)));
    let areas = distinct(cases.iter().map(|(case, _)| area(case)));
    cases.sort_by_key(|(case, _)| areas.iter().position(|known| *known == area(case)));
    cases
}

fn area(case: &str) -> &str {
    case.split_once("::").map_or(case, |(area, _)| area)
}

fn list(jobs: &[Job]) -> String {
    let cases = cases(jobs);
    let width = cases.iter().map(|(case, _)| case.len()).max().unwrap_or(0);
    cases.iter().map(|(case, rule)| format!("{case:width$}  {rule}\n")).collect()
}

/// Prints an object for each job as it ends; whether none failed. It ends early when nobody reads any more.
fn run_to_json(jobs: &[Job], threads: usize) -> io::Result<bool> {
    let mut passed = true;
    run(jobs, threads, |job, report| {
        let (outcome, reason) = match &report.outcome {
            Outcome::Pass => ("pass", None),
            Outcome::Fail(reason) => ("fail", Some(reason)),
            Outcome::Skip(reason) => ("skip", Some(reason)),
        };
        passed &= outcome != "fail";
        let ms = u64::try_from(report.time.as_millis()).unwrap_or(u64::MAX);
        let (adapter, case) = (job.adapter, &job.case);
        let mut object =
            json!({ "adapter": adapter, "case": case, "outcome": outcome, "reason": reason, "ms": ms });
        if !report.cuts.is_empty() {
            let cuts = report.cuts.iter();
            let cuts = cuts.map(|Cuts { call, protocol, points, .. }| {
                json!({ "call": call, "protocol": protocol, "points": points })
            });
            object["cuts"] = cuts.collect();
        }
        print(&format!("{object}\n"))
    })?;
    Ok(passed)
}

/// Prints a table when all jobs have ended; whether none failed.
fn run_to_table(jobs: &[Job], adapters: &[&str], threads: usize) -> io::Result<bool> {
    let start = Instant::now();
    let mut outcomes = Outcomes::new();
    let mut cuts = CutTable::default();
    run(jobs, threads, |job, report| {
        cuts.add(&report.cuts);
        outcomes.insert((&job.case[..], job.adapter), report.outcome);
        Ok(())
    })?;
    let mut text = table(jobs, adapters, &outcomes) + &cuts.to_string() + &reasons(jobs, &outcomes);
    let seconds = start.elapsed().as_secs_f64();
    let (cases, adapters) = (count(cases(jobs).len(), "case"), count(adapters.len(), "adapter"));
    let n = |is: fn(&Outcome) -> bool| outcomes.values().filter(|outcome| is(outcome)).count();
    let passed = n(|outcome| matches!(outcome, Outcome::Pass));
    let failed = n(|outcome| matches!(outcome, Outcome::Fail(_)));
    let skipped = n(|outcome| matches!(outcome, Outcome::Skip(_)));
    text += &format!("\n{cases} on {adapters} in {seconds:.1} s:\n");
    // Alone on the last line, for scripts.
    text += &format!("{passed} passed, {failed} failed, {skipped} skipped\n");
    print(&text)?;
    Ok(failed == 0)
}

/// What came of each job, by case and adapter.
type Outcomes<'a> = BTreeMap<(&'a str, &'static str), Outcome>;

fn table(jobs: &[Job], adapters: &[&str], outcomes: &Outcomes<'_>) -> String {
    let cases = cases(jobs);
    let longest = cases.iter().map(|(case, _)| case.len()).max().unwrap_or(0);
    let row = |first: &str, cells: &[&str]| {
        let mut row = format!("{first:longest$}");
        for (cell, adapter) in cells.iter().zip(adapters) {
            let width = adapter.len().max("pass".len());
            row += &format!("  {cell:width$}");
        }
        row.trim_end().to_owned() + "\n"
    };
    let mut table = row("", adapters);
    let mut last = "";
    for (case, _) in cases {
        if area(case) != last {
            last = area(case);
            table.push('\n');
        }
        let cells: Vec<_> = adapters.iter().map(|adapter| cell(outcomes.get(&(case, adapter)))).collect();
        table += &row(case, &cells);
    }
    table
}

/// In how many places each call was broken off, by protocol: the fewest and the most, of the adapters it ran on.
#[derive(Default)]
struct CutTable {
    calls: Vec<&'static str>,
    points: BTreeMap<(&'static str, &'static str), (usize, usize)>,
}

impl CutTable {
    fn add(&mut self, cuts: &[Cuts]) {
        for Cuts { call, protocol, points, .. } in cuts {
            if !self.calls.contains(call) {
                self.calls.push(call);
            }
            let (fewest, most) = self.points.entry((call, protocol)).or_insert((*points, *points));
            (*fewest, *most) = ((*fewest).min(*points), (*most).max(*points));
        }
    }

    fn cell(&self, call: &'static str, protocol: &'static str) -> String {
        match self.points.get(&(call, protocol)) {
            None => "-".to_owned(),
            Some((fewest, most)) if fewest == most => most.to_string(),
            Some((fewest, most)) => format!("{fewest}..{most}"),
        }
    }
}

impl fmt::Display for CutTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.calls.is_empty() {
            return Ok(());
        }
        let protocols = ["plain", "TLS 1.2", "TLS 1.3"];
        let (mut calls, longest) = (self.calls.clone(), self.calls.iter().map(|call| call.len()).max());
        // The calls of a type together, whichever adapter came to them first.
        calls.sort_by_key(|call| call.split_once("::").map_or(*call, |(of, _)| of));
        let longest = longest.unwrap_or(0);
        writeln!(f, "\nplaces in which each call was dropped, and leaked")?;
        let head: String = protocols.iter().map(|protocol| format!("  {protocol:>8}")).collect();
        writeln!(f, "{:longest$}{head}", "")?;
        for call in calls {
            let cells: String =
                protocols.iter().map(|protocol| format!("  {:>8}", self.cell(call, protocol))).collect();
            writeln!(f, "{call:longest$}{cells}")?;
        }
        Ok(())
    }
}

fn cell(outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Pass) => "pass",
        Some(Outcome::Fail(_)) => "FAIL",
        Some(Outcome::Skip(_)) => "skip",
        None => "-",
    }
}

/// Why jobs were skipped, then why they failed, which is what the eye should end on.
fn reasons(jobs: &[Job], outcomes: &Outcomes<'_>) -> String {
    let (mut skipped, mut failed) = (String::new(), String::new());
    for job in jobs {
        let Job { adapter, case, rule, .. } = job;
        match outcomes.get(&(&case[..], *adapter)) {
            Some(Outcome::Skip(why)) => skipped += &format!("skip  {adapter} {case}: {}\n", indented(why)),
            Some(Outcome::Fail(why)) => {
                failed += &format!("FAIL  {adapter} {case}: {}\n      rule: {rule}\n", indented(why));
            }
            _ => {}
        }
    }
    [skipped, failed].iter().filter(|text| !text.is_empty()).map(|text| format!("\n{text}")).collect()
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n      ")
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// What a thread that runs jobs has to tell.
enum Event {
    Started(usize),
    Ended(usize, Report),
}

/// Runs the jobs, `threads` at once, and gives each report to `ended` on this thread. After its first error no other
/// job is started.
fn run<'a>(
    jobs: &'a [Job],
    threads: usize,
    mut ended: impl FnMut(&'a Job, Report) -> io::Result<()>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            let (tell, next) = (tell.clone(), &next);
            scope.spawn(move || {
                while let Some((at, job)) = take(jobs, next) {
                    let heard = tell.send(Event::Started(at)).is_ok();
                    if !heard || tell.send(Event::Ended(at, job.run())).is_err() {
                        break;
                    }
                }
            });
        }
        // The channel ends with the last of the threads; and they end when nobody listens.
        drop(tell);
        listen(jobs, told, &mut ended)
    })
}

fn take<'a>(jobs: &'a [Job], next: &AtomicUsize) -> Option<(usize, &'a Job)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, jobs.get(at)?))
}

#[expect(clippy::needless_pass_by_value, reason = "it is to be dropped here: the threads see that and end")]
fn listen<'a>(
    jobs: &'a [Job],
    told: Receiver<Event>,
    ended: &mut impl FnMut(&'a Job, Report) -> io::Result<()>,
) -> io::Result<()> {
    let mut progress = Progress { on_terminal: io::stderr().is_terminal(), started: 0, running: Vec::new() };
    for event in &told {
        match event {
            Event::Started(at) => {
                progress.started += 1;
                progress.running.push(at);
            }
            Event::Ended(at, report) => {
                progress.running.retain(|running| *running != at);
                progress.clear();
                ended(&jobs[at], report)?;
            }
        }
        progress.show(jobs);
    }
    Ok(())
}

/// One line on a terminal that is written over and over: the job that was started last of those that run.
struct Progress {
    on_terminal: bool,
    started: usize,
    running: Vec<usize>,
}

impl Progress {
    fn show(&self, jobs: &[Job]) {
        if let Some(job) = self.running.last().map(|at| &jobs[*at]) {
            let (started, total) = (self.started, jobs.len());
            self.write(format_args!("[{started}/{total}] {} {}", job.adapter, job.case));
        }
    }

    fn clear(&self) {
        self.write(format_args!(""));
    }

    fn write(&self, text: fmt::Arguments<'_>) {
        if self.on_terminal {
            // To the first column, and erase what stands in the line (ECMA-48, EL). If it fails, nobody watches.
            write!(io::stderr(), "\r\x1b[2K{text}").ok();
        }
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::{Outcomes, reasons, table};
    use asyncnet_conformance::{Job, Outcome, memory_jobs};

    fn two_jobs() -> [Job; 2] {
        let mut jobs = memory_jobs().into_iter().filter(|job| job.case.starts_with("lines::"));
        [(); 2].map(|()| jobs.next().expect("there are more"))
    }

    /// The first has this outcome; the second was not run.
    fn first_is(jobs: &[Job; 2], outcome: Outcome) -> Outcomes<'_> {
        Outcomes::from([((&jobs[0].case[..], "memory"), outcome)])
    }

    #[test]
    fn cells_show_outcomes_under_their_adapter() {
        let rows = [
            (Outcome::Pass, "pass"),
            (Outcome::Fail("how".to_owned()), "FAIL"),
            (Outcome::Skip("why".to_owned()), "skip"),
        ];
        for (outcome, cell) in rows {
            let jobs = two_jobs();
            let outcomes = first_is(&jobs, outcome);
            let table = table(&jobs, &["other", "memory"], &outcomes);
            let lines: Vec<_> = table.lines().collect();
            let [head, "", first, second] = lines[..] else { panic!("{table}") };
            let column = head.find("memory").expect("a column");
            assert_eq!(first.split_whitespace().collect::<Vec<_>>(), [&jobs[0].case[..], "-", cell]);
            assert_eq!(first.find(cell), Some(column), "{table}");
            assert_eq!(second.split_whitespace().collect::<Vec<_>>(), [&jobs[1].case[..], "-", "-"]);
        }
    }

    #[test]
    fn reasons_name_the_job_and_keep_their_lines_apart() {
        let jobs = two_jobs();
        let outcomes = first_is(&jobs, Outcome::Fail("one\ntwo\n".to_owned()));
        let Job { case, rule, .. } = &jobs[0];
        let expected = format!("\nFAIL  memory {case}: one\n      two\n      rule: {rule}\n");
        assert_eq!(reasons(&jobs, &outcomes), expected);
        let outcomes = first_is(&jobs, Outcome::Skip("no such thing here".to_owned()));
        assert_eq!(reasons(&jobs, &outcomes), format!("\nskip  memory {case}: no such thing here\n"));
        let outcomes = first_is(&jobs, Outcome::Pass);
        assert_eq!(reasons(&jobs, &outcomes), "");
    }
}
