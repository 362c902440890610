//! A client that fetches what a URL names.

use asyncnet_examples::http::{Client, HttpError, Method, Response, Settings, Url};
use asyncnet_examples::output::Output;
use asyncnet_examples::program::{self, Failure, INTERRUPTED};
use asyncnet_examples::progress::Progress;
use asyncnet_examples::runtime::{Adapter, Runtime};
use asyncnet_examples::stop::Stop;
use asyncnet_os::ClientTls;
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const PROGRAM: &str = "http-get";
/// The server answered, and not with what was asked for.
const REFUSED: u8 = 3;
/// There is no TLS with the server.
const INSECURE: u8 = 4;

/// How much is received and written at once: as much as a stream reads at once.
const PIECE_BYTES: usize = 64 << 10;

/// Fetches what an http or https URL names, and writes it to stdout.
///
/// The body is written as it comes and as it is stored, whatever its length: nothing is decompressed. The body of an
/// answer that is no success is not written. What is cut off is an error: a body shorter than the server said, and over
/// TLS also one whose end could have been made by somebody else.
///
/// A server's certificate must be valid, for the URL's host, and lead to one of the system's roots.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Environment: SSL_CERT_FILE, a PEM file, and SSL_CERT_DIR, folders of them, replace the system's roots.

Exit status: 0 when all of it was written, 1 when something failed (stderr says what), 2 when the command line is wrong, \
3 when the server's answer is no success (its status is not 2xx), 4 when there is no TLS with the server (its certificate \
is not good, the handshake failed), 130 when it was interrupted."
)]
struct Arguments {
    /// What to fetch. The host is a name, an IPv4 address, or an IPv6 address in brackets.
    url: Url,

    /// Write to this file, which appears, or is replaced, when all of it is there.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Ask for the head of the answer alone, and write that.
    #[arg(long)]
    head: bool,

    /// Trust the certificates in this PEM file instead of the system's.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,

    /// Take whatever certificate the server shows: anyone on the way can read and change everything.
    #[arg(long)]
    insecure: bool,

    /// How many redirects are followed; with 0 they count as answers that are no success.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=50))]
    max_redirects: u8,

    /// Follow redirects from https to http, too.
    #[arg(long)]
    allow_downgrade: bool,

    /// How long the server may be silent, in seconds: 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    timeout: u16,

    /// No line of progress, which is on stderr if that is a terminal and stdout is not.
    #[arg(long, short)]
    quiet: bool,

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

/// Ctrl-C drops the transfer where it stands, so that a file that is not complete is removed.
async fn run<R: Runtime>(net: R, arguments: &Arguments) -> Result<(), Failure> {
    let stop = Stop::on_signal()?;
    if arguments.insecure {
        let warning = "WARNING: --insecure: nobody knows who answers, and who else reads and changes it";
        program::note(PROGRAM, &warning);
    }
    let interrupted = || Err(Failure::new(arguments.url.to_string(), "interrupted").with_status(INTERRUPTED));
    stop.before(fetch(net, arguments)).await.unwrap_or_else(interrupted)
}

async fn fetch<R: Runtime>(net: R, arguments: &Arguments) -> Result<(), Failure> {
    let client = Client::new(&net, arguments.settings());
    let method = if arguments.head { Method::Head } else { Method::Get };
    let response = client.fetch(method, &arguments.url).await;
    let response = response.map_err(|error| failure(&arguments.url, error))?;
    if !response.head.is_success() && !arguments.head {
        return Err(refusal(&response));
    }
    let mut output = Output::create(arguments.output.as_deref())?;
    if arguments.head {
        output.write(response.head.text().as_bytes())?;
        output.finish()?;
        return if response.head.is_success() { Ok(()) } else { Err(refusal(&response)) };
    }
    let is_visible = arguments.output.is_none() && io::stdout().is_terminal();
    let progress = Progress::new(response.remaining(), !arguments.quiet && !is_visible);
    copy(response, &mut output, progress).await?;
    output.finish()
}

/// Writes the body as it comes.
async fn copy<R: Runtime>(
    mut response: Response<'_, R>,
    output: &mut Output,
    mut progress: Progress,
) -> Result<(), Failure> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match response.recv(&mut piece).await {
            Ok(0) => break,
            Ok(n) => {
                output.write(&piece[..n])?;
                progress.advance(n);
            }
            Err(error) => return Err(failure(&response.url, error)),
        }
    }
    response.close().await;
    Ok(())
}

impl Arguments {
    fn settings(&self) -> Settings {
        let tls = ClientTls::new().alpn(["http/1.1"]);
        let tls = match &self.ca {
            Some(path) => tls.ca_file(path),
            None if self.insecure => tls.dangerous_accept_any_certificate(),
            None => tls,
        };
        Settings {
            tls,
            redirects_max: self.max_redirects.into(),
            downgrade: self.allow_downgrade,
            silence_max: Duration::from_secs(self.timeout.into()),
        }
    }
}

fn failure(url: &Url, error: HttpError) -> Failure {
    let status = if error.is_insecure() { INSECURE } else { 1 };
    Failure::new(url.to_string(), error).with_status(status)
}

fn refusal<R: Runtime>(response: &Response<'_, R>) -> Failure {
    let said = format!("the server answers {}", response.head.status_text());
    Failure::new(response.url.to_string(), said).with_status(REFUSED)
}
