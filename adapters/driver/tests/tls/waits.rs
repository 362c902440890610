//! What goes out, and when: before a wait, and not before; and what a call that cannot send does instead of waiting.

use crate::link::{Link, ROOM, poll};
use asyncnet_conformance::pki::Version;
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Closed, Error, LastLine, LinePolicy};
use futures_lite::future::block_on;
use std::pin::pin;

/// Answers that are more than should be kept before more is read.
const HEAVY: &[u8] = &[b'x'; 100_000];

fn is_bad_record<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Tls(TlsError::Protocol(_))))
}

/// How many records these bytes are.
fn records(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    let mut count = 0;
    while let [_, _, _, high, low, ..] = rest {
        rest = &rest[5 + usize::from(u16::from_be_bytes([*high, *low]))..];
        count += 1;
    }
    count
}

/// Twenty lines come in twenty records, and the answers to them go out in one.
#[test]
fn a_burst_of_lines_is_answered_with_one_write_of_one_record() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        block_on(async {
            for n in 0..20 {
                link.client.send_line(format!("line {n}")).await?;
            }
            assert_eq!(records(&link.to_server.carries()), 20);
            link.to_client.take_writes();
            let mut line = Vec::new();
            for _ in 0..20 {
                link.server.recv_line_into(&mut line).await?;
                link.server.queue_line(&line)?;
                assert_eq!(link.to_client.take_writes(), [b""; 0], "there was no wait");
            }
            poll(link.server.recv_line_into(&mut line)).unwrap_err();
            let writes = link.to_client.take_writes();
            let counts: Vec<_> = writes.iter().map(|write| records(write)).collect();
            assert_eq!(counts, [1]);
            for n in 0..20 {
                assert_eq!(link.client.recv_line().await?.unwrap(), *format!("line {n}"));
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    }
}

/// Nothing more can be sealed then, so that what is queued is nothing to wait for.
#[test]
fn a_receive_behind_a_heavy_queue_tells_that_the_session_has_failed() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        good_then_broken(&mut link);
        link.server.queue(HEAVY).unwrap();
        assert!(is_bad_record(&link.server.try_line()));
        for _ in 0..3 {
            let received = poll(link.server.recv(&mut [0; 8])).expect("it waits for nothing");
            assert!(is_bad_record(&received), "{received:?}");
        }
        // Whoever tried the line sent nothing. The receive did.
        let told = poll(link.client.recv_line()).expect("the alert has come");
        assert!(matches!(told, Err(Error::Tls(TlsError::AlertReceived(_)))), "{told:?}");
    }
}

/// The server takes a line, and behind it has a record that nobody sealed.
fn good_then_broken(link: &mut Link) {
    let received = block_on(async {
        link.client.send_line("good").await?;
        link.break_the_clients_stream();
        link.server.recv_line_owned().await
    });
    assert!(matches!(&received, Ok(Some(line)) if *line == "good"), "{received:?}");
}

/// The alert is all that the failed session had to say, and it is not text that was lost.
#[test]
fn a_close_behind_a_failure_sends_the_alert_and_is_well() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        link.break_the_clients_stream();
        link.to_client.set_room(0);
        assert!(is_bad_record(&block_on(link.server.recv_line())));
        {
            let mut close = pin!(link.server.close());
            let waits = poll(close.as_mut()).expect_err("the alert does not fit");
            link.to_client.set_room(ROOM);
            assert!(waits.is_woken());
            link.to_server.end();
            assert_eq!(poll(close).expect("all is out").unwrap(), Closed::PeerEnded);
        }
        let told = poll(link.client.recv_line()).expect("the alert has come");
        assert!(matches!(told, Err(Error::Tls(TlsError::AlertReceived(_)))), "{told:?}");
    }
}

/// Text is lost, and whoever queued it did not hear of that yet.
#[test]
fn a_close_behind_a_failure_tells_of_text_that_was_queued() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        good_then_broken(&mut link);
        link.server.queue_line("an answer").unwrap();
        assert!(is_bad_record(&link.server.try_line()));
        link.to_server.end();
        let closed = poll(link.server.close()).expect("all is out");
        assert!(is_bad_record(&closed), "{closed:?}");
    }
}

/// The end comes as a record, which is opened for whoever looks.
#[test]
fn the_last_line_without_an_end_is_taken_without_waiting() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        link.server.set_line_policy(LinePolicy::new(80).last(LastLine::Accept));
        block_on(link.client.send(b"one\ntwo")).unwrap();
        block_on(link.client.shutdown_write()).unwrap();
        assert_eq!(block_on(link.server.recv_line()).unwrap().unwrap(), "one");
        assert_eq!(link.server.try_line().unwrap().unwrap(), "two");
        for _ in 0..2 {
            assert!(link.server.try_line().unwrap().is_none());
        }
    }
}

/// Sealed text cannot be taken back: it is not queued any more.
#[test]
fn what_is_sealed_is_not_counted_as_queued() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        let mut limits = *link.server.limits();
        limits.record_bytes_start = 16 << 10; // One step is 64 KiB of text then.
        link.server.set_limits(limits);
        link.to_client.set_room(link.to_client.carries().len() + 1_000);
        link.server.queue(&[b'x'; 100_000]).unwrap();
        poll(link.server.flush()).unwrap_err();
        assert_eq!(link.server.queued_len(), 100_000 - (64 << 10));
    }
}

/// A receive sends all that it has to, however much was sent before: nobody comes back for it when it is done.
#[test]
fn what_a_receive_sends_goes_out_whatever_went_before() {
    for sends in 0..40 {
        let mut link = Link::over(Version::Tls13);
        for _ in 0..sends {
            link.server.queue(b"x").unwrap();
            // Now and then others have their turn, so that a flush has to be asked twice.
            while poll(link.server.flush()).is_err() {}
        }
        link.to_client.take_writes();
        link.break_the_clients_stream();
        assert!(is_bad_record(&poll(link.server.recv(&mut [0; 8])).expect("the record is there")));
        assert_eq!(link.to_client.take_writes().len(), 1, "the alert, behind {sends} sends");
    }
}

/// Receives that send count no turns, and cannot run out of them.
#[test]
fn a_thousand_receives_send_what_is_queued() {
    let mut link = Link::plain();
    for n in 0..1_000 {
        link.server.queue(b"x").unwrap();
        poll(link.server.recv_line()).expect_err("nothing has come");
        assert_eq!(link.to_client.take_writes().len(), 1, "the {n}. time");
        block_on(link.client.recv_exact(&mut [0])).unwrap();
    }
}

/// The end of the text waits for room, and finds the peer gone when there is some: all of the text had been out.
#[test]
fn an_end_that_waits_for_a_peer_who_leaves_is_well() {
    for version in Version::EACH {
        let mut link = Link::over(version);
        link.to_client.set_room(0);
        poll(link.server.shutdown_write()).expect_err("there is no room for a word");
        link.to_client.break_pipe();
        poll(link.server.shutdown_write()).expect("nobody is there").unwrap();

        let mut link = Link::over(version);
        link.to_client.set_room(0);
        link.server.queue(b"text").unwrap();
        poll(link.server.shutdown_write()).expect_err("there is no room for text");
        link.to_client.break_pipe();
        let error = poll(link.server.shutdown_write()).expect("nobody is there").unwrap_err();
        assert!(error.is_disconnect(), "text is lost: {error:?}");
    }
}
