//! A transport of operations that are begun and complete later, whoever waits for them then, as those of a completion queue
//! do (`io_uring`, IOCP).
//!
//! ```text
//!   poll_read: begun: the bytes leave the transport below, and are kept ---> pending ---> whoever polls next has them
//!   poll_write: taken into a memory of its own, and counted ---> the next call waits until they are delivered
//! ```
//!
//! Invariants:
//! - While it is switched off it waits for nothing, and what is kept goes first.
//! - What a dropped call had read is kept, in order, for a later one, also if that asks for less.
//! - What it counted as written is delivered by the next write, flush or end of the direction, and no sooner.

use super::switch::Switch;
use asyncnet_driver::{PeekTransport, ReadTransport, SplitTransport, Timer, Transport, WriteTransport};
use std::io::{self, IoSlice, Read};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A transport whose operations complete after the calls that began them.
#[derive(Debug)]
pub(crate) struct Late<T> {
    below: T,
    switch: Switch,
    /// How many bytes one operation moves at most.
    piece: usize,
    reads: Reads,
    writes: Writes,
}

/// The read under way.
#[derive(Debug, Default)]
struct Reads {
    /// It was begun, and has no bytes yet: how many it asked for.
    asked: Option<usize>,
    /// What it brought, and nobody has got yet.
    kept: Option<io::Result<Vec<u8>>>,
}

/// The write under way.
#[derive(Debug, Default)]
struct Writes {
    /// Counted as written, and not delivered.
    taken: Vec<u8>,
    /// Whoever asked next has waited for that.
    waited: bool,
}

impl<T> Late<T> {
    pub(crate) fn new(below: T, switch: Switch, piece: usize) -> Self {
        Self { below, switch, piece, reads: Reads::default(), writes: Writes::default() }
    }
}

impl<T: ReadTransport> Late<T> {
    /// Waits until the read that was begun has something to show, and begins one if none was.
    fn poll_kept(&mut self, cx: &mut Context<'_>, len: usize) -> Poll<()> {
        if self.reads.kept.is_some() {
            return Poll::Ready(());
        }
        let asked = *self.reads.asked.get_or_insert(len.min(self.piece));
        let mut memory = vec![0; asked];
        let polled = self.below.poll_read(cx, &mut memory);
        self.switch.note_read_below(&polled);
        if let Poll::Ready(read) = polled {
            self.reads.asked = None;
            self.reads.kept = Some(read.map(|n| {
                memory.truncate(n);
                memory
            }));
            return if self.switch.is_on() { self.switch.wait(cx) } else { Poll::Ready(()) };
        }
        Poll::Pending
    }
}

impl Reads {
    /// Gives what is kept, as far as it fits.
    fn give(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(mut kept) = self.kept.take().transpose()? else { return Ok(0) };
        let n = (&kept[..]).read(buf)?;
        kept.drain(..n);
        if !kept.is_empty() {
            self.kept = Some(Ok(kept));
        }
        Ok(n)
    }
}

impl<T: WriteTransport> Late<T> {
    /// Waits until what was taken is delivered.
    fn poll_delivered(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.writes.taken.is_empty() && self.switch.is_on() && !self.writes.waited {
            self.writes.waited = true;
            return self.switch.wait(cx);
        }
        while !self.writes.taken.is_empty() {
            let polled = self.below.poll_write_vectored(cx, &[IoSlice::new(&self.writes.taken)]);
            self.switch.note_write_below(&polled);
            let n = ready!(polled)?;
            self.switch.note_written(n);
            self.writes.taken.drain(..n);
        }
        self.writes.waited = false;
        Poll::Ready(Ok(()))
    }
}

impl<T: Timer> Timer for Late<T> {
    fn now(&self) -> Duration {
        self.below.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.below.poll_until(cx, at)
    }
}

impl<T: ReadTransport> ReadTransport for Late<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = if self.switch.is_on() || self.reads.asked.is_some() || self.reads.kept.is_some() {
            ready!(self.poll_kept(cx, buf.len()));
            self.reads.give(buf)
        } else {
            let polled = self.below.poll_read(cx, buf);
            self.switch.note_read_below(&polled);
            ready!(polled)
        };
        if let Ok(n) = read {
            self.switch.note_read(n);
        }
        Poll::Ready(read)
    }
}

impl<T: PeekTransport> PeekTransport for Late<T> {
    /// What a dropped read has brought is what would be read next. A look that finds none takes nothing, so it is the one
    /// below.
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.reads.asked.is_some() || self.reads.kept.is_some() {
            ready!(self.poll_kept(cx, buf.len()));
        }
        match &self.reads.kept {
            Some(Ok(kept)) => Poll::Ready((&kept[..]).read(buf)),
            // An error is told once.
            Some(Err(_)) => Poll::Ready(self.reads.give(buf)),
            None => {
                let polled = self.below.poll_peek(cx, buf);
                self.switch.note_read_below(&polled);
                polled
            }
        }
    }
}

impl<T: WriteTransport> WriteTransport for Late<T> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_delivered(cx))?;
        if self.switch.is_on() {
            self.writes.taken.extend(bufs.iter().flat_map(|buf| buf.iter()).take(self.piece));
            return Poll::Ready(Ok(self.writes.taken.len()));
        }
        let polled = self.below.poll_write_vectored(cx, bufs);
        self.switch.note_write_below(&polled);
        if let Poll::Ready(Ok(n)) = polled {
            self.switch.note_written(n);
        }
        polled
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_delivered(cx))?;
        let polled = self.below.poll_flush(cx);
        self.switch.note_write_below(&polled);
        polled
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_delivered(cx))?;
        let polled = self.below.poll_shutdown_write(cx);
        self.switch.note_write_below(&polled);
        polled
    }
}

impl<T: Transport> Transport for Late<T> {
    fn abort(&mut self) {
        self.below.abort();
    }
}

impl<T: SplitTransport> SplitTransport for Late<T> {
    type Reader = Late<T::Reader>;
    type Writer = Late<T::Writer>;

    fn split(self) -> (Self::Reader, Self::Writer) {
        let Self { below, switch, piece, reads, writes } = self;
        let (reader, writer) = below.split();
        (
            Late { reads, ..Late::new(reader, switch.clone(), piece) },
            Late { writes, ..Late::new(writer, switch, piece) },
        )
    }

    fn reunite(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)> {
        let Late { below: from, switch, piece, reads, .. } = reader;
        let Late { below: to, writes, .. } = writer;
        match T::reunite(from, to) {
            Ok(below) => Ok(Self { below, switch, piece, reads, writes }),
            Err((from, to)) => Err((
                Late { reads, ..Late::new(from, switch.clone(), piece) },
                Late { writes, ..Late::new(to, switch, piece) },
            )),
        }
    }
}
