//! The client: it gives a server its work, and checks every byte that comes back.
//!
//! It is one thread with blocking sockets. On several connections it goes in steps: it sends on all, then takes the
//! answers of all; so a server that is fast finds little to do at a time, and one that is slow much, and neither is
//! waited for in vain.

mod link;

pub use link::{Link, Reach};

use crate::Fault;
use crate::pattern::{CHUNK_BYTES_MAX, pattern};
use crate::request::parts;
use clap::{Args, ValueEnum};
use std::io::{Read, Write};
use std::time::Duration;

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Lines, each to come back; of a server with --work echo. A message is a line.
    Echo,
    /// Lines one way, to be counted; of a server with --work sink. A message is a line.
    Sink,
    /// Bytes from the server; of one with --work bulk. A message is a KiB.
    Get,
    /// Bytes to the server; of one with --work bulk. A message is a KiB.
    Put,
    /// Connections, each with a full handshake if it is TLS, and one line to and fro; of a server with --work echo. A
    /// message is a connection.
    Connect,
    /// The same, with sessions that are resumed.
    Resume,
}

/// How much of it at once.
#[derive(Clone, Copy, Debug, Args)]
pub struct Amount {
    /// What is asked of the server.
    #[arg(long, value_enum)]
    pub shape: Shape,

    /// How many connections work at the same time: 1 to 10000.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,

    /// How many lines are sent at once on each: 1 to 1024; those of more than 64 KiB in turns of that.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub lines: u32,

    /// How many bytes a line has, with its LF: 2 to 65536. In bulk work, how many bytes a write has.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    pub bytes: u32,

    /// How many connections are open beside, idle after one line to and fro: 0 to 20000.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=20_000))]
    pub idle: u32,
}

/// How many sets of lines are sent in turn, each different from the others.
const TURNS: usize = 7;
/// How many bytes of lines are under way on a connection: what the buffers of two sockets hold, so that neither side
/// waits for the other to read. As many as the longest line has.
const FLIGHT_BYTES_MAX: usize = 64 << 10;
/// How many bytes of lines go out before the server is asked how many there were.
const SINK_BYTES: usize = 4 << 20;
/// How many bytes one request of bulk work is about.
const BULK_BYTES: u64 = 64 << 20;

/// Open connections, and what is sent on them.
pub struct Load {
    reach: Reach,
    amount: Amount,
    links: Vec<Link>,
    idle: Vec<Link>,
    turns: Vec<Vec<u8>>,
    turn: usize,
    memory: Vec<u8>,
    /// How long it rests before each step.
    rest: Duration,
}

impl Load {
    /// Opens the connections, and tries each of them once.
    ///
    /// # Errors
    ///
    /// When a connection or a handshake fails, or a line does not come back as it was sent.
    pub fn open(reach: Reach, amount: Amount) -> Result<Self, Fault> {
        let turns = (0..TURNS).map(|turn| lines(amount, turn)).collect();
        let memory = vec![0; CHUNK_BYTES_MAX.max(FLIGHT_BYTES_MAX)];
        let mut load = Self {
            reach,
            amount,
            links: Vec::new(),
            idle: Vec::new(),
            turns,
            turn: 0,
            memory,
            rest: Duration::ZERO,
        };
        for _ in 0..amount.idle {
            let mut link = load.reach.connect()?;
            ping(&mut link)?;
            load.idle.push(link);
        }
        let count =
            if matches!(amount.shape, Shape::Connect | Shape::Resume) { 0 } else { amount.connections };
        for _ in 0..count {
            load.links.push(load.reach.connect()?);
        }
        Ok(load)
    }

    /// From now on it rests so long before each step. A server that a tool makes slow would find the next message there
    /// already, and never wait as it does by itself: what it does to wait could not be counted.
    pub fn rest_before_steps(&mut self, rest: Duration) {
        self.rest = rest;
    }

    /// Sends as many messages, or up to one step more: how many.
    ///
    /// # Errors
    ///
    /// When a connection fails, or a byte is not what it should be.
    pub fn run(&mut self, messages: u64) -> Result<u64, Fault> {
        let mut done = 0;
        while done < messages {
            if !self.rest.is_zero() {
                std::thread::sleep(self.rest);
            }
            done += match self.amount.shape {
                Shape::Echo => self.echo()?,
                Shape::Sink => self.sink(messages - done)?,
                Shape::Get => self.get(messages - done)?,
                Shape::Put => self.put(messages - done)?,
                Shape::Connect | Shape::Resume => self.connect()?,
            };
        }
        Ok(done)
    }

    /// Ends every connection well.
    ///
    /// # Errors
    ///
    /// What a connection fails with; that a server had more to say.
    pub fn end(self) -> Result<(), Fault> {
        self.links.into_iter().chain(self.idle).try_for_each(Link::end)
    }

    fn echo(&mut self) -> Result<u64, Fault> {
        self.turn = (self.turn + 1) % TURNS;
        let line_bytes = self.amount.bytes as usize;
        for sent in self.turns[self.turn].chunks(FLIGHT_BYTES_MAX / line_bytes * line_bytes) {
            for link in &mut self.links {
                link.write_all(sent)?;
                link.flush()?;
            }
            let got = &mut self.memory[..sent.len()];
            for link in &mut self.links {
                link.read_exact(got)?;
                check(got, sent)?;
            }
        }
        Ok(u64::from(self.amount.lines) * self.links.len() as u64)
    }

    fn sink(&mut self, messages: u64) -> Result<u64, Fault> {
        let lines = messages.min((SINK_BYTES / self.amount.bytes as usize) as u64);
        let line_bytes = u64::from(self.amount.bytes);
        for link in &mut self.links {
            let text = &self.turns[0];
            for (_, len) in parts(lines * line_bytes, text.len()) {
                link.write_all(&text[..len])?;
            }
            link.write_all(b"\n")?;
            link.flush()?;
        }
        let expected = format!("{lines}\n");
        let got = &mut self.memory[..expected.len()];
        for link in &mut self.links {
            link.read_exact(got)?;
            check(got, expected.as_bytes())?;
        }
        Ok(lines * self.links.len() as u64)
    }

    fn get(&mut self, messages: u64) -> Result<u64, Fault> {
        let total = BULK_BYTES.min(messages << 10);
        let request = format!("GET {total} {}\n", self.amount.bytes);
        for link in &mut self.links {
            link.write_all(request.as_bytes())?;
            link.flush()?;
        }
        for link in &mut self.links {
            let mut at = 0;
            while at < total {
                let max = self.memory.len().min(usize::try_from(total - at).unwrap_or(usize::MAX));
                let n = link.read(&mut self.memory[..max])?;
                if n == 0 {
                    return Err("the server ended in the middle of what it sends".into());
                }
                check(&self.memory[..n], pattern(at, n))?;
                at += n as u64;
            }
        }
        Ok((total >> 10) * self.links.len() as u64)
    }

    fn put(&mut self, messages: u64) -> Result<u64, Fault> {
        let total = BULK_BYTES.min(messages << 10);
        let request = format!("PUT {total}\n");
        for link in &mut self.links {
            link.write_all(request.as_bytes())?;
            for (at, len) in parts(total, self.amount.bytes as usize) {
                link.write_all(pattern(at, len))?;
            }
            link.flush()?;
            let got = &mut self.memory[..3];
            link.read_exact(got)?;
            check(got, b"OK\n")?;
        }
        Ok((total >> 10) * self.links.len() as u64)
    }

    fn connect(&mut self) -> Result<u64, Fault> {
        for _ in 0..self.amount.connections {
            let mut link = self.reach.connect()?;
            ping(&mut link)?;
            link.end()?;
        }
        Ok(self.amount.connections.into())
    }
}

/// What an idle connection has sent and received.
pub const LINE: &[u8] = b"a line as long as most of them\n";

/// One line to and fro.
fn ping(link: &mut Link) -> Result<(), Fault> {
    link.write_all(LINE)?;
    link.flush()?;
    let mut got = [0; LINE.len()];
    link.read_exact(&mut got)?;
    check(&got, LINE)
}

/// The lines that are sent at once: none like the next, nor like those of the turn before.
fn lines(amount: Amount, turn: usize) -> Vec<u8> {
    // Of lines one way, as many as fill a large write.
    let (count, bytes) = (amount.lines as usize, amount.bytes as usize);
    let count = if amount.shape == Shape::Sink { ((64 << 10) / bytes).max(1) } else { count };
    let line = |n: usize| {
        let number = format!("{turn}.{n}.");
        let text = number.bytes().chain((b'a'..=b'z').cycle()).take(bytes - 1);
        text.chain([b'\n']).collect::<Vec<u8>>()
    };
    (0..count).flat_map(line).collect()
}

fn check(got: &[u8], expected: &[u8]) -> Result<(), Fault> {
    if got == expected {
        return Ok(());
    }
    let at = got.iter().zip(expected).position(|(got, expected)| got != expected).unwrap_or(0);
    Err(format!("byte {at} of {} that came is not what was expected", got.len()).into())
}

#[cfg(test)]
mod tests {
    use super::{Amount, Shape, check, lines};

    #[test]
    fn lines_have_their_length_and_differ() {
        let amount = Amount { shape: Shape::Echo, connections: 1, lines: 16, bytes: 32, idle: 0 };
        let (one, other) = (lines(amount, 0), lines(amount, 1));
        assert_eq!(one.len(), 512);
        assert!(one.chunks(32).all(|line| line.ends_with(b"\n") && !line[..31].contains(&b'\n')));
        assert_ne!(one, other);
        assert_ne!(one[..32], one[32..64]);
        assert!(check(&one, &other).is_err());
    }
}
