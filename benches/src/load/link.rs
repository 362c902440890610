//! One connection of the client, in plaintext or TLS 1.3, with blocking calls.

use crate::Fault;
use crate::arguments::{Mode, at};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the client waits for anything, unless it is told otherwise: what hangs is to end with an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is reached.
#[derive(Clone, Debug)]
pub struct Reach {
    at: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    patience: Duration,
}

impl Reach {
    /// At this address, over TLS if a root is named to trust: the file of its certificate, as PEM.
    ///
    /// # Errors
    ///
    /// When TLS is wanted, and the file is not there or holds no certificate.
    pub fn new(at: SocketAddr, mode: Mode, root: Option<&Path>, resume: bool) -> Result<Self, Fault> {
        if mode == Mode::Plain {
            return Ok(Self { at, tls: None, patience: PATIENCE });
        }
        let mut roots = RootCertStore::empty();
        let root = root.ok_or("TLS needs a root to trust")?;
        let named = |error: &dyn Error| format!("{}: {error}", root.display());
        for certificate in CertificateDer::pem_file_iter(root).map_err(|error| named(&error))? {
            roots.add(certificate.map_err(|error| named(&error))?)?;
        }
        if roots.is_empty() {
            return Err(format!("{}: no certificate is in it", root.display()).into());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        if !resume {
            config.resumption = Resumption::disabled();
        }
        Ok(Self { at, tls: Some(Arc::new(config)), patience: PATIENCE })
    }

    /// With so much time for anything that it waits for; a minute otherwise.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The address.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// How TLS is spoken, if it is.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    /// Connects, and makes the handshake if there is one.
    ///
    /// # Errors
    ///
    /// What the system or rustls says.
    pub fn connect(&self) -> Result<Link, Fault> {
        let socket =
            TcpStream::connect_timeout(&self.at, self.patience).map_err(at("cannot connect to", self.at))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(self.patience))?;
        socket.set_write_timeout(Some(self.patience))?;
        let Some(config) = &self.tls else { return Ok(Link::Plain(socket)) };
        let session = ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost")?)?;
        let mut stream = StreamOwned::new(session, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(in_time).map_err(at("no TLS with", self.at))?;
        }
        Ok(Link::Tls(Box::new(stream)))
    }
}

/// One connection.
#[derive(Debug)]
pub enum Link {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS 1.3.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Link {
    /// Ends it well, and waits until the server has ended it too.
    ///
    /// # Errors
    ///
    /// What the system says; that the server had more to say.
    pub fn end(mut self) -> Result<(), Fault> {
        let socket = match &mut self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush().map_err(in_time)?;
                &mut stream.sock
            }
        };
        socket.shutdown(std::net::Shutdown::Write)?;
        // A server of TLS answers with its own alert; one that was not read to its end resets instead.
        let rest = io::copy(socket, &mut io::sink()).map_err(in_time)?;
        if rest > 64 {
            return Err(format!("{rest} bytes came after the end").into());
        }
        Ok(())
    }
}

impl Read for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buf),
            Self::Tls(stream) => stream.read(buf),
        }
        .map_err(in_time)
    }
}

impl Write for Link {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(buf),
            Self::Tls(stream) => stream.write(buf),
        }
        .map_err(in_time)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
        .map_err(in_time)
    }
}

/// What a timeout on a socket is called (socket(7), `SO_RCVTIMEO`) says nothing to whoever waited.
fn in_time(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => io::Error::new(
            ErrorKind::TimedOut,
            "the server did not do its part in time: does its --work go with --shape, and its --mode with --mode?",
        ),
        _ => error,
    }
}
