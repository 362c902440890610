//! A datagram echo server.

use asyncnet_driver::{DATAGRAM_BYTES_MAX, Endpoint};
use asyncnet_examples::address::bind;
use asyncnet_examples::program::{self, Failure};
use asyncnet_examples::runtime::{Adapter, Runtime};
use asyncnet_examples::stop::Stop;
use asyncnet_examples::udp_echo::{self, Trouble};
use asyncnet_os::Address;
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use std::mem::{Discriminant, discriminant};
use std::process::ExitCode;

const PROGRAM: &str = "udp-echo";

/// Echoes datagrams, UDP or Unix: each goes back whole to who sent it, an empty one too.
///
/// The address it is bound to is the first line of stdout, as "listening on HOST:PORT" or "listening on unix:PATH"; what
/// became of the datagrams is the last.
///
/// A datagram over the limit is not echoed in part: it is told on stderr, as is one whose sender has no address (a Unix
/// socket that is not bound), one that says it comes from the port that the echo has itself, since two echoes would answer
/// each other for ever, and an answer that the system does not take. Of each kind the first is told, the second, the fourth,
/// and so on, so that nobody can fill a disk with them.
///
/// Anybody can write any sender into a UDP datagram, and the answer goes there: do not offer it to the internet.
///
/// Ctrl-C and SIGTERM end it well: what was received is answered, and a Unix socket's file is removed.
#[derive(Debug, Parser)]
#[command(version, after_help = program::EXIT_STATUS)]
struct Arguments {
    /// Where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH; port 0 lets the system choose. The path must not
    /// exist.
    #[arg(long, value_name = "ADDR")]
    listen: Address,

    /// The longest datagram, in bytes: 1 to 65535, which holds any of UDP.
    #[arg(long, value_name = "N", default_value_t = 65_535, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    max_datagram: u32,

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
    let bound = bind(&net, &arguments.listen).await?;
    program::print(&format!("listening on {}\n", bound.at))?;
    let len_max = usize::try_from(arguments.max_datagram).unwrap_or(DATAGRAM_BYTES_MAX);
    let mut teller = Teller::default();
    let answering = udp_echo::answer(
        &bound.socket,
        || net.timer(),
        len_max,
        &stop,
        |from, trouble| {
            teller.tell(from, &trouble);
        },
    );
    let counts = answering.await.map_err(|error| Failure::new("cannot go on", error))?;
    program::print(&format!("{counts}\n"))
}

/// Tells of troubles: ever fewer of a kind, as there are more of it.
#[derive(Default)]
struct Teller {
    kinds: Vec<(Discriminant<Trouble>, u64)>,
}

impl Teller {
    fn tell(&mut self, from: Option<&Endpoint>, trouble: &Trouble) {
        let kind = discriminant(trouble);
        let at = self.kinds.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            self.kinds.push((kind, 0));
            self.kinds.len() - 1
        });
        let times = &mut self.kinds[at].1;
        *times += 1;
        if !times.is_power_of_two() {
            return;
        }
        let from = from.map_or_else(String::new, |from| format!("{from}: "));
        let times = if *times == 1 { String::new() } else { format!(" ({times} times by now)") };
        program::note(PROGRAM, &format_args!("{from}{trouble}{times}"));
    }
}
