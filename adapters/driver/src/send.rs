//! Every send, written once for whatever has a write side: a whole stream or its sending half.
//!
//! A send goes from the caller's memory to the kernel. If its future is dropped in the middle, what is left of a
//! message up to [`Limits::send_atomic_max`](crate::Limits::send_atomic_max) is queued there and then; a longer one
//! is left torn, and the connection remembers it.
//!
//! Invariant: the progress of a send is in the connection. What the future holds is the caller's memory and nothing
//! else, so a leaked one is noticed too.

use crate::error::Error;
use crate::pool::Pooled;
use crate::pump::Unsent;
use asyncnet_core::{Outgoing, SendError};
use bytes::Bytes;
use memchr::memchr2;
use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What a send needs.
pub(crate) trait Sink: Unpin {
    fn outgoing(&mut self) -> &mut Outgoing;

    /// Whether anything may be sent or queued.
    fn check_open(&mut self) -> Result<(), Error>;

    /// Writes once what is queued and behind it what is unsent of a message: how much of that went out, or over TLS was
    /// sealed.
    fn poll_write(&mut self, cx: &mut Context<'_>, unsent: Unsent<'_>) -> Poll<Result<usize, Error>>;

    /// Waits for the deadline of a send that cannot go on.
    fn poll_send_deadline(&mut self, cx: &mut Context<'_>) -> Poll<Error>;

    /// All is out, or never will be.
    fn sent(&mut self);

    /// Sends what is queued.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
}

/// Sends the parts as one message.
pub(crate) async fn send<S: Sink>(sink: &mut S, parts: &[IoSlice<'_>]) -> Result<(), Error> {
    check_open(sink).await?;
    let of = parts.iter().map(|part| part.len()).sum();
    if of == 0 {
        return Ok(());
    }
    sink.outgoing().begin_direct(of)?;
    Direct { sink, unsent: Unsent { parts, skip: 0 }, left: of }.await?;
    flush(sink).await
}

/// Sends an owned value, which is completed from the queue however long it is.
pub(crate) async fn send_owned<S: Sink>(sink: &mut S, bytes: Bytes) -> Result<(), Error> {
    check_open(sink).await?;
    if bytes.is_empty() {
        return Ok(());
    }
    sink.outgoing().queue_owned(bytes, &mut Pooled)?;
    flush(sink).await
}

/// Sends what is queued, in time.
pub(crate) fn flush<S: Sink>(sink: &mut S) -> impl Future<Output = Result<(), Error>> {
    poll_fn(move |cx| {
        let polled = sink.poll_flush(cx);
        in_time(sink, cx, polled)
    })
}

/// What was polled; while that is nothing, the deadline.
pub(crate) fn in_time<S: Sink>(
    sink: &mut S,
    cx: &mut Context<'_>,
    polled: Poll<Result<(), Error>>,
) -> Poll<Result<(), Error>> {
    if polled.is_pending() {
        return sink.poll_send_deadline(cx).map(Err);
    }
    sink.sent();
    polled
}

/// Whether anything may be sent. The alert of a TLS session that has failed goes out at this occasion: a receiving half
/// cannot send it.
async fn check_open<S: Sink>(sink: &mut S) -> Result<(), Error> {
    let checked = sink.check_open();
    if let Err(Error::Tls(_)) = checked {
        poll_fn(|cx| {
            // It is a try: the error is that of the session.
            drop(sink.poll_flush(cx));
            Poll::Ready(())
        })
        .await;
    }
    checked
}

/// Queues the parts, all or none.
#[inline]
pub(crate) fn queue<S: Sink>(sink: &mut S, parts: &[&[u8]]) -> Result<(), Error> {
    sink.check_open()?;
    Ok(sink.outgoing().queue_from(parts, &mut Pooled)?)
}

/// Whether the text is one line.
pub(crate) fn check_text(text: &[u8]) -> Result<(), Error> {
    memchr2(b'\r', b'\n', text).map_or(Ok(()), |at| Err(SendError::LineBreak { at }.into()))
}

/// A message on its way from the caller's memory to the kernel.
struct Direct<'a, S: Sink> {
    sink: &'a mut S,
    /// The parts that are not out in full.
    unsent: Unsent<'a>,
    /// How many bytes are not out.
    left: usize,
}

impl<S: Sink> Direct<'_, S> {
    fn advance(&mut self, n: usize) {
        self.sink.outgoing().direct_sent(n);
        self.left -= n;
        let Unsent { parts, skip } = &mut self.unsent;
        *skip += n;
        while let Some((first, rest)) = parts.split_first().filter(|(first, _)| first.len() <= *skip) {
            *skip -= first.len();
            *parts = rest;
        }
    }
}

impl<S: Sink> Future for Direct<'_, S> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while this.left > 0 {
            let Poll::Ready(written) = this.sink.poll_write(cx, this.unsent) else {
                // Too late is as good as dropped: the drop sees to the rest.
                return this.sink.poll_send_deadline(cx).map(Err);
            };
            match written {
                Ok(n) => this.advance(n),
                // A message of which a part is sealed, and the rest cannot be, is torn: the drop sees to that. A socket that
                // failed tells of itself.
                Err(error @ Error::Tls(_)) => return Poll::Ready(Err(error)),
                Err(error) => {
                    this.sink.outgoing().end_direct();
                    return Poll::Ready(Err(error));
                }
            }
        }
        this.sink.outgoing().end_direct();
        Poll::Ready(Ok(()))
    }
}

/// Nothing happens after the end: the connection knows of no direct send then.
impl<S: Sink> Drop for Direct<'_, S> {
    fn drop(&mut self) {
        let rest: Vec<&[u8]> = self.unsent.rest().collect();
        self.sink.outgoing().abandon_direct(&rest, &mut Pooled);
    }
}
