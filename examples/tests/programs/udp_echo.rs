//! The datagram echo, as its peers see it.

use crate::on_each_adapter;
use crate::process::{PATIENCE, Process};
use std::io;
use std::net::UdpSocket;

/// How often a call is made again: a machine that is stopped more often meanwhile is of no use for tests.
const INTERRUPTIONS_MAX: usize = 100;

/// An echo on a port of its own, and its address.
fn start(adapter: &str, more: &[&str]) -> (Process, String) {
    let arguments = [&["--listen", "127.0.0.1:0", "--adapter", adapter], more].concat();
    let echo = Process::example("udp-echo", &arguments);
    let address = echo.listening();
    (echo, address)
}

/// A peer at that address of loopback.
fn peer_at(address: &str) -> UdpSocket {
    let peer = UdpSocket::bind(address).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer
}

/// Sends a message, and receives one.
fn ask(peer: &UdpSocket, echo: &str, message: &[u8]) -> Vec<u8> {
    through(|| peer.send_to(message, echo));
    hear(peer, echo)
}

/// A call of a socket that has a timeout, made again when it is interrupted: with one no call is restarted by the system,
/// also when the process was merely stopped and went on (signal(7)).
#[track_caller]
fn through<R>(mut call: impl FnMut() -> io::Result<R>) -> R {
    for _ in 0..INTERRUPTIONS_MAX {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            called => return called.unwrap(),
        }
    }
    panic!("it is interrupted again and again");
}

/// The next message, which has to be the echo's.
fn hear(peer: &UdpSocket, echo: &str) -> Vec<u8> {
    let mut answer = vec![0; 70_000];
    let (n, from) = through(|| peer.recv_from(&mut answer));
    assert_eq!(from.to_string(), echo);
    answer.truncate(n);
    answer
}

#[test]
fn datagrams_come_back_whole_and_empty_ones_empty() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &[]);
        let peer = peer_at("127.0.0.1:0");
        let longest = vec![b'x'; 65_507];
        for message in [&b"hello"[..], b"", b"two\nlines\n", b"\xff\0", &longest, b""] {
            assert!(ask(&peer, &address, message) == message, "{} bytes", message.len());
        }
    });
}

#[test]
fn a_burst_is_answered_in_order_and_each_sender_has_its_own() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &[]);
        let peers: Vec<_> = (0..5).map(|_| peer_at("127.0.0.1:0")).collect();
        for n in 0..20 {
            for (who, peer) in peers.iter().enumerate() {
                peer.send_to(format!("{n} of {who}").as_bytes(), &address).unwrap();
            }
        }
        for n in 0..20 {
            for (who, peer) in peers.iter().enumerate() {
                assert_eq!(hear(peer, &address), format!("{n} of {who}").as_bytes());
            }
        }
    });
}

#[test]
fn a_datagram_over_the_limit_is_told_and_not_cut() {
    on_each_adapter(|adapter| {
        let (echo, address) = start(adapter, &["--max-datagram", "8"]);
        let peer = peer_at("127.0.0.1:0");
        let name = peer.local_addr().unwrap();
        peer.send_to(b"123456789", &address).unwrap();
        assert_eq!(ask(&peer, &address, b"12345678"), b"12345678");
        assert_eq!(
            echo.stderr.next().unwrap(),
            format!("udp-echo: {name}: not echoed: longer than 8 bytes\n")
        );
        // Every one is counted, and ever fewer are told.
        for _ in 0..4 {
            peer.send_to(b"123456789", &address).unwrap();
        }
        assert_eq!(ask(&peer, &address, b"next"), b"next");
        for times in [2, 4] {
            let told = echo.stderr.next().unwrap();
            assert!(told.ends_with(&format!("longer than 8 bytes ({times} times by now)\n")), "{told}");
        }
        assert_eq!(echo.stderr.try_next(), None);
    });
}

#[test]
fn a_peer_that_is_gone_before_its_answer_ends_nothing() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &[]);
        let peer = peer_at("127.0.0.1:0");
        for n in 0..20 {
            // The answer meets a closed port, and the network says so (ICMP).
            let gone = peer_at("127.0.0.1:0");
            gone.send_to(b"farewell", &address).unwrap();
            drop(gone);
            let message = format!("still there? {n}");
            assert_eq!(ask(&peer, &address, message.as_bytes()), message.as_bytes());
        }
    });
}

/// Two echoes that answer each other never end: so nothing that may be of an echo is answered.
#[test]
fn another_echo_is_not_answered() {
    on_each_adapter(|adapter| {
        let (echo, address) = start(adapter, &[]);
        let port = address.rsplit_once(':').unwrap().1;
        let Ok(other) = UdpSocket::bind(format!("127.0.0.2:{port}")) else {
            println!("skipped: loopback has one address here");
            return;
        };
        other.send_to(b"hello, colleague", &address).unwrap();
        let told = echo.stderr.next().unwrap();
        let expected = format!("udp-echo: 127.0.0.2:{port}: not echoed: it says that an echo sent it\n");
        assert_eq!(told, expected);
        other.set_nonblocking(true).unwrap();
        let peer = peer_at("127.0.0.1:0");
        assert_eq!(ask(&peer, &address, b"next"), b"next");
        assert!(other.recv(&mut [0; 8]).is_err(), "it was answered, before the next one");
    });
}

#[test]
fn nc_and_socat_talk_to_it() {
    on_each_adapter(|adapter| {
        let (_echo, address) = start(adapter, &[]);
        let (host, port) = address.rsplit_once(':').unwrap();
        let udp = format!("UDP:{address}");
        for (tool, arguments) in [("nc", &["-u", host, port][..]), ("socat", &["-", &udp])] {
            let Some(mut tool) = Process::tool(tool, arguments) else { continue };
            for line in ["one\n", "two\n"] {
                // Each is a datagram of its own, since it is not written before the last one is back.
                tool.write(line);
                assert_eq!(tool.stdout.next().unwrap(), line);
            }
        }
    });
}

#[cfg(unix)]
mod unix {
    use super::{ask, peer_at, start, through};
    use crate::on_each_adapter;
    use crate::process::{PATIENCE, Process};
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;

    /// An echo at a path, and a folder for its peers.
    fn start_unix(adapter: &str) -> (Process, tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("echo").to_str().unwrap().to_owned();
        let echo = Process::example("udp-echo", &["--listen", &format!("unix:{path}"), "--adapter", adapter]);
        assert_eq!(echo.listening(), format!("unix:{path}"));
        (echo, folder, path)
    }

    fn bound(path: &Path) -> UnixDatagram {
        let peer = UnixDatagram::bind(path).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer.set_write_timeout(Some(PATIENCE)).unwrap();
        peer
    }

    fn assert_answers(peer: &UnixDatagram, echo: &str, message: &[u8]) {
        through(|| peer.send_to(message, echo));
        let mut answer = [0; 100];
        let (n, from) = through(|| peer.recv_from(&mut answer));
        assert_eq!((&answer[..n], from.as_pathname()), (message, Some(Path::new(echo))));
    }

    #[test]
    fn unix_datagrams_come_back_where_there_is_a_name_to_answer_to() {
        on_each_adapter(|adapter| {
            let (echo, folder, path) = start_unix(adapter);
            let peer = bound(&folder.path().join("peer"));
            for message in [&b"hello"[..], b"", b"again"] {
                assert_answers(&peer, &path, message);
            }
            UnixDatagram::unbound().unwrap().send_to(b"from nobody", &path).unwrap();
            let told = echo.stderr.next().unwrap();
            assert!(told.ends_with("not echoed: the sender has no name to answer to\n"), "{told}");
            // A name that is gone cannot be answered either, and costs the others nothing.
            let gone = folder.path().join("gone");
            let nameless = bound(&gone);
            std::fs::remove_file(&gone).unwrap();
            nameless.send_to(b"from the past", &path).unwrap();
            assert_answers(&peer, &path, b"still there?");
            let told = echo.stderr.next().unwrap();
            let expected = format!("udp-echo: unix:{}: the answer is lost: ", gone.display());
            assert!(told.starts_with(&expected), "{told}");
            echo.signal("TERM");
            let ended = echo.end();
            ended.assert_code(0);
            assert!(!Path::new(&path).exists(), "the file is left behind");
        });
    }

    /// A full queue of one peer's is no reason for others to wait.
    #[test]
    fn a_peer_that_does_not_read_holds_nobody_up() {
        on_each_adapter(|adapter| {
            let (echo, folder, path) = start_unix(adapter);
            let silent = bound(&folder.path().join("silent"));
            // No queue of Unix datagrams holds so many (net.unix.max_dgram_qlen, unix(7)).
            for n in 0..2_000_u32 {
                through(|| silent.send_to(&n.to_le_bytes(), &path));
                if let Some(told) = echo.stderr.try_next() {
                    assert!(told.contains("the answer is lost: "), "{told}");
                    let peer = bound(&folder.path().join("peer"));
                    assert_answers(&peer, &path, b"and me?");
                    return;
                }
            }
            panic!("the queue of a peer that does not read is endless");
        });
    }

    #[test]
    fn socat_talks_to_it_over_a_unix_socket() {
        on_each_adapter(|adapter| {
            let (_echo, folder, path) = start_unix(adapter);
            let to = format!("UNIX-SENDTO:{path},bind={}", folder.path().join("socat").display());
            let Some(mut tool) = Process::tool("socat", &["-", &to]) else { return };
            tool.write("one\n");
            assert_eq!(tool.stdout.next().unwrap(), "one\n");
        });
    }

    #[test]
    fn ctrl_c_and_sigterm_end_it_well_and_it_says_what_it_did() {
        on_each_adapter(|adapter| {
            for signal in ["INT", "TERM"] {
                let (echo, address) = start(adapter, &["--max-datagram", "8"]);
                let peer = peer_at("127.0.0.1:0");
                peer.send_to(b"much too long", &address).unwrap();
                assert_eq!(ask(&peer, &address, b"hello"), b"hello");
                assert_eq!(ask(&peer, &address, b""), b"");
                echo.signal(signal);
                let ended = echo.end();
                ended.assert_code(0);
                let counts = "echoed 2 datagrams, 5 bytes; 1 truncated, 0 not to be answered, 0 lost\n";
                assert_eq!(ended.stdout, counts);
            }
        });
    }
}
