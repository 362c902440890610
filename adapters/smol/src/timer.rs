//! async-io's clock.

use async_io::Timer as Alarm;
use asyncnet_driver::Timer;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A clock with an alarm, on async-io's timers.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::Timer;
/// use asyncnet_smol::SmolTimer;
/// use std::time::Duration;
///
/// let mut timer = SmolTimer::default();
/// let soon = timer.now() + Duration::from_millis(1);
/// std::future::poll_fn(|cx| timer.poll_until(cx, soon)).await;
/// assert!(timer.now() >= soon);
/// # })
/// ```
#[derive(Debug)]
pub struct SmolTimer {
    origin: Instant,
    /// Made when it is first waited on: most streams never do.
    alarm: Option<Box<(Instant, Alarm)>>,
}

impl Default for SmolTimer {
    fn default() -> Self {
        Self { origin: Instant::now(), alarm: None }
    }
}

impl SmolTimer {
    /// Another alarm of the same clock: for the other half of a stream, whose times go on.
    pub(crate) fn beside(&self) -> Self {
        Self { alarm: None, ..*self }
    }
}

impl Timer for SmolTimer {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        // An alarm that has rung waits for ever: a time that is past is past.
        if self.now() >= at {
            return Poll::Ready(());
        }
        let Some(at) = self.origin.checked_add(at) else { return Poll::Pending };
        let alarm = self.alarm.get_or_insert_with(|| Box::new((at, Alarm::at(at))));
        if alarm.0 != at {
            alarm.0 = at;
            alarm.1.set_at(at);
        }
        Pin::new(&mut alarm.1).poll(cx).map(drop)
    }
}
