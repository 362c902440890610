//! The command that measures without sockets.

use asyncnet_benches::Fault;
use asyncnet_benches::measure::{Folder, Running, Table, Tool, ensure_named, median, rounded};
use asyncnet_benches::memory::{Group, all};
use asyncnet_benches::process::{Allocations, exit, note};
use clap::Parser;
use std::io::{self, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Splits lines, seals and opens records and makes handshakes in memory, on this project's core and on its peers, in turns.
///
/// Prints a table for each kind of work: the time of a line, a KiB or a handshake; how fast it is, as a multiple of the
/// first row, which is the limit (medians of the rounds' ratios: more is better); instructions, by valgrind's callgrind;
/// and calls of the allocator.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The works to do, each by a part of its name; all if none is given.
    #[arg(long, value_name = "WORK")]
    only: Vec<String>,

    /// How many rounds: 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,

    /// Prints the names of the works, and does nothing else.
    #[arg(long)]
    list: bool,

    /// Leaves out what valgrind counts.
    #[arg(long)]
    no_instructions: bool,

    /// Makes so many passes of one subject, by its place in its work, and prints nothing: what runs under valgrind.
    #[arg(long, hide = true, num_args = 2, value_names = ["PLACE", "PASSES"])]
    passes: Option<Vec<usize>>,
}

/// How long one subject runs in a round.
const TURN: Duration = Duration::from_millis(20);
/// How many passes are made under valgrind, less and more.
const PASSES: [usize; 2] = [2, 6];

fn main() -> ExitCode {
    exit("memory", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Fault> {
    let mut out = io::stdout();
    let whole = arguments.passes.is_some();
    let wanted = |name: &str| {
        let is_wanted = |part: &String| if whole { name == part } else { name.contains(part) };
        arguments.only.is_empty() || arguments.only.iter().any(is_wanted)
    };
    let works: Vec<_> = all().into_iter().filter(|planned| wanted(&planned.name)).collect();
    ensure_named("--only", &arguments.only, |part| works.iter().any(|planned| planned.name.contains(part)))?;
    for planned in works {
        if arguments.list {
            writeln!(out, "{}", planned.name)?;
            continue;
        }
        let mut group = (planned.begin)()?;
        if let Some(&[place, passes]) = arguments.passes.as_deref() {
            let subject = group.subjects.get_mut(place).ok_or("no such place")?;
            for _ in 0..passes {
                (subject.pass)()?;
            }
        } else {
            writeln!(out, "{}", measure(arguments, &mut group)?)?;
        }
    }
    Ok(())
}

fn measure(arguments: &Arguments, group: &mut Group) -> Result<Table, Fault> {
    let mut times = vec![Vec::new(); group.subjects.len()];
    for round in 1..=arguments.rounds {
        note("memory", &format_args!("{}: round {round} of {}", group.name, arguments.rounds));
        for (subject, times) in group.subjects.iter_mut().zip(&mut times) {
            (subject.pass)()?;
            let begun = Instant::now();
            let mut passes = 0;
            while begun.elapsed() < TURN {
                (subject.pass)()?;
                passes += 1;
            }
            times.push(begun.elapsed().as_secs_f64() * 1e9 / (f64::from(passes) * group.units as f64));
        }
    }
    let head = ["", &format!("ns a {}", group.unit), "× the first", "instructions", "allocations"];
    let mut table = Table::new(format!("{}: for each {}", group.name, group.unit), &head);
    for (place, (subject, of)) in group.subjects.iter_mut().zip(&times).enumerate() {
        let ratios: Vec<_> = times[0].iter().zip(of).map(|(first, of)| first / of).collect();
        let before = Allocations::now().calls;
        (subject.pass)()?;
        let calls = (Allocations::now().calls - before) as f64 / group.units as f64;
        let instructions = if arguments.no_instructions {
            String::new()
        } else {
            rounded(instructions(&group.name, place)? / group.units as f64)
        };
        let cells = [
            subject.name.to_owned(),
            rounded(median(of)),
            format!("{:.2}", median(&ratios)),
            instructions,
            rounded(calls),
        ];
        table.row(cells);
    }
    Ok(table)
}

/// The instructions of one pass: this program again, under valgrind, with fewer passes and with more.
fn instructions(name: &str, place: usize) -> Result<f64, Fault> {
    let folder = Folder::new()?;
    let tool = Tool::Callgrind(folder.path().join("report"));
    let mut counted = [0.0; PASSES.len()];
    for (passes, counted) in PASSES.into_iter().zip(&mut counted) {
        let words = tool.words();
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .arg(std::env::current_exe()?)
            .args(["--only", name, "--passes", &place.to_string(), &passes.to_string()])
            .stdin(Stdio::null());
        let running = Running::start(&mut command).map_err(|error| tool.missing(&words[0], &error))?;
        let status = running.wait()?;
        if !status.success() {
            return Err(format!("valgrind: {status}").into());
        }
        *counted = tool.counted()?.values().sum::<u64>() as f64;
    }
    Ok((counted[1] - counted[0]) / (PASSES[1] - PASSES[0]) as f64)
}
