//! A real nginx, on ports of its own, with a configuration of its own, and everything it writes in a folder of its own.

use crate::process::Process;
use crate::server::{TRIES_MAX, free_ports, program};
use asyncnet_conformance::pki::{Leaf, Root};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Serves the folder `www` in plaintext and over TLS, until it is dropped.
pub(crate) struct Nginx {
    _process: Process,
    folder: TempDir,
    /// In plaintext.
    pub(crate) plain: u16,
    /// With [`Leaf::Localhost`].
    pub(crate) tls: u16,
    /// With [`Leaf::Expired`].
    pub(crate) expired: u16,
    /// With [`Leaf::WrongName`].
    pub(crate) wrong_name: u16,
}

impl Nginx {
    /// `None`, and a word about it, if there is no nginx.
    pub(crate) fn start(files: &[(&str, &[u8])]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("www")).unwrap();
        for (name, content) in files {
            fs::write(folder.path().join("www").join(name), content).unwrap();
        }
        for _ in 0..TRIES_MAX {
            let ports = free_ports();
            let configuration = folder.path().join("nginx.conf");
            fs::write(&configuration, configure(folder.path(), ports)).unwrap();
            let arguments = ["-p", folder.path().to_str().unwrap(), "-e", "stderr", "-c"];
            let process = Process::tool(
                &program("nginx"),
                &[&arguments[..], &[configuration.to_str().unwrap()]].concat(),
            )?;
            if is_ready(&process) {
                let [plain, tls, expired, wrong_name] = ports;
                return Some(Self { _process: process, folder, plain, tls, expired, wrong_name });
            }
        }
        panic!("nginx found its ports taken {TRIES_MAX} times");
    }

    /// The certificate of the authority that all its certificates are by, in a file.
    pub(crate) fn ca(&self) -> PathBuf {
        Root::Ca.write_to(self.folder.path()).unwrap()
    }

    /// A file that it serves.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("www").join(name)
    }
}

/// Waits until it accepts connections; `false` if a port was taken. Before its first word it has bound and listened.
fn is_ready(process: &Process) -> bool {
    let mut said = String::new();
    while let Some(line) = process.stderr.next() {
        if line.contains("event method") {
            return true;
        }
        said += &line;
    }
    assert!(said.contains("Address already in use"), "nginx does not start: {said}");
    false
}

/// One process: it keeps the rights it has, which it needs to read the folder, and it is gone when it is killed.
fn configure(folder: &Path, [plain, tls, expired, wrong_name]: [u16; 4]) -> String {
    let folder_name = folder.to_str().unwrap();
    let mut text = format!(
        "daemon off; master_process off; pid {folder_name}/nginx.pid; error_log stderr notice;
events {{ worker_connections 64; }}
http {{
  access_log off;
  root {folder_name}/www;
  ssl_protocols TLSv1.2 TLSv1.3;
"
    );
    for temporary in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        writeln!(text, "  {temporary}_temp_path {folder_name}/{temporary};").unwrap();
    }
    writeln!(
        text,
        "  server {{
    listen 127.0.0.1:{plain};
    location = /to-tls {{ return 301 https://localhost:{tls}/small; }}
    location = /loop {{ return 302 /loop; }}
    location /in/a/folder {{ return 307 ../../small; }}
    # What it may change on the way it cannot count: it sends it in chunks.
    location = /chunked {{ ssi on; ssi_types *; }}
  }}"
    )
    .unwrap();
    for (port, leaf) in [(tls, Leaf::Localhost), (expired, Leaf::Expired), (wrong_name, Leaf::WrongName)] {
        let files = leaf.identity().write_to(folder).unwrap();
        writeln!(
            text,
            "  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {};
    ssl_certificate_key {};
    location = /to-plain {{ return 302 http://localhost:{plain}/small; }}
    location = /chunked {{ ssi on; ssi_types *; }}
  }}",
            files.chain.display(),
            files.key.display()
        )
        .unwrap();
    }
    text + "}\n"
}
