//! The tour keeps its promises, and says so.

use crate::on_each_adapter;
use crate::process::Process;
use std::process::Command;

#[test]
fn the_tour_is_as_promised_and_leaves_nothing_behind() {
    on_each_adapter(|adapter| {
        let folder = tempfile::tempdir().unwrap();
        let mut tour = Command::new(env!("CARGO_BIN_EXE_tour"));
        let tour = tour.args(["--adapter", adapter]).env("TMPDIR", folder.path());
        let ended = Process::start(tour).unwrap().end();
        ended.assert_well();
        let promises = ended.stdout.matches("\n   as promised:  ").count();
        assert_eq!(promises, if cfg!(unix) { 10 } else { 9 }, "{}", ended.stdout);
        let last = ended.stdout.lines().last().unwrap();
        assert!(last.starts_with(&format!("All is as promised, on {adapter}, in ")), "{last}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    });
}

/// Where the folder for the Unix socket cannot be made, the third step cannot be played.
#[cfg(unix)]
#[test]
fn a_step_that_fails_is_named() {
    on_each_adapter(|adapter| {
        let mut tour = Command::new(env!("CARGO_BIN_EXE_tour"));
        let tour = tour.args(["--adapter", adapter]).env("TMPDIR", "/nowhere");
        let ended = Process::start(tour).unwrap().end();
        ended.assert_code(1);
        let named = format!("tour: step \"3. Lines over a Unix socket\", on {adapter}: a call failed: ");
        assert!(ended.stderr.starts_with(&named), "{}", ended.stderr);
        assert_eq!(ended.stdout.matches("\n   as promised:  ").count(), 2, "{}", ended.stdout);
        assert_eq!(ended.stdout.matches("\n   NOT AS PROMISED: a call failed: ").count(), 1);
    });
}
