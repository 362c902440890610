//! How long the peer may take: a state machine that takes the time as an argument.
//!
//! ```text
//!            until()                        until() again: the same time
//!   [ idle ] -------> [ since its first wait ] ------+
//!      ^                   |           ^             |
//!      +------ end() ------+           +-------------+
//! ```
//!
//! Invariant: what began keeps its beginning until it ends, whoever asks and however often: a byte now and then, or a
//! future that is dropped and made again, does not renew it.

use core::fmt;
use core::time::Duration;

/// What took too long.
///
/// ```
/// use asyncnet_core::Deadline;
///
/// assert_eq!(Deadline::Line.to_string(), "a line");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// The whole of a line, or of what is received up to a delimiter: [`Limits::line_time_max`](crate::Limits::line_time_max).
    Line,
    /// Nothing came: [`Limits::idle_time_max`](crate::Limits::idle_time_max).
    Idle,
    /// What was to be sent: [`Limits::send_time_max`](crate::Limits::send_time_max).
    Send,
    /// What was to be sent before a close: [`Limits::close_time_max`](crate::Limits::close_time_max).
    Close,
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "a line",
            Self::Idle => "the peer's next bytes",
            Self::Send => "a send",
            Self::Close => "a close",
        })
    }
}

/// Since when something is waited for.
///
/// ```
/// use asyncnet_core::Patience;
/// use std::time::Duration;
///
/// let seconds = Duration::from_secs;
/// let mut patience = Patience::default();
/// assert_eq!(patience.until(seconds(5), || seconds(1)), Some(seconds(6)));
/// assert_eq!(patience.until(seconds(5), || seconds(4)), Some(seconds(6)));
/// patience.end();
/// assert_eq!(patience.until(seconds(5), || seconds(8)), Some(seconds(13)));
/// // For ever costs not even a look at the clock.
/// assert_eq!(Patience::default().until(Duration::MAX, || unreachable!()), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    since: Option<Duration>,
}

impl Patience {
    /// Until when it may go on, if it may take `max`; it begins now, if it has not begun. `None` is for ever, as is a
    /// `max` of [`Duration::MAX`].
    ///
    /// See the example at [`Patience`].
    pub fn until(&mut self, max: Duration, now: impl FnOnce() -> Duration) -> Option<Duration> {
        if max == Duration::MAX {
            return None;
        }
        self.since.get_or_insert_with(now).checked_add(max)
    }

    /// It is over, or does not count any more.
    ///
    /// See the example at [`Patience`].
    #[inline]
    pub fn end(&mut self) {
        self.since = None;
    }
}
