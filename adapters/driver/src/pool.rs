//! Blocks of memory that idle connections gave back, kept for the next that has something to read or to queue.
//!
//! One pool a thread, so there is no lock; bounded, so that a burst does not become a habit.
//!
//! Invariant: only blocks of the core's three lengths are kept, and of each at most its count below: 128 + 256 + 512
//! KiB a thread.

use asyncnet_core::{BLOCK_BYTES, Block, Blocks};
use std::cell::RefCell;

const KEPT: [usize; BLOCK_BYTES.len()] = [32, 16, 8];

thread_local! {
    static POOL: RefCell<[Vec<Block>; BLOCK_BYTES.len()]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

/// The blocks of this thread's pool.
pub(crate) struct Pooled;

impl Blocks for Pooled {
    fn take(&mut self, len: usize) -> Block {
        let kept = class(len).and_then(|class| with(|pool| pool[class].pop()).flatten());
        kept.unwrap_or_else(|| Block::new(len))
    }

    fn give(&mut self, block: Block) {
        let Some(class) = class(block.len()) else { return };
        with(|pool| {
            if pool[class].len() < KEPT[class] {
                pool[class].push(block);
            }
        });
    }
}

fn class(len: usize) -> Option<usize> {
    BLOCK_BYTES.iter().position(|class| *class == len)
}

/// Nothing while the thread ends: then blocks come from the allocator and go back to it.
#[inline]
fn with<R>(work: impl FnOnce(&mut [Vec<Block>; BLOCK_BYTES.len()]) -> R) -> Option<R> {
    POOL.try_with(|pool| work(&mut pool.borrow_mut())).ok()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_BYTES, KEPT, Pooled, with};
    use asyncnet_core::{Block, Blocks};

    #[test]
    fn the_pool_is_bounded_and_keeps_only_its_lengths() {
        for len in BLOCK_BYTES.into_iter().chain([1, 5_000, 1 << 20]) {
            for _ in 0..100 {
                Pooled.give(Block::new(len));
            }
        }
        let kept = with(|pool| pool.each_ref().map(Vec::len));
        assert_eq!(kept, Some(KEPT));
        assert_eq!(Pooled.take(4096).len(), 4096);
        assert_eq!(with(|pool| pool[0].len()), Some(KEPT[0] - 1));
    }
}
