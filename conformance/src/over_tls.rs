//! The fixture over TLS: any other fixture's pairs after a handshake. The stream under test is our engine; its peer is
//! rustls' own buffered connection, which knows nothing of ours.

use crate::adapter::{Fixture, Pair};
use crate::case::{Stop, ensure_eq};
use crate::peer::{Peer, Reset};
use crate::pki::{self, Version};
use asyncnet_core::tls::rustls::{ClientConnection, Connection, ServerConnection};
use asyncnet_driver::Limits;
use asyncnet_driver::tls::{StartTls, TlsVersion};
use std::io::{self, Read, Write};
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

/// A peer behind rustls' buffered connection.
pub struct TlsPeer {
    wire: Option<Box<dyn Peer>>,
    tls: Connection,
}

impl TlsPeer {
    /// A peer that makes its handshake with its first read or write.
    ///
    /// ```no_run
    /// use asyncnet_conformance::{Peer, TlsPeer};
    /// use asyncnet_core::tls::rustls::Connection;
    ///
    /// fn over_tls(wire: Box<dyn Peer>, tls: Connection) -> TlsPeer {
    ///     TlsPeer::new(wire, tls)
    /// }
    /// ```
    #[must_use]
    pub fn new(wire: Box<dyn Peer>, tls: Connection) -> Self {
        Self { wire: Some(wire), tls }
    }

    /// rustls' connection: for its key updates and its view of things.
    pub fn tls(&mut self) -> &mut Connection {
        &mut self.tls
    }

    fn wire(&mut self) -> io::Result<(&mut Box<dyn Peer>, &mut Connection)> {
        let wire = self.wire.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok((wire, &mut self.tls))
    }

    /// Sends what rustls wants sent.
    fn send(&mut self) -> io::Result<()> {
        let (wire, tls) = self.wire()?;
        while tls.wants_write() {
            tls.write_tls(wire)?;
        }
        Ok(())
    }

    /// Takes in what came, at least something.
    fn take_in(&mut self) -> io::Result<()> {
        let (wire, tls) = self.wire()?;
        let ended = tls.read_tls(wire)? == 0;
        let processed = tls.process_new_packets();
        self.send()?;
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if ended && self.tls.is_handshaking() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn handshake(&mut self) -> io::Result<()> {
        self.send()?;
        while self.tls.is_handshaking() {
            self.take_in()?;
        }
        Ok(())
    }
}

impl Read for TlsPeer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.handshake()?;
        loop {
            match self.tls.reader().read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.take_in()?,
                read => return read,
            }
        }
    }
}

impl Write for TlsPeer {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.handshake()?;
        let n = self.tls.writer().write(buf)?;
        self.send()?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

impl Peer for TlsPeer {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.handshake()?;
        self.tls.send_close_notify();
        self.send()?;
        self.wire()?.0.shutdown_write()
    }

    fn reset(mut self: Box<Self>) -> io::Result<Reset> {
        self.wire.take().ok_or(io::ErrorKind::NotConnected)?.reset()
    }
}

/// A plain peer that is dropped ends its stream; so does this one.
impl Drop for TlsPeer {
    fn drop(&mut self) {
        if !self.tls.is_handshaking() {
            self.tls.send_close_notify();
            // The other end may be gone.
            self.send().ok();
        }
    }
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
