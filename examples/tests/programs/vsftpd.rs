//! A real vsftpd, for FTP's way to TLS. It is given each connection as it is, as by inetd(8), and has no port to lose.

use crate::on_each_adapter;
use crate::process::Process;
use crate::server::program;
use asyncnet_conformance::pki::{Leaf, Root};
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

/// Has one file, for everybody to read.
struct Vsftpd {
    folder: TempDir,
    ca: String,
    other_ca: String,
}

impl Vsftpd {
    /// `None`, and a word about it, if there is no vsftpd, or none that we may start.
    fn new() -> Option<Self> {
        Process::tool(&program("vsftpd"), &["-v"])?.end();
        let folder = tempfile::tempdir().unwrap();
        if fs::metadata(&folder).unwrap().uid() != 0 {
            println!("skipped: only the superuser may start vsftpd");
            return None;
        }
        // It reads the files as another user.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        for name in ["files", "empty"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("files/hello"), "hello, FTP").unwrap();
        let ca = |root: Root| root.write_to(folder.path()).unwrap().to_str().unwrap().to_owned();
        let (ca, other_ca) = (ca(Root::Ca), ca(Root::UnknownCa));
        Some(Self { folder, ca, other_ca })
    }

    /// Where it takes one connection, with these settings beside its usual ones; and how it ends.
    fn serve(&self, settings: &str) -> (String, JoinHandle<ExitStatus>) {
        let files = Leaf::Localhost.identity().write_to(self.folder.path()).unwrap();
        let configuration = self.folder.path().join("vsftpd.conf");
        let text = format!(
            "listen=NO
anonymous_enable=YES
anon_root={folder}/files
secure_chroot_dir={folder}/empty
allow_anon_ssl=YES
force_anon_logins_ssl=YES
rsa_cert_file={chain}
rsa_private_key_file={key}
{settings}
",
            folder = self.folder.path().display(),
            chain = files.chain.display(),
            key = files.key.display(),
        );
        fs::write(&configuration, text).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", listener.local_addr().unwrap().port());
        let serve = move || {
            let input: OwnedFd = listener.accept().unwrap().0.into();
            let output = input.try_clone().unwrap();
            let mut command = Command::new(program("vsftpd"));
            command.arg(configuration).stdin(input).stdout(output).stderr(Stdio::null());
            command.status().unwrap()
        };
        (address, thread::spawn(serve))
    }
}

/// Says a command, and hears its answer.
#[track_caller]
fn ask(client: &mut Process, command: &str, answer: &str) {
    client.write(&format!("{command}\r\n"));
    assert_eq!(client.stdout.next().as_deref(), Some(&*format!("{answer}\r\n")), "{command}");
}

#[test]
fn s_client_talks_to_vsftpd() {
    let Some(vsftpd) = Vsftpd::new() else { return };
    on_each_adapter(|adapter| {
        for (settings, starttls) in
            [("ssl_enable=YES", &["--starttls", "ftp"][..]), ("ssl_enable=YES\nimplicit_ssl=YES", &[])]
        {
            let (address, server) = vsftpd.serve(settings);
            let arguments = [&[&*address, "--ca", &vsftpd.ca, "--adapter", adapter], starttls].concat();
            let mut client = Process::example("s-client", &arguments);
            if starttls.is_empty() {
                assert!(client.stdout.next().unwrap().starts_with("220 "));
            }
            ask(&mut client, "USER anonymous", "331 Please specify the password.");
            ask(&mut client, "PASS me@example.org", "230 Login successful.");
            ask(&mut client, "SIZE hello", "213 10");
            ask(&mut client, "QUIT", "221 Goodbye.");
            client.close_stdin();
            let ended = client.end();
            // It hangs up without close_notify.
            ended.assert_code(1);
            assert!(ended.stderr.contains("\nversion: TLSv1.3\n"), "{}", ended.stderr);
            assert!(ended.stderr.contains("the TLS stream was cut"), "{}", ended.stderr);
            server.join().unwrap();
        }
    });
}

#[test]
fn s_client_refuses_a_vsftpd_that_is_not_good() {
    let Some(vsftpd) = Vsftpd::new() else { return };
    on_each_adapter(|adapter| {
        for (settings, ca, name, code, because) in [
            ("ssl_enable=YES", &vsftpd.other_ca, "localhost", 4, "nobody that is trusted has issued it"),
            ("ssl_enable=YES", &vsftpd.ca, "other.example", 4, "it is not for other.example"),
            ("ssl_enable=NO", &vsftpd.ca, "localhost", 3, "refused to speak TLS: \"530 "),
        ] {
            let (address, server) = vsftpd.serve(settings);
            let arguments = ["--starttls", "ftp", "--ca", ca, "--server-name", name, "--adapter", adapter];
            let mut client = Process::example("s-client", &[&[&*address], &arguments[..]].concat());
            client.write("USER anonymous\r\n");
            let ended = client.end();
            ended.assert_code(code);
            assert!(ended.stderr.contains(because), "{}", ended.stderr);
            assert_eq!(ended.stdout, "");
            server.join().unwrap();
        }
    });
}
