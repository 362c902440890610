//! The server on asyncnet's peers.

use asyncnet_benches::arguments::ServerArguments;
use asyncnet_benches::peers::Peer;
use asyncnet_benches::process::{exit, prepare};
use clap::Parser;
use std::process::ExitCode;

/// Does what `server` does, on something else than asyncnet: what it is compared with.
///
/// The first line of stdout is "listening on HOST:PORT"; SIGUSR1, SIGTERM and SIGINT mean the same as there.
///
/// With --style await each line is answered with a write of its own; with burst the answers to all lines that came
/// together are gathered by hand, and go out with one write.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// What the server is made of. Those with rustls in their name have --mode tls, the others plain.
    #[arg(long, value_enum)]
    peer: Peer,

    #[command(flatten)]
    server: ServerArguments,
}

fn main() -> ExitCode {
    let Arguments { peer, server } = Arguments::parse();
    exit("peer-server", prepare().and_then(|()| peer.serve(&server)))
}
