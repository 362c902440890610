//! The fixture over TLS: any other fixture's pairs after a handshake. The stream under test is our engine; its peer is
//! rustls' own buffered connection, which knows nothing of ours.

use crate::adapter::{Fixture, Pair};
use crate::case::{Stop, ensure_eq};
use crate::pki::{self, Version};
use crate::tls_peer::TlsPeer;
use asyncnet_core::tls::rustls::{ClientConnection, Connection, ServerConnection};
use asyncnet_driver::Limits;
use asyncnet_driver::tls::{StartTls, TlsVersion};
use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A fixture whose streams speak TLS of one version: as clients and as servers in turn.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_conformance::pki::Version;
/// use asyncnet_conformance::{Fixture, Memory, OverTls};
/// use std::io::Write;
///
/// let fixture = OverTls::new(Memory::default(), Version::Tls13);
/// let (mut stream, mut peer) = fixture.pair().await.unwrap();
/// peer.write_all(b"hello\n").unwrap();
/// assert!(stream.is_tls());
/// assert_eq!(stream.recv_line().await.unwrap().unwrap(), "hello");
/// # })
/// ```
#[derive(Debug)]
pub struct OverTls<F> {
    plain: F,
    version: Version,
    pairs: AtomicU32,
}

impl<F: Fixture> OverTls<F> {
    /// The pairs of `plain`, over TLS of that version.
    ///
    /// See the example at [`OverTls`].
    pub fn new(plain: F, version: Version) -> Self {
        Self { plain, version, pairs: AtomicU32::new(0) }
    }
}

impl<F: Fixture> Fixture for OverTls<F> {
    type Transport = F::Transport;

    async fn pair_with(&self, limits: Limits) -> Result<Pair<Self>, Stop> {
        let (mut stream, peer) = self.plain.pair_with(limits).await?;
        let (ours, theirs) = (pki::client(self.version), pki::server(self.version));
        let (how, tls) = if self.pairs.fetch_add(1, Ordering::Relaxed) & 1 == 0 {
            let tls = ServerConnection::new(theirs).map_err(failed)?;
            (StartTls::client(&ours, "localhost").map_err(failed)?, Connection::from(tls))
        } else {
            let tls = ClientConnection::new(ours, pki::server_name("localhost")).map_err(failed)?;
            (StartTls::server(&theirs), Connection::from(tls))
        };
        // The peer blocks. Its first byte comes behind whatever belongs to the handshake, tickets too.
        let handshake = std::thread::spawn(move || {
            let mut peer = TlsPeer::new(peer, tls);
            peer.write_all(b"!")?;
            Ok::<_, io::Error>(peer)
        });
        let info = stream.start_tls(how).await?;
        ensure_eq(&stream.recv_owned(1).await?[..], b"!", "the first byte over TLS")?;
        let expected = if self.version == Version::Tls12 { TlsVersion::Tls12 } else { TlsVersion::Tls13 };
        ensure_eq(&info.version(), &expected, "the version")?;
        let peer = handshake.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
        Ok((stream, Box::new(peer)))
    }

    async fn elapse(&self, time: Duration) {
        self.plain.elapse(time).await;
    }
}

fn failed(error: impl std::fmt::Display) -> Stop {
    Stop::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::OverTls;
    use crate::adapter::Fixture;
    use crate::memory::Memory;
    use crate::pki::Version;
    use futures_lite::future::block_on;

    #[test]
    fn lines_that_came_sealed_are_here() {
        block_on(async {
            for version in Version::EACH {
                let (mut stream, mut peer) =
                    OverTls::new(Memory::default(), version).pair().await.expect("a pair");
                for record in [&b"one\nt"[..], b"w", b"o\nthree\nfo"] {
                    peer.write_all(record).expect("there is room");
                }
                assert_eq!(stream.recv_line().await.expect("it came").expect("a line"), "one");
                for expected in ["two", "three"] {
                    assert_eq!(stream.try_line().expect("it came").expect("a line"), expected);
                }
                assert!(stream.try_line().expect("no error").is_none());
                assert_eq!(stream.received(), b"fo");
            }
        });
    }
}
