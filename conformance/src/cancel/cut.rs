//! A transport that returns pending before every piece, and moves one piece a call: in both directions, at each flush and
//! at the end.
//!
//! ```text
//!   poll_read ---> pending, and woken ---> poll_read ---> a piece ---> poll_read ---> pending ...
//! ```
//!
//! Invariants:
//! - While it is switched off it is the transport below, and nothing else.
//! - It keeps no byte: what it takes from one side, the other side has in the same call.
//! - That a call has waited before a piece stays known when the call is dropped: the next one gets the piece.

use super::switch::Switch;
use asyncnet_driver::{PeekTransport, ReadTransport, SplitTransport, Timer, Transport, WriteTransport};
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A transport that returns pending before every piece of another one.
#[derive(Debug)]
pub(crate) struct Cut<T> {
    below: T,
    switch: Switch,
    /// How many bytes one call moves at most.
    piece: usize,
    reads: Gate,
    /// Of its own: who looks, and then reads, looks again in the next poll, before the read that it waited for.
    peeks: Gate,
    writes: Gate,
}

/// Whether the next call has waited already.
#[derive(Clone, Copy, Debug, Default)]
struct Gate {
    open: bool,
}

impl Gate {
    fn poll(&mut self, switch: &Switch, cx: &Context<'_>) -> Poll<()> {
        if self.open || !switch.is_on() {
            return Poll::Ready(());
        }
        self.open = true;
        switch.wait(cx)
    }

    /// Shuts behind a call that was done.
    fn pass<T>(&mut self, polled: &Poll<T>) {
        self.open &= polled.is_pending();
    }
}

impl<T> Cut<T> {
    pub(crate) fn new(below: T, switch: Switch, piece: usize) -> Self {
        Self { below, switch, piece, reads: Gate::default(), peeks: Gate::default(), writes: Gate::default() }
    }

    /// How much of `len` bytes goes through in one call.
    fn most(&self, len: usize) -> usize {
        if self.switch.is_on() { len.min(self.piece) } else { len }
    }
}

impl<T: Timer> Timer for Cut<T> {
    fn now(&self) -> Duration {
        self.below.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.below.poll_until(cx, at)
    }
}

impl<T: ReadTransport> ReadTransport for Cut<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(self.reads.poll(&self.switch, cx));
        let most = self.most(buf.len());
        let polled = self.below.poll_read(cx, &mut buf[..most]);
        self.switch.note_read_below(&polled);
        self.reads.pass(&polled);
        if let Poll::Ready(Ok(n)) = polled {
            self.switch.note_read(n);
        }
        polled
    }
}

impl<T: PeekTransport> PeekTransport for Cut<T> {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(self.peeks.poll(&self.switch, cx));
        let most = self.most(buf.len());
        let polled = self.below.poll_peek(cx, &mut buf[..most]);
        self.switch.note_read_below(&polled);
        self.peeks.pass(&polled);
        if let Poll::Ready(Ok(0)) = polled {
            self.switch.note_read(0);
        }
        polled
    }
}

impl<T: WriteTransport> WriteTransport for Cut<T> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.writes.poll(&self.switch, cx));
        let polled = if self.switch.is_on() {
            let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &buf[..]);
            self.below.poll_write_vectored(cx, &[IoSlice::new(&first[..first.len().min(self.piece)])])
        } else {
            self.below.poll_write_vectored(cx, bufs)
        };
        self.switch.note_write_below(&polled);
        self.writes.pass(&polled);
        if let Poll::Ready(Ok(n)) = polled {
            self.switch.note_written(n);
        }
        polled
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writes.poll(&self.switch, cx));
        let polled = self.below.poll_flush(cx);
        self.switch.note_write_below(&polled);
        self.writes.pass(&polled);
        polled
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.writes.poll(&self.switch, cx));
        let polled = self.below.poll_shutdown_write(cx);
        self.switch.note_write_below(&polled);
        self.writes.pass(&polled);
        polled
    }
}

impl<T: Transport> Transport for Cut<T> {
    fn abort(&mut self) {
        self.below.abort();
    }
}

impl<T: SplitTransport> SplitTransport for Cut<T> {
    type Reader = Cut<T::Reader>;
    type Writer = Cut<T::Writer>;

    fn split(self) -> (Self::Reader, Self::Writer) {
        let Self { below, switch, piece, reads, peeks, writes } = self;
        let (reader, writer) = below.split();
        (
            Cut { reads, peeks, ..Cut::new(reader, switch.clone(), piece) },
            Cut { writes, ..Cut::new(writer, switch, piece) },
        )
    }

    fn reunite(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)> {
        let Cut { below: from, switch, piece, reads, peeks, .. } = reader;
        let Cut { below: to, writes, .. } = writer;
        match T::reunite(from, to) {
            Ok(below) => Ok(Self { below, switch, piece, reads, peeks, writes }),
            Err((from, to)) => Err((
                Cut { reads, peeks, ..Cut::new(from, switch.clone(), piece) },
                Cut { writes, ..Cut::new(to, switch, piece) },
            )),
        }
    }
}
