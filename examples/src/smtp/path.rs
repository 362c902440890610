//! Where mail comes from and goes to, as SMTP writes it: `<local-part@domain>` (RFC 5321, section 4.1.2).
//!
//! In ASCII alone: what RFC 6531 adds is not offered. Whether there is such a mailbox is nobody's question here.

use std::fmt;
use std::str::FromStr;

/// The longest local part, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;
/// The longest domain, in bytes (RFC 5321, section 4.5.3.1.2).
const DOMAIN_BYTES_MAX: usize = 255;
/// The longest path, in bytes with its brackets (RFC 5321, section 4.5.3.1.3).
const PATH_BYTES_MAX: usize = 256;

/// A mailbox, or nobody: what stands between `<` and `>`.
///
/// ```
/// use asyncnet_examples::smtp::Path;
///
/// let path: Path = "ann@example.org".parse()?;
/// assert_eq!(path.to_string(), "<ann@example.org>");
/// assert!("<>".parse::<Path>()?.is_null());
/// assert!("no mailbox".parse::<Path>().is_err());
/// # Ok::<(), asyncnet_examples::smtp::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Without the brackets and without a source route; printable ASCII, and spaces within quotes. Empty is nobody.
    mailbox: String,
}

/// A text is no path.
///
/// ```
/// use asyncnet_examples::smtp::{Path, PathError};
///
/// assert_eq!("a@".parse::<Path>(), Err(PathError));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathError;

impl Path {
    /// Takes a path in brackets off the front of an argument: the path, and what follows.
    ///
    /// # Errors
    ///
    /// [`PathError`]: none is there.
    ///
    /// ```
    /// use asyncnet_examples::smtp::Path;
    ///
    /// let (path, rest) = Path::take("<ann@example.org> SIZE=5")?;
    /// assert_eq!((path.mailbox(), rest), ("ann@example.org", " SIZE=5"));
    /// # Ok::<(), asyncnet_examples::smtp::PathError>(())
    /// ```
    pub fn take(text: &str) -> Result<(Self, &str), PathError> {
        let inner = text.strip_prefix('<').ok_or(PathError)?;
        let (mailbox, rest) = inner.split_at(end(inner).ok_or(PathError)?);
        if mailbox.len() + 2 > PATH_BYTES_MAX {
            return Err(PathError);
        }
        // A source route is taken and ignored (RFC 5321, appendix C).
        let mailbox = match mailbox.strip_prefix('@') {
            Some(route) => {
                let (hosts, mailbox) = route.split_once(':').ok_or(PathError)?;
                let is_route = hosts.split(',').all(|host| is_domain(host.strip_prefix('@').unwrap_or(host)));
                Some(mailbox).filter(|_| is_route).ok_or(PathError)?
            }
            None => mailbox,
        };
        let is_postmaster = mailbox.eq_ignore_ascii_case("postmaster");
        if !mailbox.is_empty() && !is_postmaster && !is_mailbox(mailbox) {
            return Err(PathError);
        }
        Ok((Self { mailbox: mailbox.to_owned() }, &rest[1..]))
    }

    /// The mailbox without its brackets; empty for nobody.
    ///
    /// See the example at [`take`](Self::take).
    #[must_use]
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }

    /// Whether it is nobody: the sender of what must not be answered.
    ///
    /// See the example at [`Path`].
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.mailbox.is_empty()
    }
}

/// With or without brackets.
impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let bracketed = if text.starts_with('<') { text.to_owned() } else { format!("<{text}>") };
        match Self::take(&bracketed)? {
            (path, "") => Ok(path),
            _ => Err(PathError),
        }
    }
}

/// In brackets, as SMTP writes it.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.mailbox)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no address of a mailbox in ASCII, as in ann@example.org")
    }
}

impl std::error::Error for PathError {}

/// Whether a text is a domain, or an address in brackets: what may stand behind `@`, and behind EHLO.
///
/// ```text
/// example.org   [192.0.2.1]   [IPv6:2001:db8::1]
/// ```
pub(super) fn is_domain(text: &str) -> bool {
    if text.is_empty() || text.len() > DOMAIN_BYTES_MAX {
        return false;
    }
    if let Some(literal) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return !literal.is_empty()
            && literal.bytes().all(|b| b.is_ascii_alphanumeric() || b":.-".contains(&b));
    }
    // An underscore is in no host's name and in some machines'.
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    text.split('.').all(is_label)
}

/// Where the closing bracket is, which is not one within quotes.
fn end(text: &str) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'>' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn is_mailbox(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    if local.len() > LOCAL_BYTES_MAX || !is_domain(domain) {
        return false;
    }
    match local.strip_prefix('"') {
        Some(rest) => is_quoted_to_its_end(rest),
        None => local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_text)),
    }
}

/// Whether printable ASCII and spaces end with the one closing quote (`Quoted-string`).
fn is_quoted_to_its_end(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_printable = match byte {
            b'"' => return bytes.len() == 0,
            b'\\' => bytes.next().is_some_and(|escaped| matches!(escaped, b' '..=b'~')),
            _ => matches!(byte, b' '..=b'~'),
        };
        if !is_printable {
            return false;
        }
    }
    false
}

/// RFC 5322, section 3.2.3.
fn is_atom_text(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{Path, is_domain};

    #[test]
    fn paths() {
        let local64 = "l".repeat(64);
        let rows = [
            ("<a@b>", Some(("a@b", ""))),
            ("<a.b+c@d-e.example> SIZE=1", Some(("a.b+c@d-e.example", " SIZE=1"))),
            ("<>", Some(("", ""))),
            ("<Postmaster>", Some(("Postmaster", ""))),
            ("<a@[192.0.2.1]>", Some(("a@[192.0.2.1]", ""))),
            ("<a@[IPv6:::1]>", Some(("a@[IPv6:::1]", ""))),
            ("<@one,@two:a@b>", Some(("a@b", ""))),
            (r#"<"a > \" b"@c>x"#, Some((r#""a > \" b"@c"#, "x"))),
            (&format!("<{local64}@b>"), Some((&*format!("{local64}@b"), ""))),
            (&format!("<{local64}l@b>"), None),
            (&format!("<a@{}>", "d".repeat(254)), None),
            ("<a@b", None),
            ("a@b", None),
            ("<a>", None),
            ("<@b>", None),
            ("<a@>", None),
            ("<a..b@c>", None),
            ("<.a@b>", None),
            ("<a b@c>", None),
            ("<a@b..c>", None),
            ("<a@b c>", None),
            ("<a\u{e4}@b>", None),
            ("<a@b\0>", None),
            (r#"<"a"b@c>"#, None),
            (r#"<"a@c>"#, None),
            (r#"<"a\"@c>"#, None),
            ("<@one a@b>", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let taken = Path::take(text).ok();
            assert_eq!(taken.as_ref().map(|(path, rest)| (path.mailbox(), *rest)), expected, "{text:?}");
        }
    }

    #[test]
    fn domains() {
        let longest = "a".repeat(255);
        for good in ["a", "a.example", "me_2.local", "[127.0.0.1]", "[IPv6:::1]", &longest] {
            assert!(is_domain(good), "{good:?}");
        }
        for bad in ["", ".", "a.", "[]", "[a b]", "a b", "a(b)", "a\r\nb", &format!("{longest}a")] {
            assert!(!is_domain(bad), "{bad:?}");
        }
    }
}
