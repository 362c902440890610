//! The built command that breaks connections: what it prints, and how it ends.
#![cfg(feature = "adapters")]

use std::process::{Command, Output, Stdio};

fn run(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_asyncnet-tls-mutations"));
    command.args(arguments.split_whitespace()).stdin(Stdio::null());
    command.output().expect("the command starts")
}

fn lines(output: &[u8]) -> Vec<&str> {
    std::str::from_utf8(output).expect("it prints UTF-8").lines().collect()
}

#[test]
fn it_counts_what_it_played() {
    let output = run("--seed 7 --from 30 --count 1500 --jobs 2");
    assert_eq!((output.status.code(), lines(&output.stderr)), (Some(0), vec![]));
    let lines = lines(&output.stdout);
    assert!(lines[0].starts_with("1500 connections of seed 7 from number 30 in "), "{}", lines[0]);
    let ended = lines.iter().filter(|line| line.contains("  ended with "));
    let ended = ended.map(|line| line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()));
    assert_eq!(ended.sum::<Option<u64>>(), Some(1_500));
    assert_eq!(lines.last(), Some(&"1500 passed, 0 failed"));
}

#[test]
fn a_wrong_command_line_is_refused() {
    for arguments in ["--count 0", "--seed x", "--jobs 0", "more"] {
        let output = run(arguments);
        assert_eq!((output.status.code(), lines(&output.stdout)), (Some(2), vec![]), "{arguments}");
        assert!(lines(&output.stderr)[0].starts_with("error: "), "{arguments}");
    }
}

#[test]
fn the_help_names_the_options_and_the_exit_status() {
    let output = run("--help");
    let help = lines(&output.stdout).join("\n");
    for word in ["--seed <N>", "--from <N>", "--count <N>", "--jobs <N>", "1000000", "Exit status: 0"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
