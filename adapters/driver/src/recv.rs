//! Every receive, written once for whatever can bring more bytes: a whole stream or its receiving half.
//!
//! ```text
//!        +--> look --- found, end, error ---> return, and take in the same poll
//!        |     | need more
//!        |     v
//!        +-- poll_more: what is queued goes out first, then one read
//! ```
//!
//! Invariants:
//! - No future holds progress: what has come is in the connection, and is taken when the call completes, in one poll.
//! - The loops here end, or wait, because a read does so after a number of successes: the pump sees to that.

use crate::deadline::Waits;
use crate::error::Error;
use crate::fill::Fill;
use crate::pool::Pooled;
use asyncnet_core::{Deadline, Incoming, LinePolicy, LineSpan, RecvError, Search};
use bytes::Bytes;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

/// What a receive needs.
pub(crate) trait Source {
    fn incoming(&mut self) -> &mut Incoming;

    /// A whole line that is here, if nothing is to be done or to be said before it is taken.
    fn line_here(&mut self, policy: LinePolicy) -> Option<LineSpan>;

    /// Called once before each receive: sends what has piled up too high.
    fn poll_relieve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Brings more bytes, or the end.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// How long it has waited.
    fn waits(&mut self) -> &mut Waits;

    /// Waits for the first of the deadlines of a receive that cannot go on.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadlines: &[Deadline]) -> Poll<Error>;

    /// Receives into `buf`, past the connection's buffer, while nothing waits in it: from the wire, or from TLS records.
    fn poll_bypass(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize, Error>>;
}

/// Looks until there is something to be seen: `None` is the end.
#[inline]
pub(crate) fn poll_find<S: Source, T>(
    source: &mut S,
    cx: &mut Context<'_>,
    mut look: impl FnMut(&mut Incoming) -> Result<Search<T>, RecvError>,
) -> Poll<Result<Option<T>, Error>> {
    ready!(source.poll_relieve(cx))?;
    loop {
        match look(source.incoming())? {
            Search::Found(found) => return Poll::Ready(Ok(Some(found))),
            Search::End => return Poll::Ready(Ok(None)),
            Search::NeedMore => ready!(source.poll_more(cx))?,
        }
    }
}

/// As [`poll_find`], within the deadlines of bytes.
pub(crate) fn find<S: Source, T>(
    source: &mut S,
    mut look: impl FnMut(&mut Incoming) -> Result<Search<T>, RecvError>,
) -> impl Future<Output = Result<Option<T>, Error>> {
    poll_fn(move |cx| {
        let polled = poll_find(source, cx, &mut look);
        in_time(source, cx, Wanted::Bytes, polled)
    })
}

/// Takes note of a whole line that is simply here: what nearly every look for one comes to, when lines come in bursts.
#[inline(always)]
pub(crate) fn line_here<S: Source>(source: &mut S, policy: LinePolicy) -> Option<LineSpan> {
    let span = source.line_here(policy)?;
    source.waits().received();
    Some(span)
}

/// Looks for a line, within the deadlines of lines. Who may have many of them here asks [`line_here`] first.
pub(crate) fn find_line<S: Source>(
    source: &mut S,
    policy: LinePolicy,
) -> impl Future<Output = Result<Option<LineSpan>, Error>> {
    poll_fn(move |cx| {
        let polled = poll_find_line(source, cx, policy);
        in_time(source, cx, Wanted::Line, polled)
    })
}

/// As [`poll_find`]; what nearly every look comes to, while it waits and when a line has come, is seen first and quickly.
#[inline]
fn poll_find_line<S: Source>(
    source: &mut S,
    cx: &mut Context<'_>,
    policy: LinePolicy,
) -> Poll<Result<Option<LineSpan>, Error>> {
    ready!(source.poll_relieve(cx))?;
    loop {
        if !source.incoming().awaits_line(policy) {
            match source.incoming().find_line(policy)? {
                Search::Found(span) => return Poll::Ready(Ok(Some(span))),
                Search::End => return Poll::Ready(Ok(None)),
                Search::NeedMore => {}
            }
        }
        ready!(source.poll_more(cx))?;
        if let Some(span) = source.incoming().line_here(policy) {
            return Poll::Ready(Ok(Some(span)));
        }
    }
}

/// Looks for a delimiter, within the deadlines of lines: how many bytes come before it.
pub(crate) fn find_delimiter<S: Source>(
    source: &mut S,
    delimiter: &[u8],
    max: usize,
) -> impl Future<Output = Result<Option<usize>, Error>> {
    poll_fn(move |cx| {
        let polled = poll_find(source, cx, |incoming| incoming.find_delimiter(delimiter, max));
        in_time(source, cx, Wanted::Line, polled)
    })
}

/// Brings `n` bytes to be looked at, within the deadlines of bytes.
pub(crate) async fn look<S: Source>(source: &mut S, n: usize) -> Result<(), Error> {
    poll_fn(|cx| {
        let polled = poll_find(source, cx, |incoming| incoming.find_bytes(n)).map_ok(drop);
        in_time(source, cx, Wanted::Look, polled)
    })
    .await
}

/// What a receive is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    Line,
    Bytes,
    /// It takes nothing, so that a line that has begun has not ended with it.
    Look,
}

/// What was polled; while that is nothing, the first of the deadlines.
#[inline]
fn in_time<S: Source, T>(
    source: &mut S,
    cx: &mut Context<'_>,
    wanted: Wanted,
    polled: Poll<Result<T, Error>>,
) -> Poll<Result<T, Error>> {
    if polled.is_pending() {
        let deadlines: &[Deadline] =
            if wanted == Wanted::Line { &[Deadline::Line, Deadline::Idle] } else { &[Deadline::Idle] };
        return source.poll_deadline(cx, deadlines).map(Err);
    }
    if wanted == Wanted::Look {
        source.waits().looked();
    } else {
        source.waits().received();
    }
    polled
}

/// From here on a copy costs more than a system call.
const BYPASS_BYTES: usize = 16 << 10;

/// As [`poll_recv`], within the deadlines of bytes.
pub(crate) async fn recv<S: Source>(source: &mut S, buf: &mut [u8]) -> Result<usize, Error> {
    let whole = buf.len();
    recv_part(source, buf, whole).await
}

async fn recv_part<S: Source>(source: &mut S, buf: &mut [u8], whole: usize) -> Result<usize, Error> {
    poll_fn(|cx| {
        let polled = poll_recv(source, cx, buf, whole);
        in_time(source, cx, Wanted::Bytes, polled)
    })
    .await
}

/// Receives what is there, at least one byte unless `buf` is empty or the stream ended. `buf` may be the rest of a request
/// that was longer, of `whole` bytes: what is long goes past the connection's buffer to its last byte, for reading ahead of
/// it would have the next one copied.
pub(crate) fn poll_recv<S: Source>(
    source: &mut S,
    cx: &mut Context<'_>,
    buf: &mut [u8],
    whole: usize,
) -> Poll<Result<usize, Error>> {
    if buf.is_empty() {
        return Poll::Ready(Ok(0));
    }
    let incoming = source.incoming();
    if incoming.can_bypass() && (incoming.is_sealed() || whole >= incoming.read_bytes().min(BYPASS_BYTES)) {
        ready!(source.poll_relieve(cx))?;
        let n = ready!(source.poll_bypass(cx, buf))?;
        source.waits().received();
        return Poll::Ready(Ok(n));
    }
    let found = ready!(poll_find(source, cx, |incoming| incoming.find_bytes(1)))?;
    source.waits().received();
    Poll::Ready(Ok(found.map_or(0, |_| source.incoming().take(buf))))
}

pub(crate) async fn recv_owned<S: Source>(source: &mut S, max: usize) -> Result<Bytes, Error> {
    if max == 0 {
        return Ok(Bytes::new());
    }
    let found = find(source, |incoming| incoming.find_bytes(1)).await?;
    Ok(found.map_or_else(Bytes::new, |n| source.incoming().take_owned(n.min(max), &mut Pooled)))
}

/// Receives until `buf` is full or the stream ended: how many bytes.
pub(crate) async fn recv_full<S: Source>(source: &mut S, buf: &mut [u8]) -> Result<usize, Error> {
    if buf.is_empty() {
        return Ok(0);
    }
    find(source, |incoming| incoming.find_bytes(buf.len())).await?;
    Ok(source.incoming().take(buf))
}

pub(crate) async fn recv_exact<S: Source>(source: &mut S, buf: &mut [u8]) -> Result<(), Error> {
    if buf.is_empty() {
        return Ok(());
    }
    let found = find(source, |incoming| incoming.find_bytes(buf.len())).await?;
    match found.unwrap_or(0) {
        len if len < buf.len() => Err(RecvError::Incomplete { len }.into()),
        _ => {
            source.incoming().take(buf);
            Ok(())
        }
    }
}

/// Receives into what is left of `fill`, which keeps the bytes, until it is full or the stream ended.
pub(crate) async fn recv_fill<S: Source>(source: &mut S, fill: &mut Fill<'_>) -> Result<(), Error> {
    while !fill.is_full() {
        let whole = fill.len_whole();
        let n = recv_part(source, fill.unfilled(), whole).await?;
        if n == 0 {
            break;
        }
        fill.advance(n);
    }
    Ok(())
}

/// Receives to the end of the stream and appends it: how many bytes.
pub(crate) async fn recv_to_end<S: Source>(
    source: &mut S,
    into: &mut Vec<u8>,
    max: usize,
) -> Result<usize, Error> {
    let n = find(source, |incoming| incoming.find_end(max)).await?.unwrap_or(0);
    into.extend_from_slice(&source.incoming().plain()[..n]);
    source.incoming().consume(n);
    Ok(n)
}
