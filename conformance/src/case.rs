//! What a case is, and what can come of it.

use crate::adapter::Fixture;
use asyncnet_driver::Error;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::io;
use std::pin::Pin;

/// A future of this thread, as cases are: nothing in them need be `Send`.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What comes of a case that does not pass.
///
/// ```
/// use asyncnet_conformance::{Stop, ensure_eq};
///
/// assert!(matches!(ensure_eq(&1, &2, "the count"), Err(Stop::Failed(reason)) if reason == "the count: 1, not 2"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The rule is broken: how.
    Failed(String),
    /// It cannot be tried here: why.
    Skipped(String),
}

/// What a case returns.
pub type Verdict = Result<(), Stop>;

/// One rule, and the code that tries it on the fixture `F`.
pub struct Case<F: ?Sized> {
    /// `area::case`: stable, and unique.
    pub id: &'static str,
    /// The rule, in one line.
    pub rule: &'static str,
    /// Tries it.
    pub run: for<'a> fn(&'a F) -> LocalFuture<'a, Verdict>,
}

impl<F: Fixture> Case<F> {
    pub(crate) const fn new(
        id: &'static str,
        rule: &'static str,
        run: for<'a> fn(&'a F) -> LocalFuture<'a, Verdict>,
    ) -> Self {
        Self { id, rule, run }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(format!("an unexpected error: {error} ({error:?})"))
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("an unexpected I/O error: {error}"))
    }
}

/// Fails unless it holds.
///
/// # Errors
///
/// [`Stop::Failed`] with `what`.
///
/// ```
/// assert!(asyncnet_conformance::ensure(1 < 2, "arithmetic").is_ok());
/// ```
pub fn ensure(holds: bool, what: impl Display) -> Verdict {
    if holds { Ok(()) } else { Err(Stop::Failed(what.to_string())) }
}

/// Fails unless both are equal.
///
/// # Errors
///
/// [`Stop::Failed`] with `what`, what was seen and what was expected.
///
/// See the example at [`Stop`].
pub fn ensure_eq<T: Debug + PartialEq<U> + ?Sized, U: Debug + ?Sized>(
    seen: &T,
    expected: &U,
    what: impl Display,
) -> Verdict {
    if seen == expected { Ok(()) } else { Err(Stop::Failed(format!("{what}: {seen:?}, not {expected:?}"))) }
}

/// The error of a call that should fail.
///
/// # Errors
///
/// [`Stop::Failed`] with `what` if it succeeded.
///
/// ```
/// use asyncnet_conformance::ensure_err;
/// use asyncnet_driver::Error;
///
/// assert!(matches!(ensure_err(Err::<(), _>(Error::Closed), "a closed stream"), Ok(Error::Closed)));
/// ```
pub fn ensure_err<T>(outcome: Result<T, Error>, what: impl Display) -> Result<Error, Stop> {
    match outcome {
        Ok(_) => Err(Stop::Failed(format!("{what}: it succeeded"))),
        Err(error) => Ok(error),
    }
}
