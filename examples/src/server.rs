//! Accepting connections until asked to stop, each in a task of its own, and ending them well.
//!
//! ```text
//!   [ accepting ] -- stop asked, or a listener failed --> [ closed to new ones ] -- all tasks ended, or ENDING --> done
//! ```

use crate::address::Offered;
use crate::runtime::{Runtime, within};
use crate::stop::Stop;
use asyncnet_driver::{Accept, Endpoint, Error, Operation, Stream, UnixName};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// How long a peer has to read the last of what is sent to it. People do not wait longer for a program to end.
const CLOSING: Duration = Duration::from_secs(3);
/// How long the tasks have to end, once asked: each is done after [`CLOSING`], if it is run at all.
const ENDING: Duration = Duration::from_secs(4);

/// Accepts connections from all listeners, and hands each to `talk`, with a name for messages; its future becomes a
/// task. When it is asked to stop, it stops accepting and waits for the tasks, which have to see the request too.
///
/// `talk` is called in the order in which the connections came.
///
/// # Errors
///
/// A listener is of no use any more; the tasks are asked to stop then.
pub async fn serve<R, F>(
    net: R,
    offers: Vec<Offered<R::Listener>>,
    stop: &Stop,
    mut talk: impl FnMut(Stream<R::Transport>, String) -> F,
) -> Result<(), Error>
where
    R: Runtime,
    F: Future<Output = ()> + Send + 'static,
{
    // Each task holds a sender, so that the channel is closed when the last one has ended.
    let (alive, ended) = async_channel::bounded::<Infallible>(1);
    let result = loop {
        match stop.before(accept_any(&offers)).await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok((stream, peer))) => {
                let (task, alive) = (talk(stream, peer), alive.clone());
                net.spawn(async move {
                    task.await;
                    drop(alive);
                });
            }
        }
    };
    drop(offers);
    drop(alive);
    stop.ask();
    within(net.timer(), ENDING, ended.recv()).await;
    result
}

/// The connection that comes first, on any of the listeners.
async fn accept_any<L: Accept>(offers: &[Offered<L>]) -> Result<(Stream<L::Transport>, String), Error> {
    let mut accepting: Vec<_> = offers.iter().map(|offered| offered.listener.accept_addr()).collect();
    let (offered, accepted) = poll_fn(|cx| {
        let mut ready = offers.iter().zip(&mut accepting).filter_map(|(offered, accept)| {
            match Pin::new(accept).poll(cx) {
                Poll::Ready(accepted) => Some((offered, accepted)),
                Poll::Pending => None,
            }
        });
        ready.next().map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    let (stream, peer) = accepted?;
    let name = match peer {
        // The client of a Unix socket has no name of its own.
        Endpoint::Unix(UnixName::Unnamed) => format!("a peer on {}", offered.at),
        _ => peer.to_string(),
    };
    Ok((stream, name))
}

/// Ends a connection well: sends what is queued, and `last` behind it, and closes it. After [`CLOSING`] it is aborted.
///
/// # Errors
///
/// When the last of what is sent is not with the peer for certain.
pub async fn close<R: Runtime>(net: R, stream: &mut Stream<R::Transport>, last: &[u8]) -> Result<(), Error> {
    let closing = async {
        stream.send(last).await?;
        stream.close().await.map(drop)
    };
    if let Some(closed) = within(net.timer(), CLOSING, closing).await {
        return closed;
    }
    stream.abort();
    let reason = io::Error::new(io::ErrorKind::TimedOut, "the peer does not read what is sent to it");
    Err(Error::io(Operation::Shutdown, reason))
}
