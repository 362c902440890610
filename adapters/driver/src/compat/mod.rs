//! The runtimes' own byte-stream traits for [`Stream`]. They stand here and not in the adapters because of the orphan
//! rule: a trait that is foreign to a crate can be implemented there only for a type that is its own.
//!
//! Both sets do the same over the same four functions. What is queued goes out before bytes that are written through a
//! trait; a write is complete when the kernel has what it counts, or over TLS when it is sealed: then it goes out with the
//! next flush, write or receive.

#[cfg(feature = "futures-io")]
mod futures_io;
#[cfg(feature = "tokio")]
mod tokio;

use crate::error::Error;
use crate::pump::Unsent;
use crate::recv::{self, Source};
use crate::send::Sink;
use crate::stream::Stream;
use crate::transport::Transport;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

impl<T: Transport> Stream<T> {
    fn compat_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        recv::poll_recv(self, cx, buf, buf.len()).map_err(io::Error::from)
    }

    fn compat_fill_buf(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        ready!(recv::poll_find(self, cx, |incoming| incoming.find_bytes(1)))?;
        Poll::Ready(Ok(Source::incoming(self).plain()))
    }

    fn compat_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.check_open()?;
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        // What is queued comes first: a write that took only that goes on.
        loop {
            let n = ready!(Sink::poll_write(self, cx, Unsent { parts: bufs, skip: 0 }))?;
            if n > 0 {
                return Poll::Ready(Ok(n));
            }
        }
    }

    fn compat_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush_open(cx).map_err(io::Error::from)
    }

    fn compat_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.poll_shutdown_write(cx)) {
            // The traits have their users shut down twice, and after a close.
            Ok(()) | Err(Error::Closed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}
