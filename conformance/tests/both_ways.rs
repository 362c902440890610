//! Much goes both ways at once: halves in tasks that a runtime moves between its threads.
//!
//! Each end sends 64 MB while the other does, more than all buffers between them, so an end that read only when it had
//! sent, or sent only when it had read, would stand still for ever. Over TLS the server sends no tickets, so nothing but
//! text moves a reader.
#![cfg(feature = "adapters")]

use asyncnet_conformance::pki::{self, ServerSetup, Version};
use asyncnet_driver::tls::StartTls;
use asyncnet_driver::{Error, ReadHalf, SplitTransport, Stream, WriteHalf};
use futures_lite::future::{self, Boxed};
use std::future::Future;
use std::time::Duration;

const TOTAL: usize = 64_000_000;
const PIECE: usize = 500_000;

/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is sent, from that place on: the place is in every part of it.
fn piece(from: usize, piece: &mut [u8]) {
    for (at, eight) in piece.chunks_mut(8).enumerate() {
        let number = ((from + at * 8) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        eight.copy_from_slice(&number[..eight.len()]);
    }
}

async fn send_all<T: SplitTransport>(mut writer: WriteHalf<'static, T>) -> Result<(), Error> {
    let mut bytes = vec![0; PIECE];
    for from in (0..TOTAL).step_by(PIECE) {
        piece(from, &mut bytes);
        writer.send(&bytes).await?;
    }
    writer.shutdown_write().await
}

async fn receive_all<T: SplitTransport>(mut reader: ReadHalf<'static, T>) -> Result<(), Error> {
    let (mut bytes, mut expected) = (vec![0; PIECE], vec![0; PIECE]);
    for from in (0..TOTAL).step_by(PIECE) {
        reader.recv_exact(&mut bytes).await?;
        piece(from, &mut expected);
        assert!(bytes == expected, "what came at {from} is not what was sent");
    }
    assert_eq!(reader.recv(&mut [0]).await?, 0, "nothing but the end is left");
    Ok(())
}

/// Both ends in four tasks of `spawn`, which gives a future of a task's end.
async fn both_ways<T>(
    pair: (Stream<T>, Stream<T>),
    version: Option<Version>,
    spawn: impl Fn(Boxed<()>) -> Boxed<()>,
) where
    T: SplitTransport + Send + 'static,
    T::Reader: Send,
    T::Writer: Send,
{
    let (mut client, mut server) = pair;
    if let Some(version) = version {
        let setup = ServerSetup { tickets: 0, ..ServerSetup::new(version) };
        let how = StartTls::client(&pki::client(version), "localhost").expect("it is a name");
        let (asked, served) = future::zip(client.start_tls(how), server.start_tls(&setup.config())).await;
        asked.expect("the server is the one that was asked for");
        served.expect("the client is honest");
    }
    let mut tasks = Vec::new();
    for stream in [client, server] {
        let (reader, writer) = stream.into_split().expect("it is open");
        tasks.push(spawn(Box::pin(async { receive_all(reader).await.expect("it receives all") })));
        tasks.push(spawn(Box::pin(async { send_all(writer).await.expect("it sends all") })));
    }
    for task in tasks {
        task.await;
    }
}

/// The future's end, unless that takes too long: then something stands still.
async fn in_time(work: impl Future<Output = ()>, late: impl Future<Output = ()>) {
    let late = async {
        late.await;
        panic!("both ends wait for each other");
    };
    future::or(work, late).await;
}

fn each() -> [Option<Version>; 3] {
    [None, Some(Version::Tls12), Some(Version::Tls13)]
}

#[test]
fn on_the_threads_of_tokio() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        for version in each() {
            let pair = asyncnet_tokio::pair().expect("a pair");
            let spawn = |task| {
                let task = tokio::spawn(task);
                Box::pin(async { task.await.expect("the task succeeds") }) as Boxed<()>
            };
            in_time(both_ways(pair, version, spawn), tokio::time::sleep(PATIENCE)).await;
        }
    });
}

#[test]
fn on_the_threads_of_smol() {
    future::block_on(async {
        for version in each() {
            let pair = asyncnet_smol::pair().expect("a pair");
            let spawn = |task| Box::pin(smol::spawn(task)) as Boxed<()>;
            let late = async {
                smol::Timer::after(PATIENCE).await;
            };
            in_time(both_ways(pair, version, spawn), late).await;
        }
    });
}
