//! What a message and an idle connection cost this project's server, as counts that do not depend on the machine: a test
//! fails when one grows. Not the times, which `compare` measures.
//!
//! A bound is what was counted when the test was written, and a little for what happens once in a while; whoever makes
//! a number smaller makes its bound smaller too. Where strace may not trace, what it counts is skipped, and that is said.

#![cfg(target_os = "linux")]

use asyncnet_benches::Fault;
use asyncnet_benches::measure::{Contestant, Files, Tool, WORKS, Work, a_message, contestants, idle_heap};
use asyncnet_benches::process::raise_descriptors;
use std::process::{Command, Stdio};

/// Which work, on which server, and the most that each of its messages may cost.
type Row = (&'static str, &'static str, f64);

/// By plain text nothing is allocated. TLS 1.3: rustls makes two vectors a message.
const ALLOCATIONS: [Row; 8] = [
    ("plain-ping-1", "asyncnet-tokio", 0.001),
    ("plain-ping-64", "asyncnet-tokio", 0.01),
    ("plain-64x16", "asyncnet-tokio", 0.01),
    ("plain-64x16", "asyncnet-tokio burst", 0.01),
    ("plain-sink", "asyncnet-tokio", 0.001),
    ("tls-ping-1", "asyncnet-tokio", 2.03),
    ("tls-64x16", "asyncnet-tokio burst", 0.13),
    ("tls-put", "asyncnet-tokio", 0.07),
];

const SYSTEM_CALLS: [Row; 6] = [
    ("plain-ping-1", "asyncnet-tokio", 3.01),
    // Without futex: 8 if the thread that serves is in the reactor too, a little more while async-io's own thread is.
    ("plain-ping-1", "asyncnet-smol", 8.6),
    ("plain-64x16", "asyncnet-tokio", 0.16),
    ("plain-64x16", "asyncnet-tokio burst", 0.16),
    ("tls-ping-1", "asyncnet-tokio", 3.01),
    ("tls-64x16", "asyncnet-tokio burst", 0.16),
];

/// Of the heap of an idle connection, in bytes. Builds without optimization have larger tasks.
const IDLE_HEAP: [Row; 2] =
    [("plain-ping-1", "asyncnet-tokio", 1_350.0), ("tls-ping-1", "asyncnet-tokio", 3_900.0)];
const IDLE: u32 = 500;

#[test]
fn a_message_allocates_no_more() -> Result<(), Fault> {
    check(&ALLOCATIONS, |contestant, work, files| {
        Ok(a_message(&Tool::Bare, contestant, work, files)?.values().sum())
    })
}

#[test]
fn a_message_makes_no_more_system_calls() -> Result<(), Fault> {
    if let Err(why) = ensure_tracing() {
        eprintln!("skipped: {why}");
        return Ok(());
    }
    check(&SYSTEM_CALLS, |contestant, work, files| {
        let calls = a_message(&Tool::Strace(files.report()), contestant, work, files)?;
        // How often async-io's own thread naps, and takes the reactor over, is a matter of time, not of messages.
        let counts = |name: &str| contestant.name != "asyncnet-smol" || name != "futex";
        Ok(calls.iter().filter(|(name, _)| counts(name)).map(|(_, count)| count).sum())
    })
}

#[test]
fn an_idle_connection_holds_no_more() -> Result<(), Fault> {
    raise_descriptors()?;
    check(&IDLE_HEAP, |contestant, work, files| idle_heap(contestant, work, files, IDLE))
}

/// Counts every row, and tells all that are above their bounds.
#[expect(clippy::print_stderr, reason = "what was counted, for whoever wants to make a bound smaller")]
fn check(
    rows: &[Row],
    count: impl Fn(&Contestant, &Work, &Files) -> Result<f64, Fault>,
) -> Result<(), Fault> {
    let files = Files::new()?;
    let mut grown = Vec::new();
    for (work_name, name, most) in rows {
        let work = WORKS.iter().find(|work| work.name == *work_name).ok_or("no such work")?;
        let found = contestants(work).into_iter().find(|contestant| contestant.name == *name);
        let counted = count(&found.ok_or("no such server")?, work, &files)?;
        eprintln!("{work_name}, {name}: {counted:.4}, of {most} at most");
        if counted > *most {
            grown.push(format!("{work_name}, {name}: {counted:.4}, where {most} is the most"));
        }
    }
    if grown.is_empty() { Ok(()) } else { Err(grown.join("; ").into()) }
}

/// That there is a strace, and that it may trace: a container may forbid it (ptrace(2), "EPERM").
fn ensure_tracing() -> Result<(), String> {
    let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).stdin(Stdio::null()).output();
    match tried {
        Err(error) => Err(format!("strace: {error}")),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("strace may not trace here: {}", String::from_utf8_lossy(&output.stderr))),
    }
}
