//! The client that sends mail: to the sink, and to servers that mean it no good.

use crate::on_each_adapter;
use crate::process::{Ended, PATIENCE, Process};
use crate::smtp::{Sink, text};
use asyncnet_conformance::pki::{self, Leaf, Root, Version};
use asyncnet_driver::tls::rustls::{ServerConnection, StreamOwned};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

/// A server that says what a test has written down: the greeting, then one answer to each line, or to the end of a message.
struct Scripted {
    address: String,
    heard: JoinHandle<io::Result<Vec<String>>>,
}

impl Scripted {
    fn start(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = answers.iter().map(|&answer| answer.to_owned()).collect();
        Self { address, heard: thread::spawn(move || serve(&listener.accept()?.0, answers)) }
    }

    /// What the client said until it hung up.
    fn heard(self) -> Vec<String> {
        self.heard.join().unwrap().unwrap()
    }
}

fn serve(mut socket: &TcpStream, answers: Vec<String>) -> io::Result<Vec<String>> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(socket).split(b'\n');
    let (mut heard, mut is_data) = (Vec::new(), false);
    let mut answers = answers.into_iter();
    loop {
        if !is_data {
            // Without an answer it hangs up: what was said is all there was to say.
            let Some(answer) = answers.next() else { return Ok(heard) };
            // A client that refuses what it hears may be gone.
            if socket.write_all(answer.as_bytes()).is_err() {
                return Ok(heard);
            }
            is_data = answer.starts_with("354");
        }
        // What is no text is the beginning of TLS, or a reset.
        let Some(Ok(line)) = lines.next() else { return Ok(heard) };
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        is_data &= line != ".";
        heard.push(line);
    }
}

/// A folder with a message in a file.
fn message(content: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("message");
    fs::write(&path, content).unwrap();
    let path = text(&path);
    (folder, path)
}

fn client(adapter: &str, server: &str, more: &[&str]) -> Process {
    let common =
        ["--adapter", adapter, "--server", server, "--from", "ann@example.org", "--to", "bob@example.org"];
    Process::example("smtp-send", &[&common[..], more].concat())
}

fn send(adapter: &str, server: &str, more: &[&str]) -> Ended {
    client(adapter, server, more).end()
}

/// It fails this way, and says why in one line.
#[track_caller]
fn assert_fails(ended: &Ended, code: i32, because: &str) {
    ended.assert_code(code);
    assert!(ended.stderr.starts_with("smtp-send: ") && ended.stderr.contains(because), "{}", ended.stderr);
    assert_eq!((ended.stderr.lines().count(), &*ended.stdout), (1, ""));
}

#[test]
fn a_message_arrives_as_it_is() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let server = format!("localhost:{}", sink.port());
        let ca = sink.ca();
        let big = "0123456789 .\n.".repeat(100_000);
        let mut expected = Vec::new();
        for (content, kept) in [
            ("Subject: a\n\n.\n..\nb", "Subject: a\n\n.\n..\nb\n"),
            ("", ""),
            ("a\r\nb\rc\n\n", "a\nb\nc\n\n"),
            ("caf\u{e9}\n", "caf\u{e9}\n"),
            (&big, &format!("{big}\n")),
        ] {
            let (_folder, path) = message(content);
            let ended = send(adapter, &server, &["--ca", &ca, &path]);
            ended.assert_well();
            assert!(ended.stdout.starts_with("250 2.0.0 Kept as "), "{}", ended.stdout);

            let mut ended = client(adapter, &server, &["--ca", &ca, "-"]);
            ended.write(content);
            ended.close_stdin();
            ended.end().assert_well();
            expected.extend([kept.to_owned(), kept.to_owned()]);
        }
        let mut messages = sink.messages();
        messages.sort_unstable();
        expected.sort_unstable();
        assert!(messages == expected);
        let encrypted = fs::read_dir(sink.maildir().join("new"))
            .unwrap()
            .all(|file| fs::read_to_string(file.unwrap().path()).unwrap().contains(" with ESMTPS;\n"));
        assert!(encrypted);
    });
}

#[test]
fn a_server_is_asked_for_what_it_offers() {
    on_each_adapter(|adapter| {
        let run = |offer: &str, answers: &[&str], content: &str, expected: &[&str]| {
            let (_folder, path) = message(content);
            let script =
                [&["220 hi\r\n", offer], answers, &["354 go\r\n", "250 taken\r\n", "221 bye\r\n"]].concat();
            let server = Scripted::start(&script);
            let common =
                ["--adapter", adapter, "--server", &server.address, "--starttls", "off", "--hello", "me"];
            let envelope = ["--from", "<>", "--to", "bob@example.org", "--to", "eve@example.org", &path];
            let ended = Process::example("smtp-send", &[&common[..], &envelope].concat()).end();
            ended.assert_well();
            assert_eq!(ended.stdout, "250 taken\n");
            assert_eq!(server.heard(), expected);
        };
        let recipients = ["RCPT TO:<bob@example.org>", "RCPT TO:<eve@example.org>", "DATA"];
        let three = ["250 ok\r\n"; 3];
        run(
            "250 plain\r\n",
            &three,
            ".a\n",
            &[&["EHLO me", "MAIL FROM:<>"][..], &recipients, &["..a", ".", "QUIT"]].concat(),
        );
        run(
            "250-all\r\n250-SIZE 7\r\n250-8BITMIME\r\n250 XFUTURE\r\n",
            &three,
            "\u{e9}\n.",
            &[
                &["EHLO me", "MAIL FROM:<> SIZE=7 BODY=8BITMIME"][..],
                &recipients,
                &["\u{e9}", "..", ".", "QUIT"],
            ]
            .concat(),
        );
        // All is said before anything is answered.
        run(
            "250-me\r\n250 PIPELINING\r\n",
            &["", "", "250 ok\r\n250 ok\r\n250 ok\r\n"],
            "a\n",
            &[&["EHLO me", "MAIL FROM:<>"][..], &recipients, &["a", ".", "QUIT"]].concat(),
        );
    });
}

#[test]
fn without_tls_nothing_is_sent() {
    let (_folder, path) = message("secret\n");
    on_each_adapter(|adapter| {
        let ehlo = "250-mail.example\r\n250-STARTTLS\r\n250 PIPELINING\r\n";
        let check = |answers: &[&str], because: &str| {
            let server = Scripted::start(answers);
            assert_fails(&send(adapter, &server.address, &[&path]), 3, because);
            let heard = server.heard();
            let is_known = |line: &String| {
                line.starts_with("EHLO [127.0.0.1]")
                    || line == "STARTTLS"
                    || line == "QUIT"
                    || line.starts_with('\u{16}')
            };
            assert!(heard.iter().all(|line| is_known(line) || !line.is_ascii()), "{heard:?}");
        };
        // Taken out of the offer.
        check(
            &["220 hi\r\n", "250-mail.example\r\n250 PIPELINING\r\n", "221 bye\r\n"],
            "does not offer STARTTLS",
        );
        check(
            &["220 hi\r\n", "250-mail.example\r\n250 XXXXXXXX\r\n", "221 bye\r\n"],
            "does not offer STARTTLS",
        );
        // Refused, or not understood.
        check(&["220 hi\r\n", ehlo, "454 4.7.0 not now\r\n", "221 bye\r\n"], "STARTTLS is answered 454");
        check(&["220 hi\r\n", ehlo, "502 what\r\n", "221 bye\r\n"], "STARTTLS is answered 502");
        // Said before the handshake, to be heard after it.
        let injected = "220 go\r\n250-mail.example\r\n250 XINJECTED\r\n";
        check(&["220 hi\r\n", ehlo, injected], "somebody has put plaintext before");
        check(&["220 hi\r\n", ehlo, "220 go\r\n2"], "somebody has put plaintext before");
    });
}

#[test]
fn a_certificate_that_is_not_good_is_refused() {
    let (folder, path) = message("secret\n");
    let ca = text(&Root::Ca.write_to(folder.path()).unwrap());
    on_each_adapter(|adapter| {
        for (leaf, because) in [
            (Leaf::WrongName, "it is not for localhost, but for wrong.example"),
            (Leaf::Expired, "it has expired"),
            (Leaf::UnknownIssuer, "nobody that is trusted has issued it"),
        ] {
            let sink = Sink::with(adapter, Some(leaf), &[]);
            let server = format!("localhost:{}", sink.port());
            assert_fails(&send(adapter, &server, &["--ca", &ca, &path]), 4, because);
            assert_eq!(sink.messages(), [""; 0]);
        }
        // The name that counts is the one that was given.
        let sink = Sink::with(adapter, Some(Leaf::WrongName), &[]);
        send(adapter, &sink.address, &["--ca", &ca, "--server-name", "wrong.example", &path]).assert_well();
        assert_eq!(sink.messages(), ["secret\n"]);
    });
}

#[test]
fn a_refusal_is_for_good_or_for_now() {
    let (_folder, path) = message("text\n");
    on_each_adapter(|adapter| {
        let check = |answers: &[&str], code, because: &str| {
            let server = Scripted::start(&[answers, &["221 bye\r\n"]].concat());
            assert_fails(&send(adapter, &server.address, &["--starttls", "off", &path]), code, because);
            assert_eq!(server.heard().last().unwrap(), "QUIT");
        };
        let ehlo = "250 mail.example\r\n";
        let ok = "250 ok\r\n";
        check(&["554 no\r\n"], 5, "the greeting is answered 554 no");
        check(&["421 later\r\n"], 75, "the greeting is answered 421 later");
        check(&["421 4.3.2 busy\r\n"], 75, "the greeting is answered 421 4.3.2 busy");
        check(&["220 hi\r\n", ehlo, "550-no\r\n550 never\r\n"], 5, "is answered 550 no, never");
        check(
            &["220 hi\r\n", ehlo, ok, "451 later\r\n"],
            75,
            "RCPT TO:<bob@example.org> is answered 451 later",
        );
        check(&["220 hi\r\n", ehlo, ok, ok, "452 full\r\n"], 75, "DATA is answered 452");
        check(&["220 hi\r\n", ehlo, ok, ok, "354 go\r\n", "554 no\r\n"], 5, "the message is answered 554 no");
        check(&["220 hi\r\n", "250-me\r\n250 SIZE 5\r\n"], 5, "has 6 bytes, and the server takes 5 at most");
        check(&["220 hi\r\n", "502 what\r\n", ehlo, "550 \x1b[2Jno\r\n"], 5, "is answered 550 ?[2Jno");
    });
}

/// Answers until the message has begun; then says `last`, and takes nothing more.
fn interrupt<S: Read + Write>(stream: &mut S, answers: &[&str], last: &str) -> io::Result<()> {
    for answer in answers {
        stream.write_all(answer.as_bytes())?;
        let mut byte = [0];
        while byte != *b"\n" {
            stream.read_exact(&mut byte)?;
        }
    }
    stream.write_all(last.as_bytes())?;
    stream.flush()
}

#[test]
fn an_answer_in_the_middle_of_the_message_ends_it() {
    // More than fits between the two: without listening, it would never be out.
    let (folder, path) = message("0123456789 0123456789 0123456789\n".repeat(500_000));
    let ca = text(&Root::Ca.write_to(folder.path()).unwrap());
    on_each_adapter(|adapter| {
        for (last, code, because) in [
            ("552 5.3.4 too big\r\n", 5, "the message is answered 552 5.3.4 too big"),
            (
                "421-4.3.2 going\r\n421 4.3.2 down\r\n",
                75,
                "the message is answered 421 4.3.2 going, 4.3.2 down",
            ),
            ("250 thanks\r\n", 1, "what answers the message does not speak SMTP"),
        ] {
            for (is_tls, hangs_up) in [(false, false), (true, true)] {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let server = format!("localhost:{}", listener.local_addr().unwrap().port());
                let serving = thread::spawn(move || {
                    let (mut socket, _) = listener.accept()?;
                    socket.set_read_timeout(Some(PATIENCE))?;
                    let ok = "250 ok\r\n";
                    let script = [ok, ok, ok, "354 go\r\n"];
                    if !is_tls {
                        interrupt(&mut socket, &[&["220 hi\r\n"][..], &script].concat(), last)?;
                        return Ok((socket, None));
                    }
                    interrupt(&mut socket, &["220 hi\r\n", "250-me\r\n250 STARTTLS\r\n"], "220 go\r\n")?;
                    let config = pki::server(Version::Both);
                    let mut tls =
                        StreamOwned::new(ServerConnection::new(config).unwrap(), socket.try_clone()?);
                    let mut hello = [0; 1];
                    while hello != *b"\n" {
                        tls.read_exact(&mut hello)?;
                    }
                    interrupt(&mut tls, &script, last)?;
                    Ok::<_, io::Error>((socket, Some(tls)))
                });
                let security = if is_tls { ["--ca", &ca] } else { ["--starttls", "off"] };
                let client = client(adapter, &server, &[&security[..], &["--quiet", &path]].concat());
                let sockets = serving.join().unwrap().unwrap();
                // Closed with what came unread: a reset follows the answer.
                let kept = if hangs_up { None } else { Some(sockets) };
                let ended = client.end();
                // Behind a reset the answer may be lost, on some systems.
                if !hangs_up || cfg!(target_os = "linux") || ended.status.code() != Some(1) {
                    assert_fails(&ended, code, because);
                }
                drop(kept);
            }
        }
    });
}

#[test]
fn what_is_no_answer_ends_it() {
    let (_folder, path) = message("text\n");
    on_each_adapter(|adapter| {
        let check = |answers: &[&str], because: &str| {
            let server = Scripted::start(answers);
            let arguments = ["--starttls", "off", "--timeout", "20", &path];
            assert_fails(&send(adapter, &server.address, &arguments), 1, because);
        };
        check(&["SSH-2.0-OpenSSH\r\n"], "does not speak SMTP");
        check(&[&"220-more\r\n".repeat(101)], "does not speak SMTP");
        check(&["220-one\r\n250 two\r\n"], "does not speak SMTP");
        check(&[&format!("220 {}\r\n", "x".repeat(100_000))], "does not speak SMTP");
        check(&["220 hi\r\n"], "ended the connection and did not answer EHLO");
        let ok = "250 ok\r\n";
        check(&["220 hi\r\n", ok, ok, ok, "354 go\r\n"], "nobody knows whether the server has taken it");
    });
}

#[test]
fn a_message_that_cannot_be_sent_is_refused_before_anything_is_sent() {
    on_each_adapter(|adapter| {
        // Nobody listens there: it is not asked.
        let server = "127.0.0.1:1";
        let (_folder, path) = message(format!("a\n{}\n", "x".repeat(999)));
        assert_fails(&send(adapter, server, &[&path]), 1, "line 2 has more than 998 bytes");
        assert_fails(&send(adapter, server, &["/no/such/file"]), 1, "cannot read /no/such/file: ");
        let (_folder, path) = message("a\n");
        assert_fails(&send(adapter, server, &["--starttls", "off", &path]), 1, "127.0.0.1:1: ");

        let (_folder, path) = message("caf\u{e9}\n");
        let server = Scripted::start(&["220 hi\r\n", "250 no 8BITMIME\r\n", "221 bye\r\n"]);
        assert_fails(&send(adapter, &server.address, &["--starttls", "off", &path]), 5, "not ASCII alone");
    });
}

#[cfg(unix)]
#[test]
fn an_interrupted_message_is_none() {
    on_each_adapter(|adapter| {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (_folder, path) = message("text\n");
        let address = server.local_addr().unwrap().to_string();
        let client = client(adapter, &address, &[&path]);
        let (_socket, _) = server.accept().unwrap();
        client.signal("INT");
        assert_fails(&client.end(), 130, "interrupted");
    });
}

#[test]
fn a_unix_socket_is_a_server_too() {
    let (folder, path) = message("text\n");
    on_each_adapter(|adapter| {
        if !cfg!(unix) {
            return;
        }
        let (socket, mail) = (folder.path().join(adapter), folder.path().join("mail"));
        let at = format!("unix:{}", text(&socket));
        let maildir = text(Path::new(&mail));
        let sink = Process::example("smtp", &["--listen", &at, "--maildir", &maildir, "--adapter", adapter]);
        sink.listening();
        assert_fails(&send(adapter, &at, &[&path]), 2, "--server-name");
        send(adapter, &at, &["--starttls", "off", &path]).assert_well();
    });
}
