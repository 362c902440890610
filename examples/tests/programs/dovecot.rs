//! A real Dovecot, which s-client asks for a mail in both of its protocols: with a configuration, a mailbox and ports of
//! its own, and everything it writes in a folder of its own.

use crate::on_each_adapter;
use crate::process::{Ended, Process};
use crate::server::{TRIES_MAX, free_ports, program};
use asyncnet_conformance::pki::{Leaf, Root};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The mail in the mailbox of everybody whose password is `secret`.
const MAIL: &str = "Subject: hello\r\n\r\nThe body of the mail.\r\n.a line with a dot\r\n";

/// Serves a mailbox until it is dropped.
struct Dovecot {
    _process: Process,
    folder: TempDir,
    /// By name: `imap` and `pop3`, which begin in plaintext, `imaps` and `pop3s`, which do not.
    ports: [(&'static str, u16); 4],
}

impl Dovecot {
    /// `None`, and a word about it, if there is no Dovecot that takes this configuration. `ssl` is its setting.
    fn start(ssl: &str) -> Option<Self> {
        let version = Process::tool(&program("dovecot"), &["--version"])?.end().stdout;
        if !version.starts_with("2.3.") {
            println!("skipped: the configuration is for dovecot 2.3, and this is {version}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        // Not all of its processes run as who starts it.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        write_mailbox(&folder.path().join("mail"));
        for _ in 0..TRIES_MAX {
            let [imap, pop3, imaps, pop3s] = free_ports();
            let ports = [("imap", imap), ("pop3", pop3), ("imaps", imaps), ("pop3s", pop3s)];
            let configuration = folder.path().join("dovecot.conf");
            fs::write(&configuration, configure(folder.path(), ssl, ports)).unwrap();
            let process = Process::tool(&program("dovecot"), &["-F", "-c", configuration.to_str().unwrap()])?;
            if is_ready(&process) {
                return Some(Self { _process: process, folder, ports });
            }
        }
        panic!("dovecot found its ports taken {TRIES_MAX} times");
    }

    /// s-client, connected to the service of this name, in the words that it needs.
    fn client(&self, adapter: &str, service: &str, more: &[&str]) -> Process {
        let port = self.ports.iter().find(|(name, _)| *name == service).unwrap().1;
        let address = format!("localhost:{port}");
        let starttls = if service.ends_with('s') { &[][..] } else { &["--starttls", service] };
        let arguments = [&[&*address, "--adapter", adapter], starttls, more].concat();
        Process::example("s-client", &arguments)
    }

    /// Trusted certificates, in a file.
    fn ca(&self, root: Root) -> String {
        root.write_to(self.folder.path()).unwrap().to_str().unwrap().to_owned()
    }
}

/// A mailbox with one mail, for whoever the mail's user is.
fn write_mailbox(maildir: &Path) {
    for name in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(name)).unwrap();
    }
    fs::write(maildir.join("new/1.a.localhost"), MAIL.replace("\r\n", "\n")).unwrap();
    if is_superuser(maildir) {
        // It lets nobody read mail as the superuser.
        let status = Command::new("chown").args(["-R", "nobody"]).arg(maildir).status().unwrap();
        assert!(status.success());
    }
}

/// Whether we are, as who owns what we have made shows.
fn is_superuser(ours: &Path) -> bool {
    fs::metadata(ours).unwrap().uid() == 0
}

/// Waits until it accepts connections, which it does before its first word; `false` if a port was taken.
fn is_ready(process: &Process) -> bool {
    let mut said = String::new();
    while let Some(line) = process.stderr.next() {
        if line.contains(" starting up for ") {
            return true;
        }
        said += &line;
    }
    assert!(said.contains("Address already in use"), "dovecot does not start: {said}");
    false
}

fn configure(folder: &Path, ssl: &str, ports: [(&str, u16); 4]) -> String {
    let certificate = |leaf: Leaf| {
        let files = leaf.identity().write_to(folder).unwrap();
        format!("ssl_cert = <{}\nssl_key = <{}\n", files.chain.display(), files.key.display())
    };
    let (user, group) = match is_superuser(folder) {
        true => ("nobody".to_owned(), "nogroup".to_owned()),
        false => (id("-un"), id("-gn")),
    };
    let [imap, pop3, imaps, pop3s] = ports.map(|(_, port)| port);
    let mut text = format!(
        "base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols = imap pop3
listen = 127.0.0.1
mail_location = maildir:{folder}/mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
ssl = {ssl}
{}local_name wrong.example {{
{}}}
",
        certificate(Leaf::Localhost),
        certificate(Leaf::WrongName),
        folder = folder.display(),
    );
    if !is_superuser(folder) {
        // It cannot become somebody else, nor take the root folder away from itself.
        text += &format!("default_internal_user = {user}\ndefault_login_user = {user}\n");
        text += &format!("default_internal_group = {group}\n");
        for service in ["anvil", "imap-login", "pop3-login"] {
            text += &format!("service {service} {{\n  chroot =\n}}\n");
        }
    }
    text
}

/// Who we are, as id(1) has it.
fn id(what: &str) -> String {
    let output = Command::new("id").arg(what).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Says a command, and hears everything through the line that begins with `last`.
fn ask(client: &mut Process, command: &str, last: &str) -> String {
    client.write(&format!("{command}\r\n"));
    hear(client, last)
}

/// Hears everything through the line that begins with `last`.
fn hear(client: &Process, last: &str) -> String {
    let mut all = String::new();
    loop {
        match client.stdout.next() {
            Some(line) => {
                all += &line;
                if line.starts_with(last) {
                    return all;
                }
            }
            None => panic!("it ended after {all:?}, saying: {}", client.stderr.rest()),
        }
    }
}

/// Reads the mail, and leaves.
fn read_by_imap(mut client: Process, greets: bool) -> Ended {
    if greets {
        hear(&client, "* OK ");
    }
    // Over TLS it lets one log in, and does not offer TLS any more.
    let capabilities = ask(&mut client, "a1 CAPABILITY", "a1 OK ");
    assert!(capabilities.contains(" AUTH=PLAIN") && !capabilities.contains("STARTTLS"), "{capabilities}");
    ask(&mut client, "a2 LOGIN bob secret", "a2 OK ");
    assert!(ask(&mut client, "a3 EXAMINE INBOX", "a3 OK ").contains("* 1 EXISTS\r\n"));
    let mail = ask(&mut client, "a4 FETCH 1 BODY.PEEK[]", "a4 OK ");
    assert!(mail.contains(&format!("BODY[] {{{}}}\r\n{MAIL})\r\n", MAIL.len())), "{mail}");
    assert!(ask(&mut client, "a5 LOGOUT", "a5 OK ").starts_with("* BYE "));
    client.close_stdin();
    client.end()
}

fn read_by_pop3(mut client: Process, greets: bool) -> Ended {
    if greets {
        hear(&client, "+OK ");
    }
    ask(&mut client, "USER bob", "+OK");
    ask(&mut client, "PASS secret", "+OK Logged in");
    let mail = ask(&mut client, "RETR 1", ".\r\n");
    let (first, rest) = mail.split_once("\r\n").unwrap();
    assert!(first.starts_with("+OK ") && rest == MAIL.replace("\r\n.", "\r\n..") + ".\r\n", "{mail}");
    ask(&mut client, "QUIT", "+OK ");
    client.close_stdin();
    client.end()
}

#[test]
fn a_mail_is_read_in_dovecot_with_s_client() {
    let Some(dovecot) = Dovecot::start("required") else { return };
    let ca = dovecot.ca(Root::Ca);
    on_each_adapter(|adapter| {
        for (service, _) in dovecot.ports {
            let client = dovecot.client(adapter, service, &["--ca", &ca]);
            let greets = service.ends_with('s');
            let ended = match service {
                "imap" | "imaps" => read_by_imap(client, greets),
                _ => read_by_pop3(client, greets),
            };
            ended.assert_code(0);
            assert!(ended.stderr.starts_with("s-client: connected\nversion: TLSv1.3\n"), "{}", ended.stderr);
            assert!(ended.stderr.contains("\n  names: localhost, 127.0.0.1, ::1\n"), "{}", ended.stderr);
        }
    });
}

#[test]
fn dovecot_has_a_certificate_for_each_name_it_is_asked_for() {
    let Some(dovecot) = Dovecot::start("required") else { return };
    let (ca, other) = (dovecot.ca(Root::Ca), dovecot.ca(Root::UnknownCa));
    on_each_adapter(|adapter| {
        for (service, _) in dovecot.ports {
            for (name, names) in
                [("wrong.example", "wrong.example"), ("localhost", "localhost, 127.0.0.1, ::1")]
            {
                let mut client = dovecot.client(adapter, service, &["--ca", &ca, "--server-name", name]);
                client.close_stdin();
                let ended = client.end();
                ended.assert_code(0);
                assert!(ended.stderr.contains(&format!("\n  names: {names}\n")), "{}", ended.stderr);
            }
            for (arguments, because) in [
                (["--ca", &ca, "--server-name", "other.example"], "it is not for other.example"),
                (["--ca", &other, "--server-name", "localhost"], "nobody that is trusted has issued it"),
            ] {
                let ended = dovecot.client(adapter, service, &arguments).end();
                ended.assert_code(4);
                assert!(ended.stderr.contains(because), "{}", ended.stderr);
                assert_eq!(ended.stdout, "");
            }
        }
    });
}

#[test]
fn a_dovecot_without_tls_is_left() {
    let Some(dovecot) = Dovecot::start("no") else { return };
    on_each_adapter(|adapter| {
        for (service, because) in [("imap", "does not offer TLS"), ("pop3", "does not offer TLS")] {
            let mut client = dovecot.client(adapter, service, &[]);
            client.write("a1 LOGIN bob secret\r\n");
            let ended = client.end();
            ended.assert_code(3);
            assert!(ended.stderr.contains(because), "{}", ended.stderr);
            assert_eq!(ended.stdout, "");
        }
    });
}
