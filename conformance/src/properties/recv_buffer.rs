//! The receive buffer as a queue of bytes: whatever is put in comes out, in order and unchanged.

use super::dirty_blocks::DirtyBlocks;
use super::noise::noise;
use super::oracle;
use super::script::{Script, Step};
use asyncnet_core::{BLOCK_BYTES, Incoming, Limits, LinePolicy, RecvError, Search};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt::Debug;

/// The longest line that is looked for: no script holds a longer one, so that none is ever dropped.
const LINE_BYTES_MAX: usize = 1_000_000;

const BLOCK: usize = BLOCK_BYTES[BLOCK_BYTES.len() - 1];

/// What the steps of a script can be; what each means is at [`recv_buffer`].
const ACTIONS: &[u8] = b"wWtockzbfdeglryx";

/// A receiving half gives out the bytes that came, in order, whatever the sizes and whatever memory it gets.
///
/// The input is a script, see the [module](super). Its header is one number: the length of the receive buffer. The
/// rest is how the bytes from the wire begin; after it they go on with numbers that look random. The steps, each with
/// its number `n`:
///
/// | step | meaning |
/// | --- | --- |
/// | `w`, `W` | `n` bytes come, or all that there is space for, `n` times (at most 32) |
/// | `t`, `o`, `k`, `c` | take `n` bytes: into memory, owned, borrowed, or drop them |
/// | `z` | drop all that came |
/// | `b`, `f` | look for `n` bytes, or for the end within `n` bytes |
/// | `d`, `e`, `g` | look for CR LF, for `aab`, or for LF within `n` bytes; nothing is taken |
/// | `l` | look for a line; nothing is taken |
/// | `r` | release the memory |
/// | `y` | `n` bytes go past the buffer, if they may |
/// | `x` | the wire ends |
///
/// # Panics
///
/// If the half differs from a queue of bytes, if an owned value changes after it was taken, or if the buffer is longer
/// than a call needs.
///
/// ```
/// // Half of a block is taken as an owned value while more lies behind it, then the rest.
/// asyncnet_conformance::properties::recv_buffer(b"~w.o+w1t~|some text");
/// ```
pub fn recv_buffer(data: &[u8]) {
    let script = Script::<1>::read(data, ACTIONS);
    let mut limits = Limits::default();
    [limits.recv_bytes_max] = script.header;
    let mut player = Player {
        incoming: Incoming::new(&limits),
        limits,
        blocks: DirtyBlocks::default(),
        wire: Wire { start: script.rest, came: 0 },
        queue: VecDeque::new(),
        ended: false,
        bound: limits.recv_bytes_max.clamp(1, BLOCK),
        block_bytes_max: limits.recv_bytes_max.clamp(1, BLOCK),
        kept: Vec::new(),
        place: (0, Step { action: b'|', n: 0 }),
    };
    for (at, step) in script.steps.iter().enumerate() {
        player.place = (at, *step);
        player.step(*step);
        player.check();
    }
    player.finish();
}

/// Where the bytes come from.
struct Wire<'a> {
    start: &'a [u8],
    came: usize,
}

impl Wire<'_> {
    /// The next `n` bytes, or what is left of them.
    fn next(&mut self, n: usize) -> Vec<u8> {
        let start = self.start.get(self.came..).unwrap_or_default();
        let start = &start[..n.min(start.len())];
        let bytes = [start, noise(self.came + start.len(), n - start.len())].concat();
        self.came += bytes.len();
        bytes
    }
}

struct Player<'a> {
    incoming: Incoming,
    limits: Limits,
    blocks: DirtyBlocks,
    wire: Wire<'a>,
    /// The model: what came and was not taken.
    queue: VecDeque<u8>,
    ended: bool,
    /// The most bytes that may wait, after what was asked for last; and the longest block, after all that was.
    bound: usize,
    block_bytes_max: usize,
    /// Owned values, and what they were when they were taken.
    kept: Vec<(Bytes, Vec<u8>)>,
    /// For the message of a panic.
    place: (usize, Step),
}

impl Player<'_> {
    fn step(&mut self, step: Step) {
        let n = step.n;
        match step.action {
            b'w' => self.fill(n),
            b'W' => (0..n.min(32)).for_each(|_| self.fill(usize::MAX)),
            b't' | b'o' | b'k' | b'c' => self.take(step.action, n),
            b'z' => {
                assert_eq!(self.incoming.drop_all(), self.queue.len(), "at {:?}", self.place);
                self.queue.clear();
            }
            b'b' => {
                let looked = self.incoming.find_bytes(n);
                let expected =
                    oracle::bytes(self.queue.make_contiguous(), self.ended, n, self.limits.recv_bytes_max);
                self.looked(looked, expected, n);
            }
            b'f' => {
                let looked = self.incoming.find_end(n);
                let expected = oracle::end(self.queue.make_contiguous(), self.ended, n);
                self.looked(looked, expected, n.saturating_add(1));
            }
            b'd' => self.delimiter(b"\r\n", n),
            b'e' => self.delimiter(b"aab", n),
            b'g' => self.delimiter(b"\n", n),
            b'l' => self.line(),
            b'r' => self.release(),
            b'y' => self.bypass(n),
            _ => {
                self.incoming.wire_eof();
                self.ended = true;
            }
        }
    }

    fn fill(&mut self, n: usize) {
        let room = self.incoming.wants_wire();
        assert_eq!(room, !self.ended && self.queue.len() < self.bound, "at {:?}", self.place);
        if !room {
            return;
        }
        let space = self.incoming.wire_space_from(&mut self.blocks);
        assert!(!space.is_empty(), "bytes are wanted, and there is no space for them, at {:?}", self.place);
        let most = self.bound - self.queue.len();
        assert!(space.len() <= most, "{} bytes may come, not {most}, at {:?}", space.len(), self.place);
        let bytes = self.wire.next(n.min(space.len()));
        space[..bytes.len()].copy_from_slice(&bytes);
        // What lies behind is not filled, and must not be served.
        space[bytes.len()..].fill(0xAA);
        self.incoming.wire_filled(bytes.len());
        self.queue.extend(bytes);
    }

    fn take(&mut self, action: u8, n: usize) {
        let n = n.min(self.queue.len());
        let expected: Vec<u8> = self.queue.drain(..n).collect();
        match action {
            b't' => {
                // Longer than what is there: the rest stays as it was.
                let mut into = vec![0x55; n + usize::from(self.queue.is_empty())];
                assert_eq!(self.incoming.take(&mut into), n, "at {:?}", self.place);
                assert!(into[..n] == expected, "other bytes were taken at {:?}", self.place);
                assert!(into[n..].iter().all(|byte| *byte == 0x55), "more was written at {:?}", self.place);
            }
            b'o' => {
                let owned = self.incoming.take_owned(n, &mut self.blocks);
                assert!(owned == expected, "other bytes were taken at {:?}", self.place);
                self.kept.push((owned, expected));
            }
            b'k' => {
                let front = self.incoming.take_front(n);
                assert!(front == expected, "other bytes were taken at {:?}", self.place);
            }
            _ => self.incoming.consume(n),
        }
    }

    fn delimiter(&mut self, delimiter: &[u8], max: usize) {
        let looked = self.incoming.find_delimiter(delimiter, max);
        let expected = oracle::delimiter(self.queue.make_contiguous(), self.ended, delimiter, max);
        self.looked(looked, expected, max.saturating_add(delimiter.len()));
    }

    fn line(&mut self) {
        let looked = self.incoming.find_line(LinePolicy::new(LINE_BYTES_MAX)).map(|search| match search {
            Search::Found(span) => Search::Found(span.len() + span.ending().as_bytes().len()),
            Search::NeedMore => Search::NeedMore,
            Search::End => Search::End,
        });
        let expected = match self.queue.iter().position(|byte| *byte == b'\n') {
            Some(at) => Ok(Search::Found(at + 1)),
            None if !self.ended => Ok(Search::NeedMore),
            None if self.queue.is_empty() => Ok(Search::End),
            None => Err(RecvError::Incomplete { len: self.queue.len() }),
        };
        self.looked(looked, expected, LINE_BYTES_MAX + 2);
    }

    fn release(&mut self) {
        let held = self.incoming.held_bytes();
        self.incoming.release(&mut self.blocks);
        let expected = if self.queue.is_empty() { 0 } else { held };
        assert_eq!(self.incoming.held_bytes(), expected, "at {:?}", self.place);
    }

    fn bypass(&mut self, n: usize) {
        let may = self.incoming.can_bypass();
        assert_eq!(may, self.queue.is_empty() && !self.ended, "at {:?}", self.place);
        if may {
            let n = self.wire.next(n).len();
            self.incoming.wire_bypassed(n);
        }
    }

    /// A look that needs more may need a buffer of `n` bytes, and has room for at least one more.
    fn looked<T: Copy + Debug + PartialEq>(
        &mut self,
        looked: Result<Search<T>, RecvError>,
        expected: Result<Search<T>, RecvError>,
        n: usize,
    ) {
        assert_eq!(looked, expected, "at {:?}", self.place);
        if looked == Ok(Search::NeedMore) {
            self.bound = n.max(self.limits.recv_bytes_max.clamp(1, BLOCK));
            self.block_bytes_max = self.block_bytes_max.max(self.bound);
            assert!(self.incoming.wants_wire(), "more is needed, and there is no room at {:?}", self.place);
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        assert!(*self.incoming.plain() == *self.queue.make_contiguous(), "at {:?}", self.place);
        assert_eq!(self.incoming.wire_bytes(), self.wire.came as u64, "at {:?}", self.place);
        assert_eq!(self.incoming.has_ended(), self.ended, "at {:?}", self.place);
        assert!(!self.incoming.is_discarding(), "no line was too long, at {:?}", self.place);
        assert_eq!(self.incoming.settle(), Ok(()), "at {:?}", self.place);
        let held = self.incoming.held_bytes();
        let most = self.block_bytes_max;
        assert!(held <= most, "{held} bytes are held, not {most}, at {:?}", self.place);
    }

    fn finish(self) {
        let rest = Vec::from(self.queue);
        assert!(self.incoming.into_plain() == rest, "other bytes were left");
        for (at, (owned, expected)) in self.kept.iter().enumerate() {
            assert!(owned == expected, "the owned value number {at} has changed since it was taken");
        }
    }
}
