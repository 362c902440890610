//! The time of a handshake: from the first poll of `start_tls`, whatever there is to do before TLS can begin, to the moment
//! at which the handshake is done.

use crate::link::{Link, ROOM, Woken, client_side, poll};
use asyncnet_conformance::pki::{self, Version};
use asyncnet_driver::Error;
use asyncnet_driver::tls::{StartTls, TlsError};
use futures_lite::future::block_on;
use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn server_side(version: Version) -> StartTls {
    StartTls::server(&pki::server(version))
}

fn is_timed_out<T: Debug>(polled: Result<Result<T, Error>, Woken>) -> bool {
    let result = polled.expect("the time is over");
    matches!(result, Err(Error::Tls(TlsError::HandshakeTimedOut { after_ms: 10_000 })))
}

/// Upgrades the server, which gets no further than before the beginning: it is plaintext still.
fn upgrade_in_vain(link: &mut Link) {
    {
        let mut upgrade = pin!(link.server.start_tls(server_side(Version::Tls13)));
        let waits = poll(upgrade.as_mut()).expect_err("plaintext is not over");
        link.clock.advance(9 * SECOND);
        poll(upgrade.as_mut()).expect_err("there is a second left");
        link.clock.advance(SECOND);
        assert!(waits.is_woken());
        assert!(is_timed_out(poll(upgrade)));
    }
    assert!(!link.server.is_tls() && !link.server.is_handshaking());
}

/// A peer that goes on with a line for ever does not hold an upgrade up for ever.
#[test]
fn a_line_that_does_not_end_takes_the_time_of_the_handshake() {
    let mut link = Link::plain();
    link.limit_server(|limits| limits.line_bytes_max = 10);
    block_on(link.client.send(&[b'x'; 100])).unwrap();
    assert!(block_on(link.server.recv_line()).unwrap_err().is_line_too_long());
    upgrade_in_vain(&mut link);
    block_on(link.client.send(b"its rest\nplain\n")).unwrap();
    assert_eq!(block_on(link.server.recv_line()).unwrap().unwrap(), "plain");
    assert_eq!(link.to_client.take_writes(), [b""; 0]);
}

#[test]
fn a_peer_that_does_not_read_takes_the_time_of_the_handshake() {
    let mut link = Link::plain();
    link.to_client.set_room(4);
    link.server.queue_line("220 go ahead").unwrap();
    upgrade_in_vain(&mut link);
    link.to_client.set_room(ROOM);
    block_on(link.server.send_line("500 not so")).unwrap();
    assert_eq!(link.to_client.carries(), b"220 go ahead\r\n500 not so\r\n");
}

/// The deadline is one, and wakes who waits for it.
#[test]
fn what_was_waited_for_before_tls_began_is_of_the_same_time() {
    let mut link = Link::plain();
    link.to_client.set_room(4);
    link.server.queue_line("220 go ahead").unwrap();
    let mut upgrade = pin!(link.server.start_tls(server_side(Version::Tls13)));
    poll(upgrade.as_mut()).unwrap_err();
    link.clock.advance(6 * SECOND);
    link.to_client.set_room(ROOM);
    let waits = poll(upgrade.as_mut()).expect_err("there is no hello");
    assert!(!waits.is_woken());
    link.clock.advance(4 * SECOND);
    assert!(waits.is_woken());
    assert!(is_timed_out(poll(upgrade)));
}

/// A handshake was done when its last bytes did not fit, and its future was dropped. The stream is then used for long.
#[test]
fn a_handshake_that_is_done_fails_at_no_deadline() {
    for version in Version::EACH {
        let mut link = Link::plain();
        {
            let mut asks = pin!(link.client.start_tls(client_side(version)));
            let mut serves = pin!(link.server.start_tls(server_side(version)));
            poll(asks.as_mut()).expect_err("a hello is out");
            poll(serves.as_mut()).expect_err("a hello is answered");
            // Over TLS 1.3 the client is done.
            drop(poll(asks));
            link.to_client.set_room(0);
            poll(serves).expect_err("the last bytes do not fit");
        }
        assert!(link.server.is_tls());
        link.clock.advance(3_600 * SECOND);
        // What it ends with goes out with what comes next.
        assert!(poll(link.server.handshake()).expect("its time is over").is_ok());
        link.server.queue_line("hello").unwrap();
        link.to_client.set_room(ROOM);
        block_on(link.server.flush()).unwrap();
        assert!(poll(link.client.handshake()).expect("all has come").is_ok());
        assert_eq!(poll(link.client.recv_line()).expect("it has come").unwrap().unwrap(), "hello");
    }
}
