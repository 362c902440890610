//! The server on asyncnet.

use asyncnet_benches::Fault;
use asyncnet_benches::arguments::{ServerArguments, Style, Work};
use asyncnet_benches::process::{announce, exit, note_some, prepare};
use asyncnet_benches::serve::attend;
use asyncnet_driver::tls::rustls::ServerConfig;
use asyncnet_driver::{Accept, Listener, Stream, Transport};
use clap::{Parser, ValueEnum};
use smol::Executor;
use std::process::ExitCode;
use std::sync::Arc;

const PROGRAM: &str = "server";

/// Answers lines, counts them, or moves bytes, on asyncnet: what the load generators of this package, and others, speak to.
///
/// The first line of stdout is "listening on HOST:PORT". SIGUSR1 prints what was allocated on stderr, as
/// "alloc calls=N live=BYTES total=BYTES"; SIGTERM and SIGINT end it with status 0, at once. What goes wrong with a
/// connection ends that connection, and the first 16 times it is told on stderr.
///
/// It runs on one thread, in one runtime; a second thread sleeps until a signal comes.
///
/// With --style await each line is received and its answer queued, in a plain loop; with burst all lines that came with
/// the first are taken without waiting, and answered with one send.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The adapter to run on.
    #[arg(long, value_enum)]
    adapter: Adapter,

    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Adapter {
    /// tokio, on its current-thread scheduler.
    Tokio,
    /// smol, on one executor and one thread.
    Smol,
}

static EXECUTOR: Executor<'static> = Executor::new();

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit(PROGRAM, run(&arguments))
}

fn run(Arguments { adapter, server }: &Arguments) -> Result<(), Fault> {
    let attendant = Attendant { tls: server.tls()?, work: server.work, style: server.style };
    prepare()?;
    match adapter {
        Adapter::Tokio => on_tokio(server, attendant),
        Adapter::Smol => on_smol(server, attendant),
    }
}

/// The accept loop is a task like the others: what `block_on` itself runs is polled at every turn of the runtime.
fn on_tokio(arguments: &ServerArguments, attendant: Attendant) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = asyncnet_tokio::listen(&arguments.addr.to_string())?;
        let spawn = move |stream| drop(tokio::spawn(attendant.clone().serve(Box::new(stream))));
        tokio::spawn(accept(listener, spawn)).await?
    })
}

fn on_smol(arguments: &ServerArguments, attendant: Attendant) -> Result<(), Fault> {
    let listener = asyncnet_smol::listen(&arguments.addr.to_string())?;
    let spawn = move |stream| EXECUTOR.spawn(attendant.clone().serve(Box::new(stream))).detach();
    smol::block_on(EXECUTOR.run(EXECUTOR.spawn(accept(listener, spawn))))
}

/// Accepts connections until the listener is of no use any more.
async fn accept<L: Accept>(listener: Listener<L>, spawn: impl Fn(Stream<L::Transport>)) -> Result<(), Fault> {
    let at = listener.local_endpoint()?;
    announce(at.as_inet().ok_or("not a TCP listener")?)?;
    loop {
        spawn(listener.accept().await?);
    }
}

/// What is done with each connection.
#[derive(Clone)]
struct Attendant {
    tls: Option<Arc<ServerConfig>>,
    work: Work,
    style: Style,
}

impl Attendant {
    async fn serve<T: Transport>(self, stream: Box<Stream<T>>) {
        if let Err(fault) = attend(stream, self.tls, self.work, self.style).await {
            note_some(PROGRAM, &fault);
        }
    }
}
