//! Every seed and some thousands of made-up inputs, through the properties that the fuzz targets run.

use asyncnet_conformance::properties::{ALL, Property};
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// How many inputs are made up for a property, and how many are made from each of its seeds.
const MADE_UP: usize = 4_000;
const MADE_FROM_A_SEED: usize = 16;

/// The bytes that mean something to a script or to a line.
const TELLING: &[u8] = b"\r\n\r\n\r\naabX|0123456789!.:~wlmptocdebfrsxqQokgWy";

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
fn seeds(name: &str) -> Vec<(String, Vec<u8>)> {
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

/// Runs the property on every input, and tells which ones fail: a panic's message does not.
fn check(property: Property, inputs: impl Iterator<Item = (String, Vec<u8>)>) {
    let (name, property) = property;
    let failed: Vec<String> = inputs
        .filter(|(_, bytes)| catch_unwind(AssertUnwindSafe(|| property(bytes))).is_err())
        .map(|(title, bytes)| format!("{title}: \"{}\"", bytes.escape_ascii()))
        .collect();
    assert!(failed.is_empty(), "{name} fails for {} inputs:\n{}", failed.len(), failed.join("\n"));
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

fn replay(property: Property) {
    check(property, seeds(property.0).into_iter());
}

fn make_up(property: Property) {
    let mut noise = Noise(0x0A51_9C2E_77D3_4B1F);
    let made_up = (0..MADE_UP).map(|n| {
        let len = noise.below(80);
        (format!("made up, number {n}"), (0..len).map(|_| noise.byte()).collect())
    });
    check(property, made_up);

    let mut noise = Noise(0x3D07_E8F1_15AC_9B62);
    let changed =
        seeds(property.0).into_iter().flat_map(|(title, seed)| vec![(title, seed); MADE_FROM_A_SEED]);
    let changed = changed.map(|(title, mut bytes)| {
        for _ in 0..=noise.below(4) {
            let at = noise.below(bytes.len() + 1);
            match noise.below(3) {
                0 => bytes.insert(at, noise.byte()),
                1 if at < bytes.len() => _ = bytes.remove(at),
                _ if at < bytes.len() => bytes[at] = noise.byte(),
                _ => bytes.push(noise.byte()),
            }
        }
        (format!("made from {title}"), bytes)
    });
    check(property, changed);
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
fn no_seed_of_the_line_reader_fails() {
    replay(ALL[0]);
}

#[test]
fn no_seed_of_the_outgoing_queue_fails() {
    replay(ALL[1]);
}

#[test]
fn no_seed_of_the_receive_buffer_fails() {
    replay(ALL[2]);
}

#[test]
fn no_made_up_input_of_the_line_reader_fails() {
    make_up(ALL[0]);
}

#[test]
fn no_made_up_input_of_the_outgoing_queue_fails() {
    make_up(ALL[1]);
}

#[test]
fn no_made_up_input_of_the_receive_buffer_fails() {
    make_up(ALL[2]);
}
