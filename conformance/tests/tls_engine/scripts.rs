//! Made-up scripts through the properties that the fuzz targets run: other ones for each test, so that the tests share the
//! processors.

use asyncnet_conformance::properties::tls::{Played, Scripts, play_mutated, play_pair, play_stream};
use std::panic::catch_unwind;

/// What all scripts of a test came to.
#[derive(Default)]
struct Sum {
    established: usize,
    failed: usize,
    broken: usize,
    text_bytes: usize,
}

/// Plays the scripts of a seed; which one fails, the message of its panic does not tell.
fn play(count: u64, seed: u64, make: fn(&mut Scripts) -> Vec<u8>, play: fn(&[u8]) -> Played) -> Sum {
    let mut sum = Sum::default();
    for n in 0..count {
        let script = make(&mut Scripts::new(seed, n));
        let Ok(played) = catch_unwind(|| play(&script)) else {
            panic!("number {n} of seed {seed} fails: \"{}\"", script.escape_ascii())
        };
        sum.established += usize::from(played.established);
        sum.failed += usize::from(played.failure.is_some());
        sum.broken += usize::from(played.broken > 0);
        sum.text_bytes += played.text_bytes;
    }
    sum
}

/// Most make the handshake and some are cut.
fn streams(seed: u64) {
    let sum = play(700, seed, Scripts::stream, play_stream);
    assert!(sum.established > 600 && sum.failed > 50, "{} of {}", sum.established, sum.failed);
    assert!(sum.text_bytes > 100_000_000, "{}", sum.text_bytes);
}

#[test]
fn streams_1() {
    streams(1);
}

#[test]
fn streams_2() {
    streams(2);
}

#[test]
fn streams_3() {
    streams(3);
}

#[test]
fn streams_4() {
    streams(4);
}

/// Some fail in the handshake, some later, and some not at all.
fn mutated(seed: u64) {
    let sum = play(3_000, seed, Scripts::mutated, play_mutated);
    assert!((1_000..2_500).contains(&sum.established), "{}", sum.established);
    assert!(sum.broken > 2_000 && sum.failed > 1_500, "{} of {}", sum.failed, sum.broken);
    assert!(sum.text_bytes > 20_000_000, "{}", sum.text_bytes);
}

#[test]
fn mutated_1() {
    mutated(1);
}

#[test]
fn mutated_2() {
    mutated(2);
}

/// Half of them do not upgrade as a protocol would, and most of those fail.
fn pairs(seed: u64) {
    let sum = play(800, seed, Scripts::pair, play_pair);
    assert!((200..700).contains(&sum.established), "{}", sum.established);
    assert!(sum.text_bytes > 40_000_000, "{}", sum.text_bytes);
}

#[test]
fn pairs_1() {
    pairs(1);
}

#[test]
fn pairs_2() {
    pairs(2);
}
