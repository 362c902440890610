//! The outgoing queue: what was accepted goes out, in order, whole or up to where a send was torn, and nothing else.

use super::dirty_blocks::DirtyBlocks;
use super::noise::{NOISE_BYTES, noise};
use super::script::{Script, Step};
use asyncnet_core::{BLOCK_BYTES, Limits, Outgoing, SendError};
use bytes::Bytes;

/// The most bytes that one step sends: more than the longest block.
const SEND_BYTES_MAX: usize = 80 << 10;

const BLOCK: usize = BLOCK_BYTES[BLOCK_BYTES.len() - 1];

/// What the steps of a script can be; what each means is at [`outgoing`].
const ACTIONS: &[u8] = b"qQosdpeakcfrhg";

/// A sending half lets out what was accepted, in order, and nothing behind a torn message.
///
/// The input is a script, see the [module](super). Its header is two numbers: the queue's limit and the longest send
/// that is completed from the queue. It has no rest: what is sent are numbers that look random. The steps, each with
/// its number `n`:
///
/// | step | meaning |
/// | --- | --- |
/// | `q`, `Q` | queue `n` bytes, in one part or in three |
/// | `o` | queue an owned value of `n` bytes |
/// | `s` | the wire takes `n` bytes of what is queued |
/// | `d` | a direct send of `n` bytes begins |
/// | `p` | the wire takes `n` bytes, first of what is queued, then of the direct send |
/// | `e` | the direct send is over, if all of it is out |
/// | `a`, `k` | the direct send is dropped, or leaked |
/// | `c`, `f` | close; the wire's write side is shut down |
/// | `r` | release the memory |
/// | `h`, `g` | ask whether anything may be sent, or whether what is queued may go out |
///
/// # Panics
///
/// If what goes out is not what was accepted, if a call is accepted or refused that should not be, or if more memory
/// is held than what is queued explains.
///
/// ```
/// // A send of five bytes is dropped after two: the queue completes it before what comes later.
/// asyncnet_conformance::properties::outgoing(b"~~q3d5p5aq2s~|");
/// ```
pub fn outgoing(data: &[u8]) {
    let script = Script::<2>::read(data, ACTIONS);
    let [queue_bytes_max, send_atomic_max] = script.header;
    let mut limits = Limits::default();
    (limits.queue_bytes_max, limits.send_atomic_max) = (queue_bytes_max, send_atomic_max);
    let mut player = Player {
        outgoing: Outgoing::new(&limits),
        limits,
        blocks: DirtyBlocks::default(),
        model: Model::default(),
        owned: Vec::new(),
        place: (0, Step { action: b'|', n: 0 }),
    };
    for (at, step) in script.steps.iter().enumerate() {
        player.place = (at, *step);
        player.step(*step);
        player.check();
    }
    player.finish();
}

/// What must happen, in the simplest terms.
#[derive(Default)]
struct Model {
    /// Every byte that was accepted, in order; a torn message up to where it was torn.
    promised: Vec<u8>,
    /// How many of them are with the wire.
    out: usize,
    /// How many bytes at the end of `promised` are a direct send's, which is still under way.
    direct: Option<Direct>,
    closed: bool,
    finished: bool,
    torn: Option<(usize, usize)>,
}

#[derive(Clone, Copy)]
struct Direct {
    sent: usize,
    of: usize,
}

impl Model {
    fn queued(&self) -> &[u8] {
        let direct = self.direct.map_or(0, |direct| direct.of - direct.sent);
        &self.promised[self.out..self.promised.len() - direct]
    }

    /// A direct send is under way, and something else is called: nobody will end it.
    fn leak(&mut self) {
        if let Some(Direct { sent, of }) = self.direct.take() {
            self.promised.truncate(self.promised.len() - (of - sent));
            self.torn = self.torn.or((0 < sent && sent < of).then_some((sent, of)));
        }
    }

    fn open(&mut self) -> Result<(), SendError> {
        self.leak();
        match self.torn {
            _ if self.closed || self.finished => Err(SendError::Closed),
            Some((sent, of)) => Err(SendError::Abandoned { sent, of }),
            None => Ok(()),
        }
    }
}

struct Player {
    outgoing: Outgoing,
    limits: Limits,
    blocks: DirtyBlocks,
    model: Model,
    /// Where in what was promised the owned values end that may lie in the queue as they are.
    owned: Vec<usize>,
    /// For the message of a panic.
    place: (usize, Step),
}

impl Player {
    fn step(&mut self, step: Step) {
        let n = step.n.min(SEND_BYTES_MAX).min(NOISE_BYTES.saturating_sub(self.model.promised.len()));
        match step.action {
            b'q' | b'Q' => self.queue(n, step.action == b'Q'),
            b'o' => self.queue_owned(n),
            b's' => _ = self.wire_sent(step.n),
            b'd' => self.begin_direct(n),
            b'p' => self.progress(step.n),
            b'e' => self.end_direct(),
            b'a' => self.abandon_direct(),
            // What was leaked is noticed by whatever is called next.
            b'k' => {}
            b'c' => {
                self.outgoing.close();
                self.model.leak();
                self.model.closed |= self.model.torn.is_none();
            }
            b'f' => {
                self.outgoing.finish();
                self.model.leak();
                (self.model.finished, self.model.torn) = (true, None);
            }
            b'r' => self.outgoing.release(&mut self.blocks),
            b'h' => assert_eq!(self.outgoing.check_open(), self.model.open(), "at {:?}", self.place),
            _ => {
                self.model.leak();
                let torn = self.model.torn.map(|(sent, of)| SendError::Abandoned { sent, of });
                assert_eq!(self.outgoing.check_whole().err(), torn, "at {:?}", self.place);
            }
        }
    }

    fn queue(&mut self, n: usize, parted: bool) {
        let bytes = self.next(n);
        let (first, second) = bytes.split_at(if parted { n / 3 } else { n });
        let parts: &[&[u8]] = if parted { &[first, b"", second] } else { &[first] };
        let queued = if n % 2 == 0 {
            self.outgoing.queue_from(parts, &mut self.blocks)
        } else {
            self.outgoing.queue(parts)
        };
        let mut expected = self.model.open();
        let room = self.limits.queue_bytes_max.saturating_sub(self.model.queued().len());
        if expected.is_ok() && n > room {
            expected = Err(SendError::QueueFull { asked: n, room });
        }
        assert_eq!(queued, expected, "at {:?}", self.place);
        if queued.is_ok() {
            self.model.promised.extend(bytes);
        }
    }

    fn queue_owned(&mut self, n: usize) {
        let bytes = self.next(n);
        let queued = self.outgoing.queue_owned(Bytes::from(bytes.clone()), &mut self.blocks);
        let mut expected = self.model.open();
        let waiting = self.model.queued().len();
        if expected.is_ok() && waiting > 0 && waiting >= self.limits.queue_bytes_max {
            expected = Err(SendError::QueueFull { asked: n, room: 0 });
        }
        assert_eq!(queued, expected, "at {:?}", self.place);
        if queued.is_ok() {
            self.model.promised.extend(bytes);
            self.owned.push(self.model.promised.len());
        }
    }

    fn begin_direct(&mut self, n: usize) {
        let begun = self.outgoing.begin_direct(n);
        assert_eq!(begun, self.model.open(), "at {:?}", self.place);
        if begun.is_ok() {
            let bytes = self.next(n);
            self.model.promised.extend(bytes);
            self.model.direct = Some(Direct { sent: 0, of: n });
        }
    }

    /// The wire takes the first `n` bytes of what waits.
    fn wire_sent(&mut self, n: usize) -> usize {
        let n = n.min(self.model.queued().len());
        if n % 2 == 0 {
            self.outgoing.wire_sent_to(n, &mut self.blocks);
        } else {
            self.outgoing.wire_sent(n);
        }
        self.model.out += n;
        n
    }

    /// One vectored write of what is queued and of the direct send's bytes, which come from the caller's memory.
    fn progress(&mut self, n: usize) {
        let n = n - self.wire_sent(n);
        let Some(mut direct) = self.model.direct.filter(|_| self.model.queued().is_empty()) else { return };
        let n = n.min(direct.of - direct.sent);
        self.outgoing.direct_sent(n);
        self.model.out += n;
        direct.sent += n;
        self.model.direct = Some(direct);
    }

    fn end_direct(&mut self) {
        if self.model.direct.is_some_and(|direct| direct.sent == direct.of) {
            self.outgoing.end_direct();
            self.model.direct = None;
        }
    }

    fn abandon_direct(&mut self) {
        let direct = self.model.direct.take();
        let rest = direct.map_or(0, |direct| direct.of - direct.sent);
        let at = self.model.promised.len() - rest;
        let (first, second) = self.model.promised[at..].split_at(rest / 2);
        self.outgoing.abandon_direct(&[first, second], &mut self.blocks);
        let Some(Direct { sent, of }) = direct else { return };
        if sent == 0 {
            self.model.promised.truncate(at);
        } else if sent < of && of > self.limits.send_atomic_max {
            self.model.promised.truncate(at);
            self.model.torn = Some((sent, of));
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        let queued = self.model.queued();
        let (mut rest, mut pieces) = (queued, 0);
        for piece in self.outgoing.wire_pending() {
            assert!(!piece.is_empty(), "an empty piece waits at {:?}", self.place);
            assert!(rest.starts_with(piece), "other bytes wait at {:?}", self.place);
            rest = &rest[piece.len()..];
            pieces += 1;
        }
        assert!(rest.is_empty(), "{} bytes do not wait at {:?}", rest.len(), self.place);
        assert_eq!(self.outgoing.len(), queued.len(), "at {:?}", self.place);
        assert_eq!(self.outgoing.is_empty(), queued.is_empty(), "at {:?}", self.place);
        assert_eq!(self.outgoing.wire_bytes(), self.model.out as u64, "at {:?}", self.place);
        let mark = self.limits.queue_bytes_max.div_ceil(2).min(65_536);
        let heavy = !queued.is_empty() && queued.len() >= mark;
        assert_eq!(self.outgoing.is_heavy(), heavy, "at {:?}", self.place);
        let closed = self.model.closed || self.model.finished;
        assert_eq!(self.outgoing.is_closed(), closed, "at {:?}", self.place);
        assert_eq!(self.outgoing.is_finished(), self.model.finished, "at {:?}", self.place);

        // No piece is in more than one block. A block is at most four times as long as what it was taken for, or as
        // short as blocks are, and a piece is sealed before it is full only where an owned value follows. Two may be
        // longer than what is in them: the front, of which the wire took a part, and the tail, which keeps its block.
        self.owned.retain(|end| *end > self.model.out);
        let most = 2 * BLOCK + 4 * queued.len() + BLOCK_BYTES[0] * self.owned.len();
        let most = most.min(BLOCK * pieces.max(1));
        let held = self.outgoing.held_bytes();
        assert!(held <= most, "{held} bytes are held for {} at {:?}", queued.len(), self.place);
    }

    fn finish(mut self) {
        self.model.leak();
        assert!(self.outgoing.into_queued() == self.model.queued(), "other bytes were left");
    }

    /// `n` bytes to send: none that waits already.
    fn next(&self, n: usize) -> Vec<u8> {
        noise(self.model.promised.len(), n).to_vec()
    }
}
