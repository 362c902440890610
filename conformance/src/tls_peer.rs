//! A peer that speaks TLS: rustls' own buffered connection over a plain peer, which knows nothing of our engine.

use crate::peer::{Peer, Reset};
use asyncnet_core::tls::rustls::Connection;
use std::io::{self, Read, Write};

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
