//! What the command tells of the places in which calls were broken off.
#![cfg(feature = "adapters")]

use serde_json::Value;
use std::process::Command;

/// Stdout of a run in which nothing failed.
fn good(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_asyncnet-conformance"));
    let output = command.args(arguments).output().expect("the command starts");
    let stdout = String::from_utf8(output.stdout).expect("it prints UTF-8");
    assert!(output.status.success(), "{stdout}");
    stdout
}

#[test]
fn the_table_has_a_row_for_each_call_and_a_column_for_each_protocol() {
    let table = good(&["--adapter", "memory", "--case", "cancel::stream_"]);
    let head =
        table.lines().position(|line| line.split_whitespace().eq(["plain", "TLS", "1.2", "TLS", "1.3"]));
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(head.expect("a head") + 1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    for call in ["Stream::recv_line", "Stream::send_owned", "Stream::close"] {
        let row = rows.iter().find(|row| row[0] == call).expect("a row");
        let points: Vec<usize> = row[1..].iter().map(|cell| cell.parse().expect("a number")).collect();
        let [plain, tls12, tls13] = points[..] else { panic!("{row:?}") };
        assert!(0 < plain && plain < tls13 && tls13 < tls12, "TLS has more bytes, 1.2 the most: {row:?}");
    }
    assert!(table.ends_with("3 passed, 0 failed, 0 skipped\n"), "{table}");
}

#[test]
fn objects_of_other_cases_and_their_table_have_none() {
    let of = |case| good(&["--adapter", "memory", "--json", "--case", case]);
    let object: Value = serde_json::from_str(&of("cancel::unbuffered")).expect("one object");
    let cuts = object["cuts"].as_array().expect("a list");
    let line = cuts.iter().find(|cut| cut["call"] == "Unbuffered::recv_line").expect("the call");
    assert_eq!(line["protocol"], "plain");
    assert!(line["points"].as_u64().is_some_and(|points| points > 8), "{line}");
    // The help names what there may be.
    let help = good(&["--help"]);
    let help = &help[help.find("--json").expect("the option")..help.find("--jobs").expect("the next")];
    for field in [&object, line].into_iter().flat_map(|object| object.as_object().expect("an object").keys())
    {
        assert!(help.contains(&field[..]), "{field}: {help}");
    }
    let object: Value = serde_json::from_str(&of("lines::into")).expect("one object");
    assert!(object.get("cuts").is_none());
    assert!(!good(&["--adapter", "memory", "--case", "lines::into"]).contains("dropped"));
}
