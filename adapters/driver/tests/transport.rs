//! Streams over transports that sockets cannot be made to be: always ready, interrupted, full, owned by one thread.

use asyncnet_driver::{
    Error, Fill, Limits, Listener, ReadTransport, Stream, Timer, Transport, WriteTransport, dial,
};
use futures_lite::future::{block_on, poll_once, zip};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// What a call of the transport does next: `None` waits.
type Script<T> = VecDeque<Option<io::Result<T>>>;

/// A transport that does as it is told, and belongs to one thread.
#[derive(Clone, Default)]
struct Scripted(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    reads: Script<&'static [u8]>,
    /// What a read gives when the script is at its end.
    endless: Option<&'static [u8]>,
    read_count: usize,
    /// Whether a read is worth its try; it always is when this is at its end.
    readables: Script<()>,
    /// How many bytes each write takes.
    writes: Script<usize>,
    flushes: Script<()>,
    shutdowns: Script<()>,
    written: Vec<u8>,
    writer: Option<Waker>,
    aborted: bool,
}

impl Timer for Scripted {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn poll_until(&mut self, _: &mut Context<'_>, at: Duration) -> Poll<()> {
        if at.is_zero() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl ReadTransport for Scripted {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.borrow_mut();
        state.read_count += 1;
        assert!(state.read_count < 100_000, "a loop without a bound");
        let endless = state.endless;
        let next = state.reads.pop_front().unwrap_or_else(|| endless.map(Ok));
        let Some(next) = next else { return Poll::Pending };
        Poll::Ready(next.map(|bytes| {
            let n = bytes.len().min(buf.len());
            buf[..n].copy_from_slice(&bytes[..n]);
            n
        }))
    }

    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().readables.pop_front().map_or(Poll::Ready(Ok(())), next)
    }
}

impl WriteTransport for Scripted {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.0.borrow_mut();
        let Some(next) = state.writes.pop_front().flatten() else {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        };
        Poll::Ready(next.map(|most| {
            let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).take(most).collect();
            state.written.extend_from_slice(&bytes);
            bytes.len()
        }))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().flushes.pop_front().map_or(Poll::Ready(Ok(())), next)
    }

    fn poll_shutdown_write(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().shutdowns.pop_front().map_or(Poll::Ready(Ok(())), next)
    }
}

impl Transport for Scripted {
    fn abort(&mut self) {
        self.0.borrow_mut().aborted = true;
    }
}

fn next(next: Option<io::Result<()>>) -> Poll<io::Result<()>> {
    next.map_or(Poll::Pending, Poll::Ready)
}

fn interrupted<T>() -> Option<io::Result<T>> {
    Some(Err(ErrorKind::Interrupted.into()))
}

fn stream(state: State) -> (Stream<Scripted>, Scripted) {
    let transport = Scripted(Rc::new(RefCell::new(state)));
    (Stream::new(transport.clone()), transport)
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whatever a read brings, it is in the caller's memory at once: nothing is read ahead, which would have to be copied.
#[test]
fn a_long_request_goes_past_the_buffer_to_its_last_byte() {
    static BYTES: [u8; 64 << 10] = [7; 64 << 10];
    for piece in [1_000, 1_460, 5_000, 30_000, BYTES.len()] {
        let (mut stream, transport) = stream(State { endless: Some(&BYTES[..piece]), ..State::default() });
        let mut memory = vec![0; BYTES.len()];
        for request in 1..=20 {
            block_on(stream.recv_exact_into(&mut Fill::new(&mut memory))).unwrap();
            assert!(memory.iter().all(|byte| *byte == 7));
            assert_eq!(stream.received_len(), 0, "after {request} requests, in pieces of {piece}");
            memory.fill(0);
        }
        let reads = 20 * BYTES.len().div_ceil(piece);
        assert_eq!(transport.0.borrow().read_count, reads, "in pieces of {piece}");
    }
}

#[test]
fn an_interrupted_call_is_made_again() {
    let (mut stream, transport) = stream(State {
        reads: [interrupted(), interrupted(), Some(Ok(&b"line\n"[..]))].into(),
        writes: [interrupted(), Some(Ok(100))].into(),
        flushes: [interrupted(), Some(Ok(()))].into(),
        shutdowns: [interrupted(), Some(Ok(()))].into(),
        ..State::default()
    });
    block_on(async {
        stream.send(b"hello").await?;
        assert_eq!(stream.recv_line().await?.unwrap(), "line");
        stream.shutdown_write().await
    })
    .unwrap();
    assert_eq!(transport.0.borrow().written, b"hello");
}

#[test]
fn interruptions_without_end_do_not_hold_the_thread() {
    let reads = std::iter::repeat_with(interrupted).take(1_000).chain([Some(Ok(&b"line\n"[..]))]).collect();
    let (mut stream, transport) = stream(State { reads, ..State::default() });
    assert!(block_on(poll_once(stream.recv_line())).is_none());
    assert!(transport.0.borrow().read_count < 100);
    assert_eq!(block_on(stream.recv_line()).unwrap().unwrap(), "line");
}

#[test]
fn a_peer_that_never_pauses_lets_other_tasks_have_their_turn() {
    let (mut stream, transport) = stream(State { endless: Some(b"x\n"), ..State::default() });
    let mut lines = 0;
    block_on(poll_once(async {
        // Each receive completes at once, for ever.
        while stream.recv_line().await.unwrap().is_some() {
            lines += 1;
        }
    }));
    assert!((1..100).contains(&lines), "{lines} lines in one poll");
    assert!(transport.0.borrow().read_count < 100);
}

#[test]
fn a_socket_that_was_read_empty_is_not_asked_again_before_the_wait() {
    let (mut stream, transport) = stream(State {
        reads: [Some(Ok(&b"line\n"[..])), Some(Ok(b"more\n"))].into(),
        readables: [None, Some(Ok(()))].into(),
        ..State::default()
    });
    assert_eq!(block_on(stream.recv_line()).unwrap().unwrap(), "line");
    assert!(block_on(poll_once(stream.recv_line())).is_none());
    assert_eq!(transport.0.borrow().read_count, 1);
    assert_eq!(block_on(stream.recv_line()).unwrap().unwrap(), "more");
}

#[test]
fn who_waits_for_each_question_answers_it_at_once() {
    let reads = (0..100).flat_map(|_| [None, Some(Ok(&b"?\n"[..]))]).collect();
    let writes = (0..100).map(|_| Some(Ok(2))).collect();
    let (mut stream, _) = stream(State { reads, writes, ..State::default() });
    for turn in 0..100 {
        assert!(block_on(poll_once(stream.recv_line())).is_none());
        assert_eq!(block_on(stream.recv_line()).unwrap().unwrap(), "?");
        assert!(block_on(poll_once(stream.send(b"!\n"))).is_some(), "the {turn}th answer waited");
    }
}

#[test]
fn a_close_with_a_peer_that_never_pauses_is_bounded() {
    let (mut stream, _) = stream(State { endless: Some(&[b'x'; 1_000]), ..State::default() });
    let mut limits = Limits::default();
    limits.drain_bytes_max = 100_000;
    limits.drain_time_max = Duration::MAX;
    stream.set_limits(limits);
    assert_eq!(block_on(stream.close()).unwrap(), asyncnet_driver::Closed::GaveUp);
}

#[test]
fn what_is_queued_and_not_much_does_not_hold_a_receive_up() {
    let line = &b"a line that waits\n"[..];
    let writes = [Some(Ok(128 << 10)), None].into();
    let (mut stream, transport) =
        stream(State { reads: [Some(Ok(line))].into(), writes, ..State::default() });
    stream.queue(&[b'q'; 130 << 10]).unwrap();
    let received = block_on(poll_once(stream.recv_line()));
    assert!(matches!(received, Some(Ok(Some(_)))), "{received:?}");
    assert_eq!(transport.0.borrow().written.len(), 128 << 10);
}

#[test]
fn while_much_is_queued_nothing_more_is_read() {
    let (mut stream, transport) = stream(State { endless: Some(b"more\n"), ..State::default() });
    stream.queue(&[b'q'; 130 << 10]).unwrap();
    assert!(block_on(poll_once(stream.recv_line())).is_none());
    assert_eq!(transport.0.borrow().read_count, 0);
}

#[test]
fn a_receive_that_sends_does_not_take_the_senders_waker_away() {
    let (mut stream, transport) = stream(State::default());
    stream.queue(b"queued").unwrap();
    let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
    let [sender, receiver] = counts.each_ref().map(|count| Waker::from(Arc::clone(count)));
    // The runtimes' own split lets two tasks poll one stream.
    let polled = std::pin::Pin::new(&mut stream);
    let write = futures_io::AsyncWrite::poll_write(polled, &mut Context::from_waker(&sender), b"x");
    assert!(write.is_pending());
    let polled = std::pin::Pin::new(&mut stream);
    let read = futures_io::AsyncRead::poll_read(polled, &mut Context::from_waker(&receiver), &mut [0; 8]);
    assert!(read.is_pending());
    transport.0.borrow_mut().writer.take().unwrap().wake();
    assert_eq!(counts.map(|count| count.0.load(Ordering::Relaxed)), [1, 1]);
}

#[test]
fn a_torn_message_does_not_end_like_a_whole_one() {
    let (mut stream, transport) = stream(State { writes: [Some(Ok(10))].into(), ..State::default() });
    assert!(block_on(poll_once(stream.send(&[b'x'; 1 << 20]))).is_none());
    drop(stream);
    assert!(transport.0.borrow().aborted);
}

#[test]
fn a_shutdown_of_a_connection_that_is_gone_is_left_to_the_next_read() {
    let gone = Some(Err(ErrorKind::NotConnected.into()));
    let reset = Some(Err(ErrorKind::ConnectionReset.into()));
    let (mut stream, _) =
        stream(State { reads: [reset].into(), shutdowns: [gone].into(), ..State::default() });
    block_on(stream.shutdown_write()).unwrap();
    assert!(block_on(stream.close()).unwrap_err().is_disconnect());
}

#[test]
fn a_dropped_close_lets_nothing_be_received_after_it() {
    let (mut stream, transport) =
        stream(State { reads: [Some(Ok(&b"half"[..])), None].into(), ..State::default() });
    assert!(block_on(poll_once(stream.close())).is_none());
    transport.0.borrow_mut().reads.push_back(Some(Ok(b"-rest\nnext\n")));
    assert!(matches!(block_on(stream.recv_line()), Err(Error::Closed)));
    assert!(matches!(stream.try_line(), Err(Error::Closed)));
}

#[test]
fn many_small_parts_are_sent_in_linear_time() {
    // 40 000 parts, 16 a write: each write looks at its own parts only, or this takes minutes.
    let writes = std::iter::repeat_with(|| Some(Ok(usize::MAX))).take(10_000).collect();
    let (mut stream, transport) = stream(State { writes, ..State::default() });
    let parts = vec![IoSlice::new(b"x"); 40_000];
    block_on(stream.send_vectored(&parts)).unwrap();
    assert_eq!(transport.0.borrow().written.len(), 40_000);
}

#[test]
fn a_boxed_transport_is_one_type_for_all() {
    let boxed: Box<dyn Transport> = Box::new(Scripted::default());
    let mut stream = Stream::new(boxed);
    assert!(block_on(poll_once(stream.recv_line())).is_none());
}

#[test]
fn two_streams_that_close_at_once_with_more_than_fits_do_not_wait_for_each_other() {
    let (mut one, mut other) = asyncnet_smol::pair().unwrap();
    let mut limits = Limits::default();
    // As much as the peer still sends: past that, closing gives it up.
    limits.drain_bytes_max = 32 << 20;
    for stream in [&mut one, &mut other] {
        stream.set_limits(limits);
        let much = bytes::Bytes::from(vec![b'x'; 24 << 20]);
        assert!(block_on(poll_once(stream.send_owned(much))).is_none());
    }
    let (one, other) = block_on(zip(one.close(), other.close()));
    one.unwrap();
    other.unwrap();
}

#[test]
fn two_streams_that_queue_before_they_receive_do_not_wait_for_each_other() {
    let (mut one, mut other) = asyncnet_smol::pair().unwrap();
    for stream in [&mut one, &mut other] {
        stream.queue(&[b'x'; 900_000]).unwrap();
        stream.queue_line("").unwrap();
    }
    let (from_other, from_one) = block_on(zip(one.recv_line(), other.recv_line()));
    assert_eq!(from_other.unwrap().unwrap().as_bytes().len(), 900_000);
    assert_eq!(from_one.unwrap().unwrap().as_bytes().len(), 900_000);
}

/// A stream, and every future of it, is `Send` exactly when its transport is: here for a transport that is nothing else.
#[test]
fn futures_are_send_when_the_transport_is() {
    fn check<T: Transport + Send>(mut stream: Stream<T>, send: fn(&dyn Send)) {
        let mut line = Vec::new();
        send(&stream.recv(&mut [0]));
        send(&stream.recv_line());
        send(&stream.recv_line_into(&mut line));
        send(&stream.recv_until(b";", 1));
        send(&stream.peek());
        send(&stream.send(b""));
        send(&stream.send_owned(bytes::Bytes::new()));
        send(&stream.send_line(""));
        send(&stream.flush());
        send(&stream.shutdown_write());
        send(&stream.close());
        send(&stream);
    }
    let (stream, _peer) = asyncnet_smol::pair().unwrap();
    check(stream, |_| ());
    let listener: Listener<_> = asyncnet_smol::listen("127.0.0.1:0").unwrap();
    let send: fn(&dyn Send) = |_| ();
    send(&listener.accept());
    send(&dial(&asyncnet_smol::SmolNet, "localhost", 1));
}
