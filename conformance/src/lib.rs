//! What every adapter of asyncnet must do, as cases that run against any of them.
//!
//! A case is one rule with a stable name, `area::case`. It is written once, over a [`Fixture`] that gives it connections,
//! and runs over TCP and Unix sockets of each runtime, and in memory with a manual clock. The other end of its
//! connection is independent of the code under test: blocking calls of the standard library, on a thread where need be.
//!
//! `cargo run -p asyncnet-conformance` prints the table, `cargo test -p asyncnet-conformance` runs one test for each
//! case and adapter. An adapter of your own runs the same cases: see [`skeleton`].
//!
//! The properties of the core that the fuzz targets attack live here too, in [`properties`], and the certificates of the
//! tests of TLS, in [`pki`].

mod adapter;
mod cancel;
mod case;
mod cases;
mod memory;
mod over_tls;
mod peer;
pub mod pki;
mod process;
pub mod properties;
mod run;
pub mod skeleton;
mod steps;
mod tls_peer;

#[cfg(feature = "adapters")]
pub mod adapters;

pub use adapter::{Adapter, Fixture, Link, Pair, Sockets};
pub use cancel::Cuts;
pub use case::{Case, LocalFuture, Stop, Verdict, ensure, ensure_eq, ensure_err};
pub use memory::{Memory, MemoryReader, MemoryTransport, MemoryWriter};
pub use over_tls::OverTls;
pub use peer::{PATIENCE, Peer, Reset};
pub use run::{Job, Outcome, Report, child, jobs, memory_jobs};
pub use steps::{drop_after, drop_and_go_on, leak_after, lockstep};
pub use tls_peer::TlsPeer;
