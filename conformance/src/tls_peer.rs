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

    /// The peer below: what is written to it goes out as it is.
    ///
    /// # Errors
    ///
    /// It has hung up, or was reset.
    pub fn wire(&mut self) -> io::Result<&mut dyn Peer> {
        Ok(&mut **self.parts()?.0)
    }

    /// Ends the connection below, without a word of TLS.
    pub fn hang_up(&mut self) {
        self.wire = None;
    }

    /// Makes the handshake, unless it is done.
    ///
    /// # Errors
    ///
    /// What failed it: rustls' own error inside one of kind `InvalidData`.
    pub fn handshake(&mut self) -> io::Result<()> {
        self.send()?;
        while self.tls.is_handshaking() {
            self.take_in()?;
        }
        Ok(())
    }

    /// The records of what rustls wants sent, which are the caller's to send.
    ///
    /// # Errors
    ///
    /// None, as it is in memory.
    pub fn output(&mut self) -> io::Result<Vec<u8>> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records)?;
        }
        Ok(records)
    }

    /// The records of this text, which are the caller's to send.
    ///
    /// # Errors
    ///
    /// Those of the handshake, which is made first.
    pub fn seal(&mut self, mut text: &[u8]) -> io::Result<Vec<u8>> {
        self.handshake()?;
        let mut records = Vec::new();
        while !text.is_empty() {
            let n = self.tls.writer().write(text)?;
            text = &text[n..];
            records.extend(self.output()?);
        }
        Ok(records)
    }

    /// Takes in what came, at least something.
    ///
    /// # Errors
    ///
    /// What rustls says to it, inside an error of kind `InvalidData`: its alert is sent then.
    pub fn take_in(&mut self) -> io::Result<()> {
        let (wire, tls) = self.parts()?;
        let ended = tls.read_tls(wire)? == 0;
        let processed = tls.process_new_packets();
        self.send()?;
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if ended && self.tls.is_handshaking() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn parts(&mut self) -> io::Result<(&mut Box<dyn Peer>, &mut Connection)> {
        let wire = self.wire.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok((wire, &mut self.tls))
    }

    /// Sends what rustls wants sent.
    fn send(&mut self) -> io::Result<()> {
        let (wire, tls) = self.parts()?;
        while tls.wants_write() {
            tls.write_tls(wire)?;
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
        self.wire()?.shutdown_write()
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
