//! Many messages by several clients at once, some of them broken off anywhere: what was acknowledged is on disk, whole, once.

use crate::on_each_adapter;
use crate::peer::Peer;
use crate::smtp::{Sink, assert_answers, ehlo};
use asyncnet_conformance::pki::{self, Version};
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::ops::Range;
use std::thread;

const CLIENTS: u32 = 8;
/// How many messages a connection carries, if none is broken off.
const MESSAGES_PER_CONNECTION: u32 = 25;
/// One message in so many is broken off.
const BROKEN_ONE_IN: u64 = 6;

/// What became of a message, as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Acknowledged,
    /// Broken off behind its last byte: it may have been taken.
    Unanswered,
    /// Broken off before: it cannot be there.
    BrokenOff,
}

#[test]
fn what_was_acknowledged_is_on_disk_whole_and_once() {
    deliver(1_000);
}

#[test]
#[ignore = "10 000 messages on each adapter: for long runs"]
fn of_ten_thousand_messages_each_that_was_acknowledged_is_on_disk() {
    deliver(10_000);
}

fn deliver(count: u32) {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let share = count / CLIENTS;
        let fates: Vec<_> = thread::scope(|scope| {
            let address = &sink.address;
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| scope.spawn(move || client_of(address, client * share..(client + 1) * share)))
                .collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        assert_eq!(fates.len(), (share * CLIENTS) as usize);
        for fate in [Fate::Acknowledged, Fate::BrokenOff] {
            assert!(fates.iter().any(|(_, happened)| *happened == fate), "none is {fate:?}");
        }
        let (ended, folder) = sink.end();
        ended.assert_code(0);
        check(&fates, &folder.path().join("mail"));
    });
}

/// Compares the maildir with what the clients know.
fn check(fates: &[(u32, Fate)], maildir: &std::path::Path) {
    assert_eq!(fs::read_dir(maildir.join("tmp")).unwrap().count(), 0);
    let mut kept = HashMap::new();
    for file in fs::read_dir(maildir.join("new")).unwrap() {
        let file = String::from_utf8(fs::read(file.unwrap().path()).unwrap()).unwrap();
        let (_, from_number) = file.split_once("Subject: ").expect(&file);
        let number: u32 = from_number.lines().next().unwrap().parse().unwrap();
        assert!(file.ends_with(&text(number).replace("\r\n", "\n")), "message {number} is whole");
        assert_eq!(kept.insert(number, ()), None, "message {number} is there once");
    }
    for (number, fate) in fates {
        match fate {
            Fate::Acknowledged => assert!(kept.contains_key(number), "message {number} was acknowledged"),
            Fate::Unanswered => {}
            Fate::BrokenOff => {
                assert!(!kept.contains_key(number), "message {number} was not sent to its end");
            }
        }
    }
}

fn client_of(address: &str, mut numbers: Range<u32>) -> Vec<(u32, Fate)> {
    let mut fates = Vec::new();
    // Each connection takes one message at least.
    while let Some(first) = numbers.clone().next() {
        let mut peer = Peer::tcp(address);
        assert_answers(&mut peer, "220");
        ehlo(&mut peer);
        if mix(first) % 2 == 0 {
            peer.say("STARTTLS\r\n");
            assert_answers(&mut peer, "220");
            let mut peer = peer.over_tls(pki::client(Version::Both));
            ehlo(&mut peer);
            send_some(peer, &mut numbers, &mut fates);
        } else {
            send_some(peer, &mut numbers, &mut fates);
        }
    }
    fates
}

/// Sends messages on a connection, until one is broken off or it has carried its share.
fn send_some<S: Read + Write>(mut peer: Peer<S>, numbers: &mut Range<u32>, fates: &mut Vec<(u32, Fate)>) {
    for number in numbers.by_ref().take(MESSAGES_PER_CONNECTION as usize) {
        let envelope = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";
        let message = format!("{}.\r\n", text(number));
        if mix(number) % BROKEN_ONE_IN == 0 {
            let wire = format!("{envelope}{message}");
            let cut = usize::try_from(mix(number) / BROKEN_ONE_IN).unwrap() % (wire.len() + 1);
            peer.say(&wire[..cut]);
            fates.push((number, if cut == wire.len() { Fate::Unanswered } else { Fate::BrokenOff }));
            // Dropped with answers that nobody has read: a reset, for the most part.
            return;
        }
        peer.say(envelope);
        for code in ["250", "250", "354"] {
            assert_answers(&mut peer, code);
        }
        peer.say(message);
        assert_answers(&mut peer, "250 2.0.0 Kept as ");
        fates.push((number, Fate::Acknowledged));
    }
}

/// A message that tells its number, of some bytes up to 200 000, mostly few: more than are gathered in memory, too.
fn text(number: u32) -> String {
    let lines = if mix(number) % 40 == 12 { 4_000 } else { mix(number) % 50 };
    let body: String =
        (0..lines).map(|line| format!("line {line} of message {number}, no more, no less\r\n")).collect();
    format!("Subject: {number}\r\n\r\n{body}the end of {number}\r\n")
}

/// A number that looks like chance, and is the same each time (the finalizer of `SplitMix64`).
fn mix(number: u32) -> u64 {
    let mut state = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // Small enough for a usize everywhere.
    (state ^ (state >> 31)) & 0x7fff_ffff
}
