//! The wakers of all tasks that wait for one event of a socket that keeps a single waker.
//!
//! The socket gets a waker that wakes them all: the first to run takes what came and the others wait again. So a wait that
//! is dropped takes nothing with it, and needs no one to pass a wake-up on.
//!
//! Invariant: nothing foreign runs under the lock: wakers are woken and dropped outside.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// Who waits.
#[derive(Default)]
pub(crate) struct Waiters {
    slots: Mutex<Vec<Slot>>,
}

#[derive(Default)]
struct Slot {
    taken: bool,
    waker: Option<Waker>,
}

/// A place among those who wait, given up when it is dropped.
pub(crate) struct Place<'a> {
    waiters: &'a Waiters,
    slot: Option<usize>,
}

impl<'a> Place<'a> {
    /// A place that is taken with the first wait.
    pub(crate) fn new(waiters: &'a Waiters) -> Self {
        Self { waiters, slot: None }
    }

    /// Puts the waker there. To be done before the socket is asked, so that nothing comes unnoticed.
    pub(crate) fn wait(&mut self, waker: &Waker) {
        self.slot = Some(self.waiters.wait(self.slot, waker));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.waiters.leave(slot);
        }
    }
}

impl Waiters {
    /// Puts the waker in its slot, or in a free one at first: which.
    fn wait(&self, slot: Option<usize>, waker: &Waker) -> usize {
        let waker = waker.clone();
        let mut slots = lock(&self.slots);
        let slot = slot.or_else(|| slots.iter().position(|slot| !slot.taken)).unwrap_or(slots.len());
        if slot == slots.len() {
            slots.push(Slot::default());
        }
        let old = std::mem::replace(&mut slots[slot], Slot { taken: true, waker: Some(waker) });
        // A waker may own its task, and that may hold another place here.
        drop(slots);
        drop(old);
        slot
    }

    fn leave(&self, slot: usize) {
        let old = std::mem::take(&mut lock(&self.slots)[slot]);
        drop(old);
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken: Vec<Waker> = lock(&self.slots).iter_mut().filter_map(|slot| slot.waker.take()).collect();
        for waker in woken {
            waker.wake();
        }
    }
}

/// What is behind these locks is whole at every moment, so a panic elsewhere does not spoil it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
