//! How far a transfer is, in one line of a terminal that is written again and again.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long a line stays before it is written anew: people do not read faster.
const PAUSE: Duration = Duration::from_millis(100);

/// A line on stderr, if that is a terminal and somebody wants it.
#[derive(Debug)]
pub struct Progress {
    is_shown: bool,
    received: u64,
    total: Option<u64>,
    began: Instant,
    written: Option<Instant>,
}

impl Progress {
    /// Nothing has come yet of `total` bytes, if that is known.
    #[must_use]
    pub fn new(total: Option<u64>, is_wanted: bool) -> Self {
        let is_shown = is_wanted && io::stderr().is_terminal();
        Self { is_shown, received: 0, total, began: Instant::now(), written: None }
    }

    /// So many bytes more have come.
    pub fn advance(&mut self, n: usize) {
        self.received += n as u64;
        if self.is_shown && self.written.is_none_or(|written| written.elapsed() >= PAUSE) {
            self.written = Some(Instant::now());
            self.show("");
        }
    }

    fn show(&self, end: &str) {
        let text = line(self.received, self.total, self.began.elapsed());
        // Back to the line's begin, and what is left of the last one erased (ECMA-48, EL). Nobody is left to hear that
        // stderr is closed.
        write!(io::stderr(), "\r{text}\x1b[K{end}").ok();
    }
}

/// What is written next, a message or a shell's prompt, gets a line of its own.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            self.show("\n");
        }
    }
}

/// What is to be read: what came, of how much, how fast, and how long it will take.
///
/// ```
/// use asyncnet_examples::progress::line;
/// use std::time::Duration;
///
/// let text = line(1_500_000, Some(6_000_000), Duration::from_secs(3));
/// assert_eq!(text, "1.5 MB of 6.0 MB, 25 %, 500.0 kB/s, 9 s left");
/// assert_eq!(line(1_500, None, Duration::ZERO), "1.5 kB");
/// ```
#[must_use]
pub fn line(received: u64, total: Option<u64>, elapsed: Duration) -> String {
    let mut text = size(received);
    if let Some(total) = total {
        // All of nothing is all.
        let percent = received.saturating_mul(100).checked_div(total).unwrap_or(100);
        text += &format!(" of {}, {percent} %", size(total));
    }
    // Before a tenth of a second a speed is chance.
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    if millis >= 100 {
        let speed = received.saturating_mul(1_000) / millis;
        text += &format!(", {}/s", size(speed));
        if let Some(left) = total.map(|total| total.saturating_sub(received)).filter(|left| *left > 0) {
            if let Some(seconds) = left.checked_div(speed) {
                text += &format!(", {seconds} s left");
            }
        }
    }
    text
}

/// A number of bytes in a unit that leaves at most three digits before the point.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::{line, size};
    use std::time::Duration;

    #[test]
    fn sizes_are_short() {
        let check = |bytes, expected: &str| assert_eq!(size(bytes), expected);
        check(0, "0 B");
        check(999, "999 B");
        check(1_000, "1.0 kB");
        check(999_949, "999.9 kB");
        check(1_000_000, "1.0 MB");
        check(12_345_678, "12.3 MB");
        check(u64::MAX, "18.4 EB");
    }

    #[test]
    fn a_line_says_what_is_known() {
        let check = |received, total, millis, expected: &str| {
            assert_eq!(line(received, total, Duration::from_millis(millis)), expected);
        };
        check(0, None, 0, "0 B");
        check(0, Some(0), 0, "0 B of 0 B, 100 %");
        check(0, Some(9), 5_000, "0 B of 9 B, 0 %, 0 B/s");
        check(2_000, None, 2_000, "2.0 kB, 1.0 kB/s");
        check(2_000, Some(2_000), 2_000, "2.0 kB of 2.0 kB, 100 %, 1.0 kB/s");
        check(1_000, Some(2_000), 2_000, "1.0 kB of 2.0 kB, 50 %, 500 B/s, 2 s left");
    }
}
