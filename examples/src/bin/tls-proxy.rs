//! A proxy that takes TLS off, for servers that do not speak it, or puts it on, for clients that do not.

use asyncnet_driver::tls::rustls::{ClientConfig, ServerConfig};
use asyncnet_driver::tls::{Leftover, Refusal, StartTls, TlsError};
use asyncnet_driver::{Connector, Error, Limits, SplitTransport, Stream, Transport};
use asyncnet_examples::address::listen;
use asyncnet_examples::by_name::{CertificateFiles, Named, find};
use asyncnet_examples::capacity::Capacity;
use asyncnet_examples::program::{self, Failure};
use asyncnet_examples::relay::{relay, tell};
use asyncnet_examples::runtime::{Adapter, Runtime, within};
use asyncnet_examples::server::Server;
use asyncnet_examples::stop::Stop;
use asyncnet_os::{Address, ClientTls, ServerTls};
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

const PROGRAM: &str = "tls-proxy";

/// How long the pairs that are under way have to end, once the program is asked to.
const ENDING: Duration = Duration::from_secs(2);
/// How long a client has to read the alert that says why it is refused.
const ALERT: Duration = Duration::from_secs(1);

/// Takes TLS off towards plaintext backends, chosen by the name that the client asks for (SNI); or with --to-tls, puts it
/// on.
///
/// Bytes are passed on as they come, 16 KiB at a time in each direction, and so are ends: a clean one as a clean one
/// (TLS's own end for TCP's, and back), everything else as a reset. The address it is bound to is the first line of stdout, as
/// "listening on HOST:PORT". What goes wrong with a connection is told on stderr.
///
/// A client for whom there is no backend, or no certificate, is refused before it sees any, with the alert "unrecognized
/// name" (one that asks for no name: "missing extension"). So without --backend, or without --cert, the proxy is strict.
///
/// With --to-tls the server's certificate must be valid, for the host, and lead to one of the system's roots.
///
/// Ctrl-C and SIGTERM end it well: it stops accepting, and gives the connections 2 seconds to end before they are reset.
#[derive(Debug, Parser)]
#[command(version, after_help = program::EXIT_STATUS)]
struct Arguments {
    /// Where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Address,

    /// The certificate for all clients that no --cert-for is for: a PEM file, the server's own certificate first.
    #[arg(long, value_name = "FILE", requires = "key", required_unless_present_any = ["to_tls", "cert_for"])]
    cert: Option<PathBuf>,

    /// The certificate's private key, not encrypted: a PEM file, which may be the same.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// The certificate for clients that ask for this name, and its key, which may be in the same PEM file. The
    /// certificate must hold the name; *.NAME stands for names with one label more. Any number of times.
    #[arg(long, value_name = "NAME=CERT[,KEY]")]
    cert_for: Vec<Named<CertificateFiles>>,

    /// The backend for clients that ask for this name, or with *.NAME for names with one label more: HOST:PORT, or
    /// unix:PATH. Any number of times.
    #[arg(long, value_name = "NAME=BACKEND")]
    sni: Vec<Named<Address>>,

    /// The backend for all other clients. Without it they are refused.
    #[arg(long, value_name = "BACKEND", required_unless_present_any = ["to_tls", "sni"])]
    backend: Option<Address>,

    /// Take plaintext, and speak TLS with this server.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["cert", "key", "cert_for", "sni", "backend"])]
    to_tls: Option<Address>,

    /// Trust the certificates in this PEM file instead of the system's.
    #[arg(long, value_name = "FILE", requires = "to_tls")]
    ca: Option<PathBuf>,

    /// The name that the server's certificate has to be for, if it is not the host.
    #[arg(long, value_name = "NAME", requires = "to_tls")]
    server_name: Option<String>,

    /// How many clients are served at once; more are reset. 1 to 100000.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    max_connections: u32,

    /// After how long without a byte in either direction a connection is reset, in seconds: 1 to 86400.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600,
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    idle: u32,

    /// The adapter to run on.
    #[arg(long, value_enum, default_value_t = Adapter::Tokio)]
    adapter: Adapter,
}

/// What all connections have in common.
struct Proxy<R> {
    net: R,
    way: Way,
    idle_max: Duration,
    stop: Stop,
}

/// Which side speaks TLS.
enum Way {
    FromTls { config: Arc<ServerConfig>, names: Names },
    ToTls { config: Arc<ClientConfig>, name: Option<String>, server: Address },
}

/// Who is served.
struct Names {
    certificates: Vec<Named<CertificateFiles>>,
    has_other_certificate: bool,
    backends: Vec<Named<Address>>,
    other_backend: Option<Address>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.adapter {
        Adapter::Tokio => TokioNet.run(run(TokioNet, &arguments)),
        Adapter::Smol => SmolNet.run(run(SmolNet, &arguments)),
    };
    program::exit(PROGRAM, result)
}

async fn run<R>(net: R, arguments: &Arguments) -> Result<(), Failure>
where
    R: Runtime<Transport: SplitTransport<Reader: Send, Writer: Send>, Connect: Send, Resolve: Send>,
{
    let stop = Stop::on_signal()?;
    let proxy = Arc::new(Proxy {
        net,
        way: arguments.way()?,
        idle_max: Duration::from_secs(arguments.idle.into()),
        stop: stop.clone(),
    });
    let offered = listen(&net, &arguments.listen, Limits::default()).await?;
    program::print(&format!("listening on {}\n", offered.at))?;
    let clients_max = usize::try_from(arguments.max_connections).expect("clap has checked it");
    // TLS is begun by each connection itself: first it is to be known for whom.
    let server =
        Server { net, program: PROGRAM, tls: None, capacity: Some(Capacity::new(clients_max)), stop };
    let serving = server.run(vec![offered], move |stream, peer| attend(Arc::clone(&proxy), stream, peer));
    serving.await.map_err(|error| Failure::new("cannot go on", error))
}

/// One client, from its first byte to the end of both directions.
async fn attend<R>(proxy: Arc<Proxy<R>>, mut stream: Stream<R::Transport>, peer: String)
where
    R: Runtime<Transport: SplitTransport>,
{
    // Asked to stop before there is a pair, there is nothing to be ended well.
    let Some(prepared) = proxy.stop.before(proxy.prepare(&mut stream)).await else { return stream.abort() };
    let (backend, to) = match prepared {
        Ok(backend) => backend,
        Err(failure) => {
            program::note(PROGRAM, &format_args!("{peer}: {failure}"));
            return stream.abort();
        }
    };
    let give_up = async {
        proxy.stop.asked().await;
        within(proxy.net.timer(), ENDING, std::future::pending::<()>()).await;
    };
    let relayed = relay(stream, backend, proxy.net.timer(), proxy.idle_max, give_up).await;
    tell(PROGRAM, &peer, relayed, &to);
}

impl<R: Runtime> Proxy<R> {
    /// Whatever comes before bytes can be passed on: the backend's stream, and what it is called.
    async fn prepare(
        &self,
        client: &mut Stream<R::Transport>,
    ) -> Result<(Stream<R::Transport>, String), Failure> {
        let (connector, to) = match &self.way {
            Way::FromTls { config, names } => {
                (Connector::new(), self.begin_tls(client, config, names).await?)
            }
            Way::ToTls { config, name, server } => {
                let connector = Connector::new().tls(config);
                let connector = match name {
                    Some(name) => connector.server_name(name),
                    None => connector,
                };
                (connector, server)
            }
        };
        let connected = match (to, to.endpoint()) {
            (_, Some(endpoint)) => connector.connect(&self.net, &endpoint).await,
            (Address::Host { host, port }, None) => connector.dial(&self.net, host, *port).await,
            (_, None) => unreachable!("everything but a host has an endpoint"),
        };
        let backend = connected.map_err(|error| Failure::new(format!("cannot reach {to}"), error))?;
        Ok((backend, to.to_string()))
    }

    /// Makes the handshake: the backend for the name that the client asks for.
    async fn begin_tls<'a>(
        &self,
        client: &mut Stream<R::Transport>,
        config: &Arc<ServerConfig>,
        names: &'a Names,
    ) -> Result<&'a Address, Failure> {
        let begun = names.serve(client, config).await;
        if begun.is_err() {
            within(self.net.timer(), ALERT, client.close()).await;
        }
        begun
    }
}

impl Names {
    /// Looks at whom the client asks for, and makes the handshake or refuses it.
    async fn serve<T: Transport>(
        &self,
        client: &mut Stream<T>,
        config: &Arc<ServerConfig>,
    ) -> Result<&Address, Failure> {
        let failed = |error| Failure::new("TLS handshake", error);
        let hello = match client.client_hello().await {
            Ok(hello) => hello,
            Err(Error::Tls(
                error @ (TlsError::NotTls | TlsError::HandshakeTooLong { .. } | TlsError::Protocol(_)),
            )) => {
                client.refuse_client(Refusal::DecodeError).await.map_err(failed)?;
                return Err(failed(error.into()));
            }
            Err(error) => return Err(failed(error)),
        };
        let Some(backend) = self.backend(hello.server_name()) else {
            let (refusal, asked) = match hello.server_name() {
                Some(name) => (Refusal::UnrecognizedName, name.escape_default().to_string()),
                None => (Refusal::MissingExtension, "no name".to_owned()),
            };
            client.refuse_client(refusal).await.map_err(failed)?;
            return Err(Failure::new(format!("asks for {asked}"), TlsError::ClientRefused(refusal.alert())));
        };
        // What was looked at was not taken: it is the handshake's.
        client.start_tls(StartTls::server(config).leftover(Leftover::IntoTls)).await.map_err(failed)?;
        Ok(backend)
    }

    /// The backend for who asks for this name, if there is a certificate for it too.
    fn backend(&self, name: Option<&str>) -> Option<&Address> {
        let certified = name.is_some_and(|name| find(&self.certificates, name).is_some());
        let backend = name.and_then(|name| find(&self.backends, name)).or(self.other_backend.as_ref());
        backend.filter(|_| certified || self.has_other_certificate)
    }

    /// Whether each name is served, as far as that can be known beforehand.
    fn check(&self) -> Result<(), String> {
        let names = self.backends.iter().map(|entry| &entry.name);
        let names = names.chain(self.certificates.iter().map(|entry| &entry.name));
        // Asked for as it is written, a pattern is for itself.
        for name in names {
            if self.backend(Some(name)).is_none() {
                return Err(format!("{name} needs a backend and a certificate"));
            }
        }
        Ok(())
    }
}

impl Arguments {
    fn way(&self) -> Result<Way, Failure> {
        let failed = |error| Failure::new("cannot speak TLS", error);
        if let Some(server) = &self.to_tls {
            let tls = ClientTls::new();
            let tls = if let Some(path) = &self.ca { tls.ca_file(path) } else { tls };
            let config = tls.build().map_err(failed)?;
            return Ok(Way::ToTls { config, name: self.server_name.clone(), server: server.clone() });
        }
        let names = Names {
            certificates: self.cert_for.clone(),
            has_other_certificate: self.cert.is_some(),
            backends: self.sni.clone(),
            other_backend: self.backend.clone(),
        };
        names.check().map_err(|why| Failure::new("cannot serve", io::Error::other(why)))?;
        let tls = match self.cert.as_ref().zip(self.key.as_ref()) {
            Some((cert, key)) => ServerTls::from_files(cert, key),
            None => ServerTls::by_server_name(),
        };
        let add = |tls: ServerTls, entry: &Named<CertificateFiles>| {
            tls.certificate_for(&entry.name, &entry.value.cert, &entry.value.key)
        };
        let config = self.cert_for.iter().fold(tls, add).build().map_err(failed)?;
        Ok(Way::FromTls { config, names })
    }
}
