//! A stream taken apart into its directions, for two tasks, or for two futures of one.
//!
//! `shared` has what the halves have in common, `reader` and `writer` are they, `reunite` says which belong together; here
//! is how a stream comes apart and together again. A half receives, or sends, with the same code as a whole stream. One
//! thing differs: what is queued on the sending half goes out with a flush or a send, not before a receive, for the
//! receiving half does not know of it.
//!
//! ```text
//!   into_split:  Stream ---> ReadHalf, WriteHalf ---> reunite ---> Stream
//!   split:       &mut Stream, lent and empty ---> two halves ---> dropped, both: the Stream is whole again
//! ```

mod reader;
mod reunite;
mod shared;
mod sync;
mod writer;

pub use reader::ReadHalf;
pub use reunite::{ReuniteError, ReuniteFault};
pub use writer::WriteHalf;

use crate::deadline::Waits;
use crate::error::{Error, Failure};
use crate::pump::{ReadState, WriteState};
use crate::stream::{Inner, Settings, Stream};
use crate::tls::{self, Tls};
use crate::transport::SplitTransport;
use asyncnet_core::tls::Session;
use asyncnet_core::{Connection, Endpoint, Incoming, Limits, Outgoing};
use shared::{Answers, Shared, Writes};
use std::mem;
use sync::{Arc, Mutex};

/// Both halves of a stream.
pub type Halves<'a, T> = (ReadHalf<'a, T>, WriteHalf<'a, T>);

/// The receiving side of the transport.
struct Reading<R> {
    transport: R,
    read: ReadState,
}

/// The sending side of the transport, and what is sealed and not out yet.
struct Writing<W> {
    transport: W,
    write: WriteState,
    /// Nothing is ever queued here: only what TLS has sealed waits in it.
    sealed: Outgoing,
}

/// What the receiving half has to know of the sending side.
#[derive(Clone, Copy, Default)]
struct Note {
    failed: Option<Failure>,
    met_reset: bool,
    /// What is sealed is not out in full.
    waits: bool,
}

type Sides<T> = Shared<
    Reading<<T as SplitTransport>::Reader>,
    Writing<<T as SplitTransport>::Writer>,
    Option<Box<Session>>,
>;

impl<W> Writes for Writing<W> {
    type Note = Note;

    fn note(&self) -> Note {
        let (failed, met_reset) = (self.write.failure(), self.write.met_reset());
        Note { failed, met_reset, waits: !self.sealed.is_empty() }
    }

    fn waits(&self) -> bool {
        (!self.sealed.is_empty() || self.write.is_unflushed()) && self.write.failure().is_none()
    }
}

impl Answers for Option<Box<Session>> {
    fn has_output(&self) -> bool {
        self.as_ref().is_some_and(|session| session.has_output())
    }
}

/// What both halves hold.
struct Common<'a, T: SplitTransport> {
    sides: Arc<Sides<T>>,
    home: Option<Arc<Mutex<Home<'a, T>>>>,
    is_tls: bool,
}

/// A stream that is lent to its halves, and what of it has come back.
struct Home<'a, T> {
    stream: &'a mut Stream<T>,
    receiving: Option<Receiving>,
    sending: Option<Sending>,
}

/// What the receiving half alone has.
struct Receiving {
    incoming: Incoming,
    limits: Limits,
    settings: Settings,
    peer: Option<Endpoint>,
    waits: Waits,
}

/// What the sending half alone has.
struct Sending {
    outgoing: Outgoing,
    limits: Limits,
    settings: Settings,
    waits: Waits,
}

impl<T: SplitTransport> Clone for Common<'_, T> {
    fn clone(&self) -> Self {
        Self { sides: Arc::clone(&self.sides), home: self.home.clone(), is_tls: self.is_tls }
    }
}

/// The session of two halves, if they speak TLS: locked for work in memory.
struct Locked<'a, T: SplitTransport>(Option<&'a Sides<T>>);

impl<T: SplitTransport> Tls for Locked<'_, T> {
    fn with<R>(&mut self, work: impl FnOnce(&mut Session) -> R) -> Option<R> {
        self.0?.with_session(|session| session.as_deref_mut().map(work))
    }
}

impl<T: SplitTransport> Common<'_, T> {
    fn tls(&self) -> Locked<'_, T> {
        Locked(self.is_tls.then_some(&*self.sides))
    }

    fn check_open(&self) -> Result<(), Error> {
        if self.sides.is_closed() { Err(Error::Closed) } else { Ok(()) }
    }
}

impl<T: SplitTransport> Stream<T> {
    /// Takes the stream apart into its directions, for two tasks. What is queued goes with the sending half, and out with
    /// its next flush or send. [`ReadHalf::reunite`] puts them together again.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if it is closed. [`TlsError::HandshakePending`](crate::tls::TlsError::HandshakePending), or what
    /// failed it, in the middle of a handshake; [`TlsError::PlaintextRefused`](crate::tls::TlsError::PlaintextRefused). The
    /// stream is dropped then.
    ///
    /// See the example at [`ReadHalf`].
    pub fn into_split<'a>(mut self) -> Result<Halves<'a, T>, Error>
    where
        T: 'a,
    {
        let (sides, is_tls, receiving, sending) = self.take_apart()?;
        let common = Common { sides, home: None, is_tls };
        Ok((ReadHalf::new(common.clone(), receiving), WriteHalf::new(common, sending)))
    }

    /// Takes the stream apart into its directions, for two futures of one task. When both halves are dropped the stream is
    /// whole again, with all that has come and all that is queued; if one is leaked (`mem::forget`), it stays closed.
    ///
    /// # Errors
    ///
    /// As [`into_split`](Self::into_split); the stream is as it was then.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// let (mut client, mut server) = asyncnet_smol::pair()?;
    /// let (mut reader, mut writer) = client.split()?;
    /// let sent = async { writer.send_line("ping").await };
    /// let echoed = async {
    ///     let line = server.recv_line_owned().await?.unwrap();
    ///     server.send_line(line).await
    /// };
    /// let (line, (sent, echoed)) =
    ///     futures_lite::future::zip(reader.recv_line(), futures_lite::future::zip(sent, echoed)).await;
    /// assert_eq!(line?.unwrap(), "ping");
    /// (sent?, echoed?);
    ///
    /// drop((reader, writer));
    /// client.send_line("and on").await?;
    /// assert_eq!(server.recv_line().await?.unwrap(), "and on");
    /// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
    /// ```
    ///
    /// Each direction belongs to one future at a time, which the compiler sees to:
    ///
    /// ```compile_fail,E0499
    /// # async fn two_readers(client: &mut asyncnet_smol::Stream) -> Result<(), asyncnet_driver::Error> {
    /// let (mut reader, _writer) = client.split()?;
    /// let both = futures_lite::future::zip(reader.recv_line(), reader.recv_line()).await;
    /// # Ok(()) }
    /// ```
    pub fn split(&mut self) -> Result<Halves<'_, T>, Error> {
        let (sides, is_tls, receiving, sending) = self.take_apart()?;
        let home = Home { stream: self, receiving: None, sending: None };
        let common = Common { sides, home: Some(Arc::new(Mutex::new(home))), is_tls };
        Ok((ReadHalf::new(common.clone(), receiving), WriteHalf::new(common, sending)))
    }

    /// What halves are made of; the stream is left empty and closed.
    #[expect(clippy::type_complexity, reason = "the parts of one step, for two callers a few lines above")]
    fn take_apart(&mut self) -> Result<(Arc<Sides<T>>, bool, Receiving, Sending), Error> {
        tls::check_open(self.session())?;
        self.check_plaintext()?;
        self.check_transport()?;
        let empty = Inner::empty(*self.limits());
        let (transport, inner) = mem::replace(self, Self::without_transport(empty)).into_inner();
        let Inner { mut connection, read, write, settings, peer, waits } = inner;
        let (reader, writer) = transport.ok_or(Error::Closed)?.split();
        let limits = *connection.limits();
        let session = connection.take_tls();
        let is_tls = session.is_some();
        let (incoming, mut outgoing) = connection.into_halves();
        let mut sealed = Outgoing::new(&limits);
        outgoing.exchange_sealed(&mut sealed);
        let reading = Reading { transport: reader, read };
        let writing = Writing { transport: writer, write, sealed };
        let sides = Arc::new(Shared::new(reading, writing, session, end::<T>));
        let mut of_sends = Waits::default();
        of_sends.sends_of(&waits);
        let receiving = Receiving { incoming, limits, settings, peer, waits };
        let sending = Sending { outgoing, limits, settings, waits: of_sends };
        Ok((sides, is_tls, receiving, sending))
    }
}

/// A whole stream again; a closed one, if the halves were closed.
fn together<T: SplitTransport>(
    sides: &Sides<T>,
    receiving: Option<Receiving>,
    sending: Option<Sending>,
) -> Stream<T> {
    let (both, session) = sides.take_all();
    let (Some(receiving), Some(sending)) = (receiving, sending) else {
        return Stream::without_transport(Inner::empty(Limits::default()));
    };
    let Receiving { incoming, mut limits, mut settings, peer, mut waits } = receiving;
    let Sending { mut outgoing, limits: bounds, settings: of_sender, waits: of_sends } = sending;
    settings.line_end = of_sender.line_end;
    // Each half's bounds are those of its direction, and a close is the sender's.
    limits.queue_bytes_max = bounds.queue_bytes_max;
    limits.send_atomic_max = bounds.send_atomic_max;
    limits.send_time_max = bounds.send_time_max;
    limits.close_time_max = bounds.close_time_max;
    limits.drain_bytes_max = bounds.drain_bytes_max;
    limits.drain_time_max = bounds.drain_time_max;
    waits.sends_of(&of_sends);
    let Some((Reading { transport: reader, read }, Writing { transport: writer, write, mut sealed })) = both
    else {
        return Stream::without_transport(Inner::empty(limits));
    };
    outgoing.exchange_sealed(&mut sealed);
    let connection = Connection::from_halves(incoming, outgoing, limits).with_tls(session);
    let inner = Inner { connection, read, write, settings, peer, waits };
    match T::reunite(reader, writer) {
        Ok(transport) => Stream::from_inner(transport, inner),
        // They came from one transport: one that does not know its own sides cannot be used any more.
        Err(_) => Stream::without_transport(inner),
    }
}

/// What a poll gave; `None` is the end of the connection.
fn or_closed<R>(polled: Option<Result<R, Error>>) -> Result<R, Error> {
    polled.unwrap_or(Err(Error::Closed))
}

/// Ends a connection at once, whatever is left of it.
fn end<T: SplitTransport>(reading: Option<Reading<T::Reader>>, writing: Option<Writing<T::Writer>>) {
    let (Some(reading), Some(writing)) = (reading, writing) else { return };
    if let Ok(mut transport) = T::reunite(reading.transport, writing.transport) {
        transport.abort();
    }
}

/// Gives a lent stream back what one half had, and its transport when that was the second.
fn bring_home<T: SplitTransport>(
    common: &Common<'_, T>,
    receiving: Option<Receiving>,
    sending: Option<Sending>,
) {
    let Some(home) = &common.home else { return };
    let mut home = home.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    home.receiving = receiving.or(home.receiving.take());
    home.sending = sending.or(home.sending.take());
    if home.receiving.is_some() && home.sending.is_some() {
        let (receiving, sending) = (home.receiving.take(), home.sending.take());
        *home.stream = together(&common.sides, receiving, sending);
    }
}
