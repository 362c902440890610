//! Mail, over any network: a sink that keeps what it is sent (RFC 5321), and a client that sends one message. Both speak
//! TLS by STARTTLS (RFC 3207).
//!
//! ```text
//!   sink:    server ---> session ---> command, path      a dialogue; what may come when; what was said
//!              `-------> incoming, maildir               a message's lines; a file that is whole or absent
//!
//!   client:  client ---> message, reply, offer           the dialogue; a file as lines; what was answered, and offered
//! ```
//!
//! It is no mail server: it forwards nothing, knows no users and asks for no passwords.
//!
//! What is pure stands apart from what waits: [`Session`], [`Incoming`], [`Encoder`] and the parsers are functions of bytes,
//! which no input makes panic.

mod client;
mod command;
mod error;
mod incoming;
mod maildir;
mod message;
mod offer;
mod path;
mod reply;
mod server;
mod session;
mod trace;

pub use client::{Client, Envelope, Security};
pub use command::{Command, CommandError};
pub use error::ClientError;
pub use incoming::{Incoming, Refusal, Taken};
pub use maildir::{Draft, Maildir};
pub use message::{Encoder, Message, Summary};
pub use offer::Offer;
pub use path::{Path, PathError};
pub use reply::{Reply, ReplyLine};
pub use server::{Sink, SinkSettings};
pub use session::{Rules, Session, Step, Transaction};

/// The longest line of a message, in bytes without CR LF (RFC 5321, section 4.5.3.1.6).
pub const TEXT_LINE_BYTES_MAX: usize = 998;

/// The longest command, in bytes without CR LF (RFC 5321, section 4.5.3.1.4).
pub const COMMAND_BYTES_MAX: usize = 510;

/// How much longer a MAIL command may be, for SIZE (RFC 1870, section 3) and for BODY (RFC 6152, section 2).
pub const MAIL_BYTES_MORE: usize = 26 + 17;

/// How many recipients a message has at most: as many as every server takes (RFC 5321, section 4.5.3.1.8).
pub const RECIPIENTS_MAX: usize = 100;

/// Reads a name that a host gives itself: a domain, or an address in brackets.
///
/// # Errors
///
/// What it is not.
///
/// ```
/// use asyncnet_examples::smtp::parse_domain;
///
/// assert_eq!(parse_domain("[192.0.2.1]").unwrap(), "[192.0.2.1]");
/// assert!(parse_domain("no domain").is_err());
/// ```
pub fn parse_domain(text: &str) -> Result<String, String> {
    let domain = Some(text.to_owned()).filter(|text| path::is_domain(text));
    domain.ok_or_else(|| "this is neither a domain nor an address in brackets".to_owned())
}
