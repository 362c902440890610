//! The mail sink, as clients see it: well-behaved ones, and others.

use crate::on_each_adapter;
use crate::peer::Peer;
use crate::process::Process;
use asyncnet_conformance::pki::{self, Leaf, Root, Version};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A sink with a certificate of the test authority's, and a folder of its own.
pub(crate) struct Sink {
    pub(crate) process: Process,
    pub(crate) address: String,
    folder: TempDir,
}

impl Sink {
    pub(crate) fn start(adapter: &str, more: &[&str]) -> Self {
        Self::with(adapter, Some(Leaf::Localhost), more)
    }

    pub(crate) fn with(adapter: &str, leaf: Option<Leaf>, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let maildir = text(&folder.path().join("mail"));
        let mut arguments = ["--listen", "127.0.0.1:0", "--adapter", adapter, "--maildir", &maildir].to_vec();
        let files = leaf.map(|leaf| leaf.identity().write_to(folder.path()).unwrap());
        let files = files.map(|files| (text(&files.chain), text(&files.key)));
        if let Some((cert, key)) = &files {
            arguments.extend(["--cert", cert, "--key", key]);
        }
        arguments.extend(more);
        let process = Process::example("smtp", &arguments);
        let address = process.listening();
        Self { process, address, folder }
    }

    pub(crate) fn port(&self) -> &str {
        self.address.rsplit_once(':').unwrap().1
    }

    /// The certificate of the authority, in a file.
    pub(crate) fn ca(&self) -> String {
        text(&Root::Ca.write_to(self.folder.path()).unwrap())
    }

    pub(crate) fn maildir(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// The messages that were taken, without what the sink puts before them, in no order.
    pub(crate) fn messages(&self) -> Vec<String> {
        assert_eq!(fs::read_dir(self.maildir().join("tmp")).unwrap().count(), 0, "nothing is half done");
        let files = fs::read_dir(self.maildir().join("new")).unwrap();
        let files = files.map(|file| String::from_utf8(fs::read(file.unwrap().path()).unwrap()).unwrap());
        files.map(|file| file[head_len(&file)..].to_owned()).collect()
    }

    /// The only message, with all its lines.
    pub(crate) fn message(&self) -> String {
        let files: Vec<_> = fs::read_dir(self.maildir().join("new")).unwrap().collect();
        assert_eq!(files.len(), 1);
        String::from_utf8(fs::read(files[0].as_ref().unwrap().path()).unwrap()).unwrap()
    }

    /// Asks it to stop, and waits for its end: the folder, with the maildir `mail` in it.
    #[cfg(unix)]
    pub(crate) fn end(self) -> (crate::process::Ended, TempDir) {
        self.process.signal("TERM");
        (self.process.end(), self.folder)
    }

    /// A client that has read the greeting.
    fn peer(&self) -> Peer<TcpStream> {
        let mut peer = Peer::tcp(&self.address);
        peer.assert_hears("220 localhost ESMTP, a sink\r\n");
        peer
    }

    /// A client that has said EHLO.
    fn greeted(&self) -> Peer<TcpStream> {
        let mut peer = self.peer();
        assert!(ehlo(&mut peer).contains(&"250 STARTTLS\r\n".to_owned()));
        peer
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// What the sink puts before a message: to the end of the field `Received`, which has three lines.
fn head_len(file: &str) -> usize {
    let received = file.find("\nReceived: ").expect(file) + 1;
    let lines: usize = file[received..].split_inclusive('\n').take(3).map(str::len).sum();
    received + lines
}

pub(crate) fn ehlo(peer: &mut Peer<impl Read + Write>) -> Vec<String> {
    peer.say("EHLO client.example\r\n");
    hear_reply(peer)
}

/// The lines of an answer.
fn hear_reply(peer: &mut Peer<impl Read + Write>) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| line.as_bytes().get(3) == Some(&b'-')) {
        lines.push(peer.hear());
    }
    lines
}

/// Says a command, and compares the beginning of the answer's last line.
#[track_caller]
fn ask(peer: &mut Peer<impl Read + Write>, command: &str, expected: &str) {
    peer.say(format!("{command}\r\n"));
    assert_answers(peer, expected);
}

#[track_caller]
pub(crate) fn assert_answers(peer: &mut Peer<impl Read + Write>, expected: &str) {
    let reply = hear_reply(peer);
    assert!(reply.last().unwrap().starts_with(expected), "{reply:?}, not {expected}");
}

#[track_caller]
fn begin_data(peer: &mut Peer<impl Read + Write>) {
    ask(peer, "MAIL FROM:<ann@example.org>", "250 2.1.0 ");
    ask(peer, "RCPT TO:<bob@example.org>", "250 2.1.5 ");
    ask(peer, "DATA", "354 ");
}

#[test]
fn a_message_is_one_file_with_its_trace_before_it() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &["--hostname", "mail.example"]);
        let mut peer = Peer::tcp(&sink.address);
        peer.assert_hears("220 mail.example ESMTP, a sink\r\n");
        let offer = ehlo(&mut peer);
        let expected = ["mail.example greets client.example", "PIPELINING", "SIZE 50000000", "8BITMIME"];
        let expected = expected.iter().chain(&["ENHANCEDSTATUSCODES", "HELP", "STARTTLS"]);
        assert!(offer.iter().map(|line| line[4..].trim_end()).eq(expected.copied()), "{offer:?}");
        begin_data(&mut peer);
        peer.say("Subject: dots\r\n\r\n..\r\n..two\r\n.\r\n");
        assert_answers(&mut peer, "250 2.0.0 Kept as ");
        ask(&mut peer, "DATA", "503 5.5.1 ");
        ask(&mut peer, "QUIT", "221 2.0.0 ");
        assert_eq!(peer.hear(), "");

        let message = sink.message();
        let lines: Vec<_> = message.lines().collect();
        assert_eq!(lines[..2], ["Return-Path: <ann@example.org>", "Envelope-To: <bob@example.org>"]);
        assert!(lines[2].starts_with("Received: from client.example (127.0.0.1:"), "{message}");
        assert_eq!(lines[3], "\tby mail.example with ESMTP;");
        assert!(lines[4].ends_with(" +0000"), "{message}");
        assert_eq!(lines[5..], ["Subject: dots", "", ".", ".two"]);
    });
}

#[test]
fn one_client_too_many_is_told_to_come_back() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &["--max-connections", "2"]);
        let (mut first, second) = (sink.greeted(), sink.greeted());
        for _ in 0..3 {
            let mut third = Peer::tcp(&sink.address);
            // It may say something before it has heard anything.
            third.say("EHLO me\r\n");
            third.assert_hears("421 4.3.2 localhost Too many connections; try again later\r\n");
            assert_eq!(third.hear(), "");
            assert!(sink.process.stderr.next().unwrap().ends_with(": refused, for 2 are served\n"));
        }
        ask(&mut first, "NOOP", "250 ");
        drop(second);
        // Its place is free when the sink has seen that it is gone.
        let greeting = std::iter::repeat_with(|| Peer::tcp(&sink.address).hear())
            .take(100_000)
            .find(|greeting| greeting.starts_with("220 "));
        assert_eq!(greeting.as_deref(), Some("220 localhost ESMTP, a sink\r\n"));
        ask(&mut first, "QUIT", "221 ");
    });
}

#[test]
fn commands_in_one_piece_are_answered_in_their_order() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let mut peer = sink.peer();
        peer.say(
            "EHLO me\r\nMAIL FROM:<> SIZE=9 BODY=8BITMIME\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@\r\nRCPT TO:<d@e>\r\nDATA\r\n",
        );
        for code in ["250 STARTTLS", "250 2.1.0", "250 2.1.5", "501 5.5.4", "250 2.1.5", "354"] {
            assert_answers(&mut peer, code);
        }
        peer.say("caf\u{e9}\r\n.\r\nRSET\r\nNOOP\r\nVRFY x\r\nHELP\r\nEXPN x\r\nWHAT\r\nQUIT\r\n");
        for code in
            ["250 2.0.0", "250 2.0.0", "250 2.0.0", "252 2.5.2", "214 ", "502 5.5.1", "500 5.5.1", "221"]
        {
            assert_answers(&mut peer, code);
        }
        assert_eq!(sink.messages(), ["caf\u{e9}\n"]);
        assert!(sink.message().contains("Envelope-To: <a@b>\nEnvelope-To: <d@e>\n"));
    });
}

#[test]
fn tls_forgets_what_was_said_in_plaintext() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        for version in Version::EACH {
            let mut peer = sink.greeted();
            ask(&mut peer, "MAIL FROM:<evil@example.org>", "250");
            ask(&mut peer, "STARTTLS", "220 2.0.0 ");
            let mut peer = peer.over_tls(pki::client(version));
            ask(&mut peer, "RCPT TO:<a@b>", "503");
            ask(&mut peer, "MAIL FROM:<a@b>", "503");
            assert!(!ehlo(&mut peer).iter().any(|line| line.contains("STARTTLS")));
            ask(&mut peer, "STARTTLS", "503");
            begin_data(&mut peer);
            peer.say("over TLS\r\n.\r\n");
            assert_answers(&mut peer, "250");
            ask(&mut peer, "QUIT", "221");
            assert_eq!(peer.hear_all(), b"", "it ends with close_notify");
        }
        assert_eq!(sink.messages(), ["over TLS\n"; 2]);
    });
}

#[test]
fn what_follows_starttls_in_plaintext_is_never_served() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        for behind in ["RSET\r\n", "N"] {
            let mut peer = sink.greeted();
            peer.say(format!("STARTTLS\r\n{behind}"));
            assert_answers(&mut peer, "501 5.5.1 ");
            assert_eq!(peer.hear(), "", "and it ends");
        }
        // Not behind it, but instead of TLS.
        let mut peer = sink.greeted();
        ask(&mut peer, "STARTTLS", "220");
        peer.say("MAIL FROM:<a@b>\r\n");
        let alert = peer.hear_all();
        assert!(!alert.windows(3).any(|bytes| bytes == b"250"), "{}", alert.escape_ascii());
        let told = sink.process.stderr.next().unwrap();
        assert!(told.starts_with("smtp: 127.0.0.1:"), "{told}");
    });
}

#[test]
fn a_bare_line_end_smuggles_nothing() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let smuggled = "MAIL FROM:<evil@x>\r\nRCPT TO:<a@b>\r\nDATA\r\nsmuggled\r\n.\r\n";
        for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r.\r", "\r\n\r.\r\n"] {
            let mut peer = sink.greeted();
            begin_data(&mut peer);
            peer.say(format!("text{end}{smuggled}"));
            assert_answers(&mut peer, "554 5.6.0 ");
            assert_eq!(peer.hear(), "", "it ends after {end:?}");
        }
        for command in ["NOOP\n", "NOOP\rNOOP\r\n"] {
            let mut peer = sink.greeted();
            peer.say(command);
            assert_answers(&mut peer, "554 5.6.0 ");
            assert_eq!(peer.hear(), "");
        }
        assert_eq!(sink.messages(), [""; 0]);
    });
}

#[test]
fn what_is_too_large_or_too_long_is_refused_and_not_kept() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &["--max-size", "200000"]);
        let mut peer = sink.greeted();
        ask(&mut peer, "MAIL FROM:<a@b> SIZE=200001", "552 5.3.4 ");
        for (message, code) in [
            ("0123456789012345678901234567890123456\r\n".repeat(6_000), "552 5.3.4 "),
            (format!("{}\r\n", "x".repeat(999)), "554 5.6.0 "),
            (format!("{}\r\nmore\r\n", "x".repeat(30_000)), "554 5.6.0 "),
            (format!("{}\r\n", "x".repeat(998)), "250 "),
            (format!(".{}\r\n", "x".repeat(998)), "250 "),
            (format!("{}\r\n", "x".repeat(198)).repeat(1_000), "250 "),
        ] {
            begin_data(&mut peer);
            peer.say(format!("{message}.\r\n"));
            assert_answers(&mut peer, code);
        }
        ask(&mut peer, &format!("NOOP {}", "x".repeat(505)), "250");
        ask(&mut peer, &format!("NOOP {}", "x".repeat(506)), "500 5.5.2 ");
        ask(&mut peer, &"x".repeat(10_000), "500 5.5.2 ");
        ask(&mut peer, "NOOP", "250");
        let mut lens: Vec<_> = sink.messages().iter().map(String::len).collect();
        lens.sort_unstable();
        assert_eq!(lens, [999, 999, 199_000]);
    });
}

#[test]
fn half_a_message_is_none() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        for half in [String::new(), "text".to_owned(), "text\r\n".to_owned(), "a line\r\n".repeat(100_000)] {
            let mut peer = sink.greeted();
            begin_data(&mut peer);
            peer.say(half);
            peer.end();
            // It has noticed, and done what it does about it.
            assert_eq!(peer.hear(), "");
            let told = sink.process.stderr.next().unwrap();
            assert!(told.contains("hung up in the middle") || told.contains("ended too early"), "{told}");
            assert_eq!(sink.messages(), [""; 0]);
        }
    });
}

#[test]
fn who_says_nothing_or_nonsense_is_sent_away() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &["--timeout", "2"]);
        let (mut silent, mut slow) = (sink.greeted(), sink.greeted());
        slow.say("NOO");
        let mut mistaken = sink.peer();
        mistaken.say("GET / HTTP/1.1\r\n".repeat(21));
        let replies = String::from_utf8(mistaken.hear_all()).unwrap();
        assert!(replies.ends_with("421 4.7.0 Too many mistakes\r\n"), "{replies}");
        assert_eq!(replies.matches("500 5.5.1").count(), 20);
        for peer in [&mut silent, &mut slow] {
            assert_answers(peer, "421 4.4.2 ");
            assert_eq!(peer.hear(), "");
        }
    });
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_421_and_no_half_message() {
    on_each_adapter(|adapter| {
        for signal in ["INT", "TERM"] {
            let sink = Sink::start(adapter, &[]);
            let (mut idle, mut sending) = (sink.greeted(), sink.greeted());
            begin_data(&mut sending);
            sending.say("half\r\n");
            sink.process.signal(signal);
            for peer in [&mut idle, &mut sending] {
                assert_answers(peer, "421 4.3.2 ");
                assert_eq!(peer.hear(), "");
            }
            let Sink { process, folder, .. } = sink;
            process.end().assert_well();
            for part in ["new", "tmp"] {
                assert_eq!(fs::read_dir(folder.path().join("mail").join(part)).unwrap().count(), 0);
            }
        }
    });
}

#[test]
fn a_message_that_cannot_be_written_is_for_later() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let mut peer = sink.greeted();
        let (tmp, big) = (sink.maildir().join("tmp"), "a line of text\r\n".repeat(20_000));
        for message in ["text\r\n", &big] {
            fs::remove_dir(&tmp).unwrap();
            begin_data(&mut peer);
            peer.say(format!("{message}.\r\n"));
            assert_answers(&mut peer, "451 4.3.0 ");
            let told = sink.process.stderr.next().unwrap();
            assert!(told.contains(": a message cannot be kept: "), "{told}");

            fs::create_dir(&tmp).unwrap();
            begin_data(&mut peer);
            peer.say(format!("{message}.\r\n"));
            assert_answers(&mut peer, "250");
        }
        assert_eq!(sink.messages().len(), 2);
    });
}

#[test]
fn a_maildir_that_cannot_be_had_is_named() {
    on_each_adapter(|adapter| {
        let arguments = ["--listen", "127.0.0.1:0", "--maildir", "/no/such/folder", "--adapter", adapter];
        let ended = Process::example("smtp", &arguments).end();
        ended.assert_code(1);
        assert!(ended.stderr.starts_with("smtp: cannot use /no/such/folder: "), "{}", ended.stderr);
    });
}

#[test]
fn swaks_curl_and_python_deliver_over_tls() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let (ca, port) = (sink.ca(), sink.port().to_owned());
        let mut expected = 0;
        let swaks = ["--server", "localhost", "--port", &port, "--tls", "--tls-verify", "--tls-ca-path", &ca];
        let swaks =
            [&swaks[..], &["--from", "a@example.org", "--to", "b@example.org,c@example.org"]].concat();
        if let Some(swaks) = Process::tool("swaks", &[&swaks[..], &["--body", "from swaks"]].concat()) {
            swaks.end().assert_code(0);
            expected += 1;
        }
        let url = format!("smtp://localhost:{port}");
        let mail = text(&sink.folder.path().join("mail.txt"));
        fs::write(&mail, "Subject: curl\r\n\r\n.from curl\r\n").unwrap();
        let curl =
            ["--silent", "--show-error", "--ssl-reqd", "--cacert", &ca, &url, "--mail-from", "a@example.org"];
        let curl = [&curl[..], &["--mail-rcpt", "b@example.org", "--upload-file", &mail]].concat();
        if let Some(curl) = Process::tool("curl", &curl) {
            curl.end().assert_code(0);
            expected += 1;
        }
        let script = "\
import smtplib, ssl, sys
with smtplib.SMTP('localhost', int(sys.argv[1])) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=sys.argv[2]))
    smtp.sendmail('a@example.org', ['b@example.org'], 'Subject: python\\n\\n.from python\\n')
";
        if let Some(python) = Process::command(Command::new("python3").args(["-c", script, &port, &ca])) {
            python.end().assert_code(0);
            expected += 1;
        }
        let messages = sink.messages();
        assert_eq!(messages.len(), expected, "{messages:?}");
        assert!(messages.iter().all(|message| message.contains("from ")), "{messages:?}");
        for file in fs::read_dir(sink.maildir().join("new")).unwrap() {
            assert!(fs::read_to_string(file.unwrap().path()).unwrap().contains(" with ESMTPS;\n"));
        }
    });
}

/// As strace sees it: the file's bytes are on disk, then its name is, and only then is the client told.
#[cfg(target_os = "linux")]
#[test]
fn a_message_is_on_disk_before_it_is_acknowledged() {
    on_each_adapter(|adapter| {
        let folder = tempfile::tempdir().unwrap();
        let (log, maildir) = (text(&folder.path().join("log")), text(&folder.path().join("mail")));
        let sink = ["--listen", "127.0.0.1:0", "--maildir", &maildir, "--adapter", adapter];
        let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg";
        // It tells its number first, for strace itself cannot be told to end it.
        let shell = ["sh", "-c", "echo $$; exec \"$@\"", "sh", Process::path("smtp")];
        let strace = ["-f", "-y", "-s", "30", "-o", &log, "-e", calls];
        let Some(sink) = Process::tool("strace", &[&strace[..], &shell, &sink].concat()) else { return };
        let pid = sink.stdout.next().unwrap();
        let mut peer = Peer::tcp(&sink.listening());
        assert_answers(&mut peer, "220");
        ehlo(&mut peer);
        begin_data(&mut peer);
        peer.say("text\r\n.\r\n");
        assert_answers(&mut peer, "250");
        let kill = Command::new("sh").args(["-c", "kill -s TERM \"$0\"", pid.trim()]).status().unwrap();
        assert!(kill.success());
        sink.end().assert_code(0);

        let log = fs::read_to_string(log).unwrap();
        let after = |from: usize, words: &[&str]| {
            let mut at = from;
            for line in log[from..].split_inclusive('\n') {
                at += line.len();
                if words.iter().all(|word| line.contains(word)) {
                    return at;
                }
            }
            panic!("no {words:?} behind byte {from} of {log}");
        };
        let written = after(0, &["write", "/mail/tmp/", "Return-Path"]);
        let synced = after(written, &["fsync(", "/mail/tmp/"]);
        let renamed = after(synced, &["rename", "/mail/new/"]);
        let named = after(renamed, &["fsync(", "/mail/new>"]);
        after(named, &["250 2.0.0 Kept as"]);
        assert_eq!(log.matches("250 2.0.0 Kept as").count(), 1, "{log}");
    });
}
