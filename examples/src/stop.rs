//! Being asked to stop: one request, seen by every task that waits for it.

use crate::program::{Failure, INTERRUPTED};
use async_channel::{Receiver, Sender};
use futures_lite::future;
use std::convert::Infallible;
use std::future::Future;
use std::process;

/// A request to stop: made once, seen by all clones.
///
/// ```
/// use asyncnet_examples::stop::Stop;
///
/// let stop = Stop::new();
/// let seen = stop.clone();
/// stop.ask();
/// futures_lite::future::block_on(seen.asked());
/// ```
#[derive(Clone, Debug)]
pub struct Stop {
    /// Nothing is ever sent: that the channel is closed is the message, which all receivers get.
    ask: Sender<Infallible>,
    asked: Receiver<Infallible>,
}

impl Stop {
    /// A request that nobody has made yet.
    #[must_use]
    pub fn new() -> Self {
        let (ask, asked) = async_channel::bounded(1);
        Self { ask, asked }
    }

    /// A request that Ctrl-C makes, and where there are signals SIGTERM and SIGHUP too. The second one does not wait for
    /// anything: it ends the process at once.
    ///
    /// # Errors
    ///
    /// What the system says; a second call in one process fails.
    pub fn on_signal() -> Result<Self, Failure> {
        let stop = Self::new();
        let ask = stop.clone();
        let handler = move || {
            if ask.is_asked() {
                process::exit(INTERRUPTED.into());
            }
            ask.ask();
        };
        ctrlc::set_handler(handler).map_err(|error| Failure::new("cannot wait for Ctrl-C", error))?;
        Ok(stop)
    }

    /// Makes the request. Twice is harmless.
    pub fn ask(&self) {
        self.ask.close();
    }

    /// Whether the request was made.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.ask.is_closed()
    }

    /// Waits for the request.
    pub async fn asked(&self) {
        let Err(_closed) = self.asked.recv().await;
    }

    /// What comes of `future`, unless the request comes before; then `future` is dropped.
    ///
    /// ```
    /// use asyncnet_examples::stop::Stop;
    ///
    /// let stop = Stop::new();
    /// futures_lite::future::block_on(async {
    ///     assert_eq!(stop.before(async { 7 }).await, Some(7));
    ///     stop.ask();
    ///     assert_eq!(stop.before(std::future::pending::<u8>()).await, None);
    /// });
    /// ```
    pub async fn before<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let asked = async {
            self.asked().await;
            None
        };
        future::or(asked, async { Some(future.await) }).await
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
