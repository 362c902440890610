//! The adapters of this project, for the suite.

mod smol;
mod tokio;

pub use smol::Smol;
pub use tokio::Tokio;

use crate::run::{Job, child, jobs, memory_jobs};

/// Every case on every adapter.
///
/// ```
/// let jobs = asyncnet_conformance::adapters::all_jobs();
/// assert!(jobs.iter().any(|job| job.adapter == "smol" && job.case == "lines::limit"));
/// ```
#[must_use]
pub fn all_jobs() -> Vec<Job> {
    let mut all = memory_jobs();
    all.extend(jobs(Tokio::current_thread()));
    all.extend(jobs(Tokio::multi_thread()));
    all.extend(jobs(Smol));
    all
}

/// As [`child`], for every adapter here.
#[must_use]
pub fn any_child() -> bool {
    child(&Tokio::current_thread()) || child(&Tokio::multi_thread()) || child(&Smol)
}
