//! Two halves and what they share: answers that either sends, the end of both, and a stream that is lent.

use crate::link::{Link, ROOM, Woken, poll};
use asyncnet_conformance::pki::Version;
use asyncnet_conformance::properties::tls::{Kind, Setup, Tested};
use asyncnet_driver::tls::{StartTls, TlsError};
use asyncnet_driver::{Closed, Error};
use futures_lite::future::block_on;
use std::future::Future;
use std::pin::pin;
use std::task::Context;

fn is_bad_record<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Tls(TlsError::Protocol(_))))
}

fn is_closed<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Closed))
}

fn is_alert<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Tls(TlsError::AlertReceived(_))))
}

/// The alert of a session that failed while receiving goes out before the error is told, whoever sends or not.
#[test]
fn what_receiving_causes_goes_out_at_once() {
    for version in Version::EACH {
        let link = Link::over(version);
        link.break_the_clients_stream();
        let Link { mut client, server, to_client, .. } = link;
        let (mut reader, mut writer) = server.into_split().unwrap();
        to_client.take_writes();
        assert!(is_bad_record(&block_on(reader.recv_line())));
        assert_eq!(to_client.take_writes().len(), 1, "the alert");
        let told = poll(client.recv_line()).expect("the alert has come");
        assert!(is_alert(&told), "{told:?}");
        assert!(is_bad_record(&block_on(writer.send_line("too late"))));
        assert_eq!(to_client.take_writes(), [b""; 0], "it is told once");
    }
}

/// What did not fit goes out when there is room, with the next call of either half.
#[test]
fn what_receiving_causes_waits_for_room() {
    for version in Version::EACH {
        for by_writer in [false, true] {
            let link = Link::over(version);
            link.break_the_clients_stream();
            let Link { mut client, server, to_client, .. } = link;
            let (mut reader, mut writer) = server.into_split().unwrap();
            to_client.set_room(0);
            assert!(is_bad_record(&poll(reader.recv_line()).expect("the record is there")));
            to_client.set_room(ROOM);
            if by_writer {
                assert!(is_bad_record(&poll(writer.send_line("x")).expect("there is room")));
            } else {
                assert!(is_bad_record(&poll(reader.recv_line()).expect("it has failed")));
            }
            let told = poll(client.recv_line()).expect("the alert has come");
            assert!(is_alert(&told), "by the writer: {by_writer}: {told:?}");
        }
    }
}

/// A writer that is in the middle of sealed bytes, and an alert: the alert comes behind them.
#[test]
fn an_alert_comes_behind_what_was_sealed_before_it() {
    for version in Version::EACH {
        let link = Link::over(version);
        link.break_the_clients_stream();
        let Link { mut client, server, to_client, .. } = link;
        let (mut reader, mut writer) = server.into_split().unwrap();
        to_client.set_room(10);
        {
            let mut send = pin!(writer.send_line("a line that is cut on the wire"));
            let waits = poll(send.as_mut()).expect_err("there is room for ten bytes");
            assert!(is_bad_record(&poll(reader.recv_line()).expect("the record is there")));
            to_client.set_room(ROOM);
            assert!(waits.is_woken());
            // It was sealed, so it is sent; that the session has failed since is told by the next one.
            drop(poll(send).expect("there is room"));
        }
        drop(poll(reader.recv_line()));
        let line = poll(client.recv_line()).expect("it has come").expect("whole").expect("a line");
        assert_eq!(line, "a line that is cut on the wire");
        let told = poll(client.recv_line()).expect("the alert has come");
        assert!(is_alert(&told), "{told:?}");
    }
}

/// What waits on one half ends when the other ends the connection, and the transport is gone at once.
#[test]
fn an_abort_ends_what_waits_on_the_other_half() {
    for (version, by_reader) in
        [(None, false), (None, true), (Some(Version::Tls13), false), (Some(Version::Tls13), true)]
    {
        let link = version.map_or_else(Link::plain, Link::over);
        let Link { mut client, server, to_client, .. } = link;
        let (mut reader, mut writer) = server.into_split().unwrap();
        if by_reader {
            to_client.set_room(0);
            let mut send = pin!(writer.send(b"abc"));
            let waits = poll(send.as_mut()).expect_err("there is no room");
            reader.abort();
            assert!(waits.is_woken());
            assert!(is_closed(&poll(send).expect("it was woken")));
        } else {
            let mut line = pin!(reader.recv_line());
            let waits = poll(line.as_mut()).expect_err("nothing has come");
            writer.abort();
            assert!(waits.is_woken());
            assert!(is_closed(&poll(line).expect("it was woken")));
        }
        assert!(poll(client.recv_line()).expect("it is over").unwrap_err().is_disconnect());
        reader.abort();
        writer.abort();
        assert!(writer.is_closed());
        assert!(is_closed(&poll(reader.recv(&mut [0; 8])).expect("closed")));
        assert!(is_closed(&reader.try_line()));
        assert!(is_closed(&poll(writer.flush()).expect("closed")));
        assert!(is_closed(&writer.queue(b"x")));
        assert!(is_closed(&poll(writer.shutdown_write()).expect("closed")));
        assert_eq!(poll(writer.close()).expect("closed").unwrap(), Closed::Before);
        let stream = reader.reunite(writer).expect("halves of one stream");
        assert!(stream.is_closed());
    }
}

/// A close by the sending half sends what is queued, ends what waits on the other, and takes the peer's rest.
#[test]
fn a_half_closes_the_connection_well() {
    for version in [None, Some(Version::Tls12), Some(Version::Tls13)] {
        let link = version.map_or_else(Link::plain, Link::over);
        let Link { mut client, server, to_server, .. } = link;
        let (mut reader, mut writer) = server.into_split().unwrap();
        writer.queue_line("bye").unwrap();
        {
            let mut line = pin!(reader.recv_line());
            let waits = poll(line.as_mut()).expect_err("nothing has come");
            poll(writer.close()).expect_err("the peer has not ended");
            assert!(waits.is_woken());
            assert!(is_closed(&poll(line).expect("it was woken")));
        }
        assert!(is_closed(&writer.queue(b"x")), "once a close has begun nothing is sent");
        block_on(client.send_line("under way")).unwrap();
        assert_eq!(block_on(client.recv_line()).unwrap().unwrap(), "bye");
        assert!(block_on(client.recv_line()).unwrap().is_none(), "{version:?}: a clean end");
        to_server.end();
        assert_eq!(poll(writer.close()).expect("the peer has ended").unwrap(), Closed::PeerEnded);
        assert_eq!(poll(writer.close()).expect("twice").unwrap(), Closed::Before);
    }
}

/// A close that the peer does not let go on has its time, and both directions are drained meanwhile.
#[test]
fn a_half_that_closes_gives_up_in_time() {
    let Link { mut client, server, to_client, clock, .. } = Link::plain();
    let (_reader, mut writer) = server.into_split().unwrap();
    writer.queue_line("never").unwrap();
    to_client.set_room(0);
    let mut close = pin!(writer.close());
    let waits = poll(close.as_mut()).expect_err("there is no room");
    clock.advance(asyncnet_driver::Limits::default().close_time_max);
    assert!(waits.is_woken());
    assert!(poll(close).expect("its time is over").unwrap_err().is_timeout());
    assert!(poll(client.recv_line()).expect("it is over").unwrap_err().is_disconnect());
}

/// A lent stream is whole again when both halves are gone, and closed when one was leaked.
#[test]
fn a_lent_stream_comes_home() {
    for version in [None, Some(Version::Tls12), Some(Version::Tls13)] {
        let mut link = version.map_or_else(Link::plain, Link::over);
        block_on(link.client.send(b"one\ntwo\nthr")).unwrap();
        {
            let (mut reader, mut writer) = link.server.split().unwrap();
            assert_eq!(block_on(reader.recv_line()).unwrap().unwrap(), "one");
            writer.queue_line("queued").unwrap();
            // In whichever order they go.
            drop(writer);
            assert_eq!(block_on(reader.recv_line()).unwrap().unwrap(), "two");
        }
        assert_eq!(link.server.received(), b"thr");
        assert_eq!(link.server.queued_len(), 8);
        block_on(link.client.send(b"ee\n")).unwrap();
        assert_eq!(block_on(link.server.recv_line()).unwrap().unwrap(), "three");
        block_on(link.server.flush()).unwrap();
        assert_eq!(block_on(link.client.recv_line()).unwrap().unwrap(), "queued");

        // One that was aborted comes home closed.
        let (_, mut writer) = link.server.split().unwrap();
        writer.abort();
        drop(writer);
        assert!(link.server.is_closed());
        assert!(poll(link.client.recv_line()).expect("it is over").unwrap_err().is_disconnect());

        let mut link = version.map_or_else(Link::plain, Link::over);
        let (reader, writer) = link.server.split().unwrap();
        std::mem::forget(reader);
        drop(writer);
        assert!(link.server.is_closed());
        assert!(is_closed(&poll(link.server.recv_line()).expect("closed")));
        assert!(link.server.split().is_err());
    }
}

/// The end of a torn message is a reset, not what looks like an end: when both halves are gone.
#[test]
fn a_torn_message_ends_in_a_reset() {
    for (home, reader_first) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut link = Link::plain();
        link.limit_server(|limits| limits.send_atomic_max = 4);
        link.to_client.set_room(3);
        let Link { mut client, mut server, to_client, .. } = link;
        let tear = |writer: &mut asyncnet_driver::WriteHalf<'_, crate::link::End>| {
            poll(writer.send(b"longer than four")).expect_err("there is room for three bytes");
            assert!(writer.queue(b"x").is_err());
        };
        if home {
            let (reader, mut writer) = server.split().unwrap();
            tear(&mut writer);
            drop((reader, writer));
            drop(server);
        } else {
            let (reader, mut writer) = server.into_split().unwrap();
            tear(&mut writer);
            if reader_first {
                drop(reader);
                drop(writer);
            } else {
                drop(writer);
                assert!(poll(client.recv_exact(&mut [0; 4])).is_err(), "no end yet, of whatever kind");
                drop(reader);
            }
        }
        to_client.set_room(ROOM);
        let ended = poll(client.recv_exact(&mut [0; 4])).expect("it is over");
        assert!(ended.unwrap_err().is_disconnect(), "lent: {home}");
    }
}

/// What one half does wakes nobody who waits for something else.
#[test]
fn a_send_does_not_wake_the_reader() {
    for version in [None, Some(Version::Tls13)] {
        let Link { client: _client, server, .. } = version.map_or_else(Link::plain, Link::over);
        let (mut reader, mut writer) = server.into_split().unwrap();
        let mut line = pin!(reader.recv_line());
        let waits = Woken::default();
        assert!(line.as_mut().poll(&mut Context::from_waker(&waits.waker())).is_pending());
        block_on(writer.send_line("to somebody else")).unwrap();
        assert!(!waits.is_woken());
    }
}

/// Also when the future was leaked, so that nothing was told of it, and when it is the queue that is out in part.
#[test]
fn what_is_out_in_part_ends_in_a_reset() {
    for leak in [false, true] {
        for (split, queued) in [(false, false), (false, true), (true, false), (true, true)] {
            let link = Link::plain();
            link.to_client.set_room(3);
            let Link { mut client, mut server, to_client, .. } = link;
            let break_off = |stream: &mut asyncnet_driver::Stream<crate::link::End>| {
                let mut future = Box::pin(async {
                    if queued {
                        stream.queue(b"more than three")?;
                        return stream.flush().await;
                    }
                    stream.send(b"more than three").await
                });
                poll(future.as_mut()).expect_err("there is room for three bytes");
                if leak {
                    std::mem::forget(future);
                }
            };
            break_off(&mut server);
            if split {
                drop(server.into_split().unwrap());
            } else {
                drop(server);
            }
            to_client.set_room(ROOM);
            let ended = poll(client.recv_exact(&mut [0; 4])).expect("it is over");
            assert!(ended.unwrap_err().is_disconnect(), "leaked: {leak}, split: {split}, queued: {queued}");
        }
    }
    // What is whole ends well.
    let Link { mut client, mut server, .. } = Link::plain();
    block_on(server.send(b"whole")).unwrap();
    server.queue(b"never begun").unwrap();
    drop(server);
    assert_eq!(block_on(client.recv_owned(100)).unwrap(), "whole");
    assert!(poll(client.recv(&mut [0; 8])).is_err(), "no reset");
}

/// An answer to a key update finds no room behind what is being sent: both halves wait, and do not wake each other.
#[test]
fn halves_that_wait_for_room_are_quiet() {
    let ends = Setup { kind: Kind::ShortLived, ..Setup::new(Tested::Both, Version::Tls13) }.ends();
    let mut link = Link::plain();
    link.start_tls(ends.start_client(), StartTls::server(&ends.server));
    let Link { mut client, server, to_client, .. } = link;
    to_client.set_room(10);
    let (mut reader, mut writer) = server.into_split().unwrap();
    let mut send = pin!(writer.send(b"to a peer that does not read"));
    poll(send.as_mut()).expect_err("there is room for ten bytes");
    // The client's keys do not last, so it updates them, and asks for new ones.
    for _ in 0..40 {
        block_on(client.send(b"x")).unwrap();
    }
    let mut line = pin!(reader.recv_line());
    let mut polls = 0;
    loop {
        let receives = poll(line.as_mut()).expect_err("there is no line end");
        let sends = poll(send.as_mut()).expect_err("there is no room");
        if !receives.is_woken() && !sends.is_woken() {
            break;
        }
        polls += 1;
        assert!(polls < 10, "they wake each other");
    }
    to_client.set_room(ROOM);
    poll(send).expect("there is room").unwrap();
    let mut text = [0; 28];
    block_on(client.recv_exact(&mut text)).unwrap();
    assert_eq!(&text, b"to a peer that does not read");
}

/// An abort is one also when a close has begun: what was queued and is not out must not end well.
#[test]
fn an_abort_ends_a_close() {
    let Link { mut client, server, to_client, .. } = Link::plain();
    let (_reader, mut writer) = server.into_split().unwrap();
    writer.queue_line("never").unwrap();
    to_client.set_room(0);
    poll(writer.close()).expect_err("there is no room");
    writer.abort();
    assert!(poll(client.recv_line()).expect("it is over").unwrap_err().is_disconnect());
}

/// Each half's bounds are those of its direction, also of the whole afterwards.
#[test]
fn a_stream_comes_home_with_the_bounds_of_both() {
    let mut link = Link::plain();
    {
        let (mut reader, mut writer) = link.server.split().unwrap();
        let mut limits = *writer.limits();
        (limits.queue_bytes_max, limits.line_bytes_max) = (2, 3);
        writer.set_limits(limits);
        let mut limits = *reader.limits();
        (limits.queue_bytes_max, limits.line_bytes_max) = (4, 5);
        reader.set_limits(limits);
    }
    assert_eq!((link.server.limits().queue_bytes_max, link.server.limits().line_bytes_max), (2, 5));
}

/// Whichever half ends it at once: also while the other one closes it well.
#[test]
fn the_other_half_ends_a_close() {
    for version in [None, Some(Version::Tls13)] {
        let link = version.map_or_else(Link::plain, Link::over);
        let Link { mut client, server, .. } = link;
        let (mut reader, mut writer) = server.into_split().unwrap();
        let mut close = pin!(writer.close());
        let waits = poll(close.as_mut()).expect_err("the peer has not ended");
        reader.abort();
        assert!(waits.is_woken());
        assert!(is_closed(&poll(close).expect("it was ended")));
        if version.is_none() {
            assert!(poll(client.recv(&mut [0; 8])).expect("it is over").unwrap_err().is_disconnect());
        }
        drop(reader);
    }
}
