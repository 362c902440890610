//! What a wrong command line, and a right one that cannot be followed, get for an answer.

use crate::on_each_adapter;
use crate::process::{Ended, Process};
use std::net::{TcpListener, UdpSocket};

fn run(program: &str, arguments: &[&str]) -> Ended {
    Process::example(program, arguments).end()
}

#[track_caller]
fn assert_refused(program: &str, arguments: &[&str], because: &str) {
    let ended = run(program, arguments);
    ended.assert_code(2);
    assert!(ended.stderr.contains(because), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn help_tells_options_and_exit_status() {
    for program in
        ["tour", "echo", "chat", "http-get", "s-client", "smtp", "smtp-send", "tls-proxy", "udp-echo"]
    {
        let ended = run(program, &["--help"]);
        ended.assert_well();
        for word in ["Usage:", "--adapter", "tokio", "smol", "Exit status: 0"] {
            assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
        }
    }
}

#[test]
fn a_wrong_command_line_is_refused_with_status_2() {
    for (program, arguments, because) in [
        ("tour", &["now"][..], "unexpected argument 'now'"),
        ("tour", &["--adapter", "libuv"], "[possible values: tokio, smol]"),
        ("echo", &[], "--listen <ADDR>"),
        ("echo", &["--listen", "here"], "address \"here\": the port is missing"),
        ("echo", &["--listen", "::1:7"], "an IPv6 address needs brackets"),
        ("echo", &["--listen", "127.0.0.1:0", "--max-line", "0"], "0 is not in 1..=1000000"),
        ("echo", &["--listen", "127.0.0.1:0", "--max-line", "long"], "'long' for '--max-line <N>'"),
        ("chat", &[], "--listen <ADDR>"),
        ("chat", &["--listen", "127.0.0.1:99999"], "the port is not a number from 0 to 65535"),
        ("s-client", &[], "<HOST:PORT>"),
        (
            "s-client",
            &["localhost:25", "--starttls", "gopher"],
            "[possible values: smtp, imap, pop3, ftp, nntp, xmpp,",
        ),
        ("smtp", &[], "--maildir <DIR>"),
        ("smtp", &["--listen", ":0", "--maildir", "d", "--max-size", "0"], "0 is not in 1..=1000000000000"),
        (
            "smtp",
            &["--listen", ":0", "--maildir", "d", "--hostname", "a b"],
            "neither a domain nor an address",
        ),
        ("smtp-send", &["--server", "a:25", "--from", "a@b", "m"], "--to <ADDRESS>"),
        ("smtp-send", &["--server", "a:25", "--from", "a", "--to", "a@b", "m"], "no address of a mailbox"),
        ("smtp-send", &["--server", "a:25", "--starttls", "maybe"], "[possible values: required, off]"),
        ("tls-proxy", &["--listen", ":0"], "--backend <BACKEND>"),
        ("tls-proxy", &["--listen", ":0", "--to-tls", "a:1", "--backend", "b:1"], "cannot be used with"),
        (
            "tls-proxy",
            &["--listen", ":0", "--cert", "c", "--key", "k", "--backend", "b:1", "--sni", "a"],
            "it has the form NAME=VALUE",
        ),
        ("udp-echo", &[], "--listen <ADDR>"),
        ("udp-echo", &["--listen", "127.0.0.1:0", "--max-datagram", "0"], "0 is not in 1..=65535"),
    ] {
        assert_refused(program, arguments, because);
    }
}

#[test]
fn an_address_that_cannot_be_had_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    on_each_adapter(|adapter| {
        for program in ["echo", "chat"] {
            // 192.0.2.0/24 is for documentation (RFC 5737): no machine has an address in it.
            for (address, because) in [(&taken[..], "in use"), ("192.0.2.1:7", "assign")] {
                let ended = run(program, &["--listen", address, "--adapter", adapter]);
                ended.assert_code(1);
                let named = format!("{program}: cannot listen on {address}: ");
                assert!(ended.stderr.starts_with(&named), "{}", ended.stderr);
                assert!(ended.stderr.contains(because), "{}", ended.stderr);
                assert_eq!(ended.stderr.lines().count(), 1);
                assert_eq!(ended.stdout, "");
            }
        }
    });
}

#[test]
fn a_datagram_address_that_cannot_be_had_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    on_each_adapter(|adapter| {
        let ended = run("udp-echo", &["--listen", &taken, "--adapter", adapter]);
        ended.assert_code(1);
        assert!(ended.stderr.starts_with(&format!("udp-echo: cannot bind to {taken}: ")), "{}", ended.stderr);
        assert!(ended.stderr.contains("in use"), "{}", ended.stderr);
        assert_eq!((ended.stderr.lines().count(), &ended.stdout[..]), (1, ""));
    });
}

#[cfg(unix)]
#[test]
fn a_unix_socket_in_the_way_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _taken = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let path = path.to_str().unwrap();
    on_each_adapter(|adapter| {
        let ended = run("echo", &["--listen", "127.0.0.1:0", "--unix", path, "--adapter", adapter]);
        ended.assert_code(1);
        assert!(
            ended.stderr.starts_with(&format!("echo: cannot listen on unix:{path}: ")),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains("remove the file"), "{}", ended.stderr);
        std::os::unix::net::UnixStream::connect(path).unwrap();
    });
}

#[test]
fn all_interfaces_and_names_can_be_listened_on() {
    on_each_adapter(|adapter| {
        for address in [":0", "*:0", "localhost:0", "127.0.0.1:0"] {
            let echo = Process::example("echo", &["--listen", address, "--adapter", adapter]);
            let port = echo.listening().rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
            assert_ne!(port, 0);
            std::net::TcpStream::connect(("localhost", port)).unwrap();
        }
    });
}
