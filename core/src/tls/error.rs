//! What can go wrong with TLS: whose fault it is, and which certificate or alert it was.

use crate::error::Fault;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use core::error::Error;
use core::fmt;
use core::time::Duration;
use rustls::{CertificateError, PeerMisbehaved};

/// Why a connection does not speak TLS, or not any more.
///
/// What ends a session is told again by each later call; the alert that goes with it is sent.
///
/// ```
/// use asyncnet_core::tls::{Alert, TlsError};
///
/// let error = TlsError::AlertReceived(Alert::new(48));
/// assert_eq!(error.to_string(), "the peer refused: alert unknown_ca (48)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// The handshake is under way: nothing can be sent or received before it is done. Call it again.
    HandshakePending,
    /// There is no TLS on this connection, and none was begun.
    NotStarted,
    /// The caller said that nothing is to be sent or received before TLS, and this would have been.
    PlaintextRefused,
    /// There is TLS on this connection already.
    AlreadyStarted,
    /// Early data wait to be taken, by the call that is for them alone: they came before all that would be received now.
    EarlyDataUnread {
        /// How many bytes.
        len: usize,
    },
    /// Under [`Leftover::Refuse`](crate::tls::Leftover::Refuse), bytes that came before the handshake wait to be
    /// received: whoever can write to the wire could have put them there. No handshake was begun.
    Leftover {
        /// How many bytes.
        len: usize,
    },
    /// Bytes are still queued, or the rest of an over-long line is still to come: TLS cannot begin yet.
    Unsettled,
    /// The peer ended the connection in the middle of the handshake.
    HandshakeEnded,
    /// The handshake was not done within [`Limits::handshake_time_max`](crate::Limits::handshake_time_max).
    HandshakeTimedOut {
        /// That time, in milliseconds.
        after_ms: u64,
    },
    /// The stream ended without the peer's `close_notify`: it may have been cut by someone else (RFC 8446,
    /// section 6.1). All that came before it has been taken.
    Truncated,
    /// The peer refused, or failed, and said so.
    AlertReceived(Alert),
    /// The peer's certificate is not good.
    Certificate(CertificateFault),
    /// The peer showed no certificate, and one is required.
    NoCertificate,
    /// What came is not TLS: the peer speaks plaintext, or another protocol.
    NotTls,
    /// There is no version, cipher suite, key exchange group, signature or application protocol that both sides have.
    Incompatible(Box<str>),
    /// The peer broke the protocol, or somebody changed its records on the way.
    Protocol(Box<str>),
    /// The peer sent a handshake message in too many pieces, or one that is too long.
    HandshakeTooLong {
        /// How many bytes may wait for the rest of a message.
        limit: usize,
    },
    /// As much was sent as these keys allow, and this version of TLS cannot change them.
    KeysSpent,
    /// The server's name is neither a host name nor an IP address.
    Name(Box<str>),
    /// The configuration cannot be used.
    Config(Box<str>),
    /// What the configuration brought to decide about the peer, such as a verifier or a resolver of certificates, did not
    /// want it: its words.
    Refused(Box<str>),
    /// The caller turned the client away, after a look at its first message, with this alert.
    ClientRefused(Alert),
}

/// What is wrong with a certificate.
///
/// ```
/// use asyncnet_core::tls::CertificateFault;
///
/// assert_eq!(CertificateFault::Expired.to_string(), "it has expired");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Nobody that is trusted has issued it; a self-signed one is such a case.
    UnknownIssuer,
    /// It is not for the name that was asked for.
    WrongName {
        /// The name that was asked for.
        expected: Box<str>,
        /// The names it is for, if they could be read.
        presented: Box<str>,
    },
    /// Its issuer took it back.
    Revoked,
    /// A signature does not fit.
    BadSignature,
    /// It may not be used by a client, or by a server.
    WrongPurpose,
    /// Anything else: the verifier's words.
    Other(Box<str>),
}

/// A TLS alert, by its number (RFC 8446, section 6).
///
/// ```
/// use asyncnet_core::tls::Alert;
///
/// assert_eq!(Alert::new(48).name(), "unknown_ca");
/// assert_eq!(Alert::new(48).code(), 48);
/// assert_eq!(Alert::new(200).name(), "unknown");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert(u8);

impl TlsError {
    /// A handshake took longer than this.
    ///
    /// ```
    /// use asyncnet_core::tls::TlsError;
    /// use core::time::Duration;
    ///
    /// let error = TlsError::timed_out(Duration::from_secs(10));
    /// assert_eq!(error.to_string(), "the TLS handshake was not done after 10000 ms");
    /// ```
    #[must_use]
    pub fn timed_out(after: Duration) -> Self {
        Self::HandshakeTimedOut { after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) }
    }

    /// Whose fault it is.
    ///
    /// ```
    /// use asyncnet_core::Fault;
    /// use asyncnet_core::tls::TlsError;
    ///
    /// assert_eq!(TlsError::Truncated.fault(), Fault::Peer);
    /// assert_eq!(TlsError::AlreadyStarted.fault(), Fault::Caller);
    /// ```
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::HandshakePending
            | Self::NotStarted
            | Self::PlaintextRefused
            | Self::AlreadyStarted
            | Self::EarlyDataUnread { .. }
            | Self::Unsettled
            | Self::ClientRefused(_)
            | Self::KeysSpent
            | Self::Name(_)
            | Self::Config(_) => Fault::Caller,
            _ => Fault::Peer,
        }
    }
}

impl Alert {
    /// The alert with this number.
    ///
    /// See the example at [`Alert`].
    #[must_use]
    pub const fn new(code: u8) -> Self {
        Self(code)
    }

    /// Its number.
    ///
    /// See the example at [`Alert`].
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// Its name in the standards, or `unknown`.
    ///
    /// See the example at [`Alert`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            120 => "no_application_protocol",
            121 => "ech_required",
            _ => "unknown",
        }
    }
}

/// What rustls says, in our words.
impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        use rustls::{Error as E, InvalidMessage as M};
        match error {
            // Ours to see only before the handshake is done; later it is an end, and no error.
            E::AlertReceived(rustls::AlertDescription::CloseNotify) => Self::HandshakeEnded,
            E::AlertReceived(alert) => Self::AlertReceived(Alert(u8::from(alert))),
            E::InvalidCertificate(fault) => Self::Certificate(CertificateFault::from(fault)),
            E::NoCertificatesPresented => Self::NoCertificate,
            E::InvalidMessage(M::InvalidContentType | M::UnknownProtocolVersion) => Self::NotTls,
            E::PeerIncompatible(why) => Self::Incompatible(format!("{why:?}").into()),
            E::NoApplicationProtocol => {
                Self::Incompatible("the peer offers none of this side's application protocols".into())
            }
            E::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments) => {
                Self::Protocol("the peer sent too many records without text".into())
            }
            E::EncryptError => Self::KeysSpent,
            E::InappropriateMessage { .. }
            | E::InappropriateHandshakeMessage { .. }
            | E::InvalidEncryptedClientHello(_)
            | E::InvalidMessage(_)
            | E::DecryptError
            | E::PeerMisbehaved(_)
            | E::PeerSentOversizedRecord => Self::Protocol(error.to_string().into()),
            E::General(words) => Self::Refused(words.into()),
            E::Other(other) => Self::Refused(other.to_string().into()),
            _ => Self::Config(error.to_string().into()),
        }
    }
}

impl From<CertificateError> for CertificateFault {
    fn from(fault: CertificateError) -> Self {
        use CertificateError as E;
        match fault {
            E::Expired | E::ExpiredContext { .. } => Self::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => Self::NotYetValid,
            E::UnknownIssuer => Self::UnknownIssuer,
            E::NotValidForName => {
                Self::WrongName { expected: "the name asked for".into(), presented: "".into() }
            }
            E::NotValidForNameContext { expected, presented } => Self::WrongName {
                expected: expected.to_str().into(),
                presented: presented
                    .iter()
                    .map(|name| readable(name))
                    .collect::<Box<[_]>>()
                    .join(", ")
                    .into(),
            },
            E::Revoked => Self::Revoked,
            E::BadSignature => Self::BadSignature,
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => Self::WrongPurpose,
            E::Other(ref other) if other.to_string().contains("UnsupportedCertVersion") => {
                Self::Other("it is X.509 version 1; version 3, with a subjectAltName, is needed".into())
            }
            // What a certificate that signs itself is by default, when the openssl command makes it.
            E::Other(ref other) if other.to_string().contains("CaUsedAsEndEntity") => {
                Self::Other("it is that of an authority (CA:TRUE), which is no peer's own".into())
            }
            other => Self::Other(other.to_string().into()),
        }
    }
}

/// `DnsName("a.example")` without what is around it.
fn readable(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"').to_string()
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HandshakePending => f.write_str("the TLS handshake is not done"),
            Self::NotStarted => f.write_str("there is no TLS on this connection"),
            Self::PlaintextRefused => f.write_str("TLS is required here, and has not begun"),
            Self::AlreadyStarted => f.write_str("there is TLS on this connection already"),
            Self::EarlyDataUnread { len } => write!(f, "{len} bytes of early data were not received"),
            Self::Leftover { len } => {
                write!(
                    f,
                    "{len} bytes of plaintext came before the TLS handshake and were not received: receive them, or say with \
                     `Leftover` what becomes of them"
                )
            }
            Self::Unsettled => f.write_str("TLS cannot begin: bytes are queued, or a line is being dropped"),
            Self::HandshakeEnded => f.write_str("the peer ended the connection during the TLS handshake"),
            Self::HandshakeTimedOut { after_ms } => {
                write!(f, "the TLS handshake was not done after {after_ms} ms")
            }
            Self::Truncated => f.write_str("the TLS stream was cut: it ended without close_notify"),
            Self::AlertReceived(alert) => write!(f, "the peer refused: alert {alert}"),
            Self::Certificate(fault) => write!(f, "the peer's certificate is not good: {fault}"),
            Self::NoCertificate => f.write_str("the peer showed no certificate"),
            Self::NotTls => f.write_str("the peer does not speak TLS"),
            Self::Incompatible(what) => write!(f, "no common ground with the peer: {what}"),
            Self::Protocol(what) => write!(f, "the peer broke the TLS protocol: {what}"),
            Self::HandshakeTooLong { limit } => {
                write!(f, "a TLS handshake message of the peer does not fit into {limit} bytes")
            }
            Self::KeysSpent => f.write_str("no more can be sent with these TLS keys"),
            Self::Name(name) => write!(f, "{name:?} is neither a host name nor an IP address"),
            Self::Config(what) => write!(f, "the TLS configuration cannot be used: {what}"),
            Self::Refused(what) => write!(f, "the peer was refused: {what}"),
            Self::ClientRefused(alert) => write!(f, "the client was refused: alert {alert}"),
        }
    }
}

impl Error for TlsError {}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("it has expired"),
            Self::NotYetValid => f.write_str("it is not valid yet"),
            Self::UnknownIssuer => f.write_str("nobody that is trusted has issued it"),
            Self::WrongName { expected, presented } if presented.is_empty() => {
                write!(f, "it is not for {expected}")
            }
            Self::WrongName { expected, presented } => {
                write!(f, "it is not for {expected}, but for {presented}")
            }
            Self::Revoked => f.write_str("it was revoked"),
            Self::BadSignature => f.write_str("a signature does not fit"),
            Self::WrongPurpose => f.write_str("it is not for this use"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}
