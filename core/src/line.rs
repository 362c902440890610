//! What a line is: its terminator, its limit, and what happens at each edge.
//!
//! The rules are pure functions of the bytes that are there; nothing here keeps them. Their outcome depends on the
//! stream alone, never on how it was cut into reads, because each is decided at the first byte that decides it:
//!
//! ```text
//!   index    0 ............ max-1 | max       | max+1
//!            text                 | LF: line  |
//!                                 | CR: wait  | LF: line, anything else: too long
//!                                 | else: too long
//! ```
//!
//! Invariant: a search that found nothing is told where to go on, and does not look at a byte twice.

use crate::error::RecvError;
use memchr::{memchr, memchr2};

/// How a line ended.
///
/// ```
/// use asyncnet_core::Ending;
///
/// assert_eq!(Ending::CrLf.as_bytes(), b"\r\n");
/// assert_eq!(Ending::Missing.as_bytes(), b"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By LF alone.
    Lf,
    /// By CR LF.
    CrLf,
    /// By the end of the stream: an unterminated last line, under [`LastLine::Accept`].
    Missing,
    /// Not yet: the line was longer than its limit and was cut there, under [`Overlong::Truncate`].
    Cut,
}

impl Ending {
    /// The terminator's bytes.
    ///
    /// ```
    /// assert_eq!(asyncnet_core::Ending::Lf.as_bytes(), b"\n");
    /// ```
    #[must_use]
    #[inline]
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::Missing | Self::Cut => b"",
        }
    }
}

/// Which terminators end a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endings {
    /// LF, with at most one CR before it taken off. A CR elsewhere is data.
    #[default]
    Any,
    /// CR LF. A bare LF or a bare CR is a fatal error, for protocols where peers that disagree about them can be
    /// played off against each other (SMTP: RFC 5321, section 2.3.8, and SMTP smuggling).
    CrLfOnly,
}

/// What to do with a line that is longer than its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlong {
    /// Report it once and drop all of it, through its terminator, within
    /// [`Limits::discard_bytes_max`](crate::Limits::discard_bytes_max).
    #[default]
    Discard,
    /// Serve the first bytes up to the limit as a line that says [`Ending::Cut`], and drop the rest as above.
    Truncate,
    /// Report it and receive nothing more.
    Fail,
}

/// What to do with a last line that has no terminator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastLine {
    /// Report [`RecvError::Incomplete`]; its bytes can still be taken.
    #[default]
    Refuse,
    /// Serve it as a line that says [`Ending::Missing`].
    Accept,
}

/// The rules for one line. They can be changed from call to call; the search keeps its place.
///
/// ```
/// use asyncnet_core::{Endings, LinePolicy, Overlong};
///
/// let smtp = LinePolicy::new(998).endings(Endings::CrLfOnly).overlong(Overlong::Fail);
/// assert_eq!(smtp.max, 998);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinePolicy {
    /// The longest line, in bytes without its terminator.
    pub max: usize,
    /// Which terminators count.
    pub endings: Endings,
    /// What becomes of a longer line.
    pub overlong: Overlong,
    /// What becomes of a last line without terminator.
    pub last: LastLine,
}

impl LinePolicy {
    /// Lines of at most `max` bytes without terminator, with the default rules.
    ///
    /// ```
    /// use asyncnet_core::{Endings, LinePolicy};
    ///
    /// assert_eq!(LinePolicy::new(512).endings, Endings::Any);
    /// ```
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self { max, endings: Endings::Any, overlong: Overlong::Discard, last: LastLine::Refuse }
    }

    /// The same rules with another limit, in bytes without terminator.
    ///
    /// ```
    /// assert_eq!(asyncnet_core::LinePolicy::new(1).max(2).max, 2);
    /// ```
    #[must_use]
    pub const fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    /// The same rules with other terminators.
    ///
    /// ```
    /// use asyncnet_core::{Endings, LinePolicy};
    ///
    /// assert_eq!(LinePolicy::new(1).endings(Endings::CrLfOnly).endings, Endings::CrLfOnly);
    /// ```
    #[must_use]
    pub const fn endings(mut self, endings: Endings) -> Self {
        self.endings = endings;
        self
    }

    /// The same rules with another answer to an over-long line.
    ///
    /// ```
    /// use asyncnet_core::{LinePolicy, Overlong};
    ///
    /// assert_eq!(LinePolicy::new(1).overlong(Overlong::Truncate).overlong, Overlong::Truncate);
    /// ```
    #[must_use]
    pub const fn overlong(mut self, overlong: Overlong) -> Self {
        self.overlong = overlong;
        self
    }

    /// The same rules with another answer to an unterminated last line.
    ///
    /// ```
    /// use asyncnet_core::{LastLine, LinePolicy};
    ///
    /// assert_eq!(LinePolicy::new(1).last(LastLine::Accept).last, LastLine::Accept);
    /// ```
    #[must_use]
    pub const fn last(mut self, last: LastLine) -> Self {
        self.last = last;
        self
    }
}

/// A line that was found, before it is taken: how long it is and how it ended.
///
/// ```
/// use asyncnet_core::{Connection, Ending, Limits, LinePolicy, Search};
///
/// let mut connection = Connection::new(Limits::default());
/// connection.wire_space()[..7].copy_from_slice(b"hello\r\n");
/// connection.wire_filled(7);
/// let Ok(Search::Found(span)) = connection.find_line(LinePolicy::new(80)) else { panic!() };
/// assert_eq!((span.len(), span.ending()), (5, Ending::CrLf));
/// assert_eq!(connection.take_line(span), b"hello");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpan {
    pub(crate) len: usize,
    /// How many bytes behind it are taken with it, as its terminator.
    pub(crate) skip: u8,
    pub(crate) ending: Ending,
    pub(crate) endings: Endings,
}

impl LineSpan {
    /// How many bytes the line has, without its terminator.
    ///
    /// See the example at [`LineSpan`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the line is empty: a terminator and nothing before it.
    ///
    /// See the example at [`LineSpan`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes are taken with it.
    #[inline]
    pub(crate) fn whole(&self) -> usize {
        self.len + usize::from(self.skip)
    }

    /// How it ended.
    ///
    /// See the example at [`LineSpan`].
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.ending
    }
}

/// What a look at the buffer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search<T> {
    /// It is there.
    Found(T),
    /// Nothing can be said before more bytes, or the end, have come.
    NeedMore,
    /// The stream ended, and nothing is left.
    End,
}

/// What the bytes of a line say so far.
#[derive(Clone, Copy)]
pub(crate) enum Scan {
    /// A line of `len` bytes, then its terminator, of `skip` bytes.
    Line { len: usize, skip: u8, ending: Ending },
    /// More than `max` bytes. The first `max` + 1 hold no terminator, nor do those before index `from`.
    TooLong { from: usize },
    /// No terminator in sight; look on from index `from`.
    Open { from: usize },
    /// A bare LF or CR under [`Endings::CrLfOnly`].
    Refused(RecvError),
}

/// Looks for the end of a line that starts at index 0. Nothing before index `from` ends it.
#[inline(always)]
pub(crate) fn scan(bytes: &[u8], from: usize, max: usize, endings: Endings) -> Scan {
    match endings {
        Endings::Any => scan_any(bytes, from, max),
        Endings::CrLfOnly => scan_strict(bytes, from, max),
    }
}

#[inline(always)]
fn scan_any(bytes: &[u8], from: usize, max: usize) -> Scan {
    let Some(found) = memchr(b'\n', &bytes[from..]) else {
        // A CR at the end may be the start of the terminator.
        let open = bytes.len() - usize::from(bytes.ends_with(b"\r"));
        let from = bytes.len();
        return if open > max { Scan::TooLong { from } } else { Scan::Open { from } };
    };
    let at = from + found;
    let (len, skip, ending) = match bytes[..at] {
        [.., b'\r'] => (at - 1, 2, Ending::CrLf),
        _ => (at, 1, Ending::Lf),
    };
    if len > max { Scan::TooLong { from: at } } else { Scan::Line { len, skip, ending } }
}

#[inline(never)]
fn scan_strict(bytes: &[u8], from: usize, max: usize) -> Scan {
    let Some(found) = memchr2(b'\r', b'\n', &bytes[from..]) else {
        let from = bytes.len();
        return if from > max { Scan::TooLong { from } } else { Scan::Open { from } };
    };
    let at = from + found;
    if at > max {
        return Scan::TooLong { from: at };
    }
    match bytes[at..] {
        [b'\n', ..] => Scan::Refused(RecvError::BareLf { at }),
        [_, b'\n', ..] => Scan::Line { len: at, skip: 2, ending: Ending::CrLf },
        [_] => Scan::Open { from: at },
        _ => Scan::Refused(RecvError::BareCr { at }),
    }
}

/// Looks for the end of what is being dropped, in bytes whose predecessor was a CR or not: the index behind it.
pub(crate) fn scan_discarded(bytes: &[u8], after_cr: bool, endings: Endings) -> Option<usize> {
    match endings {
        Endings::Any => memchr(b'\n', bytes).map(|at| at + 1),
        Endings::CrLfOnly if after_cr && bytes.first() == Some(&b'\n') => Some(1),
        Endings::CrLfOnly => memchr::memmem::find(bytes, b"\r\n").map(|at| at + 2),
    }
}
