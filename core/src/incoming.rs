//! The receiving half of a connection: bytes come in from the wire and go out as lines or as bytes.
//!
//! ```text
//!                              +-- wire_filled
//!                              v
//!   [ open ] --- line too long ---> [ discarding ] --- terminator, or end ---> [ open ]
//!      |                                  |
//!      | fatal line error                 | budget spent
//!      v                                  v
//!   [ failed: every look gives the same error ]
//! ```
//!
//! It is not concerned with where bytes come from: a driver fills [`Incoming::wire_space`].
//!
//! It is one file because it is one state: every look and every take goes by the same few fields. Most of its length
//! is the examples.
//!
//! Invariants:
//! - Feeding never parses: [`Incoming::wire_filled`] only counts.
//! - While a discard is under way, or has failed, nothing is served: what is in the buffer belongs to the line that is
//!   dropped. After each look that finds it under way still, the buffer is empty.
//! - `scanned` bytes at the front hold nothing of what the state says was sought.
//! - The buffer holds at most `bound` bytes, which the last look set, and over TLS one record more.

use crate::block::{BLOCK_BYTES, Blocks, FreshBlocks};
use crate::buffer::Buffer;
use crate::error::RecvError;
use crate::limits::Limits;
use crate::line::{
    Ending, Endings, LastLine, LinePolicy, LineSpan, Overlong, Scan, Search, scan, scan_discarded,
};
use alloc::boxed::Box;
use bytes::Bytes;
use memchr::memmem;

/// The receiving half of a [`Connection`](crate::Connection).
///
/// ```
/// use asyncnet_core::{Incoming, Limits, LinePolicy, Search};
///
/// let mut incoming = Incoming::new(&Limits::default());
/// incoming.wire_space()[..4].copy_from_slice(b"a\nb\n");
/// incoming.wire_filled(4);
/// for expected in [b"a", b"b"] {
///     let Ok(Search::Found(span)) = incoming.find_line(LinePolicy::new(80)) else { panic!() };
///     assert_eq!(incoming.take_line(span), expected);
/// }
/// incoming.wire_eof();
/// assert_eq!(incoming.find_line(LinePolicy::new(80)), Ok(Search::End));
/// ```
#[derive(Debug)]
pub struct Incoming {
    buffer: Buffer,
    /// How many bytes at the front are known to hold nothing of what is sought.
    scanned: usize,
    state: State,
    /// No more text will come.
    ended: bool,
    /// Over TLS, what the wire brings goes here instead.
    sealed: Option<Box<Sealed>>,
    /// Whether the last look asked for more.
    hungry: bool,
    /// The most bytes that the buffer may hold.
    bound: usize,
    /// How long the next block is: an index to [`BLOCK_BYTES`].
    step: u8,
    recv_bytes_max: usize,
    discard_bytes_max: usize,
    wire_bytes: u64,
}

/// What came from the wire and is not opened yet.
#[derive(Debug, Default)]
struct Sealed {
    buffer: Buffer,
    /// The wire has ended, which is not yet the end of the text.
    ended: bool,
}

/// What opening works on.
#[cfg(feature = "tls")]
pub(crate) struct Parts<'a> {
    pub(crate) sealed: &'a mut Buffer,
    pub(crate) wire_ended: bool,
    pub(crate) plain: &'a mut Buffer,
    /// The most bytes that the plain buffer may hold.
    pub(crate) cap: usize,
}

/// What becomes of what comes.
#[derive(Debug)]
enum State {
    /// It is served, and the last search was for a line: a search for something else starts anew.
    Line(Endings),
    /// It is served, and the last search was for this delimiter.
    Delimiter(Box<[u8]>),
    /// It belongs to a line that is dropped.
    Discarding(Discard),
    /// It still does, and no more of that line may be dropped: each look says so.
    Spent { budget: usize },
    /// It stays where it is: each look gives this error.
    Failed(RecvError),
}

#[derive(Clone, Copy, Debug)]
struct Discard {
    /// How many bytes more may be dropped.
    left: usize,
    /// Whether the byte dropped last was a CR.
    after_cr: bool,
    endings: Endings,
}

impl Incoming {
    /// An empty half.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert!(Incoming::new(&Limits::default()).plain().is_empty());
    /// ```
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            buffer: Buffer::default(),
            scanned: 0,
            state: State::Line(Endings::Any),
            ended: false,
            sealed: None,
            hungry: false,
            bound: read_bytes_max(limits.recv_bytes_max),
            step: 0,
            recv_bytes_max: limits.recv_bytes_max,
            discard_bytes_max: limits.discard_bytes_max,
            wire_bytes: 0,
        }
    }

    /// Changes the bounds, from the next call on.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut limits = Limits::default();
    /// let mut incoming = Incoming::new(&limits);
    /// limits.recv_bytes_max = 10;
    /// incoming.set_limits(&limits);
    /// assert!(incoming.find_bytes(11).is_err());
    /// ```
    pub fn set_limits(&mut self, limits: &Limits) {
        self.recv_bytes_max = limits.recv_bytes_max;
        self.discard_bytes_max = limits.discard_bytes_max;
    }

    // The wire's side.

    /// Where bytes from the wire are to be put, with memory from the allocator; see
    /// [`wire_space_from`](Self::wire_space_from).
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).wire_space().len(), 4096);
    /// ```
    pub fn wire_space(&mut self) -> &mut [u8] {
        self.wire_space_from(&mut FreshBlocks)
    }

    /// Where bytes from the wire are to be put: at least one byte while [`wants_wire`](Self::wants_wire). What is in
    /// it means nothing.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space_from(&mut FreshBlocks)[0] = b'x';
    /// incoming.wire_filled(1);
    /// assert_eq!(incoming.plain(), b"x");
    /// ```
    pub fn wire_space_from(&mut self, blocks: &mut impl Blocks) -> &mut [u8] {
        let step = self.read_bytes();
        match &mut self.sealed {
            // Each record is opened before the next is waited for: one at a time, and the start of another.
            Some(sealed) => sealed.buffer.space(step, SEALED_BYTES_MAX, blocks),
            None => self.buffer.space(step, self.bound, blocks),
        }
    }

    /// The first `n` bytes of the space were filled.
    ///
    /// # Panics
    ///
    /// If there was not that much space.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..2].copy_from_slice(b"hi");
    /// incoming.wire_filled(2);
    /// assert_eq!(incoming.wire_bytes(), 2);
    /// ```
    pub fn wire_filled(&mut self, n: usize) {
        self.wire_buffer().fill(n);
        self.adapt_step(n);
        self.wire_bytes += n as u64;
    }

    /// `n` bytes went past the buffer, straight into the caller's memory. Only while [`can_bypass`](Self::can_bypass).
    ///
    /// # Panics
    ///
    /// If something waits in the buffer: those bytes came first.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// assert!(incoming.can_bypass());
    /// incoming.wire_bypassed(5);
    /// assert_eq!((incoming.wire_bytes(), incoming.plain().len()), (5, 0));
    /// ```
    pub fn wire_bypassed(&mut self, n: usize) {
        assert!(self.can_bypass(), "bytes went past others that wait");
        self.wire_bytes += n as u64;
    }

    /// The wire ended: nothing more will come. Over TLS that is not yet an end of the text.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_eof();
    /// assert!(!incoming.wants_wire());
    /// ```
    pub fn wire_eof(&mut self) {
        match &mut self.sealed {
            Some(sealed) => sealed.ended = true,
            None => self.ended = true,
        }
    }

    /// Whether more bytes from the wire are of use: it has not ended or failed, and the buffer has room.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert!(Incoming::new(&Limits::default()).wants_wire());
    /// ```
    #[must_use]
    pub fn wants_wire(&self) -> bool {
        let room = match &self.sealed {
            Some(sealed) => !sealed.ended && sealed.buffer.len() < SEALED_BYTES_MAX,
            None => true,
        };
        room && !self.ended && self.failure().is_none() && self.buffer.len() < self.bound
    }

    /// Whether nothing waits in the buffer, so that bytes may go into the caller's memory instead: from the wire, or over
    /// TLS from a record.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space();
    /// incoming.wire_filled(1);
    /// assert!(!incoming.can_bypass());
    /// ```
    #[must_use]
    pub fn can_bypass(&self) -> bool {
        self.buffer.is_empty() && self.serves() && !self.ended
    }

    /// How many bytes one read is expected to bring, at most: the length of the next block.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).read_bytes(), 4096);
    /// ```
    #[must_use]
    pub fn read_bytes(&self) -> usize {
        BLOCK_BYTES[usize::from(self.step)]
    }

    /// Whether what comes from the wire is sealed, by TLS.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert!(!Incoming::new(&Limits::default()).is_sealed());
    /// ```
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// How many sealed bytes came and are not opened.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).sealed_len(), 0);
    /// ```
    #[must_use]
    pub fn sealed_len(&self) -> usize {
        self.sealed.as_ref().map_or(0, |sealed| sealed.buffer.len())
    }

    /// Gives the memory back if nothing waits in it: what an idle connection does.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space();
    /// incoming.release(&mut FreshBlocks);
    /// assert_eq!(incoming.held_bytes(), 0);
    /// ```
    pub fn release(&mut self, blocks: &mut impl Blocks) {
        self.buffer.release(blocks);
        if let Some(sealed) = &mut self.sealed {
            sealed.buffer.release(blocks);
        }
    }

    // The caller's side: looks.

    /// Looks for a whole line at the front of what has come. Take it with [`take_line`](Self::take_line).
    ///
    /// # Errors
    ///
    /// Each of the line errors of [`RecvError`]: [`LineTooLong`](RecvError::LineTooLong) once for each such line;
    /// the fatal ones, and [`Incomplete`](RecvError::Incomplete) until its bytes are taken, each time.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits, LinePolicy, RecvError, Search};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..8].copy_from_slice(b"toolong\n");
    /// incoming.wire_filled(8);
    /// assert_eq!(incoming.find_line(LinePolicy::new(3)), Err(RecvError::LineTooLong { limit: 3 }));
    /// assert_eq!(incoming.find_line(LinePolicy::new(3)), Ok(Search::NeedMore));
    /// ```
    #[inline]
    pub fn find_line(&mut self, policy: LinePolicy) -> Result<Search<LineSpan>, RecvError> {
        match self.line_here(policy) {
            Some(span) => Ok(Search::Found(span)),
            None => self.look_closer(&policy),
        }
    }

    /// A whole line within its limit at the front of what has come, if that is all there is to say. That it is `None`
    /// says nothing: [`find_line`](Self::find_line) does, of which this is the quick part.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits, LinePolicy};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..6].copy_from_slice(b"ok\nno\n");
    /// incoming.wire_filled(5);
    /// let span = incoming.line_here(LinePolicy::new(80)).unwrap();
    /// assert_eq!(incoming.take_line(span), b"ok");
    /// assert!(incoming.line_here(LinePolicy::new(80)).is_none());
    /// ```
    #[inline(always)]
    pub fn line_here(&mut self, policy: LinePolicy) -> Option<LineSpan> {
        if self.buffer.is_empty() || self.scanned != 0 || !self.seeks_line(policy.endings) {
            return None;
        }
        match scan(self.buffer.filled(), 0, policy.max, policy.endings) {
            Scan::Line { len, skip, ending } => Some(LineSpan { len, skip, ending, endings: policy.endings }),
            Scan::Open { from } | Scan::TooLong { from } => {
                self.scanned = from;
                None
            }
            Scan::Refused(_) => None,
        }
    }

    /// Whether nothing of a line has come, so that it is to be waited for: what every wait begins with. That it is `false`
    /// says nothing: [`find_line`](Self::find_line) does.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits, LinePolicy};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// assert!(incoming.awaits_line(LinePolicy::new(80)));
    /// incoming.wire_eof();
    /// assert!(!incoming.awaits_line(LinePolicy::new(80)));
    /// ```
    #[inline]
    pub fn awaits_line(&mut self, policy: LinePolicy) -> bool {
        let awaits = self.buffer.is_empty() && self.serves() && !self.ended;
        if awaits {
            self.need(policy.max.saturating_add(2));
        }
        awaits
    }

    /// Looks for `delimiter`: how many bytes come before it. Take them, and then the delimiter.
    ///
    /// # Errors
    ///
    /// [`RecvError::TooLong`] if more than `max` bytes come before it, [`RecvError::Incomplete`] if the stream ended
    /// before it; nothing is consumed by either. The fatal errors of earlier lines.
    ///
    /// # Panics
    ///
    /// If the delimiter is empty.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits, Search};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..5].copy_from_slice(b"k: v;");
    /// incoming.wire_filled(5);
    /// assert_eq!(incoming.find_delimiter(b": ", 80), Ok(Search::Found(1)));
    /// ```
    pub fn find_delimiter(&mut self, delimiter: &[u8], max: usize) -> Result<Search<usize>, RecvError> {
        assert!(!delimiter.is_empty(), "a delimiter has at least one byte");
        self.settle()?;
        let goes_on = matches!(&self.state, State::Delimiter(sought) if **sought == *delimiter);
        if self.serves() && !goes_on {
            self.state = State::Delimiter(Box::from(delimiter));
            self.scanned = 0;
        }
        let bytes = self.buffer.filled();
        let found = memmem::find(&bytes[self.scanned..], delimiter).map(|at| self.scanned + at);
        // Where no delimiter can start any more: its last bytes may still be to come.
        let open = bytes.len().saturating_sub(delimiter.len() - 1);
        match found {
            Some(at) if at <= max => return Ok(Search::Found(at)),
            Some(at) => self.scanned = at,
            None => self.scanned = self.scanned.max(open),
        }
        if found.is_some() || open > max {
            return Err(RecvError::TooLong { limit: max });
        }
        match (self.ended, bytes.len()) {
            (true, 0) => Ok(Search::End),
            (true, len) => Err(RecvError::Incomplete { len }),
            (false, _) => {
                self.need(max.saturating_add(delimiter.len()));
                Ok(Search::NeedMore)
            }
        }
    }

    /// Looks whether at least `n` bytes have come, or all that will: how many there are.
    ///
    /// # Errors
    ///
    /// [`RecvError::RequestTooLarge`] if `n` is above [`Limits::recv_bytes_max`]; the fatal errors of earlier lines.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits, Search};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space();
    /// incoming.wire_filled(3);
    /// assert_eq!(incoming.find_bytes(2), Ok(Search::Found(3)));
    /// assert_eq!(incoming.find_bytes(4), Ok(Search::NeedMore));
    /// incoming.wire_eof();
    /// assert_eq!(incoming.find_bytes(4), Ok(Search::Found(3)));
    /// ```
    #[inline]
    pub fn find_bytes(&mut self, n: usize) -> Result<Search<usize>, RecvError> {
        if n > self.recv_bytes_max {
            return Err(RecvError::RequestTooLarge { asked: n, limit: self.recv_bytes_max });
        }
        self.settle()?;
        match self.buffer.len() {
            len if len >= n => Ok(Search::Found(len)),
            0 if self.ended => Ok(Search::End),
            len if self.ended => Ok(Search::Found(len)),
            _ => {
                self.need(n);
                Ok(Search::NeedMore)
            }
        }
    }

    /// Looks whether the stream has ended: how many bytes are left then.
    ///
    /// # Errors
    ///
    /// [`RecvError::TooLong`] as soon as there are more than `max`; the fatal errors of earlier lines.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits, RecvError, Search};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space();
    /// incoming.wire_filled(3);
    /// assert_eq!(incoming.find_end(3), Ok(Search::NeedMore));
    /// assert_eq!(incoming.find_end(2), Err(RecvError::TooLong { limit: 2 }));
    /// incoming.wire_eof();
    /// assert_eq!(incoming.find_end(3), Ok(Search::Found(3)));
    /// ```
    pub fn find_end(&mut self, max: usize) -> Result<Search<usize>, RecvError> {
        self.settle()?;
        match self.buffer.len() {
            len if len > max => Err(RecvError::TooLong { limit: max }),
            len if self.ended => Ok(Search::Found(len)),
            _ => {
                self.need(max.saturating_add(1));
                Ok(Search::NeedMore)
            }
        }
    }

    /// Drops what a discard still has to drop, of what has come. A look does it too.
    ///
    /// # Errors
    ///
    /// The fatal error, if there was one.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).settle(), Ok(()));
    /// ```
    #[inline]
    pub fn settle(&mut self) -> Result<(), RecvError> {
        if let State::Discarding(discard) = self.state {
            self.discard_on(discard);
        }
        self.failure().map_or(Ok(()), Err)
    }

    // The caller's side: takes.

    /// What has come and was not taken. Empty while an over-long line is being dropped.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).plain(), b"");
    /// ```
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        if self.is_discarding() { &[] } else { self.buffer.filled() }
    }

    /// Drops the first `n` bytes of [`plain`](Self::plain).
    ///
    /// # Panics
    ///
    /// If there are fewer.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..2].copy_from_slice(b"ab");
    /// incoming.wire_filled(2);
    /// incoming.consume(1);
    /// assert_eq!(incoming.plain(), b"b");
    /// ```
    #[inline]
    pub fn consume(&mut self, n: usize) {
        assert!(n <= self.plain().len(), "more bytes were consumed than there were");
        self.buffer.consume(n);
        self.scanned = self.scanned.saturating_sub(n);
    }

    /// Moves bytes from the front into `into`: as many as there are, at most its length.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..3].copy_from_slice(b"abc");
    /// incoming.wire_filled(3);
    /// let mut two = [0; 2];
    /// assert_eq!((incoming.take(&mut two), &two), (2, b"ab"));
    /// assert_eq!((incoming.take(&mut two), two[0]), (1, b'c'));
    /// ```
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        let n = into.len().min(self.plain().len());
        into[..n].copy_from_slice(&self.plain()[..n]);
        self.consume(n);
        n
    }

    /// Takes the first `n` bytes, borrowed.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..3].copy_from_slice(b"abc");
    /// incoming.wire_filled(3);
    /// assert_eq!(incoming.take_front(2), b"ab");
    /// assert_eq!(incoming.plain(), b"c");
    /// ```
    pub fn take_front(&mut self, n: usize) -> &[u8] {
        assert!(n <= self.plain().len(), "more bytes were taken than there were");
        self.scanned = self.scanned.saturating_sub(n);
        self.buffer.take(n, n)
    }

    /// Drops all that came, what a discard would drop and what a fatal error left: for who only waits for the end. How
    /// many bytes that were. A fatal error stays.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space();
    /// incoming.wire_filled(3);
    /// assert_eq!(incoming.drop_all(), 3);
    /// assert!(incoming.plain().is_empty());
    /// ```
    pub fn drop_all(&mut self) -> usize {
        let n = self.buffer.len();
        self.buffer.consume(n);
        self.scanned = 0;
        if let State::Discarding(discard) = self.state {
            self.state = State::Line(discard.endings);
        }
        n
    }

    /// Drops what came and is not opened, over TLS: how many bytes that were. For who only waits for the wire's end.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).drop_sealed(), 0);
    /// ```
    pub fn drop_sealed(&mut self) -> usize {
        let Some(sealed) = &mut self.sealed else { return 0 };
        let n = sealed.buffer.len();
        sealed.buffer.consume(n);
        n
    }

    /// Takes the first `n` bytes as an owned value: without a copy when they are half of their block or more.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..3].copy_from_slice(b"abc");
    /// incoming.wire_filled(3);
    /// assert_eq!(incoming.take_owned(2, &mut FreshBlocks), "ab");
    /// assert_eq!(incoming.plain(), b"c");
    /// ```
    pub fn take_owned(&mut self, n: usize, blocks: &mut impl Blocks) -> Bytes {
        assert!(n <= self.plain().len(), "more bytes were taken than there were");
        self.scanned = self.scanned.saturating_sub(n);
        self.buffer.take_owned(n, blocks)
    }

    /// Takes the line that [`find_line`](Self::find_line) just found, with its terminator: its text.
    ///
    /// # Panics
    ///
    /// If the line is not there: the span is of an earlier look.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits, LinePolicy, Search};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..4].copy_from_slice(b"hi\r\n");
    /// incoming.wire_filled(4);
    /// let Ok(Search::Found(span)) = incoming.find_line(LinePolicy::new(80)) else { panic!() };
    /// assert_eq!(incoming.take_line(span), b"hi");
    /// assert_eq!(incoming.plain(), b"");
    /// ```
    #[inline(always)]
    pub fn take_line(&mut self, span: LineSpan) -> &[u8] {
        self.pass_line(span);
        self.buffer.take(span.len, span.whole())
    }

    /// As [`take_line`](Self::take_line), as an owned value; see [`take_owned`](Self::take_owned).
    ///
    /// # Panics
    ///
    /// If the line is not there: the span is of an earlier look.
    ///
    /// ```
    /// use asyncnet_core::{FreshBlocks, Incoming, Limits, LinePolicy, Search};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..4].copy_from_slice(b"hi\r\n");
    /// incoming.wire_filled(4);
    /// let Ok(Search::Found(span)) = incoming.find_line(LinePolicy::new(80)) else { panic!() };
    /// assert_eq!(incoming.take_line_owned(span, &mut FreshBlocks), "hi");
    /// ```
    pub fn take_line_owned(&mut self, span: LineSpan, blocks: &mut impl Blocks) -> Bytes {
        self.pass_line(span);
        let mut line = self.buffer.take_owned(span.whole(), blocks);
        line.truncate(span.len);
        line
    }

    /// Ends the half: what came and was not taken.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_space()[..2].copy_from_slice(b"ab");
    /// incoming.wire_filled(2);
    /// assert_eq!(incoming.into_plain(), "ab");
    /// ```
    #[must_use]
    pub fn into_plain(self) -> Bytes {
        if self.is_discarding() { Bytes::new() } else { self.buffer.into_bytes() }
    }

    /// Whether no more text will come: the wire has ended, or over TLS the peer said so.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert!(!Incoming::new(&Limits::default()).has_ended());
    /// ```
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the wire has ended, which over TLS may be before the text does, and without the text having ended.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// let mut incoming = Incoming::new(&Limits::default());
    /// incoming.wire_eof();
    /// assert!(incoming.has_wire_ended());
    /// ```
    #[must_use]
    pub fn has_wire_ended(&self) -> bool {
        self.sealed.as_ref().map_or(self.ended, |sealed| sealed.ended)
    }

    /// Whether an over-long line is still being dropped, or has spent its budget.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert!(!Incoming::new(&Limits::default()).is_discarding());
    /// ```
    #[must_use]
    pub fn is_discarding(&self) -> bool {
        matches!(self.state, State::Discarding(_) | State::Spent { .. })
    }

    /// How many bytes have come in all.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).wire_bytes(), 0);
    /// ```
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    /// How many bytes of memory the buffer holds now.
    ///
    /// ```
    /// use asyncnet_core::{Incoming, Limits};
    ///
    /// assert_eq!(Incoming::new(&Limits::default()).held_bytes(), 0);
    /// ```
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.buffer.block_len() + self.sealed.as_ref().map_or(0, |sealed| sealed.buffer.block_len())
    }

    /// From here on the wire brings sealed bytes; what it brought and was not taken is the first of them.
    #[cfg(feature = "tls")]
    pub(crate) fn seal_wire(&mut self) {
        self.scanned = 0;
        let ended = core::mem::take(&mut self.ended);
        self.sealed = Some(Box::new(Sealed { buffer: core::mem::take(&mut self.buffer), ended }));
    }

    /// Whether nothing of a record has come, and the wire has not ended.
    #[cfg(feature = "tls")]
    #[inline]
    pub(crate) fn awaits_record(&self) -> bool {
        self.sealed.as_ref().is_none_or(|sealed| sealed.buffer.is_empty() && !sealed.ended)
    }

    /// The parts that opening works on, over TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn parts(&mut self) -> Option<Parts<'_>> {
        let sealed = self.sealed.as_mut()?;
        let wire_ended = sealed.ended;
        Some(Parts { sealed: &mut sealed.buffer, wire_ended, plain: &mut self.buffer, cap: self.bound })
    }

    /// Whether text is of use now: none waits, the last look asked for more, or a line is being dropped.
    #[cfg(feature = "tls")]
    pub(crate) fn wants_text(&self) -> bool {
        let asked = self.hungry || self.buffer.is_empty() || self.is_discarding();
        asked && !self.ended && self.failure().is_none() && self.buffer.len() < self.bound
    }

    /// Text came: whether it is enough the next look says.
    #[cfg(feature = "tls")]
    pub(crate) fn text_came(&mut self) {
        self.hungry = false;
    }

    /// The peer's text has ended, though the wire may not have.
    #[cfg(feature = "tls")]
    pub(crate) fn end_text(&mut self) {
        self.ended = true;
    }

    // Leaves.

    /// Whether what waits is there to be served.
    #[inline]
    fn serves(&self) -> bool {
        matches!(self.state, State::Line(_) | State::Delimiter(_))
    }

    /// Whether it is, and the last search was for a line of this kind too.
    #[inline]
    fn seeks_line(&self, endings: Endings) -> bool {
        matches!(self.state, State::Line(sought) if sought == endings)
    }

    /// What each look says, if it is always the same.
    #[inline]
    fn failure(&self) -> Option<RecvError> {
        match self.state {
            State::Spent { budget } => Some(RecvError::DiscardSpent { budget }),
            State::Failed(error) => Some(error),
            State::Line(_) | State::Delimiter(_) | State::Discarding(_) => None,
        }
    }

    /// All that a look for a line can come to.
    #[inline(never)]
    fn look_closer(&mut self, policy: &LinePolicy) -> Result<Search<LineSpan>, RecvError> {
        self.settle()?;
        if self.serves() && !self.seeks_line(policy.endings) {
            self.state = State::Line(policy.endings);
            self.scanned = 0;
        }
        match scan(self.buffer.filled(), self.scanned, policy.max, policy.endings) {
            Scan::Line { len, skip, ending } => {
                Ok(Search::Found(LineSpan { len, skip, ending, endings: policy.endings }))
            }
            Scan::Open { from } => {
                self.scanned = from;
                self.open_line(policy)
            }
            Scan::TooLong { from } => {
                self.scanned = from;
                self.over_long(policy)
            }
            Scan::Refused(error) => Err(self.fail(error)),
        }
    }

    /// No terminator is in sight.
    fn open_line(&mut self, policy: &LinePolicy) -> Result<Search<LineSpan>, RecvError> {
        let len = self.buffer.len();
        if !self.ended {
            self.need(policy.max.saturating_add(2));
            return Ok(Search::NeedMore);
        }
        match policy.last {
            _ if len == 0 => Ok(Search::End),
            LastLine::Refuse => Err(RecvError::Incomplete { len }),
            // The CR that might have been the start of a terminator was none.
            LastLine::Accept
                if policy.endings == Endings::CrLfOnly && self.buffer.filled().ends_with(b"\r") =>
            {
                Err(self.fail(RecvError::BareCr { at: len - 1 }))
            }
            LastLine::Accept if len > policy.max => self.over_long(policy),
            LastLine::Accept => {
                let (skip, ending) = (0, Ending::Missing);
                Ok(Search::Found(LineSpan { len, skip, ending, endings: policy.endings }))
            }
        }
    }

    fn over_long(&mut self, policy: &LinePolicy) -> Result<Search<LineSpan>, RecvError> {
        let limit = policy.max;
        match policy.overlong {
            Overlong::Fail => Err(self.fail(RecvError::LineTooLongFatal { limit })),
            Overlong::Truncate => {
                // The byte behind it is the first that is dropped.
                let (skip, ending) = (1, Ending::Cut);
                Ok(Search::Found(LineSpan { len: limit, skip, ending, endings: policy.endings }))
            }
            Overlong::Discard => {
                self.buffer.consume(limit + 1);
                self.start_discard(policy.endings);
                Err(RecvError::LineTooLong { limit })
            }
        }
    }

    /// Leaves the line behind, but for its bytes.
    #[inline]
    fn pass_line(&mut self, span: LineSpan) {
        self.scanned = 0;
        if span.ending == Ending::Cut {
            self.start_discard(span.endings);
        }
    }

    /// What comes next is dropped, unless nothing is served any more.
    fn start_discard(&mut self, endings: Endings) {
        self.scanned = 0;
        if !self.serves() {
            return;
        }
        self.state = State::Discarding(Discard { left: self.discard_bytes_max, after_cr: false, endings });
    }

    fn discard_on(&mut self, mut discard: Discard) {
        let waiting = self.buffer.filled();
        let within = &waiting[..waiting.len().min(discard.left)];
        if let Some(n) = scan_discarded(within, discard.after_cr, discard.endings) {
            self.buffer.consume(n);
            self.state = State::Line(discard.endings);
            return;
        }
        let n = within.len();
        discard.left -= n;
        discard.after_cr = within.last().map_or(discard.after_cr, |last| *last == b'\r');
        self.buffer.consume(n);
        // The byte behind the budget decides, not the wait for it: so the outcome is the same however bytes are cut.
        if !self.buffer.is_empty() {
            self.buffer.consume(self.buffer.len());
            self.state = State::Spent { budget: self.discard_bytes_max };
            return;
        }
        self.state = if self.ended { State::Line(discard.endings) } else { State::Discarding(discard) };
        self.bound = self.read_bytes_max();
    }

    fn fail(&mut self, error: RecvError) -> RecvError {
        self.state = State::Failed(error);
        error
    }

    /// The buffer must be able to hold `n` bytes.
    #[inline]
    fn need(&mut self, n: usize) {
        self.hungry = true;
        self.bound = n.max(self.read_bytes_max());
    }

    fn read_bytes_max(&self) -> usize {
        read_bytes_max(self.recv_bytes_max)
    }

    /// What the wire fills.
    fn wire_buffer(&mut self) -> &mut Buffer {
        self.sealed.as_mut().map_or(&mut self.buffer, |sealed| &mut sealed.buffer)
    }

    /// A read that fills its space is followed by a larger one, a small one by a smaller one.
    fn adapt_step(&mut self, n: usize) {
        if self.wire_buffer().is_full() && usize::from(self.step) + 1 < BLOCK_BYTES.len() {
            self.step += 1;
        } else if self.step > 0 && n < self.read_bytes() / 16 {
            self.step -= 1;
        }
    }
}

/// What may be read ahead of opening it: some records, in a block of the longest kind.
const SEALED_BYTES_MAX: usize = BLOCK_BYTES[BLOCK_BYTES.len() - 1];

/// What may be read ahead: one block of the longest kind, or less if the receive buffer is to be smaller.
fn read_bytes_max(recv_bytes_max: usize) -> usize {
    recv_bytes_max.clamp(1, BLOCK_BYTES[BLOCK_BYTES.len() - 1])
}
