//! A peer made of std's blocking sockets: nothing in it is under test.

use crate::process::PATIENCE;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

pub(crate) struct Peer<S> {
    socket: BufReader<S>,
}

impl Peer<TcpStream> {
    /// Connects to an address of loopback, as a program has written it.
    pub(crate) fn tcp(address: &str) -> Self {
        let socket = TcpStream::connect(address).expect(address);
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket: BufReader::new(socket) }
    }

    pub(crate) fn end(&self) {
        self.socket.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// Another handle of the same socket, for a thread that only says.
    pub(crate) fn mouth(&self) -> Self {
        Self { socket: BufReader::new(self.socket.get_ref().try_clone().unwrap()) }
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
