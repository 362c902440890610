//! What the others lose is lost, and what asyncnet keeps is kept, as the table says.

use crate::process::Process;

#[test]
fn help_tells_the_exit_status() {
    let ended = Process::example("losses", &["--help"]).end();
    ended.assert_well();
    for word in ["Usage:", "Exit status: 0", "docs/cancellation.md"] {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
}

#[test]
fn every_call_does_what_the_page_says() {
    let ended = Process::example("losses", &[]).end();
    ended.assert_well();
    let rows = |library: &str, end: &str| {
        ended.stdout.lines().filter(|row| row.starts_with(library) && row.ends_with(end)).count()
    };
    for (library, kind, expected) in [
        ("tokio ", " LOST", 3),
        ("tokio ", " TORN", 1),
        ("tokio ", " DOUBLED", 1),
        ("tokio ", " whole", 2),
        ("tokio-util ", " whole", 1),
        ("tokio-rustls ", " TORN", 1),
        ("tokio-rustls ", " DOUBLED", 1),
        ("futures-lite ", " LOST", 2),
        ("futures-lite ", " TORN", 1),
        ("futures-lite ", " DOUBLED", 1),
        ("asyncnet-tokio ", " whole", 10),
        ("asyncnet-tokio ", " told", 2),
        ("asyncnet-smol ", " whole", 10),
        ("asyncnet-smol ", " told", 2),
    ] {
        assert_eq!(rows(library, kind), expected, "{library}{kind}:\n{}", ended.stdout);
    }
    // A heading, the rows, and two lines behind them.
    assert_eq!(ended.stdout.lines().count(), 1 + 38 + 2, "{}", ended.stdout);
}

/// The calls that the page's table of other libraries has are those that the program plays.
#[test]
fn the_page_has_the_rows_of_the_others() {
    let page = include_str!("../../../docs/cancellation.md");
    let ended = Process::example("losses", &[]).end();
    for row in ended.stdout.lines().skip(1).take_while(|row| !row.is_empty()) {
        let (library, rest) = row.split_once(' ').unwrap();
        let (call, kind) = (rest.trim_start().split("  ").next().unwrap(), rest.rsplit(' ').next().unwrap());
        if library.starts_with("asyncnet-") {
            continue;
        }
        let cells = format!("| {library} | `{call}` | {} |", kind.to_lowercase());
        assert!(page.contains(&cells), "docs/cancellation.md has no row {cells}");
    }
}
