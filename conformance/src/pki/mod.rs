//! Certificates made in memory, and rustls configurations that use them, for tests of TLS.
//!
//! For tests only: nothing here is secret, and no certificate's dates mean anything but what its name says. It is not
//! the way a program gets its configuration; that is `asyncnet-os`. Here rustls' own builders are called, so that a
//! test of TLS does not also test ours.
//!
//! ```text
//!   Root::Ca ----------+--> Leaf::Localhost, WrongName, NameOnly, Expired, NotYetValid, Client
//!                      +--> an intermediate --> Leaf::Intermediate
//!   Root::UnknownCa ------> Leaf::UnknownIssuer, UnknownClient
//!   Root::SelfSigned =      Leaf::SelfSigned
//! ```
//!
//! Invariants: everything is made once for each process, so that two calls name the same certificates; every key is
//! ECDSA on P-256; a configuration names its provider of cryptography, and none is installed for the whole process.
//!
//! ```
//! use asyncnet_conformance::pki::{self, Version};
//! use asyncnet_core::tls::rustls::{ClientConnection, ServerConnection};
//!
//! let mut client = ClientConnection::new(pki::client(Version::Tls13), pki::server_name("localhost")).unwrap();
//! let mut server = ServerConnection::new(pki::server(Version::Tls13)).unwrap();
//! let mut flight = Vec::new();
//! client.write_tls(&mut flight).unwrap();
//! server.read_tls(&mut flight.as_slice()).unwrap();
//! assert!(server.process_new_packets().is_ok());
//! assert_eq!(server.server_name(), Some("localhost"));
//! ```

mod certificates;
#[cfg(test)]
mod handshakes;
mod setup;

pub use certificates::{Files, Identity, Leaf, Root};
pub use setup::{ClientAuth, ClientSetup, Provider, ServerSetup, Version, client, server, server_name};
