//! Why a text is no address: which input, and which part of it.
//!
//! The input is shown escaped and cut short, so that an error can be logged as it is.

use crate::address::UNIX_PATH_BYTES_MAX;
use std::error::Error;
use std::fmt;

/// A text that is no [`Address`](crate::Address).
///
/// ```
/// use asyncnet_os::{Address, AddressFault};
///
/// let error = "example.org:smtp".parse::<Address>().unwrap_err();
/// assert_eq!(error.fault(), AddressFault::PortMalformed);
/// assert_eq!(
///     error.to_string(),
///     r#"address "example.org:smtp": the port is not a number from 0 to 65535"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    input: Box<str>,
    fault: AddressFault,
}

/// What is wrong with a text that is no address. Positions and lengths are in bytes.
///
/// ```
/// use asyncnet_os::{Address, AddressFault};
///
/// let fault = "exa mple.org:25".parse::<Address>().unwrap_err().fault();
/// assert_eq!(fault, AddressFault::HostCharacter { character: ' ', at: 3 });
/// assert_eq!(fault.to_string(), "no host name has a ' ', as at byte 3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressFault {
    /// There is no `:port` at the end.
    PortMissing,
    /// The port is not a decimal number from 0 to 65535.
    PortMalformed,
    /// An IPv6 address without brackets: where its port begins cannot be told.
    Ipv6Bare,
    /// What stands in brackets is no IPv6 address, or its zone is no number.
    Ipv6Malformed,
    /// A `[` without its `]`.
    BracketUnclosed,
    /// What follows the `]` is not `:port`.
    BracketTrailer,
    /// A character that no host name has: white space, a control character, punctuation.
    HostCharacter {
        /// The first of them.
        character: char,
        /// Where it begins in the input.
        at: usize,
    },
    /// A host name of more than 253 bytes.
    HostTooLong {
        /// Its length, without a trailing dot.
        len: usize,
    },
    /// Nothing, or only an `@`, after `unix:`.
    UnixPathEmpty,
    /// A path or abstract name of more than [`UNIX_PATH_BYTES_MAX`].
    UnixPathTooLong {
        /// Its length, without the `@`.
        len: usize,
    },
    /// A NUL in a path.
    UnixPathNul {
        /// Where it stands in the path.
        at: usize,
    },
}

/// Room for the longest host name would be 260; a log line is read by people.
const SHOWN_CHARS_MAX: usize = 80;

impl AddressError {
    pub(crate) fn new(input: &str, fault: AddressFault) -> Self {
        Self { input: input.into(), fault }
    }

    /// What is wrong with it.
    ///
    /// ```
    /// use asyncnet_os::{Address, AddressFault};
    ///
    /// let error = "unix:".parse::<Address>().unwrap_err();
    /// assert_eq!(error.fault(), AddressFault::UnixPathEmpty);
    /// ```
    #[must_use]
    pub fn fault(&self) -> AddressFault {
        self.fault
    }

    /// The whole text, as it was given.
    ///
    /// ```
    /// use asyncnet_os::Address;
    ///
    /// assert_eq!("nowhere".parse::<Address>().unwrap_err().input(), "nowhere");
    /// ```
    #[must_use]
    pub fn input(&self) -> &str {
        &self.input
    }
}

/// Of the kind `InvalidInput`.
impl From<AddressError> for std::io::Error {
    fn from(error: AddressError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

impl Error for AddressError {}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, more) = match self.input.char_indices().nth(SHOWN_CHARS_MAX) {
            Some((at, _)) => (&self.input[..at], "…"),
            None => (&*self.input, ""),
        };
        write!(f, "address {shown:?}{more}: {}", self.fault)
    }
}

impl fmt::Display for AddressFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortMissing => {
                f.write_str("the port is missing, as in \"example.org:25\"; a path is written \"unix:/path\"")
            }
            Self::PortMalformed => f.write_str("the port is not a number from 0 to 65535"),
            Self::Ipv6Bare => f.write_str("an IPv6 address needs brackets, as in \"[2001:db8::1]:25\""),
            Self::Ipv6Malformed => {
                f.write_str("what stands in brackets is not an IPv6 address with a numeric zone or none")
            }
            Self::BracketUnclosed => f.write_str("the closing bracket is missing"),
            Self::BracketTrailer => f.write_str("a colon and a port must follow the closing bracket"),
            Self::HostCharacter { character, at } => {
                write!(f, "no host name has a {character:?}, as at byte {at}")
            }
            Self::HostTooLong { len } => write!(f, "the host name has {len} bytes, 253 is the most"),
            Self::UnixPathEmpty => f.write_str("a path or @name must follow \"unix:\""),
            Self::UnixPathTooLong { len } => {
                write!(f, "the Unix socket's path has {len} bytes, {UNIX_PATH_BYTES_MAX} is the most")
            }
            Self::UnixPathNul { at } => write!(f, "the path has a NUL, at its byte {at}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressError, AddressFault};

    #[test]
    fn a_long_input_is_cut_and_escaped() {
        let message = AddressError::new(&"é\n".repeat(1_000), AddressFault::PortMissing).to_string();
        assert!(message.starts_with(r#"address "é\né\n"#), "{message}");
        assert!(!message.contains('\n'));
        assert!(message.len() < 300, "{message}");
    }
}
