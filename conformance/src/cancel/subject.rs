//! What calls are made on: a stream, its halves, or one that reads nothing ahead.

use crate::case::{LocalFuture, Stop};
use asyncnet_driver::tls::{Leftover, StartTls};
use asyncnet_driver::{
    Error, Line, PeekTransport, ReadHalf, SplitTransport, Stream, Transport, Unbuffered, WriteHalf,
};

/// What is under test, as far as the harness itself uses it.
pub(crate) trait Subject {
    /// Receives a line.
    fn line(&mut self) -> LocalFuture<'_, Result<String, Error>>;

    /// Sends this.
    fn say<'a>(&'a mut self, text: &'a [u8]) -> LocalFuture<'a, Result<(), Error>>;

    /// Begins TLS, of which bytes may be here already: only for rows that have to do with that.
    fn begin(&mut self, how: StartTls) -> LocalFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            drop(how);
            Err(Error::Closed)
        })
    }
}

impl<T: Transport> Subject for Stream<T> {
    fn line(&mut self) -> LocalFuture<'_, Result<String, Error>> {
        Box::pin(async { text(self.recv_line().await) })
    }

    fn say<'a>(&'a mut self, text: &'a [u8]) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(self.send(text))
    }

    fn begin(&mut self, how: StartTls) -> LocalFuture<'_, Result<(), Error>> {
        Box::pin(async { self.start_tls(how.leftover(Leftover::IntoTls)).await.map(drop) })
    }
}

/// Both halves of a stream.
pub(crate) struct Pair<T: SplitTransport + 'static> {
    pub(crate) reader: ReadHalf<'static, T>,
    pub(crate) writer: WriteHalf<'static, T>,
}

impl<T: SplitTransport> Pair<T> {
    pub(crate) fn of(stream: Stream<T>) -> Result<Self, Stop> {
        let (reader, writer) = stream.into_split()?;
        Ok(Self { reader, writer })
    }
}

impl<T: SplitTransport> Subject for Pair<T> {
    fn line(&mut self) -> LocalFuture<'_, Result<String, Error>> {
        Box::pin(async { text(self.reader.recv_line().await) })
    }

    fn say<'a>(&'a mut self, text: &'a [u8]) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(self.writer.send(text))
    }
}

impl<T: PeekTransport + Transport> Subject for Unbuffered<T> {
    fn line(&mut self) -> LocalFuture<'_, Result<String, Error>> {
        Box::pin(async { text(self.recv_line().await) })
    }

    fn say<'a>(&'a mut self, text: &'a [u8]) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(self.send(text))
    }
}

fn text(line: Result<Option<Line<&[u8]>>, Error>) -> Result<String, Error> {
    Ok(line?.map(|line| line.to_str_lossy().into_owned()).unwrap_or_default())
}
