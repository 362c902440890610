//! `docs/hostile-peers.md` stays true: every row names cases and tests that there are.

#![cfg(feature = "adapters")]
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use asyncnet_conformance::adapters::all_jobs;
use std::collections::BTreeSet;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/hostile-peers.md");

/// The last cell of each row, by the row's first.
fn shown_by(page: &str) -> Vec<(&str, &str)> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter_map(|row| Some((row.split_once(" | ")?.0, row.rsplit_once(" | ")?.1)))
        .filter(|(first, _)| !["the peer", "---"].contains(first))
        .collect()
}

/// What is between backquotes.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn faults(page: &str) -> Vec<String> {
    let cases: BTreeSet<String> = all_jobs().into_iter().map(|job| job.case).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    for (row, cell) in shown_by(page) {
        if names(cell).next().is_none() {
            faults.push(format!("{row}: nothing shows it"));
        }
        for name in names(cell) {
            let known =
                if let Some((file, _)) = cell.split_once(": ").filter(|(file, _)| file.ends_with(".rs")) {
                    let text =
                        std::fs::read_to_string(root.join("tests/tls_engine").join(file)).unwrap_or_default();
                    text.contains(&format!("fn {name}()"))
                } else {
                    cases.contains(name) || root.join("..").join(name).is_file()
                };
            if !known {
                faults.push(format!("{row}: there is no {name}"));
            }
        }
    }
    faults
}

#[test]
fn every_row_is_shown() {
    assert!(shown_by(PAGE).len() > 15, "the page has its tables");
    assert_eq!(faults(PAGE), Vec::<String>::new());
}

#[test]
fn a_row_that_nothing_shows_is_found() {
    for (from, to) in [
        ("`tls::not_tls`", "`tls::no_such_case`"),
        ("`tls::not_tls`", "nothing"),
        ("floods.rs: `tickets`", "floods.rs: `no_such_test`"),
        ("floods.rs: `tickets`", "no_such_file.rs: `tickets`"),
    ] {
        let page = PAGE.replace(from, to);
        assert_ne!(page, PAGE);
        assert_eq!(faults(&page).len(), 1, "{to}");
    }
}
