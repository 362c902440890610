//! Futures by the step: a script that goes on when the code under test waits, and futures that are dropped where they
//! wait.
//!
//! Nothing sleeps here: the script's next piece is written at the moment at which the code under test has shown, by
//! returning pending, that it has used up the last one.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// Runs `future`; each time it waits, `next` is called, which lets the peer do its next step.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_conformance::lockstep;
///
/// let (send, recv) = async_channel::unbounded();
/// let mut pieces = [1, 2].into_iter();
/// let sum = lockstep(async { recv.recv().await.unwrap() + recv.recv().await.unwrap() }, || {
///     send.try_send(pieces.next().unwrap()).unwrap();
/// });
/// assert_eq!(sum.await, 3);
/// # })
/// ```
pub async fn lockstep<F: Future>(future: F, mut next: impl FnMut()) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        if polled.is_pending() {
            next();
        }
        polled
    })
    .await
}

/// Polls `future` until it has waited `times` times, calling `next` each time it waits but the last, and drops it then:
/// `None`. If it ends before, what it gave.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_conformance::drop_after;
///
/// assert_eq!(drop_after(1, std::future::pending::<()>(), || ()).await, None);
/// assert_eq!(drop_after(1, std::future::ready(7), || ()).await, Some(7));
/// # })
/// ```
pub async fn drop_after<F: Future>(times: usize, future: F, mut next: impl FnMut()) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut waited = 0;
    poll_fn(|cx| waits(future.as_mut(), cx, &mut waited, times, &mut next)).await
}

/// As [`drop_after`], but `next` is called after the drop too, and what it does is waited for: it returns when the
/// waker that the dropped future left behind is woken. So a loop of dropped calls makes its way through a script, one
/// step a drop.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let (mut client, mut server) = asyncnet_smol::pair().unwrap();
/// let mut lines = ["half a ", "line\n"].into_iter();
/// let mut step = || drop(futures_lite::future::block_on(client.send(lines.next().unwrap().as_bytes())));
/// assert!(asyncnet_conformance::drop_and_go_on(1, server.recv_line(), &mut step).await.is_none());
/// assert!(asyncnet_conformance::drop_and_go_on(1, server.recv_line(), &mut step).await.is_none());
/// assert_eq!(server.recv_line().await.unwrap().unwrap(), "half a line");
/// # })
/// ```
pub async fn drop_and_go_on<F: Future>(times: usize, future: F, mut next: impl FnMut()) -> Option<F::Output> {
    let output = drop_after(times, future, &mut next).await;
    if output.is_none() {
        let mut asked = false;
        poll_fn(|_| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            next();
            Poll::Pending
        })
        .await;
    }
    output
}

/// As [`drop_after`], but the future is leaked instead: its drop never runs.
///
/// ```
/// # futures_lite::future::block_on(async {
/// assert_eq!(asyncnet_conformance::leak_after(1, std::future::pending::<()>(), || ()).await, None);
/// # })
/// ```
pub async fn leak_after<F: Future>(times: usize, future: F, mut next: impl FnMut()) -> Option<F::Output> {
    let mut future = std::mem::ManuallyDrop::new(Box::pin(future));
    let mut waited = 0;
    poll_fn(|cx| waits(future.as_mut(), cx, &mut waited, times, &mut next)).await
}

fn waits<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
    waited: &mut usize,
    times: usize,
    next: &mut impl FnMut(),
) -> Poll<Option<F::Output>> {
    if let Poll::Ready(output) = future.poll(cx) {
        return Poll::Ready(Some(output));
    }
    *waited += 1;
    if *waited == times {
        return Poll::Ready(None);
    }
    next();
    Poll::Pending
}
