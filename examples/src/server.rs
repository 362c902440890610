//! Accepting connections until asked to stop, each in a task of its own, and ending them well.
//!
//! ```text
//!   [ accepting ] -- stop asked, or a listener failed --> [ closed to new ones ] -- all tasks ended, or ENDING --> done
//! ```

use crate::address::Offered;
use crate::capacity::Capacity;
use crate::program::note;
use crate::runtime::{Runtime, within};
use crate::stop::Stop;
use async_channel::Sender;
use asyncnet_driver::tls::rustls::ServerConfig;
use asyncnet_driver::{Accept, Endpoint, Error, Operation, Stream, UnixName};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How long a peer has to read the last of what is sent to it. People do not wait longer for a program to end.
const CLOSING: Duration = Duration::from_secs(3);
/// How long the tasks have to end, once asked: each is done after [`CLOSING`], if it is run at all.
const ENDING: Duration = Duration::from_secs(4);

/// What serves: a program's connections, and what they have in common.
#[derive(Clone, Debug)]
pub struct Server<R> {
    /// Where the connections come from, and what runs their tasks.
    pub net: R,
    /// What it is called on stderr.
    pub program: &'static str,
    /// How its connections speak TLS; `None` is plaintext.
    pub tls: Option<Arc<ServerConfig>>,
    /// How many connections it has at once; `None` for as many as there are descriptors.
    pub capacity: Option<Capacity>,
    /// When it is to end.
    pub stop: Stop,
}

impl<R: Runtime> Server<R> {
    /// Accepts connections from all listeners, and hands each to `talk`, with a name for messages; its future becomes a
    /// task. When it is asked to stop, it stops accepting and waits for the tasks, which have to see the request too.
    ///
    /// `talk` is called in the order in which the connections came. With TLS it is called in the connection's own task,
    /// once the handshake is done: a peer that is slow with it holds nobody up, and one that fails it is told on stderr.
    ///
    /// A connection has its place until its task has ended. One for which there is none is told so, or reset, as the
    /// [`Capacity`] says.
    ///
    /// # Errors
    ///
    /// A listener is of no use any more; the tasks are asked to stop then.
    pub async fn run<F>(
        &self,
        offers: Vec<Offered<R::Listener>>,
        talk: impl Fn(Stream<R::Transport>, String) -> F + Clone + Send + 'static,
    ) -> Result<(), Error>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Each task holds a sender, so that the channel is closed when the last one has ended.
        let (alive, ended) = async_channel::bounded::<Infallible>(1);
        let result = loop {
            let (stream, peer) = match self.stop.before(accept_any(&offers)).await {
                None => break Ok(()),
                Some(Err(error)) => break Err(error),
                Some(Ok(accepted)) => accepted,
            };
            let alive = alive.clone();
            let place = match self.capacity.as_ref().map(|capacity| (capacity, capacity.take())) {
                Some((capacity, None)) => {
                    self.turn_away(stream, &peer, capacity, alive);
                    continue;
                }
                Some((_, place)) => place,
                None => None,
            };
            if self.tls.is_none() {
                let task = talk(stream, peer);
                self.net.spawn(async move {
                    task.await;
                    drop((place, alive));
                });
            } else {
                let (server, talk) = (self.clone(), talk.clone());
                self.net.spawn(async move {
                    if let Some(stream) = server.begin_tls(stream, &peer).await {
                        talk(stream, peer).await;
                    }
                    drop((place, alive));
                });
            }
        };
        drop(offers);
        drop(alive);
        self.stop.ask();
        within(self.net.timer(), ENDING, ended.recv()).await;
        result
    }

    /// Ends a connection for which there is no place.
    fn turn_away(
        &self,
        mut stream: Stream<R::Transport>,
        peer: &str,
        capacity: &Capacity,
        alive: Sender<Infallible>,
    ) {
        note(self.program, &format_args!("{peer}: refused, for {} are served", capacity.max()));
        let words = if self.tls.is_none() { capacity.take_words() } else { None };
        let Some((words, place)) = words else { return stream.abort() };
        let net = self.net;
        self.net.spawn(async move {
            // Whether the peer reads it is its own affair.
            close(net, &mut stream, words.as_bytes()).await.ok();
            drop((place, alive));
        });
    }

    /// Makes the handshake: the stream, if it is one of TLS now. How long it may take is among the stream's limits.
    async fn begin_tls(&self, mut stream: Stream<R::Transport>, peer: &str) -> Option<Stream<R::Transport>> {
        let config = self.tls.as_ref()?;
        // Asked to stop in the middle of it, there is nothing to be ended well.
        if let Err(error) = self.stop.before(stream.start_tls(config)).await? {
            note(self.program, &format_args!("{peer}: TLS handshake: {error}"));
            // The peer is to read the alert, which says why; whether it does is its own affair.
            within(self.net.timer(), CLOSING, stream.close()).await;
            return None;
        }
        Some(stream)
    }
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
