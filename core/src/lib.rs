//! core
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
mod accept;
mod endpoint;
pub use accept::{AcceptDecision, AcceptFault, AcceptPolicy};
pub use endpoint::{Endpoint, UnixName};
