//! Why there is no answer, or not all of it.

use crate::http::url::{Url, UrlError};
use asyncnet_driver::Error;
use asyncnet_driver::tls::TlsError;
use asyncnet_os::TlsConfigError;
use std::fmt;
use std::time::Duration;

/// Why a request failed.
///
/// ```
/// use asyncnet_examples::http::HttpError;
///
/// let error = HttpError::Incomplete { part: "the body", missing: Some(7) };
/// assert_eq!(error.to_string(), "the answer ended before the end of the body: 7 bytes are missing");
/// ```
#[derive(Debug)]
pub enum HttpError {
    /// The server cannot be reached, or the stream failed.
    Stream(Error),
    /// TLS cannot be configured as was asked for.
    TlsConfig(TlsConfigError),
    /// What came does not begin as an answer in HTTP/1 does.
    NotHttp,
    /// The answer breaks the protocol's rules: how.
    Malformed(String),
    /// The body is in a coding that was not asked for and is not known here.
    Coding(String),
    /// More of something came than is taken.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// A line, or all lines together, are longer than is taken.
    TooLong {
        /// Where the lines are.
        part: &'static str,
    },
    /// The stream ended too early.
    Incomplete {
        /// What is not complete.
        part: &'static str,
        /// How many bytes are missing, if that is known.
        missing: Option<u64>,
    },
    /// Nothing came, or nothing could be sent, for so long.
    Silent(Duration),
    /// The server sends the client to what is no URL.
    Redirect {
        /// Its words.
        to: String,
        /// What is wrong with them.
        why: UrlError,
    },
    /// The server sends the client on again and again.
    TooManyRedirects {
        /// How many were followed.
        limit: usize,
        /// Where the next one leads.
        to: Url,
    },
    /// The server sends the client from TLS to plaintext.
    Downgrade {
        /// Where to.
        to: Url,
    },
}

impl HttpError {
    /// Whether there is no TLS with the server: its certificate is not good, the handshake failed, a record was changed.
    ///
    /// ```
    /// use asyncnet_driver::tls::TlsError;
    /// use asyncnet_examples::http::HttpError;
    ///
    /// assert!(HttpError::Stream(TlsError::NotTls.into()).is_insecure());
    /// assert!(!HttpError::Stream(TlsError::Truncated.into()).is_insecure());
    /// ```
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        matches!(self, Self::Stream(Error::Tls(error)) if *error != TlsError::Truncated)
    }

    /// What a stream's error means in a part of the answer that says itself where it ends.
    pub(super) fn of_part(error: Error, part: &'static str, missing: Option<u64>) -> Self {
        if error.is_incomplete() || error.is_truncated() {
            return Self::Incomplete { part, missing };
        }
        Self::Stream(error)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(error) => error.fmt(f),
            Self::TlsConfig(error) => write!(f, "cannot speak TLS: {error}"),
            Self::NotHttp => f.write_str("what answers does not speak HTTP/1"),
            Self::Malformed(why) => write!(f, "the answer is malformed: {why}"),
            Self::Coding(coding) => write!(f, "the body comes in an unknown coding, {coding:?}"),
            Self::TooMany { what, limit } => write!(f, "the answer has more than {limit} {what}"),
            Self::TooLong { part } => write!(f, "the lines of {part} are too long"),
            Self::Incomplete { part, missing } => {
                write!(f, "the answer ended before the end of {part}")?;
                missing.map_or(Ok(()), |missing| write!(f, ": {missing} bytes are missing"))
            }
            Self::Silent(time) => write!(f, "the server was silent for {} s", time.as_secs_f32()),
            Self::Redirect { to, why } => write!(f, "the server sends us to {to:?}: {why}"),
            Self::TooManyRedirects { limit, to } => {
                write!(f, "after {limit} redirects the server sends us to {to}")
            }
            Self::Downgrade { to } => write!(f, "the server sends us to {to}, which is not encrypted"),
        }
    }
}

impl std::error::Error for HttpError {}

impl From<Error> for HttpError {
    fn from(error: Error) -> Self {
        Self::Stream(error)
    }
}

impl From<TlsConfigError> for HttpError {
    fn from(error: TlsConfigError) -> Self {
        Self::TlsConfig(error)
    }
}
