//! What calls that are given up lose, double and tear: tokio's, tokio-util's, tokio-rustls' and futures-lite's, and
//! asyncnet's beside them.
//!
//! Each row is a dialogue over two sockets of its own. A call is polled once, has to wait, and is dropped; then the
//! dialogue goes on, and what arrived is compared with what was sent. docs/cancellation.md says what the libraries'
//! own documentation has to say about each.

mod on_smol;
mod on_tokio;
mod ours;
mod scene;
mod seen;

use crate::on_tokio::tls_pair;
use crate::ours::over_tls;
use crate::scene::{NEXT, Played};
use crate::seen::{Kind, Seen};
use asyncnet_driver::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use asyncnet_driver::{Net, PeekTransport, Stream, Timer, Transport};
use asyncnet_examples::program::{self, Failure};
use asyncnet_examples::runtime::{Runtime, within};
use asyncnet_examples::tls::self_signed;
use asyncnet_os::{ClientTls, ServerTls};
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::Parser;
use std::fmt::Write;
use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Shows what is lost, doubled or torn when a call is given up, by a deadline or a `select!`.
///
/// Calls of tokio, tokio-util, tokio-rustls, futures-lite (smol) and asyncnet are begun, dropped where they wait, and
/// followed by what a program does next, over real sockets on loopback. It needs no network and takes about a second.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Exit status: 0 when each call of the others does what docs/cancellation.md says and asyncnet's lose nothing, 1 when one \
does not or a call failed (stderr says which), 2 when the command line is wrong."
)]
struct Arguments {}

/// The longest message that a dropped `send` completes is 256 KiB (`Limits::send_atomic_max`); this is a little less.
const MESSAGE: usize = 240_000;
/// More than that.
const LONG_MESSAGE: usize = 1_000_000;
/// How long a row may take.
const PATIENCE: Duration = Duration::from_secs(20);

type Configs = (Arc<ClientConfig>, Arc<ServerConfig>);
type Fault = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    program::exit("losses", show())
}

fn show() -> Result<(), Failure> {
    let configs = configs().map_err(|error| Failure::new("cannot make a certificate", error))?;
    let mut table = Table::default();
    TokioNet.run(async {
        tokio_rows(&mut table, &configs).await;
        let pair =
            async || on_tokio::pair().await.map(|(a, b)| (Stream::new(a.into()), Stream::new(b.into())));
        our_rows(&mut table, TokioNet, "asyncnet-tokio", &configs, pair).await;
        Ok(())
    })?;
    SmolNet.run(async {
        smol_rows(&mut table).await;
        let pair = async || on_smol::pair().map(|(a, b)| (Stream::new(a.into()), Stream::new(b.into())));
        our_rows(&mut table, SmolNet, "asyncnet-smol", &configs, pair).await;
        Ok(())
    })?;
    program::print(&table.text)?;
    match table.faults.is_empty() {
        true => program::print("\nEach is as docs/cancellation.md says.\n"),
        false => Err(Failure::new("not as docs/cancellation.md says", table.faults.join("; "))),
    }
}

async fn tokio_rows(table: &mut Table, configs: &Configs) {
    let message = scene::message(MESSAGE);
    let over_tls = async || on_tokio::write_all(tls_pair(configs.clone()).await?, &message).await;
    let over_tcp = async || on_tokio::write_all(on_tokio::pair().await?, &message).await;
    let timer = || TokioNet.timer();
    table.row("tokio", "read_line", Kind::Lost, timer(), on_tokio::read_line()).await;
    table.row("tokio", "read_until, a new Vec", Kind::Lost, timer(), on_tokio::read_until_anew()).await;
    table.row("tokio", "read_until, the same Vec", Kind::Whole, timer(), on_tokio::read_until()).await;
    table.row("tokio", "Lines::next_line", Kind::Whole, timer(), on_tokio::next_line()).await;
    table.row("tokio", "read_exact", Kind::Lost, timer(), on_tokio::read_exact()).await;
    table.row("tokio", "write_all, then another", Kind::Torn, timer(), over_tcp()).await;
    table.row("tokio", "write_all, again", Kind::Doubled, timer(), on_tokio::write_all_again(&message)).await;
    table.row("tokio-util", "Framed::next", Kind::Whole, timer(), on_tokio::framed()).await;
    table.row("tokio-rustls", "write_all, then another", Kind::Torn, timer(), over_tls()).await;
    let again = on_tokio::tls_line_again(configs.clone());
    table.row("tokio-rustls", "write_all and flush, again", Kind::Doubled, timer(), again).await;
}

async fn smol_rows(table: &mut Table) {
    let message = scene::message(MESSAGE);
    let (next, again) = (on_smol::write_all(&message, NEXT), on_smol::write_all(&message, &message));
    let timer = || SmolNet.timer();
    table.row("futures-lite", "read_line", Kind::Lost, timer(), on_smol::read_line()).await;
    table.row("futures-lite", "read_exact", Kind::Lost, timer(), on_smol::read_exact()).await;
    table.row("futures-lite", "write_all, then another", Kind::Torn, timer(), next).await;
    table.row("futures-lite", "write_all, again", Kind::Doubled, timer(), again).await;
}

/// asyncnet's rows on one adapter, without TLS and with it.
async fn our_rows<N: Net<Transport = T>, T: Transport + PeekTransport>(
    table: &mut Table,
    net: N,
    who: &'static str,
    configs: &Configs,
    pair: impl AsyncFn() -> io::Result<ours::Pair<T>>,
) {
    let (message, long) = (scene::message(MESSAGE), scene::message(LONG_MESSAGE));
    let timer = || net.timer();
    for is_tls in [false, true] {
        let made = async || -> Result<ours::Pair<T>, Fault> {
            let pair = pair().await?;
            if is_tls { over_tls(pair, configs.clone()).await } else { Ok(pair) }
        };
        let call = |name: &'static str| if is_tls { format!("{name}, TLS") } else { name.into() };
        let played = async { ours::recv_line(made().await?).await };
        table.row(who, call("recv_line"), Kind::Whole, timer(), played).await;
        let played = async { ours::recv_exact(made().await?).await };
        table.row(who, call("recv_exact"), Kind::Whole, timer(), played).await;
        let played = async { ours::send(made().await?, &message).await };
        table.row(who, call("send, then another"), Kind::Whole, timer(), played).await;
        let played = async { ours::flush_again(made().await?, &message).await };
        table.row(who, call("queue and flush, flush"), Kind::Whole, timer(), played).await;
        let played = async { ours::send_owned(made().await?, &long).await };
        table.row(who, call("send_owned, then another"), Kind::Whole, timer(), played).await;
        let played = async { ours::long_send(made().await?, &long).await };
        table.row(who, call("send, long, then another"), Kind::Told, timer(), played).await;
    }
}

/// A client that trusts one certificate, and the server that has it.
fn configs() -> Result<Configs, Fault> {
    let (certificate, key) = self_signed(["localhost"])?;
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone())?;
    Ok((ClientTls::new().roots(trusted).build()?, ServerTls::from_der(vec![certificate], key).build()?))
}

/// What is printed, and what is wrong with it.
struct Table {
    text: String,
    faults: Vec<String>,
}

impl Default for Table {
    fn default() -> Self {
        let mut table = Self { text: String::new(), faults: Vec::new() };
        table.line(["library", "call, and what came next", "sent", "arrived", ""]);
        table
    }
}

impl Table {
    /// Plays a row, in time, and holds it against what it is to be.
    async fn row(
        &mut self,
        who: &str,
        call: impl Into<String>,
        expected: Kind,
        timer: impl Timer,
        played: impl Future<Output = Played>,
    ) {
        let call = call.into();
        let played = Box::pin(within(timer, PATIENCE, played)).await;
        match played.unwrap_or_else(|| Err("it did not end".into())) {
            Ok(Seen { sent, arrived, kind }) => {
                self.line([who, &call, &sent, &arrived, &kind.to_string()]);
                if kind != expected {
                    self.faults.push(format!("{who}, {call}: {kind}, and not {expected}"));
                }
            }
            Err(error) => {
                self.line([who, &call, "", "", &error.to_string()]);
                self.faults.push(format!("{who}, {call}: {error}"));
            }
        }
    }

    fn line(&mut self, [who, call, sent, arrived, so]: [&str; 5]) {
        writeln!(self.text, "{who:<15} {call:<30} {sent:<15} {arrived:<24} {so}")
            .expect("a String takes everything");
    }
}
