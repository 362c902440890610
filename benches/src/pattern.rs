//! The bytes that bulk work sends: those at one place of the stream differ from those at another, so that a byte lost,
//! doubled or moved is seen by whoever checks.

use std::sync::LazyLock;

/// The longest write of bulk work, in bytes.
pub const CHUNK_BYTES_MAX: usize = 1 << 20;

/// A prime, so that no buffer's length is a multiple of it, and one that a byte can count to.
const PERIOD: u8 = 251;

static PATTERN: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..PERIOD).cycle().take(CHUNK_BYTES_MAX + usize::from(PERIOD)).collect());

/// The bytes of the stream from byte `at` on, at most [`CHUNK_BYTES_MAX`] of them.
///
/// ```
/// use asyncnet_benches::pattern::pattern;
///
/// assert_eq!(pattern(250, 3), [250, 0, 1]);
/// assert_eq!(pattern(251 * 1_000_000_007, 2), [0, 1]);
/// ```
#[must_use]
pub fn pattern(at: u64, len: usize) -> &'static [u8] {
    let start = usize::from(u8::try_from(at % u64::from(PERIOD)).unwrap_or(0));
    &PATTERN[start..][..len.min(CHUNK_BYTES_MAX)]
}
