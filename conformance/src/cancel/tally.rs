//! What the cases of this area count: in how many places each call was broken off.
//!
//! A case runs on a thread of its own (see [`Job::run`](crate::Job::run)), so its counts are kept there until it ends.

use std::cell::RefCell;

/// In how many places a call was broken off.
///
/// ```
/// use asyncnet_conformance::memory_jobs;
///
/// let jobs = memory_jobs();
/// let job = jobs.iter().find(|job| job.case == "cancel::unbuffered").unwrap();
/// let report = job.run();
/// let flush = report.cuts.iter().find(|cuts| cuts.call == "Unbuffered::flush").unwrap();
/// // Fifteen bytes, each alone, and a flush: and the same in operations of five.
/// assert_eq!((flush.protocol, flush.points), ("plain", 15 + 1 + 3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cuts {
    /// The call's path, as users write it.
    pub call: &'static str,
    /// What it ran over: `plain`, `TLS 1.2` or `TLS 1.3`.
    pub protocol: &'static str,
    /// The places, in each of which it was dropped, and then in another run leaked.
    pub points: usize,
}

thread_local! {
    static TALLY: RefCell<Vec<Cuts>> = const { RefCell::new(Vec::new()) };
}

/// Adds to what is counted of a call.
pub(crate) fn count(cuts: &mut Vec<Cuts>, call: &'static str, protocol: &'static str, points: usize) {
    match cuts.iter_mut().find(|cuts| (cuts.call, cuts.protocol) == (call, protocol)) {
        Some(cuts) => cuts.points += points,
        None => cuts.push(Cuts { call, protocol, points }),
    }
}

/// Keeps what the case that runs on this thread counted over one kind of connection. Over another kind it has the same
/// places: the larger number is kept.
pub(crate) fn keep(cuts: Vec<Cuts>) {
    TALLY.with_borrow_mut(|tally| {
        for cuts in cuts {
            match tally.iter_mut().find(|kept| (kept.call, kept.protocol) == (cuts.call, cuts.protocol)) {
                Some(kept) => kept.points = kept.points.max(cuts.points),
                None => tally.push(cuts),
            }
        }
    });
}

/// What was kept on this thread since it was last asked.
pub(crate) fn take() -> Vec<Cuts> {
    TALLY.take()
}
