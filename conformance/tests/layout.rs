//! The shape of the workspace: who may depend on whom, and that the adapters stay thin.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names in one of a manifest's dependency tables, in whatever `cfg` they stand.
fn dependencies(manifest: &str, table: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(manifest)).expect("the manifest is there");
    let mut within = false;
    let mut names = Vec::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            within = header == table || header.ends_with(&format!(".{table}"));
        } else if within && !line.starts_with('#') {
            names.extend(
                line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty()).map(str::to_owned),
            );
        }
    }
    names
}

/// What a crate may depend on: of this project, and of the runtimes and TLS.
fn check(manifest: &str, allowed: &[&str]) {
    const GUARDED: [&str; 10] = [
        "tokio",
        "async-io",
        "async-net",
        "smol",
        "blocking",
        "socket2",
        "rustix",
        "rustls",
        "mio",
        "polling",
    ];
    let dependencies = dependencies(manifest, "dependencies");
    assert!(!dependencies.is_empty(), "{manifest} has dependencies");
    for name in dependencies {
        let guarded = name.starts_with("asyncnet-") || GUARDED.contains(&name.as_str());
        assert!(!guarded || allowed.contains(&name.as_str()), "{manifest} must not depend on {name}");
    }
}

#[test]
fn dependencies_point_one_way() {
    check("core/Cargo.toml", &["rustls"]);
    // tokio's traits alone, for the orphan rule.
    check("adapters/driver/Cargo.toml", &["asyncnet-core", "tokio"]);
    check("adapters/os/Cargo.toml", &["asyncnet-core", "socket2", "rustix"]);
    check("adapters/tokio/Cargo.toml", &["asyncnet-driver", "asyncnet-os", "tokio"]);
    check("adapters/smol/Cargo.toml", &["asyncnet-driver", "asyncnet-os", "async-io", "async-net"]);
    // It holds this project against runtimes, and rustls, used without it.
    let measured = ["asyncnet-core", "asyncnet-driver", "asyncnet-os", "asyncnet-smol", "asyncnet-tokio"];
    check("benches/Cargo.toml", &[&measured[..], &["rustix", "rustls", "smol", "tokio"]].concat());
}

#[test]
fn a_program_builds_no_more_crates() {
    check_crates("asyncnet-tokio", 31);
    check_crates("asyncnet-smol", 37);
}

/// Counts the crates of a program on Linux whose one dependency is that adapter, as it is by default; the program is one of
/// them. What runs only while building is not.
fn check_crates(adapter: &str, most: usize) {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", adapter, "--edges", "normal", "--prefix", "none"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names of crates are text");
    // A crate that is there twice is told once more with a mark.
    let crates: BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let count = crates.len() + 1;
    assert!(count <= most, "a program on {adapter} builds {count} crates, {most} at most: {crates:?}");
}

#[test]
fn the_driver_knows_no_runtime() {
    let text =
        std::fs::read_to_string(root().join("adapters/driver/Cargo.toml")).expect("the manifest is there");
    assert!(
        text.contains("tokio = { workspace = true, optional = true }"),
        "its tokio has no features, and is optional"
    );
    let folder = root().join("adapters/driver/src");
    for (path, text) in sources(&folder) {
        let compat = path.ends_with("compat/tokio.rs") || path.ends_with("compat/mod.rs");
        assert!(compat || !text.contains("tokio::"), "{} speaks of tokio", path.display());
    }
}

#[test]
fn core_and_driver_name_no_platform() {
    for folder in ["core/src", "adapters/driver/src"] {
        for (path, text) in sources(&root().join(folder)) {
            for cfg in ["cfg(unix", "cfg(windows", "cfg(target_os", "std::os::", "os::fd"] {
                assert!(!text.contains(cfg), "{} names a platform: {cfg}", path.display());
            }
        }
    }
}

#[test]
fn an_adapter_is_under_1000_lines_of_code() {
    for adapter in ["adapters/tokio/src", "adapters/smol/src"] {
        let code = sources(&root().join(adapter))
            .iter()
            .flat_map(|(_, text)| text.lines().map(str::trim))
            .fold(0, |count, line| count + usize::from(!line.is_empty() && !line.starts_with("//")));
        assert!((100..1_000).contains(&code), "{adapter} has {code} lines of code");
    }
}

#[test]
fn the_adapters_have_the_same_files() {
    let names = |folder: &str| {
        let sources = sources(&root().join(folder));
        let mut names: Vec<_> =
            sources.into_iter().map(|(path, _)| path.file_name().map(ToOwned::to_owned)).collect();
        names.sort();
        names
    };
    assert_eq!(names("adapters/tokio/src"), names("adapters/smol/src"));
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("the file can be read");
            found.push((path, text));
        }
    }
    assert!(!found.is_empty(), "{} has no sources", folder.display());
    found
}
