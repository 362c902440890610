//! Which runtime a program runs on: the one place where adapters are named.
//!
//! A program needs three things of a runtime that [`Net`] does not have, because the socket does without them: to be run,
//! to have its connections run beside each other, and to have what blocks done on another thread.

use crate::program::Failure;
use asyncnet_driver::{Net, Timer};
use asyncnet_smol::SmolNet;
use asyncnet_tokio::TokioNet;
use clap::ValueEnum;
use futures_lite::future;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::time::Duration;

/// The adapters to choose from on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Adapter {
    /// tokio, on its multi-threaded scheduler.
    Tokio,
    /// smol, on its global executor.
    Smol,
}

/// As it is written on the command line.
impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tokio => "tokio",
            Self::Smol => "smol",
        })
    }
}

/// A network whose runtime runs tasks, on any of its threads.
pub trait Runtime:
    Net<Transport: Send + 'static, Listener: Send + Sync, Timer: Send + 'static> + Copy + Send + Sync + 'static
{
    /// The adapter's name.
    const ADAPTER: Adapter;

    /// Runs a program to its end, on this thread.
    ///
    /// # Errors
    ///
    /// What the program fails with, or that the runtime could not be started.
    fn run<T>(self, program: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure>;

    /// Runs a task beside the others. It ends with the program, if not before.
    fn spawn(self, task: impl Future<Output = ()> + Send + 'static);

    /// Does what blocks, as files do, on a thread that is there for that. Dropped, it may still be done, or not be begun.
    ///
    /// # Panics
    ///
    /// If `work` does.
    fn unblock<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send;
}

impl Runtime for TokioNet {
    const ADAPTER: Adapter = Adapter::Tokio;

    fn run<T>(self, program: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new("cannot start tokio's runtime", error))?;
        let result = runtime.block_on(program);
        // Not a plain drop: that waits for a name that is being looked up, as long as it takes.
        runtime.shutdown_background();
        result
    }

    fn spawn(self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    async fn unblock<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime is shutting down, and so is whoever waits here.
                Err(_cancelled) => pending().await,
            },
        }
    }
}

impl Runtime for SmolNet {
    const ADAPTER: Adapter = Adapter::Smol;

    fn run<T>(self, program: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        smol::block_on(program)
    }

    fn spawn(self, task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }

    async fn unblock<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        smol::unblock(work).await
    }
}

/// What comes of `future` within `time`; `None` if nothing does, and then it is dropped. For a call on a stream that
/// is harmless: the next call goes on where it stood.
///
/// ```
/// use asyncnet_driver::Net;
/// use asyncnet_examples::runtime::within;
/// use asyncnet_smol::SmolNet;
/// use std::time::Duration;
///
/// # futures_lite::future::block_on(async {
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send(b"half a ").await?;
/// assert!(within(SmolNet.timer(), Duration::from_millis(1), server.recv_line()).await.is_none());
/// client.send(b"line\n").await?;
/// let line = within(SmolNet.timer(), Duration::from_secs(5), server.recv_line()).await;
/// assert_eq!(line.expect("it is complete")?.unwrap(), "half a line");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub async fn within<T>(mut timer: impl Timer, time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let until = timer.now().saturating_add(time);
    let alarm = async {
        poll_fn(|cx| timer.poll_until(cx, until)).await;
        None
    };
    future::or(async { Some(future.await) }, alarm).await
}
