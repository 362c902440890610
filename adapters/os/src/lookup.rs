//! Names looked up by the system's resolver, for runtimes that have no threads for what blocks.
//!
//! The system's call waits until it has its answer (getaddrinfo(3)), so it runs on a thread: one that is there already once
//! it is done with its last name, else a new one. A thread without a name to look up ends.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::mem;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::thread;

/// How many names are looked up at the same time. A lookup mostly waits, 30 s and more for servers that do not answer
/// (resolv.conf(5), `timeout` and `attempts`), and a thread that waits is a few pages of memory.
const THREADS_MAX: usize = 256;

static QUEUE: Mutex<Queue> = Mutex::new(Queue { jobs: VecDeque::new(), swept_len: 0, threads: 0 });

/// What waits for a thread, and how many there are.
struct Queue {
    jobs: VecDeque<Job>,
    /// How many jobs were left when those that nobody waits for were last dropped.
    swept_len: usize,
    threads: usize,
}

struct Job {
    host: String,
    port: u16,
    /// Gone, if nobody waits any more.
    answer: Weak<Mutex<Answer>>,
}

#[derive(Debug)]
enum Answer {
    Pending(Option<Waker>),
    Here(io::Result<Vec<SocketAddr>>),
    Taken,
}

impl Queue {
    /// Adds a job. At most as many wait that nobody wants as there are others: while all threads are held up by servers that
    /// do not answer, programs give up and ask again.
    fn push(&mut self, job: Job) {
        if self.jobs.len() >= 2 * self.swept_len.max(THREADS_MAX) {
            self.jobs.retain(|job| job.answer.strong_count() > 0);
            self.swept_len = self.jobs.len();
        }
        self.jobs.push_back(job);
    }
}

/// The addresses of a host, once the system has answered; made by [`lookup`].
#[derive(Debug)]
pub struct Lookup {
    answer: Arc<Mutex<Answer>>,
}

/// Looks up a host's addresses by the system's resolver, on a thread of its own. 256 are looked up at the same time; others
/// wait for one of them.
///
/// # Errors
///
/// When it is polled: what the system says; what it says to a first thread.
///
/// # Cancel safety
///
/// Dropped, a lookup that has not begun never does; one that has ends by itself.
///
/// ```
/// # futures_lite::future::block_on(async {
/// let found = asyncnet_os::lookup("localhost", 80).await?;
/// assert!(found.iter().all(|at| at.ip().is_loopback() && at.port() == 80) && !found.is_empty());
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
pub fn lookup(host: &str, port: u16) -> Lookup {
    let answer = Arc::new(Mutex::new(Answer::Pending(None)));
    let job = Job { host: host.to_owned(), port, answer: Arc::downgrade(&answer) };
    let mut queue = lock(&QUEUE);
    queue.push(job);
    if queue.threads < THREADS_MAX {
        match thread::Builder::new().name("lookup".to_owned()).spawn(work) {
            Ok(_) => queue.threads += 1,
            // Those that there are come to it.
            Err(_) if queue.threads > 0 => {}
            Err(error) => {
                queue.jobs.pop_back();
                *lock(&answer) = Answer::Here(Err(error));
            }
        }
    }
    Lookup { answer }
}

/// Looks up names until there is none.
fn work() {
    while let Some(job) = next() {
        if job.answer.strong_count() == 0 {
            continue;
        }
        let found = (job.host.as_str(), job.port).to_socket_addrs().map(Iterator::collect);
        if let Some(answer) = job.answer.upgrade() {
            let waiting = mem::replace(&mut *lock(&answer), Answer::Here(found));
            if let Answer::Pending(Some(waker)) = waiting {
                // A waker that panics must not take the thread along, which is counted.
                catch_unwind(AssertUnwindSafe(|| waker.wake())).ok();
            }
        }
    }
}

fn next() -> Option<Job> {
    let mut queue = lock(&QUEUE);
    let job = queue.jobs.pop_front();
    if job.is_none() {
        queue.threads -= 1;
    }
    job
}

/// Nothing panics while it holds a lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Future for Lookup {
    type Output = io::Result<Vec<SocketAddr>>;

    /// Polled again after its end, it waits for ever.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Wakers are others' code: none is cloned or dropped under the lock.
        let pending = Answer::Pending(Some(cx.waker().clone()));
        let before = {
            let mut answer = lock(&self.answer);
            let next = if matches!(*answer, Answer::Pending(_)) { pending } else { Answer::Taken };
            mem::replace(&mut *answer, next)
        };
        match before {
            Answer::Here(found) => Poll::Ready(found),
            Answer::Pending(_) | Answer::Taken => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Job, Queue, THREADS_MAX, lookup};
    use futures_lite::future::{block_on, poll_once};
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    #[test]
    fn more_names_than_threads_are_all_looked_up() {
        let mut all: Vec<_> = (0..THREADS_MAX + 50).map(|_| lookup("localhost", 7)).collect();
        block_on(async {
            // One in two is not wanted any more.
            for (n, lookup) in all.drain(..).enumerate() {
                if n % 2 == 0 {
                    assert!(!lookup.await.expect("everybody has it").is_empty());
                } else {
                    drop(lookup);
                }
            }
        });
    }

    #[test]
    fn what_nobody_waits_for_does_not_pile_up() {
        let mut queue = Queue { jobs: VecDeque::new(), swept_len: 0, threads: THREADS_MAX };
        let mut wanted = Vec::new();
        for n in 0..100_000 {
            let answer = Arc::new(Mutex::new(Answer::Pending(None)));
            queue.push(Job { host: "slow.example".to_owned(), port: 7, answer: Arc::downgrade(&answer) });
            // One in 50 waits.
            if n % 50 == 0 {
                wanted.push(answer);
            }
            let most = 2 * wanted.len().max(THREADS_MAX);
            assert!(queue.jobs.len() <= most, "{} of {most}, {n}", queue.jobs.len());
        }
        let left = queue.jobs.iter().filter(|job| job.answer.strong_count() > 0).count();
        assert_eq!(left, wanted.len(), "none that is wanted is dropped");
    }

    #[test]
    fn what_has_no_address_fails_and_is_told_once() {
        block_on(async {
            let mut lookup = lookup("no host has spaces in it", 7);
            assert!((&mut lookup).await.is_err());
            assert!(poll_once(&mut lookup).await.is_none());
        });
    }
}
