//! What there is to measure without a socket: splitting lines, sealing and opening, handshakes; this project's core beside
//! what others have for it.
//!
//! A subject does one pass over its input each time it is called, and says what it saw, so that nothing is optimized
//! away and all can be seen to have done the same.

mod split;
mod tls;

pub use split::{Text, splitters};
pub use tls::{handshakes, records};

use crate::Fault;

/// Something that does its work once each time it is called, and returns what it saw: bytes, or lines.
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// Its pass.
    pub pass: Box<dyn FnMut() -> Result<usize, Fault>>,
}

impl Subject {
    fn new(name: &'static str, pass: impl FnMut() -> Result<usize, Fault> + 'static) -> Self {
        Self { name, pass: Box::new(pass) }
    }
}

/// Subjects that do the same work.
pub struct Group {
    /// What the work is.
    pub name: String,
    /// What a pass has: how many lines, KiB or handshakes.
    pub units: u64,
    /// What one of them is called.
    pub unit: &'static str,
    /// The first is what the others are measured by.
    pub subjects: Vec<Subject>,
}
