//! TLS against rustls' own buffered connections, honest, lying, cut and broken.
//!
//! [`tls_stream`] has an honest peer and whole bytes, and demands that everything arrives. [`tls_pair`] has two
//! connections of ours, plaintext first. [`tls_mutated`] has a peer that lies and a wire that breaks what it carries, and
//! demands what is left then: no panic, no text that was not sent, one error and its alert, bounded memory.
//!
//! [`Oracle`] is the peer, [`Driven`] the connection under test, [`Setup`] says what handshake they make, and [`Scripts`]
//! makes up what is played.

mod attacked;
mod crypto;
mod driven;
mod foreign;
mod mutated;
mod oracle;
mod pair;
mod played;
mod scripts;
mod setup;
mod stock;
mod stream;
mod wire;

pub use driven::Driven;
pub use mutated::{play_mutated, tls_mutated};
pub use oracle::Oracle;
pub use pair::{play_pair, tls_pair};
pub use played::Played;
pub use scripts::Scripts;
pub use setup::{Ends, Kind, Setup, Tested};
pub use stream::{play_stream, tls_stream};
