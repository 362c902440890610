//! Lines: every policy and limit, however the bytes are cut and whatever else is called in between.

use super::dirty_blocks::DirtyBlocks;
use super::oracle::{self, Oracle};
use super::script::{Script, Step};
use asyncnet_core::{
    BLOCK_BYTES, Connection, Ending, Endings, LastLine, Limits, LinePolicy, LineSpan, Overlong, RecvError,
    Search,
};
use bytes::Bytes;
use std::fmt::Debug;

/// The most bytes that an input is stretched to: what lies in a buffer may then outgrow the longest block twice.
const INPUT_BYTES_MAX: usize = 160 << 10;

const BLOCK: usize = BLOCK_BYTES[BLOCK_BYTES.len() - 1];

/// What the steps of a script can be; what each means is at [`line_reader`].
const ACTIONS: &[u8] = b"wlmptockzdebfrsx";

/// A reader of lines sees what the bytes say, however they are cut.
///
/// The input is a script, see the [module](super). Its header is five numbers: the policy, the limit of a line, the
/// budget for what is dropped, the length of the receive buffer, and how many `X` each `X` of the rest stands for.
/// The policy is the sum of 1 for CR LF only, 2 to accept an unterminated last line, 4 to truncate an over-long
/// line, and 8 to fail at one. The rest is what the peer sends. The steps, each with its number `n`:
///
/// | step | meaning |
/// | --- | --- |
/// | `w` | `n` bytes come from the wire, or as many as there is space for |
/// | `l` | look for a line and take it: borrowed, owned, not at all, or after a second look, as `n` is 0, 1, 2, 3 |
/// | `m`, `p` | from now on the limit, or the policy, is `n` |
/// | `t`, `o`, `k`, `c` | take `n` bytes: into memory, owned, borrowed, or drop them |
/// | `z` | drop all that came, and a fatal error |
/// | `d`, `e` | look for CR LF, or for `a` CR LF `a`, within `n` bytes; take what is before it, and it |
/// | `b`, `f` | look for `n` bytes, or for the end within `n` bytes |
/// | `r`, `s` | release the buffer's memory; process |
/// | `x` | the wire ends, if all of the input has come |
///
/// After the steps the rest of the input comes and is read to its end. Then the input is read three times more, for
/// lines alone: in one piece, byte by byte, and cut as the `w` steps say, with the limits and policies of the steps,
/// a new one for each line.
///
/// # Panics
///
/// If the connection and the oracle differ; if lines, terminators, what was taken, what was dropped and what is left
/// are not the input, in order; if the buffer is longer than a call needs.
///
/// ```
/// // Lines of at most 5 bytes, a budget of 1000000; the third line is over-long and comes in two pieces.
/// asyncnet_conformance::properties::line_reader(b"05~~1w9l0l0l0w9l0|a\r\n\n1234567\nok\n");
/// ```
pub fn line_reader(data: &[u8]) {
    let script = Script::<5>::read(data, ACTIONS);
    let [flags, max, budget, recv_bytes_max, stretch] = script.header;
    let case = Case {
        input: &stretched(script.rest, stretch),
        policy: policy(flags).max(max),
        budget,
        recv_bytes_max,
        steps: &script.steps,
    };
    let mut player = Player::new(&case);
    for (at, step) in script.steps.iter().enumerate() {
        player.place = (at, *step);
        player.step(*step);
    }
    player.finish();

    let expected = case.lines_of_oracle();
    // Byte by byte, or where that would take too long in pieces as small as can be.
    let small = case.input.len().div_ceil(4_096).max(1);
    for cuts in [vec![usize::MAX], vec![small], case.cuts()] {
        let seen = case.lines_of_connection(&cuts);
        let same = seen.iter().zip(&expected).take_while(|(seen, expected)| seen == expected).count();
        assert!(
            seen == expected,
            "cut by {cuts:?}, item {same} is {:?}, and should be {:?}",
            seen.get(same),
            expected.get(same)
        );
    }
}

/// What a script says.
struct Case<'a> {
    input: &'a [u8],
    policy: LinePolicy,
    budget: usize,
    recv_bytes_max: usize,
    steps: &'a [Step],
}

/// What a reader of lines sees.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Line(Bytes, Ending),
    Error(RecvError),
    End,
}

impl Case<'_> {
    fn connection(&self) -> Connection {
        let mut limits = Limits::default();
        limits.discard_bytes_max = self.budget;
        limits.recv_bytes_max = self.recv_bytes_max;
        Connection::new(limits)
    }

    /// How many bytes come at once, over and over.
    fn cuts(&self) -> Vec<usize> {
        let cuts = self.steps.iter().filter(|step| step.action == b'w').map(|step| step.n.max(1));
        cuts.chain([usize::MAX]).collect()
    }

    /// The policy of each line in turn; the last one stays.
    fn policies(&self) -> Vec<LinePolicy> {
        let mut policies = vec![self.policy];
        for step in self.steps {
            let last = policies[policies.len() - 1];
            match step.action {
                b'm' => policies.push(last.max(step.n)),
                b'p' => policies.push(policy(step.n).max(last.max)),
                _ => {}
            }
        }
        policies
    }

    /// As many items as there are to see: each takes a byte, but for a spent budget and the end.
    fn items_max(&self) -> usize {
        self.input.len() + 2
    }

    /// As many looks as that takes: one that sees nothing is followed by a byte or by the wire's end.
    fn looks_max(&self) -> usize {
        self.items_max() + self.input.len() + 1
    }

    fn lines_of_oracle(&self) -> Vec<Seen> {
        let mut oracle = Oracle::new(self.input, self.budget);
        (oracle.came, oracle.ended) = (self.input.len(), true);
        let (policies, mut seen) = (self.policies(), Vec::new());
        while seen.len() < self.items_max() {
            let policy = policies[seen.len().min(policies.len() - 1)];
            seen.push(match oracle.line(policy) {
                Ok(Search::Found((len, ending))) => {
                    let text = Bytes::copy_from_slice(&oracle.plain()[..len]);
                    oracle.take_line(len, ending, policy.endings);
                    Seen::Line(text, ending)
                }
                Ok(_) => Seen::End,
                Err(error) => {
                    if let RecvError::Incomplete { len } = error {
                        oracle.at += len;
                    }
                    Seen::Error(error)
                }
            });
            if seen.last().is_some_and(Seen::is_last) {
                return seen;
            }
        }
        panic!("the oracle does not come to an end");
    }

    fn lines_of_connection(&self, cuts: &[usize]) -> Vec<Seen> {
        let (mut connection, mut blocks) = (self.connection(), DirtyBlocks::default());
        let incoming = connection.incoming_mut();
        let (mut came, mut cuts) = (0, cuts.iter().cycle());
        let (policies, mut seen) = (self.policies(), Vec::new());
        for _ in 0..self.looks_max() {
            let policy = policies[seen.len().min(policies.len() - 1)];
            match incoming.find_line(policy) {
                Ok(Search::Found(span)) => {
                    let text = if seen.len() % 2 == 0 {
                        Bytes::copy_from_slice(incoming.take_line(span))
                    } else {
                        incoming.take_line_owned(span, &mut blocks)
                    };
                    seen.push(Seen::Line(text, span.ending()));
                }
                Ok(Search::NeedMore) if came == self.input.len() => incoming.wire_eof(),
                Ok(Search::NeedMore) => {
                    assert!(incoming.wants_wire(), "a line needs more, and there is no room for it");
                    let cut = cuts.next().copied().unwrap_or(usize::MAX);
                    let space = incoming.wire_space_from(&mut blocks);
                    let n = space.len().min(cut).min(self.input.len() - came);
                    space[..n].copy_from_slice(&self.input[came..came + n]);
                    incoming.wire_filled(n);
                    came += n;
                }
                Ok(Search::End) => seen.push(Seen::End),
                Err(error) => {
                    if let RecvError::Incomplete { len } = error {
                        incoming.consume(len);
                    }
                    seen.push(Seen::Error(error));
                }
            }
            if seen.last().is_some_and(Seen::is_last) {
                return seen;
            }
        }
        panic!("the connection neither saw anything nor wanted anything, after {:?}", seen.last());
    }
}

impl Seen {
    fn is_last(&self) -> bool {
        match self {
            Self::Line(..) => false,
            Self::Error(error) => error.is_fatal(),
            Self::End => true,
        }
    }
}

/// Plays the steps on a connection and on the oracle, and keeps the accounts.
struct Player<'a> {
    case: &'a Case<'a>,
    connection: Connection,
    oracle: Oracle<'a>,
    blocks: DirtyBlocks,
    policy: LinePolicy,
    /// Where in the input the next byte that is served must stand; and whether a line is dropped before it.
    served: usize,
    drops: bool,
    /// The most that the buffer may be long, after what was asked for so far.
    bound: usize,
    /// Owned values, and where in the input they stand: they must not change.
    kept: Vec<(usize, Bytes)>,
    /// For the message of a panic.
    place: (usize, Step),
}

impl<'a> Player<'a> {
    fn new(case: &'a Case<'a>) -> Self {
        Self {
            case,
            connection: case.connection(),
            oracle: Oracle::new(case.input, case.budget),
            blocks: DirtyBlocks::default(),
            policy: case.policy,
            served: 0,
            drops: false,
            bound: case.recv_bytes_max.clamp(1, BLOCK),
            kept: Vec::new(),
            place: (0, Step { action: b'|', n: 0 }),
        }
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
                let settled = self.connection.process();
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
        let looked = self.connection.find_line(policy);
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
        if self.is_spent() {
            return;
        }
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
        if self.is_spent() {
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

    /// Whether the budget for a dropped line is spent. What is left of that line is not looked at.
    fn is_spent(&self) -> bool {
        matches!(self.oracle.failed, Some(RecvError::DiscardSpent { .. }))
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

/// The policy that a number stands for, but for its limit.
fn policy(flags: usize) -> LinePolicy {
    let is = |bit| flags & bit != 0;
    LinePolicy::new(0)
        .endings(if is(1) { Endings::CrLfOnly } else { Endings::Any })
        .last(if is(2) { LastLine::Accept } else { LastLine::Refuse })
        .overlong(match (is(8), is(4)) {
            (true, _) => Overlong::Fail,
            (_, true) => Overlong::Truncate,
            _ => Overlong::Discard,
        })
}

/// `rest` with each `X` repeated `times`, as far as there is room.
fn stretched(rest: &[u8], times: usize) -> Vec<u8> {
    let mut input = Vec::with_capacity(rest.len());
    for byte in rest {
        let most = INPUT_BYTES_MAX.saturating_sub(input.len());
        let n = if *byte == b'X' { times.max(1) } else { 1 };
        input.resize(input.len() + n.min(most), *byte);
    }
    input
}
