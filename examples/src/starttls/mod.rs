//! What protocols say in plaintext before TLS begins: each asks for it in its own words.
//!
//! A dialogue ends with the server's consent, and the handshake comes next; nothing else may. So what was sent behind the
//! consent is refused by [`Leftover::Refuse`](asyncnet_driver::tls::Leftover), the default: whoever can write to the wire
//! could have put it there.
//!
//! Not here: a time limit, which is the caller's for the whole dialogue, and anything that is said after TLS.
//!
//! Invariants: no line is longer than [`LINE_BYTES_MAX`], no dialogue has more than [`LINES_MAX`] of them, and no server
//! is taken to have agreed that has not said so.

mod dialogue;
mod lines;
mod xmpp;

use asyncnet_driver::tls::{StartTls, TlsInfo};
use asyncnet_driver::{Endpoints, Error, Stream, Transport};
use clap::ValueEnum;
use dialogue::Dialogue;
use std::fmt;

/// The longest line, in bytes. SMTP's replies have 512 (RFC 5321, section 4.5.3.1.5); IMAP's lists of capabilities have no
/// bound of their own, and 8000 is what its servers are told to take (RFC 2683, section 3.2.1.5).
pub const LINE_BYTES_MAX: usize = 8 << 10;
/// How many lines, or tags, a server may say in all before TLS: far more than any list of capabilities has.
pub const LINES_MAX: usize = 256;

/// A protocol that begins in plaintext, and how it goes on to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// SMTP (RFC 3207).
    Smtp,
    /// IMAP (RFC 2595, section 3).
    Imap,
    /// POP3 (RFC 2595, section 4).
    Pop3,
    /// FTP's control connection (RFC 4217).
    Ftp,
    /// NNTP (RFC 4642).
    Nntp,
    /// XMPP, as a client of a server (RFC 6120, section 5).
    Xmpp,
    /// `PostgreSQL`: its `SSLRequest`.
    Postgres,
}

/// Why there was no upgrade.
///
/// ```
/// use asyncnet_examples::starttls::StartTlsError;
///
/// let error = StartTlsError::Refused("454 not now".into());
/// assert_eq!(error.to_string(), "the server refused to speak TLS: \"454 not now\"");
/// ```
#[derive(Debug)]
pub enum StartTlsError {
    /// The server does not have it among what it can do.
    NotOffered,
    /// The server said no: its words.
    Refused(String),
    /// What the server said is not what the protocol has: its words.
    Unexpected(String),
    /// The server talked for longer than it has to.
    TooLong,
    /// The server ended the connection.
    Ended,
    /// The stream failed, TLS included.
    Stream(Error),
}

/// Asks a server for TLS in a protocol's words and makes the handshake. `host` is what the server is called where the
/// protocol names it. From the server's consent on, nothing is sent or received as plaintext.
///
/// # Errors
///
/// [`StartTlsError`]; whatever it is, nothing but the dialogue was sent.
///
/// # Cancel safety
///
/// Dropped, the dialogue cannot be gone on with: drop the stream too.
///
/// ```
/// # futures_lite::future::block_on(async {
/// # use asyncnet_conformance::pki;
/// use asyncnet_driver::tls::StartTls;
/// use asyncnet_examples::starttls::{Protocol, upgrade};
///
/// # let (ours, theirs) = (pki::client(pki::Version::Tls13), pki::server(pki::Version::Tls13));
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// let serve = async {
///     let mut request = [0; 8];
///     server.recv_exact(&mut request).await?;
///     server.queue(b"S")?;
///     server.start_tls(&theirs).await
/// };
/// let ask = upgrade(&mut client, Protocol::Postgres, "localhost", StartTls::client(&ours, "localhost")?);
/// let (asked, served) = futures_lite::future::zip(ask, serve).await;
/// assert_eq!(asked?.version(), served?.version());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub async fn upgrade<T: Transport + Endpoints>(
    stream: &mut Stream<T>,
    protocol: Protocol,
    host: &str,
    how: StartTls,
) -> Result<TlsInfo, StartTlsError> {
    let mut dialogue = Dialogue::new(stream);
    match protocol {
        Protocol::Smtp => lines::smtp(&mut dialogue).await?,
        Protocol::Imap => lines::imap(&mut dialogue).await?,
        Protocol::Pop3 => lines::pop3(&mut dialogue).await?,
        Protocol::Ftp => lines::ftp(&mut dialogue).await?,
        Protocol::Nntp => lines::nntp(&mut dialogue).await?,
        Protocol::Xmpp => xmpp::ask(&mut dialogue, host).await?,
        Protocol::Postgres => postgres(stream).await?,
    }
    // A mistake from here on is an error, not a password in the open.
    stream.require_tls()?;
    Ok(stream.start_tls(how).await?)
}

/// The protocol of `PostgreSQL` 3.0, "SSL Session Encryption": a request of a length and a code, and one byte.
async fn postgres<T: Transport>(stream: &mut Stream<T>) -> Result<(), StartTlsError> {
    /// `SSLRequest`: its length, with itself, and 1234 and 5679 in two 16-bit halves ("Message Formats").
    const REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    stream.send(&REQUEST).await?;
    let mut answer = [0];
    if stream.recv(&mut answer).await? == 0 {
        return Err(StartTlsError::Ended);
    }
    match answer[0] {
        b'S' => Ok(()),
        b'N' => Err(StartTlsError::Refused("N".into())),
        // An ErrorMessage of a server that does not know the request. Nobody has proved who wrote it: it is not shown.
        other => Err(StartTlsError::Unexpected(other.escape_ascii().to_string())),
    }
}

impl StartTlsError {
    /// Whether the server, or what stands before it, is at fault for there being no TLS, and the connection is not: it
    /// refused, did not offer, did not keep to the protocol, or something was injected.
    ///
    /// ```
    /// use asyncnet_driver::tls::TlsError;
    /// use asyncnet_examples::starttls::StartTlsError;
    ///
    /// assert!(StartTlsError::NotOffered.is_refusal());
    /// assert!(StartTlsError::Stream(TlsError::Leftover { len: 7 }.into()).is_refusal());
    /// assert!(!StartTlsError::Ended.is_refusal());
    /// ```
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        use asyncnet_driver::tls::TlsError;
        match self {
            Self::NotOffered | Self::Refused(_) | Self::Unexpected(_) | Self::TooLong => true,
            Self::Stream(error) => matches!(error, Error::Tls(TlsError::Leftover { .. })),
            Self::Ended => false,
        }
    }
}

impl fmt::Display for StartTlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("the server does not offer TLS"),
            Self::Refused(words) => write!(f, "the server refused to speak TLS: \"{words}\""),
            Self::Unexpected(words) => write!(f, "the server does not keep to the protocol: \"{words}\""),
            Self::TooLong => f.write_str("the server talks too long before TLS"),
            Self::Ended => f.write_str("the server ended the connection before TLS"),
            Self::Stream(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartTlsError {}

impl From<Error> for StartTlsError {
    fn from(error: Error) -> Self {
        Self::Stream(error)
    }
}
