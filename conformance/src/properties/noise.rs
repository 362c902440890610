//! Bytes that look random, the same each time, and do not repeat: one out of place is seen.

use std::sync::LazyLock;

/// As many as a script can send or receive.
pub(super) const NOISE_BYTES: usize = 512 << 10;

/// Made once, because a byte made anew for each script is what a fuzz run would spend its time on.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| (0..NOISE_BYTES).map(byte).collect());

/// Those at `at`, `n` of them or as many as there are.
pub(super) fn noise(at: usize, n: usize) -> &'static [u8] {
    let rest = &NOISE[at.min(NOISE_BYTES)..];
    &rest[..n.min(rest.len())]
}

/// The middle of a product with the golden ratio (Knuth, The Art of Computer Programming, volume 3, section 6.4).
fn byte(at: usize) -> u8 {
    (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()[2]
}
