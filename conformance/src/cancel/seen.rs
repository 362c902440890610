//! What was seen of a call that was broken off, and of one that was not: whether they are alike.

use super::far::End;
use super::row::{Caller, Kept, Kind, MEMORY, Message, Row};
use super::sides::Protocol;
use crate::case::{Verdict, ensure, ensure_eq};

/// What was seen of a call and of what followed.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// If it was broken off: whether a byte had gone out by then.
    pub(crate) cut: Option<bool>,
    pub(crate) gave: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) line: Vec<u8>,
    pub(crate) filled: Vec<u8>,
    /// What the other end got of it.
    pub(crate) arrived: Vec<u8>,
    /// How the other end saw it end, if it did.
    pub(crate) end: Option<End>,
    /// How much of how much was sent, if the send was abandoned.
    pub(crate) abandoned: Option<(usize, usize)>,
}

impl Seen {
    /// Whether the caller got what it got undisturbed.
    pub(crate) fn ensure_gave(&self, undisturbed: &Self, row: &Row<impl Sized>) -> Verdict {
        if !matches!(row.kind, Kind::Sends(_)) {
            ensure_same(&self.gave, &undisturbed.gave, "what it gave")?;
        }
        ensure_same(&self.bytes, &undisturbed.bytes, "the caller's bytes")?;
        ensure_same(&self.line, &undisturbed.line, "the caller's line")?;
        ensure_same(&self.filled, &undisturbed.filled, "what is filled")
    }

    /// Whether the other end saw what it saw undisturbed, but for what the row allows.
    pub(crate) fn ensure_heard(
        &self,
        undisturbed: &Self,
        row: &Row<impl Sized>,
        protocol: Protocol,
        resets: bool,
    ) -> Verdict {
        let (Kind::Sends(message), Some(went_out)) = (row.kind, self.cut) else {
            ensure_same(&self.arrived, &undisturbed.arrived, "what arrived")?;
            return ensure_eq(&self.end, &undisturbed.end, "how it ended");
        };
        let whole = &undisturbed.arrived;
        let Some((sent, of)) = self.abandoned else {
            let nothing = self.arrived.is_empty() && !went_out && message != Message::Owned;
            let torn = || format!("what arrived is torn: {} of {} bytes", self.arrived.len(), whole.len());
            return ensure(nothing || self.arrived == *whole, torn());
        };
        let what = format!("SendAbandoned {{ sent: {sent}, of: {of} }}");
        ensure(message != Message::Owned, format!("{what}, of what is completed from the queue"))?;
        ensure(of == whole.len() && 0 < sent && sent < of, format!("{what}, of {} bytes", whole.len()))?;
        let arrived = self.arrived.len();
        ensure(
            arrived <= sent && whole.starts_with(&self.arrived),
            format!("{what}: {arrived} bytes arrived"),
        )?;
        let clean = self.end == Some(End::Clean) && (resets || protocol != Protocol::Plain);
        ensure(!clean, format!("{what}, and the other end saw a clean end"))
    }
}

/// Whether a call that was broken off left the caller's memory alone.
pub(crate) fn ensure_kept(kept: Kept, caller: &Caller<'_>) -> Verdict {
    ensure_same(&caller.bytes, &[b'.'; MEMORY], "the caller's bytes")?;
    ensure_same(&caller.line, if kept == Kept::LineEmptied { b"" } else { b"stale" }, "the caller's line")?;
    ensure(kept == Kept::Filled || caller.fill.filled().is_empty(), "something was filled")
}

fn ensure_same(seen: &[u8], expected: &[u8], what: &str) -> Verdict {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    ensure_eq(&text(seen), &text(expected), what)
}
