//! Faults that were put in on purpose, one of each kind: the harness names the call, the place and what is wrong.
//!
//! They are functions as anybody may write them over a stream: of several calls each of which can be dropped, which makes
//! no function that can be.

use super::calls::{EIGHT, LINE, SHORT};
use super::check::{self, Found, Plan};
use super::row::{Message, Row};
use super::sides::Protocol;
use super::subject::Subject;
use super::{PLAIN, TLS12, TLS13, Wire, disturbed};
use crate::case::{LocalFuture, Stop, Verdict};
use crate::memory::Memory;
use asyncnet_driver::{Error, Stream, Transport};
use futures_lite::AsyncWriteExt;
use futures_lite::future::{block_on, yield_now};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

const EACH: [Protocol; 3] = [PLAIN, TLS12, TLS13];

fn tried<S: Subject>(
    rows: &[Row<S>],
    subject: fn(Stream<Wire>) -> Result<S, Stop>,
    protocol: Protocol,
) -> Verdict {
    let at = &Memory::default();
    let mut found = Found::default();
    for (disturb, transport) in disturbed() {
        let plan = Plan { at, protocol, disturb, transport, subject };
        block_on(check::each_call(&plan, rows, &mut found))?;
    }
    found.verdict()
}

/// Tries the row: what is wrong with it.
fn reasons<S: Subject>(
    row: Row<S>,
    subject: fn(Stream<Wire>) -> Result<S, Stop>,
    protocol: Protocol,
) -> String {
    match tried(&[row], subject, protocol) {
        Err(Stop::Failed(reasons)) => reasons,
        other => panic!("over {}: {other:?}", protocol.name()),
    }
}

/// Whether the harness says all of this, in one line, of the row.
#[track_caller]
fn caught(row: fn() -> Row<Stream<Wire>>, said: &[&str]) {
    for protocol in EACH {
        let reasons = reasons(row(), Ok, protocol);
        let says = |line: &str| said.iter().chain([&protocol.name()]).all(|part| line.contains(part));
        assert!(reasons.lines().any(says), "{said:?}: {reasons}");
    }
}

#[test]
fn progress_in_the_future_is_caught() {
    let row = || {
        Row::receives("faulty::progress_in_the_future", EIGHT, |stream: &mut Stream<Wire>, _| {
            Box::pin(async {
                let mut got = Vec::new();
                while got.len() < EIGHT.len() {
                    got.extend(stream.recv_owned(EIGHT.len() - got.len()).await?);
                }
                Ok(got)
            })
        })
    };
    caught(row, &["faulty::progress_in_the_future", "dropped", "what it gave: ", "not \"eight by\""]);
    caught(row, &["Late transport", "leaked", "what it gave"]);
}

#[test]
fn a_copy_before_completion_is_caught() {
    let row = || {
        Row::receives("faulty::copies_early", EIGHT, |stream: &mut Stream<Wire>, caller| {
            Box::pin(async move {
                let mut n = 0;
                while n < caller.bytes.len() {
                    n += stream.recv(&mut caller.bytes[n..]).await?;
                }
                Ok(Vec::new())
            })
        })
    };
    caught(row, &["faulty::copies_early", "dropped", "the caller's bytes: ", "not \"........\""]);
    caught(row, &["faulty::copies_early", "leaked", "the caller's bytes"]);
}

#[test]
fn a_line_taken_before_completion_is_caught() {
    let row = || {
        Row::receives("faulty::takes_early", LINE, |stream: &mut Stream<Wire>, _| {
            Box::pin(async {
                let line = stream.recv_line_owned().await?;
                stream.queue(b"got it")?;
                stream.flush().await?;
                Ok(format!("{line:?}").into_bytes())
            })
        })
    };
    caught(row, &["faulty::takes_early", "dropped"]);
    caught(row, &["faulty::takes_early", "leaked"]);
}

#[test]
fn a_torn_send_is_caught() {
    let pieces = || {
        Row::sends("faulty::sends_in_pieces", Message::Short, |stream: &mut Stream<Wire>, _| {
            Box::pin(async {
                for piece in SHORT.chunks(4) {
                    stream.send(piece).await?;
                }
                Ok(Vec::new())
            })
        })
    };
    caught(pieces, &["faulty::sends_in_pieces", "dropped", "what arrived is torn: ", "of 15 bytes"]);

    let by_the_trait = Row::sends("faulty::write_all", Message::Short, |stream: &mut Stream<Wire>, _| {
        Box::pin(async {
            stream.write_all(SHORT).await?;
            stream.flush().await.map(|()| Vec::new())
        })
    });
    let reasons = reasons(by_the_trait, Ok, PLAIN);
    assert!(reasons.contains("dropped: what arrived is torn: "), "{reasons}");
}

#[test]
fn a_doubled_send_is_caught() {
    let row = || {
        Row::receives("faulty::queues_again", b"", |stream: &mut Stream<Wire>, _| {
            Box::pin(async {
                stream.queue(b"once")?;
                stream.flush().await.map(|()| Vec::new())
            })
        })
    };
    caught(row, &["faulty::queues_again", "dropped", "what arrived: \"onceonce\", not \"once\""]);
}

#[test]
fn a_call_that_waits_for_what_it_lost_is_caught() {
    let row = || {
        Row::receives("faulty::loses_its_place", b"?!", |stream: &mut Stream<Wire>, _| {
            Box::pin(async {
                let mut got = Vec::new();
                while !got.ends_with(b"?!") {
                    got.extend(stream.recv_owned(1).await?);
                }
                Ok(b"?!".to_vec())
            })
        })
    };
    caught(row, &["faulty::loses_its_place", "dropped", "it waits for bytes, and none will come"]);
}

/// A stream that is used under a lock.
struct Locked {
    stream: Stream<Wire>,
    held: Rc<Cell<bool>>,
}

struct Guard(Rc<Cell<bool>>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Locked {
    #[expect(clippy::unnecessary_wraps, reason = "as the plan has it")]
    fn new(stream: Stream<Wire>) -> Result<Self, Stop> {
        Ok(Self { stream, held: Rc::default() })
    }

    fn try_lock(&self) -> Option<Guard> {
        (!self.held.replace(true)).then(|| Guard(Rc::clone(&self.held)))
    }
}

impl Subject for Locked {
    fn line(&mut self) -> LocalFuture<'_, Result<String, Error>> {
        self.stream.line()
    }

    fn say<'a>(&'a mut self, text: &'a [u8]) -> LocalFuture<'a, Result<(), Error>> {
        self.stream.say(text)
    }
}

#[test]
fn a_lock_held_while_pending_is_caught() {
    let waits = || {
        Row::receives("faulty::holds_a_lock", LINE, |locked: &mut Locked, _| {
            Box::pin(async {
                let Some(_guard) = locked.try_lock() else { return pending().await };
                Ok(format!("{:?}", locked.stream.recv_line().await?).into_bytes())
            })
        })
    };
    let spins = || {
        Row::receives("faulty::holds_a_lock", LINE, |locked: &mut Locked, _| {
            Box::pin(async {
                let _guard = loop {
                    match locked.try_lock() {
                        Some(guard) => break guard,
                        None => yield_now().await,
                    }
                };
                Ok(format!("{:?}", locked.stream.recv_line().await?).into_bytes())
            })
        })
    };
    for protocol in EACH {
        for (row, said) in [(waits(), "nobody will wake it"), (spins(), "polled again and again")] {
            let reasons = reasons(row, Locked::new, protocol);
            assert!(reasons.contains("faulty::holds_a_lock"), "{reasons}");
            assert!(reasons.contains("cut 1, leaked: "), "{reasons}");
            assert!(reasons.contains(said) && reasons.contains("something is held"), "{reasons}");
        }
    }
}

/// The harness itself says nothing of what is as it should be, and counts.
#[test]
fn what_is_sound_passes() {
    fn line<T: Transport>() -> Row<Stream<T>> {
        Row::receives("sound::line", LINE, |stream, _| {
            Box::pin(async { Ok(format!("{:?}", stream.recv_line().await?).into_bytes()) })
        })
    }
    super::take_cuts();
    tried(&[line(), line()], Ok, PLAIN).expect("it is sound");
    let cuts = super::take_cuts();
    assert_eq!((cuts[0].call, cuts[0].protocol, cuts.len()), ("sound::line", "plain", 1));
    // Eight bytes, one at a time, and in two operations: of two rows.
    assert_eq!(cuts[0].points, 2 * (LINE.len() + 2));
}
