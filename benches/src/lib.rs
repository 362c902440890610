//! asyncnet beside its peers: servers that do the same work, a client that checks every byte of it, and the commands
//! that count and compare. `README.md` says how to repeat the figures and how to read them.
//!
//! Not a library to build on: what is here is for the programs of this package, and its shapes follow theirs.
//!
//! Every program of the package counts its allocations, so that what is compared carries the same weight.

pub mod arguments;
pub mod client_heap;
pub mod load;
pub mod measure;
pub mod memory;
pub mod pattern;
pub mod peers;
pub mod plot;
pub mod process;
pub mod request;
pub mod serve;

use std::error::Error;

/// What went wrong, for a message that ends the program.
pub type Fault = Box<dyn Error + Send + Sync>;
