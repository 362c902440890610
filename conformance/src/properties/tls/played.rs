//! What came of a script: so that who plays many can see that they are worth playing.

use asyncnet_core::tls::TlsError;

/// What happened while a script was played, in which nothing was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Whether the handshake succeeded, of both if both are tested.
    pub established: bool,
    /// How many bytes of text went over TLS, both ways.
    pub text_bytes: usize,
    /// How many times what was under way was changed, or forged.
    pub broken: usize,
    /// The error that the tested connection told, or the client of two.
    pub failure: Option<TlsError>,
}
