//! One call, broken off everywhere, and compared with itself undisturbed.
//!
//! ```text
//!   undisturbed:  the call ---------------------------------------> a line received, a line sent: what both sides saw
//!   for each k:   the call, k waits --- dropped or leaked --+-----> the call again ---> the same two lines: the same?
//!                                                           `-----> (a send is not repeated: all of it arrived, or none)
//! ```
//!
//! Invariants:
//! - A handshake is undisturbed, and what follows it is cut at each byte. Calls that leave the stream usable share one.
//! - Each cut ends with a line in each direction that has its number, so nothing of one is taken for another's.

use super::drive::{self, Driven, Leave};
use super::far::{End, Far};
use super::row::{Caller, Kept, Kind, Message, Row};
use super::switch::Switch;
use super::{Disturb, Ours, Protocol, tally};
use crate::adapter::Fixture;
use crate::case::{LocalFuture, Stop, Verdict, ensure, ensure_eq};
use crate::peer::Reset;
use asyncnet_driver::tls::{Leftover, StartTls};
use asyncnet_driver::{Error, Fill, Limits, SendError, Stream, Transport};

/// A call has fewer waits than this.
const CUTS_MAX: usize = 10_000;

/// A leaked send tears the stream, which then ends well when it is dropped: the driver does not see to that yet.
const EXCUSED_LEAK: bool = true;

/// How many bytes the caller's memory has.
const MEMORY: usize = 8;

/// The longest message that is completed when its send is dropped.
const SEND_ATOMIC_MAX: usize = 64;

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
        Box::pin(async {
            Ok(self.recv_line().await?.map(|line| line.to_str_lossy().into_owned()).unwrap_or_default())
        })
    }

    fn say<'a>(&'a mut self, text: &'a [u8]) -> LocalFuture<'a, Result<(), Error>> {
        Box::pin(self.send(text))
    }

    fn begin(&mut self, how: StartTls) -> LocalFuture<'_, Result<(), Error>> {
        Box::pin(async { self.start_tls(how.leftover(Leftover::IntoTls)).await.map(drop) })
    }
}

/// What the calls run over, and how it is made.
pub(crate) struct Plan<'a, F: Fixture, X, S> {
    pub(crate) at: &'a F,
    pub(crate) protocol: Protocol,
    pub(crate) disturb: fn(F::Transport, Disturb, Switch, usize) -> X,
    pub(crate) subject: fn(Stream<X>) -> Result<S, Stop>,
}

/// A stream under test, and its other end.
struct Scene<S> {
    subject: S,
    far: Far,
    switch: Switch,
    how: Option<StartTls>,
}

/// What was seen of a call and of what followed.
#[derive(Debug, Default)]
struct Seen {
    /// If it was broken off: whether a byte had gone out by then.
    cut: Option<bool>,
    leaked: bool,
    gave: Vec<u8>,
    bytes: Vec<u8>,
    line: Vec<u8>,
    filled: Vec<u8>,
    /// What the other end got of it.
    arrived: Vec<u8>,
    /// How the other end saw it end, if it did.
    end: Option<End>,
    /// How much of how much was sent, if the send was abandoned.
    abandoned: Option<(usize, usize)>,
}

/// How a row is broken off, in one of the columns.
#[derive(Clone, Copy, Debug)]
struct Column {
    disturb: Disturb,
    leave: Leave,
}

/// Tries each row in all columns. Every row that fails is told.
pub(crate) async fn each_call<F, X, S>(plan: &Plan<'_, F, X, S>, rows: &[Row<S>]) -> Verdict
where
    F: Fixture,
    X: Transport,
    S: Subject,
{
    let (_, peer) = plan.at.pair().await?;
    let resets = peer.reset()? == Reset::Sent;
    let (mut cuts, mut failed) = (Vec::new(), Vec::new());
    for row in rows {
        for disturb in Disturb::EACH {
            for leave in Leave::EACH {
                let column = Column { disturb, leave };
                match plan.each_cut(row, column, resets).await {
                    Ok(points) if leave == Leave::Drop => {
                        tally::count(&mut cuts, row.name, plan.protocol.name(), points);
                    }
                    Ok(_) => {}
                    Err(Stop::Failed(reason)) => failed.push(reason),
                    Err(skipped) => return Err(skipped),
                }
            }
        }
    }
    tally::keep(cuts);
    if failed.is_empty() { Ok(()) } else { Err(Stop::Failed(failed.join("\n"))) }
}

impl<F, X, S> Plan<'_, F, X, S>
where
    F: Fixture,
    X: Transport,
    S: Subject,
{
    /// Breaks the call off wherever it waits: in how many places.
    async fn each_cut(&self, row: &Row<S>, column: Column, resets: bool) -> Result<usize, Stop> {
        let tell = |at: &str, stop: Stop| match stop {
            Stop::Failed(reason) => {
                let (call, over) = (row.name, self.protocol.name());
                Stop::Failed(format!("{call}, {over}, {:?} transport, {at}: {reason}", column.disturb))
            }
            skipped @ Stop::Skipped(_) => skipped,
        };
        let begun = async { self.scene(row, column).await?.run(row, None, 0).await };
        let (undisturbed, mut open) = begun.await.map_err(|stop| tell("undisturbed", stop))?;
        for k in 1..CUTS_MAX {
            let attempt = async {
                let scene = match open.take() {
                    Some(scene) => scene,
                    None => self.scene(row, column).await?,
                };
                let (seen, open) = scene.run(row, Some((k, column.leave)), k).await?;
                seen.ensure_like(&undisturbed, row, self.protocol, resets)?;
                Ok((seen.cut.is_some(), open))
            };
            let at = format!("cut {k}, {}", column.leave.past());
            let (was_cut, left) = attempt.await.map_err(|stop| tell(&at, stop))?;
            if !was_cut {
                return Ok(k - 1);
            }
            open = left;
        }
        Err(tell("everywhere", Stop::Failed(format!("it does not complete in {CUTS_MAX} waits"))))
    }

    /// A stream under test, and its other end: after the handshake, unless the row is about that.
    async fn scene(&self, row: &Row<S>, column: Column) -> Result<Scene<S>, Stop> {
        let mut limits = Limits::default();
        limits.send_atomic_max = SEND_ATOMIC_MAX;
        let (stream, wire) = self.at.pair_with(limits).await?;
        let transport = stream.into_parts().transport;
        let transport = transport.ok_or_else(|| Stop::Failed("a stream without a transport".to_owned()))?;
        let switch = Switch::default();
        let transport = (self.disturb)(transport, column.disturb, switch.clone(), row.piece);
        let mut stream = Stream::with_limits(transport, limits);
        let ours = if column.leave == Leave::Drop { Ours::Client } else { Ours::Server };
        let tls = self.protocol.begin(row.ours.unwrap_or(ours), !row.begins())?;
        let (how, theirs) = tls.map_or((None, None), |(how, theirs)| (Some(how), Some(theirs)));
        let mut far = Far::new(wire, theirs, switch.clone());
        if let (Some(how), false) = (&how, row.begins()) {
            drive::to_its_end(Box::pin(stream.start_tls(how.clone())), &switch, &mut far).await??;
            // What it says comes behind all that belongs to the handshake, tickets too.
            far.step()?;
            far.say(b"begun\n")?;
            let line = drive::to_its_end(stream.line(), &switch, &mut far).await??;
            ensure_eq(&line[..], "begun", "the first line over TLS")?;
        }
        Ok(Scene { subject: (self.subject)(stream)?, far, switch, how })
    }
}

impl<S: Subject> Scene<S> {
    /// Makes the call, to its end or to the cut, and what follows it; and what is left, if it can be used again.
    async fn run(
        mut self,
        row: &Row<S>,
        cut: Option<(usize, Leave)>,
        number: usize,
    ) -> Result<(Seen, Option<Self>), Stop> {
        let Self { subject, far, switch, how } = &mut self;
        let (theirs, ours) = (format!("then {number}, of theirs"), format!("and {number}, of ours"));
        (row.prepare)(subject)?;
        far.say(row.said)?;
        if row.ends {
            far.end()?;
        } else if !row.begins() {
            far.say(format!("{theirs}\n").as_bytes())?;
        }
        let mut memory = [b'.'; MEMORY];
        let mut caller = Caller {
            bytes: memory.to_vec(),
            line: b"stale".to_vec(),
            fill: Fill::new(&mut memory),
            left: MEMORY,
            how: how.clone(),
        };
        let mut seen = Seen::default();
        let written = switch.counts().written;
        switch.set(cut.is_some());
        let first = drive::up_to((row.call)(subject, &mut caller), switch, far, cut).await?;
        let mut gave = match first {
            Driven::Done(gave) => gave?,
            Driven::Cut => {
                seen.cut = Some(switch.counts().written > written);
                seen.leaked = cut.is_some_and(|(_, leave)| leave == Leave::Leak);
                ensure_kept(row.kept, &caller)?;
                match row.kind {
                    Kind::Sends(_) => Vec::new(),
                    _ => drive::to_its_end((row.call)(subject, &mut caller), switch, far).await??,
                }
            }
        };
        if let Kind::GivesUpTo(all) = row.kind {
            while gave.len() < all {
                caller.left = all - gave.len();
                gave.extend(drive::to_its_end((row.call)(subject, &mut caller), switch, far).await??);
            }
        } else {
            seen.bytes.clone_from(&caller.bytes);
        }
        seen.line.clone_from(&caller.line);
        seen.filled = caller.fill.filled().to_vec();
        seen.gave = gave;
        switch.set(false);

        if let (Kind::Looks, Some(how)) = (row.kind, how) {
            drive::to_its_end(subject.begin(how.clone()), switch, far).await??;
        }
        if row.begins() && row.can_receive() {
            far.step()?;
            far.say(format!("{theirs}\n").as_bytes())?;
        }
        if row.can_receive() {
            let line = drive::to_its_end(subject.line(), switch, far).await??;
            ensure_eq(&line, &theirs, "the line behind it")?;
        }
        if row.can_send() {
            match drive::to_its_end(subject.say(ours.as_bytes()), switch, far).await? {
                Ok(()) => {
                    seen.arrived = far.take_text()?;
                    let behind = seen.arrived.split_off(seen.arrived.len().saturating_sub(ours.len()));
                    ensure_eq(&*String::from_utf8_lossy(&behind), &ours, "what was sent behind it")?;
                    return Ok((seen, row.leaves_open().then_some(self)));
                }
                Err(Error::Send(SendError::Abandoned { sent, of })) => {
                    let again = drive::to_its_end(subject.say(b"again"), switch, far).await?;
                    let stays = matches!(again, Err(Error::Send(SendError::Abandoned { .. })));
                    ensure(stays, format!("it was abandoned, and then {again:?}"))?;
                    seen.abandoned = Some((sent, of));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let Self { subject, mut far, .. } = self;
        seen.arrived = far.take_text()?;
        drop(subject);
        let (rest, end) = far.rest();
        seen.arrived.extend(rest);
        seen.end = Some(end);
        Ok((seen, None))
    }
}

impl Seen {
    /// Whether it is as it was undisturbed, but for what the row allows.
    fn ensure_like(
        &self,
        undisturbed: &Self,
        row: &Row<impl Sized>,
        protocol: Protocol,
        resets: bool,
    ) -> Verdict {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let same = |seen: &[u8], expected: &[u8], what: &str| ensure_eq(&text(seen), &text(expected), what);
        same(&self.bytes, &undisturbed.bytes, "the caller's bytes")?;
        same(&self.line, &undisturbed.line, "the caller's line")?;
        same(&self.filled, &undisturbed.filled, "what is filled")?;
        let (Kind::Sends(message), Some(went_out)) = (row.kind, self.cut) else {
            same(&self.gave, &undisturbed.gave, "what it gave")?;
            same(&self.arrived, &undisturbed.arrived, "what arrived")?;
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
        let clean = clean && !(EXCUSED_LEAK && self.leaked);
        ensure(!clean, format!("{what}, and the other end saw a clean end"))
    }
}

/// Whether a call that was broken off left the caller's memory alone.
fn ensure_kept(kept: Kept, caller: &Caller<'_>) -> Verdict {
    ensure_eq(&caller.bytes.escape_ascii().to_string()[..], &*".".repeat(MEMORY), "the caller's bytes")?;
    let line: &[u8] = if kept == Kept::LineEmptied { b"" } else { b"stale" };
    ensure_eq(
        &caller.line.escape_ascii().to_string(),
        &line.escape_ascii().to_string(),
        "the caller's line",
    )?;
    ensure(kept == Kept::Filled || caller.fill.filled().is_empty(), "something was filled")
}
