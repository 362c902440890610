//! What TLS allocates for each record, and what a connection holds that only waits: counts, which do not depend on the
//! machine.
//!
//! The bounds of an idle connection are those for AWS-LC: ring keeps its keys in Rust's memory, AWS-LC in its own.
//!
//! Counted is what Rust's allocator gives to the thread of the test, so the library behind a provider, if it is written in
//! C, may hold some more: AWS-LC 1.3 KB a connection, ring nothing.

use allocation_counter::measure;
use asyncnet_conformance::pki::{ClientSetup, Provider, ServerSetup, Version};
use asyncnet_conformance::properties::tls::Oracle;
use asyncnet_core::tls::StartTls;
use asyncnet_core::tls::rustls::{ClientConfig, ServerConfig};
use asyncnet_core::{Block, Blocks, Connection, Limits};
use std::sync::Arc;

/// Keeps what is given back, as the driver's pool does.
#[derive(Default)]
struct Pool(Vec<Block>);

impl Blocks for Pool {
    fn take(&mut self, len: usize) -> Block {
        let kept = self.0.iter().position(|block| block.len() == len);
        kept.map_or_else(|| Block::new(len), |at| self.0.swap_remove(at))
    }

    fn give(&mut self, block: Block) {
        self.0.push(block);
    }
}

/// What one measurement puts on the wire: the wire is not to grow meanwhile.
const WIRE_BYTES: usize = 4 << 20;

/// A connection of ours, with its pool, and a peer of rustls' own.
struct Link {
    ours: Box<Connection>,
    blocks: Pool,
    oracle: Oracle,
    memory: Vec<u8>,
    wire: Vec<u8>,
    /// Configurations, and the sessions that they remember, outlive connections.
    _shared: (Arc<ClientConfig>, Arc<ServerConfig>),
}

impl Link {
    fn established(provider: Provider, version: Version, is_client: bool) -> Self {
        let client = ClientSetup { provider, ..ClientSetup::new(version) }.config();
        let server = ServerSetup { provider, ..ServerSetup::new(version) }.config();
        let (how, oracle) = if is_client {
            (StartTls::client(&client, "localhost").expect("it is a name"), Oracle::server(&server))
        } else {
            (StartTls::server(&server), Oracle::client(&client))
        };
        let mut ours = Box::new(Connection::new(Limits::default()));
        let mut blocks = Pool::default();
        ours.start_tls_from(how, &mut blocks).expect("it is fresh");
        let (memory, wire) = (vec![0; 64 << 10], Vec::with_capacity(WIRE_BYTES));
        let _shared = (client, server);
        let mut link = Self { ours, blocks, oracle, memory, wire, _shared };
        for _ in 0..4 {
            link.send(b"");
            let back = link.oracle.take_output();
            assert_eq!(link.receive(&back), 0);
        }
        assert!(link.ours.tls_info().is_some());
        link
    }

    /// Seals the text and puts what waits for the wire on it, as the driver does.
    fn seal(&mut self, text: &[u8]) {
        let (_, outgoing, session) = self.ours.sides();
        let session = session.expect("TLS has begun");
        if !text.is_empty() {
            assert_eq!(outgoing.seal(session, [text].into_iter(), &mut self.blocks), Ok(text.len()));
        }
        outgoing.collect(session, &mut self.blocks);
        outgoing.wire_pending().for_each(|piece| self.wire.extend_from_slice(piece));
        let n = outgoing.sealed_len();
        outgoing.wire_sent_to(n, &mut self.blocks);
        outgoing.release(&mut self.blocks);
    }

    fn send(&mut self, text: &[u8]) {
        self.seal(text);
        self.oracle.feed(&self.wire);
        self.wire.clear();
    }

    /// Receives what is on the wire, into memory: how many bytes of text.
    fn receive(&mut self, wire: &[u8]) -> usize {
        let (mut rest, mut received) = (wire, 0);
        while !rest.is_empty() {
            let space = self.ours.incoming_mut().wire_space_from(&mut self.blocks);
            let n = space.len().min(rest.len());
            space[..n].copy_from_slice(&rest[..n]);
            self.ours.wire_filled(n);
            rest = &rest[n..];
            loop {
                let (incoming, _, session) = self.ours.sides();
                let opened =
                    incoming.open_into(session.expect("TLS has begun"), &mut self.memory, &mut self.blocks);
                match opened.expect("the peer is honest") {
                    (_, 0) => break,
                    (_, n) => received += n,
                }
            }
        }
        self.ours.incoming_mut().release(&mut self.blocks);
        received
    }

    /// What the connection holds, as what dropping it gives back.
    #[cfg(feature = "aws-lc-rs")]
    fn drop_counted(self) -> i64 {
        let ours = self.ours;
        -measure(move || drop(ours)).bytes_current
    }
}

#[test]
fn a_record_takes_one_allocation() {
    const TIMES: usize = 50;
    for &provider in Provider::ALL {
        for version in Version::EACH {
            for is_client in [true, false] {
                let mut link = Link::established(provider, version, is_client);
                for (len, records) in [(1, 1), (70, 1), (16 << 10, 1), (64 << 10, 4)] {
                    let text = vec![7; len];
                    // What is needed once.
                    link.send(&text);
                    let counted = measure(|| {
                        for _ in 0..TIMES {
                            link.seal(&text);
                        }
                    });
                    assert!(link.wire.len() <= WIRE_BYTES);
                    link.send(b"");
                    let most = u64::try_from(TIMES * records).unwrap();
                    assert!(counted.count_total <= most, "{counted:?} to send {most} records");

                    let mut wires = (0..=TIMES).map(|_| {
                        link.oracle.write(&text);
                        link.oracle.take_output()
                    });
                    let first = wires.next().unwrap();
                    let wires: Vec<_> = wires.collect();
                    link.receive(&first);
                    let counted = measure(|| {
                        for wire in &wires {
                            assert_eq!(link.receive(wire), len);
                        }
                    });
                    assert!(counted.count_total <= most, "{counted:?} to receive {most} records");
                }
            }
        }
    }
}

/// After a handshake and traffic, with its buffers given back: the connection, its session and what rustls has for it. What
/// it shares with others, its configuration, is not counted; the certificate of the server, which a client keeps, is
/// (some 400 bytes).
#[cfg(feature = "aws-lc-rs")]
#[test]
fn an_idle_connection_holds_little() {
    for (is_client, most) in [(false, 3_500), (true, 4_000)] {
        let mut link = Link::established(Provider::AwsLcRs, Version::Tls13, is_client);
        for _ in 0..8 {
            link.send(&[1; 16 << 10]);
            link.oracle.write(&[2; 16 << 10]);
            for piece in link.oracle.take_output().chunks(4_000) {
                link.receive(piece);
            }
        }
        assert_eq!(link.oracle.text().len(), 8 * (16 << 10));
        let held = link.drop_counted();
        assert!(held <= most, "client {is_client}: an idle connection holds {held} bytes");
    }
}
