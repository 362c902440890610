//! What two halves have in common: their sides of the transport, the TLS session, and the end of both.
//!
//! ```text
//!      ReadHalf                    Shared                       WriteHalf
//!   takes its side  <----  [ reading ] [ writing ]  ---->  takes its side for a poll,
//!   for a poll, and        [ session ] [ closed  ]         and puts it back; if answers have
//!   the other for an                                       come meanwhile, sends them first
//!   answer
//! ```
//!
//! A side is taken out for a poll and put back after it, so the lock is held for moves and for TLS' work in memory alone,
//! never across a call of the transport. Nothing here knows of sockets or of TLS.
//!
//! Invariants:
//! - An answer that receiving caused is sent by whoever has the writing side, or puts it back, next; nobody needs to call.
//! - Once closed, both sides go as soon as both are here, together, and every call that waits is woken.
//! - A torn message is never followed by what looks like an end: the two sides then end as one, by a reset.

use super::sync::{Mutex, MutexGuard};
use std::mem;
use std::sync::PoisonError;
use std::task::{Poll, Waker};

/// What the sending half leaves behind it after a poll.
pub(super) trait Writes {
    /// What it tells of itself: a copy stays here while it is away.
    type Note: Copy + Default;

    fn note(&self) -> Self::Note;

    /// Whether bytes wait in it for the wire.
    fn waits(&self) -> bool;
}

/// What receiving causes to be sent.
pub(super) trait Answers {
    /// Whether there is something.
    fn has_output(&self) -> bool;
}

/// How both sides end when the connection is closed.
pub(super) type End<R, W> = fn(Option<R>, Option<W>);

/// What two halves share.
pub(super) struct Shared<R, W: Writes, S> {
    state: Mutex<State<R, W, S>>,
    end: End<R, W>,
}

struct State<R, W: Writes, S> {
    reading: Side<R>,
    writing: Side<W>,
    session: S,
    note: W::Note,
    is_closed: bool,
    /// It is to end at once.
    is_aborted: bool,
    /// A message was left torn.
    is_torn: bool,
    /// The receiving half has to know when the writing side is back.
    is_asked: bool,
    /// The sending half found its side away.
    is_missed: bool,
    /// Who waits for both sides, to close them well.
    closer: Option<Waker>,
}

/// Who puts the writing side back.
#[derive(Clone, Copy)]
enum By<'a> {
    /// The sending half, which is done with its call.
    Sender,
    /// The sending half, which waits.
    WaitingSender(&'a Waker),
    /// The receiving half, which waits for the wire itself if something is left.
    Receiver,
}

/// One side of the transport.
struct Side<T> {
    here: Option<T>,
    is_away: bool,
    /// Its half was dropped.
    is_left: bool,
    /// Whose call waits.
    waker: Option<Waker>,
}

impl<T> Side<T> {
    fn new(here: T) -> Self {
        Self { here: Some(here), is_away: false, is_left: false, waker: None }
    }

    fn take(&mut self) -> Option<T> {
        let taken = self.here.take();
        self.is_away = taken.is_some();
        taken
    }

    fn put(&mut self, side: T) {
        self.is_away = false;
        self.here = Some(side);
    }

    fn keep(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(kept) => kept.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }
}

impl<R, W: Writes, S: Answers> Shared<R, W, S> {
    pub(super) fn new(reading: R, writing: W, session: S, end: End<R, W>) -> Self {
        let note = writing.note();
        let state = State {
            reading: Side::new(reading),
            writing: Side::new(writing),
            session,
            note,
            is_closed: false,
            is_aborted: false,
            is_torn: false,
            is_asked: false,
            is_missed: false,
            closer: None,
        };
        Self { state: Mutex::new(state), end }
    }

    /// Works with the session, in memory.
    pub(super) fn with_session<T>(&self, work: impl FnOnce(&mut S) -> T) -> T {
        work(&mut self.lock().session)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// What the writing side last told.
    pub(super) fn note(&self) -> W::Note {
        self.lock().note
    }

    /// As [`note`](Self::note), but of now: while the writing side is away, it is waited for.
    pub(super) fn poll_note(&self, reader: &Waker) -> Poll<W::Note> {
        let mut state = self.lock();
        if state.writing.is_away {
            state.reading.keep(reader);
            state.is_asked = true;
            return Poll::Pending;
        }
        Poll::Ready(state.note)
    }

    /// Polls with the reading side in hand, for the receiving half. `None` is the end of the connection.
    pub(super) fn poll_reading<T>(
        &self,
        waker: &Waker,
        poll: impl FnOnce(&mut R) -> Poll<T>,
    ) -> Poll<Option<T>> {
        let mut state = self.lock();
        let Some(mut reading) = (if state.is_closed { None } else { state.reading.take() }) else {
            return Poll::Ready(None);
        };
        drop(state);
        let polled = poll(&mut reading);
        let mut state = self.lock();
        state.reading.put(reading);
        if polled.is_pending() {
            state.reading.keep(waker);
        }
        let (is_closed, closer) = (state.is_closed, state.closer.take());
        self.end_if_due(state);
        closer.into_iter().for_each(Waker::wake);
        if polled.is_pending() && is_closed { Poll::Ready(None) } else { polled.map(Some) }
    }

    /// Polls with the writing side in hand, for the sending half; what then is to be sent because of what was received
    /// meanwhile, `send` sends: whether all of it is out. `None` is the end of the connection.
    pub(super) fn poll_writing<T>(
        &self,
        waker: &Waker,
        poll: impl FnOnce(&mut W) -> Poll<T>,
        send: impl FnMut(&mut W) -> bool,
    ) -> Poll<Option<T>> {
        let mut state = self.lock();
        if state.is_closed {
            return Poll::Ready(None);
        }
        if state.writing.is_away {
            state.writing.keep(waker);
            state.is_missed = true;
            return Poll::Pending;
        }
        let Some(mut writing) = state.writing.take() else { return Poll::Ready(None) };
        drop(state);
        let polled = poll(&mut writing);
        let by = if polled.is_pending() { By::WaitingSender(waker) } else { By::Sender };
        let is_closed = self.put_writing(writing, by, polled.is_ready(), send);
        if polled.is_pending() && is_closed { Poll::Ready(None) } else { polled.map(Some) }
    }

    /// Sends what receiving has caused, for the receiving half: `send` does, and tells whether all of it is out. If the
    /// sending half has the writing side right now, it sends when it puts that back, and has this half woken then.
    pub(super) fn answer(&self, reader: &Waker, mut send: impl FnMut(&mut W) -> bool) {
        let mut state = self.lock();
        if state.writing.is_away {
            state.reading.keep(reader);
            state.is_asked = true;
        }
        let has_work = state.session.has_output() || state.writing.here.as_ref().is_some_and(W::waits);
        if !has_work || state.is_closed || state.writing.is_left {
            return;
        }
        let Some(mut writing) = state.writing.take() else { return };
        drop(state);
        let is_out = send(&mut writing);
        self.put_writing(writing, By::Receiver, is_out, send);
    }

    /// Takes the writing side back, once nothing more can be sent because of what was received; whether the connection is
    /// closed.
    fn put_writing(
        &self,
        mut writing: W,
        by: By<'_>,
        mut can_go_on: bool,
        mut send: impl FnMut(&mut W) -> bool,
    ) -> bool {
        let mut is_left_over = false;
        let mut state = loop {
            let state = self.lock();
            if !can_go_on || !state.session.has_output() || state.is_closed {
                break state;
            }
            drop(state);
            can_go_on = send(&mut writing);
            is_left_over = !can_go_on;
        };
        state.note = writing.note();
        state.writing.put(writing);
        // Of whoever waits for the side to come back, or has to see to what is left of an answer. Who waits for room is left
        // to the transport: two halves that woke each other for it would do so until there is some.
        let is_asked = mem::take(&mut state.is_asked);
        let is_missed = mem::take(&mut state.is_missed);
        let woken = match by {
            By::Receiver => [state.writing.waker.take_if(|_| is_missed || can_go_on), state.closer.take()],
            By::WaitingSender(waker) => {
                state.writing.keep(waker);
                [state.closer.take(), state.reading.waker.take_if(|_| is_asked)]
            }
            By::Sender => [state.closer.take(), state.reading.waker.take_if(|_| is_asked || is_left_over)],
        };
        let is_closed = state.is_closed;
        self.end_if_due(state);
        woken.into_iter().flatten().for_each(Waker::wake);
        is_closed
    }

    /// A message is torn.
    pub(super) fn tear(&self) {
        self.lock().is_torn = true;
    }

    /// Ends the connection: each call that waits is woken, and both sides go.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        (state.is_closed, state.is_aborted) = (true, true);
        let wakers = [state.reading.waker.take(), state.writing.waker.take(), state.closer.take()];
        self.end_if_due(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Whether a close that has taken both sides is to end at once. A waker is kept for that.
    pub(super) fn poll_aborted(&self, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        if state.is_aborted {
            return Poll::Ready(());
        }
        state.closer = Some(waker.clone());
        Poll::Pending
    }

    /// Both sides, to close the connection well: from here on it is closed for both halves. While a side is away, it is
    /// waited for.
    pub(super) fn poll_take_both(&self, waker: &Waker) -> Poll<Option<(R, W)>> {
        let mut state = self.lock();
        if state.reading.is_away || state.writing.is_away {
            state.closer = Some(waker.clone());
            return Poll::Pending;
        }
        state.is_closed = true;
        let reader = state.reading.waker.take();
        let both = state.reading.here.take().zip(state.writing.here.take());
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(both)
    }

    /// The receiving half is dropped.
    pub(super) fn leave_reading(&self) {
        let mut state = self.lock();
        state.reading.is_left = true;
        state.reading.waker = None;
        self.end_if_due(state);
    }

    /// The sending half is dropped, which ends its direction; after a torn message the end waits for the other half.
    pub(super) fn leave_writing(&self) {
        let mut state = self.lock();
        state.writing.is_left = true;
        state.writing.waker = None;
        self.end_if_due(state);
    }

    /// Takes all out, for a whole stream: what is left here is closed.
    pub(super) fn take_all(&self) -> (Option<(R, W)>, S)
    where
        S: Default,
    {
        let mut state = self.lock();
        state.is_closed = true;
        let both = state.reading.here.take().zip(state.writing.here.take());
        (both, mem::take(&mut state.session))
    }

    /// Ends what is due to end, outside of the lock.
    fn end_if_due(&self, mut state: MutexGuard<'_, State<R, W, S>>) {
        let both_left = state.reading.is_left && state.writing.is_left;
        if state.reading.is_away || state.writing.is_away {
            return;
        }
        if state.is_closed || (both_left && state.is_torn) {
            let (reading, writing) = (state.reading.here.take(), state.writing.here.take());
            drop(state);
            if reading.is_some() || writing.is_some() {
                (self.end)(reading, writing);
            }
        } else if state.writing.is_left && !state.is_torn {
            let writing = state.writing.here.take();
            drop(state);
            drop(writing);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<R, W, S>> {
        // What panicked was work in memory: the sides are here, or away for good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
