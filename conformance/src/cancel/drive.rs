//! A call, polled up to a cut, while the other end does its part; and what a call that waits in vain is told apart by.
//!
//! No clock is needed for that: the harness knows what the other end has put on the wire and how much of it was read, so
//! it knows when nothing more can come.

use super::far::Far;
use super::switch::Switch;
use crate::case::{LocalFuture, Stop};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// How often in a row a call may ask to be polled again without anything having moved: a stream gives other tasks their
/// turn once in a while, which is once in a row.
const IDLE_MAX: u32 = 1_000;

/// How often a call may wait until it completes: some times what any does.
const WAITS_MAX: usize = 100_000;

/// How a call is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Its future is dropped.
    Drop,
    /// Its future is leaked: its drop never runs.
    Leak,
}

impl Leave {
    pub(crate) const EACH: [Self; 2] = [Self::Drop, Self::Leak];

    pub(crate) const fn past(self) -> &'static str {
        match self {
            Self::Drop => "dropped",
            Self::Leak => "leaked",
        }
    }
}

/// What became of a call.
pub(crate) enum Driven<O> {
    /// It completed.
    Done(O),
    /// It was broken off.
    Cut,
}

/// Polls a call to its end.
pub(crate) async fn to_its_end<O>(
    call: LocalFuture<'_, O>,
    switch: &Switch,
    far: &mut Far,
) -> Result<O, Stop> {
    match up_to(call, switch, far, None).await? {
        Driven::Done(output) => Ok(output),
        Driven::Cut => unreachable!("no cut was asked for"),
    }
}

/// Polls a call until the transport has had it wait so many times, and breaks it off then.
pub(crate) async fn up_to<O>(
    call: LocalFuture<'_, O>,
    switch: &Switch,
    far: &mut Far,
    cut: Option<(usize, Leave)>,
) -> Result<Driven<O>, Stop> {
    let mut call = Some(call);
    let (mut waits, mut idle) = (0, 0);
    poll_fn(|cx| {
        let Some(future) = &mut call else { return Poll::Ready(Ok(Driven::Cut)) };
        let before = switch.counts();
        let watch = Arc::new(Watch { woken: AtomicBool::new(false), task: cx.waker().clone() });
        let waker = Waker::from(Arc::clone(&watch));
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Poll::Ready(Ok(Driven::Done(output)));
        }
        let now = switch.counts();
        if now.waits > before.waits {
            (waits, idle) = (waits + 1, 0);
            match cut.filter(|(at, _)| *at == waits) {
                Some((_, Leave::Drop)) => drop(call.take()),
                Some((_, Leave::Leak)) => std::mem::forget(call.take()),
                None if waits < WAITS_MAX => return Poll::Pending,
                None => {
                    return Poll::Ready(Err(Stop::Failed(format!("it waited {WAITS_MAX} times, in vain"))));
                }
            }
            return Poll::Ready(Ok(Driven::Cut));
        }
        // What it sent may be what the other end waits for, and the other way round.
        if far.step()? {
            idle = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let reads = now.reads_below > before.reads_below;
        if now.writes_below > before.writes_below || (reads && far.is_under_way()) {
            return Poll::Pending;
        }
        if watch.woken.load(Ordering::Relaxed) && idle < IDLE_MAX {
            idle += 1;
            return Poll::Pending;
        }
        let (said, read) = far.account();
        let what = match (reads, idle) {
            (true, _) => format!("it waits for bytes, and none will come: {read} of {said} were read"),
            (false, 0) => "it waits, and nobody will wake it: something is held".to_owned(),
            (false, _) => "it asks to be polled again and again: something is held".to_owned(),
        };
        Poll::Ready(Err(Stop::Failed(what)))
    })
    .await
}

/// As [`up_to`], of a call that waits for the system too, and has nobody at its other end that this thread could move.
pub(crate) async fn alone<O>(
    call: LocalFuture<'_, O>,
    switch: &Switch,
    cut: Option<(usize, Leave)>,
) -> Driven<O> {
    let (mut call, mut waits) = (Some(call), 0);
    poll_fn(|cx| {
        let Some(future) = &mut call else { return Poll::Ready(Driven::Cut) };
        let before = switch.counts().waits;
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Driven::Done(output));
        }
        waits += usize::from(switch.counts().waits > before);
        match cut.filter(|(at, _)| *at == waits) {
            Some((_, Leave::Drop)) => drop(call.take()),
            Some((_, Leave::Leak)) => std::mem::forget(call.take()),
            None => return Poll::Pending,
        }
        Poll::Ready(Driven::Cut)
    })
    .await
}

/// Notes that the task was woken, and wakes it.
struct Watch {
    woken: AtomicBool,
    task: Waker,
}

impl Wake for Watch {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.task.wake_by_ref();
    }
}
