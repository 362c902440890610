//! Moves bytes between a transport and the halves of a connection: the only file that does.
//!
//! Its rule: never return pending with bytes unsent that could be sent; never read past an end; process after each bounded
//! read; read nothing more while output is full.
//!
//! Invariants:
//! - Bytes that a transport took or gave are counted in the connection before anything can return.
//! - A socket's error is kept, so that a reset does not look like an end the next time.

use crate::error::{Error, Failure, Operation};
use crate::pool::Pooled;
use crate::transport::{ReadTransport, WriteTransport};
use asyncnet_core::{Incoming, Outgoing, SendError};
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

/// How many pieces one write takes. A queue of copies is four pieces at most; owned ones come one or two at a time.
const PIECES: usize = 16;

/// The receiving direction's memory of its socket.
#[derive(Debug, Default)]
pub(crate) struct ReadState {
    failed: Option<Failure>,
}

/// The sending direction's memory of its socket.
#[derive(Debug, Default)]
pub(crate) struct WriteState {
    failed: Option<Failure>,
    /// Bytes were written since the transport was last flushed.
    unflushed: bool,
}

impl ReadState {
    /// Reads once into the connection: bytes came, or the end did.
    pub(crate) fn poll_fill(
        &mut self,
        incoming: &mut Incoming,
        transport: &mut impl ReadTransport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let space = incoming.wire_space_from(&mut Pooled);
        match self.poll_read(transport, cx, space) {
            Poll::Ready(Ok(0)) => incoming.wire_eof(),
            Poll::Ready(Ok(n)) => incoming.wire_filled(n),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => {
                incoming.release(&mut Pooled);
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once past the connection, straight into the caller's memory; 0 at the end.
    pub(crate) fn poll_bypass(
        &mut self,
        incoming: &mut Incoming,
        transport: &mut impl ReadTransport,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize, Error>> {
        let n = ready!(self.poll_read(transport, cx, buf))?;
        if n == 0 {
            incoming.wire_eof();
        } else {
            incoming.wire_bypassed(n);
        }
        Poll::Ready(Ok(n))
    }

    fn poll_read(
        &mut self,
        transport: &mut impl ReadTransport,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<usize, Error>> {
        if let Some(failure) = self.failed {
            return Poll::Ready(Err(failure.error()));
        }
        loop {
            match ready!(transport.poll_read(cx, buf)) {
                Ok(n) => return Poll::Ready(Ok(n)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(keep(&mut self.failed, Operation::Read, error))),
            }
        }
    }
}

impl WriteState {
    /// Sends what is queued, all of it, and has the transport pass it on.
    pub(crate) fn poll_flush(
        &mut self,
        outgoing: &mut Outgoing,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        outgoing.check_whole()?;
        while !outgoing.is_empty() {
            ready!(self.poll_write(outgoing, transport, cx, &[], 0))?;
        }
        outgoing.release(&mut Pooled);
        self.poll_pass_on(transport, cx)
    }

    /// Writes once: what is queued, and behind it `parts` without their first `skip` bytes. How many of the parts' bytes went
    /// out.
    pub(crate) fn poll_write(
        &mut self,
        outgoing: &mut Outgoing,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
        skip: usize,
    ) -> Poll<Result<usize, Error>> {
        self.check()?;
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        for piece in outgoing.wire_pending().chain(rest(parts, skip)).take(PIECES) {
            slices[count] = IoSlice::new(piece);
            count += 1;
        }
        let n = loop {
            match ready!(transport.poll_write_vectored(cx, &slices[..count])) {
                Ok(0) => {
                    let error = io::ErrorKind::WriteZero.into();
                    return Poll::Ready(Err(keep(&mut self.failed, Operation::Write, error)));
                }
                Ok(n) => break n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(keep(&mut self.failed, Operation::Write, error))),
            }
        };
        self.unflushed = true;
        let queued = n.min(outgoing.len());
        outgoing.wire_sent_to(queued, &mut Pooled);
        Poll::Ready(Ok(n - queued))
    }

    /// Has the transport pass on what was written to it.
    pub(crate) fn poll_pass_on(
        &mut self,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.check()?;
        if self.unflushed {
            if let Err(error) = ready!(transport.poll_flush(cx)) {
                return Poll::Ready(Err(keep(&mut self.failed, Operation::Write, error)));
            }
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what is queued, then ends the direction. Once more is harmless.
    pub(crate) fn poll_shutdown(
        &mut self,
        outgoing: &mut Outgoing,
        transport: &mut impl WriteTransport,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        outgoing.close();
        if outgoing.is_finished() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_flush(outgoing, transport, cx))?;
        match ready!(transport.poll_shutdown_write(cx)) {
            Ok(()) => outgoing.finish(),
            Err(error) => return Poll::Ready(Err(keep(&mut self.failed, Operation::Shutdown, error))),
        }
        Poll::Ready(Ok(()))
    }

    /// Whether there is something to send that can be sent.
    pub(crate) fn has_work(&self, outgoing: &mut Outgoing) -> bool {
        (!outgoing.is_empty() || self.unflushed) && self.failed.is_none() && outgoing.check_whole().is_ok()
    }

    fn check(&self) -> Result<(), Error> {
        self.failed.map_or(Ok(()), |failure| Err(failure.error()))
    }

    /// Whether anything may be queued: the direction is open and its socket has not failed.
    pub(crate) fn check_open(&self, outgoing: &mut Outgoing) -> Result<(), Error> {
        outgoing.check_open().map_err(|error: SendError| Error::from(error))?;
        self.check()
    }
}

/// The parts without their first `skip` bytes.
pub(crate) fn rest<'a>(parts: &'a [IoSlice<'_>], mut skip: usize) -> impl Iterator<Item = &'a [u8]> {
    parts.iter().filter_map(move |part| {
        let passed = skip.min(part.len());
        skip -= passed;
        (passed < part.len()).then(|| &part[passed..])
    })
}

fn keep(failed: &mut Option<Failure>, operation: Operation, error: io::Error) -> Error {
    *failed = Some(Failure::new(operation, &error));
    Error::io(operation, error)
}
