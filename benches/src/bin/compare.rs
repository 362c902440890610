//! The command that compares servers by the time that they take.

use asyncnet_benches::Fault;
use asyncnet_benches::arguments::Mode;
use asyncnet_benches::measure::{
    Contestant, Files, Only, Table, Tool, WORKS, Work, begin, growing, median, rounded,
};
use asyncnet_benches::process::{exit, note, raise_descriptors};
use clap::Parser;
use std::io::{self, Write};
use std::process::ExitCode;

/// Gives all servers the same work, in turns, and prints how much processor time each took: a table for each work.
///
/// A round runs every server of a work once, one after the other, so that what else goes on meets all of them. Its ratios
/// are within the round; the table has their medians. "× epoll" is against epoll by hand (with rustls, where there is TLS),
/// "× best peer" against the fastest of the others that are not of this project.
///
/// Where one of the two is left out by --on, there is no ratio to it, and the table has "–".
///
/// Times depend on the machine and on what else it does; close to 1, half a tenth says nothing.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    only: Only,

    /// How many rounds: 1 to 1000. An odd number has a middle.
    #[arg(long, value_name = "N", default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,

    /// How many percent of the messages of a round to send: 1 to 1000.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    amount: u32,
}

/// What the table of growth is called on the command line.
const GROWTH: &str = "growth";
/// How many connections are idle beside, for it.
const IDLE: [u32; 3] = [0, 1_000, 10_000];

fn main() -> ExitCode {
    exit("compare", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Fault> {
    raise_descriptors()?;
    let mut out = io::stdout();
    let idle = growing(Mode::Plain).iter().map(|contestant| contestant.name).collect();
    let planned = arguments.only.planned(&[(GROWTH, idle)])?;
    if arguments.only.list {
        return Ok(planned.iter().try_for_each(|(work, name)| writeln!(out, "{work}  {name}"))?);
    }
    let files = Files::new()?;
    for work in arguments.only.works() {
        let contestants = arguments.only.contestants(work);
        if !contestants.is_empty() {
            writeln!(out, "{}", compare(arguments, work, &contestants, &files)?)?;
        }
    }
    if planned.iter().any(|(work, _)| *work == GROWTH) {
        writeln!(out, "{}", growth(arguments, &files)?)?;
    }
    Ok(())
}

/// One work on all its servers.
fn compare(
    arguments: &Arguments,
    work: &Work,
    contestants: &[Contestant],
    files: &Files,
) -> Result<Table, Fault> {
    let mut times = vec![Vec::new(); contestants.len()];
    for round in 1..=arguments.rounds {
        note("compare", &format_args!("{}: round {round} of {}", work.name, arguments.rounds));
        for (contestant, times) in contestants.iter().zip(&mut times) {
            times.push(time(arguments, contestant, work, files, 0)?);
        }
    }
    let limit = contestants.iter().position(Contestant::is_limit);
    let peers = (0..contestants.len()).filter(|&at| !contestants[at].is_ours() && Some(at) != limit);
    let best = peers.min_by(|&one, &other| median(&times[one]).total_cmp(&median(&times[other])));
    let best_name = best.map_or("no peer", |best| contestants[best].name);
    let title = format!("{}: {} (best peer: {best_name})", work.name, work.about);
    let mut table =
        Table::new(title, &["server", &format!("ns a {}", work.unit()), "× epoll", "× best peer"]);
    for (contestant, of) in contestants.iter().zip(&times) {
        let against = |other: Option<usize>| other.map_or("–".to_owned(), |other| ratio(of, &times[other]));
        let cells = [contestant.name.to_owned(), rounded(median(of)), against(limit), against(best)];
        table.row(cells);
    }
    Ok(table)
}

/// The same work beside more and more connections that are idle.
fn growth(arguments: &Arguments, files: &Files) -> Result<Table, Fault> {
    let work = WORKS.iter().find(|work| work.name == "plain-ping-64").ok_or("no such work")?;
    let mut table =
        Table::new(format!("{GROWTH}: {}, beside idle ones", work.about), &["server", "1 000", "10 000"]);
    for contestant in growing(Mode::Plain).iter().filter(|contestant| arguments.only.admits(contestant.name))
    {
        let mut times = [const { Vec::new() }; IDLE.len()];
        for round in 1..=arguments.rounds {
            note(
                "compare",
                &format_args!("{GROWTH}: {}: round {round} of {}", contestant.name, arguments.rounds),
            );
            for (idle, times) in IDLE.into_iter().zip(&mut times) {
                times.push(time(arguments, contestant, work, files, idle)?);
            }
        }
        table.row([contestant.name.to_owned(), ratio(&times[1], &times[0]), ratio(&times[2], &times[0])]);
    }
    Ok(table)
}

/// Nanoseconds of a server's for a message, in a process of its own.
fn time(
    arguments: &Arguments,
    contestant: &Contestant,
    work: &Work,
    files: &Files,
    idle: u32,
) -> Result<f64, Fault> {
    let (server, mut load) = begin(&Tool::Bare, contestant, work, files, idle)?;
    let messages = work.messages * u64::from(arguments.amount) / 100;
    // A tenth of it first, unseen: caches, and what a server learns of its peers.
    load.run(messages / 10)?;
    let before = server.cpu_time()?;
    let done = load.run(messages)?;
    let took = server.cpu_time()? - before;
    drop(load);
    server.end()?;
    Ok(took.as_secs_f64() * 1e9 / done as f64)
}

/// The median of the rounds' ratios.
fn ratio(of: &[f64], to: &[f64]) -> String {
    let ratios: Vec<_> = of.iter().zip(to).map(|(of, to)| of / to).collect();
    format!("{:.2}", median(&ratios))
}
