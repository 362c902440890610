//! How many connections a server has at once, and what becomes of one more.
//!
//! Such a connection could also be left in the kernel's queue of accepted ones, or not be accepted: then its client waits, and
//! cannot know for what. Being told, or reset, it can try elsewhere, or later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many of those who are too many are told so at once; the others are reset. A client that does not read holds such
/// a place for some seconds, so their number has to have a bound too.
const TOLD_MAX: usize = 64;

/// The most connections at once.
///
/// ```
/// use asyncnet_examples::capacity::Capacity;
///
/// let capacity = Capacity::new(1).telling("421 full\r\n");
/// let place = capacity.take().unwrap();
/// assert!(capacity.take().is_none());
/// drop(place);
/// assert!(capacity.take().is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Capacity {
    served: Places,
    told: Places,
    words: String,
}

/// A connection's place. Dropping it makes room for another.
#[derive(Debug)]
pub struct Place(Places);

#[derive(Clone, Debug)]
struct Places {
    taken: Arc<AtomicUsize>,
    max: usize,
}

impl Capacity {
    /// So many; one more is reset.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { served: Places::new(max), told: Places::new(TOLD_MAX), words: String::new() }
    }

    /// Says these words, with their line end, to one more, and closes it well. Over TLS it is reset all the same: a handshake
    /// is what a server that is full cannot afford.
    #[must_use]
    pub fn telling(mut self, words: impl Into<String>) -> Self {
        self.words = words.into();
        self
    }

    /// A place for a connection, if there is one.
    #[must_use]
    pub fn take(&self) -> Option<Place> {
        self.served.take()
    }

    /// How many there may be.
    #[must_use]
    pub fn max(&self) -> usize {
        self.served.max
    }

    /// What to say to one more, and the place to do it in.
    pub(crate) fn take_words(&self) -> Option<(String, Place)> {
        let place = if self.words.is_empty() { None } else { self.told.take() };
        place.map(|place| (self.words.clone(), place))
    }
}

impl Places {
    fn new(max: usize) -> Self {
        Self { taken: Arc::default(), max }
    }

    fn take(&self) -> Option<Place> {
        // The count alone is shared, so no order with anything else matters.
        let more = |n| (n < self.max).then_some(n + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Capacity, TOLD_MAX};

    #[test]
    fn those_who_are_told_are_bounded_too() {
        let capacity = Capacity::new(0).telling("421 full\r\n");
        assert!(capacity.take().is_none());
        let told: Vec<_> =
            (0..TOLD_MAX).map(|_| capacity.clone().take_words().expect("there is room")).collect();
        assert!(capacity.take_words().is_none());
        drop(told);
        assert!(capacity.take_words().is_some_and(|(words, _)| words == "421 full\r\n"));
        assert!(Capacity::new(0).take_words().is_none(), "there is nothing to say");
    }
}
