//! A client that sends a message.

use asyncnet_examples::program::{self, Failure, INTERRUPTED};
use asyncnet_examples::progress::Progress;
use asyncnet_examples::runtime::{Adapter, Runtime};
use asyncnet_examples::smtp::{Client, ClientError, Envelope, Message, Path, RECIPIENTS_MAX, Security};
use asyncnet_examples::stop::Stop;
use asyncnet_os::{Address, ClientTls};
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const PROGRAM: &str = "smtp-send";
/// What clap says of a wrong command line, where it cannot see that itself.
const USAGE: u8 = 2;

/// Sends a message by SMTP, over TLS by STARTTLS unless told otherwise.
///
/// The message is a file as mail has it, a head, an empty line and a body, and is sent as it is: lines end with CR LF on the
/// wire, however they end in the file. A line of more than 998 bytes is refused before anything is sent. All recipients
/// get it, or none does.
///
/// With STARTTLS the server's certificate must be valid, for the server's name, and lead to one of the system's roots. A
/// server that does not offer it is refused, and so is plaintext that somebody puts before the handshake.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Environment: SSL_CERT_FILE, a PEM file, and SSL_CERT_DIR, folders of them, replace the system's roots.

Exit status: 0 when the server has taken the message, 1 when something failed (stderr says what), 2 when the command line \
is wrong, 3 when there is no TLS to be had (it is not offered, was refused, or the handshake failed), 4 when the server's \
certificate is not good, 5 when the server has refused the message for good, 75 when it has refused it for now (try \
again later), 130 when it was interrupted."
)]
struct Arguments {
    /// The server: HOST:PORT, unix:PATH. Mail between servers is on port 25, submission on 587.
    #[arg(long, value_name = "ADDR")]
    server: Address,

    /// The sender's address; <> for nobody, who gets no bounces.
    #[arg(long, value_name = "ADDRESS")]
    from: Path,

    /// A recipient's address: as often as there are recipients, 100 at most.
    #[arg(long, value_name = "ADDRESS", required = true)]
    to: Vec<Path>,

    /// Whether the message may be sent only over TLS.
    #[arg(long, value_enum, default_value_t = StartTls::Required)]
    starttls: StartTls,

    /// Trust the certificates in this PEM file instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// The name that the server's certificate is to be for, instead of the host of --server.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,

    /// What this machine calls itself, instead of its address in brackets.
    #[arg(long, value_name = "NAME", value_parser = asyncnet_examples::smtp::parse_domain)]
    hello: Option<String>,

    /// How long each answer may take, in seconds, 1 to 3600, instead of RFC 5321's minutes.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3_600))]
    timeout: Option<u16>,

    /// No line of progress, which is on stderr if that is a terminal.
    #[arg(long, short)]
    quiet: bool,

    /// The adapter to run on.
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    adapter: Adapter,

    /// The message; - is stdin.
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StartTls {
    /// Over TLS, or not at all.
    Required,
    /// In plaintext: anyone on the way can read and change everything.
    Off,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.adapter {
        Adapter::Tokio => TokioNet.run(run(TokioNet, &arguments)),
        Adapter::Smol => SmolNet.run(run(SmolNet, &arguments)),
    };
    program::exit(PROGRAM, result)
}

/// Ctrl-C drops the connection where it stands: a message whose end was not sent is none.
async fn run<R: Runtime>(net: R, arguments: &Arguments) -> Result<(), Failure> {
    let stop = Stop::on_signal()?;
    let interrupted =
        || Err(Failure::new(arguments.server.to_string(), "interrupted").with_status(INTERRUPTED));
    stop.before(send(net, arguments)).await.unwrap_or_else(interrupted)
}

async fn send<R: Runtime>(net: R, arguments: &Arguments) -> Result<(), Failure> {
    if arguments.to.len() > RECIPIENTS_MAX {
        return Err(Failure::new("--to", format!("more than {RECIPIENTS_MAX} recipients")).with_status(USAGE));
    }
    let security = arguments.security()?;
    let envelope = Envelope { from: arguments.from.clone(), to: arguments.to.clone() };
    let file = arguments.file.clone();
    let message = net.unblock(move || Message::open(&file)).await?;
    let failed = |error: ClientError| {
        let status = error.status();
        Failure::new(arguments.server.to_string(), error).with_status(status)
    };
    let time_max = arguments.timeout.map(|seconds| Duration::from_secs(seconds.into()));
    let client = Client::connect(net, &arguments.server, arguments.hello.as_deref(), time_max).await;
    let client = client.map_err(failed)?;
    let mut progress = Progress::new(Some(message.summary().bytes), !arguments.quiet);
    let sent = |n| progress.advance(n);
    let delivered = client.deliver(&security, &envelope, message, sent).await;
    drop(progress);
    program::print(&format!("{}\n", delivered.map_err(failed)?))
}

impl Arguments {
    fn security(&self) -> Result<Security, Failure> {
        if self.starttls == StartTls::Off {
            return Ok(Security::Off);
        }
        let name = match (&self.server_name, &self.server) {
            (Some(name), _) => name.clone(),
            (None, Address::Host { host, .. }) => host.clone(),
            (None, Address::Inet(address)) => address.ip().to_string(),
            (None, _) => {
                let why = "--server-name says whose certificate is expected there";
                return Err(Failure::new(self.server.to_string(), why).with_status(USAGE));
            }
        };
        let tls = self.ca.as_ref().map_or_else(ClientTls::new, |path| ClientTls::new().ca_file(path));
        let config = tls.build().map_err(|error| Failure::new("cannot speak TLS", error))?;
        Ok(Security::Required(config, name))
    }
}
