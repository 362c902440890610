//! Two halves become a stream again, or are given back: which belong together.

use super::sync::Arc;
use super::{ReadHalf, WriteHalf, together};
use crate::stream::Stream;
use crate::transport::SplitTransport;
use std::{error, fmt};

/// Two halves that are not put together again, both as they were.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::{ReuniteError, ReuniteFault};
///
/// let (one, other) = asyncnet_smol::pair()?;
/// let (reader, writer) = one.into_split()?;
/// let (other_reader, other_writer) = other.into_split()?;
///
/// let refused = reader.reunite(other_writer).unwrap_err();
/// assert_eq!(refused.to_string(), "the halves are not of the same stream");
/// let ReuniteError { reader, writer: other_writer, fault, .. } = refused;
/// assert_eq!(fault, ReuniteFault::OtherStream);
/// assert!(reader.reunite(writer).is_ok() && other_reader.reunite(other_writer).is_ok());
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[non_exhaustive]
pub struct ReuniteError<'a, T: SplitTransport> {
    /// The receiving half.
    pub reader: ReadHalf<'a, T>,
    /// The sending half.
    pub writer: WriteHalf<'a, T>,
    /// Why.
    pub fault: ReuniteFault,
}

/// Why two halves are not put together again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReuniteFault {
    /// They are not of the same stream.
    OtherStream,
    /// Their stream is lent by [`Stream::split`]: it is whole again when both are dropped.
    Lent,
}

impl<'a, T: SplitTransport> ReadHalf<'a, T> {
    /// Puts two halves together again, in any state: the stream of halves that were closed is closed. What was received and not
    /// taken, and what is queued, is there as before.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves, if they are not of the same stream, or of one that is lent by
    /// [`split`](Stream::split).
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, mut server) = asyncnet_smol::pair()?;
    /// server.send(b"one\ntwo\n").await?;
    /// let (mut reader, writer) = client.into_split()?;
    /// assert_eq!(reader.recv_line().await?.unwrap(), "one");
    /// let mut client = reader.reunite(writer).expect("halves of one stream");
    /// assert_eq!(client.recv_line().await?.unwrap(), "two");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    #[doc(alias = "unsplit")]
    #[expect(clippy::result_large_err, reason = "the halves themselves are what the caller wants back")]
    pub fn reunite(mut self, mut writer: WriteHalf<'a, T>) -> Result<Stream<T>, ReuniteError<'a, T>> {
        let fault = if self.common.home.is_some() {
            ReuniteFault::Lent
        } else if !Arc::ptr_eq(&self.common.sides, &writer.common.sides) {
            ReuniteFault::OtherStream
        } else {
            return Ok(together(&self.common.sides, self.receiving.take(), writer.sending.take()));
        };
        Err(ReuniteError { reader: self, writer, fault })
    }
}

impl<T: SplitTransport> Stream<T> {
    /// Puts two halves together again: [`ReadHalf::reunite`], under the name of the stream's type.
    ///
    /// # Errors
    ///
    /// As [`ReadHalf::reunite`].
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (client, _server) = asyncnet_smol::pair()?;
    /// let (reader, writer) = client.into_split()?;
    /// assert!(!asyncnet_smol::Stream::reunite(reader, writer)?.is_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[expect(clippy::result_large_err, reason = "the halves themselves are what the caller wants back")]
    pub fn reunite<'a>(
        reader: ReadHalf<'a, T>,
        writer: WriteHalf<'a, T>,
    ) -> Result<Self, ReuniteError<'a, T>> {
        reader.reunite(writer)
    }
}

impl<T: SplitTransport> fmt::Debug for ReuniteError<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReuniteError")
            .field("reader", &self.reader)
            .field("writer", &self.writer)
            .field("fault", &self.fault)
            .finish()
    }
}

impl<T: SplitTransport> fmt::Display for ReuniteError<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl fmt::Display for ReuniteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherStream => "the halves are not of the same stream",
            Self::Lent => "the stream is lent to its halves: it is whole again when both are dropped",
        })
    }
}

impl error::Error for ReuniteFault {}

impl<T: SplitTransport> error::Error for ReuniteError<'_, T> {}
