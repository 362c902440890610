//! The load generator.

use asyncnet_benches::Fault;
use asyncnet_benches::arguments::{Mode, address};
use asyncnet_benches::load::{Amount, Load, Reach, Shape};
use asyncnet_benches::process::{exit, raise_descriptors};
use clap::Parser;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Gives a server its work, and checks every byte that comes back: lines, bulk, handshakes, beside idle connections.
///
/// At the end stdout says how many messages there were and how long they took. A byte that is not what it should be ends
/// it with status 1.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where the server listens.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    addr: SocketAddr,

    /// Whether it speaks TLS.
    #[arg(long, value_enum)]
    mode: Mode,

    /// The certificate to trust, as PEM; the server is asked for as "localhost".
    #[arg(long, value_name = "F", required_if_eq("mode", "tls"))]
    cert: Option<PathBuf>,

    #[command(flatten)]
    amount: Amount,

    /// How many messages, at least 1; up to one step more, in which each connection has its turn: --lines on each, or a
    /// request of bulk work.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    messages: u64,

    /// How many seconds it waits for the server, for anything: 1 to 3600. Then it ends, with status 1.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
}

fn main() -> ExitCode {
    exit("load", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Fault> {
    raise_descriptors()?;
    if arguments.mode == Mode::Plain && arguments.cert.is_some() {
        return Err("--cert is for --mode tls".into());
    }
    let resume = arguments.amount.shape == Shape::Resume;
    let reach = Reach::new(arguments.addr, arguments.mode, arguments.cert.as_deref(), resume)?;
    let mut load = Load::open(reach.patience(Duration::from_secs(arguments.timeout)), arguments.amount)?;
    let begun = Instant::now();
    let messages = load.run(arguments.messages)?;
    let took = begun.elapsed();
    writeln!(io::stdout(), "{messages} messages in {:.3} s", took.as_secs_f64())?;
    load.end()
}
