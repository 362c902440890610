//! Two connections of ours back to back: plaintext, an upgrade of each at some time, and TLS.

use super::attacked::is_alert;
use super::crypto::restart_randomness;
use super::driven::Driven;
use super::played::Played;
use super::setup::{Ends, Setup, Tested};
use super::wire::records;
use crate::properties::noise::{NOISE_BYTES, noise};
use crate::properties::script::{Script, Step};
use asyncnet_core::tls::{Leftover, StartTls, TlsError};
use asyncnet_core::{Limits, ProcessError};

/// The most bytes that one step sends: more than is sealed at once.
const SEND_BYTES_MAX: usize = 70 << 10;

/// Where the numbers begin that are sent as plaintext: none of them is sent over TLS too.
const PLAINTEXT: usize = NOISE_BYTES / 2;

/// What the steps of a script can be; what each means is at [`tls_pair`].
const ACTIONS: &[u8] = b"aAbBtTuUoOsSaAbBcCfFxX";

/// Two connections that upgrade themselves to TLS, each when its caller says so, receive what the other one sent, and
/// never take for TLS what came before it.
///
/// The input is a script, see the [module](crate::properties). Its header is two numbers: the first of
/// [`tls_stream`](super::tls_stream), of which it does not matter who is tested; and what becomes of bytes that are left
/// over, at the client and, times three, at the server (0 refuse, 1 into TLS, 2 discard). It has no rest. A step in lower
/// case is of the client, in upper case of the server; what each sends is under way at once:
///
/// | step | meaning |
/// | --- | --- |
/// | `a` | it sends `n` bytes |
/// | `b` | `n` bytes arrive at it, and are processed |
/// | `t`, `u` | it takes `n` bytes, or all that came |
/// | `o` | it receives into `n` bytes of memory, over TLS |
/// | `s` | it starts TLS |
/// | `c` | it closes |
/// | `f` | a bit of byte `n` of what is under way to it is changed |
/// | `x` | the wire to it ends; what is on it is lost |
///
/// In the end all that is under way arrives, and then both wires end.
///
/// # Panics
///
/// If either receives what the other did not send, or did not send like that; if nothing came between them and not all
/// arrives; if a failure is forgotten or not told with an alert.
///
/// ```
/// // A line each way in plaintext, an upgrade, a line each way over TLS.
/// asyncnet_conformance::properties::tls_pair(b"00a9B~U0A9b~u0s0S0B~b~B~b~a9A9");
/// ```
pub fn tls_pair(data: &[u8]) {
    drop(play_pair(data));
}

/// As [`tls_pair`], and tells what happened.
///
/// # Panics
///
/// As [`tls_pair`].
#[must_use]
pub fn play_pair(data: &[u8]) -> Played {
    let script = Script::<2>::read(data, ACTIONS);
    let [which, leftovers] = script.header;
    restart_randomness();
    let setup = Setup { tested: Tested::Both, ..Setup::of(which, 0) };
    let mut player = Player {
        ends: setup.ends(),
        leftovers: [leftovers % 3, leftovers / 3 % 3].map(leftover),
        sides: [CLIENT, SERVER].map(|_| Side::new()),
        broken: 0,
        place: (0, Step { action: b'|', n: 0 }),
    };
    for (at, step) in script.steps.iter().enumerate() {
        player.place = (at, *step);
        player.step(*step);
        player.check();
    }
    player.finish()
}

fn leftover(n: usize) -> Leftover {
    [Leftover::Refuse, Leftover::IntoTls, Leftover::Discard][n]
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

/// One of the two, and the wire that leads away from it.
struct Side {
    driven: Driven,
    /// All that it sent, as it came or will come to the other; and how much of that has come.
    carried: Vec<u8>,
    arrived: usize,
    /// Where in that TLS began, and where in what the other carried TLS is read from.
    begun: Option<Begun>,
    /// How many bytes it took as plaintext, and how many it sent so.
    plain: Counts,
    /// The same over TLS.
    text: Counts,
    closed: bool,
    /// TLS 1.2 does not change keys, and these are spent.
    spent: bool,
    /// The wire away from it ended, or a bit on it was changed when TLS had begun.
    cut: bool,
    flipped: bool,
}

#[derive(Clone, Copy)]
struct Begun {
    writes_at: usize,
    reads_at: usize,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    sent: usize,
    received: usize,
}

impl Side {
    fn new() -> Self {
        Self {
            driven: Driven::new(Limits::default()),
            carried: Vec::new(),
            arrived: 0,
            begun: None,
            plain: Counts::default(),
            text: Counts::default(),
            closed: false,
            spent: false,
            cut: false,
            flipped: false,
        }
    }
}

struct Player {
    ends: Ends,
    leftovers: [Leftover; 2],
    /// Client and server.
    sides: [Side; 2],
    broken: usize,
    /// For the message of a panic.
    place: (usize, Step),
}

impl Player {
    fn step(&mut self, step: Step) {
        let who = if step.action.is_ascii_uppercase() { SERVER } else { CLIENT };
        let n = step.n;
        match step.action.to_ascii_lowercase() {
            b'a' => self.send(who, n),
            b'b' => self.arrive(who, n),
            b't' => self.take(who, n),
            b'u' => self.take(who, usize::MAX),
            b'o' => self.receive(who, n.min(SEND_BYTES_MAX)),
            b's' => self.start(who),
            b'c' => {
                self.sides[who].closed = true;
                self.sides[who].driven.connection.close();
            }
            b'f' => self.flip(1 - who, n),
            _ => self.cut(1 - who),
        }
        for who in [CLIENT, SERVER] {
            self.process(who);
        }
    }

    fn send(&mut self, who: usize, n: usize) {
        let side = &mut self.sides[who];
        let (counts, base) = match side.begun {
            Some(_) => (&mut side.text, 0),
            None => (&mut side.plain, PLAINTEXT),
        };
        let n = n.min(SEND_BYTES_MAX).min(PLAINTEXT - counts.sent);
        if side.driven.connection.send(noise(base + counts.sent, n)).is_ok() {
            counts.sent += n;
        }
    }

    /// `n` bytes arrive at it.
    fn arrive(&mut self, who: usize, n: usize) {
        let (to, from) = pair(&mut self.sides, who);
        let under_way = &from.carried[from.arrived..];
        from.arrived += to.driven.fill(&under_way[..n.min(under_way.len())]);
    }

    fn take(&mut self, who: usize, n: usize) {
        let side = &mut self.sides[who];
        let n = n.min(side.driven.connection.plain().len());
        let bytes = side.driven.connection.incoming_mut().take_front(n).to_vec();
        self.received(who, &bytes);
    }

    fn receive(&mut self, who: usize, n: usize) {
        if self.sides[who].begun.is_some() {
            let mut into = vec![0; n];
            let n = self.sides[who].driven.receive(&mut into).unwrap_or(0);
            self.received(who, &into[..n]);
        }
    }

    /// Bytes were taken: over TLS they are what the other sealed, before that what it carried.
    fn received(&mut self, who: usize, bytes: &[u8]) {
        let (to, from) = pair(&mut self.sides, who);
        if to.begun.is_some() {
            let end = to.text.received + bytes.len();
            assert!(end <= from.text.sent, "more came than was sealed at {:?}", self.place);
            let sealed = noise(to.text.received, bytes.len());
            assert!(bytes == sealed, "what was not sealed came at {:?}", self.place);
            to.text.received = end;
        } else {
            let carried = &from.carried[to.plain.received..from.arrived];
            assert!(carried.starts_with(bytes), "other bytes came at {:?}", self.place);
            to.plain.received += bytes.len();
        }
    }

    fn start(&mut self, who: usize) {
        let how = match who {
            CLIENT => self.ends.start_client(),
            _ => StartTls::server(&self.ends.server),
        };
        let leftover = self.leftovers[who];
        let (side, from) = pair(&mut self.sides, who);
        let len = side.driven.connection.plain().len();
        let expected = match leftover {
            _ if side.begun.is_some() => Err(TlsError::AlreadyStarted),
            _ if side.closed => Err(TlsError::Unsettled),
            Leftover::Refuse if len > 0 => Err(TlsError::Leftover { len }),
            _ => Ok(()),
        };
        let started = side.driven.connection.start_tls(how.leftover(leftover));
        assert_eq!(started, expected, "at {:?}", self.place);
        if started.is_ok() {
            let reads_at = if leftover == Leftover::IntoTls { side.plain.received } else { from.arrived };
            side.begun = Some(Begun { writes_at: side.carried.len(), reads_at });
            assert!(!side.driven.has_text(), "plaintext is left at {:?}", self.place);
        }
    }

    /// Changes a bit of what is under way from it.
    fn flip(&mut self, who: usize, n: usize) {
        let side = &mut self.sides[who];
        let under_way = &mut side.carried[side.arrived..];
        if let Some(at) = n.checked_rem(under_way.len()) {
            under_way[at] ^= 1 << (n % 8);
            // In plaintext nobody can tell.
            side.flipped |= side.begun.is_some_and(|begun| side.arrived + at >= begun.writes_at);
            self.broken += 1;
        }
    }

    /// The wire away from it ends.
    fn cut(&mut self, who: usize) {
        let (from, to) = pair(&mut self.sides, who);
        from.cut = true;
        from.carried.truncate(from.arrived);
        to.driven.connection.wire_eof();
    }

    fn process(&mut self, who: usize) {
        let side = &mut self.sides[who];
        if let Err(ProcessError::Recv(error)) = side.driven.process() {
            panic!("no line was looked for: {error} at {:?}", self.place);
        }
        side.spent |= side.driven.seal(&[]) == Err(TlsError::KeysSpent);
        let output = side.driven.take_output();
        if !side.cut {
            side.carried.extend(output);
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        for who in [CLIENT, SERVER] {
            let (to, from) = pair(&mut self.sides, who);
            to.driven.check_memory();
            let waits = to.driven.connection.plain();
            let ended = to.driven.connection.incoming().has_ended();
            if to.begun.is_some() {
                let all = to.text.received + waits.len() == from.text.sent;
                assert!(!ended || from.closed && all, "a false end at {:?}", self.place);
                assert!(waits == noise(to.text.received, waits.len()), "at {:?}", self.place);
            } else {
                assert!(*waits == from.carried[to.plain.received..from.arrived], "at {:?}", self.place);
            }
        }
    }

    fn finish(mut self) -> Played {
        self.settle();
        let [client, server] = [CLIENT, SERVER].map(|who| self.is_whole(who));
        if client && server {
            self.check_whole();
        }
        for who in [CLIENT, SERVER] {
            self.sides[who].driven.connection.wire_eof();
        }
        self.settle();
        for who in [CLIENT, SERVER] {
            self.check_failure(who);
        }
        let [client, server] = &self.sides;
        Played {
            established: client.driven.is_established() && server.driven.is_established(),
            text_bytes: client.text.received + server.text.received,
            broken: self.broken,
            failure: client.driven.failure().cloned(),
        }
    }

    /// All that is under way arrives.
    fn settle(&mut self) {
        let state = |sides: &[Side; 2]| {
            sides.each_ref().map(|side| (side.carried.len(), side.arrived, side.text.received))
        };
        loop {
            let before = state(&self.sides);
            for who in [CLIENT, SERVER] {
                self.arrive(who, usize::MAX);
                self.process(who);
                if self.sides[who].begun.is_some() {
                    self.take(who, usize::MAX);
                }
            }
            self.check();
            if before == state(&self.sides) {
                return;
            }
        }
    }

    /// Whether TLS comes from it to the other as it was sent.
    fn is_whole(&self, who: usize) -> bool {
        let (from, to) = (&self.sides[who], &self.sides[1 - who]);
        let both = from.begun.zip(to.begun);
        both.is_some_and(|(from, to)| from.writes_at == to.reads_at) && !from.cut && !from.flipped
    }

    /// Nothing came between them.
    fn check_whole(&self) {
        for (side, other) in self.sides.iter().zip(self.sides.iter().rev()) {
            assert!(side.driven.is_established(), "the handshake hangs");
            assert_eq!(side.driven.failure(), None);
            assert!(side.text.received == other.text.sent || other.spent, "not all came");
            let ended = side.driven.connection.incoming().has_ended();
            assert_eq!(ended, other.closed && !other.spent, "the end");
        }
    }

    /// If it has failed, its alert is the last that it sent.
    fn check_failure(&mut self, who: usize) {
        let side = &mut self.sides[who];
        let Some(begun) = side.begun else { return };
        let failure = side.driven.failure().cloned();
        match failure {
            None | Some(TlsError::Truncated | TlsError::HandshakeEnded | TlsError::AlertReceived(_)) => {
                return;
            }
            Some(_) if side.closed || side.spent || side.cut || side.flipped => return,
            Some(error) => {
                let sent = &side.carried[begun.writes_at..];
                let last = records(sent).last().map(|at| &sent[at.clone()]);
                assert!(last.is_some_and(is_alert), "no alert was sent for {error}");
            }
        }
        side.driven.connection.close();
        drop(side.driven.process());
        side.driven.end_text();
        assert!(side.driven.take_output().is_empty(), "something is sent behind the alert");
    }
}

/// It, and the other one.
fn pair(sides: &mut [Side; 2], who: usize) -> (&mut Side, &mut Side) {
    let [client, server] = sides;
    if who == CLIENT { (client, server) } else { (server, client) }
}
