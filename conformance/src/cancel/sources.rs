//! Every public call that waits says under `# Cancel safety` what a dropped one leaves, and has a row.

use super::{Cut, Peeked, Wire, calls, handshake, network};
use crate::memory::MemoryTransport;
use crate::pki::Version;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The calls that have a row.
fn rows() -> BTreeSet<&'static str> {
    let mut names: BTreeSet<&str> = network::names::<asyncnet_smol::SmolNet>().collect();
    names.extend(calls::whole::<Wire>().iter().map(|row| row.name));
    names.extend(handshake::rows::<Wire>(Version::Tls13).iter().map(|row| row.name));
    names.extend(calls::halves::<Cut<MemoryTransport>>().iter().map(|row| row.name));
    names.extend(calls::unbuffered::<Box<dyn Peeked>>().iter().map(|row| row.name));
    names
}

/// A public call of a source file.
#[derive(Debug)]
struct Found {
    /// Its path, as users write it.
    name: String,
    waits: bool,
    says: bool,
}

/// The public functions of a file, and whether their documentation speaks of cancelling.
fn calls_of(source: &str) -> Vec<Found> {
    let (mut of, mut docs, mut found) = (None, String::new(), Vec::new());
    for line in source.lines() {
        if let Some(rest) = line.strip_prefix("impl") {
            of = Some(implemented(rest));
        } else if line == "}" {
            of = None;
        }
        let code = line.trim_start();
        if let Some(doc) = code.strip_prefix("///") {
            docs += doc;
            docs.push('\n');
            continue;
        }
        let (waits, name) = match (code.strip_prefix("pub async fn "), code.strip_prefix("pub fn ")) {
            (Some(name), _) => (true, Some(name)),
            (None, name) => (false, name),
        };
        if let Some(name) = name.and_then(|name| name.split(['(', '<']).next()) {
            let name = of.map_or_else(|| name.to_owned(), |of| format!("{of}::{name}"));
            found.push(Found { name, waits, says: docs.contains("# Cancel safety") });
        }
        if !code.starts_with("#[") {
            docs.clear();
        }
    }
    found
}

/// The type of an `impl`, without its generics: `Stream` of `<T: Transport> Stream<T> {`.
fn implemented(rest: &str) -> &str {
    let mut depth = 0;
    let after = rest.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '<') - i32::from(*c == '>');
        depth == 0
    });
    let (at, first) = after.unwrap_or((0, ' '));
    let rest = rest[at + first.len_utf8()..].trim_start();
    let rest = rest.split_once(" for ").map_or(rest, |(_, of)| of);
    rest.split(['<', ' ']).next().unwrap_or_default()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the driver is beside this crate");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    folders.iter().flat_map(|folder| sources(folder)).chain(files).collect()
}

#[test]
fn every_call_that_waits_says_what_a_dropped_one_leaves_and_has_a_row() {
    let rows = rows();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/driver/src");
    let (mut wrong, mut known) = (Vec::new(), BTreeSet::new());
    for path in sources(&folder) {
        let source = fs::read_to_string(&path).expect("a source file is text");
        for Found { name, waits, says } in calls_of(&source) {
            if waits && !says {
                wrong.push(format!("{name} has no `# Cancel safety` in its documentation"));
            }
            if (waits || says) && !rows.contains(&*name) {
                wrong.push(format!("{name} has no row in conformance/src/cancel"));
            }
            known.insert(name);
        }
    }
    let of_nothing = rows.iter().filter(|name| !known.contains(**name));
    wrong.extend(of_nothing.map(|name| format!("there is no {name}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_missing_is_seen() {
    let source = "\
impl<T: Into<Vec<u8>>> Deref for Stream<T> {
    /// Says it.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has done nothing.
    #[must_use]
    pub async fn careful(&mut self) {}

    /// Does not.
    pub async fn careless<X>(&mut self) {}
}

/// A named future.
///
/// # Cancel safety
pub fn dial() -> Dial {}

impl<'a, T> Listener<T> {
    pub(crate) async fn inner(&self) {}
    pub fn plain(&self) {}
}
";
    let found: Vec<_> =
        calls_of(source).into_iter().map(|found| (found.name, found.waits, found.says)).collect();
    let expected = [
        ("Stream::careful", true, true),
        ("Stream::careless", true, false),
        ("dial", false, true),
        ("Listener::plain", false, false),
    ];
    assert_eq!(found, expected.map(|(name, waits, says)| (name.to_owned(), waits, says)));
}
