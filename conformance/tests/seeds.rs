//! Every seed and some thousands of made-up inputs, through the properties that the fuzz targets run.

use asyncnet_conformance::properties::ALL;
use asyncnet_core::{Connection, FreshBlocks, Incoming, Limits, LinePolicy, RecvError, Search};
use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// How many inputs are made up for a property, and how many are made from each of its seeds.
const MADE_UP: usize = 4_000;
const MADE_FROM_A_SEED: usize = 16;

/// The bytes that mean something to a script or to a line.
const TELLING: &[u8] = b"\r\n\r\n\r\naabX|0123456789!.:~wlmptocdebfrsxqQokgWy";

/// An input and what to call it.
type Input = (String, Vec<u8>);

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The names in a folder of `fuzz`, without what follows a dot.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz_folder().join(folder)).expect("the folder is checked in");
    let stem = |entry: fs::DirEntry| entry.path().file_stem().map(|stem| stem.to_string_lossy().into_owned());
    entries.filter_map(|entry| stem(entry.expect("the folder can be listed"))).collect()
}

/// The seeds of a property, in the order of their names.
fn seeds(name: &str) -> Vec<Input> {
    let folder = fuzz_folder().join("seeds").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be listed"))
        .map(|entry| {
            let bytes = fs::read(entry.path()).expect("a seed is a file");
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    seeds.sort();
    seeds
}

/// Runs each property on its inputs, and tells which ones fail: a panic's message does not.
fn check(inputs: fn(&str) -> Vec<Input>) {
    let mut failed = Vec::new();
    for (name, property) in ALL {
        for (title, bytes) in inputs(name) {
            if catch_unwind(|| property(&bytes)).is_err() {
                failed.push(format!("{name}: {title}: \"{}\"", bytes.escape_ascii()));
            }
        }
    }
    assert!(failed.is_empty(), "{} inputs fail:\n{}", failed.len(), failed.join("\n"));
}

/// Numbers that look random and are the same each time (Marsaglia's xorshift, 64 bits).
struct Noise(u64);

impl Noise {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 33) % most as u64).expect("it is below a usize")
    }

    fn byte(&mut self) -> u8 {
        if self.below(4) == 0 {
            u8::try_from(self.below(256)).expect("it is below 256")
        } else {
            TELLING[self.below(TELLING.len())]
        }
    }
}

/// Inputs made of bytes that mean something.
fn made_up(_name: &str) -> Vec<Input> {
    let mut noise = Noise(0x0A51_9C2E_77D3_4B1F);
    let mut input = |n| {
        let len = noise.below(80);
        (format!("made up, number {n}"), (0..len).map(|_| noise.byte()).collect())
    };
    (0..MADE_UP).map(&mut input).collect()
}

/// Each seed with some bytes put in, taken out or changed, some times over.
fn made_from_seeds(name: &str) -> Vec<Input> {
    let mut noise = Noise(0x3D07_E8F1_15AC_9B62);
    let mut inputs = Vec::new();
    for (title, seed) in seeds(name) {
        for _ in 0..MADE_FROM_A_SEED {
            let mut bytes = seed.clone();
            for _ in 0..=noise.below(4) {
                let at = noise.below(bytes.len() + 1);
                match noise.below(3) {
                    0 => bytes.insert(at, noise.byte()),
                    1 if at < bytes.len() => _ = bytes.remove(at),
                    _ if at < bytes.len() => bytes[at] = noise.byte(),
                    _ => bytes.push(noise.byte()),
                }
            }
            inputs.push((format!("made from {title}"), bytes));
        }
    }
    inputs
}

#[test]
fn every_target_has_a_property_and_seeds_and_nothing_else_has() {
    let properties: BTreeSet<String> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), properties);
    assert_eq!(names("seeds"), properties);
    for (name, _) in ALL {
        assert!(!seeds(name).is_empty(), "fuzz/seeds/{name} is empty");
    }
}

#[test]
fn no_seed_fails() {
    check(seeds);
}

#[test]
fn no_made_up_input_fails() {
    check(made_up);
}

#[test]
fn no_changed_seed_fails() {
    check(made_from_seeds);
}

/// What is left in the buffer belongs to the line that is dropped. The properties do not look at it; this does.
#[test]
fn the_tail_of_a_line_whose_budget_is_spent_is_not_served() {
    let mut limits = Limits::default();
    limits.discard_bytes_max = 3;
    let mut connection = Connection::new(limits);
    connection.wire_space()[..18].copy_from_slice(b"123456789MAIL\r\nok\n");
    connection.wire_filled(18);
    assert_eq!(connection.find_line(LinePolicy::new(5)), Err(RecvError::LineTooLong { limit: 5 }));
    assert_eq!(connection.process(), Err(RecvError::DiscardSpent { budget: 3 }.into()));
    assert_eq!(connection.plain(), b"");
    assert_eq!(connection.take(&mut [0; 4]), 0);
}

/// As its documentation says. What lies behind the bytes that came may be another connection's.
#[test]
#[should_panic = "more bytes were"]
fn a_line_that_is_not_there_is_not_taken() {
    let mut incoming = Incoming::new(&Limits::default());
    incoming.wire_space()[..2_101].copy_from_slice(&[[b'a'; 2_100].as_slice(), b"\n"].concat());
    incoming.wire_filled(2_101);
    let Ok(Search::Found(span)) = incoming.find_line(LinePolicy::new(4_000)) else { return };
    incoming.consume(200);
    let line = incoming.take_line_owned(span, &mut FreshBlocks);
    assert_eq!(line.len(), 1_900, "no more than that is left");
}
