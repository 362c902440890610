//! `docs/porting-from-nim.md` stays true: every procedure, flag and option of Nim's `std/asyncnet` and every defect has its
//! row, and every row names cases that there are.
//!
//! It knows the page as tables: a row is a list of cells. That what a cell says of a call is true, the page's examples and
//! the cases show.

#![cfg(feature = "adapters")]
#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use asyncnet_conformance::adapters::all_jobs;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../docs/porting-from-nim.md");

/// The procedures, one for each overload, by how their rows begin.
const PROCEDURES: [&str; 33] = [
    "newAsyncSocket(fd, ",
    "newAsyncSocket(domain, sockType, protocol, ",
    "newAsyncSocket(domain, sockType, protocol: cint)",
    "dial(",
    "connect(",
    "connectUnix(",
    "send(socket, data: string",
    "send(socket, buf: pointer",
    "sendTo(",
    "recv(",
    "recvInto(",
    "recvLine(",
    "recvLineInto(",
    "recvFrom(socket, data: FutureVar",
    "recvFrom(socket, size",
    "bindAddr(",
    "listen(",
    "accept(",
    "acceptAddr(",
    "bindUnix(",
    "getLocalAddr(",
    "getPeerAddr(",
    "getSockOpt(",
    "setSockOpt(",
    "getFd(",
    "isClosed(",
    "isSsl(",
    "hasDataBuffered(",
    "wrapSocket(",
    "wrapConnectedSocket(",
    "getPeerCertificates(",
    "sslHandle(",
    "close(",
];

/// What is no procedure: parameters, flags, and the options of `SOBool`, in the order of the page.
const OTHERS: [&str; 23] = [
    "newAsyncSocket(buffered = false)",
    "newAsyncSocket(inheritable = true)",
    "protVersion",
    "verifyMode",
    "certFile",
    "caFile",
    "cipherList",
    "SafeDisconn",
    "Peek",
    "OptAcceptConn",
    "OptBroadcast",
    "OptDebug",
    "OptDontRoute",
    "OptKeepAlive",
    "OptOOBInline",
    "OptReuseAddr",
    "OptReusePort",
    "OptNoDelay",
    "echo server",
    "chat server",
    "HTTP client",
    "UDP echo",
    "neither of them",
];

const DEFECTS: usize = 28;

/// A table of the page: its heading's cells, and those of its rows.
struct Table<'a> {
    head: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
}

impl Table<'_> {
    fn names_cases(&self) -> bool {
        self.head.last() == Some(&"cases")
    }
}

fn tables(page: &str) -> Vec<Table<'_>> {
    let mut tables: Vec<Table<'_>> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        let Some(row) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            inside = false;
            continue;
        };
        let cells = cells(row);
        match tables.last_mut().filter(|_| inside) {
            None => tables.push(Table { head: cells, rows: Vec::new() }),
            Some(_) if cells.iter().all(|cell| *cell == "---") => {}
            Some(table) => table.rows.push(cells),
        }
        inside = true;
    }
    tables
}

/// The cells of a row, in which a bar of the text is written `\|`.
fn cells(row: &str) -> Vec<&str> {
    let ends = row.match_indices('|').map(|(at, _)| at).filter(|at| !row[..*at].ends_with('\\'));
    let mut start = 0;
    let mut cells = Vec::new();
    for end in ends.chain([row.len()]) {
        cells.push(row[start..end].trim());
        start = end + 1;
    }
    cells
}

/// What is written between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What a row is about.
fn subject<'a>(row: &[&'a str]) -> &'a str {
    row[0].trim_matches('`')
}

/// What is wrong with a page, a line each.
fn faults(page: &str, known: &BTreeSet<String>) -> Vec<String> {
    let tables = tables(page);
    let mut faults = Vec::new();
    for table in &tables {
        for row in &table.rows {
            let subject = subject(row);
            if row.len() != table.head.len() || row.iter().any(|cell| cell.is_empty()) {
                faults.push(format!("{subject}: a cell is missing or empty"));
            }
            if !table.names_cases() {
                continue;
            }
            let cases: Vec<_> = row.last().into_iter().flat_map(|cell| quoted(cell)).collect();
            if cases.is_empty() {
                faults.push(format!("{subject}: no case is named"));
            }
            let unknown = cases.iter().filter(|case| !known.contains(**case));
            faults.extend(unknown.map(|case| format!("{subject}: there is no case {case}")));
        }
    }
    let with_cases = || tables.iter().filter(|table| table.names_cases()).flat_map(|table| &table.rows);
    let has = |start: &str| with_cases().any(|row| subject(row).starts_with(start));
    faults.extend(
        PROCEDURES.iter().chain(&OTHERS).filter(|name| !has(name)).map(|name| format!("{name}: no row")),
    );
    for n in 1..=DEFECTS {
        if with_cases().filter(|row| row[0] == format!("D{n}")).count() != 1 {
            faults.push(format!("D{n}: not one row"));
        }
    }
    let platforms = tables.iter().find(|table| table.head[0] == "what");
    for system in ["Linux", "macOS", "Windows", "FreeBSD"] {
        let has = |table: &Table<'_>| table.head.iter().any(|cell| cell.contains(system));
        if !platforms.is_some_and(has) {
            faults.push(format!("platforms: no column for {system}"));
        }
    }
    faults
}

fn known() -> BTreeSet<String> {
    all_jobs().into_iter().map(|job| job.case).collect()
}

#[test]
fn the_page_is_complete_and_names_cases_that_there_are() {
    let faults = faults(PAGE, &known());
    assert!(faults.is_empty(), "docs/porting-from-nim.md:\n{}", faults.join("\n"));
}

/// A procedure of Nim's comes where Nim's documentation has it.
#[test]
fn the_procedures_are_in_the_order_of_the_reference() {
    let tables = tables(PAGE);
    let rows: Vec<_> = tables.iter().flat_map(|table| &table.rows).map(|row| subject(row)).collect();
    let places: Vec<_> =
        PROCEDURES.iter().map(|name| rows.iter().position(|row| row.starts_with(name))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

/// What the page would be without something: each time, it is that which is missed.
#[test]
fn what_is_missing_is_noticed() {
    let known = known();
    for (from, to, fault) in [
        ("`lines::into`", "`lines::onto`", "there is no case lines::onto"),
        ("`lines::into` |", " |", "a cell is missing or empty"),
        ("`lines::into` |", "none |", "no case is named"),
        ("| `recvLineInto(", "| `recvLinesInto(", "recvLineInto(: no row"),
        ("| `OptDebug`", "| `OptBug`", "OptDebug: no row"),
        ("| D4 |", "| D5 |", "D4: not one row"),
        ("| D4 |", "| D5 |", "D5: not one row"),
        ("| Windows |", "| Plan 9 |", "platforms: no column for Windows"),
    ] {
        assert!(PAGE.contains(from), "{from}");
        let faults = faults(&PAGE.replace(from, to), &known);
        assert!(faults.iter().any(|seen| seen.contains(fault)), "{from} -> {to}: {faults:?}");
    }
}
