//! The adapters of this project, for the suite.

mod smol;
mod tokio;

pub use smol::Smol;
pub use tokio::Tokio;

use crate::adapter::Sockets;
use crate::cancel;
use crate::case::{Case, LocalFuture, Verdict};
use crate::cases::{split, split_tls, unbuffered};
use crate::run::{Job, child, jobs, memory_jobs};
use asyncnet_driver::{Endpoints, Net, PeekTransport, SplitTransport};

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

/// A case over sockets.
type Run<N> = for<'a> fn(&'a Sockets<N>) -> LocalFuture<'a, Verdict>;

/// The rules for a runtime's own traits and sockets: each runtime tries them in its own words.
fn own_cases<N>(
    read_write: Run<N>,
    two_tasks: Run<N>,
    buf_read: Run<N>,
    foreign: Run<N>,
    foreign_tls: Run<N>,
    convert: Run<N>,
    handed_over: Run<N>,
) -> Vec<Case<Sockets<N>>>
where
    N: Net<Transport: SplitTransport + Endpoints + PeekTransport> + 'static,
{
    let mut cases = vec![
        Case::new("traits::read_write", "a stream has the runtime's AsyncRead and AsyncWrite", read_write),
        Case::new(
            "traits::two_tasks",
            "two tasks may poll the traits, by the runtime's own split",
            two_tasks,
        ),
        Case::new("traits::buf_read", "a stream has the runtime's AsyncBufRead", buf_read),
        Case::new("traits::foreign", "a foreign stream with the runtime's traits is a transport", foreign),
        Case::new("traits::foreign_tls", "TLS goes over a foreign stream, and over TLS in it", foreign_tls),
        Case::new(
            "traits::convert",
            "streams come from the runtime's own sockets, and go back to them",
            convert,
        ),
        Case::new(
            "halves::split",
            "a stream comes apart into halves that own their buffers, and together again",
            |at| Box::pin(split(at)),
        ),
        Case::new(
            "halves::tls",
            "halves share one TLS session: both ways at once, what fails one fails the other",
            |at| Box::pin(split_tls(at)),
        ),
        Case::new(
            "unbuffered::handed_over",
            "after a line the descriptor goes to another process, which reads the next ones",
            handed_over,
        ),
    ];
    cases.extend(unbuffered());
    cases.extend(cancel::socket_cases());
    cases
}
