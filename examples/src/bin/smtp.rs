//! A mail sink.

use asyncnet_driver::Stream;
use asyncnet_examples::address::listen;
use asyncnet_examples::capacity::Capacity;
use asyncnet_examples::program::{self, Failure};
use asyncnet_examples::runtime::{Adapter, Runtime};
use asyncnet_examples::server::{self, Server};
use asyncnet_examples::smtp::{Maildir, Rules, Sink, SinkSettings};
use asyncnet_examples::stop::Stop;
use asyncnet_examples::tls::TlsArguments;
use asyncnet_os::Address;
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const PROGRAM: &str = "smtp";

/// A mail sink: takes mail for anybody, keeps each message as a file in a maildir, and forwards nothing.
///
/// A message is in DIR/new, whole and on disk, before the client is told that it was taken; else it is not there at all.
/// Its first lines say from whom (Return-Path), to whom (Envelope-To, one a recipient), and how it came (Received). The
/// address the sink is bound to is the first line of stdout, as "listening on HOST:PORT". What goes wrong with a connection
/// is told on stderr.
///
/// It speaks ESMTP with PIPELINING, SIZE, 8BITMIME and ENHANCEDSTATUSCODES, and with a certificate STARTTLS. Lines end with
/// CR LF: a client that sends another line end is refused, and the connection closed.
///
/// Ctrl-C and SIGTERM end it well: it stops accepting, stores and answers what has come in whole, and closes the connections
/// with 421, within 4 seconds.
#[derive(Debug, Parser)]
#[command(version, after_help = program::EXIT_STATUS)]
struct Arguments {
    /// Where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Address,

    /// The maildir. It is made if it is not there; its parent must be.
    #[arg(long, value_name = "DIR")]
    maildir: PathBuf,

    /// The largest message, in bytes as it comes: 1 to 1000000000000.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 50_000_000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000)
    )]
    max_size: u64,

    /// What the sink calls itself: a domain, or an address in brackets.
    #[arg(long, value_name = "NAME", default_value = "localhost", value_parser = asyncnet_examples::smtp::parse_domain)]
    hostname: String,

    /// How long a client may take for a command or a line, in seconds: 1 to 3600. For a message, it is 12 times that.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = SinkSettings::LINE_TIME.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=3_600)
    )]
    timeout: u64,

    /// How many clients are served at once: 1 to 100000. One more is told 421, and closed: it need not wait to learn that
    /// it has to come back later.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    max_connections: u32,

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
    let maildir = Maildir::open(&arguments.maildir, &arguments.hostname);
    let maildir = maildir
        .map_err(|error| Failure::new(format!("cannot use {}", arguments.maildir.display()), error))?;
    let offered = listen(&net, &arguments.listen, SinkSettings::limits()).await?;
    program::print(&format!("listening on {}\n", offered.at))?;
    program::print(&tls.notice)?;
    let rules = Rules {
        host: arguments.hostname.clone(),
        message_bytes_max: arguments.max_size,
        has_tls: tls.config.is_some(),
    };
    let line_time_max = Duration::from_secs(arguments.timeout);
    let settings = SinkSettings { rules, tls: tls.config, line_time_max };
    let sink = Arc::new(Sink { net, maildir: Arc::new(maildir), settings, stop: stop.clone() });
    // No TLS from the first byte: a client asks for it.
    let clients_max = usize::try_from(arguments.max_connections).expect("clap has checked it");
    // As Postfix's postscreen says it when all its servers are busy, with the name that RFC 5321, section 4.2.2, asks for.
    let busy = format!("421 4.3.2 {} Too many connections; try again later\r\n", arguments.hostname);
    let capacity = Some(Capacity::new(clients_max).telling(busy));
    let server = Server { net, program: PROGRAM, tls: None, capacity, stop };
    let serving = server.run(vec![offered], move |stream, peer| attend(Arc::clone(&sink), stream, peer));
    serving.await.map_err(|error| Failure::new("cannot go on", error))
}

/// One connection, from the greeting to its end.
async fn attend<R: Runtime>(sink: Arc<Sink<R>>, mut stream: Stream<R::Transport>, peer: String) {
    let talked = sink.talk(&mut stream, &peer).await;
    let closed = server::close(sink.net, &mut stream, b"").await;
    if let Err(error) = talked.and(closed) {
        program::note(PROGRAM, &format_args!("{peer}: {error}"));
    }
}
