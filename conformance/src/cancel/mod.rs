//! Every public call broken off wherever it can be, and what both sides and the caller's memory are then.
//!
//! A call is a row ([`row::Row`]): its name, what the other end sends before it, and the call itself over a stream and the
//! caller's memory. [`check`] runs it undisturbed, then up to its first wait, its second, and so on until it completes, over
//! a transport that waits before every byte ([`cut::Cut`]) and over one whose operations complete after the calls that
//! began them ([`late::Late`]); each time the future is dropped, or leaked, and all that follows has to be as it was
//! undisturbed. So a new call is covered by a new row.

mod around;
mod calls;
mod check;
mod cut;
mod drive;
mod far;
#[cfg(test)]
mod faults;
mod handshake;
mod late;
mod network;
mod row;
mod seen;
mod sides;
#[cfg(all(test, feature = "adapters"))]
mod sources;
mod subject;
mod switch;
mod tally;

pub(crate) use network::cases as network_cases;
pub use tally::Cuts;
pub(crate) use tally::take as take_cuts;

use self::check::{Found, Plan};
use self::cut::Cut;
use self::late::Late;
use self::row::Row;
use self::sides::Protocol;
use self::subject::Pair;
use self::switch::Switch;
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict};
use crate::pki::Version;
use asyncnet_driver::{PeekTransport, SplitTransport, Stream, Transport};

const PLAIN: Protocol = Protocol::Plain;
const TLS12: Protocol = Protocol::Tls(Version::Tls12);
const TLS13: Protocol = Protocol::Tls(Version::Tls13);

/// A transport of any kind, disturbed: so that each row is compiled once.
type Wire = Box<dyn Transport>;

/// As that, and it can be looked at.
trait Peeked: PeekTransport + Transport {}

impl<T: PeekTransport + Transport> Peeked for T {}

/// Whether a case breaks calls off wherever it can.
pub(crate) fn is_each_call(id: &str) -> bool {
    ["cancel::stream_", "cancel::handshake_", "cancel::halves_", "cancel::unbuffered", "cancel::network"]
        .iter()
        .any(|each| id.starts_with(each))
}

/// The calls of a stream.
pub(crate) fn stream_cases<F: Fixture + 'static>() -> Vec<Case<F>> {
    const RULE: &str = "a call of a stream that is broken off anywhere has lost, doubled and torn nothing";
    const BEGINS: &str = "a handshake that is broken off anywhere goes on when it is called again";
    vec![
        Case::new("cancel::stream_plain", RULE, |at| Box::pin(whole(at, PLAIN, calls::whole()))),
        Case::new("cancel::stream_tls12", RULE, |at| Box::pin(whole(at, TLS12, calls::whole()))),
        Case::new("cancel::stream_tls13", RULE, |at| Box::pin(whole(at, TLS13, calls::whole()))),
        Case::new("cancel::handshake_tls12", BEGINS, |at| {
            Box::pin(whole(at, TLS12, handshake::rows(Version::Tls12)))
        }),
        Case::new("cancel::handshake_tls13", BEGINS, |at| {
            Box::pin(whole(at, TLS13, handshake::rows(Version::Tls13)))
        }),
    ]
}

/// The calls of what needs more of a transport: of the halves, and of a stream that reads nothing ahead.
pub(crate) fn socket_cases<F>() -> Vec<Case<F>>
where
    F: Fixture<Transport: SplitTransport + PeekTransport> + 'static,
{
    const RULE: &str = "a call of a half that is broken off anywhere has lost, doubled and torn nothing";
    vec![
        Case::new("cancel::halves_plain", RULE, |at| Box::pin(halves(at, PLAIN))),
        Case::new("cancel::halves_tls12", RULE, |at| Box::pin(halves(at, TLS12))),
        Case::new("cancel::halves_tls13", RULE, |at| Box::pin(halves(at, TLS13))),
        Case::new(
            "cancel::unbuffered",
            "a call of a stream that reads nothing ahead loses, doubles and tears nothing either",
            |at| Box::pin(unbuffered(at)),
        ),
    ]
}

async fn whole<F>(at: &F, protocol: Protocol, rows: Vec<Row<Stream<Wire>>>) -> Verdict
where
    F: Fixture + 'static,
{
    let mut found = Found::default();
    for (disturb, transport) in disturbed() {
        let plan = Plan { at, protocol, disturb, transport, subject: Ok };
        check::each_call(&plan, &rows, &mut found).await?;
    }
    found.verdict()
}

async fn halves<F>(at: &F, protocol: Protocol) -> Verdict
where
    F: Fixture<Transport: SplitTransport> + 'static,
{
    let mut found = Found::default();
    each_half(at, protocol, (Disturb::Cut, Cut::new), &mut found).await?;
    each_half(at, protocol, (Disturb::Late, late), &mut found).await?;
    found.verdict()
}

/// The calls of both halves over one kind of transport: of halves that own it, and of those to which it is lent.
async fn each_half<F, X>(
    at: &F,
    protocol: Protocol,
    (disturb, transport): Way<F::Transport, X>,
    found: &mut Found,
) -> Verdict
where
    F: Fixture,
    X: SplitTransport + 'static,
{
    let plan = Plan { at, protocol, disturb, transport, subject: Pair::of };
    check::each_call(&plan, &calls::halves(), found).await?;
    let plan = Plan { at, protocol, disturb, transport, subject: Ok };
    check::each_call(&plan, &calls::lent(), found).await
}

async fn unbuffered<F>(at: &F) -> Verdict
where
    F: Fixture<Transport: PeekTransport> + 'static,
{
    let subject = |stream: Stream<Box<dyn Peeked>>| {
        stream.into_unbuffered().map_err(|error| Stop::Failed(format!("{:?}", error.fault)))
    };
    let mut found = Found::default();
    let ways: [Way<F::Transport, Box<dyn Peeked>>; 2] = [
        (Disturb::Cut, |below, switch, piece| Box::new(Cut::new(below, switch, piece))),
        (Disturb::Late, |below, switch, piece| Box::new(late(below, switch, piece))),
    ];
    for (disturb, transport) in ways {
        let plan = Plan { at, protocol: PLAIN, disturb, transport, subject };
        check::each_call(&plan, &calls::unbuffered(), &mut found).await?;
    }
    found.verdict()
}

/// How a transport `T` becomes a disturbed one.
type Way<T, X> = (Disturb, fn(T, Switch, usize) -> X);

/// The ways in which a transport is disturbed.
fn disturbed<T: Transport + 'static>() -> [Way<T, Wire>; 2] {
    [
        (Disturb::Cut, |below, switch, piece| Box::new(Cut::new(below, switch, piece))),
        (Disturb::Late, |below, switch, piece| Box::new(late(below, switch, piece))),
    ]
}

/// One whose operations are longer than the pieces, so that they end in the middle.
fn late<T>(below: T, switch: Switch, piece: usize) -> Late<T> {
    Late::new(below, switch, 5 * piece)
}

/// How a transport is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturb {
    /// It waits before every piece.
    Cut,
    /// Its operations complete after the calls.
    Late,
}
