//! Calls that a system refuses for now without a way to tell when to make them again.
//!
//! A Unix datagram socket that sends to a name is writable by poll(2) while the receiver's queue is full, and each attempt
//! says EAGAIN: only a connected one is told when there is room (unix(7)). To wait until it is writable would spin.

use crate::pump::TURNS_MAX;
use crate::transport::Timer;
use crate::waiters::lock;
use std::io;
use std::sync::Mutex;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Short, since a receiver that is at work makes room soon.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// Ten attempts a second cost nothing, and nobody notices the delay who was not read for so long.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Pauses between attempts of a call that has to be made again, for an adapter's socket: from 1 ms to 100 ms, until one is
/// not refused.
///
/// ```
/// use asyncnet_driver::Busy;
/// use asyncnet_smol::SmolTimer;
/// use std::io::{Error, ErrorKind};
///
/// let (busy, mut attempts) = (Busy::<SmolTimer>::default(), 0);
/// let made = futures_lite::future::block_on(std::future::poll_fn(|cx| {
///     busy.poll_retry(cx, || {
///         attempts += 1;
///         if attempts < 3 { Err(Error::from(ErrorKind::WouldBlock)) } else { Ok("made") }
///     })
/// }));
/// assert_eq!((made.unwrap(), attempts), ("made", 3));
/// ```
#[derive(Debug, Default)]
pub struct Busy<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug, Default)]
struct State<T> {
    alarm: Option<(T, Duration)>,
    /// The last pause; none yet is zero.
    pause: Duration,
}

impl<T: Timer + Default> Busy<T> {
    /// Makes the call, and makes it again after a pause while it says [`WouldBlock`](io::ErrorKind::WouldBlock). All who
    /// wait share one pause and one waker, that of the last call.
    ///
    /// # Errors
    ///
    /// Those of the call, except `WouldBlock`.
    pub fn poll_retry<R>(
        &self,
        cx: &mut Context<'_>,
        mut call: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        for _ in 0..TURNS_MAX {
            let answer = call();
            let mut state = lock(&self.state);
            match answer {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(state.poll_pause(cx)),
                done => {
                    state.pause = Duration::ZERO;
                    return Poll::Ready(done);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: Timer + Default> State<T> {
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.alarm.is_none() {
            self.pause = (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
        }
        let (timer, until) = self.alarm.get_or_insert_with(|| {
            let timer = T::default();
            let until = timer.now().saturating_add(self.pause);
            (timer, until)
        });
        ready!(timer.poll_until(cx, *until));
        self.alarm = None;
        Poll::Ready(())
    }
}
