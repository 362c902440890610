//! TLS configurations from files and trust roots.
//!
//! Two small builders, [`ClientTls`] and [`ServerTls`], over rustls' own types. They are a convenience and nothing
//! more: what they make is a plain [`ClientConfig`] or [`ServerConfig`], and whatever takes one of those takes one that
//! was made by hand just as well. What a builder does not offer is set on its result, which can be taken out of its
//! `Arc`:
//!
//! ```
//! use asyncnet_os::ClientTls;
//! use std::sync::Arc;
//!
//! let mut config = Arc::unwrap_or_clone(ClientTls::new().bundled_roots().build()?);
//! config.enable_sni = false;
//! # Ok::<(), asyncnet_os::TlsConfigError>(())
//! ```
//!
//! A builder only takes notes; files are read when it builds, each time anew, and what is wrong with them is told then,
//! with the file's name. Nothing here knows a connection or a socket, and no process-wide default of rustls is read or
//! set: the provider of cryptography is the one that was given, else that of the feature `aws-lc-rs`, else that of
//! `ring`.
//!
//! Behind the feature `certificates` stands what is asked the other way round: what a certificate says, and which
//! channel binding belongs to it.
//!
//! ```text
//!   client ─┬─> roots ─────────────┬─> pem
//!   server ─┼─> revocation ────────┤
//!           ├─> served ─> identity ┘
//!           ├─> key_log
//!           └─> sessions ─> protocol ─> algorithms
//!   certificate ─> channel_binding
//! ```
//!
//! [`ClientConfig`]: asyncnet_core::tls::rustls::ClientConfig
//! [`ServerConfig`]: asyncnet_core::tls::rustls::ServerConfig

mod algorithms;
mod any_certificate;
#[cfg(feature = "certificates")]
mod certificate;
#[cfg(feature = "certificates")]
mod channel_binding;
mod client;
mod error;
mod identity;
mod key_log;
mod pem;
mod protocol;
mod reload;
mod revocation;
mod roots;
mod served;
mod server;
mod sessions;

#[cfg(feature = "certificates")]
pub use certificate::{Certificate, CertificateUnreadable};
pub use client::ClientTls;
pub use error::{TlsConfigError, TlsConfigFault};
pub use protocol::TlsVersions;
pub use reload::CertificateReload;
pub use server::{ClientCertificates, ServerTls};
