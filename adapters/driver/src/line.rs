//! A line as a caller gets it: its text, and how it ended.

use asyncnet_core::Ending;
use std::borrow::Cow;
use std::fmt;
use std::str::Utf8Error;

/// What ends the lines that are sent.
///
/// ```
/// use asyncnet_driver::LineEnd;
///
/// assert_eq!(LineEnd::default().as_bytes(), b"\r\n");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF, as the protocols of the internet have it.
    #[default]
    CrLf,
    /// LF alone.
    Lf,
}

impl LineEnd {
    /// Its bytes.
    ///
    /// ```
    /// assert_eq!(asyncnet_driver::LineEnd::Lf.as_bytes(), b"\n");
    /// ```
    #[must_use]
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::CrLf => b"\r\n",
            Self::Lf => b"\n",
        }
    }
}

/// A received line without its terminator: borrowed from the stream (`Line<&[u8]>`) or owned (`Line<Bytes>`).
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::Ending;
///
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send(b"caf\xc3\xa9\r\n").await?;
/// let line = server.recv_line().await?.unwrap();
/// assert_eq!(line.to_str(), Ok("café"));
/// assert_eq!(line.ending(), Ending::CrLf);
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
///
/// It is bytes, and has no `Display`, as a `Path` has none: text made of it unasked would lose what is not UTF-8, on its way
/// back to a peer too. `to_str_lossy` is for people, and leaves the control characters of a peer to the terminal; for a
/// log there is what escapes them, `{:?}` and [`escape_ascii`](slice::escape_ascii):
///
/// ```
/// # futures_lite::future::block_on(async {
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send(b"\x1b[2Jcaf\xe9\n").await?;
/// let line = server.recv_line().await?.unwrap();
/// assert_eq!(format!("{}", line.to_str_lossy()), "\u{1b}[2Jcaf\u{fffd}");
/// assert_eq!(format!("{line:?}"), r#"Line("\x1b[2Jcaf\xe9", Lf)"#);
/// assert_eq!(line.as_bytes().escape_ascii().to_string(), r"\x1b[2Jcaf\xe9");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Line<B> {
    text: B,
    ending: Ending,
}

impl<B: AsRef<[u8]>> Line<B> {
    pub(crate) fn new(text: B, ending: Ending) -> Self {
        Self { text, ending }
    }

    /// Its bytes, without the terminator.
    ///
    /// See the example at [`Line`].
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_ref()
    }

    /// How many bytes it has, without the terminator.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send_line("four").await?;
    /// assert_eq!(server.recv_line().await?.unwrap().len(), 4);
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it is an empty line: a terminator and nothing before it.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send_line("").await?;
    /// assert!(server.recv_line().await?.unwrap().is_empty());
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Its text.
    ///
    /// # Errors
    ///
    /// If the bytes are not UTF-8.
    ///
    /// See the example at [`Line`].
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        std::str::from_utf8(self.as_bytes())
    }

    /// Its text, with U+FFFD for what is not UTF-8.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"caf\xe9\n").await?;
    /// assert_eq!(server.recv_line().await?.unwrap().to_str_lossy(), "caf\u{fffd}");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "Display")]
    #[doc(alias = "to_string")]
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// How it ended.
    ///
    /// See the example at [`Line`].
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Whether it was longer than its limit, and this is its beginning; see
    /// [`Overlong::Truncate`](crate::Overlong::Truncate).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::{LinePolicy, Overlong};
    ///
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"abcdef\n").await?;
    /// let policy = LinePolicy::new(3).overlong(Overlong::Truncate);
    /// let line = server.recv_line_with(policy).await?.unwrap();
    /// assert_eq!((line.as_bytes(), line.is_truncated()), (&b"abc"[..], true));
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn is_truncated(&self) -> bool {
        self.ending == Ending::Cut
    }

    /// The text alone, in the form it was received in.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// client.send(b"kept\n").await?;
    /// let kept = server.recv_line_owned().await?.unwrap().into_inner();
    /// assert_eq!(kept, "kept");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    pub fn into_inner(self) -> B {
        self.text
    }
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Line<B> {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<B: AsRef<[u8]>> PartialEq<[u8]> for Line<B> {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_bytes() == other
    }
}

impl<B: AsRef<[u8]>> PartialEq<str> for Line<B> {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<B: AsRef<[u8]>> PartialEq<&str> for Line<B> {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<B: AsRef<[u8]>> PartialEq<&[u8]> for Line<B> {
    fn eq(&self, other: &&[u8]) -> bool {
        self.as_bytes() == *other
    }
}

impl<B: AsRef<[u8]>, const N: usize> PartialEq<&[u8; N]> for Line<B> {
    fn eq(&self, other: &&[u8; N]) -> bool {
        self.as_bytes() == *other
    }
}

/// As text, with what is not ASCII escaped.
impl<B: AsRef<[u8]>> fmt::Debug for Line<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line(\"{}\", {:?})", self.as_bytes().escape_ascii(), self.ending)
    }
}
