//! What a member has not been given yet, under a bound in bytes, and a bell.
//!
//! It is not a channel of lines: a bound in lines would be a loose one in bytes, and a burst of short lines would
//! fill it.
//!
//! Invariant: after a `put`, the bell rings, or has rung and was not heard yet.

use async_channel::{Receiver, Sender};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many bytes wait in a mailbox: 256 KiB, as in a stream's queue. It is filled between two runs of its member's task
/// only, so this is a burst, not a backlog.
pub const MAILBOX_BYTES_MAX: usize = 256 << 10;

/// Lines for one member.
///
/// ```
/// use asyncnet_examples::chat::{MAILBOX_BYTES_MAX, Mailbox};
///
/// let mailbox = Mailbox::default();
/// mailbox.put(b"one");
/// mailbox.put(b"two");
/// assert!(futures_lite::future::block_on(mailbox.rung()));
/// assert_eq!(mailbox.take(), b"one\r\ntwo\r\n");
///
/// assert!(!mailbox.put(&vec![b'x'; MAILBOX_BYTES_MAX]), "no room");
/// assert!(!futures_lite::future::block_on(mailbox.rung()), "and it stays closed");
/// ```
#[derive(Debug)]
pub struct Mailbox {
    waiting: Mutex<Vec<u8>>,
    bell: (Sender<()>, Receiver<()>),
}

impl Default for Mailbox {
    fn default() -> Self {
        Self { waiting: Mutex::default(), bell: async_channel::bounded(1) }
    }
}

impl Mailbox {
    /// Adds a line, with CR LF; whether there was room. Without room the mailbox is closed: its member has missed a line.
    pub fn put(&self, line: &[u8]) -> bool {
        let mut waiting = self.lock();
        if waiting.len() + line.len() + 2 > MAILBOX_BYTES_MAX {
            self.bell.0.close();
            return false;
        }
        waiting.extend_from_slice(line);
        waiting.extend_from_slice(b"\r\n");
        // Full, it has rung already.
        self.bell.0.try_send(()).ok();
        true
    }

    /// Takes all that waits.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.lock())
    }

    /// Waits until there is something to take; `false` says that the mailbox is closed. Dropped, it has heard nothing.
    pub async fn rung(&self) -> bool {
        self.bell.1.recv().await.is_ok()
    }

    /// Bytes are whole at every moment, so a panic elsewhere does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
