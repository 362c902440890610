//! The driver's `halves/shared.rs`, the file itself, with loom's lock in the place of std's: the tests here run it in every
//! order in which two or three threads can take their steps, and find an answer that nobody sends, a waker that nobody
//! wakes, a side that is lost or ended twice.
//!
//! It is a crate of its own so that nothing else needs to be built for loom.

#[cfg(test)]
mod sync {
    pub(super) use loom::sync::{Mutex, MutexGuard};
}

#[cfg(test)]
#[path = "../../src/halves/shared.rs"]
#[expect(dead_code, reason = "the driver calls all of it")]
mod shared;

#[cfg(test)]
mod tests;
