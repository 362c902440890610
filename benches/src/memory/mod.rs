//! What there is to measure without a socket: splitting lines, sealing and opening, handshakes; this project's core beside
//! what others have for it.
//!
//! A subject does one pass over its input each time it is called, and says what it saw, so that nothing is optimized
//! away and all can be seen to have done the same.

mod split;
mod tls;

use split::Text;

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

/// A work that is not begun: some take a while to begin.
pub struct Planned {
    /// What the work is.
    pub name: String,
    /// Makes its subjects.
    pub begin: Box<dyn FnOnce() -> Result<Group, Fault>>,
}

/// All works, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Planned> {
    let plan = |name: &str, begin: fn() -> Result<Group, Fault>| Planned {
        name: name.to_owned(),
        begin: Box::new(begin),
    };
    let split = Text::all()
        .into_iter()
        .map(|text| Planned { name: text.name(), begin: Box::new(move || Ok(split::splitters(text))) });
    let tls = [
        plan(tls::SEAL, || tls::records(tls::SEAL)),
        plan(tls::OPEN, || tls::records(tls::OPEN)),
        plan(tls::FULL, || tls::handshakes(tls::FULL)),
        plan(tls::RESUMED, || tls::handshakes(tls::RESUMED)),
    ];
    split.chain(tls).collect()
}
