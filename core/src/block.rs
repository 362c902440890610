//! Memory for buffers: zeroed once, when it is allocated, and reused after that.
//!
//! Invariant: every byte of a block is initialised, so no read needs to zero it again.

use alloc::boxed::Box;
use alloc::vec;

/// The lengths of blocks, in bytes: what a read starts with, its next step, and the most it takes at once.
///
/// 64 KiB is where a larger read no longer saves system calls that are felt. The longer two are a little more than 16 and
/// 64 KiB, for what TLS puts around one record of the longest kind, or around four and some short ones.
pub const BLOCK_BYTES: [usize; 3] = [4 << 10, (16 << 10) + 256, (64 << 10) + 256];

/// A piece of initialised memory.
///
/// ```
/// use asyncnet_core::Block;
///
/// assert_eq!(Block::new(4096).len(), 4096);
/// ```
#[derive(Default)]
pub struct Block {
    bytes: Box<[u8]>,
}

impl Block {
    /// Allocates `len` bytes of zeros.
    ///
    /// ```
    /// use asyncnet_core::Block;
    ///
    /// assert!(Block::new(0).is_empty());
    /// ```
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { bytes: vec![0; len].into_boxed_slice() }
    }

    /// How many bytes it has.
    ///
    /// ```
    /// assert_eq!(asyncnet_core::Block::new(7).len(), 7);
    /// ```
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has no bytes at all.
    ///
    /// ```
    /// assert!(asyncnet_core::Block::default().is_empty());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    pub(crate) fn into_boxed(self) -> Box<[u8]> {
        self.bytes
    }
}

impl core::fmt::Debug for Block {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Block({} bytes)", self.len())
    }
}

/// Where a connection gets its blocks from, and where it gives them back to.
///
/// ```
/// use asyncnet_core::{Block, Blocks, Connection, Limits};
///
/// /// Keeps the last block.
/// struct One(Option<Block>);
///
/// impl Blocks for One {
///     fn take(&mut self, len: usize) -> Block {
///         self.0.take().filter(|block| block.len() == len).unwrap_or_else(|| Block::new(len))
///     }
///     fn give(&mut self, block: Block) {
///         self.0 = Some(block);
///     }
/// }
///
/// let mut one = One(None);
/// let mut connection = Connection::new(Limits::default());
/// connection.incoming_mut().wire_space_from(&mut one);
/// connection.incoming_mut().release(&mut one);
/// assert_eq!(one.0.map(|block| block.len()), Some(4096));
/// ```
pub trait Blocks {
    /// A block of exactly `len` bytes.
    fn take(&mut self, len: usize) -> Block;

    /// Takes a block back, to keep it or to free it.
    fn give(&mut self, block: Block);
}

/// Blocks straight from the allocator, and straight back to it.
///
/// ```
/// use asyncnet_core::{Blocks, FreshBlocks};
///
/// assert_eq!(FreshBlocks.take(16).len(), 16);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FreshBlocks;

impl Blocks for FreshBlocks {
    fn take(&mut self, len: usize) -> Block {
        Block::new(len)
    }

    fn give(&mut self, block: Block) {
        drop(block);
    }
}
