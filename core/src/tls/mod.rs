//! TLS 1.2 and 1.3 over the buffers of a connection.
//!
//! [`StartTls`] says how to begin, [`TlsInfo`] is the proof that it was done, [`TlsError`] says why not. The session itself
//! is [`Session`], between the two halves of a connection:
//!
//! ```text
//!    wire ----> [ sealed ] --open--> [ plain ] ----> caller          Incoming
//!                            |
//!                         Session     (rustls; what it wants sent waits here)
//!                            |
//!    wire <---- [ sealed ] <--seal-- [ queue ] <---- caller          Outgoing
//! ```
//!
//! rustls' types of configuration, certificates and names are used as they are, through [`rustls`], whose version is part
//! of this crate's: a change of it is a breaking change here too. rustls' connections are not to be seen, but for
//! [`rustls_0_23`].

mod early;
mod error;
mod hello;
mod incoming;
mod info;
mod outgoing;
mod record;
mod refusal;
mod session;
mod start;

pub use early::EARLY_DATA_BYTES_MAX;
pub use error::{Alert, CertificateFault, TlsError};
pub use hello::{CLIENT_HELLO_BYTES_MAX, ClientHello};
pub use info::{TlsInfo, TlsVersion};
pub use refusal::Refusal;
pub use rustls;
pub use session::Session;
pub use start::{Leftover, StartTls};

pub(crate) use session::{RECORD_OVERHEAD, RECORD_TEXT_MAX};

/// What a look at sealed bytes gave.
///
/// ```
/// assert_ne!(asyncnet_core::tls::Opened::Text, asyncnet_core::tls::Opened::NeedWire);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Text came.
    Text,
    /// Nothing more is to be had without more bytes from the wire.
    NeedWire,
    /// The peer's text has ended, and will not go on.
    End,
}

/// rustls' own view of a session, for what this crate has no name for.
///
/// **Outside this crate's promise of stable versions**: it goes away with rustls 0.23.
pub mod rustls_0_23 {
    use super::Session;
    use rustls::CommonState;

    /// Looks at a session with rustls' eyes: `None` if rustls never saw it, for its client was refused before.
    ///
    /// See the example in `asyncnet-driver`, whose streams have sessions.
    pub fn with_common_state<R>(session: &Session, look: impl FnOnce(&CommonState) -> R) -> Option<R> {
        session.common().map(look)
    }
}
