//! A contiguous buffer: filled at its end, consumed from its front.
//!
//! ```text
//!   0        start             end          block.len()
//!   +----------+----------------+----------------+
//!   | consumed |    filled      |     space      |
//!   +----------+----------------+----------------+
//! ```
//!
//! Invariants: `start <= end <= block.len()`; a byte is moved only when the space behind it does not do: to the front if
//! the block is at most half full, to a longer block otherwise, and whenever longer ones are asked for. So moving is
//! amortized over filling.

use crate::block::{BLOCK_BYTES, Block, Blocks};
use bytes::Bytes;

#[derive(Debug, Default)]
pub(crate) struct Buffer {
    block: Block,
    start: usize,
    end: usize,
}

impl Buffer {
    /// The free space at the end, at least one byte unless the buffer holds `bound` bytes. When there is no more space in
    /// a block it takes one of `step` bytes, if that is longer.
    pub(crate) fn space(
        &mut self,
        step: usize,
        bound: usize,
        blocks: &mut (impl Blocks + ?Sized),
    ) -> &mut [u8] {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            let want = step.min(bound);
            if self.block.len() < want {
                self.replace(want, blocks);
            }
        } else if self.block.len() - self.end <= self.block.len() / 4 {
            // The start of a record or a line waits nearly always: it must not keep the reads short.
            match step.min(bound) {
                longer if longer > self.block.len() => self.replace(longer, blocks),
                _ => self.make_room(bound, blocks),
            }
        }
        let most = self.start.saturating_add(bound).min(self.block.len()).max(self.end);
        &mut self.block.bytes_mut()[self.end..most]
    }

    /// `n` bytes of the space were filled.
    #[inline]
    pub(crate) fn fill(&mut self, n: usize) {
        assert!(n <= self.block.len() - self.end, "more bytes were filled than there was space for");
        self.end += n;
    }

    /// Appends a copy of all the `bytes` if there is space for them as it is: whether there was.
    #[inline]
    pub(crate) fn append_within(&mut self, bytes: &[u8]) -> bool {
        let Some(space) = self.block.bytes_mut()[self.end..].get_mut(..bytes.len()) else { return false };
        space.copy_from_slice(bytes);
        self.end += bytes.len();
        true
    }

    /// Appends a copy of `bytes`, in a block of at most `bound` bytes; the count that fitted.
    pub(crate) fn append(
        &mut self,
        bytes: &[u8],
        bound: usize,
        blocks: &mut (impl Blocks + ?Sized),
    ) -> usize {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        let free = self.block.len() - self.end;
        if free < bytes.len() && self.block.len() < bound {
            let want = self.len() + bytes.len();
            let len = block_for(want).unwrap_or(bound).min(bound);
            if len > self.block.len() {
                self.replace(len, blocks);
            }
        }
        let n = bytes.len().min(self.block.len() - self.end);
        let end = self.end + n;
        self.block.bytes_mut()[self.end..end].copy_from_slice(&bytes[..n]);
        self.end = end;
        n
    }

    /// Takes a block for what is to be appended, if it has none and one is long enough.
    #[inline]
    pub(crate) fn reserve(&mut self, len: usize, blocks: &mut (impl Blocks + ?Sized)) {
        if self.block.is_empty() && len > 0 {
            if let Some(len) = block_for(len) {
                self.block = blocks.take(len);
            }
        }
    }

    /// At least `need` bytes of free space at the end, in a block of at most `cap` bytes, or of what it takes.
    #[cfg(feature = "tls")]
    pub(crate) fn room(&mut self, need: usize, cap: usize, blocks: &mut (impl Blocks + ?Sized)) -> &mut [u8] {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
        if self.block.len() - self.end < need {
            let want = self.len() + need;
            if want <= self.block.len() && self.len() <= self.start {
                self.move_to_front();
            } else {
                let doubled = want.max((self.block.len() * 2).min(cap));
                self.replace(block_for(want).unwrap_or(doubled), blocks);
            }
        }
        &mut self.block.bytes_mut()[self.end..]
    }

    /// Appends a copy of all the `bytes`; for `cap` see [`room`](Self::room).
    #[cfg(feature = "tls")]
    pub(crate) fn push(&mut self, bytes: &[u8], cap: usize, blocks: &mut (impl Blocks + ?Sized)) {
        self.room(bytes.len(), cap, blocks)[..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Drops `n` bytes at the front.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "more bytes were consumed than there were");
        self.start += n;
    }

    /// Drops `n` bytes at the front and shows the first `len` of them once more.
    #[inline]
    pub(crate) fn take(&mut self, len: usize, n: usize) -> &[u8] {
        let start = self.start;
        self.consume(n);
        &self.block.bytes()[start..][..len]
    }

    /// The first `n` bytes, consumed, as an owned value: the block itself if they are a good part of it, a copy
    /// otherwise.
    pub(crate) fn take_owned(&mut self, n: usize, blocks: &mut (impl Blocks + ?Sized)) -> Bytes {
        assert!(n <= self.len(), "more bytes were taken than there were");
        let text = self.start..self.start + n;
        if n < self.block.len() / 2 || n == 0 {
            let copy = Bytes::copy_from_slice(&self.block.bytes()[text]);
            self.consume(n);
            return copy;
        }
        let rest = text.end..self.end;
        let mut block = Block::default();
        if !rest.is_empty() {
            block = blocks.take(self.block.len());
            block.bytes_mut()[..rest.len()].copy_from_slice(&self.block.bytes()[rest.clone()]);
        }
        let whole = core::mem::replace(&mut self.block, block);
        (self.start, self.end) = (0, rest.len());
        Bytes::from(whole.into_boxed()).slice(text)
    }

    /// All that is filled as an owned value, without a copy.
    pub(crate) fn into_bytes(self) -> Bytes {
        let filled = self.start..self.end;
        if filled.is_empty() { Bytes::new() } else { Bytes::from(self.block.into_boxed()).slice(filled) }
    }

    /// Gives the block back if nothing is in it.
    pub(crate) fn release(&mut self, blocks: &mut (impl Blocks + ?Sized)) {
        if self.is_empty() && !self.block.is_empty() {
            (self.start, self.end) = (0, 0);
            blocks.give(core::mem::take(&mut self.block));
        }
    }

    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        &self.block.bytes()[self.start..self.end]
    }

    #[cfg(feature = "tls")]
    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.block.bytes_mut()[self.start..self.end]
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether no space is left without moving anything.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.end == self.block.len()
    }

    pub(crate) fn block_len(&self) -> usize {
        self.block.len()
    }

    fn make_room(&mut self, bound: usize, blocks: &mut (impl Blocks + ?Sized)) {
        let len = self.block.len();
        if len < bound && self.len() > len / 2 {
            let longer = block_for(len * 2).unwrap_or(len * 2);
            self.replace(longer.min(bound), blocks);
        } else if self.len() <= len / 2 || self.end == len {
            self.move_to_front();
        }
    }

    fn move_to_front(&mut self) {
        self.block.bytes_mut().copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.len());
    }

    /// Moves what is filled to the front of a block of `len` bytes.
    fn replace(&mut self, len: usize, blocks: &mut (impl Blocks + ?Sized)) {
        let mut block = blocks.take(len);
        let filled = self.len();
        block.bytes_mut()[..filled].copy_from_slice(self.filled());
        let old = core::mem::replace(&mut self.block, block);
        (self.start, self.end) = (0, filled);
        if !old.is_empty() {
            blocks.give(old);
        }
    }
}

/// The shortest of the blocks' lengths that holds `len` bytes.
fn block_for(len: usize) -> Option<usize> {
    BLOCK_BYTES.into_iter().find(|block| *block >= len)
}
