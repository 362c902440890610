//! What a test has in its hand of a transport that it disturbs: whether it does, and what went through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

/// The switch of a disturbed transport, and of both of its directions once it is taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    on: AtomicBool,
    waits: AtomicU64,
    reads_below: AtomicU64,
    writes_below: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
    ended: AtomicBool,
}

/// What went through a transport so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// How often it had a call wait that needed not.
    pub(crate) waits: u64,
    /// How often the transport below had a read wait.
    pub(crate) reads_below: u64,
    /// How often it had a write wait.
    pub(crate) writes_below: u64,
    /// How many bytes whoever reads has got.
    pub(crate) read: u64,
    /// How many bytes the transport below has taken.
    pub(crate) written: u64,
    /// Whether whoever reads has got the end.
    pub(crate) ended: bool,
}

impl Switch {
    /// From here on it disturbs, or does not.
    pub(crate) fn set(&self, on: bool) {
        self.0.on.store(on, Ordering::Relaxed);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.on.load(Ordering::Relaxed)
    }

    pub(crate) fn counts(&self) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            waits: of(&self.0.waits),
            reads_below: of(&self.0.reads_below),
            writes_below: of(&self.0.writes_below),
            read: of(&self.0.read),
            written: of(&self.0.written),
            ended: self.0.ended.load(Ordering::Relaxed),
        }
    }

    /// Has a call wait that needs not: it is polled again at once.
    pub(crate) fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        self.0.waits.fetch_add(1, Ordering::Relaxed);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Notes what a read gave to who asked for it.
    pub(crate) fn note_read(&self, n: usize) {
        self.0.read.fetch_add(n as u64, Ordering::Relaxed);
        if n == 0 {
            self.0.ended.store(true, Ordering::Relaxed);
        }
    }

    /// Notes what the transport below took.
    pub(crate) fn note_written(&self, n: usize) {
        self.0.written.fetch_add(n as u64, Ordering::Relaxed);
    }

    /// Notes whether the transport below has a read wait.
    pub(crate) fn note_read_below<T>(&self, polled: &Poll<T>) {
        self.0.reads_below.fetch_add(u64::from(polled.is_pending()), Ordering::Relaxed);
    }

    /// Notes whether it has a write wait.
    pub(crate) fn note_write_below<T>(&self, polled: &Poll<T>) {
        self.0.writes_below.fetch_add(u64::from(polled.is_pending()), Ordering::Relaxed);
    }
}
