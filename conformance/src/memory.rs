//! A connection in memory, with a clock that moves only when it is told to.
//!
//! It is a transport to run stream cases on without a socket, and the shortest complete example of one. Each
//! direction is a bounded queue of bytes, as a socket's buffers are.

use crate::adapter::{Fixture, Pair};
use crate::case::Stop;
use crate::peer::{PATIENCE, Peer, Reset};
use asyncnet_driver::{
    Limits, PeekTransport, ReadTransport, SplitTransport, Stream, Timer, Transport, WriteTransport,
};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How many bytes a direction holds: as a socket's buffers, more than one block of ours and less than a large message.
const CAPACITY: usize = 128 << 10;

/// The fixture in memory.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_conformance::{Fixture, Memory};
/// use std::io::Write;
///
/// let (mut stream, mut peer) = Memory::default().pair().await.unwrap();
/// peer.write_all(b"hello\n").unwrap();
/// assert_eq!(stream.recv_line().await.unwrap().unwrap(), "hello");
/// # })
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    clock: Arc<Clock>,
}

impl Fixture for Memory {
    type Transport = MemoryTransport;

    async fn pair_with(&self, limits: Limits) -> Result<Pair<Self>, Stop> {
        let (to_peer, from_peer) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
        let peer = MemoryPeer { reads: Arc::clone(&to_peer), writes: Arc::clone(&from_peer) };
        let end = End::default();
        let reader = MemoryReader { clock: Arc::clone(&self.clock), pipe: from_peer, end: Arc::clone(&end) };
        let writer = MemoryWriter { clock: Arc::clone(&self.clock), pipe: to_peer, end, aborted: false };
        let transport = MemoryTransport { reader, writer };
        Ok((Stream::with_limits(transport, limits), Box::new(peer)))
    }

    async fn elapse(&self, time: Duration) {
        // Let what runs beside this reach the point where it waits for the time.
        futures_lite::future::yield_now().await;
        self.clock.advance(time);
    }
}

/// A clock that moves only when it is told to.
#[derive(Debug, Default)]
struct Clock {
    now: Mutex<(Duration, Vec<Waker>)>,
}

impl Clock {
    fn now(&self) -> Duration {
        lock(&self.now).0
    }

    fn poll_until(&self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        let mut now = lock(&self.now);
        if now.0 >= at {
            return Poll::Ready(());
        }
        now.1.push(cx.waker().clone());
        Poll::Pending
    }

    fn advance(&self, time: Duration) {
        let mut now = lock(&self.now);
        now.0 += time;
        let waiting = std::mem::take(&mut now.1);
        drop(now);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// What both directions of an end share, and no other end does.
type End = Arc<()>;

/// One direction of a connection.
#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<PipeState>,
    /// For the peer, which blocks.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct PipeState {
    bytes: VecDeque<u8>,
    ended: bool,
    /// The reader is gone: nobody will see what is written.
    deserted: bool,
    reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    /// Changes the state and wakes whoever may wait for that.
    fn change<T>(&self, change: impl FnOnce(&mut PipeState) -> T) -> T {
        let mut state = lock(&self.state);
        let changed = change(&mut state);
        let woken = [state.reader.take(), state.writer.take()];
        drop(state);
        self.changed.notify_all();
        woken.into_iter().flatten().for_each(Waker::wake);
        changed
    }
}

impl PipeState {
    /// Reads what is there: `None` if nothing is yet.
    fn read(&mut self, buf: &mut [u8]) -> Option<io::Result<usize>> {
        if self.bytes.is_empty() {
            if self.reset {
                return Some(Err(io::ErrorKind::ConnectionReset.into()));
            }
            return self.ended.then_some(Ok(0));
        }
        Some(self.bytes.read(buf))
    }

    /// Copies what is there, and leaves it: `None` if nothing is yet.
    fn peek(&mut self, buf: &mut [u8]) -> Option<io::Result<usize>> {
        if self.bytes.is_empty() {
            return self.read(buf);
        }
        let seen = self.bytes.iter().zip(buf).map(|(byte, at)| *at = *byte);
        Some(Ok(seen.count()))
    }

    /// Writes what there is room for: `None` if there is none.
    fn write(&mut self, bufs: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        if self.deserted || self.reset {
            return Some(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = CAPACITY - self.bytes.len();
        let before = self.bytes.len();
        for buf in bufs {
            let left = room - (self.bytes.len() - before);
            self.bytes.extend(&buf[..buf.len().min(left)]);
        }
        (room > 0).then_some(Ok(self.bytes.len() - before))
    }
}

/// One end of a connection in memory, as a transport.
#[derive(Debug)]
pub struct MemoryTransport {
    reader: MemoryReader,
    writer: MemoryWriter,
}

/// The receiving direction of a [`MemoryTransport`].
#[derive(Debug)]
pub struct MemoryReader {
    clock: Arc<Clock>,
    pipe: Arc<Pipe>,
    /// Whose direction it is.
    end: End,
}

/// The sending direction of a [`MemoryTransport`].
#[derive(Debug)]
pub struct MemoryWriter {
    clock: Arc<Clock>,
    pipe: Arc<Pipe>,
    /// Whose direction it is.
    end: End,
    /// Whether the drop is to be a reset.
    aborted: bool,
}

impl Timer for MemoryReader {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.clock.poll_until(cx, at)
    }
}

impl Timer for MemoryWriter {
    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.clock.poll_until(cx, at)
    }
}

impl Timer for MemoryTransport {
    fn now(&self) -> Duration {
        self.reader.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.reader.poll_until(cx, at)
    }
}

impl ReadTransport for MemoryReader {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.pipe.state);
        let Some(read) = state.read(buf) else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(state);
        self.pipe.change(|_| ());
        Poll::Ready(read)
    }
}

impl ReadTransport for MemoryTransport {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.reader.poll_read(cx, buf)
    }
}

impl PeekTransport for MemoryTransport {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.reader.pipe.state);
        let Some(peeked) = state.peek(buf) else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        Poll::Ready(peeked)
    }
}

impl WriteTransport for MemoryWriter {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.pipe.state);
        let Some(written) = state.write(bufs) else {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        };
        drop(state);
        self.pipe.change(|_| ());
        Poll::Ready(written)
    }

    fn poll_shutdown_write(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.change(|state| state.ended = true);
        Poll::Ready(Ok(()))
    }
}

impl WriteTransport for MemoryTransport {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.writer.poll_write_vectored(cx, bufs)
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_shutdown_write(cx)
    }
}

impl Transport for MemoryTransport {
    fn abort(&mut self) {
        self.writer.aborted = true;
    }
}

impl SplitTransport for MemoryTransport {
    type Reader = MemoryReader;
    type Writer = MemoryWriter;

    fn split(self) -> (MemoryReader, MemoryWriter) {
        (self.reader, self.writer)
    }

    fn reunite(reader: MemoryReader, writer: MemoryWriter) -> Result<Self, (MemoryReader, MemoryWriter)> {
        let belong = Arc::ptr_eq(&reader.end, &writer.end);
        if belong { Ok(Self { reader, writer }) } else { Err((reader, writer)) }
    }
}

impl Drop for MemoryReader {
    fn drop(&mut self) {
        self.pipe.change(|state| state.deserted = true);
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        self.pipe.change(|state| {
            state.ended = true;
            if self.aborted {
                state.bytes.clear();
                state.reset = true;
            }
        });
    }
}

/// The peer's end of a connection in memory, with blocking calls.
#[derive(Debug)]
struct MemoryPeer {
    reads: Arc<Pipe>,
    writes: Arc<Pipe>,
}

impl MemoryPeer {
    fn wait<T>(
        pipe: &Pipe,
        mut attempt: impl FnMut(&mut PipeState) -> Option<io::Result<T>>,
    ) -> io::Result<T> {
        let mut done = None;
        let state = lock(&pipe.state);
        let waited = pipe.changed.wait_timeout_while(state, PATIENCE, |state| {
            done = attempt(state);
            done.is_none()
        });
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        pipe.change(|_| ());
        done.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Read for MemoryPeer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Self::wait(&self.reads, |state| state.read(buf))
    }
}

impl Write for MemoryPeer {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Self::wait(&self.writes, |state| state.write(&[IoSlice::new(buf)]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Peer for MemoryPeer {
    fn shutdown_write(&mut self) -> io::Result<()> {
        self.writes.change(|state| state.ended = true);
        Ok(())
    }

    fn reset(self: Box<Self>) -> io::Result<Reset> {
        self.writes.change(|state| state.reset = true);
        self.reads.change(|state| state.reset = true);
        Ok(Reset::Sent)
    }
}

impl Drop for MemoryPeer {
    fn drop(&mut self) {
        self.reads.change(|state| state.deserted = true);
        self.writes.change(|state| state.ended = true);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
