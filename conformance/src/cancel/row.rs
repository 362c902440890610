//! A call that is to be broken off everywhere: one row for each.

use super::sides::{Ours, Session};
use crate::case::LocalFuture;
use asyncnet_driver::tls::StartTls;
use asyncnet_driver::{Error, Fill};

/// How many bytes the caller's memory has.
pub(crate) const MEMORY: usize = 8;

/// The caller's memory, which a call that has not completed leaves alone.
pub(crate) struct Caller<'m> {
    pub(crate) bytes: Vec<u8>,
    pub(crate) line: Vec<u8>,
    pub(crate) fill: Fill<'m>,
    /// How much a call that may give less than all is to give at most.
    pub(crate) left: usize,
    /// How TLS is to begin.
    pub(crate) how: Option<StartTls>,
}

/// A call with the caller's memory: what it gave, as bytes.
pub(crate) type Call<S> =
    for<'a, 'm> fn(&'a mut S, &'a mut Caller<'m>) -> LocalFuture<'a, Result<Vec<u8>, Error>>;

/// One public call of `S`, and what is known of it.
pub(crate) struct Row<S> {
    /// Its path, as users write it.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What the caller does before it, which does not wait.
    pub(crate) prepare: fn(&mut S) -> Result<(), Error>,
    pub(crate) call: Call<S>,
    /// What the other end sends before it.
    pub(crate) said: &'static [u8],
    /// Whether the other end ends then.
    pub(crate) ends: bool,
    /// What becomes of the caller's memory when it is broken off.
    pub(crate) kept: Kept,
    /// How many bytes at a time the transport moves.
    pub(crate) piece: usize,
    /// Whether it is leaked too: not what owns the stream's directions, which are gone then.
    pub(crate) leaks: bool,
    /// On which side of TLS the stream is, if that matters: else it is the client when calls are dropped, and the server when
    /// they are leaked.
    pub(crate) ours: Option<Ours>,
}

/// What a call does, for what is to be looked at afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It takes bytes, or none, and goes on when it is called again; the stream is as usable as before.
    Goes,
    /// As that, but it may give less than all, and is called until it gave so much.
    GivesUpTo(usize),
    /// It sends a message, of which all or nothing arrives; what is long may be abandoned.
    Sends(Message),
    /// It ends the write side, and can be called again; whether the stream can still receive.
    Ends { receives: bool },
    /// It begins TLS.
    Begins,
    /// It looks at what a client says first.
    Looks,
    /// It receives what a client sent before the handshake was done: so many bytes.
    Early(usize),
    /// It turns a client down, with an alert.
    Refuses,
}

/// What a send promises for a message that it was dropped with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// It is completed once a byte of it went out.
    Short,
    /// It is completed once the send was polled.
    Owned,
    /// It is torn, and known to be, once a byte of it went out.
    Long,
}

/// What becomes of the caller's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is as it was.
    All,
    /// The line is empty.
    LineEmptied,
    /// What is filled so far is what was received.
    Filled,
}

impl<S> Row<S> {
    /// A call that goes on when it is called again, before which the other end sends `said`.
    pub(crate) const fn receives(name: &'static str, said: &'static [u8], call: Call<S>) -> Self {
        Self {
            name,
            kind: Kind::Goes,
            prepare: |_| Ok(()),
            call,
            said,
            ends: false,
            kept: Kept::All,
            piece: 1,
            leaks: true,
            ours: None,
        }
    }

    /// A call that sends a message.
    pub(crate) const fn sends(name: &'static str, message: Message, call: Call<S>) -> Self {
        Self { kind: Kind::Sends(message), ..Self::receives(name, b"", call) }
    }

    /// A call that ends the write side, before which `prepare` has queued something.
    pub(crate) const fn ends(
        name: &'static str,
        receives: bool,
        prepare: fn(&mut S) -> Result<(), Error>,
        call: Call<S>,
    ) -> Self {
        Self { kind: Kind::Ends { receives }, prepare, ..Self::receives(name, b"", call) }
    }

    /// Whether the stream can be used for another cut.
    pub(crate) fn leaves_open(&self) -> bool {
        matches!(self.kind, Kind::Goes | Kind::GivesUpTo(_) | Kind::Sends(_)) && !self.ends
    }

    /// What its TLS session is to be like.
    pub(crate) fn session(&self) -> Session {
        match self.kind {
            Kind::Early(_) => Session::Early,
            _ if self.begins() => Session::Full,
            _ => Session::Resumed,
        }
    }

    /// How much it gives in all, if it may give less at a time.
    pub(crate) fn gives(&self) -> Option<usize> {
        match self.kind {
            Kind::GivesUpTo(all) | Kind::Early(all) => Some(all),
            _ => None,
        }
    }

    /// Whether a line can be received after it.
    pub(crate) fn can_receive(&self) -> bool {
        !self.ends && !matches!(self.kind, Kind::Ends { receives: false } | Kind::Refuses)
    }

    /// Whether something can be sent after it.
    pub(crate) fn can_send(&self) -> bool {
        !matches!(self.kind, Kind::Ends { .. } | Kind::Refuses)
    }

    /// Whether it has to do with how TLS begins, so that the stream is plain before it.
    pub(crate) fn begins(&self) -> bool {
        matches!(self.kind, Kind::Begins | Kind::Looks | Kind::Early(_) | Kind::Refuses)
    }
}
