//! The command that draws what `compare` has printed.

use asyncnet_benches::Fault;
use asyncnet_benches::plot::{draw, read};
use asyncnet_benches::process::exit;
use clap::Parser;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Draws the tables of `compare` as bars, and writes the picture to stdout, as SVG.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A page with the tables, as benches/RESULTS.md is.
    results: PathBuf,
}

fn main() -> ExitCode {
    exit("plot", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Fault> {
    let works = read(
        &std::fs::read_to_string(&arguments.results)
            .map_err(|error| format!("{}: {error}", arguments.results.display()))?,
    );
    if works.is_empty() {
        return Err(format!("{} has no table of compare's", arguments.results.display()).into());
    }
    Ok(io::stdout().write_all(draw(&works).as_bytes())?)
}
