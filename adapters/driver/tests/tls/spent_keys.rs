//! TLS 1.2 cannot change its keys. When they have sealed as much as they may, nothing more can be sent, and the stream is
//! still received from.

use crate::link::{Link, ROOM, poll};
use asyncnet_conformance::pki::Version;
use asyncnet_conformance::properties::tls::{Kind, Setup, Tested};
use asyncnet_driver::tls::{StartTls, TlsError};
use asyncnet_driver::{Bytes, Error, SendError};
use futures_lite::future::block_on;
use std::io::IoSlice;

/// A link whose keys are good for a few records.
fn short_lived() -> Link {
    let ends = Setup { kind: Kind::ShortLived, ..Setup::new(Tested::Both, Version::Tls12) }.ends();
    let mut link = Link::plain();
    link.start_tls(ends.start_client(), StartTls::server(&ends.server));
    link
}

fn is_spent<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Tls(TlsError::KeysSpent)))
}

/// Sends single bytes until the server's keys are spent: how many.
fn spend(link: &mut Link) -> usize {
    let mut sent = 0;
    loop {
        match block_on(link.server.send(b"x")) {
            Ok(()) => sent += 1,
            result => {
                assert!(is_spent(&result), "{result:?}");
                return sent;
            }
        }
        assert!(sent < 100, "the keys are for a few records");
    }
}

/// What came to the client to its end, which is not a clean one.
fn received(link: &mut Link) -> Vec<u8> {
    let mut text = Vec::new();
    let error = loop {
        match poll(link.client.recv_owned(1 << 20)).expect("the wire has ended") {
            Ok(some) if some.is_empty() => {
                panic!("{} bytes came and a clean end, which it was not", text.len())
            }
            Ok(some) => text.extend(some),
            Err(error) => break error,
        }
    };
    assert!(error.is_disconnect() || matches!(error, Error::Tls(TlsError::Truncated)), "{error:?}");
    text
}

/// What is queued cannot go out any more, and so it does not hold a receive up.
#[test]
fn a_receive_behind_a_heavy_queue_goes_on() {
    let mut link = short_lived();
    spend(&mut link);
    link.server.queue(&[b'x'; 100_000]).unwrap();
    for _ in 0..2 {
        let waits = poll(link.server.recv_line()).expect_err("nothing has come");
        assert!(!waits.is_woken());
        block_on(link.client.send_line("heard")).unwrap();
        assert!(waits.is_woken(), "nobody wakes it");
        assert_eq!(poll(link.server.recv_line()).expect("it has come").unwrap().unwrap(), "heard");
    }
}

#[test]
fn a_message_that_cannot_be_sealed_at_all_is_an_error_and_no_end() {
    let mut link = short_lived();
    let sent = spend(&mut link);
    assert!(sent > 0);
    assert!(is_spent(&block_on(link.server.send(b"x"))));
    link.to_server.end();
    drop(poll(link.server.close()).expect("the peer has ended"));
    assert_eq!(received(&mut link), vec![b'x'; sent]);
}

/// A message is torn, be it short enough to be completed from the queue or not, and however the stream is ended then.
#[test]
fn a_message_of_which_a_part_is_sealed_is_an_error_and_no_end() {
    for len in [240_000, 400_000] {
        for close in [true, false] {
            let mut link = short_lived();
            let text = numbers(len);
            let parts: Vec<_> = text.chunks(PIECE).map(IoSlice::new).collect();
            let result = block_on(link.server.send_vectored(&parts));
            assert!(is_spent(&result), "{result:?}");
            let sealed = match block_on(link.server.flush()).expect_err("the rest is missing") {
                Error::Send(SendError::Abandoned { sent, of }) if of == len => sent,
                Error::Tls(TlsError::KeysSpent) => len - link.server.queued_len(),
                error => panic!("{error:?}"),
            };
            block_on(link.server.send(b"more")).expect_err("it would follow a torn message");
            if close {
                link.to_server.end();
                poll(link.server.close()).expect("the peer has ended").expect_err("the rest is missing");
            } else {
                block_on(link.server.shutdown_write()).expect_err("the rest is missing");
                link.server.abort();
            }
            assert!(received(&mut link) == text[..sealed]);
            assert!((1..len).contains(&sealed), "{sealed} bytes");
        }
    }
}

/// The keys are spent in the middle of a step. What was sealed before is not sealed again, nor lost.
#[test]
fn what_of_the_queue_is_sealed_has_left_it() {
    let mut link = short_lived();
    link.to_client.set_room(0);
    let text = Bytes::from(numbers(20 * PIECE));
    for at in (0..text.len()).step_by(PIECE) {
        poll(link.server.send_owned(text.slice(at..at + PIECE))).expect_err("there is no room");
    }
    link.to_client.set_room(ROOM);
    let flushed = block_on(link.server.flush());
    assert!(is_spent(&flushed), "{flushed:?}");
    let sealed = text.len() - link.server.queued_len();
    link.to_server.end();
    poll(link.server.close()).expect("the peer has ended").expect_err("the rest is missing");
    assert!(received(&mut link) == text[..sealed]);
}

/// The length of what is sent at once: more than a record, and no divisor of what is sealed at once.
const PIECE: usize = 20_000;

/// Text in which no two places are alike.
fn numbers(len: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(len).collect()
}
