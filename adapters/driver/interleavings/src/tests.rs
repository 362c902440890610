//! What two tasks may do at once, a model each.

use crate::shared::{Answers, Shared, Writes};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::mem;
use std::sync::Mutex;
use std::task::{Poll, Wake, Waker};

/// What happened, in the order in which it did. loom need not know of it: one thread runs at a time.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().expect("no model panics with it").push(what);
    }

    fn count(&self, what: &str) -> usize {
        self.0.lock().expect("no model panics with it").iter().filter(|noted| **noted == what).count()
    }
}

/// The reading side; that it is dropped is noted.
struct Reading(Log);

/// The writing side, which has sent or holds back answers, and may have met a reset.
struct Writing {
    log: Log,
    held_back: bool,
    met_reset: bool,
}

/// How many answers wait to be sent.
#[derive(Default)]
struct Session(u32);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.note("reading dropped");
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.log.note("writing dropped");
    }
}

impl Writes for Writing {
    type Note = bool;

    fn note(&self) -> bool {
        self.met_reset
    }

    fn waits(&self) -> bool {
        self.held_back
    }
}

impl Answers for Session {
    fn has_output(&self) -> bool {
        self.0 > 0
    }
}

/// Whether a task was woken since it last looked.
#[derive(Default)]
struct Flag(AtomicBool);

/// loom's `Arc` makes no waker, and std's is as good here: what is tried is who wakes, not how that is counted.
struct Woken(std::sync::Arc<Flag>);

impl Wake for Flag {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Woken {
    fn new() -> Self {
        Self(std::sync::Arc::default())
    }

    fn waker(&self) -> Waker {
        Waker::from(std::sync::Arc::clone(&self.0))
    }

    fn take(&self) -> bool {
        self.0.0.swap(false, Ordering::SeqCst)
    }
}

type Sides = Shared<Reading, Writing, Session>;

/// How the sides end together is noted; each notes its own end, too.
fn sides(log: &Log) -> Arc<Sides> {
    let writing = Writing { log: log.clone(), held_back: false, met_reset: false };
    Arc::new(Shared::new(Reading(log.clone()), writing, Session::default(), |reading, writing| {
        let log = writing.as_ref().map(|writing| writing.log.clone());
        if let (Some(log), Some(_)) = (log, reading) {
            log.note("ended together");
        }
    }))
}

/// Sends every answer there is.
fn send_all(sides: &Sides, writing: &mut Writing) -> bool {
    let answers = sides.with_session(|session| mem::take(&mut session.0));
    for _ in 0..answers {
        writing.log.note("answer");
    }
    true
}

/// A poll of the sending half that writes at once.
fn write(sides: &Sides, waker: &Waker, log: &Log) -> Poll<Option<()>> {
    let write = |writing: &mut Writing| {
        send_all(sides, writing);
        log.note("text");
        Poll::Ready(())
    };
    sides.poll_writing(waker, write, |writing| send_all(sides, writing))
}

/// Receiving causes answers while the sending half sends: each is sent, once, and whoever found the side away is woken.
#[test]
fn an_answer_is_sent_by_either_half() {
    loom::model(|| {
        let log = Log::default();
        let sides = sides(&log);
        let reader = {
            let sides = Arc::clone(&sides);
            thread::spawn(move || {
                for _ in 0..2 {
                    sides.with_session(|session| session.0 += 1);
                    sides.answer(Waker::noop(), |writing| send_all(&sides, writing));
                }
            })
        };
        let woken = Woken::new();
        let mut written = write(&sides, &woken.waker(), &log);
        reader.join().expect("it does not panic");
        if written.is_pending() {
            assert!(woken.take(), "the side came back, and nobody was told");
            written = write(&sides, &woken.waker(), &log);
        }
        assert_eq!(written, Poll::Ready(Some(())));
        assert_eq!((log.count("answer"), log.count("text")), (2, 1));
    });
}

/// An answer that the sending half finds no room for is not forgotten: the receiving half is woken to wait for room.
#[test]
fn an_answer_that_does_not_fit_is_the_receivers_to_wait_for() {
    loom::model(|| {
        let log = Log::default();
        let sides = sides(&log);
        let writer = {
            let (sides, log) = (Arc::clone(&sides), log.clone());
            thread::spawn(move || {
                // Text goes out, then there is no more room.
                let write = |_: &mut Writing| {
                    log.note("text");
                    Poll::Ready(())
                };
                let full = |writing: &mut Writing| {
                    sides.with_session(|session| session.0 = 0);
                    writing.held_back = true;
                    false
                };
                sides.poll_writing(Waker::noop(), write, full)
            })
        };
        let woken = Woken::new();
        // A receive that causes an answer, and then waits for more.
        let receive = || {
            sides.answer(&woken.waker(), |writing| {
                sides.with_session(|session| session.0 = 0);
                writing.held_back = false;
                writing.log.note("answer");
                true
            });
            sides.poll_reading(&woken.waker(), |_| Poll::<()>::Pending)
        };
        sides.with_session(|session| session.0 = 1);
        assert!(receive().is_pending());
        let _written = writer.join().expect("it does not panic");
        if log.count("answer") == 0 {
            assert!(woken.take(), "an answer waits, and nobody sees to it");
            assert!(receive().is_pending());
        }
        assert_eq!(log.count("answer"), 1);
    });
}

/// The sending half finds its side away while an answer does not fit: it is told when the side is back.
#[test]
fn a_send_that_meets_an_answer_without_room_is_told() {
    loom::model(|| {
        let log = Log::default();
        let sides = sides(&log);
        let reader = {
            let sides = Arc::clone(&sides);
            thread::spawn(move || {
                sides.with_session(|session| session.0 = 1);
                sides.answer(Waker::noop(), |writing| {
                    sides.with_session(|session| session.0 = 0);
                    writing.held_back = true;
                    false
                });
            })
        };
        let woken = Woken::new();
        let was_here = std::cell::Cell::new(false);
        let full = |_: &mut Writing| {
            was_here.set(true);
            Poll::<()>::Pending
        };
        assert!(sides.poll_writing(&woken.waker(), full, |_| false).is_pending());
        reader.join().expect("it does not panic");
        // With its side in hand it waits for room, which the transport tells of.
        assert!(was_here.get() || woken.take(), "the side came back, and nobody was told");
    });
}

/// An abort meets a close that has both sides, or is about to take them: the close is told.
#[test]
fn an_abort_ends_a_close_that_waits() {
    loom::model(|| {
        let log = Log::default();
        let sides = sides(&log);
        let aborter = {
            let sides = Arc::clone(&sides);
            thread::spawn(move || sides.close())
        };
        let woken = Woken::new();
        let waits = match sides.poll_take_both(&woken.waker()) {
            // The abort came first, and ended both.
            Poll::Ready(None) | Poll::Pending => false,
            Poll::Ready(Some(_)) => sides.poll_aborted(&woken.waker()).is_pending(),
        };
        aborter.join().expect("it does not panic");
        assert!(!waits || woken.take(), "a close waits for a peer that does not matter any more");
    });
}

/// The end of the connection meets a poll of either half: both sides go, together, once, and who waits is woken.
#[test]
fn a_close_ends_both_sides_once() {
    loom::model(|| {
        let log = Log::default();
        let sides = sides(&log);
        let reader = {
            let sides = Arc::clone(&sides);
            thread::spawn(move || {
                let woken = Woken::new();
                let polled = sides.poll_reading(&woken.waker(), |_| Poll::<()>::Pending);
                (woken, polled)
            })
        };
        let writer = {
            let sides = Arc::clone(&sides);
            thread::spawn(move || {
                let woken = Woken::new();
                let polled = sides.poll_writing(&woken.waker(), |_| Poll::<()>::Pending, |_| false);
                (woken, polled)
            })
        };
        sides.close();
        for half in [reader, writer] {
            let (woken, polled) = half.join().expect("it does not panic");
            assert!(polled == Poll::Ready(None) || woken.take(), "a call waits for ever");
        }
        assert_eq!(log.count("ended together"), 1);
        assert_eq!((log.count("reading dropped"), log.count("writing dropped")), (1, 1));
        assert_eq!(sides.poll_reading(Waker::noop(), |_| Poll::<()>::Pending), Poll::Ready(None));
        sides.close();
        assert_eq!(log.count("ended together"), 1, "twice is harmless");
    });
}

/// A close that takes both sides waits for one that is away.
#[test]
fn a_close_takes_both_sides() {
    loom::model(|| {
        let log = Log::default();
        let sides = sides(&log);
        let reader = {
            let sides = Arc::clone(&sides);
            thread::spawn(move || {
                let woken = Woken::new();
                let polled = sides.poll_reading(&woken.waker(), |_| Poll::<()>::Pending);
                (woken, polled)
            })
        };
        let woken = Woken::new();
        let mut both = sides.poll_take_both(&woken.waker());
        let (waits, polled) = reader.join().expect("it does not panic");
        if both.is_pending() {
            assert!(woken.take(), "the side came back, and nobody was told");
            both = sides.poll_take_both(&woken.waker());
        }
        assert!(matches!(both, Poll::Ready(Some(_))));
        assert!(polled == Poll::Ready(None) || waits.take(), "a receive waits for ever");
        assert_eq!(log.count("ended together"), 0);
    });
}

/// What a write meets is known to a read that saw an end: it waits for a write that is under way.
#[test]
fn a_reset_that_a_write_met_is_known() {
    loom::model(|| {
        let log = Log::default();
        let sides = sides(&log);
        let has_written = Arc::new(AtomicBool::new(false));
        let writer = {
            let (sides, has_written) = (Arc::clone(&sides), Arc::clone(&has_written));
            thread::spawn(move || {
                let write = |writing: &mut Writing| {
                    // The system call, which the kernel tells of a reset: once.
                    writing.met_reset = true;
                    has_written.store(true, Ordering::SeqCst);
                    Poll::Ready(())
                };
                sides.poll_writing(Waker::noop(), write, |_| false)
            })
        };
        let woken = Woken::new();
        // The kernel tells the reader of an end only when the write was told of the reset.
        let saw_end = has_written.load(Ordering::SeqCst);
        let mut noted = sides.poll_note(&woken.waker());
        let _written = writer.join().expect("it does not panic");
        if noted.is_pending() {
            assert!(woken.take(), "the side came back, and nobody was told");
            noted = sides.poll_note(&woken.waker());
        }
        if saw_end {
            assert_eq!(noted, Poll::Ready(true), "a reset looks like an end");
        }
    });
}

/// Halves that are dropped: the writing side goes with its half, but after a torn message only with both, by a reset.
#[test]
fn halves_that_are_dropped_end_as_they_should() {
    for is_torn in [false, true] {
        loom::model(move || {
            let log = Log::default();
            let sides = sides(&log);
            let writer = {
                let sides = Arc::clone(&sides);
                thread::spawn(move || {
                    if is_torn {
                        sides.tear();
                    }
                    sides.leave_writing();
                })
            };
            // The reader may be at an answer right then.
            sides.with_session(|session| session.0 += 1);
            sides.answer(Waker::noop(), |writing| send_all(&sides, writing));
            sides.leave_reading();
            writer.join().expect("it does not panic");
            assert_eq!(log.count("ended together"), usize::from(is_torn));
            assert_eq!(log.count("writing dropped"), 1);
            drop(sides);
            assert_eq!(log.count("reading dropped"), 1);
        });
    }
}
