//! A line echo server.

use asyncnet_driver::Stream;
use asyncnet_examples::address::listen;
use asyncnet_examples::echo;
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

const PROGRAM: &str = "echo";

/// Echoes lines: each comes back with the line end it was sent with (CR LF or LF), and an unterminated last one without.
///
/// Any number of connections at once. A line over the limit is answered with "ERR line too long", and the dialogue goes
/// on. The address it is bound to is the first line of stdout, as "listening on HOST:PORT"; with --unix, a second line is
/// "listening on unix:PATH". What goes wrong with a connection is told on stderr.
///
/// With --cert and --key, or with --self-signed, every connection speaks TLS from its first byte.
///
/// Ctrl-C and SIGTERM end it well: it stops accepting, sends what is queued, and closes the connections, within 4
/// seconds.
#[derive(Debug, Parser)]
#[command(version, after_help = program::EXIT_STATUS)]
struct Arguments {
    /// Where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Address,

    /// A Unix socket to listen on as well; it must not exist, and is removed at the end.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    unix: Option<std::path::PathBuf>,

    /// The longest line, in bytes without its line end: 1 to 1000000.
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_line: u32,

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
    let limits = echo::limits(usize::try_from(arguments.max_line).expect("clap has checked it"));
    let mut offers = Vec::new();
    for address in arguments.addresses()? {
        offers.push(listen(&net, &address, limits).await?);
    }
    for offered in &offers {
        program::print(&format!("listening on {}\n", offered.at))?;
    }
    program::print(&tls.notice)?;
    let server = Server { net, program: PROGRAM, tls: tls.config, capacity: None, stop: stop.clone() };
    let serving = server.run(offers, move |stream, peer| attend(net, stream, peer, stop.clone()));
    serving.await.map_err(|error| Failure::new("cannot go on", error))
}

impl Arguments {
    #[cfg(unix)]
    fn addresses(&self) -> Result<Vec<Address>, Failure> {
        let mut addresses = vec![self.listen.clone()];
        if let Some(path) = &self.unix {
            let failed = |error| Failure::new(format!("cannot listen on unix:{}", path.display()), error);
            addresses.push(Address::Unix(asyncnet_os::unix_name(path).map_err(failed)?));
        }
        Ok(addresses)
    }

    #[cfg(not(unix))]
    fn addresses(&self) -> Result<Vec<Address>, Failure> {
        Ok(vec![self.listen.clone()])
    }
}

/// One connection, from the first line to the last.
async fn attend<R: Runtime>(net: R, mut stream: Stream<R::Transport>, peer: String, stop: Stop) {
    let answered = stop.before(echo::answer(&mut stream)).await.unwrap_or(Ok(()));
    let closed = server::close(net, &mut stream, b"").await;
    if let Err(error) = answered.and(closed) {
        program::note(PROGRAM, &format_args!("{peer}: {error}"));
    }
}
