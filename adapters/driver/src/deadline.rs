//! The deadlines of a stream, or of a half: what the core counts, and the transport's alarm.
//!
//! Invariant: a deadline that is [`Duration::MAX`] asks no clock and sets no alarm, so it costs nothing.

use crate::error::Error;
use crate::transport::Timer;
use asyncnet_core::{Deadline, Limits, Patience};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Since when a stream waits, for each thing that it waits for. Where nothing has a deadline it takes one word.
#[derive(Debug, Default)]
pub(crate) struct Waits(Option<Box<Since>>);

#[derive(Debug, Default)]
struct Since {
    line: Patience,
    idle: Patience,
    /// How many bytes had come when that was last looked at.
    wire_bytes: u64,
    send: Patience,
    close: Patience,
    handshake: Patience,
}

impl Waits {
    /// Waits for the first of some deadlines.
    pub(crate) fn poll(
        &mut self,
        deadlines: impl IntoIterator<Item = Deadline>,
        limits: &Limits,
        timer: &mut impl Timer,
        cx: &mut Context<'_>,
    ) -> Poll<Error> {
        let mut first: Option<(Duration, Deadline)> = None;
        for deadline in deadlines {
            let max = max_of(deadline, limits);
            if max == Duration::MAX {
                continue;
            }
            let Some(until) = self.of(deadline).until(max, || timer.now()) else { continue };
            if first.is_none_or(|(earliest, _)| until < earliest) {
                first = Some((until, deadline));
            }
        }
        let Some((until, deadline)) = first else { return Poll::Pending };
        ready!(timer.poll_until(cx, until));
        // Whoever tries again gets as much time again.
        self.of(deadline).end();
        Poll::Ready(Error::TimedOut(deadline))
    }

    /// So many bytes have come in all, whether or not they are of use yet, as those of a record that is not whole.
    pub(crate) fn seen(&mut self, wire_bytes: u64, limits: &Limits) {
        if limits.idle_time_max == Duration::MAX {
            return;
        }
        let since = self.0.get_or_insert_default();
        if since.wire_bytes != wire_bytes {
            since.idle.end();
            since.wire_bytes = wire_bytes;
        }
    }

    /// What was looked for is here, and stays.
    pub(crate) fn looked(&mut self) {
        if let Some(since) = &mut self.0 {
            since.idle.end();
        }
    }

    /// A receive is done.
    #[inline]
    pub(crate) fn received(&mut self) {
        if let Some(since) = &mut self.0 {
            since.line.end();
            since.idle.end();
        }
    }

    /// All that was to be sent is out, or never will be.
    #[inline]
    pub(crate) fn sent(&mut self) {
        if let Some(since) = &mut self.0 {
            since.send.end();
        }
    }

    /// Until when a handshake, with all that comes before it, may take.
    pub(crate) fn handshake_until(&mut self, max: Duration, timer: &impl Timer) -> Duration {
        let handshake = &mut self.0.get_or_insert_default().handshake;
        handshake.until(max, || timer.now()).unwrap_or(Duration::MAX)
    }

    /// A handshake has begun, with its own time, or there will be none.
    pub(crate) fn no_handshake(&mut self) {
        if let Some(since) = &mut self.0 {
            since.handshake.end();
            // Many connections over TLS have no other deadline, ever.
            if [since.line, since.idle, since.send, since.close] == [Patience::default(); 4] {
                self.0 = None;
            }
        }
    }

    /// Takes over what another has of sends.
    pub(crate) fn sends_of(&mut self, other: &Self) {
        if let Some(other) = &other.0 {
            self.0.get_or_insert_default().send = other.send;
        }
    }

    fn of(&mut self, deadline: Deadline) -> &mut Patience {
        let since = self.0.get_or_insert_default();
        match deadline {
            Deadline::Line => &mut since.line,
            Deadline::Send => &mut since.send,
            Deadline::Close => &mut since.close,
            _ => &mut since.idle,
        }
    }
}

/// Whether limits that are not the default ones, which have none, give a receive any deadline: its own, or that of what it has to send.
#[inline]
pub(crate) fn are_set(limits: &Limits) -> bool {
    [limits.line_time_max, limits.idle_time_max, limits.send_time_max].iter().any(|max| *max != Duration::MAX)
}

fn max_of(deadline: Deadline, limits: &Limits) -> Duration {
    match deadline {
        Deadline::Line => limits.line_time_max,
        Deadline::Send => limits.send_time_max,
        Deadline::Close => limits.close_time_max,
        _ => limits.idle_time_max,
    }
}
