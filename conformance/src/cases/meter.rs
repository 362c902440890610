//! A transport over another one, which counts what passes, can hold back what is to go out, and let time pass.

use crate::case::Stop;
use asyncnet_driver::{Error, ReadTransport, Stream, Timer, Transport, WriteTransport};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// The transport.
#[derive(Debug)]
pub(super) struct Metered<T> {
    inner: T,
    meter: Arc<Meter>,
}

/// What is seen of it from outside.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// How many bytes were written.
    written: AtomicUsize,
    /// The most that was offered to one write.
    write_max: AtomicUsize,
    /// The most that was asked of one read.
    read_max: AtomicUsize,
    /// A write waits, and is tried again and again.
    held: AtomicBool,
    /// How many writes have met that.
    refused: AtomicUsize,
    /// How far its clock is ahead, in milliseconds.
    ahead_ms: AtomicU64,
}

/// A stream over the transport of another one, which was not used.
pub(super) fn over<T: Transport>(stream: Stream<T>) -> Result<(Stream<Metered<T>>, Arc<Meter>), Stop> {
    let limits = *stream.limits();
    let meter = Arc::<Meter>::default();
    let inner = stream.into_parts().transport.ok_or(Error::Closed)?;
    Ok((Stream::with_limits(Metered { inner, meter: Arc::clone(&meter) }, limits), meter))
}

impl Meter {
    pub(super) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn write_max(&self) -> usize {
        self.write_max.load(Ordering::Relaxed)
    }

    pub(super) fn read_max(&self) -> usize {
        self.read_max.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    /// Lets time pass at once. Nobody is woken by that.
    pub(super) fn skip(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

impl<T: Timer> Timer for Metered<T> {
    fn now(&self) -> Duration {
        self.inner.now() + self.meter.ahead()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.inner.poll_until(cx, at.saturating_sub(self.meter.ahead()))
    }
}

impl<T: ReadTransport> ReadTransport for Metered<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.meter.read_max.fetch_max(buf.len(), Ordering::Relaxed);
        self.inner.poll_read(cx, buf)
    }
}

impl<T: WriteTransport> WriteTransport for Metered<T> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.meter.held.load(Ordering::Relaxed) {
            self.meter.refused.fetch_add(1, Ordering::Relaxed);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        self.meter.write_max.fetch_max(offered, Ordering::Relaxed);
        let written = self.inner.poll_write_vectored(cx, bufs);
        if let Poll::Ready(Ok(n)) = &written {
            self.meter.written.fetch_add(*n, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_flush(cx)
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_shutdown_write(cx)
    }
}

impl<T: Transport> Transport for Metered<T> {
    fn abort(&mut self) {
        self.inner.abort();
    }
}
