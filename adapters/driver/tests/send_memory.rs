//! What a long send costs above the caller's memory: a count, which does not depend on the machine.
//!
//! One test, so that nothing else allocates beside it.

use allocation_counter::measure;
use asyncnet_conformance::pki::{self, Version};
use asyncnet_driver::Error;
use asyncnet_driver::tls::StartTls;
use asyncnet_smol::Stream;
use bytes::Bytes;
use futures_lite::future::block_on;
use std::thread::JoinHandle;

const LONG: usize = 100_000_000;

/// The bound: none of it may be a copy of what is sent.
const ABOVE_MAX: u64 = 1_000_000;

/// Takes all that comes, in a thread of its own: how many bytes.
fn drained(mut server: Stream, version: Option<Version>) -> JoinHandle<Result<usize, Error>> {
    std::thread::spawn(move || {
        block_on(async {
            if let Some(version) = version {
                server.start_tls(&pki::server(version)).await?;
            }
            let mut piece = vec![0; 1 << 18];
            let mut sum = 0;
            loop {
                match server.recv(&mut piece).await? {
                    0 => return Ok(sum),
                    n => sum += n,
                }
            }
        })
    })
}

#[test]
fn a_send_of_100_mb_costs_less_than_one_above_the_callers_memory() {
    let message = Bytes::from(vec![b'x'; LONG]);
    for version in [None, Some(Version::Tls12), Some(Version::Tls13)] {
        for owned in [false, true] {
            let (mut client, server) = asyncnet_smol::pair().unwrap();
            let peer = drained(server, version);
            block_on(async {
                if let Some(version) = version {
                    let how = StartTls::client(&pki::client(version), "localhost")?;
                    client.start_tls(how).await?;
                }
                client.send(b"the first one").await
            })
            .unwrap();
            let counted = measure(|| {
                let sent = async {
                    if owned { client.send_owned(message.clone()).await } else { client.send(&message).await }
                };
                block_on(sent).unwrap();
            });
            block_on(client.close()).unwrap();
            assert_eq!(peer.join().unwrap().unwrap(), LONG + b"the first one".len());
            let above = counted.bytes_max;
            assert!(
                above < ABOVE_MAX,
                "{version:?}, owned: {owned}: {above} bytes above the caller's memory"
            );
        }
    }
}
