//! The log of keys: its format, and that there is none that was not asked for.

use crate::handshakes::{Site, shake};
use TlsVersions::{Only12, Only13};
use asyncnet_os::{TlsConfigFault, TlsVersions};
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The labels of a log's lines, each of which has the client's random bytes and a secret of one of these lengths.
fn labels(log: &str, secret_digits: &[usize]) -> BTreeSet<String> {
    assert!(log.ends_with('\n'));
    let line = |line: &str| {
        let parts: Vec<_> = line.split(' ').collect();
        let [label, random, secret] = parts[..] else { panic!("{} parts", parts.len()) };
        assert_eq!(random.len(), 64, "{label}");
        assert!(secret_digits.contains(&secret.len()), "{label}: {} digits", secret.len());
        for digits in [random, secret] {
            assert!(digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{label}");
        }
        label.to_owned()
    };
    log.lines().map(line).collect()
}

#[test]
fn both_sides_write_the_same_lines() {
    let site = Site::new();
    let check = |versions, expected: &[&str], secret_digits: &[usize]| {
        let name = |side| site.files.folder().join(format!("{side}-{versions:?}.keys"));
        let (ours, theirs) = (name("client"), name("server"));
        let client = site.client().versions(versions).key_log_file(&ours).build().unwrap();
        let server = site.server().key_log_file(&theirs).build().unwrap();
        shake(&client, &server).unwrap();
        let (ours, theirs) = (fs::read_to_string(ours).unwrap(), fs::read_to_string(theirs).unwrap());
        assert_eq!(labels(&ours, secret_digits), expected.iter().map(|&label| label.to_owned()).collect());
        assert_eq!(ours.lines().collect::<BTreeSet<_>>(), theirs.lines().collect::<BTreeSet<_>>());
    };
    check(Only12, &["CLIENT_RANDOM"], &[96]);
    let secrets = [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "EXPORTER_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_TRAFFIC_SECRET_0",
    ];
    // As long as the hash of the suite: SHA-256 or SHA-384.
    check(Only13, &secrets, &[64, 96]);
}

#[test]
fn what_is_in_the_file_already_stays() {
    let site = Site::new();
    let path = site.files.write("keys", "# of yesterday\n");
    let server = site.server().build().unwrap();
    for connections in 1..=2 {
        let client = site.client().versions(Only12).no_resumption().key_log_file(&path).build().unwrap();
        shake(&client, &server).unwrap();
        let log = fs::read_to_string(&path).unwrap();
        let log = log.strip_prefix("# of yesterday\n").unwrap();
        assert_eq!(labels(log, &[96]).len(), 1);
        assert_eq!(log.lines().count(), connections);
    }
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    let path = site.files.folder().join("keys");
    site.client().key_log_file(&path).build().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_cannot_be_opened_is_told_of() {
    let site = Site::new();
    for path in [site.files.folder().join("no/keys"), site.files.folder().to_owned()] {
        let client = site.client().key_log_file(&path).build().err();
        let server = site.server().key_log_file(&path).build().err();
        for error in [client, server].map(|error| error.expect("it must not build")) {
            assert_eq!((error.fault(), error.path()), (TlsConfigFault::Unwritable, Some(&*path)), "{error}");
        }
    }
}

/// The environment cannot be set in this process: it is in another, which runs the case above it.
fn in_a_child(log: Option<&Path>) -> String {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "--nocapture", "key_log::report_of_a_child"]);
    child.env_remove("SSLKEYLOGFILE").envs(log.map(|log| ("SSLKEYLOGFILE", log)));
    let output = child.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn report_of_a_child() {
    let site = Site::new();
    let (client, server) = (site.client().versions(Only12), site.server());
    shake(&client.build().unwrap(), &server.build().unwrap()).unwrap();
    let log = env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty());
    println!("[unasked: {}]", log.as_ref().is_some_and(|path| fs::exists(path).unwrap_or(true)));
    match (client.key_log_env().build(), server.key_log_env().build()) {
        (Ok(client), Ok(server)) => {
            shake(&client, &server).unwrap();
            let lines = log.map(|path| fs::read_to_string(path).unwrap().lines().count());
            println!("[{} lines]", lines.unwrap_or_default());
        }
        (Err(one), Err(two)) => println!("[{:?}, {:?}]", one.fault(), two.fault()),
        _ => panic!("one side alone minds"),
    }
}

#[test]
fn the_environment_counts_only_when_it_is_asked_for() {
    let site = Site::new();
    let check = |log: Option<&Path>, expected: &str| {
        let report = in_a_child(log);
        assert!(report.contains("[unasked: false]") && report.contains(expected), "{log:?}: {report}");
    };
    check(None, "[0 lines]");
    check(Some(Path::new("")), "[0 lines]");
    check(Some(&site.files.folder().join("keys")), "[2 lines]");
    check(Some(&site.files.folder().join("no/keys")), "[Unwritable, Unwritable]");
}
