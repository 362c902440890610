//! Echo and chat over TLS, as their peers see them.

use crate::on_each_adapter;
use crate::peer::Peer;
use crate::process::{Ended, Process};
use asyncnet_conformance::pki::{self, Leaf, Root, Version};
use std::net::TcpStream;
use std::path::Path;
use tempfile::TempDir;

/// A server with a certificate of the test authority's, its address, and the folder with the files.
fn start(program: &str, adapter: &str, more: &[&str]) -> (Process, String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let files = Leaf::Localhost.identity().write_to(folder.path()).unwrap();
    let (cert, key) = (path(&files.chain), path(&files.key));
    let common = ["--listen", "127.0.0.1:0", "--adapter", adapter, "--cert", &cert, "--key", &key];
    let server = Process::example(program, &[&common, more].concat());
    let address = server.listening();
    (server, address, folder)
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn lines_come_back_as_they_were_sent() {
    on_each_adapter(|adapter| {
        let (_echo, address, _folder) = start("echo", adapter, &[]);
        for version in Version::EACH {
            for text in [
                &b"CR LF\r\nLF\n\r\n\nand no line end"[..],
                b"\xff is not UTF-8, \0 no end, a CR \r no line end\n",
                &b"a line longer than a record\n".repeat(2_000),
                b"",
            ] {
                let mut peer = Peer::tcp(&address).over_tls(pki::client(version));
                peer.say(text);
                peer.end_tls();
                // An end without close_notify would be an error of rustls'.
                assert!(peer.hear_all() == text, "{version:?}");
            }
        }
    });
}

#[test]
fn a_line_over_the_limit_is_answered_and_the_dialogue_goes_on() {
    on_each_adapter(|adapter| {
        let (_echo, address, _folder) = start("echo", adapter, &["--max-line", "8"]);
        let mut peer = Peer::tcp(&address).over_tls(pki::client(Version::Both));
        peer.say("x".repeat(100_000) + "\r\n12345678\r\n");
        peer.assert_hears("ERR line too long\r\n");
        peer.assert_hears("12345678\r\n");
    });
}

/// `openssl s_client`, verifying the server.
fn s_client(address: &str, folder: &Path, more: &[&str]) -> Option<Process> {
    let ca = path(&Root::Ca.write_to(folder).unwrap());
    let common = ["s_client", "-connect", address, "-quiet", "-no_ign_eof", "-verify_quiet"];
    let verify = ["-CAfile", &ca, "-verify_return_error", "-verify_hostname", "localhost"];
    Process::tool("openssl", &[&common[..], &verify, more].concat())
}

#[test]
fn openssl_and_ncat_talk_to_it() {
    on_each_adapter(|adapter| {
        let (echo, address, folder) = start("echo", adapter, &["--max-line", "16"]);
        for version in ["-tls1_2", "-tls1_3"] {
            let Some(mut openssl) = s_client(&address, folder.path(), &[version]) else { break };
            openssl.write("one\ntwo\n");
            assert_eq!(openssl.stdout.next().unwrap(), "one\n");
            assert_eq!(openssl.stdout.next().unwrap(), "two\n");
            openssl.write("a line much longer than its limit\n");
            assert_eq!(openssl.stdout.next().unwrap(), "ERR line too long\n");
            openssl.close_stdin();
            openssl.end().assert_code(0);
        }
        let port = address.rsplit_once(':').unwrap().1;
        let ca = path(&Root::Ca.write_to(folder.path()).unwrap());
        // It compares names only, no addresses.
        let verify = ["-4", "--ssl", "--ssl-verify", "--ssl-trustfile", &ca, "localhost", port];
        if let Some(mut ncat) = Process::tool("ncat", &verify) {
            ncat.write("one\n");
            assert_eq!(ncat.stdout.next().unwrap(), "one\n");
            ncat.close_stdin();
            ncat.end().assert_code(0);
            // It ends without close_notify, which openssl did not.
            let told = echo.stderr.next().unwrap();
            assert!(told.ends_with(": the TLS stream was cut: it ended without close_notify\n"), "{told}");
        }
        assert_eq!(echo.stderr.try_next(), None);
    });
}

#[test]
fn a_self_signed_certificate_can_be_told_by_its_fingerprint() {
    on_each_adapter(|adapter| {
        for program in ["echo", "chat"] {
            let arguments = ["--listen", "127.0.0.1:0", "--adapter", adapter, "--self-signed"];
            let server = Process::example(program, &arguments);
            let address = server.listening();
            let notice = server.stdout.next().unwrap();
            let fingerprint = notice.strip_prefix("certificate sha256 ").expect(&notice);

            let Some(certificate) = shown_certificate(&address, &["-showcerts"]) else { return };
            let mut x509 = Process::tool("openssl", &["x509", "-noout", "-fingerprint", "-sha256"]).unwrap();
            x509.write(&certificate);
            x509.close_stdin();
            assert_eq!(x509.stdout.next().unwrap(), format!("sha256 Fingerprint={fingerprint}"));

            // Whoever has compared can keep it, and trust it: under each of its names.
            let folder = tempfile::tempdir().unwrap();
            let kept = folder.path().join("kept.pem");
            std::fs::write(&kept, &certificate).unwrap();
            for name in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"]] {
                let trust = ["-CAfile", &path(&kept), "-verify_return_error", name[0], name[1]];
                assert_eq!(shown_certificate(&address, &trust), Some(certificate.clone()));
            }
        }
    });
}

/// The certificate that a server shows to `openssl s_client`, in PEM; `None` without openssl.
fn shown_certificate(address: &str, more: &[&str]) -> Option<String> {
    let mut openssl = Process::tool("openssl", &[&["s_client", "-connect", address][..], more].concat())?;
    openssl.close_stdin();
    let ended = openssl.end();
    ended.assert_code(0);
    let begin = ended.stdout.find("-----BEGIN CERTIFICATE-----").expect(&ended.stdout);
    let end = ended.stdout.find("-----END CERTIFICATE-----\n").unwrap() + 26;
    Some(ended.stdout[begin..end].to_owned())
}

#[test]
fn a_peer_that_fails_the_handshake_is_told_and_disturbs_nobody() {
    on_each_adapter(|adapter| {
        for program in ["echo", "chat"] {
            let (server, address, folder) = start(program, adapter, &[]);
            // One that says nothing is waited for in a task of its own.
            let _silent = TcpStream::connect(&address).unwrap();
            let expect = |from: Option<&TcpStream>, reason: &str| {
                let told = server.stderr.next().unwrap();
                let from = from.map_or_else(String::new, |from| from.local_addr().unwrap().to_string());
                assert!(told.starts_with(&format!("{program}: {from}")), "{told}");
                assert!(told.ends_with(&format!(": TLS handshake: {reason}\n")), "{told}");
            };

            let plain = TcpStream::connect(&address).unwrap();
            let mut peer = Peer::from(plain.try_clone().unwrap());
            peer.say("HELLO\r\n");
            expect(Some(&plain), "the peer does not speak TLS");
            // A fatal alert, and an end: no text.
            peer.end();
            assert_eq!(peer.hear_all()[..6], [21, 3, 3, 0, 2, 2]);

            let gone = TcpStream::connect(&address).unwrap();
            gone.shutdown(std::net::Shutdown::Write).unwrap();
            expect(Some(&gone), "the peer ended the connection during the TLS handshake");

            let ca = path(&Root::UnknownCa.write_to(folder.path()).unwrap());
            let refusing = ["s_client", "-connect", &address, "-CAfile", &ca, "-verify_return_error"];
            if let Some(openssl) = Process::tool("openssl", &refusing) {
                openssl.end().assert_code(1);
                expect(None, "the peer refused: alert unknown_ca (48)");
            }

            let mut peers = [(); 2].map(|()| Peer::tcp(&address).over_tls(pki::client(Version::Both)));
            if program == "echo" {
                peers[0].say("still there?\r\n");
                peers[0].assert_hears("still there?\r\n");
            } else {
                assert_members(&mut peers);
            }
        }
    });
}

/// Members of a chat join as their handshakes are done. So the first says something until the second has heard it.
fn assert_members<S: std::io::Read + std::io::Write>(peers: &mut [Peer<S>; 2]) {
    let [ann, bob] = peers;
    // Over the limit, so that nobody else hears it: the answer says that Ann is in.
    let long = "x".repeat(5_000) + "\n";
    ann.say(&long);
    ann.assert_hears("ERR line too long\r\n");
    bob.say(&(long + "bob is here\n"));
    bob.assert_hears("ERR line too long\r\n");
    ann.assert_hears("bob is here\r\n");
    ann.say("hello, bob\n");
    bob.assert_hears("hello, bob\r\n");
}

#[test]
fn members_of_a_chat_hear_each_other() {
    on_each_adapter(|adapter| {
        let (chat, address, folder) = start("chat", adapter, &[]);
        let mut peers = Version::EACH.map(|version| Peer::tcp(&address).over_tls(pki::client(version)));
        assert_members(&mut peers);
        let [mut ann, mut bob] = peers;
        if let Some(mut openssl) = s_client(&address, folder.path(), &[]) {
            openssl.write("cid is here\n");
            for peer in [&mut ann, &mut bob] {
                peer.assert_hears("cid is here\r\n");
            }
            bob.say("hello, cid\n");
            ann.assert_hears("hello, cid\r\n");
            assert_eq!(openssl.stdout.next().unwrap(), "hello, cid\r\n");
            openssl.close_stdin();
            openssl.end().assert_code(0);
        }
        bob.say("bye");
        bob.end_tls();
        ann.assert_hears("bye\r\n");
        assert_eq!(bob.hear_all(), b"");
        drop(chat);
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_end_it_well() {
    on_each_adapter(|adapter| {
        for signal in ["INT", "TERM"] {
            let (echo, address, _folder) = start("echo", adapter, &[]);
            let silent = TcpStream::connect(&address).unwrap();
            let mut peer = Peer::tcp(&address).over_tls(pki::client(Version::Both));
            peer.say("one\ntwo\nhalf of thr");
            peer.assert_hears("one\n");
            echo.signal(signal);
            assert_eq!(peer.hear_all(), b"two\n");
            peer.end_tls();
            // One in the middle of its handshake is not waited for.
            assert_eq!(Peer::from(silent).hear_all(), b"");
            drop(peer);
            echo.end().assert_well();
        }
    });
}

#[cfg(unix)]
#[test]
fn a_unix_socket_speaks_tls_as_well() {
    on_each_adapter(|adapter| {
        let folder = tempfile::tempdir().unwrap();
        let socket = path(&folder.path().join("socket"));
        let (echo, _address, _folder) = start("echo", adapter, &["--unix", &socket]);
        assert_eq!(echo.listening(), format!("unix:{socket}"));
        let mut peer = Peer::unix(&socket).over_tls(pki::client(Version::Both));
        peer.say("near\n");
        peer.assert_hears("near\n");
    });
}

fn run(program: &str, arguments: &[&str]) -> Ended {
    Process::example(program, &[&["--listen", "127.0.0.1:0"], arguments].concat()).end()
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let files = Leaf::Localhost.identity().write_to(folder.path()).unwrap();
    let other = path(&Leaf::Expired.identity().write_to(folder.path()).unwrap().key);
    let (cert, key) = (path(&files.chain), path(&files.key));
    for program in ["echo", "chat"] {
        for (cert, key, complaint) in [
            (&cert[..], "/no/key.pem", "/no/key.pem: cannot be read: ".to_owned()),
            ("/no/cert.pem", &key, "/no/cert.pem: cannot be read: ".to_owned()),
            (&cert, &other, format!("{other}: the private key does not belong to the certificate ({cert})")),
            (&key, &key, format!("{key}: no certificate; ")),
            (&cert, &cert, format!("{cert}: no private key in PEM format ")),
        ] {
            let ended = run(program, &["--cert", cert, "--key", key]);
            ended.assert_code(1);
            assert!(
                ended.stderr.starts_with(&format!("{program}: cannot speak TLS: {complaint}")),
                "{}",
                ended.stderr
            );
            assert_eq!(ended.stderr.lines().count(), 1);
            assert_eq!(ended.stdout, "");
        }
        for (arguments, because) in [
            (&["--cert", &cert][..], "--key <FILE>"),
            (&["--key", &key], "--cert <FILE>"),
            (&["--self-signed", "--cert", &cert, "--key", &key], "cannot be used with"),
        ] {
            let ended = run(program, arguments);
            ended.assert_code(2);
            assert!(ended.stderr.contains(because), "{}", ended.stderr);
        }
    }
}
