//! The sending half of a connection: bytes that wait for the wire, and the state of the write side.
//!
//! ```text
//!   [ open ] --- close() ---> [ closing: what is queued still goes out ] --- queue empty ---> [ finished ]
//!      |
//!      | a long direct send is left in the middle
//!      v
//!   [ abandoned: nothing may follow the torn message ]
//! ```
//!
//! Bytes are copied into the queue, or put there as owned values without a copy, or sent past it straight from the
//! caller's memory: a *direct* send, whose progress is kept here and not in a future, so that one that is dropped or
//! leaked is noticed.
//!
//! It is one file because it is one state: the queue and the direct send decide together what may come next. Most of
//! its length is the examples.
//!
//! Invariants:
//! - The pieces in order, then the tail, are what goes out next, over TLS behind what is sealed; `len` is the sum of
//!   their lengths.
//! - While a direct send is under way its bytes come behind all that is queued, and nothing can be queued.

use crate::block::{BLOCK_BYTES, Blocks, FreshBlocks};
use crate::buffer::Buffer;
use crate::error::SendError;
use crate::limits::Limits;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::{Buf, Bytes, BytesMut};

/// The sending half of a [`Connection`](crate::Connection).
///
/// ```
/// use asyncnet_core::{Limits, Outgoing};
///
/// let mut outgoing = Outgoing::new(&Limits::default());
/// outgoing.queue(&[b"NOOP", b"\r\n"]).unwrap();
/// assert_eq!(outgoing.wire_pending().collect::<Vec<_>>(), [b"NOOP\r\n"]);
/// outgoing.wire_sent(6);
/// assert!(outgoing.is_empty());
/// ```
#[derive(Debug)]
pub struct Outgoing {
    pieces: VecDeque<Piece>,
    tail: Buffer,
    len: usize,
    /// Over TLS, what is sealed and waits for the wire; the queue holds text then.
    sealed: Option<Box<Buffer>>,
    state: State,
    queue_bytes_max: usize,
    /// From how many bytes on the queue is heavy.
    heavy_bytes: usize,
    send_atomic_max: usize,
    wire_bytes: u64,
    /// The wire has a part of what is queued.
    is_begun: bool,
}

#[derive(Debug)]
enum Piece {
    Copied(Buffer),
    Owned(Bytes),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A direct send is under way: `sent` of its `of` bytes went out.
    Direct {
        sent: usize,
        of: usize,
    },
    Closing,
    Finished,
    Abandoned {
        sent: usize,
        of: usize,
    },
}

/// An owned value shorter than this is copied into the queue: one more piece costs more than the copy.
const OWNED_BYTES_MIN: usize = 1 << 10;

/// From here on a queue is to go out before more is read, if it may hold so much.
const HEAVY_BYTES: usize = 64 << 10;

impl Outgoing {
    /// An empty half.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert!(Outgoing::new(&Limits::default()).is_empty());
    /// ```
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            pieces: VecDeque::new(),
            tail: Buffer::default(),
            len: 0,
            sealed: None,
            state: State::Open,
            queue_bytes_max: limits.queue_bytes_max,
            heavy_bytes: heavy_bytes(limits),
            send_atomic_max: limits.send_atomic_max,
            wire_bytes: 0,
            is_begun: false,
        }
    }

    // The wire's side.

    /// What waits for the wire, in order, piece by piece.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert_eq!(Outgoing::new(&Limits::default()).wire_pending().count(), 0);
    /// ```
    pub fn wire_pending(&self) -> impl Iterator<Item = &[u8]> {
        let sealed = self.sealed.as_ref().map(|sealed| sealed.filled());
        let queued = self.sealed.is_none().then(|| self.queued());
        sealed.into_iter().chain(queued.into_iter().flatten()).filter(|bytes| !bytes.is_empty())
    }

    /// What waits for the wire, if that is a single piece, or nothing: then it is empty.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[b"NOOP", b"\r\n"]).unwrap();
    /// assert_eq!(outgoing.wire_only(), Some(&b"NOOP\r\n"[..]));
    /// ```
    #[must_use]
    #[inline]
    pub fn wire_only(&self) -> Option<&[u8]> {
        match &self.sealed {
            Some(sealed) => Some(sealed.filled()),
            None => self.queued_only(),
        }
    }

    /// What is queued, if that is a single piece, or nothing.
    #[inline]
    pub(crate) fn queued_only(&self) -> Option<&[u8]> {
        self.pieces.is_empty().then(|| self.tail.filled())
    }

    /// The first `n` of the waiting bytes are with the wire; memory goes back to the allocator, see
    /// [`wire_sent_to`](Self::wire_sent_to).
    ///
    /// # Panics
    ///
    /// If fewer were waiting.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[b"abc"]).unwrap();
    /// outgoing.wire_sent(1);
    /// assert_eq!(outgoing.wire_pending().next(), Some(&b"bc"[..]));
    /// ```
    pub fn wire_sent(&mut self, n: usize) {
        self.wire_sent_to(n, &mut FreshBlocks);
    }

    /// The first `n` of the waiting bytes are with the wire; memory that is free now goes to `blocks`.
    ///
    /// # Panics
    ///
    /// If fewer were waiting.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[b"abc"]).unwrap();
    /// outgoing.wire_sent_to(3, &mut FreshBlocks);
    /// assert_eq!(outgoing.wire_bytes(), 3);
    /// ```
    #[inline]
    pub fn wire_sent_to(&mut self, n: usize, blocks: &mut impl Blocks) {
        self.wire_bytes += n as u64;
        match &mut self.sealed {
            Some(sealed) => sealed.consume(n),
            None => self.drop_queued(n, blocks),
        }
    }

    /// Drops the first `n` queued bytes: they are with the wire, or sealed.
    pub(crate) fn drop_queued(&mut self, n: usize, blocks: &mut impl Blocks) {
        assert!(n <= self.len, "more bytes were sent than waited");
        self.len -= n;
        self.is_begun = self.len > 0 && (n > 0 || self.is_begun);
        let mut left = n;
        while let Some(piece) = self.pieces.front_mut() {
            let len = piece.bytes().len();
            if left < len {
                return piece.consume(left);
            }
            left -= len;
            if let Some(Piece::Copied(mut buffer)) = self.pieces.pop_front() {
                buffer.consume(len);
                buffer.release(blocks);
            }
        }
        self.tail.consume(left);
    }

    /// Gives the memory back if nothing waits in it.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[b"abc"]).unwrap();
    /// outgoing.wire_sent(3);
    /// outgoing.release(&mut FreshBlocks);
    /// assert_eq!(outgoing.held_bytes(), 0);
    /// ```
    #[inline]
    pub fn release(&mut self, blocks: &mut impl Blocks) {
        self.tail.release(blocks);
        if let Some(sealed) = &mut self.sealed {
            sealed.release(blocks);
        }
    }

    // The caller's side.

    /// Queues the parts, all or none of them; memory comes from the allocator, see [`queue_from`](Self::queue_from).
    ///
    /// # Errors
    ///
    /// [`SendError::QueueFull`] if they do not all fit; [`SendError::Closed`]; [`SendError::Abandoned`].
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing, SendError};
    ///
    /// let mut limits = Limits::default();
    /// limits.queue_bytes_max = 4;
    /// let mut outgoing = Outgoing::new(&limits);
    /// assert_eq!(outgoing.queue(&[b"abc"]), Ok(()));
    /// assert_eq!(outgoing.queue(&[b"d", b"e"]), Err(SendError::QueueFull { asked: 2, room: 1 }));
    /// assert_eq!(outgoing.queue(&[b"d"]), Ok(()));
    /// ```
    pub fn queue(&mut self, parts: &[&[u8]]) -> Result<(), SendError> {
        self.queue_from(parts, &mut FreshBlocks)
    }

    /// Queues the parts, all or none of them, in memory from `blocks`.
    ///
    /// # Errors
    ///
    /// As [`queue`](Self::queue).
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue_from(&[b"a", b"b"], &mut FreshBlocks).unwrap();
    /// assert_eq!(outgoing.len(), 2);
    /// ```
    #[inline]
    pub fn queue_from(&mut self, parts: &[&[u8]], blocks: &mut impl Blocks) -> Result<(), SendError> {
        self.check_open()?;
        let asked = parts.iter().map(|part| part.len()).sum();
        let room = self.queue_bytes_max.saturating_sub(self.len);
        if asked > room {
            return Err(SendError::QueueFull { asked, room });
        }
        self.tail.reserve(asked, blocks);
        for part in parts {
            self.push(part, blocks);
        }
        Ok(())
    }

    /// Queues an owned value, which is not copied unless it is short. Its memory is the caller's, so it may be of any
    /// length, but not behind a queue that is at its limit already.
    ///
    /// # Errors
    ///
    /// [`SendError::QueueFull`] behind such a queue; [`SendError::Closed`]; [`SendError::Abandoned`].
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Limits, Outgoing};
    /// use bytes::Bytes;
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue_owned(Bytes::from(vec![b'x'; 1 << 20]), &mut FreshBlocks).unwrap();
    /// assert_eq!((outgoing.len(), outgoing.held_bytes()), (1 << 20, 0));
    /// ```
    pub fn queue_owned(&mut self, bytes: Bytes, blocks: &mut impl Blocks) -> Result<(), SendError> {
        self.check_open()?;
        if self.len > 0 && self.len >= self.queue_bytes_max {
            return Err(SendError::QueueFull { asked: bytes.len(), room: 0 });
        }
        if bytes.len() < OWNED_BYTES_MIN {
            self.push(&bytes, blocks);
            return Ok(());
        }
        self.seal_tail();
        self.len += bytes.len();
        self.pieces.push_back(Piece::Owned(bytes));
        Ok(())
    }

    /// Nothing more will be queued: what waits still goes out. Closing twice is harmless.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing, SendError};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.close();
    /// assert_eq!(outgoing.queue(&[b"late"]), Err(SendError::Closed));
    /// ```
    pub fn close(&mut self) {
        self.settle();
        if self.state == State::Open {
            self.state = State::Closing;
        }
    }

    /// The write side of the wire is shut down.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.close();
    /// outgoing.finish();
    /// assert!(outgoing.is_finished());
    /// ```
    pub fn finish(&mut self) {
        self.state = State::Finished;
    }

    // Direct sends.

    /// A direct send of `of` bytes begins: nothing of it is out yet.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`]; [`SendError::Abandoned`].
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing, SendError};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.begin_direct(10).unwrap();
    /// outgoing.direct_sent(4);
    /// // Its future was leaked: nobody ended it.
    /// assert_eq!(outgoing.queue(&[b"more"]), Err(SendError::Abandoned { sent: 4, of: 10 }));
    /// ```
    pub fn begin_direct(&mut self, of: usize) -> Result<(), SendError> {
        self.check_open()?;
        self.state = State::Direct { sent: 0, of };
        Ok(())
    }

    /// `n` bytes more of the direct send are with the wire, or over TLS sealed: then they will be.
    ///
    /// # Panics
    ///
    /// If none is under way, or it has fewer bytes left.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.begin_direct(4).unwrap();
    /// outgoing.direct_sent(4);
    /// outgoing.end_direct();
    /// assert_eq!(outgoing.wire_bytes(), 4);
    /// ```
    pub fn direct_sent(&mut self, n: usize) {
        let State::Direct { sent, of } = &mut self.state else { panic!("no direct send is under way") };
        *sent += n;
        assert!(*sent <= *of, "more bytes were sent than the message has");
        if self.sealed.is_none() {
            self.wire_bytes += n as u64;
        }
    }

    /// The direct send is complete, or failed together with the wire.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.begin_direct(4).unwrap();
    /// outgoing.end_direct();
    /// assert_eq!(outgoing.queue(&[b"more"]), Ok(()));
    /// ```
    pub fn end_direct(&mut self) {
        if matches!(self.state, State::Direct { .. }) {
            self.state = State::Open;
        }
    }

    /// The direct send was dropped, and `rest` is what of it is not out: forgotten if that is all of it, queued if the
    /// whole is at most [`Limits::send_atomic_max`] bytes, and otherwise the end of the write side.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.begin_direct(4).unwrap();
    /// outgoing.direct_sent(1);
    /// outgoing.abandon_direct(&[b"bcd"], &mut FreshBlocks);
    /// assert_eq!(outgoing.wire_pending().next(), Some(&b"bcd"[..]));
    /// ```
    pub fn abandon_direct(&mut self, rest: &[&[u8]], blocks: &mut impl Blocks) {
        let State::Direct { sent, of } = self.state else { return };
        self.state = State::Open;
        if sent == 0 || sent == of {
            return;
        }
        if of > self.send_atomic_max {
            self.state = State::Abandoned { sent, of };
            return;
        }
        for part in rest {
            self.push(part, blocks);
        }
        self.is_begun = true;
    }

    /// Whether anything may be sent or queued.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`]; [`SendError::Abandoned`].
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert_eq!(Outgoing::new(&Limits::default()).check_open(), Ok(()));
    /// ```
    #[inline]
    pub fn check_open(&mut self) -> Result<(), SendError> {
        // Nearly always.
        if self.state == State::Open {
            return Ok(());
        }
        self.settle();
        match self.state {
            State::Open => Ok(()),
            State::Closing | State::Finished => Err(SendError::Closed),
            State::Direct { sent, of } | State::Abandoned { sent, of } => {
                Err(SendError::Abandoned { sent, of })
            }
        }
    }

    /// Whether what is queued may go out: not behind a torn message.
    ///
    /// # Errors
    ///
    /// [`SendError::Abandoned`].
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert_eq!(Outgoing::new(&Limits::default()).check_whole(), Ok(()));
    /// ```
    #[inline]
    pub fn check_whole(&mut self) -> Result<(), SendError> {
        self.settle();
        match self.state {
            State::Abandoned { sent, of } => Err(SendError::Abandoned { sent, of }),
            _ => Ok(()),
        }
    }

    // Looks.

    /// How many bytes are queued.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert_eq!(Outgoing::new(&Limits::default()).len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Exchanges what is sealed, and nothing else, with another: for halves, of which either may have to send it.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let (mut one, mut other) = (Outgoing::new(&Limits::default()), Outgoing::new(&Limits::default()));
    /// one.queue(&[b"abc"]).unwrap();
    /// one.exchange_sealed(&mut other);
    /// assert_eq!((one.len(), other.sealed_len()), (3, 0));
    /// ```
    #[cfg(feature = "tls")]
    pub fn exchange_sealed(&mut self, other: &mut Self) {
        core::mem::swap(&mut self.sealed, &mut other.sealed);
    }

    /// Whether what goes to the wire is sealed, by TLS.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert!(!Outgoing::new(&Limits::default()).is_sealed());
    /// ```
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// Drops what is queued and not sealed: what a TLS session that failed can never seal. How many bytes.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[b"abc"]).unwrap();
    /// assert_eq!(outgoing.drop_unsealed(&mut FreshBlocks), 3);
    /// ```
    pub fn drop_unsealed(&mut self, blocks: &mut impl Blocks) -> usize {
        let n = self.len;
        self.drop_queued(n, blocks);
        n
    }

    /// How many sealed bytes wait for the wire, over TLS.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert_eq!(Outgoing::new(&Limits::default()).sealed_len(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub fn sealed_len(&self) -> usize {
        self.sealed.as_ref().map_or(0, |sealed| sealed.len())
    }

    /// Whether nothing is queued, and nothing sealed waits.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert!(Outgoing::new(&Limits::default()).is_empty());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0 && self.sealed_len() == 0
    }

    /// Whether so much is queued that it should go out before more is read: 64 KiB, which is a good write, or half of the
    /// queue's limit if that is less.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[&[0; 64 << 10]]).unwrap();
    /// assert!(outgoing.is_heavy());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_heavy(&self) -> bool {
        self.len >= self.heavy_bytes
    }

    /// Whether a message was left torn: nothing may follow it.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.begin_direct(1 << 20).unwrap();
    /// outgoing.direct_sent(1);
    /// outgoing.abandon_direct(&[], &mut FreshBlocks);
    /// assert!(outgoing.is_abandoned());
    /// ```
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        matches!(self.state, State::Abandoned { .. })
    }

    /// Whether the wire has a part of what waits here and nothing else: an end would look like one of something whole.
    /// That is so once a message was left torn, and also while one is on its way: in a direct send, or in the queue.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[b"abc"]).unwrap();
    /// assert!(!outgoing.is_torn());
    /// outgoing.wire_sent(1);
    /// assert!(outgoing.is_torn());
    /// outgoing.wire_sent(2);
    /// assert!(!outgoing.is_torn());
    /// ```
    #[must_use]
    pub fn is_torn(&self) -> bool {
        match self.state {
            State::Abandoned { .. } => true,
            State::Direct { sent, of } => self.is_begun || (0 < sent && sent < of),
            State::Open | State::Closing | State::Finished => self.is_begun,
        }
    }

    /// Changes the bounds, from the next call on.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut limits = Limits::default();
    /// let mut outgoing = Outgoing::new(&limits);
    /// limits.queue_bytes_max = 1;
    /// outgoing.set_limits(&limits);
    /// assert!(outgoing.queue(&[b"ab"]).is_err());
    /// ```
    pub fn set_limits(&mut self, limits: &Limits) {
        self.queue_bytes_max = limits.queue_bytes_max;
        self.heavy_bytes = heavy_bytes(limits);
        self.send_atomic_max = limits.send_atomic_max;
    }

    /// Whether the caller has closed the write side, finished or not.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert!(!Outgoing::new(&Limits::default()).is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closing | State::Finished)
    }

    /// Whether the write side of the wire is shut down.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert!(!Outgoing::new(&Limits::default()).is_finished());
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    /// How many bytes went to the wire in all, over TLS as records.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert_eq!(Outgoing::new(&Limits::default()).wire_bytes(), 0);
    /// ```
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    /// How many bytes of memory the queue holds now, owned values not counted.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// assert_eq!(Outgoing::new(&Limits::default()).held_bytes(), 0);
    /// ```
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let copied = self.pieces.iter().map(|piece| match piece {
            Piece::Copied(buffer) => buffer.block_len(),
            Piece::Owned(_) => 0,
        });
        let sealed = self.sealed.as_ref().map_or(0, |sealed| sealed.block_len());
        self.tail.block_len() + sealed + copied.sum::<usize>()
    }

    /// Ends the half: what was queued and did not go out.
    ///
    /// ```
    /// use asyncnet_core::{Limits, Outgoing};
    ///
    /// let mut outgoing = Outgoing::new(&Limits::default());
    /// outgoing.queue(&[b"abc"]).unwrap();
    /// assert_eq!(outgoing.into_queued(), "abc");
    /// ```
    #[must_use]
    pub fn into_queued(self) -> Bytes {
        if self.pieces.is_empty() {
            return self.tail.into_bytes();
        }
        let mut queued = BytesMut::with_capacity(self.len);
        for piece in self.queued() {
            queued.extend_from_slice(piece);
        }
        queued.freeze()
    }

    /// From here on what goes to the wire is sealed.
    #[cfg(feature = "tls")]
    pub(crate) fn seal_wire(&mut self) {
        self.sealed = Some(Box::default());
    }

    #[cfg(feature = "tls")]
    pub(crate) fn has_sealed(&self) -> bool {
        self.sealed_len() > 0
    }

    /// Takes over sealed bytes, where none wait.
    #[cfg(feature = "tls")]
    pub(crate) fn swap_sealed(&mut self, output: &mut Buffer, blocks: &mut impl Blocks) {
        if let Some(sealed) = self.sealed.as_mut().filter(|sealed| sealed.is_empty()) {
            sealed.release(blocks);
            core::mem::swap(&mut **sealed, output);
        }
    }

    /// What is queued, in order.
    pub(crate) fn queued(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(Piece::bytes).chain([self.tail.filled()])
    }

    // Leaves.

    /// A direct send that nobody ended was leaked: in the middle its message is torn, before and behind it is not.
    #[inline]
    fn settle(&mut self) {
        if let State::Direct { sent, of } = self.state {
            let whole = sent == 0 || sent == of;
            self.state = if whole { State::Open } else { State::Abandoned { sent, of } };
        }
    }

    #[inline]
    fn push(&mut self, bytes: &[u8], blocks: &mut impl Blocks) {
        self.len += bytes.len();
        if !self.tail.append_within(bytes) {
            self.push_pieces(bytes, blocks);
        }
    }

    /// Where the tail's block does not do.
    fn push_pieces(&mut self, bytes: &[u8], blocks: &mut impl Blocks) {
        const BLOCK: usize = BLOCK_BYTES[BLOCK_BYTES.len() - 1];
        let mut rest = bytes;
        loop {
            let n = self.tail.append(rest, BLOCK, blocks);
            rest = &rest[n..];
            if rest.is_empty() {
                return;
            }
            self.seal_tail();
        }
    }

    /// What comes next gets a piece of its own.
    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(Piece::Copied(core::mem::take(&mut self.tail)));
        }
    }
}

/// From how many bytes on a queue is to go out before more is read: 64 KiB, or half of what it may hold.
fn heavy_bytes(limits: &Limits) -> usize {
    limits.queue_bytes_max.div_ceil(2).clamp(1, HEAVY_BYTES)
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Copied(buffer) => buffer.filled(),
            Self::Owned(bytes) => bytes,
        }
    }

    fn consume(&mut self, n: usize) {
        match self {
            Self::Copied(buffer) => buffer.consume(n),
            Self::Owned(bytes) => bytes.advance(n),
        }
    }
}
