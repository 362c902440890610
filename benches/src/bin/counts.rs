//! The command that counts: what does not depend on the machine, nor on what else it does.

use asyncnet_benches::Fault;
use asyncnet_benches::arguments::Mode;
use asyncnet_benches::client_heap::{self, Client};
use asyncnet_benches::load::Reach;
use asyncnet_benches::measure::{
    Contestant, Files, Only, Server, Table, Tool, WORKS, Work, a_message, contestants, growing, idle_heap,
    rounded,
};
use asyncnet_benches::process::{exit, note, raise_descriptors};
use clap::Parser;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

/// Counts what a message costs each server: system calls (strace), instructions in user mode (valgrind's callgrind) and
/// allocations; and how many bytes of heap an idle connection holds. Prints a table for each.
///
/// What is done once does not count: each number is the difference between two runs, of few messages and of more,
/// divided by how many more there were. Calls of the allocator are those of Rust's; a library in C has its own.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    only: Only,

    /// Leaves out what valgrind counts: it makes a server some fifty times slower.
    #[arg(long)]
    no_instructions: bool,

    /// Leaves out what strace counts.
    #[arg(long)]
    no_system_calls: bool,
}

/// What the table of clients' memory is called on the command line.
const CLIENT_HEAP: &str = "tls-client-heap";
/// What those of servers' memory are called.
const HEAP: [(&str, Mode); 2] = [("plain-heap", Mode::Plain), ("tls-heap", Mode::Tls)];
/// How many idle connections are weighed.
const IDLE: [u32; 2] = [1_000, 10_000];
/// The clients that are weighed.
const CLIENTS: [Client; 2] = [Client::Asyncnet, Client::TokioRustls];

fn main() -> ExitCode {
    exit("counts", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Fault> {
    raise_descriptors()?;
    let mut out = io::stdout();
    let mut others: Vec<_> = HEAP
        .iter()
        .map(|&(name, mode)| (name, growing(mode).iter().map(|contestant| contestant.name).collect()))
        .collect();
    others.push((CLIENT_HEAP, CLIENTS.iter().map(|client| client.name()).collect()));
    let planned = arguments.only.planned(&others)?;
    let has = |name: &str| planned.iter().any(|(work, _)| *work == name);
    if arguments.only.list {
        return Ok(planned.iter().try_for_each(|(work, name)| writeln!(out, "{work}  {name}"))?);
    }
    let files = Files::new()?;
    for work in arguments.only.works() {
        let contestants = arguments.only.contestants(work);
        if contestants.is_empty() {
            continue;
        }
        let title = format!("{}: {}; for each {}", work.name, work.about, work.unit());
        let head = ["server", "system calls", "instructions", "allocations", "which system calls"];
        let mut table = Table::new(title, &head);
        for contestant in contestants {
            note("counts", &format_args!("{}: {}", work.name, contestant.name));
            table.row(count(arguments, &contestant, work, &files)?);
        }
        writeln!(out, "{table}")?;
    }
    for (name, mode) in HEAP {
        if has(name) {
            writeln!(out, "{}", heap(arguments, name, mode, &files)?)?;
        }
    }
    if has(CLIENT_HEAP) {
        let mut table = Table::new(
            format!("{CLIENT_HEAP}: bytes of heap for each idle connection"),
            &["client", "1 000"],
        );
        for client in CLIENTS.into_iter().filter(|client| arguments.only.admits(client.name())) {
            note("counts", &format_args!("{CLIENT_HEAP}: {}", client.name()));
            let (server, reach) = served(&files)?;
            table.row([client.name().to_owned(), client_heap::weigh(client, &reach, IDLE[0])?.to_string()]);
            server.end()?;
        }
        writeln!(out, "{table}")?;
    }
    Ok(())
}

/// A server for clients that are weighed.
fn served(files: &Files) -> Result<(Server, Reach), Fault> {
    let work = WORKS.iter().find(|work| work.name == "tls-ping-1").ok_or("no such work")?;
    let limit = contestants(work).into_iter().find(Contestant::is_limit).ok_or("no such server")?;
    let server = Server::start(&Tool::Bare, &limit, work, files)?;
    let reach = server.reach(work, files, true)?;
    Ok((server, reach))
}

/// One server's row.
fn count(
    arguments: &Arguments,
    contestant: &Contestant,
    work: &Work,
    files: &Files,
) -> Result<[String; 5], Fault> {
    let with = |tool: Option<Tool>| match tool {
        None => Ok(None),
        Some(tool) => a_message(&tool, contestant, work, files).map(Some),
    };
    let calls = with((!arguments.no_system_calls).then(|| Tool::Strace(files.report())))?;
    let instructions = with((!arguments.no_instructions).then(|| Tool::Callgrind(files.report())))?;
    let allocations = a_message(&Tool::Bare, contestant, work, files)?;
    let total = |counted: Option<&BTreeMap<String, f64>>| {
        counted.map_or_else(String::new, |counted| rounded(counted.values().sum()))
    };
    let which = calls.iter().flatten().filter(|(_, number)| **number >= 0.001);
    let which: Vec<_> = which.map(|(name, number)| format!("{name} {}", rounded(*number))).collect();
    let name = contestant.name.to_owned();
    Ok([
        name,
        total(calls.as_ref()),
        total(instructions.as_ref()),
        total(Some(&allocations)),
        which.join(", "),
    ])
}

/// What an idle connection holds, after a line to and fro.
fn heap(arguments: &Arguments, name: &str, mode: Mode, files: &Files) -> Result<Table, Fault> {
    let wanted = if mode == Mode::Plain { "plain-ping-1" } else { "tls-ping-1" };
    let work = WORKS.iter().find(|work| work.name == wanted).ok_or("no such work")?;
    let mut table =
        Table::new(format!("{name}: bytes of heap for each idle connection"), &["server", "1 000", "10 000"]);
    for contestant in growing(mode).iter().filter(|contestant| arguments.only.admits(contestant.name)) {
        note("counts", &format_args!("{name}: {}", contestant.name));
        let mut row = vec![contestant.name.to_owned()];
        for idle in IDLE {
            row.push(format!("{:.0}", idle_heap(contestant, work, files, idle)?));
        }
        table.row(row);
    }
    Ok(table)
}
