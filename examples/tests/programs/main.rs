//! The programs as people run them: the built binaries, on both adapters, talked to with std's sockets, with rustls' own
//! connections over them, and with `nc`, `ncat`, `socat`, `openssl`, nginx, Dovecot, Postfix and vsftpd.
//!
//! Nothing here sleeps, and every wait ends: after [`process::PATIENCE`] a test fails.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a panic or a word in a test is its report")]

mod chat;
mod command_line;
#[cfg(unix)]
mod dovecot;
mod echo;
mod http_get;
mod losses;
mod nginx;
mod peer;
#[cfg(unix)]
mod postfix;
mod process;
mod s_client;
mod scripted;
mod server;
mod smtp;
#[cfg(unix)]
mod smtp_many;
mod smtp_send;
mod tls;
mod tls_proxy;
mod tour;
mod udp_echo;
#[cfg(unix)]
mod vsftpd;

/// Runs a test on every adapter.
fn on_each_adapter(test: impl Fn(&str)) {
    for adapter in ["tokio", "smol"] {
        println!("on {adapter}");
        test(adapter);
    }
}
