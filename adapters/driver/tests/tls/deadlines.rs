//! Deadlines, with a clock that is moved by hand: each ends what waits for too long, and says which it was.

use crate::link::{Link, ROOM, poll};
use asyncnet_conformance::pki::Version;
use asyncnet_driver::{Closed, Deadline, Error, Limits};
use futures_lite::future::block_on;
use std::pin::pin;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn late<T>(result: &Result<T, Error>) -> Option<Deadline> {
    match result {
        Err(Error::TimedOut(deadline)) => Some(*deadline),
        _ => None,
    }
}

fn each(set: impl Fn(&mut Limits)) -> impl Iterator<Item = Link> {
    [None, Some(Version::Tls12), Some(Version::Tls13)].into_iter().map(move |version| {
        let mut link = version.map_or_else(Link::plain, Link::over);
        link.limit_server(&set);
        link
    })
}

/// A byte now and then does not renew it, nor does a call that is dropped; the line goes on afterwards.
#[test]
fn a_line_has_its_time_as_a_whole() {
    for mut link in each(|limits| limits.line_time_max = 5 * SECOND) {
        for _ in 0..4 {
            block_on(link.client.send(b"x")).unwrap();
            poll(link.server.recv_line()).expect_err("the line is not whole, and has time");
            link.clock.advance(SECOND);
        }
        let waits = poll(link.server.recv_line()).expect_err("there is a second left");
        link.clock.advance(SECOND);
        assert!(waits.is_woken());
        assert_eq!(late(&poll(link.server.recv_line()).expect("its time is over")), Some(Deadline::Line));
        // It can still come, and has its time again.
        block_on(link.client.send(b"y")).unwrap();
        poll(link.server.recv_line()).expect_err("it has time again");
        link.clock.advance(4 * SECOND);
        block_on(link.client.send(b"\n")).unwrap();
        assert_eq!(poll(link.server.recv_line()).expect("it is whole").unwrap().unwrap(), "xxxxy");
        // So has the next one.
        poll(link.server.recv_line()).expect_err("it begins now");
        link.clock.advance(4 * SECOND);
        poll(link.server.recv_line()).expect_err("it has a second");
    }
}

/// What is here is served, however late it is asked for.
#[test]
fn a_line_that_is_here_is_not_late() {
    for mut link in each(|limits| limits.line_time_max = 5 * SECOND) {
        poll(link.server.recv_line()).expect_err("nothing has come");
        block_on(link.client.send(b"one\n")).unwrap();
        link.clock.advance(100 * SECOND);
        assert_eq!(poll(link.server.recv_line()).expect("it is here").unwrap().unwrap(), "one");
        // A receive of bytes knows no lines.
        poll(link.server.recv_line()).expect_err("nothing has come");
        link.clock.advance(100 * SECOND);
        poll(link.server.recv(&mut [0; 8])).expect_err("bytes may be late");
    }
}

/// What ends at a delimiter is a line in this.
#[test]
fn a_delimiter_has_its_time() {
    for mut link in each(|limits| limits.line_time_max = 5 * SECOND) {
        poll(link.server.recv_until(b";", 100)).expect_err("nothing has come");
        link.clock.advance(5 * SECOND);
        let received = poll(link.server.recv_until(b";", 100)).expect("its time is over");
        assert_eq!(late(&received), Some(Deadline::Line));
    }
}

/// Each byte renews it, whatever is waited for.
#[test]
fn silence_has_its_time() {
    for mut link in each(|limits| limits.idle_time_max = 5 * SECOND) {
        for _ in 0..4 {
            block_on(link.client.send(b"x")).unwrap();
            poll(link.server.recv_line()).expect_err("there was a byte");
            link.clock.advance(4 * SECOND);
        }
        link.clock.advance(SECOND);
        assert_eq!(late(&poll(link.server.recv_line()).expect("its time is over")), Some(Deadline::Idle));
        poll(link.server.recv_exact(&mut [0; 8])).expect_err("it begins now");
        link.clock.advance(5 * SECOND);
        let received = poll(link.server.recv_exact(&mut [0; 8])).expect("its time is over");
        assert_eq!(late(&received), Some(Deadline::Idle));
        let mut four = [0; 4];
        block_on(link.server.recv_exact(&mut four)).unwrap();
        assert_eq!(&four, b"xxxx", "nothing is lost");
    }
}

/// Some room now and then does not renew it. What was short is completed later, what was long is torn.
#[test]
fn a_send_has_its_time_as_a_whole() {
    for atomic in [true, false] {
        for mut link in each(|limits| limits.send_time_max = 5 * SECOND) {
            let message = vec![b'm'; 300_000];
            link.limit_server(|limits| limits.send_atomic_max = if atomic { 1 << 20 } else { 1 << 10 });
            link.to_client.set_room(10);
            {
                let mut send = pin!(link.server.send(&message));
                for n in 1..=4 {
                    poll(send.as_mut()).expect_err("there is little room");
                    link.clock.advance(SECOND);
                    link.to_client.set_room(10 + n);
                }
                let waits = poll(send.as_mut()).expect_err("there is a second left");
                link.clock.advance(SECOND);
                assert!(waits.is_woken());
                assert_eq!(late(&poll(send).expect("its time is over")), Some(Deadline::Send));
            }
            link.to_client.set_room(ROOM);
            if atomic {
                block_on(link.server.flush()).unwrap();
                let mut got = vec![0; message.len()];
                block_on(link.client.recv_exact(&mut got)).unwrap();
                assert!(got == message);
            } else {
                let error = poll(link.server.flush()).expect("it is torn").unwrap_err();
                assert!(matches!(error, Error::Send(_)), "{error:?}");
            }
        }
    }
}

/// Who flushes, who ends, and who receives behind much that is queued.
#[test]
fn what_is_queued_has_its_time() {
    for call in ["flush", "shutdown_write", "recv_line"] {
        for mut link in each(|limits| limits.send_time_max = 5 * SECOND) {
            link.to_client.set_room(10);
            link.server.queue(&[b'q'; 200_000]).unwrap();
            for time in [3, 2] {
                let waits = match call {
                    "flush" => poll(link.server.flush()).is_err(),
                    "shutdown_write" => poll(link.server.shutdown_write()).is_err(),
                    _ => poll(link.server.recv_line()).is_err(),
                };
                assert!(waits, "{call} waits");
                link.clock.advance(time * SECOND);
            }
            let outcome = match call {
                "flush" => late(&poll(link.server.flush()).expect("its time is over")),
                "shutdown_write" => late(&poll(link.server.shutdown_write()).expect("its time is over")),
                _ => late(&poll(link.server.recv_line()).expect("its time is over")),
            };
            assert_eq!(outcome, Some(Deadline::Send), "{call}");
        }
    }
}

/// A peer that takes nothing does not hold a close up.
#[test]
fn a_close_has_its_time() {
    for mut link in each(|limits| limits.close_time_max = 5 * SECOND) {
        link.to_client.set_room(10);
        link.server.queue(&[b'q'; 200_000]).unwrap();
        {
            let mut close = pin!(link.server.close());
            poll(close.as_mut()).expect_err("there is no room");
            link.to_server.end();
            poll(close.as_mut()).expect_err("that the peer has ended does not change that");
            link.clock.advance(4 * SECOND);
            let waits = poll(close.as_mut()).expect_err("there is a second left");
            link.clock.advance(SECOND);
            assert!(waits.is_woken());
            assert_eq!(late(&poll(close).expect("its time is over")), Some(Deadline::Close));
        }
        assert_eq!(poll(link.server.close()).expect("it is closed").unwrap(), Closed::Before);
    }
}

/// Halves keep the deadlines of their stream, and what of them has passed.
#[test]
fn halves_have_their_time() {
    for mut link in each(|limits| (limits.line_time_max, limits.send_time_max) = (5 * SECOND, 3 * SECOND)) {
        poll(link.server.recv_line()).expect_err("nothing has come");
        link.clock.advance(2 * SECOND);
        link.to_client.set_room(0);
        {
            let (mut reader, mut writer) = link.server.split().unwrap();
            {
                let mut line = pin!(reader.recv_line());
                let mut send = pin!(writer.send(b"abc"));
                let waits = poll(line.as_mut()).expect_err("there are three seconds left");
                let sends = poll(send.as_mut()).expect_err("there is no room");
                link.clock.advance(3 * SECOND);
                assert!(waits.is_woken() && sends.is_woken());
                assert_eq!(late(&poll(line).expect("its time is over")), Some(Deadline::Line));
                assert_eq!(late(&poll(send).expect("its time is over")), Some(Deadline::Send));
            }
            // And begin again, and take it back to the stream.
            poll(reader.recv_line()).expect_err("it begins now");
            link.clock.advance(4 * SECOND);
        }
        let mut line = pin!(link.server.recv_line());
        poll(line.as_mut()).expect_err("there is a second left");
        link.clock.advance(SECOND);
        assert_eq!(late(&poll(line).expect("its time is over")), Some(Deadline::Line));
    }
}

/// Also a byte of a record that is not whole; a poll alone does not.
#[test]
fn each_byte_of_a_record_ends_the_silence() {
    for split in [false, true] {
        for mut link in each(|limits| limits.idle_time_max = 5 * SECOND) {
            block_on(link.client.send(b"a line\n")).unwrap();
            let record = link.to_server.take();
            let (mut reader, _writer, mut whole) = match split {
                true => {
                    let (reader, writer) = link.server.into_split().unwrap();
                    (Some(reader), Some(writer), None)
                }
                false => (None, None, Some(link.server)),
            };
            let mut is_late = || match (&mut reader, &mut whole) {
                (Some(reader), _) => poll(reader.recv_line()).ok().map(|line| late(&line)),
                (_, Some(whole)) => poll(whole.recv_line()).ok().map(|line| late(&line)),
                _ => unreachable!("it is either"),
            };
            for byte in &record[..record.len() - 1] {
                link.to_server.push(&[*byte]);
                assert_eq!(is_late(), None, "a byte came: split {split}");
                link.clock.advance(4 * SECOND);
                assert_eq!(is_late(), None, "there is a second left");
            }
            link.clock.advance(SECOND);
            assert_eq!(is_late(), Some(Some(Deadline::Idle)));
        }
    }
}

/// What was begun by a call that was dropped is over when other calls have seen to it.
#[test]
fn no_deadline_is_left_over() {
    for mut link in each(|limits| (limits.line_time_max, limits.send_time_max) = (5 * SECOND, 5 * SECOND)) {
        block_on(link.client.send(b"half ")).unwrap();
        poll(link.server.recv_line()).expect_err("the line is not whole");
        block_on(link.client.send(b"a line\n")).unwrap();
        poll(link.server.peek_at_least(100)).expect_err("that is less");
        poll(link.server.recv_line()).expect("it is here").unwrap();
        poll(link.server.recv_line()).expect_err("nothing has come");
        block_on(link.client.send(b"another\n")).unwrap();
        poll(link.server.peek_at_least(100)).expect_err("that is less");
        assert_eq!(link.server.try_line().unwrap().unwrap(), "another");
        link.clock.advance(100 * SECOND);
        poll(link.server.recv_line()).expect_err("it begins now");

        // A flush that was dropped, and one of another trait.
        link.to_client.set_room(3);
        link.server.queue(b"abcdef").unwrap();
        poll(link.server.flush()).expect_err("there is room for three bytes");
        link.to_client.set_room(ROOM);
        block_on(futures_lite::AsyncWriteExt::flush(&mut link.server)).unwrap();
        link.clock.advance(100 * SECOND);
        link.to_client.set_room(0);
        poll(link.server.send(b"x")).expect_err("it begins now");
    }
}

/// What the sending half left behind may go out with the receiving half.
#[test]
fn no_deadline_of_a_send_is_left_over() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        link.limit_server(|limits| limits.send_time_max = 5 * SECOND);
        link.to_client.set_room(3);
        let (mut reader, mut writer) = link.server.split().unwrap();
        poll(writer.send(b"abcdef")).expect_err("there is room for three bytes");
        link.to_client.set_room(ROOM);
        poll(reader.recv_line()).expect_err("nothing has come");
        assert_eq!(block_on(link.client.recv_owned(100)).unwrap(), "abcdef");
        link.clock.advance(100 * SECOND);
        link.to_client.set_room(0);
        poll(writer.send(b"x")).expect_err("it begins now");
    }
}

/// A look takes nothing, so the line has its time all the same; a receive of bytes ends it.
#[test]
fn a_look_does_not_renew_a_lines_time() {
    for mut link in each(|limits| limits.line_time_max = 5 * SECOND) {
        block_on(link.client.send(b"half")).unwrap();
        poll(link.server.recv_line()).expect_err("it begins now");
        link.clock.advance(4 * SECOND);
        assert_eq!(poll(link.server.peek()).expect("it is here").unwrap(), b"half");
        poll(link.server.recv_line()).expect_err("there is a second left");
        link.clock.advance(SECOND);
        assert_eq!(late(&poll(link.server.recv_line()).expect("its time is over")), Some(Deadline::Line));

        poll(link.server.recv_line()).expect_err("it begins again");
        link.clock.advance(4 * SECOND);
        block_on(link.server.recv_exact(&mut [0; 4])).unwrap();
        poll(link.server.recv_line()).expect_err("this is another line");
        link.clock.advance(4 * SECOND);
        poll(link.server.recv_line()).expect_err("which has a second left");
    }
}

/// A look at the client's first message has the time of the handshake, however often it is dropped, and the handshake has
/// what it leaves.
#[test]
fn a_hello_and_its_handshake_have_one_time() {
    for sends in [false, true] {
        let mut link = Link::plain();
        link.limit_server(|limits| limits.handshake_time_max = 5 * SECOND);
        for _ in 0..4 {
            poll(link.server.client_hello()).expect_err("nothing has come");
            link.clock.advance(SECOND);
        }
        if sends {
            let client = crate::link::client_side(Version::Tls13);
            poll(link.client.start_tls(client)).expect_err("the server has not answered");
            poll(link.server.client_hello()).expect("it has come").unwrap();
            let how =
                asyncnet_driver::tls::StartTls::server(&asyncnet_conformance::pki::server(Version::Tls13))
                    .leftover(asyncnet_driver::tls::Leftover::IntoTls);
            poll(link.server.start_tls(how.clone())).expect_err("the client has not answered");
            link.clock.advance(SECOND);
            assert!(poll(link.server.start_tls(how)).expect("its time is over").unwrap_err().is_timeout());
        } else {
            poll(link.server.client_hello()).expect_err("there is a second left");
            link.clock.advance(SECOND);
            assert!(poll(link.server.client_hello()).expect("its time is over").unwrap_err().is_timeout());
            // It can be tried again.
            poll(link.server.client_hello()).expect_err("it begins again");
        }
    }
}
