//! Two streams made into one: what comes on one goes out on the other, both ways.
//!
//! ```text
//!   a --- recv --> [ piece ] --- send --> b      an end that is received is passed on, and this direction is done
//!   a <-- send --- [ piece ] <-- recv --- b      the same; with both done, so is the pair
//! ```
//!
//! Invariants:
//! - A direction holds one piece, of [`PIECE_BYTES`], and receives no more before that is with the kernel.
//! - A clean end is passed on as one: `close_notify` and FIN for TLS, FIN for plaintext. Whatever else ends a direction (a
//!   reset, a TLS stream that is cut, nobody moving anything, being told to give up) ends both, with resets, so that no
//!   peer takes a torn transfer for a whole one.

use crate::program::note;
use asyncnet_driver::{Error, ReadHalf, SplitTransport, Stream, Timer, WriteHalf};
use futures_lite::future;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

/// How much of a direction is under way at once, in bytes: a record of TLS (RFC 8446, section 5.1).
pub const PIECE_BYTES: usize = 16 << 10;

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one given first.
    First,
    /// The one given second.
    Second,
}

/// Why a pair did not end well.
#[derive(Debug)]
pub enum RelayError {
    /// A stream failed, receiving or sending.
    Stream(Which, Error),
    /// Nothing moved for so long.
    Idle(Duration),
    /// It was told to give up.
    GivenUp,
}

/// Passes on what comes on each stream to the other, until both have ended, or one has failed, or nothing moved for
/// `idle_max`, or `give_up` is done. How many bytes went from the first to the second, and back.
///
/// # Errors
///
/// [`RelayError`]; both streams were aborted then.
///
/// # Cancel safety
///
/// Dropped, both streams are dropped: what is under way is lost, and it may look like an end. `give_up` is better.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::Net;
/// use asyncnet_examples::relay::relay;
/// use asyncnet_smol::SmolNet;
/// use std::time::Duration;
///
/// let (mut client, a) = asyncnet_smol::pair()?;
/// let (b, mut server) = asyncnet_smol::pair()?;
/// let relaying = relay(a, b, SmolNet.timer(), Duration::from_secs(30), std::future::pending());
/// let talking = async {
///     client.send(b"question").await?;
///     client.shutdown_write().await?;
///     assert_eq!(server.recv_owned(100).await?, "question");
///     assert_eq!(server.recv(&mut [0]).await?, 0, "the end came, and the way back is open");
///     server.send(b"answer").await?;
///     server.shutdown_write().await?;
///     client.recv_owned(100).await
/// };
/// let (moved, answer) = futures_lite::future::zip(relaying, talking).await;
/// assert_eq!((moved?, &answer?[..]), ((8, 6), &b"answer"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub async fn relay<A: SplitTransport, B: SplitTransport>(
    first: Stream<A>,
    second: Stream<B>,
    mut timer: impl Timer,
    idle_max: Duration,
    give_up: impl Future<Output = ()>,
) -> Result<(u64, u64), RelayError> {
    let (mut from_first, mut to_first) = first.into_split().map_err(of(Which::First))?;
    let (mut from_second, mut to_second) = second.into_split().map_err(of(Which::Second))?;
    let moved = AtomicU64::new(0);
    let result = {
        let there = pass(&mut from_first, &mut to_second, [Which::First, Which::Second], &moved);
        let back = pass(&mut from_second, &mut to_first, [Which::Second, Which::First], &moved);
        let mut both = pin!(future::try_zip(there, back));
        let mut give_up = pin!(give_up);
        let (mut seen, mut until) = (0, timer.now().saturating_add(idle_max));
        poll_fn(|cx| {
            if let Poll::Ready(ended) = both.as_mut().poll(cx) {
                return Poll::Ready(ended);
            }
            if give_up.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(RelayError::GivenUp));
            }
            let now = moved.load(Ordering::Relaxed);
            if now != seen {
                (seen, until) = (now, timer.now().saturating_add(idle_max));
            }
            ready!(timer.poll_until(cx, until));
            Poll::Ready(Err(RelayError::Idle(idle_max)))
        })
        .await
    };
    if result.is_err() {
        // A half that is dropped would end well.
        to_first.abort();
        to_second.abort();
    }
    result
}

/// One direction, to its end: how many bytes.
async fn pass<A: SplitTransport, B: SplitTransport>(
    from: &mut ReadHalf<'_, A>,
    to: &mut WriteHalf<'_, B>,
    [source, target]: [Which; 2],
    moved: &AtomicU64,
) -> Result<u64, RelayError> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut sum = 0;
    loop {
        let n = from.recv(&mut piece).await.map_err(of(source))?;
        if n == 0 {
            to.shutdown_write().await.map_err(of(target))?;
            return Ok(sum);
        }
        to.send(&piece[..n]).await.map_err(of(target))?;
        sum += n as u64;
        moved.fetch_add(n as u64, Ordering::Relaxed);
    }
}

fn of(which: Which) -> impl Fn(Error) -> RelayError {
    move |error| RelayError::Stream(which, error)
}

/// Tells on stderr how a pair ended, if not well.
pub fn tell(program: &str, peer: &str, result: Result<(u64, u64), RelayError>, second: &str) {
    match result {
        Ok(_) => {}
        Err(RelayError::Stream(Which::Second, error)) => {
            note(program, &format_args!("{peer}: {second}: {error}"));
        }
        Err(error) => note(program, &format_args!("{peer}: {error}")),
    }
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(_, error) => error.fmt(f),
            Self::Idle(time) => write!(f, "nothing moved for {} s", time.as_secs_f32()),
            Self::GivenUp => f.write_str("broken off, for this program ends"),
        }
    }
}

impl std::error::Error for RelayError {}
