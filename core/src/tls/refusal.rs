//! Why a server turns a client away before it has answered it: the alert that says so.

use crate::tls::Alert;
use core::fmt;

/// How a client is refused whose first message was looked at: the fatal alert that it gets (RFC 8446, section 6.2; RFC 6066,
/// section 3; RFC 7301, section 3.2).
///
/// Those alone that a server may send before anything was agreed on, and that say what a look at the first message can
/// have shown. None of them ends a stream well.
///
/// ```
/// use asyncnet_core::tls::Refusal;
///
/// assert_eq!(Refusal::UnrecognizedName.alert().code(), 112);
/// assert_eq!(Refusal::UnrecognizedName.to_string(), "unrecognized_name (112)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Refusal {
    /// What it said cannot be served together: there is no better word.
    HandshakeFailure = 40,
    /// It is known, or where it comes from is, and may not come in.
    AccessDenied = 49,
    /// What it said cannot be read.
    DecodeError = 50,
    /// It offers no version that is served.
    ProtocolVersion = 70,
    /// What it offers is less safe than it has to be.
    InsufficientSecurity = 71,
    /// It did nothing wrong: the server cannot go on.
    InternalError = 80,
    /// It says less than it has to: no name, where a server needs one (RFC 8446, section 9.2).
    MissingExtension = 109,
    /// Nobody here has the name that it asks for.
    UnrecognizedName = 112,
    /// It offers no application protocol that is served.
    NoApplicationProtocol = 120,
}

impl Refusal {
    /// The alert that is sent.
    ///
    /// See the example at [`Refusal`].
    #[must_use]
    pub const fn alert(self) -> Alert {
        Alert::new(self as u8)
    }

    /// The record that says it: nothing is encrypted yet. Its version is that of every alert before keys are agreed on
    /// (RFC 8446, section 5.1).
    pub(crate) const fn record(self) -> [u8; 7] {
        const ALERT: u8 = 21;
        const FATAL: u8 = 2;
        [ALERT, 3, 3, 0, 2, FATAL, self.alert().code()]
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.alert().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;

    #[test]
    fn each_has_the_name_of_its_alert() {
        let rows = [
            (Refusal::HandshakeFailure, "handshake_failure", 40),
            (Refusal::AccessDenied, "access_denied", 49),
            (Refusal::DecodeError, "decode_error", 50),
            (Refusal::ProtocolVersion, "protocol_version", 70),
            (Refusal::InsufficientSecurity, "insufficient_security", 71),
            (Refusal::InternalError, "internal_error", 80),
            (Refusal::MissingExtension, "missing_extension", 109),
            (Refusal::UnrecognizedName, "unrecognized_name", 112),
            (Refusal::NoApplicationProtocol, "no_application_protocol", 120),
        ];
        for (refusal, name, code) in rows {
            assert_eq!(refusal.alert().name(), name);
            assert_eq!(refusal.record(), [21, 3, 3, 0, 2, 2, code]);
        }
    }
}
