//! A real Postfix, in both directions: smtp-send hands it mail that it keeps in a mailbox or hands on to our own sink. With
//! a configuration, a queue and ports of its own, and everything it writes in a folder of its own.

use crate::on_each_adapter;
use crate::process::{Ended, Process};
use crate::server::{TRIES_MAX, free_ports, program};
use crate::smtp::Sink;
use asyncnet_conformance::pki::{Leaf, Root};
use std::fmt::Write;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use tempfile::TempDir;

/// The longest message it takes, in bytes.
const MESSAGE_BYTES_MAX: usize = 2_000_000;

/// What has to be in its queue, beside the number of its process.
const QUEUE: [&str; 13] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private",
    "public", "saved", "trace",
];

/// Its services, on a port each.
const SERVICES: [Service; 6] = [
    Service::StartTls,
    Service::Tls12,
    Service::Wrapped,
    Service::WrongName,
    Service::Expired,
    Service::Plain,
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Service {
    /// Takes mail only over TLS, which begins with STARTTLS.
    StartTls,
    /// The same in TLS 1.2 alone.
    Tls12,
    /// Over TLS from the first byte.
    Wrapped,
    /// As [`StartTls`](Self::StartTls), with [`Leaf::WrongName`].
    WrongName,
    /// The same with [`Leaf::Expired`].
    Expired,
    /// Has no TLS.
    Plain,
}

/// Takes mail for `bob@box.example` into a mailbox, and hands on what is for others, until it is dropped.
struct Postfix {
    process: Process,
    folder: TempDir,
    ports: [u16; 6],
}

impl Postfix {
    /// `None`, and a word about it, if there is no Postfix, or none that we may start. What it hands on goes to `localhost`
    /// over TLS: mail for each of these domains to a port.
    fn start(routes: &[(&str, &str)]) -> Option<Self> {
        let defaults = Process::tool(&program("postconf"), &["-d", "-h", "daemon_directory"])?.end();
        let master = Path::new(defaults.stdout.trim_end()).join("master");
        let folder = tempfile::tempdir().unwrap();
        if fs::metadata(&folder).unwrap().uid() != 0 {
            println!("skipped: only the superuser may start postfix");
            return None;
        }
        // Most of its processes run as other users.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        make_folders(folder.path(), "root", &["etc", "queue", "queue/pid"]);
        make_folders(folder.path(), "nobody", &["mail"]);
        make_folders(folder.path(), "postfix", &["data"]);
        make_folders(&folder.path().join("queue"), "postfix", &QUEUE);
        let etc = folder.path().join("etc");
        for _ in 0..TRIES_MAX {
            let ports = free_ports();
            write_old(&etc.join("main.cf"), &settings(folder.path(), routes));
            fs::write(etc.join("master.cf"), services(folder.path(), ports)).unwrap();
            let process = Process::tool(master.to_str().unwrap(), &["-c", etc.to_str().unwrap(), "-s"])?;
            // It accepts connections before it says so. Without its ports it ends, and has nobody yet who would log that.
            if process.stdout.next().is_some_and(|line| line.contains("daemon started")) {
                return Some(Self { process, folder, ports });
            }
        }
        panic!("postfix did not start {TRIES_MAX} times");
    }

    fn address(&self, service: Service) -> String {
        let at = SERVICES.iter().position(|other| *other == service).unwrap();
        format!("localhost:{}", self.ports[at])
    }

    /// Trusted certificates, in a file.
    fn ca(&self, root: Root) -> String {
        root.write_to(self.folder.path()).unwrap().to_str().unwrap().to_owned()
    }

    /// Sends a message.
    fn send(&self, adapter: &str, service: Service, to: &str, more: &[&str], message: &str) -> Ended {
        let file = self.folder.path().join("message");
        fs::write(&file, message).unwrap();
        let (server, file) = (self.address(service), file.to_str().unwrap());
        let envelope = ["--server", &server, "--from", "ann@example.org", "--to", to, file];
        Process::example("smtp-send", &[&["--adapter", adapter], &envelope[..], more].concat()).end()
    }

    /// Waits for what it says of a message that it has taken, as its answer names it.
    fn fate(&self, ended: &Ended) -> String {
        let id = ended.stdout.trim_end().rsplit(' ').next().unwrap();
        let mut said = String::new();
        while let Some(line) = self.process.stdout.next() {
            if line.contains(&format!(" {id}: to=<")) {
                return line;
            }
            said += &line;
        }
        panic!("it ended without a word of {id}: {said}");
    }

    /// The mails in the mailbox, which are no longer there then.
    fn take_mails(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.folder.path().join("mail/new")) else { return vec![] };
        let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
        let take = |file: &PathBuf| {
            let mail = String::from_utf8(fs::read(file).unwrap()).unwrap();
            fs::remove_file(file).unwrap();
            mail
        };
        files.iter().map(take).collect()
    }
}

fn make_folders(at: &Path, owner: &str, names: &[&str]) {
    let mut command = Command::new("install");
    command.current_dir(at).args(["-d", "-o", owner]).args(names);
    assert!(command.status().unwrap().success());
}

/// Writes a file that looks as if it had been there for long: it waits for one that may still be being written.
fn write_old(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

fn settings(folder: &Path, routes: &[(&str, &str)]) -> String {
    let files = Leaf::Localhost.identity().write_to(folder).unwrap();
    let ca = Root::Ca.write_to(folder).unwrap();
    let routes: String =
        routes.iter().map(|(domain, port)| format!(" {domain}=smtp:[localhost]:{port}")).collect();
    let nobody = fs::metadata(folder.join("mail")).unwrap().uid();
    format!(
        "compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = /dev/stdout
myhostname = postfix.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
local_header_rewrite_clients =
message_size_limit = {MESSAGE_BYTES_MAX}
virtual_mailbox_domains = box.example
virtual_mailbox_base = {folder}
virtual_mailbox_maps = inline:{{ bob@box.example=mail/, later@box.example=mail/ }}
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
smtpd_recipient_restrictions = check_recipient_access inline:{{ later@box.example=DEFER }}
smtpd_tls_chain_files = {key}, {chain}
smtpd_tls_security_level = encrypt
smtpd_tls_received_header = yes
transport_maps = inline:{{ nowhere.example=error:{routes} }}
smtp_host_lookup = native
smtp_tls_CAfile = {ca}
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = hostname
",
        folder = folder.display(),
        key = files.key.display(),
        chain = files.chain.display(),
        ca = ca.display(),
    )
}

fn services(folder: &Path, ports: [u16; 6]) -> String {
    let mut text = String::new();
    for (service, port) in SERVICES.into_iter().zip(ports) {
        let certificate = |leaf: Leaf| {
            let files = leaf.identity().write_to(folder).unwrap();
            format!("-o smtpd_tls_chain_files={},{}", files.key.display(), files.chain.display())
        };
        let options = match service {
            Service::StartTls => String::new(),
            Service::Tls12 => "-o smtpd_tls_mandatory_protocols=TLSv1.2".to_owned(),
            Service::Wrapped => "-o smtpd_tls_wrappermode=yes".to_owned(),
            Service::WrongName => certificate(Leaf::WrongName),
            Service::Expired => certificate(Leaf::Expired),
            Service::Plain => "-o smtpd_tls_security_level=none".to_owned(),
        };
        writeln!(text, "127.0.0.1:{port} inet n - n - - smtpd {options}").unwrap();
    }
    // As in the package's own file, without chroot.
    text + "cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"
}

/// It fails this way, and says why in one line.
#[track_caller]
fn assert_fails(ended: &Ended, code: i32, because: &str) {
    ended.assert_code(code);
    assert!(ended.stderr.starts_with("smtp-send: ") && ended.stderr.contains(because), "{}", ended.stderr);
    assert_eq!((ended.stderr.lines().count(), &*ended.stdout), (1, ""));
}

#[test]
fn a_mail_is_sent_to_a_mailbox_of_postfix() {
    let Some(postfix) = Postfix::start(&[]) else { return };
    let ca = postfix.ca(Root::Ca);
    on_each_adapter(|adapter| {
        let big = format!("Subject: long\n\n{}", "0123456789 .\n.\n..\n".repeat(60_000));
        for content in ["Subject: a\n\n.\n..\n.b\nc\n\n", "Subject: caf\u{e9}\n\ncaf\u{e9}\n", &big] {
            for (service, version) in [(Service::StartTls, "TLSv1.3"), (Service::Tls12, "TLSv1.2")] {
                let ended = postfix.send(adapter, service, "bob@box.example", &["--ca", &ca], content);
                ended.assert_well();
                assert!(ended.stdout.starts_with("250 2.0.0 Ok: queued as "), "{}", ended.stdout);
                let fate = postfix.fate(&ended);
                assert!(fate.contains("status=sent (delivered to maildir)"), "{fate}");
                let mails = postfix.take_mails();
                assert_eq!(mails.len(), 1);
                // Nothing is between the trace, which it ends with the time, and the message.
                let (trace, mail) = mails[0].split_once(" (UTC)\n").unwrap();
                assert!(mail == content);
                assert!(trace.starts_with("Return-Path: <ann@example.org>\n"), "{trace}");
                assert!(trace.contains(&format!("(using {version} with cipher ")), "{trace}");
                assert!(trace.contains(" with ESMTPS id "), "{trace}");
            }
        }
    });
}

#[test]
fn a_postfix_whose_tls_is_not_good_gets_no_mail() {
    let Some(postfix) = Postfix::start(&[]) else { return };
    let (ca, other) = (postfix.ca(Root::Ca), postfix.ca(Root::UnknownCa));
    on_each_adapter(|adapter| {
        for (service, ca, code, because) in [
            (Service::StartTls, &other, 4, "nobody that is trusted has issued it"),
            (Service::WrongName, &ca, 4, "it is not for localhost, but for wrong.example"),
            (Service::Expired, &ca, 4, "it has expired"),
            (Service::Plain, &ca, 3, "does not offer STARTTLS"),
        ] {
            let ended =
                postfix.send(adapter, service, "bob@box.example", &["--ca", ca], "Subject: secret\n\n");
            assert_fails(&ended, code, because);
        }
        // Had it taken one before, that would be in the mailbox before this.
        for (service, more) in [
            (Service::WrongName, &["--ca", &ca, "--server-name", "wrong.example"][..]),
            (Service::Plain, &["--starttls", "off"]),
        ] {
            let ended = postfix.send(adapter, service, "bob@box.example", more, "Subject: wanted\n\n");
            ended.assert_well();
            postfix.fate(&ended);
            let mails = postfix.take_mails();
            assert!(mails.len() == 1 && mails[0].contains("\nSubject: wanted\n"), "{mails:?}");
        }
    });
}

#[test]
fn postfix_refuses_for_good_or_for_now() {
    let Some(postfix) = Postfix::start(&[]) else { return };
    let ca = postfix.ca(Root::Ca);
    let trusting = ["--ca", &*ca];
    on_each_adapter(|adapter| {
        let long = "Subject: long\n\n".to_owned() + &"0123456789\n".repeat(MESSAGE_BYTES_MAX / 11);
        for (to, more, message, code, because) in [
            ("eve@box.example", &trusting[..], "\n", 5, "RCPT TO:<eve@box.example> is answered 550 5.1.1 "),
            ("later@box.example", &trusting, "\n", 75, "RCPT TO:<later@box.example> is answered 450 "),
            ("bob@box.example", &trusting, &long, 5, " bytes, and the server takes 2000000 at most"),
            ("bob@box.example", &["--starttls", "off"], "\n", 5, "is answered 530 5.7.0 "),
        ] {
            assert_fails(&postfix.send(adapter, Service::StartTls, to, more, message), code, because);
        }
    });
}

#[test]
fn s_client_talks_to_postfix() {
    let Some(postfix) = Postfix::start(&[]) else { return };
    let ca = postfix.ca(Root::Ca);
    on_each_adapter(|adapter| {
        for (service, starttls, version) in [
            (Service::StartTls, &["--starttls", "smtp"][..], "TLSv1.3"),
            (Service::Tls12, &["--starttls", "smtp"], "TLSv1.2"),
            (Service::Wrapped, &[], "TLSv1.3"),
        ] {
            let address = postfix.address(service);
            let arguments = [&[&*address, "--ca", &ca, "--adapter", adapter], starttls].concat();
            let mut client = Process::example("s-client", &arguments);
            if service == Service::Wrapped {
                assert!(client.stdout.next().unwrap().starts_with("220 postfix.example ESMTP"));
            }
            client.write("EHLO client.example\r\nQUIT\r\n");
            assert_eq!(client.stdout.next().unwrap(), "250-postfix.example\r\n");
            // Where it meets our end before it has said its own, it leaves with a reset.
            while let Some(line) = client.stdout.next().filter(|line| line != "221 2.0.0 Bye\r\n") {
                assert!(line.starts_with("250") && !line.contains("STARTTLS"), "{line}");
            }
            client.close_stdin();
            let ended = client.end();
            ended.assert_code(0);
            assert!(ended.stderr.contains(&format!("\nversion: {version}\n")), "{}", ended.stderr);
        }
        for (service, ca, code) in [
            (Service::WrongName, &*ca, 4),
            (Service::Expired, &ca, 4),
            (Service::StartTls, &postfix.ca(Root::UnknownCa), 4),
            (Service::Plain, &ca, 3),
        ] {
            let arguments =
                ["--ca", ca, "--adapter", adapter, "--starttls", "smtp", &postfix.address(service)];
            Process::example("s-client", &arguments).end().assert_code(code);
        }
    });
}

#[test]
fn postfix_hands_mail_on_to_our_sink() {
    on_each_adapter(|adapter| {
        let sink = Sink::start(adapter, &[]);
        let Some(postfix) = Postfix::start(&[("relay.example", sink.port())]) else { return };
        let ca = postfix.ca(Root::Ca);
        let contents = ["Subject: a\n\n.\n..\nb\n", "Subject: caf\u{e9}\n\ncaf\u{e9}\n"];
        for content in contents {
            let ended =
                postfix.send(adapter, Service::StartTls, "bob@relay.example", &["--ca", &ca], content);
            let fate = postfix.fate(&ended);
            assert!(fate.contains("status=sent (250 2.0.0 Kept as "), "{fate}");
        }
        let messages = sink.messages();
        assert_eq!(messages.len(), contents.len());
        for content in contents {
            // It has put its own trace before.
            let end = format!(" (UTC)\n{content}");
            assert!(messages.iter().any(|message| message.ends_with(&end)), "{messages:?}");
        }
        assert!(fs::read_dir(sink.maildir().join("new")).unwrap().all(|file| {
            let kept = fs::read_to_string(file.unwrap().path()).unwrap();
            kept.starts_with("Return-Path: <ann@example.org>\nEnvelope-To: <bob@relay.example>\n")
                && kept.contains("\n\tby localhost with ESMTPS;\n")
        }));
    });
}

#[test]
fn postfix_does_not_take_our_sink_for_another() {
    on_each_adapter(|adapter| {
        let (certificate, offer) =
            ("Server certificate not ", "TLS is required, but was not offered by host ");
        let sinks = [
            ("name.example", Some(Leaf::WrongName), certificate),
            ("issuer.example", Some(Leaf::UnknownIssuer), certificate),
            ("expired.example", Some(Leaf::Expired), certificate),
            ("plain.example", None, offer),
        ];
        let sinks = sinks.map(|(domain, leaf, because)| (domain, Sink::with(adapter, leaf, &[]), because));
        let routes: Vec<_> = sinks.iter().map(|(domain, sink, _)| (*domain, sink.port())).collect();
        let Some(postfix) = Postfix::start(&routes) else { return };
        let ca = postfix.ca(Root::Ca);
        for (domain, sink, because) in &sinks {
            let to = format!("bob@{domain}");
            let ended = postfix.send(adapter, Service::StartTls, &to, &["--ca", &ca], "Subject: secret\n\n");
            let fate = postfix.fate(&ended);
            assert!(fate.contains("status=deferred (") && fate.contains(because), "{fate}");
            assert_eq!(sink.messages(), [""; 0]);
        }
    });
}
