//! The built command: what it prints, and how it ends.
#![cfg(feature = "adapters")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Output, Stdio};

fn command(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_asyncnet-conformance"));
    command.args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn run(arguments: &str) -> Output {
    command(arguments).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it prints UTF-8")
}

/// Stdout of a run in which nothing failed and nothing was said on stderr, which is no terminal here.
fn good(arguments: &str) -> String {
    let output = run(arguments);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{arguments}");
    text(&output.stdout).to_owned()
}

/// Stderr of a run that did not start.
fn refused(arguments: &str) -> String {
    let output = run(arguments);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{arguments}");
    text(&output.stderr).to_owned()
}

/// The ids of the cases of an area, as the list has them.
fn ids(prefix: &str, adapter: &str) -> Vec<String> {
    let list = good(&format!("--list --adapter {adapter} --case {prefix}"));
    list.lines().map(|line| line.split_whitespace().next().expect("an id").to_owned()).collect()
}

#[test]
fn the_list_has_one_line_for_each_case_with_its_rule() {
    let list = good("--list");
    let mut seen = BTreeSet::new();
    for line in list.lines() {
        let (id, rule) = line.split_once("  ").expect("an id and a rule");
        assert!(
            id.split_once("::").is_some_and(|(area, case)| !area.is_empty() && !case.is_empty()),
            "{line}"
        );
        assert!(!rule.trim().is_empty(), "{line}");
        assert!(seen.insert(id), "{id} is there twice");
    }
    assert!(seen.contains("lines::limit") && seen.contains("process::descriptors"), "{list}");
}

#[test]
fn areas_stand_together() {
    let list = good("--list");
    let mut areas: Vec<_> =
        list.lines().map(|line| line.split_once("::").map(|(area, _)| area).expect("an area")).collect();
    areas.dedup();
    assert_eq!(areas.len(), areas.iter().collect::<BTreeSet<_>>().len(), "{areas:?}");
}

#[test]
fn the_list_is_narrowed_by_prefix_and_adapter() {
    assert!(ids("lines::", "smol").iter().all(|id| id.starts_with("lines::")));
    assert_eq!(ids("lines::into", "smol"), ["lines::into"]);
    refused("--list --adapter memory --case listen::");
}

#[test]
fn json_is_one_object_a_line_for_each_adapter() {
    let mut adapters = Vec::new();
    for line in good("--case lines::into --json").lines() {
        let object: Value = serde_json::from_str(line).expect("an object a line");
        let fields: Vec<_> = object.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(fields, ["adapter", "case", "ms", "outcome", "reason"]);
        assert_eq!(
            (&object["case"], &object["outcome"], &object["reason"]),
            (&"lines::into".into(), &"pass".into(), &Value::Null)
        );
        assert!(object["ms"].is_u64(), "{line}");
        adapters.push(object["adapter"].as_str().expect("a name").to_owned());
    }
    adapters.sort();
    assert_eq!(adapters, ["memory", "smol", "tokio", "tokio-multi"]);
}

#[test]
fn the_table_has_a_row_for_each_case_and_a_summary() {
    let table = good("--adapter memory --case lines");
    let ids = ids("lines", "memory");
    let mut lines = table.lines();
    assert_eq!(lines.next().map(str::trim), Some("memory"));
    assert_eq!(lines.next(), Some(""));
    for id in &ids {
        let row: Vec<_> = lines.next().expect("a row").split_whitespace().collect();
        assert_eq!(row, [id, "pass"]);
    }
    assert_eq!(lines.next(), Some(""));
    let summary = lines.next().expect("a summary");
    assert!(summary.starts_with(&format!("{} cases on 1 adapter in ", ids.len())), "{summary}");
    assert_eq!(lines.next(), Some(&*format!("{} passed, 0 failed, 0 skipped", ids.len())));
    assert_eq!(lines.next(), None);
}

#[test]
fn columns_keep_their_order_and_show_what_does_not_apply() {
    let table = good("--adapter smol --adapter memory --case listen::endpoints --jobs 3");
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["memory", "smol"]);
    assert_eq!(rows[2], ["listen::endpoints", "-", "pass"]);
    assert_eq!(rows.last().map(|row| row.join(" ")), Some("1 passed, 0 failed, 0 skipped".to_owned()));
}

#[test]
fn an_unknown_adapter_is_refused_with_the_names_that_there_are() {
    let error = refused("--adapter nosuch");
    assert!(
        error.contains("no adapter is named nosuch: there are memory, tokio, tokio-multi, smol"),
        "{error}"
    );
}

#[test]
fn nothing_to_run_is_an_error() {
    let error = refused("--case nosuch::");
    assert!(error.contains("no case on memory, tokio, tokio-multi, smol begins with nosuch::"), "{error}");
}

#[test]
fn a_wrong_command_line_is_refused() {
    for arguments in ["--jobs 0", "--jobs many", "--list --json", "--nosuch", "lines"] {
        assert!(refused(arguments).starts_with("error: "), "{arguments}");
    }
}

#[test]
fn the_help_names_the_options_and_the_exit_status() {
    let help = good("--help");
    for option in ["--adapter <NAME>", "--case <PREFIX>", "--list", "--json", "--jobs <N>", "Exit status: 0"]
    {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_it_in_silence() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    for arguments in ["--list", "--case lines::into", "--case lines::into --json"] {
        let (stdout, reader) = UnixStream::pair().expect("a pair of sockets");
        drop(reader);
        let output = command(arguments).stdout(OwnedFd::from(stdout)).stderr(Stdio::piped()).output();
        let output = output.expect("the command starts");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), ""), "{arguments}");
    }
}
