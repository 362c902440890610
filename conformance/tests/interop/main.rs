//! Streams of ours and programs that others wrote, over TLS: `openssl s_client` and `s_server`, `gnutls-cli` and
//! `gnutls-serv`, `curl`, nginx, Node and Python on either side, `socat` for its halves, and `nc` for what is no TLS.
//! Real sockets on loopback, on each adapter.
//!
//! Not the rules of a stream, which the cases of this crate hold to; here it is whether what we send is understood, and
//! what we say of the others is true.
//!
//! Nothing sleeps: a test waits for what a tool says. Every test ends within [`PATIENCE`].

#![expect(clippy::print_stderr, reason = "a skip says why, beside the test that it is of")]

mod at;
mod curl;
mod gnutls_cli;
mod gnutls_serv;
mod language;
mod nc;
mod nginx;
mod openssl;
mod ours;
mod process;
mod socat;

use crate::at::{At, Test};
use crate::language::{Node, Python};
use crate::process::Log;
use asyncnet_conformance::adapters::{Smol, Tokio};
use asyncnet_conformance::{Adapter, PATIENCE, Stop, Verdict};
use asyncnet_driver::{Net, SplitTransport, Timer};
use futures_lite::future;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};

fn main() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    at::write_certificates(folder.path()).expect("files can be written");
    language::write_programs(folder.path()).expect("files can be written");
    let mut trials = trials(Tokio::current_thread(), folder.path());
    trials.extend(self::trials(Smol, folder.path()));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    drop(folder);
    conclusion.exit();
}

fn trials<A>(adapter: A, folder: &Path) -> Vec<Trial>
where
    A: Adapter + Copy + Send + 'static,
    A::Net: 'static,
    <A::Net as Net>::Transport: SplitTransport,
{
    let trial = |test: Test<A::Net>| {
        let folder = PathBuf::from(folder);
        let name = format!("{}/{}", adapter.name(), test.name);
        Trial::test(name.clone(), move || {
            let log = Log::default();
            match verdict(&adapter, &test, &folder, &log) {
                Ok(()) => Ok(()),
                Err(Stop::Failed(reason)) => {
                    Err(Failed::from(format!("{reason}\nWhat the tools said:\n{}", log.text())))
                }
                Err(Stop::Skipped(reason)) => {
                    eprintln!("skipped: {name}: {reason}");
                    Ok(())
                }
            }
        })
    };
    let lists = [
        openssl::s_client::tests(),
        openssl::s_server::tests(),
        gnutls_cli::tests(),
        gnutls_serv::tests(),
        curl::tests(),
        language::client::tests::<Node, _>(),
        language::server::tests::<Node, _>(),
        language::client::tests::<Python, _>(),
        language::server::tests::<Python, _>(),
        nginx::client::tests(),
        nginx::server::tests(),
        socat::tests(),
        nc::tests(),
    ];
    lists.into_iter().flatten().map(trial).collect()
}

/// Runs a test, for so long.
fn verdict<A: Adapter>(adapter: &A, test: &Test<A::Net>, folder: &Path, log: &Log) -> Verdict {
    adapter.run(async {
        let at = At::new(adapter.net(), folder, log.clone());
        let mut timer = at.net().timer();
        let until = timer.now() + PATIENCE;
        let patience = async {
            std::future::poll_fn(|cx| timer.poll_until(cx, until)).await;
            Err(Stop::Failed(format!("it did not end within {PATIENCE:?}")))
        };
        future::race((test.run)(&at), patience).await
    })
}

fn failed(reason: impl std::fmt::Display) -> Stop {
    Stop::Failed(reason.to_string())
}
