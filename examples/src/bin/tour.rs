//! A tour of asyncnet.

use asyncnet_examples::program::{self, Failure};
use asyncnet_examples::runtime::{Adapter, Runtime};
use asyncnet_examples::stop::Stop;
use asyncnet_examples::tour;
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use std::process::ExitCode;

/// Shows what the socket promises, on loopback: who sends what, and what the other side sees.
///
/// It needs no arguments and no network, and takes well under a second.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Exit status: 0 when all is as promised, 1 when something is not or failed (stderr says what), 2 when the command line is \
wrong."
)]
struct Arguments {
    /// The adapter to run on.
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    adapter: Adapter,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.adapter {
        Adapter::Tokio => TokioNet.run(run(TokioNet)),
        Adapter::Smol => SmolNet.run(run(SmolNet)),
    };
    program::exit("tour", result)
}

/// Ctrl-C drops the tour where it stands, so that the folder of its Unix socket is removed.
async fn run<R: Runtime>(net: R) -> Result<(), Failure> {
    let stop = Stop::on_signal()?;
    let interrupted = || Err(Failure::new("the tour is not over", "interrupted"));
    stop.before(tour::play(net)).await.unwrap_or_else(interrupted)
}
