//! epoll(7) by hand, with and without rustls: no more than the work needs. One buffer to read into, one for answers, for
//! all connections; level-triggered, so that a read that took all is not followed by one that finds nothing.
//!
//! ```text
//!   readable:  read once -> [ open records ] -> lines or bulk -> answers -> [ seal ] -> write, and keep what did not go
//!   writable:  write what was kept, then what bulk work still has to send
//! ```

use super::{Answers, READ_BYTES, Task, request};
use crate::Fault;
use crate::arguments::{ServerArguments, Work, at};
use crate::pattern::pattern;
use crate::process::{announce, note_some};
use crate::request::{DONE, Request};
use memchr::memchr;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// How many events are taken at once, as with tokio.
const EVENTS: usize = 1024;
/// The listener's name among the events.
const LISTENER: u64 = u64::MAX;
/// How many writes a connection may make before others have their turn.
const TURNS_MAX: usize = 16;

pub(super) fn serve(arguments: &ServerArguments) -> Result<(), Fault> {
    let listener = TcpListener::bind(arguments.addr).map_err(at("cannot listen at", arguments.addr))?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    announce(listener.local_addr()?)?;
    let (config, task) = (arguments.tls()?, Task::of(arguments));
    let mut server = Server { epoll, connections: Vec::new(), free: Vec::new(), config, task };
    let (mut events, mut memory) = (Vec::with_capacity(EVENTS), Memory::default());
    loop {
        match epoll::wait(&server.epoll, spare_capacity(&mut events), None) {
            Err(rustix::io::Errno::INTR) => continue,
            waited => waited?,
        };
        for event in events.drain(..) {
            match event.data.u64() {
                LISTENER => server.accept(&listener)?,
                name => server.attend(usize::try_from(name)?, event.flags, &mut memory),
            }
        }
    }
}

/// What all connections share.
struct Memory {
    /// What was read last.
    read: Vec<u8>,
    /// What was opened last.
    text: Vec<u8>,
    /// What is answered to it.
    answers: Vec<u8>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { read: vec![0; READ_BYTES], text: vec![0; READ_BYTES], answers: Vec::new() }
    }
}

struct Server {
    epoll: OwnedFd,
    connections: Vec<Option<Connection>>,
    /// Places in `connections` that are empty.
    free: Vec<usize>,
    config: Option<Arc<ServerConfig>>,
    task: Task,
}

impl Server {
    fn accept(&mut self, listener: &TcpListener) -> Result<(), Fault> {
        loop {
            let socket = match listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let tls = match &self.config {
                None => None,
                Some(config) => {
                    let mut tls = ServerConnection::new(Arc::clone(config))?;
                    tls.set_buffer_limit(None);
                    Some(tls)
                }
            };
            let at = self.free.pop().unwrap_or(self.connections.len());
            epoll::add(&self.epoll, &socket, EventData::new_u64(at as u64), EventFlags::IN)?;
            let connection = Connection::new(socket, tls, self.task);
            match self.connections.get_mut(at) {
                Some(place) => *place = Some(connection),
                None => self.connections.push(Some(connection)),
            }
        }
    }

    fn attend(&mut self, at: usize, flags: EventFlags, memory: &mut Memory) {
        let Some(connection) = &mut self.connections[at] else { return };
        let going = connection.go_on(flags, memory).and_then(|open| {
            connection.watch(&self.epoll, at)?;
            Ok(open)
        });
        match going {
            Ok(true) => return,
            Ok(false) => {}
            Err(fault) => note_some("peer-server", &fault),
        }
        self.connections[at] = None;
        self.free.push(at);
    }
}

struct Connection {
    socket: TcpStream,
    tls: Option<ServerConnection>,
    answers: Answers,
    bulk: Bulk,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// What was answered and did not go out; with TLS rustls keeps it.
    kept: Vec<u8>,
    /// Whether epoll was asked to tell when it can be written to.
    is_watched: bool,
}

/// What bulk work is about to do.
enum Bulk {
    Ask,
    Send { at: u64, total: u64, chunk: usize },
    Receive { left: u64 },
}

impl Connection {
    fn new(socket: TcpStream, tls: Option<ServerConnection>, task: Task) -> Self {
        let answers = Answers::new(task.work);
        let (partial, kept) = (Vec::new(), Vec::new());
        Self { socket, tls, answers, bulk: Bulk::Ask, partial, kept, is_watched: false }
    }

    /// Does what can be done now: whether there may be more to come.
    fn go_on(&mut self, flags: EventFlags, memory: &mut Memory) -> Result<bool, Fault> {
        if flags.contains(EventFlags::OUT) {
            self.write(&[])?;
            self.send_bulk()?;
        }
        if !flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            return Ok(true);
        }
        let n = match self.socket.read(&mut memory.read) {
            Ok(0) => {
                self.end(&mut memory.answers)?;
                return Ok(false);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            read => read?,
        };
        let Memory { read, text, answers } = memory;
        answers.clear();
        let open = if self.tls.is_some() {
            self.open(&read[..n], text, answers)?
        } else {
            self.take(&read[..n], answers)?;
            true
        };
        self.write(answers)?;
        self.send_bulk()?;
        Ok(open)
    }

    /// Answers a last line that has no terminator.
    fn end(&mut self, answers: &mut Vec<u8>) -> Result<(), Fault> {
        answers.clear();
        let rest = std::mem::take(&mut self.partial);
        if !rest.is_empty() {
            self.answer(&rest, answers)?;
            self.write(answers)?;
        }
        Ok(())
    }

    /// Opens what came: whether the peer has more to say.
    fn open(&mut self, mut sealed: &[u8], text: &mut [u8], answers: &mut Vec<u8>) -> Result<bool, Fault> {
        loop {
            let Some(tls) = &mut self.tls else { return Ok(true) };
            if sealed.is_empty() || tls.read_tls(&mut sealed)? == 0 {
                return Ok(true);
            }
            if let Err(error) = tls.process_new_packets() {
                // With the alert that says why.
                self.write(&[])?;
                return Err(error.into());
            }
            loop {
                let Some(tls) = &mut self.tls else { return Ok(true) };
                match tls.reader().read(text) {
                    Ok(0) => return Ok(false),
                    Ok(n) => self.take(&text[..n], answers)?,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    /// Takes what came.
    fn take(&mut self, mut text: &[u8], answers: &mut Vec<u8>) -> Result<(), Fault> {
        while !text.is_empty() {
            if let Bulk::Receive { left } = &mut self.bulk {
                let taken = text.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                text = &text[taken..];
                if *left == 0 {
                    answers.extend_from_slice(DONE);
                    self.bulk = Bulk::Ask;
                }
                continue;
            }
            let Some(end) = memchr(b'\n', text) else {
                self.partial.extend_from_slice(text);
                return Ok(());
            };
            let (line, rest) = text.split_at(end + 1);
            text = rest;
            if self.partial.is_empty() {
                self.answer(line, answers)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line);
                self.answer(&whole, answers)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, line: &[u8], answers: &mut Vec<u8>) -> Result<(), Fault> {
        if self.answers.work != Work::Bulk {
            answers.extend_from_slice(self.answers.to(line));
            return Ok(());
        }
        self.bulk = match request(line)? {
            Request::Get { total, chunk } => Bulk::Send { at: 0, total, chunk },
            Request::Put { total } => Bulk::Receive { left: total },
        };
        Ok(())
    }

    /// Sends what bulk work has to send, as long as the socket takes it and it is this connection's turn.
    fn send_bulk(&mut self) -> Result<(), Fault> {
        for _ in 0..TURNS_MAX {
            let Bulk::Send { at, total, chunk } = self.bulk else { return Ok(()) };
            if self.is_kept() {
                return Ok(());
            }
            let len = chunk.min(usize::try_from(total - at).unwrap_or(usize::MAX));
            let at = at + len as u64;
            self.bulk = if at == total { Bulk::Ask } else { Bulk::Send { at, total, chunk } };
            self.write(pattern(at - len as u64, len))?;
        }
        Ok(())
    }

    /// Writes what was kept and what is new, and keeps what the socket does not take.
    fn write(&mut self, new: &[u8]) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.writer().write_all(new)?;
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    wrote => wrote?,
                };
            }
            return Ok(());
        }
        if !self.kept.is_empty() {
            self.kept.extend_from_slice(new);
            let n = write_some(&self.socket, &self.kept)?;
            self.kept.drain(..n);
        } else if !new.is_empty() {
            let n = write_some(&self.socket, new)?;
            self.kept.extend_from_slice(&new[n..]);
        }
        if self.kept.is_empty() && self.kept.capacity() > 0 {
            self.kept = Vec::new();
        }
        Ok(())
    }

    fn is_kept(&self) -> bool {
        self.tls.as_ref().map_or(!self.kept.is_empty(), |tls| tls.wants_write())
    }

    /// Has epoll tell when it can be written to, while there is something to be written.
    fn watch(&mut self, epoll: &OwnedFd, at: usize) -> Result<(), Fault> {
        let is_watched = self.is_kept() || matches!(self.bulk, Bulk::Send { .. });
        if is_watched != self.is_watched {
            let flags = if is_watched { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            epoll::modify(epoll, &self.socket, EventData::new_u64(at as u64), flags)?;
            self.is_watched = is_watched;
        }
        Ok(())
    }
}

/// How much of it the socket takes now.
fn write_some(mut socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match socket.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        wrote => wrote,
    }
}
