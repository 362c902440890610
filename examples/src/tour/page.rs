//! What the tour shows: who sent and saw what, one line each, and whether it was as promised.

use asyncnet_driver::{Ending, Error, Line};
use std::fmt::{self, Write};
use std::io;

/// The text of one step.
///
/// ```
/// use asyncnet_examples::tour::Page;
///
/// let mut page = Page::new("1. Greeting");
/// page.sends("client", b"hello\r\n");
/// page.promise("the sum is right", &4, &(2 + 2)).unwrap();
/// assert_eq!(
///     page.text(),
///     "\n1. Greeting\n   client sends  \"hello\\r\\n\"\n   as promised:  the sum is right\n",
/// );
/// assert!(page.promise("the sum is right", &4, &5).is_err());
/// ```
#[derive(Debug)]
pub struct Page {
    text: String,
}

/// Why a step is not as promised.
#[derive(Debug)]
pub enum Broken {
    /// Something else was seen.
    Promise {
        /// What was promised, in words.
        promise: String,
        /// What should have been seen.
        expected: String,
        /// What was.
        seen: String,
    },
    /// A call failed.
    Socket(Error),
    /// It did not come to its end.
    Hung,
}

impl Page {
    /// A page with a title.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self { text: format!("\n{title}\n") }
    }

    /// Somebody sends these bytes.
    pub fn sends(&mut self, who: &str, bytes: &[u8]) {
        self.says(who, "sends", &quoted(bytes));
    }

    /// Somebody sees this.
    pub fn sees(&mut self, who: &str, what: &impl fmt::Display) {
        self.says(who, "sees", what);
    }

    /// Somebody does this with that.
    pub fn says(&mut self, who: &str, verb: &str, what: &impl fmt::Display) {
        self.line(format_args!("   {who} {verb:<6} {what}"));
    }

    /// Checks a promise, and says that it is kept.
    ///
    /// # Errors
    ///
    /// [`Broken::Promise`] if what was seen is not what was expected.
    pub fn promise<T: PartialEq + fmt::Debug + ?Sized>(
        &mut self,
        promise: &str,
        expected: &T,
        seen: &T,
    ) -> Result<(), Broken> {
        self.check(promise, expected, seen)?;
        self.kept(promise);
        Ok(())
    }

    /// A promise that has been checked is kept.
    pub fn kept(&mut self, promise: &str) {
        self.line(format_args!("   as promised:  {promise}"));
    }

    /// Checks what is not worth a line of its own when it is right.
    ///
    /// # Errors
    ///
    /// [`Broken::Promise`] if what was seen is not what was expected.
    pub fn check<T: PartialEq + fmt::Debug + ?Sized>(
        &self,
        promise: &str,
        expected: &T,
        seen: &T,
    ) -> Result<(), Broken> {
        if expected == seen {
            return Ok(());
        }
        let (expected, seen) = (format!("{expected:?}"), format!("{seen:?}"));
        Err(Broken::Promise { promise: promise.to_owned(), expected, seen })
    }

    /// The step ends here.
    pub fn broken(&mut self, broken: &Broken) {
        self.line(format_args!("   NOT AS PROMISED: {broken}"));
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("a String takes everything");
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promise { promise, expected, seen } => {
                write!(f, "promised was that {promise}: expected {expected}, seen {seen}")
            }
            Self::Socket(error) => write!(f, "a call failed: {error}"),
            Self::Hung => f.write_str("it did not come to its end in time"),
        }
    }
}

impl std::error::Error for Broken {}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Socket(error)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Socket(error.into())
    }
}

/// Bytes as they are written in a program.
pub(super) fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// A received line, with its line end.
pub(super) fn described<B: AsRef<[u8]>>(line: &Line<B>) -> String {
    let ending = match line.ending() {
        Ending::Lf => "LF",
        Ending::CrLf => "CR LF",
        Ending::Missing => "the end of the stream",
        Ending::Cut => "its limit",
    };
    format!("line {}, ended by {ending}", quoted(line.as_bytes()))
}
