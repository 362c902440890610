//! Moves bytes between a transport and the halves of a connection: the only file that does.
//!
//! Its rule: never return pending with bytes unsent that could be sent; never read past an end; process after each
//! bounded read; read nothing more while output is full.
//!
//! Invariants:
//! - Bytes that a transport took or gave are counted in the connection before anything can return.
//! - A socket's error is kept, so that a reset does not look like an end the next time. The kernel tells of a reset
//!   once, to whoever calls first: when a write met it, a read sees an end, which is none.
//! - A transport keeps one waker for writing, but two may wait for it: who sends, and a receive that sends what is
//!   queued before it waits. Neither takes the other's place: the transport gets a waker that wakes both.
//! - No poll reads or writes without a bound.

use crate::error::{Error, Failure, Operation};
use crate::pool::Pooled;
use crate::tls::Tls;
use crate::transport::{ReadTransport, WriteTransport};
use asyncnet_core::{Incoming, Outgoing, SendError};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

/// How many pieces one write takes. A queue of copies is four pieces at most; owned ones come one or two at a time.
const PIECES: usize = 16;

/// How many calls of a socket may succeed, one after the other, before other tasks have their turn: 16 times 64 KiB are
/// 1 MiB, some 100 us. It counts across polls and calls: a peer that always has more to say must not keep a loop of
/// receives from ever waiting. (tokio's sockets have such a budget of their own, async-io's have none.)
pub(crate) const TURNS_MAX: u8 = 16;

/// The receiving direction's memory of its socket.
#[derive(Debug, Default)]
pub(crate) struct ReadState {
    failed: Option<Failure>,
    turns: Turns,
    /// The last read brought less than there was room for: nothing more is there, most likely.
    drained: bool,
}

/// The sending direction's memory of its socket.
#[derive(Debug, Default)]
pub(crate) struct WriteState {
    failed: Option<Failure>,
    /// Bytes were written since the transport was last flushed.
    unflushed: bool,
    /// All of the text is out, and only the word that there is no more may wait.
    said_end: bool,
    waiting: Waiting,
    turns: Turns,
}

/// Calls of a socket that succeeded since it last had to wait.
#[derive(Debug, Default)]
struct Turns(u8);

impl Turns {
    /// Whether others are to have their turn first: then the task is woken at once, to go on after them.
    fn is_over(&mut self, cx: &Context<'_>) -> bool {
        let over = self.0 >= TURNS_MAX;
        if over {
            self.0 = 0;
            cx.waker().wake_by_ref();
        }
        over
    }

    fn count<T>(&mut self, polled: &Poll<T>) {
        self.0 = if polled.is_ready() { self.0.saturating_add(1) } else { 0 };
    }
}

/// Who polls the sending direction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Sender,
    Receiver,
}

/// Who waits for the sending direction.
#[derive(Debug, Default)]
struct Waiting {
    sender: Option<Waker>,
    receiver: Option<Waker>,
}

impl ReadState {
    /// Reads once into the connection: bytes came, or the end did. `was_reset` tells whether a write met a reset, when that
    /// is known.
    pub(crate) fn poll_fill(
        &mut self,
        incoming: &mut Incoming,
        transport: &mut impl ReadTransport,
        cx: &mut Context<'_>,
        was_reset: impl FnOnce(&mut Context<'_>) -> Poll<bool>,
    ) -> Poll<Result<(), Error>> {
        if self.poll_worth(transport, cx)?.is_ready() {
            let space = incoming.wire_space_from(&mut Pooled);
            if let Poll::Ready(n) = self.poll_read(transport, cx, space, was_reset)? {
                match n {
                    0 => incoming.wire_eof(),
                    n => incoming.wire_filled(n),
                }
                return Poll::Ready(Ok(()));
            }
        }
        incoming.release(&mut Pooled);
        Poll::Pending
    }

    /// Whether the last read was the first that brought something since one had to wait.
    #[inline]
    pub(crate) fn has_waited(&self) -> bool {
        self.turns.0 == 1
    }

    /// Reads once past the connection, straight into the caller's memory; 0 at the end.
    pub(crate) fn poll_bypass(
        &mut self,
        incoming: &mut Incoming,
        transport: &mut impl ReadTransport,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        was_reset: impl FnOnce(&mut Context<'_>) -> Poll<bool>,
    ) -> Poll<Result<usize, Error>> {
        if self.poll_worth(transport, cx)?.is_ready() {
            if let Poll::Ready(n) = self.poll_read(transport, cx, buf, was_reset)? {
                match n {
                    0 => incoming.wire_eof(),
                    n => incoming.wire_bypassed(n),
                }
                return Poll::Ready(Ok(n));
            }
        }
        incoming.release(&mut Pooled);
        Poll::Pending
    }

    /// Waits until a read is worth its memory and its system call, if the last one left nothing.
    #[inline]
    fn poll_worth(
        &mut self,
        transport: &mut impl ReadTransport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if let Some(failure) = self.failed {
            return Poll::Ready(Err(failure.error()));
        }
        if self.turns.is_over(cx) {
            return Poll::Pending;
        }
        if !self.drained {
            return Poll::Ready(Ok(()));
        }
        let polled = transport.poll_readable(cx);
        self.drained = polled.is_pending();
        if self.drained {
            self.turns.count(&polled);
        }
        polled.map_err(|error| keep(&mut self.failed, Operation::Read, error))
    }

    fn poll_read(
        &mut self,
        transport: &mut impl ReadTransport,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        was_reset: impl FnOnce(&mut Context<'_>) -> Poll<bool>,
    ) -> Poll<Result<usize, Error>> {
        let mut polled = retry(cx, |cx| transport.poll_read(cx, buf));
        self.turns.count(&polled);
        self.drained = matches!(polled, Poll::Ready(Ok(n)) if 0 < n && n < buf.len());
        if matches!(polled, Poll::Ready(Ok(0))) && ready!(was_reset(cx)) {
            polled = Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        polled.map_err(|error| keep(&mut self.failed, Operation::Read, error))
    }
}

impl WriteState {
    /// The task has waited for its peer, in its other direction, so that others have had their turn.
    #[inline]
    pub(crate) fn begin_turns(&mut self) {
        self.turns = Turns::default();
    }

    /// Sends what is queued, all of it, and has the transport pass it on.
    pub(crate) fn poll_flush(
        &mut self,
        outgoing: &mut Outgoing,
        tls: &mut impl Tls,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
        side: Side,
    ) -> Poll<Result<(), Error>> {
        outgoing.check_whole()?;
        loop {
            tls.with(|session| outgoing.collect(session, &mut Pooled));
            if outgoing.is_empty() {
                break;
            }
            ready!(self.poll_write(outgoing, tls, transport, cx, side, Unsent::default()))?;
        }
        outgoing.release(&mut Pooled);
        self.poll_pass_on(transport, cx, side)
    }

    /// Writes once: what is queued, and behind it what is unsent of a message. How much of that went out.
    ///
    /// Over TLS a step of it is sealed first, if nothing sealed is left; what is sealed has gone out, as far as the message
    /// is concerned, and is told before the wire has it.
    pub(crate) fn poll_write(
        &mut self,
        outgoing: &mut Outgoing,
        tls: &mut impl Tls,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
        side: Side,
        unsent: Unsent<'_>,
    ) -> Poll<Result<usize, Error>> {
        let sealed = tls.with(|session| {
            let len = unsent.rest().map(<[u8]>::len).sum::<usize>().saturating_add(outgoing.len());
            if session.needs_time(len) {
                session.write_at(transport.now());
            }
            outgoing.seal(session, unsent.rest(), &mut Pooled)
        });
        let (sealed, unsent) = match sealed.transpose()? {
            Some(n) => (Some(n), Unsent::default()),
            None => (None, unsent),
        };
        match (self.poll_write_once(outgoing, transport, cx, side, unsent), sealed) {
            (Poll::Ready(Ok(_)), Some(n)) => Poll::Ready(Ok(n)),
            (Poll::Pending, Some(n)) if n > 0 => Poll::Ready(Ok(n)),
            (polled, _) => polled,
        }
    }

    /// Writes once what waits for the wire, and behind it what is unsent.
    fn poll_write_once(
        &mut self,
        outgoing: &mut Outgoing,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
        side: Side,
        unsent: Unsent<'_>,
    ) -> Poll<Result<usize, Error>> {
        let (only, mut several);
        let pieces = match outgoing.wire_only() {
            // Nearly always there is one piece, or a message that nothing waits before: neither needs to be gathered.
            Some([]) if unsent.is_fresh() => &unsent.parts[..unsent.parts.len().min(PIECES)],
            Some(piece) if unsent.parts.is_empty() => {
                only = [IoSlice::new(piece)];
                &only[..]
            }
            _ => {
                several = [IoSlice::new(&[]); PIECES];
                let mut count = 0;
                for piece in outgoing.wire_pending().chain(unsent.rest()).take(PIECES) {
                    several[count] = IoSlice::new(piece);
                    count += 1;
                }
                &several[..count]
            }
        };
        let n = ready!(
            self.poll_call(cx, side, Operation::Write, |cx| { transport.poll_write_vectored(cx, pieces) })
        )?;
        if n == 0 {
            let error = io::ErrorKind::WriteZero.into();
            return Poll::Ready(Err(keep(&mut self.failed, Operation::Write, error)));
        }
        self.unflushed = true;
        let waiting = if outgoing.is_sealed() { outgoing.sealed_len() } else { outgoing.len() };
        let waited = n.min(waiting);
        outgoing.wire_sent_to(waited, &mut Pooled);
        Poll::Ready(Ok(n - waited))
    }

    /// Sends what is queued, then ends the direction: over TLS first its text, unless the session has failed, which its
    /// alert has told. Once more is harmless.
    pub(crate) fn poll_shutdown(
        &mut self,
        outgoing: &mut Outgoing,
        tls: &mut impl Tls,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        outgoing.close();
        if outgoing.is_finished() {
            return Poll::Ready(Ok(()));
        }
        // What a failed session left behind can never be sealed: its alert is the last thing to go.
        if tls.with(|session| session.check_open().is_err()).unwrap_or(false) {
            outgoing.drop_unsealed(&mut Pooled);
        }
        if !self.said_end {
            ready!(self.poll_flush(outgoing, tls, transport, cx, Side::Sender))?;
            self.said_end = tls.with(|session| outgoing.end_text(session, &mut Pooled)).is_some();
        }
        if self.said_end {
            match ready!(self.poll_flush(outgoing, tls, transport, cx, Side::Sender)) {
                // All of the text is out, and the peer, which is gone, misses nothing. How it went the next read tells.
                Err(error) if error.is_disconnect() => {
                    outgoing.finish();
                    return Poll::Ready(Ok(()));
                }
                flushed => flushed?,
            }
        }
        ready!(self.poll_call(cx, Side::Sender, Operation::Shutdown, |cx| {
            match ready!(transport.poll_shutdown_write(cx)) {
                // The connection is gone already, and some systems say so here. Whether that was an end or a reset, the next
                // read tells.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
                done => Poll::Ready(done),
            }
        }))?;
        outgoing.finish();
        Poll::Ready(Ok(()))
    }

    /// Has the transport pass on what was written to it.
    fn poll_pass_on(
        &mut self,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
        side: Side,
    ) -> Poll<Result<(), Error>> {
        self.check()?;
        if self.unflushed {
            ready!(self.poll_call(cx, side, Operation::Write, |cx| transport.poll_flush(cx)))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// One call of the transport: repeated when it was interrupted, with a waker for all who wait, and with its error
    /// kept.
    fn poll_call<T>(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        operation: Operation,
        mut call: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<Result<T, Error>> {
        self.check()?;
        // What a receive sends, it sends at once: it has its turns by its reads, and nobody may come back for the rest.
        if matches!(side, Side::Sender) && self.turns.is_over(cx) {
            return Poll::Pending;
        }
        let both = self.waiting.both(side, cx.waker());
        let mut shared = Context::from_waker(both.as_ref().unwrap_or(cx.waker()));
        let polled = retry(&mut shared, &mut call);
        if matches!(side, Side::Sender) {
            self.turns.count(&polled);
        }
        self.waiting.note(side, cx.waker(), polled.is_pending());
        polled.map_err(|error| keep(&mut self.failed, operation, error))
    }

    /// Whether there is something to send that can be sent.
    pub(crate) fn has_work(&self, outgoing: &mut Outgoing, tls: &mut impl Tls) -> bool {
        let answers = tls.with(|session| session.has_output()).unwrap_or(false);
        (answers || !outgoing.is_empty() || self.unflushed)
            && self.failed.is_none()
            && outgoing.check_whole().is_ok()
    }

    /// Whether a write met a reset that came without an end. (After an end, a write to a peer that is gone meets
    /// `BrokenPipe`.)
    pub(crate) fn met_reset(&self) -> bool {
        self.failed.is_some_and(|failure| failure.kind() == io::ErrorKind::ConnectionReset)
    }

    /// Whether the transport may hold back what was written to it.
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failed
    }

    fn check(&self) -> Result<(), Error> {
        self.failed.map_or(Ok(()), |failure| Err(failure.error()))
    }

    /// Whether anything may be queued: the direction is open, and neither its socket nor its TLS session has failed.
    #[inline]
    pub(crate) fn check_open(&self, outgoing: &mut Outgoing, tls: &mut impl Tls) -> Result<(), Error> {
        outgoing.check_open().map_err(|error: SendError| Error::from(error))?;
        tls.with(|session| session.check_open()).transpose()?;
        self.check()
    }
}

impl Waiting {
    /// A waker for both, if the other one waits too and is another task.
    #[inline]
    fn both(&self, side: Side, own: &Waker) -> Option<Waker> {
        let other = match side {
            Side::Sender => &self.receiver,
            Side::Receiver => &self.sender,
        };
        other.as_ref().filter(|other| !other.will_wake(own)).map(|other| Both::waker(own, other))
    }

    #[inline]
    fn note(&mut self, side: Side, own: &Waker, waits: bool) {
        let slot = match side {
            Side::Sender => &mut self.sender,
            Side::Receiver => &mut self.receiver,
        };
        match slot {
            Some(waker) if waits => waker.clone_from(own),
            None if waits => *slot = Some(own.clone()),
            Some(_) => *slot = None,
            None => {}
        }
    }
}

/// Wakes both.
struct Both(Waker, Waker);

impl Both {
    /// Not inlined: two tasks hardly ever wait for one socket.
    #[cold]
    fn waker(one: &Waker, other: &Waker) -> Waker {
        Waker::from(Arc::new(Self(one.clone(), other.clone())))
    }
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
        self.1.wake_by_ref();
    }
}

/// Calls again when the call was interrupted by a signal (EINTR); after a number of signals in a row, in a later poll.
fn retry<T>(
    cx: &mut Context<'_>,
    mut call: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
) -> Poll<io::Result<T>> {
    for _ in 0..TURNS_MAX {
        match call(cx) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            polled => return polled,
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// What of a message is not out: its parts without their first `skip` bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unsent<'a> {
    pub(crate) parts: &'a [IoSlice<'a>],
    pub(crate) skip: usize,
}

impl<'a> Unsent<'a> {
    /// Whether the parts as they are can be written: none of it is out, and they begin with a byte.
    fn is_fresh(self) -> bool {
        self.skip == 0 && self.parts.first().is_some_and(|first| !first.is_empty())
    }

    pub(crate) fn rest(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        let mut skip = self.skip;
        self.parts.iter().filter_map(move |part| {
            let passed = skip.min(part.len());
            skip -= passed;
            (passed < part.len()).then(|| &part[passed..])
        })
    }
}

fn keep(failed: &mut Option<Failure>, operation: Operation, error: io::Error) -> Error {
    *failed = Some(Failure::new(operation, &error));
    Error::io(operation, error)
}
