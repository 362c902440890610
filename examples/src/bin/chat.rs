//! A chat server.

use asyncnet_driver::Stream;
use asyncnet_examples::address::listen;
use asyncnet_examples::chat::{self, Left, Member, Room};
use asyncnet_examples::program::{self, Failure};
use asyncnet_examples::runtime::{Adapter, Runtime};
use asyncnet_examples::server::{self, Server};
use asyncnet_examples::stop::Stop;
use asyncnet_examples::tls::TlsArguments;
use asyncnet_os::Address;
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use std::process::ExitCode;
use std::sync::Arc;

const PROGRAM: &str = "chat";

/// A chat server: each line of a member goes to all the others.
///
/// A member that reads too slowly is dropped when 256 KiB wait for it, so that it does not hold the others up. A line
/// over 4096 bytes is answered with "ERR line too long" and goes nowhere. The address it is bound to is the first
/// line of stdout, as "listening on HOST:PORT". Who was dropped, and what went wrong, is told on stderr.
///
/// With --cert and --key, or with --self-signed, every connection speaks TLS from its first byte.
///
/// Ctrl-C and SIGTERM end it well: it stops accepting, sends what waits for each member, and closes the connections,
/// within 4 seconds.
#[derive(Debug, Parser)]
#[command(version, after_help = program::EXIT_STATUS)]
struct Arguments {
    /// Where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Address,

    #[command(flatten)]
    tls: TlsArguments,

    /// The adapter to run on.
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    adapter: Adapter,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.adapter {
        Adapter::Tokio => TokioNet.run(run(TokioNet, &arguments)),
        Adapter::Smol => SmolNet.run(run(SmolNet, &arguments)),
    };
    program::exit(PROGRAM, result)
}

async fn run<R: Runtime>(net: R, arguments: &Arguments) -> Result<(), Failure> {
    let stop = Stop::on_signal()?;
    let tls = arguments.tls.load(&arguments.listen)?;
    let offered = listen(&net, &arguments.listen, chat::limits()).await?;
    program::print(&format!("listening on {}\n", offered.at))?;
    program::print(&tls.notice)?;
    let server = Server { net, program: PROGRAM, tls: tls.config, capacity: None, stop: stop.clone() };
    let room = Arc::new(Room::default());
    let serving = server.run(vec![offered], move |stream, peer| {
        // It joins here and not in its future: without TLS, whoever connects later, joins later.
        attend(net, stream, peer, Room::join(&room), stop.clone())
    });
    serving.await.map_err(|error| Failure::new("cannot go on", error))
}

/// One member, from the first line to the last.
async fn attend<R: Runtime>(
    net: R,
    mut stream: Stream<R::Transport>,
    peer: String,
    member: Member,
    stop: Stop,
) {
    let left = stop.before(chat::converse(&mut stream, &member)).await.unwrap_or(Ok(Left::Quit));
    if left.as_ref().is_ok_and(|left| *left == Left::TooSlow) {
        stream.abort();
        return program::note(PROGRAM, &format_args!("{peer}: dropped, it reads too slowly"));
    }
    let closed = server::close(net, &mut stream, &member.leave()).await;
    if let Err(error) = left.and(closed) {
        program::note(PROGRAM, &format_args!("{peer}: {error}"));
    }
}
