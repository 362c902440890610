//! The client of HTTP, as people and servers see it.

use crate::nginx::Nginx;
use crate::on_each_adapter;
use crate::process::{Ended, Process};
use crate::scripted::{Answer, Scripted};
use asyncnet_conformance::pki::{self, Leaf, Root, ServerSetup, Version};
use std::fs::{self, File};
use std::net::{Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn get(adapter: &str, url: &str, more: &[&str]) -> Ended {
    Process::example("http-get", &[&[url, "--adapter", adapter], more].concat()).end()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with the test authority's certificate in a file, and that file.
fn with_ca() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let ca = Root::Ca.write_to(folder.path()).unwrap();
    (folder, ca)
}

/// Bytes that nothing can be left out of, or said twice, without a difference.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(step).collect()
}

#[test]
fn files_of_nginx_come_byte_for_byte() {
    let big = noise(5_000_000);
    let files = [("big", &big[..]), ("chunked", &big), ("empty", b""), ("small", b"small\n")];
    let Some(nginx) = Nginx::start(&files) else { return };
    let ca = nginx.ca();
    on_each_adapter(|adapter| {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        for origin in
            [format!("http://127.0.0.1:{}", nginx.plain), format!("https://localhost:{}", nginx.tls)]
        {
            for name in ["big", "chunked", "empty", "small"] {
                let url = format!("{origin}/{name}");
                get(adapter, &url, &["--ca", text(&ca), "--output", text(&there)]).assert_well();
                assert!(fs::read(&there).unwrap() == fs::read(nginx.file(name)).unwrap(), "{url}");

                // To stdout as well, which need not be text.
                let (stdout, path) =
                    (File::create(folder.path().join("stdout")), folder.path().join("stdout"));
                let mut command = Command::new(Process::path("http-get"));
                command.args([&url, "--adapter", adapter, "--ca", text(&ca)]).stdout(stdout.unwrap());
                Process::start_silent(&mut command).unwrap().end().assert_well();
                assert!(fs::read(path).unwrap() == fs::read(nginx.file(name)).unwrap(), "{url}");
            }
            let ended = get(adapter, &format!("{origin}/big"), &["--head", "--ca", text(&ca)]);
            ended.assert_well();
            assert!(ended.stdout.starts_with("HTTP/1.1 200 OK\nServer: nginx/"), "{}", ended.stdout);
            assert!(ended.stdout.contains("\nContent-Length: 5000000\n"), "{}", ended.stdout);
            // So this one came in chunks.
            let ended = get(adapter, &format!("{origin}/chunked"), &["--head", "--ca", text(&ca)]);
            assert!(!ended.stdout.contains("Content-Length"), "{}", ended.stdout);
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 2, "nothing else is left");
    });
}

#[test]
fn an_answer_that_is_no_success_is_told_and_not_written() {
    let Some(nginx) = Nginx::start(&[]) else { return };
    on_each_adapter(|adapter| {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        fs::write(&there, "as before").unwrap();
        let url = format!("http://127.0.0.1:{}/nowhere", nginx.plain);
        let ended = get(adapter, &url, &["--output", text(&there)]);
        ended.assert_code(3);
        assert_eq!(ended.stderr, format!("http-get: {url}: the server answers 404 Not Found\n"));
        assert_eq!(ended.stdout, "");
        assert_eq!(fs::read(&there).unwrap(), b"as before");

        let ended = get(adapter, &url, &["--head"]);
        ended.assert_code(3);
        assert!(ended.stdout.starts_with("HTTP/1.1 404 Not Found\n"), "{}", ended.stdout);
    });
}

#[test]
fn a_certificate_that_is_not_good_is_refused() {
    let Some(nginx) = Nginx::start(&[("small", b"small\n")]) else { return };
    let ca = nginx.ca();
    on_each_adapter(|adapter| {
        let check = |port: u16, trust: &[&str], because: &str| {
            let url = format!("https://localhost:{port}/small");
            let ended = get(adapter, &url, trust);
            ended.assert_code(4);
            let expected = format!("http-get: {url}: the peer's certificate is not good: {because}\n");
            assert_eq!((&ended.stderr[..], &ended.stdout[..]), (&expected[..], ""));

            let ended = get(adapter, &url, &["--insecure", "--quiet"]);
            ended.assert_code(0);
            assert_eq!(ended.stdout, "small\n");
            assert!(ended.stderr.starts_with("http-get: WARNING: --insecure: "), "{}", ended.stderr);
        };
        let trust = ["--ca", text(&ca)];
        check(nginx.expired, &trust, "it has expired");
        check(nginx.wrong_name, &trust, "it is not for localhost, but for wrong.example");
        let other = Root::UnknownCa.write_to(ca.parent().unwrap()).unwrap();
        check(nginx.tls, &["--ca", text(&other)], "nobody that is trusted has issued it");
    });
}

#[test]
fn the_environment_can_name_the_roots_and_they_count() {
    let (folder, ca) = with_ca();
    let other = Root::UnknownCa.write_to(folder.path()).unwrap();
    on_each_adapter(|adapter| {
        let answer = Answer::new("HTTP/1.1 200 OK\r\n\r\nhello");
        let server = Scripted::tls(pki::server(Version::Both), vec![answer; 2]);
        let get_under = |roots: &Path| {
            let mut command = Command::new(Process::path("http-get"));
            command.args([&format!("https://localhost:{}/", server.port()), "--adapter", adapter]);
            Process::start(command.env("SSL_CERT_FILE", roots)).unwrap().end()
        };
        let ended = get_under(&ca);
        ended.assert_well();
        assert_eq!(ended.stdout, "hello");
        let ended = get_under(&other);
        ended.assert_code(4);
        assert!(ended.stderr.ends_with(": nobody that is trusted has issued it\n"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    });
}

#[test]
fn what_is_no_tls_and_no_http_is_told() {
    let (_folder, ca) = with_ca();
    on_each_adapter(|adapter| {
        // A TLS server that is asked in plaintext answers with an alert, or not at all.
        let config = pki::server(Version::Both);
        let server = Scripted::tls(config, vec![Answer::new("")]);
        get(adapter, &format!("http://localhost:{}/", server.port()), &[]).assert_code(1);

        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port();
        let greeting = std::thread::spawn(move || {
            let (mut socket, _) = server.accept().unwrap();
            std::io::Write::write_all(&mut socket, b"220 mail.example\r\n").unwrap();
            std::io::copy(&mut socket, &mut std::io::sink()).ok();
        });
        let ended = get(adapter, &format!("https://localhost:{port}/"), &["--ca", text(&ca)]);
        ended.assert_code(4);
        assert!(ended.stderr.ends_with("/: the peer does not speak TLS\n"), "{}", ended.stderr);
        greeting.join().unwrap();

        let server = Scripted::plain(vec![Answer::new("220 mail.example\r\n")]);
        let ended = get(adapter, &format!("http://localhost:{}/", server.port()), &[]);
        ended.assert_code(1);
        assert!(ended.stderr.ends_with("/: what answers does not speak HTTP/1\n"), "{}", ended.stderr);
    });
}

/// How an answer ends, what of it is a success, and what is said of the others.
const ENDS: [(&str, bool, Result<(), &str>); 10] = [
    ("Content-Length: 5\r\n\r\nhello", true, Ok(())),
    // It is complete, so how the connection ends does not matter.
    ("Content-Length: 5\r\n\r\nhello", false, Ok(())),
    ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false, Ok(())),
    (
        "Content-Length: 6\r\n\r\nhello",
        true,
        Err("the answer ended before the end of the body: 1 bytes are missing"),
    ),
    (
        "Content-Length: 6\r\n\r\nhello",
        false,
        Err("the answer ended before the end of the body: 1 bytes are missing"),
    ),
    (
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        true,
        Err("the answer ended before the end of the body"),
    ),
    (
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        false,
        Err("the answer ended before the end of the body"),
    ),
    ("\r\nhello", true, Ok(())),
    // Somebody may have left out the rest.
    ("\r\nhello", false, Err("the TLS stream was cut: it ended without close_notify")),
    ("Server: x\r\n", false, Err("the answer ended before the end of the head")),
];

#[test]
fn a_body_that_is_cut_off_is_an_error() {
    let (_folder, ca) = with_ca();
    on_each_adapter(|adapter| {
        for version in [None, Some(Version::Tls12), Some(Version::Tls13)] {
            for (rest, is_clean, expected) in ENDS {
                let answer = Answer::new(format!("HTTP/1.1 200 OK\r\n{rest}"));
                let answers = vec![if is_clean { answer } else { answer.cut() }; 2];
                let server = match version {
                    Some(version) => Scripted::tls(pki::server(version), answers),
                    None => Scripted::plain(answers),
                };
                // In plaintext there is but one way to end.
                let expected = if version.is_none() && rest == "\r\nhello" { Ok(()) } else { expected };
                let scheme = if version.is_some() { "https" } else { "http" };
                let url = format!("{scheme}://localhost:{}/x", server.port());
                let folder = tempfile::tempdir().unwrap();
                let there = folder.path().join("there");

                let to_stdout = get(adapter, &url, &["--ca", text(&ca)]);
                let to_file = get(adapter, &url, &["--ca", text(&ca), "--output", text(&there)]);
                match expected {
                    Ok(()) => {
                        to_stdout.assert_well();
                        assert_eq!(to_stdout.stdout, "hello");
                        to_file.assert_well();
                        assert_eq!(fs::read(&there).unwrap(), b"hello");
                    }
                    Err(because) => {
                        for ended in [to_stdout, to_file] {
                            ended.assert_code(1);
                            assert_eq!(
                                ended.stderr,
                                format!("http-get: {url}: {because}\n"),
                                "{version:?} {rest:?}"
                            );
                        }
                        assert_eq!(
                            folder.path().read_dir().unwrap().count(),
                            0,
                            "half a file is left behind"
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn the_request_says_what_is_needed() {
    let ok = || Answer::new("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    on_each_adapter(|adapter| {
        let request = |method: &str, target: &str, host: &str| {
            format!(
                "{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: asyncnet-http-get/{}\r\nAccept: */*\r\n\
                 Accept-Encoding: identity\r\nConnection: close\r\n\r\n",
                env!("CARGO_PKG_VERSION")
            )
        };
        let server = Scripted::plain(vec![ok(), ok(), ok()]);
        let port = server.port();
        get(adapter, &format!("HTTP://LocalHost:{port}/a/./b c?d#e"), &[]).assert_well();
        assert_eq!(server.request(), request("GET", "/a/b%20c?d", &format!("localhost:{port}")));
        get(adapter, &format!("http://127.0.0.1:{port}"), &[]).assert_well();
        assert_eq!(server.request(), request("GET", "/", &format!("127.0.0.1:{port}")));
        // What is behind the head of an answer to HEAD is not for us.
        let ended = get(adapter, &format!("http://127.0.0.1:{port}"), &["--head"]);
        ended.assert_well();
        assert_eq!(ended.stdout, "HTTP/1.1 200 OK\nContent-Length: 2\n");
        assert_eq!(server.request(), request("HEAD", "/", &format!("127.0.0.1:{port}")));

        let (_folder, ca) = with_ca();
        for tls in [None, Some(pki::server(Version::Both))] {
            let scheme = if tls.is_some() { "https" } else { "http" };
            match Scripted::at((Ipv6Addr::LOCALHOST, 0).into(), tls, vec![ok()]) {
                Err(error) => println!("skipped: no IPv6 on loopback: {error}"),
                Ok(server) => {
                    let host = format!("[::1]:{}", server.port());
                    get(adapter, &format!("{scheme}://{host}/"), &["--ca", text(&ca)]).assert_well();
                    assert_eq!(server.request(), request("GET", "/", &host));
                }
            }
        }
    });
}

#[test]
fn the_protocol_is_agreed_on() {
    let (_folder, ca) = with_ca();
    on_each_adapter(|adapter| {
        let check = |alpn: &'static [&'static str], code: i32| {
            let config = ServerSetup { alpn, ..ServerSetup::new(Version::Both) }.config();
            let server = Scripted::tls(config, vec![Answer::new("HTTP/1.1 204 No Content\r\n\r\n")]);
            get(adapter, &format!("https://localhost:{}/", server.port()), &["--ca", text(&ca)])
                .assert_code(code);
        };
        check(&["h2", "http/1.1"], 0);
        check(&[], 0);
        // It speaks HTTP/2 alone.
        check(&["h2"], 4);
    });
}

#[test]
fn redirects_are_followed_so_far_and_stay_encrypted() {
    let Some(nginx) = Nginx::start(&[("small", b"small\n")]) else { return };
    let ca = nginx.ca();
    on_each_adapter(|adapter| {
        let (plain, tls) =
            (format!("http://localhost:{}", nginx.plain), format!("https://localhost:{}", nginx.tls));
        let get = |url: &str, more: &[&str]| get(adapter, url, &[&["--ca", text(&ca)], more].concat());
        for url in [format!("{plain}/to-tls"), format!("{plain}/in/a/folder")] {
            let ended = get(&url, &[]);
            ended.assert_well();
            assert_eq!(ended.stdout, "small\n");
        }
        let ended = get(&format!("{plain}/to-tls"), &["--max-redirects", "0"]);
        ended.assert_code(3);
        assert!(
            ended.stderr.ends_with("/to-tls: the server answers 301 Moved Permanently\n"),
            "{}",
            ended.stderr
        );
        let ended = get(&format!("{plain}/loop"), &[]);
        ended.assert_code(1);
        let expected = format!("/loop: after 5 redirects the server sends us to {plain}/loop\n");
        assert!(ended.stderr.ends_with(&expected), "{}", ended.stderr);
        let ended = get(&format!("{tls}/to-plain"), &[]);
        ended.assert_code(1);
        let expected = format!("/to-plain: the server sends us to {plain}/small, which is not encrypted\n");
        assert!(ended.stderr.ends_with(&expected), "{}", ended.stderr);
        let ended = get(&format!("{tls}/to-plain"), &["--allow-downgrade"]);
        ended.assert_well();
        assert_eq!(ended.stdout, "small\n");

        // Where it leads elsewhere than to HTTP, or to nothing at all.
        let server = Scripted::plain(vec![
            Answer::new("HTTP/1.1 302 Found\r\nLocation: ftp://localhost/\r\n\r\n"),
            Answer::new("HTTP/1.1 302 Found\r\n\r\n"),
            Answer::new("HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n"),
            Answer::new("HTTP/1.1 200 OK\r\n\r\nthere"),
        ]);
        let url = format!("http://localhost:{}/", server.port());
        let ended = get(&url, &[]);
        ended.assert_code(1);
        assert!(
            ended.stderr.contains("sends us to \"ftp://localhost/\": the scheme \"ftp\""),
            "{}",
            ended.stderr
        );
        get(&url, &[]).assert_code(3);
        let ended = get(&url, &[]);
        ended.assert_well();
        assert_eq!(ended.stdout, "there");
        for target in ["/", "/", "/", "/there"] {
            assert!(server.request().starts_with(&format!("GET {target} HTTP/1.1\r\n")));
        }
        assert!(server.is_unasked());
    });
}

#[test]
fn openssl_serves_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = Leaf::Localhost.identity().write_to(folder.path()).unwrap();
    let ca = Root::Ca.write_to(folder.path()).unwrap();
    let big = noise(3_000_000);
    fs::write(folder.path().join("big"), &big).unwrap();
    on_each_adapter(|adapter| {
        for version in ["-tls1_2", "-tls1_3"] {
            let mut command = Command::new("openssl");
            command.args(["s_server", "-accept", "127.0.0.1:0", "-WWW", version]).current_dir(&folder);
            command.args(["-cert", text(&files.chain), "-key", text(&files.key)]);
            let Some(server) = Process::command(&mut command) else { return };
            let address = loop {
                let line = server.stdout.next().expect("it says where it listens");
                if let Some(address) = line.strip_prefix("ACCEPT ") {
                    break address.trim().to_owned();
                }
            };
            let there = folder.path().join("there");
            let url = format!("https://{address}/big");
            get(adapter, &url, &["--ca", text(&ca), "--output", text(&there)]).assert_well();
            assert!(fs::read(&there).unwrap() == big);
        }
    });
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    on_each_adapter(|adapter| {
        for answer in ["", "HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"] {
            let server = Scripted::plain(vec![Answer::new(answer).unended()]);
            let url = format!("http://localhost:{}/", server.port());
            let ended = get(adapter, &url, &["--timeout", "1"]);
            ended.assert_code(1);
            assert_eq!(ended.stderr, format!("http-get: {url}: the server was silent for 1 s\n"));
        }
    });
}

#[test]
fn what_cannot_be_reached_or_written_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    on_each_adapter(|adapter| {
        let ended = get(adapter, &format!("http://127.0.0.1:{free}/"), &[]);
        ended.assert_code(1);
        assert!(ended.stderr.contains(&format!("127.0.0.1:{free} cannot be reached: ")), "{}", ended.stderr);
        let ended = get(adapter, &format!("https://127.0.0.1:{free}/"), &["--ca", "/nowhere/ca.pem"]);
        ended.assert_code(1);
        assert!(
            ended.stderr.contains(": cannot speak TLS: /nowhere/ca.pem: cannot be read: "),
            "{}",
            ended.stderr
        );
        let server = Scripted::plain(vec![Answer::new("HTTP/1.1 200 OK\r\n\r\nhello")]);
        let url = format!("http://localhost:{}/", server.port());
        let ended = get(adapter, &url, &["--output", "/nowhere/there"]);
        ended.assert_code(1);
        assert!(ended.stderr.starts_with("http-get: cannot write to /nowhere/there: "), "{}", ended.stderr);
    });
}

#[test]
fn a_wrong_url_is_a_wrong_command_line() {
    for (url, because) in [
        ("localhost:80/", "it has to begin with http:// or https://"),
        ("ftp://localhost/", "the scheme \"ftp\" is neither http nor https"),
        ("http://ann:secret@localhost/", "a name or password before the host is not supported"),
        ("http://::1/", "an IPv6 address in brackets"),
        ("http://localhost:0/", "the port \"0\" is not a number from 1 to 65535"),
    ] {
        let ended = get("tokio", url, &[]);
        ended.assert_code(2);
        assert!(ended.stderr.contains(because), "{}", ended.stderr);
    }
    let ended = get("tokio", "http://localhost/", &["--ca", "x", "--insecure"]);
    ended.assert_code(2);
    assert!(ended.stderr.contains("cannot be used with"), "{}", ended.stderr);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_kept() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    on_each_adapter(|adapter| {
        let server = Scripted::plain(vec![Answer::new("HTTP/1.1 200 OK\r\n\r\nhello"); 2]);
        let url = format!("http://localhost:{}/", server.port());
        get(adapter, &url, &["--output", "/dev/null"]).assert_well();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());

        // A link stays one, and a new file is not for its owner alone unless the umask says so.
        let folder = tempfile::tempdir().unwrap();
        let (link, there) = (folder.path().join("link"), folder.path().join("there"));
        fs::write(&there, "before").unwrap();
        std::os::unix::fs::symlink("there", &link).unwrap();
        get(adapter, &url, &["--output", text(&link)]).assert_well();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&there).unwrap(), b"hello");
        let fresh = File::create(folder.path().join("fresh")).unwrap().metadata().unwrap();
        assert_eq!(fs::metadata(&there).unwrap().permissions().mode(), fresh.permissions().mode());
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it() {
    on_each_adapter(|adapter| {
        let answer = Answer::new("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf\n").unended();
        let server = Scripted::plain(vec![answer]);
        let url = format!("http://localhost:{}/", server.port());
        let process = Process::example("http-get", &[&url, "--adapter", adapter]);
        assert_eq!(process.stdout.next().unwrap(), "half\n");
        process.signal("INT");
        let ended = process.end();
        ended.assert_code(130);
        assert_eq!(ended.stderr, format!("http-get: {url}: interrupted\n"));
    });
}

/// With util-linux's `script`, which gives a command a terminal.
#[cfg(target_os = "linux")]
#[test]
fn progress_is_shown_on_a_terminal_alone() {
    on_each_adapter(|adapter| {
        let body = "x".repeat(100_000);
        let answer = Answer::new(format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{body}"));
        let server = Scripted::plain(vec![answer; 3]);
        let program = Process::path("http-get");
        let run = |more: &str| {
            let command = format!("{program} http://localhost:{}/ --adapter {adapter} {more}", server.port());
            let ended = Process::tool("script", &["-qec", &command, "/dev/null"])?.end();
            ended.assert_code(0);
            Some(ended.stdout)
        };
        let Some(shown) = run("--output /dev/null") else { return };
        assert!(shown.contains("100.0 kB of 100.0 kB, 100 %"), "{shown}");
        assert!(shown.ends_with("\u{1b}[K\r\n"), "{shown:?}");
        assert_eq!(run("--output /dev/null --quiet").unwrap(), "");
        // There the body is.
        assert_eq!(run("").unwrap(), body);
    });
}
