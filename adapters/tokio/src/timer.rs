//! tokio's clock, paused or not.

use asyncnet_driver::Timer;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A clock with an alarm, on tokio's time: `start_paused` and `advance` work on it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use asyncnet_tokio::TokioTimer;
/// use asyncnet_driver::Timer;
/// use std::time::Duration;
///
/// tokio::time::pause();
/// let mut timer = TokioTimer::default();
/// let hour = Duration::from_secs(3_600);
/// std::future::poll_fn(|cx| timer.poll_until(cx, hour)).await;
/// assert!(timer.now() >= hour);
/// # }
/// ```
#[derive(Debug)]
pub struct TokioTimer {
    origin: Instant,
    /// Made when it is first waited on: most streams never do.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Default for TokioTimer {
    fn default() -> Self {
        Self { origin: Instant::now(), alarm: None }
    }
}

impl TokioTimer {
    /// Another alarm of the same clock: for the other half of a stream, whose times go on.
    pub(crate) fn beside(&self) -> Self {
        Self { alarm: None, ..*self }
    }
}

impl Timer for TokioTimer {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        let Some(at) = self.origin.checked_add(at) else { return Poll::Pending };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if alarm.deadline() != at {
            alarm.as_mut().reset(at);
        }
        alarm.as_mut().poll(cx)
    }
}
