//! std alone: a thread for each connection.

use super::{ANSWERS_BYTES_MAX, Answers, READ_BYTES, Task, request};
use crate::Fault;
use crate::arguments::{ServerArguments, Style, Work, at};
use crate::pattern::pattern;
use crate::process::{announce, note_some};
use crate::request::{DONE, Request, parts};
use memchr::memchr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

pub(super) fn serve(arguments: &ServerArguments) -> Result<(), Fault> {
    let listener = TcpListener::bind(arguments.addr).map_err(at("cannot listen at", arguments.addr))?;
    announce(listener.local_addr()?)?;
    let task = Task::of(arguments);
    loop {
        let (socket, _) = listener.accept()?;
        std::thread::Builder::new().spawn(move || {
            if let Err(fault) = attend(socket, task) {
                note_some("peer-server", &fault);
            }
        })?;
    }
}

fn attend(socket: TcpStream, task: Task) -> Result<(), Fault> {
    socket.set_nodelay(true)?;
    let mut reader = BufReader::new(socket);
    if task.work == Work::Bulk { bulk(&mut reader) } else { lines(&mut reader, task) }
}

fn lines(reader: &mut BufReader<TcpStream>, task: Task) -> Result<(), Fault> {
    let (mut answers, mut line, mut out) = (Answers::new(task.work), Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = answers.to(&line);
        if task.style == Style::Await {
            reader.get_mut().write_all(answer)?;
            continue;
        }
        out.extend_from_slice(answer);
        let more = out.len() < ANSWERS_BYTES_MAX && memchr(b'\n', reader.buffer()).is_some();
        if !more {
            reader.get_mut().write_all(&out)?;
            out.clear();
        }
    }
}

fn bulk(reader: &mut BufReader<TcpStream>) -> Result<(), Fault> {
    let (mut line, mut memory) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        match request(&line)? {
            Request::Get { total, chunk } => {
                for (at, len) in parts(total, chunk) {
                    reader.get_mut().write_all(pattern(at, len))?;
                }
            }
            Request::Put { total } => {
                memory.resize(READ_BYTES, 0);
                for (_, len) in parts(total, READ_BYTES) {
                    reader.read_exact(&mut memory[..len])?;
                }
                reader.get_mut().write_all(DONE)?;
            }
        }
    }
}
