//! The echo, as its peers see it.

use crate::on_each_adapter;
use crate::peer::Peer;
use crate::process::Process;
use std::io::{self, Write};
use std::net::TcpStream;
use std::thread;

/// An echo server on a port of its own, and the port's address.
fn start(adapter: &str, more: &[&str]) -> (Process, String) {
    let arguments = [&["--listen", "127.0.0.1:0", "--adapter", adapter], more].concat();
    let echo = Process::example("echo", &arguments);
    let address = echo.listening();
    (echo, address)
}

#[test]
fn lines_come_back_as_they_were_sent() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &[]);
        for text in [
            &b"CR LF\r\nLF\n\r\n\nand no line end"[..],
            b"a CR \r in the middle, and two \r\r\nat the end\r\r\n",
            b"\xff is not UTF-8, \0 no end\n",
            b"\r\n",
            b"\r",
            b"",
        ] {
            let mut peer = Peer::tcp(&address);
            peer.say(text);
            peer.end();
            assert_eq!(peer.hear_all(), text, "{}", text.escape_ascii());
        }
    });
}

#[test]
fn a_line_over_the_limit_is_answered_and_the_dialogue_goes_on() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &["--max-line", "8"]);
        let mut peer = Peer::tcp(&address);
        peer.say("12345678\r\n123456789\r\nnext\r\n");
        peer.assert_hears("12345678\r\n");
        peer.assert_hears("ERR line too long\r\n");
        peer.assert_hears("next\r\n");
        // The peer's own line ends, as far as they are known.
        peer.say("for nc\n");
        peer.assert_hears("for nc\n");
        peer.say("x".repeat(1_000_000));
        peer.assert_hears("ERR line too long\n");
        peer.say("\n1 2 3\n");
        peer.assert_hears("1 2 3\n");
    });
}

#[test]
fn the_longest_lines_come_back_too() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &["--max-line", "1000000"]);
        let mut peer = Peer::tcp(&address);
        let mut mouth = peer.mouth();
        let line = "x".repeat(1_000_000) + "\r\n";
        let said = line.clone();
        let saying = thread::spawn(move || (0..5).for_each(|_| mouth.say(&said)));
        for _ in 0..5 {
            assert!(peer.hear() == line);
        }
        saying.join().unwrap();
    });
}

#[test]
fn connections_do_not_wait_for_each_other() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &[]);
        let mut peers: Vec<_> = (0..100).map(|_| Peer::tcp(&address)).collect();
        for (i, peer) in peers.iter_mut().enumerate() {
            peer.say(format!("half of line {i}"));
        }
        for (i, peer) in peers.iter_mut().enumerate().rev() {
            peer.say(", and the rest\n");
            peer.assert_hears(&format!("half of line {i}, and the rest\n"));
        }
    });
}

/// What to run, and its arguments before HOST and PORT, or before PATH.
const TOOLS: [(&str, &[&str], &[&str]); 3] = [
    ("nc", &["-N", "127.0.0.1", "PORT"], &["-N", "-U", "PATH"]),
    ("ncat", &["127.0.0.1", "PORT"], &["-U", "PATH"]),
    // It waits half a second for the peer's end by default, which a busy machine may not keep.
    ("socat", &["-t", "30", "-", "TCP:127.0.0.1:PORT"], &["-t", "30", "-", "UNIX-CONNECT:PATH"]),
];

fn check_tool(tool: &str, arguments: &[&str], port: &str, path: &str) {
    let arguments: Vec<_> = arguments.iter().map(|a| a.replace("PORT", port).replace("PATH", path)).collect();
    let Some(mut tool) = Process::tool(tool, &arguments) else { return };
    tool.write("one\ntwo\n");
    assert_eq!(tool.stdout.next().unwrap(), "one\n");
    assert_eq!(tool.stdout.next().unwrap(), "two\n");
    tool.write("a line much longer than its limit\nthree");
    assert_eq!(tool.stdout.next().unwrap(), "ERR line too long\n");
    tool.close_stdin();
    let ended = tool.end();
    ended.assert_well();
    assert_eq!(ended.stdout, "three");
}

#[test]
fn nc_ncat_and_socat_talk_to_it() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &["--max-line", "16"]);
        let port = address.rsplit_once(':').unwrap().1;
        for (tool, over_tcp, _) in TOOLS {
            check_tool(tool, over_tcp, port, "");
        }
    });
}

#[cfg(unix)]
mod unix {
    use super::{TOOLS, check_tool, start};
    use crate::on_each_adapter;
    use crate::peer::Peer;
    use std::path::Path;

    #[test]
    fn a_unix_socket_is_served_as_well() {
        on_each_adapter(|adapter| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("socket");
            let path = path.to_str().unwrap();
            let (echo, address) = start(adapter, &["--unix", path, "--max-line", "16"]);
            assert_eq!(echo.listening(), format!("unix:{path}"));
            let (mut near, mut far) = (Peer::unix(path), Peer::tcp(&address));
            near.say("near\n");
            far.say("far\n");
            near.assert_hears("near\n");
            far.assert_hears("far\n");
            for (tool, _, over_unix) in TOOLS {
                check_tool(tool, over_unix, "", path);
            }
            drop((near, far));
            echo.signal("INT");
            echo.end().assert_well();
            assert!(!Path::new(path).exists(), "the file is left behind");
        });
    }

    #[test]
    fn ctrl_c_and_sigterm_end_it_well() {
        on_each_adapter(|adapter| {
            for signal in ["INT", "TERM"] {
                let (echo, address) = start(adapter, &[]);
                // The first to connect is the first to be accepted, so it has been when the second is answered.
                let (mut silent, mut peer) = (Peer::tcp(&address), Peer::tcp(&address));
                peer.say("one\ntwo\nhalf of thr");
                // Both answers are in one write, so the second is on its way when the first is here.
                peer.assert_hears("one\n");
                echo.signal(signal);
                assert_eq!(peer.hear_all(), b"two\n");
                assert_eq!(silent.hear_all(), b"");
                drop((peer, silent));
                echo.end().assert_well();
            }
        });
    }
}

#[test]
fn a_lost_connection_is_told_and_survived() {
    on_each_adapter(|adapter| {
        let (echo, address) = start(adapter, &[]);
        let lost = TcpStream::connect(&address).unwrap();
        let name = lost.local_addr().unwrap();
        socket2::SockRef::from(&lost).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(lost);
        let told = echo.stderr.next().unwrap();
        assert!(told.starts_with(&format!("echo: {name}: read: ")), "{told}");
        let mut peer = Peer::tcp(&address);
        peer.say("still there?\n");
        peer.assert_hears("still there?\n");
    });
}

/// A peer that always has something to say, and reads the answers, is served without ever being waited for.
#[test]
fn a_flood_does_not_keep_others_waiting() {
    on_each_adapter(|adapter| {
        let (echo, address) = start(adapter, &[]);
        let flood = TcpStream::connect(&address).unwrap();
        let (mut from, mut to) = (flood.try_clone().unwrap(), flood);
        let writing = thread::spawn(move || while to.write_all(&b"y\n".repeat(32_768)).is_ok() {});
        let reading = thread::spawn(move || io::copy(&mut from, &mut io::sink()).ok());
        for _ in 0..20 {
            let mut peer = Peer::tcp(&address);
            peer.say("me too\n");
            peer.assert_hears("me too\n");
        }
        // Both threads end with the connection.
        drop(echo);
        writing.join().unwrap();
        reading.join().unwrap();
    });
}
