//! The TLS client, against servers of std's sockets and rustls' own connections that keep to a script, against `openssl`
//! and against echo.

use crate::on_each_adapter;
use crate::process::{PATIENCE, Process};
use crate::smtp::Sink;
use asyncnet_conformance::pki::{self, Leaf, Root, Version};
use asyncnet_driver::tls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// What a server does before TLS.
#[derive(Clone, Copy)]
enum Step {
    Say(&'static str),
    /// These bytes and no others have to come.
    Hear(&'static str),
}
use Step::{Hear, Say};

const STREAM: &str = "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' \
                      xmlns:stream='http://etherx.jabber.org/streams'>";
const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const SSL_REQUEST: &str = "\0\0\0\x08\x04\u{d2}\x16/";

/// Each protocol: how it comes to the server's last word, the consent, and a refusal.
const PROTOCOLS: [(&str, &[Step], &str, &str); 7] = [
    (
        "smtp",
        &[
            Say("220-mail.example\r\n220 ready\r\n"),
            Hear("EHLO [127.0.0.1]\r\n"),
            Say("250-mail.example\r\n250-PIPELINING\r\n250 starttls\r\n"),
            Hear("STARTTLS\r\n"),
        ],
        "220 go ahead\r\n",
        "454 not now\r\n",
    ),
    (
        "imap",
        &[
            Say("* OK [CAPABILITY IMAP4rev1] ready\r\n"),
            Hear("a1 CAPABILITY\r\n"),
            Say("* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n"),
            Hear("a2 STARTTLS\r\n"),
        ],
        "a2 OK begin\r\n",
        "a2 NO not now\r\n",
    ),
    (
        "pop3",
        &[Say("+OK ready\r\n"), Hear("CAPA\r\n"), Say("+OK\r\nTOP\r\nSTLS\r\n.\r\n"), Hear("STLS\r\n")],
        "+OK begin\r\n",
        "-ERR not now\r\n",
    ),
    (
        "ftp",
        &[Say("120 soon\r\n220-welcome\r\n to all\r\n220 ready\r\n"), Hear("AUTH TLS\r\n")],
        "234 begin\r\n",
        "534 not now\r\n",
    ),
    (
        "nntp",
        &[
            Say("201 ready\r\n"),
            Hear("CAPABILITIES\r\n"),
            Say("101 these\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"),
            Hear("STARTTLS\r\n"),
        ],
        "382 begin\r\n",
        "580 not now\r\n",
    ),
    (
        "xmpp",
        &[
            Hear(STREAM),
            Say("<?xml version='1.0'?><stream:stream from='a>b' id='1' version='1.0' xmlns='jabber:client' \
                 xmlns:stream='http://etherx.jabber.org/streams'>\n<stream:features><starttls \
                 xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"),
            Hear(STARTTLS),
        ],
        "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>",
    ),
    ("postgres", &[Hear(SSL_REQUEST)], "S", "N"),
];

/// A server for one connection, and what comes of it: the bytes behind the script, to the client's end.
fn serve(
    steps: Vec<Step>,
    end: impl FnOnce(TcpStream) -> Vec<u8> + Send + 'static,
) -> (String, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let thread = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        for step in steps {
            match step {
                Say(text) => socket.write_all(text.as_bytes()).unwrap(),
                Hear(text) => {
                    // One byte for each character: a request may be no text.
                    let expected: Vec<_> =
                        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
                    let mut heard = vec![0; expected.len()];
                    socket.read_exact(&mut heard).unwrap();
                    assert_eq!(heard.escape_ascii().to_string(), expected.escape_ascii().to_string());
                }
            }
        }
        end(socket)
    });
    (address, thread)
}

/// Everything to the client's end, in plaintext.
fn listen(mut socket: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A client that was answered after it had gone ends with a reset.
    socket.read_to_end(&mut all).ok();
    all
}

/// Over TLS: takes everything to the client's end, answers with `answer`, and ends, with `close_notify` or without.
fn answer(
    config: Arc<ServerConfig>,
    answer: Vec<u8>,
    is_clean: bool,
) -> impl FnOnce(TcpStream) -> Vec<u8> + Send {
    move |socket| {
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
        let mut all = Vec::new();
        // A client that does not like the certificate says so with an alert.
        if stream.read_to_end(&mut all).is_ok() {
            stream.write_all(&answer).unwrap();
            if is_clean {
                stream.conn.send_close_notify();
            }
            stream.flush().unwrap();
        }
        all
    }
}

fn with_last(steps: &[Step], last: &'static str) -> Vec<Step> {
    [steps, &[Say(last)]].concat()
}

/// Runs it with this on stdin, which is given as bytes; so is what it writes.
fn s_client(address: &str, adapter: &str, more: &[&str], stdin: Vec<u8>) -> Output {
    let mut command = Command::new(Process::path("s-client"));
    command.arg(address).args(["--adapter", adapter]).args(more);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // One that has ended takes nothing any more.
    thread::spawn(move || pipe.write_all(&stdin).ok());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn assert_ends(output: &Output, status: i32, because: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(stderr.contains(because), "{stderr}");
}

fn ca(folder: &Path, root: Root) -> String {
    root.write_to(folder).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn each_protocol_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let ca = ca(folder.path(), Root::Ca);
    on_each_adapter(|adapter| {
        for (protocol, steps, consent, _) in PROTOCOLS {
            let end = answer(pki::server(Version::Both), b"over TLS".to_vec(), true);
            let (address, server) = serve(with_last(steps, consent), end);
            let output =
                s_client(&address, adapter, &["--starttls", protocol, "--ca", &ca], b"hello\n".to_vec());
            assert_ends(&output, 0, "\nversion: TLSv1.3\n");
            assert_eq!(output.stdout, b"over TLS", "{protocol}");
            assert_eq!(server.join().unwrap(), b"hello\n", "{protocol}");
        }
    });
}

#[test]
fn a_refusal_ends_it_and_nothing_more_is_sent() {
    on_each_adapter(|adapter| {
        for (protocol, steps, _, refusal) in PROTOCOLS {
            let (address, server) = serve(with_last(steps, refusal), listen);
            let output = s_client(&address, adapter, &["--starttls", protocol], b"secret".to_vec());
            assert_ends(&output, 3, "the server refused to speak TLS: ");
            assert_eq!((output.stdout, server.join().unwrap()), (vec![], vec![]), "{protocol}");
        }
    });
}

#[test]
fn what_is_injected_behind_the_consent_is_refused() {
    on_each_adapter(|adapter| {
        for (protocol, steps, consent, _) in PROTOCOLS {
            let injected = format!("{consent}250 all yours\r\n").leak();
            let (address, server) = serve(with_last(steps, injected), listen);
            let output = s_client(&address, adapter, &["--starttls", protocol], b"secret".to_vec());
            assert_ends(&output, 3, "15 bytes");
            assert_eq!((output.stdout, server.join().unwrap()), (vec![], vec![]), "{protocol}");
        }
    });
}

#[test]
fn a_server_that_strips_the_offer_is_left() {
    let cases: [(&str, &[Step]); 5] = [
        (
            "smtp",
            &[Say("220 a\r\n"), Hear("EHLO [127.0.0.1]\r\n"), Say("250-a STARTTLS\r\n250 XSTARTTLS\r\n")],
        ),
        (
            "imap",
            &[Say("* OK a\r\n"), Hear("a1 CAPABILITY\r\n"), Say("* CAPABILITY IMAP4rev1\r\na1 OK b\r\n")],
        ),
        ("pop3", &[Say("+OK a\r\n"), Hear("CAPA\r\n"), Say("+OK\r\nTOP\r\n.\r\n")]),
        ("nntp", &[Say("200 a\r\n"), Hear("CAPABILITIES\r\n"), Say("101 b\r\nVERSION 2\r\n.\r\n")]),
        ("xmpp", &[Hear(STREAM), Say("<stream:stream><stream:features><sasl/></stream:features>")]),
    ];
    on_each_adapter(|adapter| {
        for (protocol, steps) in cases {
            let (address, server) = serve(steps.to_vec(), listen);
            let output = s_client(&address, adapter, &["--starttls", protocol], b"secret".to_vec());
            assert_ends(&output, 3, "the server does not offer TLS");
            assert_eq!(server.join().unwrap(), b"", "{protocol}");
        }
    });
}

#[test]
fn a_server_that_does_not_keep_to_the_protocol_is_left() {
    let long: &str = "220-more\r\n".repeat(300).leak();
    let wide: &str = "x".repeat(9_000).leak();
    on_each_adapter(|adapter| {
        for (protocol, said, because) in [
            ("smtp", "554 no mail here\r\n", "refused to speak TLS: \"554 no mail here\""),
            ("smtp", "HTTP/1.1 400 Bad\r\n", "does not keep to the protocol: \"HTTP/1.1 400 Bad\""),
            ("smtp", long, "talks too long"),
            ("ftp", long, "talks too long"),
            ("pop3", wide, "talks too long"),
            ("xmpp", wide, "talks too long"),
            ("imap", "* PREAUTH welcome\r\n", "refused to speak TLS: \"* PREAUTH welcome\""),
            ("pop3", "+OKAY\x1b[2J\r\n", "\"+OKAY?[2J\""),
            ("postgres", "E", "does not keep to the protocol"),
        ] {
            let (address, server) = serve(vec![Say(said)], listen);
            let output = s_client(&address, adapter, &["--starttls", protocol], vec![]);
            assert_ends(&output, 3, because);
            server.join().unwrap();
        }
        // The connection's fault, not the server's words.
        let (address, server) = serve(vec![Say("220-half a repl")], |socket| {
            drop(socket);
            vec![]
        });
        let output = s_client(&address, adapter, &["--starttls", "smtp"], vec![]);
        assert_ends(&output, 1, "ended the connection before TLS");
        server.join().unwrap();
    });
}

#[test]
fn a_silent_server_is_left() {
    on_each_adapter(|adapter| {
        let (address, server) = serve(vec![], listen);
        let output = s_client(&address, adapter, &["--starttls", "nntp", "--timeout", "1"], vec![]);
        assert_ends(&output, 1, "not speaking TLS after 1 s");
        assert_eq!(server.join().unwrap(), b"");
    });
}

#[test]
fn a_certificate_that_is_not_good_has_its_own_status() {
    let folder = tempfile::tempdir().unwrap();
    let (good, other) = (ca(folder.path(), Root::Ca), ca(folder.path(), Root::UnknownCa));
    on_each_adapter(|adapter| {
        for (leaf, arguments, status) in [
            (Leaf::Localhost, &["--ca", &good][..], 0),
            (Leaf::Localhost, &["--ca", &other], 4),
            (Leaf::WrongName, &["--ca", &good], 4),
            (Leaf::Expired, &["--ca", &good], 4),
            (Leaf::Localhost, &["--ca", &good, "--server-name", "other.example"], 4),
            (Leaf::Expired, &["--insecure"], 0),
        ] {
            let config = pki::ServerSetup { leaf, ..pki::ServerSetup::new(Version::Both) }.config();
            let (address, server) = serve(vec![], answer(config, vec![], true));
            let output = s_client(&address, adapter, arguments, vec![]);
            let told = match (leaf, status) {
                (Leaf::Expired, 0) => "Z (EXPIRED)\n",
                (_, 0) => "\n  names: localhost, 127.0.0.1, ::1\n",
                _ => "certificate",
            };
            assert_ends(&output, status, told);
            assert_eq!(server.join().unwrap(), b"");
        }
    });
}

#[test]
fn bytes_go_both_ways_whole_and_the_end_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let ca = ca(folder.path(), Root::Ca);
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    let back: Vec<u8> = sent.iter().rev().map(|byte| !byte).collect();
    on_each_adapter(|adapter| {
        for version in Version::EACH {
            // The server says nothing before the client's end.
            let (address, server) = serve(vec![], answer(pki::server(version), back.clone(), true));
            let output = s_client(&address, adapter, &["--ca", &ca], sent.clone());
            assert_ends(&output, 0, "");
            assert!(server.join().unwrap() == sent && output.stdout == back);
        }
    });
}

#[test]
fn what_waits_for_stdout_is_written_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let ca = ca(folder.path(), Root::Ca);
    // A pipe, a piece that is being written and one that waits: all of it has left the stream before anybody reads.
    let answered: Vec<u8> = (0..150_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    on_each_adapter(|adapter| {
        let (address, server) = serve(vec![], answer(pki::server(Version::Both), answered.clone(), true));
        let mut command = Command::new(Process::path("s-client"));
        command.args([&address, "--ca", &ca, "--adapter", adapter]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        server.join().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_ends(&output, 0, "");
        assert!(output.stdout == answered, "{} bytes", output.stdout.len());
    });
}

#[test]
fn stdout_that_is_closed_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let ca = ca(folder.path(), Root::Ca);
    on_each_adapter(|adapter| {
        let (address, server) = serve(vec![], answer(pki::server(Version::Both), vec![7; 150_000], true));
        let mut command = Command::new(Process::path("s-client"));
        command.args([&address, "--ca", &ca, "--adapter", adapter]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        // The server answers at its end.
        drop(child.stdin.take());
        assert_ends(&child.wait_with_output().unwrap(), 1, "cannot write to stdout: ");
        server.join().ok();
    });
}

#[test]
fn a_cut_stream_is_told_and_what_came_before_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let ca = ca(folder.path(), Root::Ca);
    on_each_adapter(|adapter| {
        let end = answer(pki::server(Version::Both), b"half of wh".to_vec(), false);
        let (address, server) = serve(vec![], end);
        let output = s_client(&address, adapter, &["--ca", &ca], vec![]);
        assert_ends(&output, 1, "the TLS stream was cut");
        assert_eq!(output.stdout, b"half of wh");
        server.join().unwrap();
    });
}

#[test]
fn a_server_in_plaintext_is_told() {
    on_each_adapter(|adapter| {
        let (address, server) = serve(vec![Say("220 ready\r\n")], listen);
        let output = s_client(&address, adapter, &[], b"secret".to_vec());
        assert_ends(&output, 1, "the peer does not speak TLS");
        // The ClientHello, and an alert: no text.
        assert_eq!(server.join().unwrap()[..2], [22, 3]);
    });
}

#[test]
fn it_talks_to_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let ca = ca(folder.path(), Root::Ca);
    let files = Leaf::Localhost.identity().write_to(folder.path()).unwrap();
    let (cert, key) = (files.chain.to_str().unwrap(), files.key.to_str().unwrap());
    on_each_adapter(|adapter| {
        for version in ["-tls1_2", "-tls1_3"] {
            let common = ["s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key, "-alpn", "b"];
            let Some(server) = Process::tool("openssl", &[&common[..], &["-rev", version]].concat()) else {
                return;
            };
            let address = loop {
                let line = server.stdout.next().expect("it says where it listens");
                if let Some(address) = line.strip_prefix("ACCEPT ") {
                    break address.trim_end().to_owned();
                }
            };
            let arguments =
                [&address, "--server-name", "localhost", "--ca", &ca, "--alpn", "a", "--alpn", "b"];
            let mut client =
                Process::example("s-client", &[&arguments[..], &["--adapter", adapter]].concat());
            client.write("one two\n");
            assert_eq!(client.stdout.next().unwrap(), "owt eno\n");
            let told: Vec<_> = (0..7).map(|_| client.stderr.next().unwrap()).collect();
            assert_eq!(told[1], format!("version: TLSv1.{}\n", &version[6..]));
            assert_eq!(told[4..], ["ALPN: b\n", "server name: localhost\n", "resumed: no\n"]);
            client.close_stdin();
            client.end().assert_code(0);
        }
    });
}

#[test]
fn it_talks_to_echo() {
    on_each_adapter(|adapter| {
        let echo = Process::example("echo", &["--listen", "127.0.0.1:0", "--self-signed"]);
        let address = echo.listening();
        let mut client = Process::example("s-client", &[&address, "--insecure", "--adapter", adapter]);
        assert!(client.stderr.next().unwrap().contains("WARNING"));
        client.write("one\ntwo");
        assert_eq!(client.stdout.next().unwrap(), "one\n");
        client.close_stdin();
        let ended = client.end();
        ended.assert_code(0);
        assert_eq!(ended.stdout, "two");

        let refused = Process::example("s-client", &[&address, "--adapter", adapter]).end();
        refused.assert_code(4);
    });
}

#[test]
fn it_talks_to_our_own_mail_sink() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let (address, ca) = (format!("localhost:{}", sink.port()), sink.ca());
        let arguments = ["--starttls", "smtp", "--ca", &ca];
        let output = s_client(&address, adapter, &arguments, b"EHLO [127.0.0.1]\r\nQUIT\r\n".to_vec());
        assert_ends(&output, 0, "\nserver name: localhost\n");
        let said = String::from_utf8(output.stdout).unwrap();
        // Over TLS it is not offered any more.
        assert!(
            said.starts_with("250-") && said.contains("\r\n221 ") && !said.contains("STARTTLS"),
            "{said}"
        );
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_interrupts_it() {
    on_each_adapter(|adapter| {
        let echo = Process::example("echo", &["--listen", "127.0.0.1:0", "--self-signed"]);
        let mut client =
            Process::example("s-client", &[&echo.listening(), "--insecure", "--adapter", adapter]);
        client.write("one\n");
        assert_eq!(client.stdout.next().unwrap(), "one\n");
        client.signal("INT");
        client.end().assert_code(130);
    });
}
