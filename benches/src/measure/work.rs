//! The works that servers are compared in.

use crate::arguments::{self, Mode};
use crate::load::{Amount, Shape};

/// One work.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether there is TLS.
    pub mode: Mode,
    /// What is sent.
    pub amount: Amount,
    /// How many messages a round has: some tenths of a second of a server's time.
    pub messages: u64,
}

impl Work {
    const fn new(name: &'static str, about: &'static str, amount: Amount, messages: u64) -> Self {
        // The names begin with their mode.
        let mode = if name.as_bytes()[0] == b't' { Mode::Tls } else { Mode::Plain };
        Self { name, about, mode, amount, messages }
    }

    /// What a server is told to do for it.
    #[must_use]
    pub fn served(&self) -> arguments::Work {
        match self.amount.shape {
            Shape::Echo | Shape::Connect | Shape::Resume => arguments::Work::Echo,
            Shape::Sink => arguments::Work::Sink,
            Shape::Get | Shape::Put => arguments::Work::Bulk,
        }
    }

    /// What one message is.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self.amount.shape {
            Shape::Echo | Shape::Sink => "line",
            Shape::Get | Shape::Put => "KiB",
            Shape::Connect | Shape::Resume => "connection",
        }
    }

    /// How many messages are counted: enough that what is done once in a while shows, few enough for valgrind.
    #[must_use]
    pub fn counted(&self) -> u64 {
        match self.amount.shape {
            Shape::Echo => (4_000 * self.step()).min(40_960).max(4 * self.step()),
            Shape::Sink => 100 * 4_096,
            Shape::Get | Shape::Put => 32 << 10,
            Shape::Connect | Shape::Resume => 60,
        }
    }

    /// The fewest messages that can be sent: one step of the client's.
    #[must_use]
    pub fn step(&self) -> u64 {
        match self.amount.shape {
            Shape::Echo => u64::from(self.amount.connections) * u64::from(self.amount.lines),
            Shape::Sink | Shape::Get | Shape::Put => 4_096,
            Shape::Connect | Shape::Resume => 4,
        }
    }
}

const fn lines(connections: u32, lines: u32) -> Amount {
    Amount { shape: Shape::Echo, connections, lines, bytes: 32, idle: 0 }
}

const fn one(shape: Shape, bytes: u32) -> Amount {
    Amount { shape, connections: 1, lines: 1, bytes, idle: 0 }
}

/// All works, in the order of the tables. Lines have 32 bytes, with their LF.
pub const WORKS: [Work; 14] = [
    Work::new("plain-ping-1", "a line to and fro, 1 connection", lines(1, 1), 20_000),
    Work::new("plain-ping-64", "a line to and fro, 64 connections", lines(64, 1), 40_000),
    Work::new("plain-64x16", "64 connections, 16 lines at once", lines(64, 16), 400_000),
    Work::new("plain-512", "512 lines in flight, 1 connection", lines(1, 512), 800_000),
    Work::new("plain-sink", "lines one way", one(Shape::Sink, 32), 4_000_000),
    Work::new("plain-get", "bulk to the client, 64 KiB at once", one(Shape::Get, 65_536), 1 << 20),
    Work::new("plain-put", "bulk to the server, 64 KiB at once", one(Shape::Put, 65_536), 1 << 20),
    Work::new("tls-ping-1", "TLS 1.3, a line to and fro, 1 connection", lines(1, 1), 20_000),
    Work::new("tls-ping-64", "TLS 1.3, a line to and fro, 64 connections", lines(64, 1), 40_000),
    Work::new("tls-64x16", "TLS 1.3, 64 connections, 16 lines at once", lines(64, 16), 400_000),
    Work::new("tls-get", "TLS 1.3, bulk to the client", one(Shape::Get, 65_536), 512 << 10),
    Work::new("tls-put", "TLS 1.3, bulk to the server", one(Shape::Put, 65_536), 512 << 10),
    Work::new("tls-full", "TLS 1.3, full handshakes, with a line each", one(Shape::Connect, 32), 600),
    Work::new("tls-resume", "TLS 1.3, resumed handshakes, with a line each", one(Shape::Resume, 32), 1_000),
];
