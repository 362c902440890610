//! A pool that hands out memory full of garbage, as a pool does whose blocks held another connection's bytes.
//!
//! A block's memory is nobody's but the core's, so it is dirtied through a receiving half that only serves for that.

use asyncnet_core::{Block, Blocks, Incoming, Limits};

/// How many blocks are kept: enough for every one in use at once to be a used one.
const KEPT_MAX: usize = 8;

#[derive(Debug, Default)]
pub(super) struct DirtyBlocks {
    kept: Vec<Block>,
}

/// Hands out the one block that it has, and takes it back.
struct One(Block);

impl Blocks for DirtyBlocks {
    fn take(&mut self, len: usize) -> Block {
        let kept = self.kept.iter().position(|block| block.len() == len);
        kept.map_or_else(|| dirty(Block::new(len)), |at| self.kept.swap_remove(at))
    }

    fn give(&mut self, block: Block) {
        assert!(!block.is_empty(), "a block without memory was given back");
        if self.kept.len() < KEPT_MAX {
            self.kept.push(dirty(block));
        }
    }
}

impl Blocks for One {
    fn take(&mut self, _len: usize) -> Block {
        std::mem::take(&mut self.0)
    }

    fn give(&mut self, block: Block) {
        self.0 = block;
    }
}

fn dirty(block: Block) -> Block {
    let mut limits = Limits::default();
    limits.recv_bytes_max = block.len();
    let mut soil = Incoming::new(&limits);
    // So that all of a long block is its space.
    let looked = soil.find_bytes(block.len());
    assert!(looked.is_ok(), "a block of {} bytes cannot be dirtied: {looked:?}", block.len());
    let mut one = One(block);
    soil.wire_space_from(&mut one).fill(0xAA);
    soil.release(&mut one);
    one.0
}

#[cfg(test)]
mod tests {
    use super::DirtyBlocks;
    use asyncnet_core::{Blocks, Incoming, Limits};

    #[test]
    fn all_of_a_block_is_dirty() {
        let mut blocks = DirtyBlocks::default();
        for len in [1, 7, 4096, 65_536] {
            let mut limits = Limits::default();
            limits.recv_bytes_max = len;
            let mut incoming = Incoming::new(&limits);
            let space = incoming.wire_space_from(&mut blocks);
            assert_eq!(space, vec![0xAA; len.min(4096)]);
            space.fill(0);
            incoming.release(&mut blocks);
            assert_eq!(incoming.wire_space_from(&mut blocks), vec![0xAA; len.min(4096)], "used before");
        }
        for len in [1, 4096, 65_536, 100_001] {
            assert_eq!(blocks.take(len).len(), len);
        }
    }
}
