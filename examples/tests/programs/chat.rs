//! The chat, as its members see it.

use crate::on_each_adapter;
use crate::peer::Peer;
use crate::process::Process;

/// A chat server on a port of its own, and the port's address.
fn start(adapter: &str) -> (Process, String) {
    let chat = Process::example("chat", &["--listen", "127.0.0.1:0", "--adapter", adapter]);
    let address = chat.listening();
    (chat, address)
}

#[test]
fn each_line_goes_to_all_others() {
    on_each_adapter(|adapter| {
        let (_chat, address) = start(adapter);
        // Members join in the order in which they connect: whoever is heard has not missed what others say from then on.
        let mut ann = Peer::tcp(&address);
        let mut bob = Peer::tcp(&address);
        let mut cid = Peer::tcp(&address);
        cid.say("cid is here\n");
        ann.assert_hears("cid is here\r\n");
        bob.assert_hears("cid is here\r\n");
        ann.say(b"hello\r\nan \xe9 is no UTF-8, a \r no line end\n");
        bob.assert_hears("hello\r\n");
        cid.assert_hears("hello\r\n");
        let odd = "an \u{fffd} is no UTF-8, a \r no line end\r\n";
        bob.assert_hears(odd);
        cid.assert_hears(odd);

        // Ann has heard none of her own lines; the last one counts without its line end.
        bob.say("bye");
        bob.end();
        ann.assert_hears("bye\r\n");
        cid.assert_hears("bye\r\n");
        assert_eq!(bob.hear_all(), b"");
        ann.say("still there?\n");
        cid.assert_hears("still there?\r\n");
    });
}

#[test]
fn a_line_over_the_limit_goes_nowhere() {
    on_each_adapter(|adapter| {
        let (_chat, address) = start(adapter);
        let (mut ann, mut bob) = (Peer::tcp(&address), Peer::tcp(&address));
        bob.say("x".repeat(4_097) + "\n" + &"y".repeat(4_096) + "\n");
        bob.assert_hears("ERR line too long\r\n");
        ann.assert_hears(&("y".repeat(4_096) + "\r\n"));
    });
}

#[test]
fn nc_ncat_and_socat_are_members() {
    on_each_adapter(|adapter| {
        let (_chat, address) = start(adapter);
        let mut ann = Peer::tcp(&address);
        let (host, port) = address.rsplit_once(':').unwrap();
        let mut members = Vec::new();
        for (tool, arguments) in [
            ("nc", vec!["-N".to_owned(), host.to_owned(), port.to_owned()]),
            ("ncat", vec![host.to_owned(), port.to_owned()]),
            // It waits half a second for the peer's end by default, which a busy machine may not keep.
            ("socat", vec!["-t".to_owned(), "30".to_owned(), "-".to_owned(), format!("TCP:{address}")]),
        ] {
            let Some(mut member) = Process::tool(tool, &arguments) else { continue };
            let line = format!("{tool} is here\n");
            member.write(&line);
            ann.assert_hears(&line.replace('\n', "\r\n"));
            members.push((member, line));
        }
        ann.say("hello, all\n");
        for (i, (member, _)) in members.iter().enumerate() {
            for (_, line) in &members[i + 1..] {
                assert_eq!(member.stdout.next().unwrap(), line.replace('\n', "\r\n"));
            }
            assert_eq!(member.stdout.next().unwrap(), "hello, all\r\n");
        }
        for (mut member, _) in members {
            member.close_stdin();
            let ended = member.end();
            ended.assert_well();
            assert_eq!(ended.stdout, "");
        }
    });
}

/// What the kernel holds for a peer that does not read is some megabytes, and then there are the chat's bounds: a reader
/// that is not dropped after this many rounds of 64 KiB never will be.
const ROUNDS_MAX: usize = 1_024;

#[test]
fn a_slow_reader_is_dropped_and_the_others_go_on() {
    on_each_adapter(|adapter| {
        let (chat, address) = start(adapter);
        let mut slow = Peer::tcp(&address);
        let (mut ann, mut bob) = (Peer::tcp(&address), Peer::tcp(&address));
        bob.say("bob is here\n");
        ann.assert_hears("bob is here\r\n");

        let line = "x".repeat(1_023) + "\n";
        let round = line.repeat(64);
        let mut rounds = (0..ROUNDS_MAX).map(|_| {
            ann.say(&round);
            // Bob hears each round to its end before the next, so he is never slow.
            for _ in 0..64 {
                bob.assert_hears(&line.replace('\n', "\r\n"));
            }
            chat.stderr.try_next()
        });
        let told = rounds.find_map(|told| told).expect("the slow reader was dropped");
        assert!(told.ends_with(": dropped, it reads too slowly\n"), "{told}");

        bob.say("bob again\n");
        ann.assert_hears("bob again\r\n");
        assert!(slow.is_reset());
    });
}

#[cfg(unix)]
mod unix {
    use super::start;
    use crate::on_each_adapter;
    use crate::peer::Peer;
    use crate::process::Process;

    /// A Unix socket holds some 200 KiB, so a part of this waits in the chat for certain; and all of it is within its
    /// bounds.
    #[test]
    fn ctrl_c_sends_what_waits() {
        on_each_adapter(|adapter| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("socket");
            let path = path.to_str().unwrap();
            let chat = Process::example("chat", &["--listen", &format!("unix:{path}"), "--adapter", adapter]);
            assert_eq!(chat.listening(), format!("unix:{path}"));
            let (mut late, mut bob, mut ann) = (Peer::unix(path), Peer::unix(path), Peer::unix(path));
            let line = "x".repeat(1_023) + "\n";
            for _ in 0..256 {
                ann.say(&line);
                // What Bob has heard, the late one has in the chat or in the kernel.
                bob.assert_hears(&line.replace('\n', "\r\n"));
            }
            chat.signal("INT");
            assert_eq!(late.hear_all(), line.replace('\n', "\r\n").repeat(256).as_bytes());
            drop((late, bob, ann));
            chat.end().assert_well();
        });
    }

    /// More than a Unix socket holds, and less than what makes a reader a slow one: closing has to wait for this one, but
    /// not for ever.
    #[test]
    fn a_member_that_does_not_read_does_not_keep_it_from_ending() {
        on_each_adapter(|adapter| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("socket");
            let path = path.to_str().unwrap();
            let chat = Process::example("chat", &["--listen", &format!("unix:{path}"), "--adapter", adapter]);
            assert_eq!(chat.listening(), format!("unix:{path}"));
            let (_deaf, mut bob, mut ann) = (Peer::unix(path), Peer::unix(path), Peer::unix(path));
            let line = "x".repeat(1_023) + "\n";
            for _ in 0..350 {
                ann.say(&line);
                bob.assert_hears(&line.replace('\n', "\r\n"));
            }
            chat.signal("INT");
            chat.end().assert_code(0);
        });
    }

    #[test]
    fn sigterm_ends_it_well() {
        on_each_adapter(|adapter| {
            let (chat, address) = start(adapter);
            let (mut ann, mut bob) = (Peer::tcp(&address), Peer::tcp(&address));
            // A connection that was not accepted yet would be refused.
            bob.say("bob is here\n");
            ann.assert_hears("bob is here\r\n");
            chat.signal("TERM");
            assert_eq!(ann.hear_all(), b"");
            assert_eq!(bob.hear_all(), b"");
            drop((ann, bob));
            chat.end().assert_well();
        });
    }
}
