//! An address that answers nothing: a listener whose queue is full drops what comes (listen(2), tcp(7)).
//!
//! Invariant: the queue is seen to be full before the address is given out, so an attempt at it stays under way until it
//! is given up.

use crate::case::{Stop, ensure_eq};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};

/// The states of a socket in Linux' table of TCP sockets.
const SYN_SENT: &str = "02";
const LISTEN: &str = "0A";

/// How often the table is read until the queue is full. It is when it is read first, but for a packet that is on its way.
const READS_MAX: usize = 10_000;

/// An address of the loopback interface that answers nothing.
pub(super) struct BlackHole {
    address: SocketAddr,
    /// The one that never accepts, and what fills its queue.
    _full: (Socket, TcpStream),
}

impl BlackHole {
    /// # Errors
    ///
    /// [`Stop::Skipped`] where there is no such table.
    pub(super) fn new() -> Result<Self, Stop> {
        table()?;
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        // Of a backlog of 0, Linux makes room for one.
        listener.listen(0)?;
        let address = listener.local_addr()?.as_socket();
        let address = address.ok_or_else(|| Stop::Failed("a TCP socket has an address".to_owned()))?;
        let filler = TcpStream::connect(address)?;
        let hole = Self { address, _full: (listener, filler) };
        for _ in 0..READS_MAX {
            if hole.is_full()? {
                return Ok(hole);
            }
            std::thread::yield_now();
        }
        Err(Stop::Skipped("a backlog of 0 is not full with one connection here".to_owned()))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// That one attempt is under way, and stays so.
    pub(super) fn ensure_attempted(&self) -> Result<(), Stop> {
        self.ensure_attempts(1)?;
        for _ in 0..READS_MAX {
            if self.is_full()? {
                return Ok(());
            }
        }
        Err(Stop::Failed("its queue is not full any more".to_owned()))
    }

    /// That so many sockets of this machine are connecting to it.
    pub(super) fn ensure_attempts(&self, expected: usize) -> Result<(), Stop> {
        let mut found = self.attempts()?;
        // The table is no snapshot: while other sockets come and go, a row may be missing from one reading of it.
        for _ in 0..READS_MAX {
            if found == expected {
                break;
            }
            std::thread::yield_now();
            found = self.attempts()?;
        }
        ensure_eq(&found, &expected, "attempts under way")
    }

    fn attempts(&self) -> Result<usize, Stop> {
        let port = format!(":{:04X}", self.address.port());
        let table = table()?;
        let rows = table.lines().map(Row::of);
        let trying = rows.filter(|row| row.remote.ends_with(&port) && row.state == SYN_SENT);
        // A row may also be there twice.
        Ok(trying.map(|row| row.local).collect::<BTreeSet<_>>().len())
    }

    fn is_full(&self) -> Result<bool, Stop> {
        let port = format!(":{:04X}", self.address.port());
        let table = table()?;
        let row = table.lines().map(Row::of).find(|row| row.local.ends_with(&port) && row.state == LISTEN);
        // Of a listener, the second queue is the connections that wait to be accepted.
        let waiting = row.and_then(|row| row.queues.split_once(':'));
        Ok(waiting.is_some_and(|(_, waiting)| u32::from_str_radix(waiting, 16).is_ok_and(|n| n >= 1)))
    }
}

/// A row of the table: the columns of interest.
struct Row<'a> {
    local: &'a str,
    remote: &'a str,
    state: &'a str,
    queues: &'a str,
}

impl<'a> Row<'a> {
    fn of(line: &'a str) -> Self {
        let mut columns = line.split_whitespace().skip(1);
        let mut next = || columns.next().unwrap_or_default();
        Self { local: next(), remote: next(), state: next(), queues: next() }
    }
}

/// The kernel's TCP sockets of IPv4 (`proc_net_tcp`).
fn table() -> Result<String, Stop> {
    std::fs::read_to_string("/proc/net/tcp").map_err(|_| {
        Stop::Skipped("only Linux shows that an address answers nothing: /proc/net/tcp".to_owned())
    })
}
