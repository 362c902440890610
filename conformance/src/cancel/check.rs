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

use super::Disturb;
use super::drive::{self, Driven, Leave};
use super::far::Far;
use super::row::{Caller, Kind, MEMORY, Row};
use super::seen::{Seen, ensure_kept};
use super::sides::{Ours, Protocol};
use super::subject::Subject;
use super::switch::Switch;
use super::tally::{self, Cuts};
use crate::adapter::Fixture;
use crate::case::{Stop, Verdict, ensure, ensure_eq};
use crate::peer::Reset;
use asyncnet_driver::tls::StartTls;
use asyncnet_driver::{Error, Fill, Limits, SendError, Stream, Transport};

/// A call has fewer waits than this.
const CUTS_MAX: usize = 10_000;

/// The longest message that is completed when its send is dropped.
const SEND_ATOMIC_MAX: usize = 64;

/// What the calls run over, and how it is made.
pub(crate) struct Plan<'a, F: Fixture, X, S> {
    pub(crate) at: &'a F,
    pub(crate) protocol: Protocol,
    pub(crate) disturb: Disturb,
    pub(crate) transport: fn(F::Transport, Switch, usize) -> X,
    pub(crate) subject: fn(Stream<X>) -> Result<S, Stop>,
}

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    cuts: Vec<Cuts>,
    failed: Vec<String>,
}

impl Found {
    /// Keeps what was counted: whether nothing failed.
    pub(crate) fn verdict(self) -> Verdict {
        tally::keep(self.cuts);
        if self.failed.is_empty() { Ok(()) } else { Err(Stop::Failed(self.failed.join("\n"))) }
    }
}

/// A stream under test, and its other end.
struct Scene<S> {
    subject: S,
    far: Far,
    switch: Switch,
    how: Option<StartTls>,
}

/// Tries each row, dropped and leaked.
pub(crate) async fn each_call<F, X, S>(
    plan: &Plan<'_, F, X, S>,
    rows: &[Row<S>],
    found: &mut Found,
) -> Verdict
where
    F: Fixture,
    X: Transport,
    S: Subject,
{
    let (_, peer) = plan.at.pair().await?;
    let resets = peer.reset()? == Reset::Sent;
    for row in rows {
        for leave in Leave::EACH.into_iter().filter(|leave| row.leaks || *leave == Leave::Drop) {
            match plan.each_cut(row, leave, resets).await {
                Ok(points) if leave == Leave::Drop => {
                    tally::count(&mut found.cuts, row.name, plan.protocol.name(), points);
                }
                Ok(_) => {}
                Err(Stop::Failed(reason)) => found.failed.push(reason),
                Err(skipped) => return Err(skipped),
            }
        }
    }
    Ok(())
}

impl<F, X, S> Plan<'_, F, X, S>
where
    F: Fixture,
    X: Transport,
    S: Subject,
{
    /// Breaks the call off wherever it waits: in how many places.
    async fn each_cut(&self, row: &Row<S>, leave: Leave, resets: bool) -> Result<usize, Stop> {
        let tell = |at: &str, stop: Stop| match stop {
            Stop::Failed(reason) => {
                let (call, over) = (row.name, self.protocol.name());
                Stop::Failed(format!("{call}, {over}, {:?} transport, {at}: {reason}", self.disturb))
            }
            skipped @ Stop::Skipped(_) => skipped,
        };
        let begun = async { self.scene(row, leave).await?.run(row, None, None, 0).await };
        let (undisturbed, mut open) = begun.await.map_err(|stop| tell("undisturbed", stop))?;
        for k in 1..CUTS_MAX {
            let attempt = async {
                let scene = match open.take() {
                    Some(scene) => scene,
                    None => self.scene(row, leave).await?,
                };
                let (seen, open) = scene.run(row, Some(&undisturbed), Some((k, leave)), k).await?;
                seen.ensure_heard(&undisturbed, row, self.protocol, resets)?;
                Ok((seen.cut.is_some(), open))
            };
            let at = format!("cut {k}, {}", leave.past());
            let (was_cut, left) = attempt.await.map_err(|stop| tell(&at, stop))?;
            if !was_cut {
                return Ok(k - 1);
            }
            open = left;
        }
        Err(tell("everywhere", Stop::Failed(format!("it does not complete in {CUTS_MAX} waits"))))
    }

    /// A stream under test, and its other end: after the handshake, unless the row is about that.
    async fn scene(&self, row: &Row<S>, leave: Leave) -> Result<Scene<S>, Stop> {
        let mut limits = Limits::default();
        limits.send_atomic_max = SEND_ATOMIC_MAX;
        let (stream, wire) = self.at.pair_with(limits).await?;
        let transport = stream.into_parts().transport;
        let transport = transport.ok_or_else(|| Stop::Failed("a stream without a transport".to_owned()))?;
        let switch = Switch::default();
        let transport = (self.transport)(transport, switch.clone(), row.piece);
        let mut stream = Stream::with_limits(transport, limits);
        let ours = if leave == Leave::Drop { Ours::Client } else { Ours::Server };
        let tls = self.protocol.begin(row.ours.unwrap_or(ours), row.session())?;
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
        undisturbed: Option<&Seen>,
        cut: Option<(usize, Leave)>,
        number: usize,
    ) -> Result<(Seen, Option<Self>), Stop> {
        let Self { subject, far, switch, how } = &mut self;
        let (theirs, ours) = (format!("then {number}, of theirs"), format!("and {number}, of ours"));
        (row.prepare)(subject)?;
        far.say_in_two(row.said)?;
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
        // What was begun by then goes on all the same.
        switch.set(false);
        let mut gave = match first {
            Driven::Done(gave) => gave?,
            Driven::Cut => {
                seen.cut = Some(switch.counts().written > written);
                ensure_kept(row.kept, &caller)?;
                match row.kind {
                    Kind::Sends(_) => Vec::new(),
                    _ => drive::to_its_end((row.call)(subject, &mut caller), switch, far).await??,
                }
            }
        };
        if let Some(all) = row.gives() {
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
        undisturbed.map_or(Ok(()), |undisturbed| seen.ensure_gave(undisturbed, row))?;

        if let (Kind::Looks | Kind::Early(_), Some(how)) = (row.kind, how) {
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
