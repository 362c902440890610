//! A client that speaks TLS with any server, also one that has to be asked for it first, and is otherwise a pipe.

use asyncnet_driver::tls::rustls::ClientConfig;
use asyncnet_driver::tls::{Leftover, StartTls, TlsError, TlsInfo};
use asyncnet_driver::{Connector, Error, ReadHalf, Stream, WriteHalf};
use asyncnet_driver::{Limits, SplitTransport};
use asyncnet_examples::chain::describe;
use asyncnet_examples::program::{self, Failure, INTERRUPTED};
use asyncnet_examples::runtime::{Adapter, Runtime, within};
use asyncnet_examples::starttls::{Protocol, StartTlsError, upgrade};
use asyncnet_examples::stop::Stop;
use asyncnet_examples::terminal;
use asyncnet_os::{Address, ClientTls};
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use futures_lite::future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const PROGRAM: &str = "s-client";
/// The server does not speak TLS when asked for it, or something came before it that should not have.
const REFUSED: u8 = 3;
/// The server's certificate is not good.
const CERTIFICATE: u8 = 4;

/// Connects to a server over TLS, tells on stderr what was agreed on, and connects stdin and stdout to the stream.
///
/// What is on stdin goes to the server as it is, and what the server sends goes to stdout, byte for byte. The end of
/// stdin is passed on, as TLS has it, and the server can still answer; the program ends when both directions have.
///
/// A server's certificate must be valid, for the host that is connected to, and lead to one of the system's roots.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Environment: SSL_CERT_FILE, a PEM file, and SSL_CERT_DIR, folders of them, replace the system's roots.

Exit status: 0 when both directions ended well, 1 when the connection failed, TLS included (stderr says what), 2 when the \
command line is wrong, 3 when the server refuses or does not offer TLS under --starttls, or something was sent in plaintext \
behind its consent, 4 when its certificate is not good, 130 when it was interrupted."
)]
struct Arguments {
    /// Where to connect: HOST:PORT, or unix:PATH.
    #[arg(value_name = "HOST:PORT")]
    server: Address,

    /// Ask for TLS in the words of this protocol first.
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    starttls: Option<Protocol>,

    /// Trust the certificates in this PEM file instead of the system's.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    ca: Option<PathBuf>,

    /// The name that the certificate has to be for, if it is not the host.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,

    /// Offer this protocol (ALPN), behind those that were given before.
    #[arg(long, value_name = "PROTOCOL")]
    alpn: Vec<String>,

    /// Take whatever certificate the server shows: anyone on the way can read and change everything.
    #[arg(long)]
    insecure: bool,

    /// How long connecting, and then all that comes before TLS is there, may take, in seconds: 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3_600))]
    timeout: u16,

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

async fn run<R: Runtime<Transport: SplitTransport>>(net: R, arguments: &Arguments) -> Result<(), Failure> {
    let stop = Stop::on_signal()?;
    if arguments.insecure {
        let warning = "WARNING: --insecure: nobody knows who answers, and who else reads and changes it";
        program::note(PROGRAM, &warning);
    }
    let interrupted =
        || Err(Failure::new(arguments.server.to_string(), "interrupted").with_status(INTERRUPTED));
    stop.before(talk(net, arguments)).await.unwrap_or_else(interrupted)
}

async fn talk<R: Runtime<Transport: SplitTransport>>(net: R, arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.config()?;
    let how = StartTls::client(&config, &arguments.name());
    let how = how.map_err(|error| arguments.failure(error.into()))?;
    let mut stream = connect(net, arguments).await?;
    let info = begin(net, &mut stream, arguments, how).await?;
    program::note(PROGRAM, &format_args!("connected\n{}", report(&info, &stream).trim_end()));
    exchange(stream, arguments).await
}

async fn connect<R: Runtime>(net: R, arguments: &Arguments) -> Result<Stream<R::Transport>, Failure> {
    let time_max = arguments.time_max();
    let mut limits = Limits::default();
    limits.handshake_time_max = time_max;
    let connector = Connector::new().limits(limits);
    let connecting = async {
        match &arguments.server {
            Address::Host { host, port } => connector.dial(&net, host, *port).await,
            address => {
                let endpoint = address.endpoint().expect("only a host has to be looked up");
                connector.connect(&net, &endpoint).await
            }
        }
    };
    let connected = within(net.timer(), time_max, connecting).await;
    connected.ok_or_else(|| arguments.late("connected"))?.map_err(|error| arguments.failure(error))
}

/// Begins TLS: at once, or where the protocol has it.
async fn begin<R: Runtime>(
    net: R,
    stream: &mut Stream<R::Transport>,
    arguments: &Arguments,
    how: StartTls,
) -> Result<TlsInfo, Failure> {
    let Some(protocol) = arguments.starttls else {
        let begun = async {
            stream.require_tls()?;
            // A server that speaks first does not speak TLS: its words are for the handshake to refuse.
            stream.start_tls(how.leftover(Leftover::IntoTls)).await
        };
        return begun.await.map_err(|error| arguments.failure(error));
    };
    let name = arguments.name();
    let asking = upgrade(stream, protocol, &name, how);
    let upgraded = within(net.timer(), arguments.time_max(), asking).await;
    upgraded.ok_or_else(|| arguments.late("speaking TLS"))?.map_err(|error| match error {
        StartTlsError::Stream(stream) if !matches!(stream, Error::Tls(TlsError::Leftover { .. })) => {
            arguments.failure(stream)
        }
        error => {
            let status = if error.is_refusal() { REFUSED } else { 1 };
            Failure::new(arguments.server.to_string(), error).with_status(status)
        }
    })
}

/// Both directions to their ends. What came before a failure is written all the same.
async fn exchange<T: SplitTransport>(stream: Stream<T>, arguments: &Arguments) -> Result<(), Failure> {
    let (reader, writer) = stream.into_split().map_err(|error| arguments.failure(error))?;
    // What cannot be sent ends nothing: the server's last words are still to come, and tell why perhaps.
    let sending = async { Ok(upload(writer, arguments).await) };
    let (sent, ()) = future::try_zip(sending, download(reader, arguments)).await?;
    sent
}

/// What is on stdin, and its end.
async fn upload<T: SplitTransport>(
    mut writer: WriteHalf<'_, T>,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let failed = |error| Failure::new("cannot read stdin", error);
    let pieces = terminal::stdin().map_err(failed)?;
    while let Ok(piece) = pieces.recv().await {
        writer.send(&piece.map_err(failed)?).await.map_err(|error| arguments.failure(error))?;
    }
    writer.shutdown_write().await.map_err(|error| arguments.failure(error))
}

/// What the server sends, and its end.
async fn download<T: SplitTransport>(
    mut reader: ReadHalf<'_, T>,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let failed = |error| Failure::new("cannot write to stdout", error);
    let output = terminal::stdout().map_err(failed)?;
    let mut piece = vec![0; terminal::PIECE_BYTES];
    let received = loop {
        match reader.recv(&mut piece).await {
            Ok(0) => break Ok(()),
            // Nobody takes it any more: why is told below.
            Ok(n) if !output.write(piece[..n].to_vec()).await => break Ok(()),
            Ok(_) => {}
            Err(error) => break Err(arguments.failure(error)),
        }
    };
    output.finish().await.map_err(failed)?;
    received
}

/// What was agreed on, and what the server showed, a line each.
fn report<T: asyncnet_driver::Transport>(info: &TlsInfo, stream: &Stream<T>) -> String {
    let alpn = info.alpn().map_or_else(|| "none".to_owned(), |alpn| alpn.escape_ascii().to_string());
    format!(
        "version: {}\ncipher suite: {}\nkey exchange group: {}\nALPN: {alpn}\nserver name: {}\nresumed: {}\n{}",
        info.version(),
        info.cipher_suite(),
        info.key_exchange_group().unwrap_or("none"),
        info.server_name().unwrap_or("none"),
        if info.is_resumed() { "yes" } else { "no" },
        describe(stream.peer_certificates(), SystemTime::now()),
    )
}

impl Arguments {
    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let tls = ClientTls::new().alpn(&self.alpn);
        let tls = match &self.ca {
            Some(path) => tls.ca_file(path),
            None if self.insecure => tls.dangerous_accept_any_certificate(),
            None => tls,
        };
        tls.build().map_err(|error| Failure::new("cannot speak TLS", error))
    }

    /// What the server is called: nothing, and that is no name, for a Unix socket without one.
    fn name(&self) -> String {
        match (&self.server_name, &self.server) {
            (Some(name), _) => name.clone(),
            (None, Address::Host { host, .. }) => host.clone(),
            (None, Address::Inet(address)) => address.ip().to_string(),
            _ => String::new(),
        }
    }

    fn time_max(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    fn late(&self, what: &str) -> Failure {
        Failure::new(self.server.to_string(), format!("not {what} after {} s", self.timeout))
    }

    fn failure(&self, error: Error) -> Failure {
        let status = match error {
            Error::Tls(TlsError::Certificate(_) | TlsError::NoCertificate) => CERTIFICATE,
            _ => 1,
        };
        Failure::new(self.server.to_string(), error).with_status(status)
    }
}
