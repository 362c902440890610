//! TLS configurations as a user makes them: what is wrong with the files, and what two of them agree on.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

mod algorithms;
mod authority;
#[cfg(feature = "certificates")]
mod certificates;
mod faults;
mod handshakes;
mod key_log;
#[cfg(all(feature = "platform-verifier", target_os = "linux"))]
mod platform;
mod reload;
mod revocation;
mod server_names;
mod sessions;
