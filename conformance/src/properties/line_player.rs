//! Calls of every kind between lines, step by step on a connection and on the oracle, and the accounts of both.

use super::dirty_blocks::DirtyBlocks;
use super::line_reader::{Case, policy};
use super::oracle::{self, Oracle};
use super::script::Step;
use asyncnet_core::{BLOCK_BYTES, Connection, Ending, LinePolicy, LineSpan, ProcessError, RecvError, Search};
use bytes::Bytes;
use std::fmt::Debug;

const BLOCK: usize = BLOCK_BYTES[BLOCK_BYTES.len() - 1];

/// Plays the steps on a connection and on the oracle, and keeps the accounts.
pub(super) struct Player<'a> {
    case: &'a Case<'a>,
    connection: Connection,
    oracle: Oracle<'a>,
    blocks: DirtyBlocks,
    policy: LinePolicy,
    /// Where in the input the next byte that is served must stand; and whether a line is dropped before it.
    served: usize,
    drops: bool,
    /// How many looks for a line there were.
    looks: usize,
    /// The most that the buffer may be long, after what was asked for so far.
    bound: usize,
    /// Owned values, and where in the input they stand: they must not change.
    kept: Vec<(usize, Bytes)>,
    /// For the message of a panic.
    place: (usize, Step),
}

impl<'a> Player<'a> {
    pub(super) fn new(case: &'a Case<'a>) -> Self {
        Self {
            case,
            connection: case.connection(),
            oracle: Oracle::new(case.input, case.budget),
            blocks: DirtyBlocks::default(),
            policy: case.policy,
            served: 0,
            drops: false,
            looks: 0,
            bound: case.recv_bytes_max.clamp(1, BLOCK),
            kept: Vec::new(),
            place: (0, Step { action: b'|', n: 0 }),
        }
    }

    /// Plays every step, then reads to the end.
    pub(super) fn play(mut self) {
        for (at, step) in self.case.steps.iter().enumerate() {
            self.place = (at, *step);
            self.step(*step);
        }
        self.finish();
    }

    fn step(&mut self, step: Step) {
        let n = step.n;
        match step.action {
            b'w' => self.fill(n),
            b'l' => _ = self.line(n),
            b'm' => self.policy = self.policy.max(n),
            b'p' => self.policy = policy(n).max(self.policy.max),
            b't' | b'o' | b'k' | b'c' => self.take(step.action, n),
            b'z' => {
                self.connection.incoming_mut().drop_all();
                self.oracle.drop_all();
                (self.served, self.drops) = (self.oracle.came, false);
            }
            b'd' => self.delimiter(b"\r\n", n),
            b'e' => self.delimiter(b"a\r\na", n),
            b'b' => self.bytes(n),
            b'f' => self.end(n),
            b'r' => self.connection.incoming_mut().release(&mut self.blocks),
            b'x' => self.wire_eof(),
            _ => {
                let settled = self.connection.process().map_err(|error| match error {
                    ProcessError::Recv(error) => error,
                    other => panic!("without TLS: {other}"),
                });
                self.same(settled, Oracle::settle);
            }
        }
        self.check();
    }

    /// Reads what is left, as lines.
    fn finish(&mut self) {
        self.place = (self.case.steps.len(), Step { action: b'|', n: 0 });
        for _ in 0..self.case.looks_max() {
            match self.line(0) {
                Ok(Search::NeedMore) if self.oracle.came < self.case.input.len() => self.fill(usize::MAX),
                Ok(Search::NeedMore) => self.wire_eof(),
                Err(RecvError::Incomplete { len }) => self.take(b't', len),
                Ok(Search::End) => {
                    self.check();
                    assert_eq!(self.served, self.case.input.len(), "at the end not all is accounted for");
                    break;
                }
                Err(error) if error.is_fatal() => {
                    self.check();
                    self.stays(error);
                    break;
                }
                _ => {}
            }
            self.check();
        }
        let done = self.oracle.failed.is_some() || self.served == self.case.input.len();
        assert!(done, "no end was seen, {} bytes into the input", self.served);
        for (at, bytes) in &self.kept {
            assert!(*bytes == self.case.input[*at..*at + bytes.len()], "what was taken at {at} has changed");
        }
    }

    fn fill(&mut self, n: usize) {
        let rest = &self.case.input[self.oracle.came..];
        let incoming = self.connection.incoming_mut();
        if rest.is_empty() || !incoming.wants_wire() {
            return;
        }
        let space = incoming.wire_space_from(&mut self.blocks);
        assert!(!space.is_empty(), "bytes are wanted, and there is no space for them at {:?}", self.place);
        let n = space.len().min(n).min(rest.len());
        space[..n].copy_from_slice(&rest[..n]);
        incoming.wire_filled(n);
        self.oracle.came += n;
    }

    fn wire_eof(&mut self) {
        if self.oracle.came == self.case.input.len() {
            self.connection.wire_eof();
            self.oracle.ended = true;
        }
    }

    fn look(&mut self) -> Result<Search<LineSpan>, RecvError> {
        let policy = self.policy;
        // Before every other look the quick ones, which have to agree with it.
        self.looks += 1;
        let incoming = self.connection.incoming_mut();
        let quick = (self.looks % 2 == 0).then(|| (incoming.line_here(policy), incoming.awaits_line(policy)));
        let looked = self.connection.find_line(policy);
        match quick {
            Some((Some(span), _)) => assert_eq!(looked, Ok(Search::Found(span)), "at {:?}", self.place),
            Some((None, true)) => assert_eq!(looked, Ok(Search::NeedMore), "at {:?}", self.place),
            _ => {}
        }
        self.same(in_numbers(looked), |oracle| oracle.line(policy));
        self.needs(&looked, policy.max.saturating_add(2));
        self.drops |= matches!(looked, Err(RecvError::LineTooLong { .. }));
        looked
    }

    /// Looks for a line and takes it as `way` says.
    fn line(&mut self, way: usize) -> Result<Search<LineSpan>, RecvError> {
        let mut looked = self.look();
        if way % 4 == 3 {
            looked = self.look();
        }
        let span = match looked {
            Ok(Search::Found(span)) if way % 4 != 2 => span,
            _ => return looked,
        };
        let expected = &self.oracle.plain()[..span.len()];
        if way % 4 == 1 {
            let line = self.connection.incoming_mut().take_line_owned(span, &mut self.blocks);
            assert!(line == expected, "an owned line is {line:?} at {:?}", self.place);
            self.kept.push((self.served, line));
        } else {
            let line = self.connection.take_line(span);
            assert!(line == expected, "a line is {:?} at {:?}", Bytes::copy_from_slice(line), self.place);
        }
        self.oracle.take_line(span.len(), span.ending(), self.policy.endings);
        self.serve(span.len());
        self.serve(span.ending().as_bytes().len());
        self.drops |= span.ending() == Ending::Cut;
        looked
    }

    fn take(&mut self, action: u8, n: usize) {
        let n = n.min(self.connection.plain().len());
        let expected = &self.oracle.plain()[..n];
        match action {
            b't' => {
                let mut into = vec![0; n];
                assert_eq!(self.connection.take(&mut into), n);
                assert!(into == expected, "{into:?} was taken at {:?}", self.place);
            }
            b'o' => {
                let owned = self.connection.incoming_mut().take_owned(n, &mut self.blocks);
                assert!(owned == expected, "{owned:?} was taken at {:?}", self.place);
                self.kept.push((self.served, owned));
            }
            b'k' => {
                let front = self.connection.incoming_mut().take_front(n);
                let front = Bytes::copy_from_slice(front);
                assert!(front == expected, "{front:?} was taken at {:?}", self.place);
            }
            _ => self.connection.consume(n),
        }
        self.oracle.at += n;
        self.serve(n);
    }

    fn delimiter(&mut self, delimiter: &[u8], max: usize) {
        let looked = self.connection.incoming_mut().find_delimiter(delimiter, max);
        self.same(looked, |oracle| {
            oracle.settle()?;
            oracle::delimiter(oracle.plain(), oracle.ended, delimiter, max)
        });
        self.needs(&looked, max.saturating_add(delimiter.len()));
        if let Ok(Search::Found(at)) = looked {
            self.take(b'o', at);
            assert!(self.connection.plain().starts_with(delimiter), "no {delimiter:?} at {:?}", self.place);
            self.take(b'c', delimiter.len());
        }
    }

    fn bytes(&mut self, n: usize) {
        let most = self.case.recv_bytes_max;
        let looked = self.connection.incoming_mut().find_bytes(n);
        self.same(looked, |oracle| {
            if n <= most {
                oracle.settle()?;
            }
            oracle::bytes(oracle.plain(), oracle.ended, n, most)
        });
        self.needs(&looked, n);
    }

    fn end(&mut self, max: usize) {
        let looked = self.connection.incoming_mut().find_end(max);
        self.same(looked, |oracle| {
            oracle.settle()?;
            oracle::end(oracle.plain(), oracle.ended, max)
        });
        self.needs(&looked, max.saturating_add(1));
    }

    /// After a fatal error every look gives it, and nothing more is wanted.
    fn stays(&mut self, error: RecvError) {
        let policy = self.policy;
        assert!(!self.connection.wants_wire(), "bytes are wanted after {error:?}");
        let incoming = self.connection.incoming_mut();
        assert!(!incoming.can_bypass(), "bytes may go past the buffer after {error:?}");
        for _ in 0..2 {
            assert_eq!(incoming.find_line(policy), Err(error));
            assert_eq!(incoming.find_line(LinePolicy::new(usize::MAX)), Err(error));
            assert_eq!(incoming.find_delimiter(b"\n", usize::MAX), Err(error));
            assert_eq!(incoming.find_bytes(0), Err(error));
            assert_eq!(incoming.find_end(usize::MAX), Err(error));
            assert_eq!(incoming.settle(), Err(error));
            incoming.release(&mut self.blocks);
            incoming.wire_eof();
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        let incoming = self.connection.incoming();
        let plain = incoming.plain();
        assert_eq!(incoming.is_discarding(), self.oracle.is_dropping(), "at {:?}", self.place);
        assert_eq!(incoming.wire_bytes(), self.oracle.came as u64, "at {:?}", self.place);
        let held = incoming.held_bytes();
        assert!(held <= self.bound, "{held} bytes are held, not {}, at {:?}", self.bound, self.place);
        if incoming.is_discarding() {
            assert!(plain.is_empty(), "the tail of a dropped line is served at {:?}", self.place);
            return;
        }
        assert!(plain == self.oracle.plain(), "other bytes are left at {:?}", self.place);
        // The accounts, which do not believe the oracle.
        let front = self.case.input.len().min(self.oracle.came) - plain.len();
        if front != self.served {
            let gap = &self.case.input[self.served..front];
            assert!(self.drops, "{} bytes are lost at {:?}", gap.len(), self.place);
            let whole = gap.ends_with(b"\n") || (self.oracle.ended && front == self.oracle.came);
            assert!(whole, "a dropped line ends in {:?} at {:?}", gap.last(), self.place);
            (self.served, self.drops) = (front, false);
        }
    }

    /// What comes next in the input was served, and is `n` bytes long.
    fn serve(&mut self, n: usize) {
        self.served += n;
    }

    /// A look that needs more may need a buffer of `n` bytes, and has room for at least one more.
    fn needs<T>(&mut self, looked: &Result<Search<T>, RecvError>, n: usize) {
        if matches!(looked, Ok(Search::NeedMore)) {
            self.bound = self.bound.max(n);
            assert!(self.connection.wants_wire(), "more is needed, and there is no room at {:?}", self.place);
        }
    }

    fn same<T: Copy + Debug + PartialEq>(&mut self, seen: T, expect: impl FnOnce(&mut Oracle<'a>) -> T) {
        let expected = expect(&mut self.oracle);
        assert_eq!(seen, expected, "the connection differs from the oracle at {:?}", self.place);
        // A look may have finished a discard: what is taken next stands behind it.
        self.check();
    }
}

/// What a look saw, in the oracle's terms, which has no tokens.
fn in_numbers(looked: Result<Search<LineSpan>, RecvError>) -> Result<Search<(usize, Ending)>, RecvError> {
    looked.map(|search| match search {
        Search::Found(span) => Search::Found((span.len(), span.ending())),
        Search::NeedMore => Search::NeedMore,
        Search::End => Search::End,
    })
}
