//! nginx, on either side of ours. It speaks HTTP/1.1 (RFC 9112).

pub(crate) mod client;
pub(crate) mod server;

use crate::at::At;
use crate::failed;
use crate::process::Process;
use asyncnet_conformance::pki::Version;
use asyncnet_conformance::{Stop, Verdict};
use asyncnet_driver::{Net, Stream, Transport};
use std::path::Path;

/// How often another port is tried.
const PORTS: u32 = 8;

/// nginx with a configuration for its only port, from a folder where the certificates are.
async fn start<N: Net>(at: &At<N>, servers: impl Fn(u16) -> String) -> Result<(Process, u16), Stop> {
    // It is for the superuser to start, and not in everybody's path.
    let usual = "/usr/sbin/nginx";
    let program = if Path::new(usual).exists() { usual } else { "nginx" };
    for _ in 0..PORTS {
        let port = at.listen_plain()?.1;
        let (configuration, pid) = (at.fresh_file("conf"), at.fresh_file("pid"));
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("  {name}_temp_path nginx.{name};\n"))
            .concat();
        // One process: it keeps the rights that it has, and is gone when it is killed.
        let text = format!(
            "daemon off; master_process off; pid {pid}; error_log stderr info;\nevents {{}}\n\
             http {{\n  access_log off;\n{temporary}{}}}\n",
            servers(port)
        );
        std::fs::write(at.folder().join(&configuration), text)?;
        let mut tool = at.start(program, &format!("-p ./ -e stderr -c {configuration}"))?;
        // It has bound and listened before that. Otherwise it ends.
        if tool.stderr.until("event method").await.is_ok() {
            return Ok((tool, port));
        }
    }
    Err(failed(format!("it found no port in {PORTS} attempts")))
}

fn protocol(version: Version) -> &'static str {
    if version == Version::Tls12 { "TLSv1.2" } else { "TLSv1.3" }
}

async fn request<T: Transport>(stream: &mut Stream<T>, path: &str) -> Verdict {
    stream.queue_line(format!("GET {path} HTTP/1.1"))?;
    stream.queue_line("Host: localhost")?;
    stream.queue_line("Connection: close")?;
    Ok(stream.send_line("").await?)
}

/// The first line of a request, or of an answer; the others are passed over.
async fn head<T: Transport>(stream: &mut Stream<T>) -> Result<String, Stop> {
    let first = stream.recv_line().await?.ok_or_else(|| failed("no head"))?.to_str_lossy().into_owned();
    while stream.recv_line().await?.is_some_and(|line| !line.is_empty()) {}
    Ok(first)
}
