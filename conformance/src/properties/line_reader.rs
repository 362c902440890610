//! Lines: every policy and limit, however the bytes are cut and whatever else is called in between.

use super::dirty_blocks::DirtyBlocks;
use super::line_player::Player;
use super::oracle::Oracle;
use super::script::{Script, Step};
use asyncnet_core::{Connection, Ending, Endings, LastLine, Limits, LinePolicy, Overlong, RecvError, Search};
use bytes::Bytes;

/// The most bytes that an input is stretched to: what lies in a buffer may then outgrow the longest block twice.
const INPUT_BYTES_MAX: usize = 160 << 10;

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
    Player::new(&case).play();

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
pub(super) struct Case<'a> {
    pub(super) input: &'a [u8],
    pub(super) policy: LinePolicy,
    pub(super) budget: usize,
    pub(super) recv_bytes_max: usize,
    pub(super) steps: &'a [Step],
}

/// What a reader of lines sees.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Line(Bytes, Ending),
    Error(RecvError),
    End,
}

impl Case<'_> {
    pub(super) fn connection(&self) -> Connection {
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
    pub(super) fn looks_max(&self) -> usize {
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

/// The policy that a number stands for, but for its limit.
pub(super) fn policy(flags: usize) -> LinePolicy {
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
