//! A transport that counts: what a transport of one's own looks like.

use asyncnet_driver::{ReadTransport, Timer, Transport, WriteTransport};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// What was counted, for whoever keeps a clone.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    writes: Arc<AtomicUsize>,
}

impl Counts {
    /// How many writes the transport below has taken.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }
}

/// A transport that passes everything on, and counts the writes.
///
/// ```
/// use asyncnet_driver::Stream;
/// use asyncnet_examples::tour::{Counted, Counts};
///
/// # futures_lite::future::block_on(async {
/// let (stream, _peer) = asyncnet_smol::pair()?;
/// let counts = Counts::default();
/// let mut stream = Stream::new(Counted::new(stream.into_parts().transport.unwrap(), counts.clone()));
/// stream.queue_line("two lines")?;
/// stream.queue_line("one write")?;
/// assert_eq!(counts.writes(), 0);
/// stream.flush().await?;
/// assert_eq!(counts.writes(), 1);
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Counted<T> {
    below: T,
    counts: Counts,
}

impl<T> Counted<T> {
    /// Counts what goes through `below`.
    pub fn new(below: T, counts: Counts) -> Self {
        Self { below, counts }
    }
}

impl<T: Timer> Timer for Counted<T> {
    fn now(&self) -> Duration {
        self.below.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.below.poll_until(cx, at)
    }
}

impl<T: ReadTransport> ReadTransport for Counted<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.below.poll_read(cx, buf)
    }
}

impl<T: WriteTransport> WriteTransport for Counted<T> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = self.below.poll_write_vectored(cx, bufs);
        if written.is_ready() {
            self.counts.writes.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below.poll_flush(cx)
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below.poll_shutdown_write(cx)
    }
}

impl<T: Transport> Transport for Counted<T> {
    fn abort(&mut self) {
        self.below.abort();
    }
}
