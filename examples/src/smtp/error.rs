//! Why a message was not delivered, and what that means to whoever started the client.

use crate::smtp::reply::Reply;
use asyncnet_driver::Error;
use asyncnet_driver::tls::TlsError;
use std::time::Duration;
use std::{fmt, io};

/// Why a message was not delivered.
///
/// ```
/// use asyncnet_examples::smtp::{ClientError, Reply};
///
/// let error = ClientError::Refused { what: "RCPT TO:<a@b>".to_owned(), reply: Reply::new(450, "busy") };
/// assert_eq!((error.status(), &*error.to_string()), (75, "RCPT TO:<a@b> is answered 450 busy"));
/// ```
#[derive(Debug)]
pub enum ClientError {
    /// The server cannot be reached, or the stream failed.
    Stream(Error),
    /// The server ended the connection instead of answering.
    Ended {
        /// What it was asked.
        what: String,
    },
    /// The server was silent, or took nothing, for so long.
    Silent {
        /// What it was asked.
        what: String,
        /// How long it had.
        time: Duration,
    },
    /// What came is no answer.
    Malformed {
        /// What it was asked.
        what: String,
    },
    /// The server says no.
    Refused {
        /// To what.
        what: String,
        /// In which words.
        reply: Reply,
    },
    /// The server does not offer STARTTLS, or somebody on the way has taken it out of the offer.
    NoStartTls,
    /// The server offers STARTTLS, and refuses it.
    StartTlsRefused(Reply),
    /// Plaintext came behind the answer to STARTTLS: the server does not do that.
    Injected,
    /// There is no TLS with the server.
    Tls(TlsError),
    /// The server takes no message of this size.
    TooLarge {
        /// The message's, in bytes.
        bytes: u64,
        /// The largest it takes.
        limit: u64,
    },
    /// The message has bytes that are no ASCII, which the server does not take.
    No8BitMime,
    /// The message cannot be read to its end.
    Message(io::Error),
    /// All was sent, and there was no answer: the server may or may not have taken it.
    Unanswered(Box<ClientError>),
}

impl ClientError {
    /// There is no TLS.
    pub const NO_TLS: u8 = 3;
    /// There is TLS, with somebody whose certificate is not good.
    pub const CERTIFICATE: u8 = 4;
    /// Refused for good.
    pub const REFUSED: u8 = 5;
    /// Refused for now: `EX_TEMPFAIL` of sysexits(3).
    pub const TRY_AGAIN: u8 = 75;

    /// The exit status of a program that fails with it.
    ///
    /// ```
    /// use asyncnet_examples::smtp::ClientError;
    ///
    /// assert_eq!(ClientError::NoStartTls.status(), ClientError::NO_TLS);
    /// ```
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::NoStartTls | Self::StartTlsRefused(_) | Self::Injected => Self::NO_TLS,
            Self::Tls(TlsError::Certificate(_) | TlsError::NoCertificate) => Self::CERTIFICATE,
            Self::Tls(_) => Self::NO_TLS,
            Self::Refused { reply, .. } if reply.is_transient() => Self::TRY_AGAIN,
            Self::Refused { .. } | Self::TooLarge { .. } | Self::No8BitMime => Self::REFUSED,
            Self::Stream(_)
            | Self::Ended { .. }
            | Self::Silent { .. }
            | Self::Malformed { .. }
            | Self::Message(_)
            | Self::Unanswered(_) => 1,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => error.fmt(f),
            Self::Ended { what } => write!(f, "the server ended the connection and did not answer {what}"),
            Self::Silent { what, time } => write!(f, "no answer to {what} within {} s", time.as_secs()),
            Self::Malformed { what } => write!(f, "what answers {what} does not speak SMTP"),
            Self::Refused { what, reply } => write!(f, "{what} is answered {reply}"),
            Self::NoStartTls => {
                f.write_str("the server does not offer STARTTLS, or somebody on the way hides that it does")
            }
            Self::StartTlsRefused(reply) => write!(f, "STARTTLS is answered {reply}"),
            Self::Injected => f.write_str("somebody has put plaintext before the handshake of TLS"),
            Self::Tls(error) => error.fmt(f),
            Self::TooLarge { bytes, limit } => {
                write!(f, "the message has {bytes} bytes, and the server takes {limit} at most")
            }
            Self::No8BitMime => {
                f.write_str("the message is not ASCII alone, and the server takes nothing else")
            }
            Self::Message(error) => write!(f, "the message cannot be read: {error}"),
            Self::Unanswered(error) => {
                write!(f, "all of it was sent, and nobody knows whether the server has taken it: {error}")
            }
        }
    }
}

impl std::error::Error for ClientError {}
