//! A peer made of std's blocking sockets: nothing in it is under test.

use crate::process::PATIENCE;
use asyncnet_conformance::pki;
use asyncnet_driver::tls::rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;

pub(crate) struct Peer<S> {
    socket: BufReader<S>,
}

impl From<TcpStream> for Peer<TcpStream> {
    fn from(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket: BufReader::new(socket) }
    }
}

impl Peer<TcpStream> {
    /// Connects to an address of loopback, as a program has written it.
    pub(crate) fn tcp(address: &str) -> Self {
        TcpStream::connect(address).expect(address).into()
    }

    pub(crate) fn end(&self) {
        self.socket.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Another handle of the same socket, for a thread that only says.
    pub(crate) fn mouth(&self) -> Self {
        Self { socket: BufReader::new(self.socket.get_ref().try_clone().unwrap()) }
    }
}

impl<S: Read + Write> Peer<StreamOwned<ClientConnection, S>> {
    /// Says the end, with `close_notify`.
    pub(crate) fn end_tls(&mut self) {
        let stream = self.socket.get_mut();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    }
}

#[cfg(unix)]
impl Peer<UnixStream> {
    pub(crate) fn unix(path: &str) -> Self {
        let socket = UnixStream::connect(path).expect(path);
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket: BufReader::new(socket) }
    }
}

impl<S: Read + Write> Peer<S> {
    /// Makes a handshake with the server `localhost`, by rustls' own blocking connection.
    pub(crate) fn over_tls(self, config: Arc<ClientConfig>) -> Peer<StreamOwned<ClientConnection, S>> {
        let mut connection = ClientConnection::new(config, pki::server_name("localhost")).unwrap();
        let mut socket = self.socket.into_inner();
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).unwrap();
        }
        Peer { socket: BufReader::new(StreamOwned::new(connection, socket)) }
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The next line with its line end; what there is before the end; nothing at the end.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = Vec::new();
        self.socket.read_until(b'\n', &mut line).unwrap();
        String::from_utf8_lossy(&line).into_owned()
    }

    #[track_caller]
    pub(crate) fn assert_hears(&mut self, line: &str) {
        assert_eq!(self.hear(), line);
    }

    /// All to the end, which has to be a clean one.
    pub(crate) fn hear_all(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        self.socket.read_to_end(&mut all).unwrap();
        all
    }

    /// Whether the connection ends in a reset, after whatever came before.
    pub(crate) fn is_reset(&mut self) -> bool {
        let error = self.socket.read_to_end(&mut Vec::new()).err();
        error.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    }
}
