//! A server of HTTP that says what a test has written down, over std's sockets and rustls' own connections.

use crate::process::PATIENCE;
use asyncnet_driver::tls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

/// What one connection gets: the bytes, and how they end.
#[derive(Clone)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Over TLS with `close_notify`, and the connection's.
    Clean,
    /// The connection's alone.
    Cut,
    /// None: the connection stays, in silence.
    Never,
}

impl Answer {
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self { bytes: bytes.as_ref().to_vec(), end: End::Clean }
    }

    pub(crate) fn cut(mut self) -> Self {
        self.end = End::Cut;
        self
    }

    pub(crate) fn unended(mut self) -> Self {
        self.end = End::Never;
        self
    }
}

/// A server that gives one answer to each connection, in their order.
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    /// The heads of the requests.
    requests: Receiver<String>,
}

impl Scripted {
    pub(crate) fn plain(answers: Vec<Answer>) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), None, answers).unwrap()
    }

    pub(crate) fn tls(config: Arc<ServerConfig>, answers: Vec<Answer>) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), Some(config), answers).unwrap()
    }

    pub(crate) fn at(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        answers: Vec<Answer>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let (sender, requests) = mpsc::channel();
        // It ends with its answers, or with the test.
        thread::spawn(move || {
            for answer in answers {
                let Ok((socket, _)) = listener.accept() else { return };
                let (tls, sender) = (tls.clone(), sender.clone());
                // What becomes of a connection is the client's to tell.
                thread::spawn(move || serve(socket, tls, &answer, &sender).ok());
            }
        });
        Ok(Self { address, requests })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The head of the next request.
    pub(crate) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("a request came")
    }

    /// Whether nobody asks any more.
    pub(crate) fn is_unasked(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

fn serve(
    socket: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    answer: &Answer,
    requests: &Sender<String>,
) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut below = socket.try_clone()?;
    match tls {
        None => respond(&mut &socket, answer, requests)?,
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(connection, socket);
            respond(&mut stream, answer, requests)?;
            if answer.end == End::Clean {
                stream.conn.send_close_notify();
                stream.flush()?;
            }
        }
    }
    if answer.end != End::Never {
        below.shutdown(Shutdown::Write)?;
    }
    // The client's end is waited for: what it sends must not meet a closed socket, which answers with a reset.
    io::copy(&mut below, &mut io::sink()).map(drop)
}

fn respond(stream: &mut (impl Read + Write), answer: &Answer, requests: &Sender<String>) -> io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    requests.send(String::from_utf8_lossy(&head).into_owned()).map_err(io::Error::other)?;
    stream.write_all(&answer.bytes)?;
    stream.flush()
}
