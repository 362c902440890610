//! A connection and a peer that is rustls' own: what one sends, the other receives, and they agree how it ended.

use super::crypto::restart_randomness;
use super::driven::Driven;
use super::oracle::Oracle;
use super::played::Played;
use super::setup::{Kind, Setup, Tested};
use super::wire::Wire;
use crate::pki::Version;
use crate::properties::noise::{NOISE_BYTES, noise};
use crate::properties::script::{Script, Step};
use asyncnet_core::tls::{Session, TlsError};
use asyncnet_core::{Connection, Limits, LinePolicy, ProcessError, RecvError, Search};

/// The most bytes that one step sends: more than four records, and more than is sealed at once.
const SEND_BYTES_MAX: usize = 70 << 10;

/// The longest line that is looked for: no script has a longer one, so that none is ever dropped.
const LINE_BYTES_MAX: usize = 1_000_000;

/// How many key updates a peer makes: rustls takes 32 in a row, and so many may be answered in a row. Those that short-lived
/// keys make of themselves come to 24 at most, a record a step.
const UPDATES_MAX: usize = 32;

/// What the steps of a script can be; what each means is at [`tls_stream`].
const ACTIONS: &[u8] = b"wugotylbfqspkrcex";

/// A connection over TLS and a peer that is rustls' own lose, double and disorder nothing, and agree on the end.
///
/// The input is a script, see the [module](crate::properties). Its header is four numbers: who is tested, under which
/// version, with what kind of handshake (0 a client under TLS 1.3, 1 a server; 2, 3 under TLS 1.2; then the same again
/// for each [`Kind`](super::Kind)); whose cryptography (1 ours by AWS-LC, 2 the peer's, 3 both, where it is built in);
/// the length of the receive buffer; the longest record of the peer, 0 for as long as there are. It has no rest: what is
/// sent are numbers that look random. The steps, each with its number `n`:
///
/// | step | meaning |
/// | --- | --- |
/// | `w`, `u` | `n` bytes of the peer's arrive, or `n` bytes of ours |
/// | `g` | process |
/// | `o` | receive into `n` bytes of memory |
/// | `t`, `y` | take `n` bytes, into memory or owned |
/// | `l` | receive a line; if it is not there, open a record |
/// | `b`, `f` | look for `n` bytes, or for the end within `n`; if it is not there, open a record |
/// | `q`, `s` | queue `n` bytes, or send one step of them |
/// | `p`, `k` | the peer sends `n` bytes, or updates its keys |
/// | `r` | release the memory |
/// | `c`, `e` | we close, or the peer does |
/// | `x` | the wire to us ends; what is on it is lost |
///
/// In the end all that is under way arrives.
///
/// # Panics
///
/// If what is received is not what was sent, if an end is told that was none, or not told, if anything fails, or if more
/// memory is held than there is a reason for.
///
/// ```
/// // A client: its first flight, the server's answer in two pieces, and a line each way.
/// asyncnet_conformance::properties::tls_stream(b"00~0u~w+g0w~g0u~q9p9u~w~l0");
/// ```
pub fn tls_stream(data: &[u8]) {
    drop(play_stream(data));
}

/// As [`tls_stream`], and tells what happened.
///
/// # Panics
///
/// As [`tls_stream`].
#[must_use]
pub fn play_stream(data: &[u8]) -> Played {
    let script = Script::<4>::read(data, ACTIONS);
    let [which, providers, recv_bytes_max, fragment] = script.header;
    restart_randomness();
    let setup = Setup::of(which, providers);
    // Keys that TLS 1.2 cannot change end a connection; that is a test of its own.
    let setup = if setup.version == Version::Tls12 { setup.long_lived() } else { setup };
    let mut ends = setup.ends();
    let short_lived = setup.kind == Kind::ShortLived;
    if fragment > 0 && !short_lived {
        ends = ends.with_fragments(setup.tested, fragment.clamp(32, 16 << 10));
    }
    let mut limits = Limits::default();
    limits.recv_bytes_max = recv_bytes_max;
    let mut ours = Driven::new(limits);
    let started = ours.connection.start_tls(ends.start(setup.tested));
    assert_eq!(started, Ok(()));
    let mut player = Player {
        ours,
        oracle: ends.oracle(setup.tested),
        tested: setup.tested,
        limits,
        wire: Wire::default(),
        sent: 0,
        received: 0,
        theirs: Theirs { updates_left: if short_lived { 0 } else { UPDATES_MAX }, ..Theirs::default() },
        closed: false,
        cut: false,
        place: (0, Step { action: b'|', n: 0 }),
    };
    for (at, step) in script.steps.iter().enumerate() {
        player.place = (at, *step);
        player.step(*step);
        player.check();
    }
    player.finish()
}

/// What the peer did.
#[derive(Default)]
struct Theirs {
    sent: usize,
    /// How much of what we sent was seen with it.
    seen: usize,
    closed: bool,
    updates_left: usize,
}

struct Player {
    ours: Driven,
    oracle: Oracle,
    tested: Tested,
    limits: Limits,
    /// To us.
    wire: Wire,
    /// How many bytes of text we sent and received.
    sent: usize,
    received: usize,
    theirs: Theirs,
    closed: bool,
    /// The wire to us has ended.
    cut: bool,
    /// For the message of a panic.
    place: (usize, Step),
}

impl Player {
    fn step(&mut self, step: Step) {
        let n = step.n;
        match step.action {
            b'w' => _ = self.arrive(n),
            b'u' => self.up(n),
            b'g' => {
                let processed = self.ours.process();
                self.allow(processed);
            }
            b'o' => {
                let mut into = vec![0x55; n.min(SEND_BYTES_MAX)];
                let received = self.ours.receive(&mut into);
                self.received_into(&into, received);
            }
            b't' => {
                let mut into = vec![0x55; n.min(self.ours.connection.plain().len() + 1)];
                let n = self.ours.connection.take(&mut into);
                self.received(&into[..n]);
            }
            b'y' => {
                let n = n.min(self.ours.connection.plain().len());
                let owned = self.ours.connection.incoming_mut().take_owned(n, &mut self.ours.blocks);
                self.received(&owned);
            }
            b'l' => self.line(),
            b'b' | b'f' => self.look(step.action, n),
            b'q' => {
                let n = n.min(self.left_to_send());
                if self.ours.connection.outgoing_mut().queue(&[noise(self.sent, n)]).is_ok() {
                    self.sent += n;
                }
            }
            b's' => self.send(n),
            b'p' => self.peer_sends(n),
            b'k' => self.peer_updates(),
            b'r' => self.ours.release(),
            b'c' => {
                self.ours.connection.close();
                self.closed = true;
            }
            b'e' => {
                self.theirs.closed |= !self.oracle.is_handshaking();
                if self.theirs.closed {
                    self.oracle.close();
                }
            }
            _ => {
                self.cut = true;
                self.ours.connection.wire_eof();
            }
        }
    }

    /// `n` bytes of the peer's arrive, if there is room for them: how many did.
    fn arrive(&mut self, n: usize) -> usize {
        self.wire.push(&self.oracle.take_output());
        if self.cut {
            self.wire.clear();
        }
        let rest = self.wire.rest();
        let n = self.ours.fill(&rest[..n.min(rest.len())]);
        self.wire.arrive(n);
        n
    }

    /// `n` bytes of ours arrive.
    fn up(&mut self, n: usize) {
        let output = self.ours.take_output_to(n);
        self.oracle.feed(&output);
        assert_eq!(self.oracle.failure(), None, "the peer failed at {:?}", self.place);
        let text = self.oracle.text();
        assert!(text.len() <= self.sent, "the peer has more than was sent at {:?}", self.place);
        let new = &text[self.theirs.seen..];
        assert!(new == noise(self.theirs.seen, new.len()), "the peer has other bytes at {:?}", self.place);
        self.theirs.seen = text.len();
        let ended = self.oracle.has_peer_closed();
        assert!(!ended || self.closed && text.len() == self.sent, "a false end at {:?}", self.place);
        assert_eq!(self.oracle.behind_end(), 0, "bytes behind an end at {:?}", self.place);
    }

    fn peer_sends(&mut self, n: usize) {
        let n = n.min(SEND_BYTES_MAX).min(NOISE_BYTES - self.theirs.sent);
        if !self.theirs.closed && n > 0 {
            self.oracle.write(noise(self.theirs.sent, n));
            self.theirs.sent += n;
        }
    }

    fn peer_updates(&mut self) {
        let ready = !self.oracle.is_handshaking() && !self.theirs.closed;
        if ready && self.theirs.updates_left > 0 {
            self.oracle.refresh_keys();
            self.theirs.updates_left -= 1;
        }
    }

    fn send(&mut self, n: usize) {
        if !self.ours.is_established() || self.ours.connection.outgoing_mut().check_open().is_err() {
            return;
        }
        let text = noise(self.sent, n.min(self.left_to_send()));
        match self.ours.seal(text) {
            Ok(n) => self.sent += n,
            Err(error) => panic!("{error} at {:?}", self.place),
        }
    }

    fn line(&mut self) {
        self.ours.ask(LINE_BYTES_MAX + 2);
        match self.ours.connection.find_line(LinePolicy::new(LINE_BYTES_MAX)) {
            Ok(Search::Found(span)) => {
                let line = [self.ours.connection.take_line(span), span.ending().as_bytes()].concat();
                self.received(&line);
            }
            Ok(Search::NeedMore) => self.open(),
            Ok(Search::End) => {}
            // An end in the middle of a line: its text stays.
            Err(error) => {
                let len = self.ours.connection.plain().len();
                assert_eq!(error, RecvError::Incomplete { len }, "at {:?}", self.place);
            }
        }
    }

    fn look(&mut self, action: u8, n: usize) {
        let incoming = self.ours.connection.incoming_mut();
        let looked = match action {
            b'b' => incoming.find_bytes(n.min(self.limits.recv_bytes_max)),
            _ => incoming.find_end(n),
        };
        self.ours.ask(n.saturating_add(1));
        if looked == Ok(Search::NeedMore) {
            self.open();
        }
    }

    /// Opens a record though text may wait.
    fn open(&mut self) {
        let opened = self.ours.open(&mut []);
        self.allow(opened.map(drop).map_err(ProcessError::from));
    }

    fn received_into(&mut self, into: &[u8], received: Result<usize, TlsError>) {
        let n = *received.as_ref().unwrap_or(&0);
        assert!(into[n..].iter().all(|byte| *byte == 0x55), "more was written at {:?}", self.place);
        self.received(&into[..n]);
        self.allow(received.map(drop).map_err(ProcessError::from));
    }

    fn received(&mut self, text: &[u8]) {
        let end = self.received + text.len();
        assert!(end <= self.theirs.sent, "more came than was sent at {:?}", self.place);
        assert!(text == noise(self.received, text.len()), "other bytes came at {:?}", self.place);
        self.received = end;
    }

    /// Only a wire that was cut makes an error.
    fn allow(&self, processed: Result<(), ProcessError>) {
        match processed {
            Ok(()) => {}
            Err(ProcessError::Tls(TlsError::Truncated | TlsError::HandshakeEnded)) if self.cut => {}
            Err(error) => panic!("{error} at {:?}", self.place),
        }
    }

    fn left_to_send(&self) -> usize {
        SEND_BYTES_MAX.min(NOISE_BYTES - self.sent)
    }

    /// What holds after every step.
    fn check(&mut self) {
        self.ours.check_memory();
        let ended = self.ours.connection.incoming().has_ended();
        let all = self.theirs.sent == self.received + self.ours.connection.plain().len();
        assert!(!ended || self.theirs.closed && all, "a false end at {:?}", self.place);
    }

    /// All that is under way arrives, and everything is taken.
    fn finish(mut self) -> Played {
        let mut quiet = 0;
        while quiet < 2 {
            let before = (self.sent, self.received, self.wire.rest().len());
            let arrived = self.arrive(usize::MAX);
            let processed = self.ours.process();
            self.allow(processed);
            let text = self.ours.take_text();
            self.received(&text);
            if self.ours.connection.tls().is_some_and(|session| session.check_open().is_ok()) {
                assert_eq!(self.ours.seal(&[]), Ok(0), "nothing but the queue");
                self.ours.end_text();
            }
            let output = self.ours.take_output();
            let moved = !output.is_empty() || arrived > 0;
            self.oracle.feed(&output);
            self.up(usize::MAX);
            self.check();
            let after = (self.sent, self.received, self.wire.rest().len());
            quiet = if moved || before != after { 0 } else { quiet + 1 };
        }
        self.check_ends();
        Played {
            established: self.ours.is_established(),
            text_bytes: self.received + self.sent,
            broken: 0,
            failure: self.ours.failure().cloned(),
        }
    }

    fn check_ends(&mut self) {
        let failure = self.ours.failure().cloned();
        let ended = self.ours.connection.incoming().has_ended();
        if !self.cut {
            assert_eq!(failure, None);
            assert!(self.ours.is_established() && !self.oracle.is_handshaking(), "{:?} hangs", self.tested);
            assert_eq!(self.received, self.theirs.sent, "not all came");
            assert_eq!(ended, self.theirs.closed, "the end");
        } else if !self.ours.is_established() {
            assert_eq!(failure, Some(TlsError::HandshakeEnded));
        } else if !ended {
            assert_eq!(failure, Some(TlsError::Truncated));
        }
        if self.ours.is_established() && !self.oracle.is_handshaking() {
            assert_eq!(self.oracle.text().len(), self.sent, "not all arrived");
            assert_eq!(self.oracle.has_peer_closed(), self.closed, "our end");
        }
        self.ours.release();
        let connection: &Connection = &self.ours.connection;
        let session = connection.tls().map_or(0, Session::held_bytes);
        // What was cut in the middle of a record stays.
        if !self.cut {
            let held = (connection.incoming().held_bytes(), connection.outgoing().held_bytes(), session);
            assert_eq!(held, (0, 0, 0), "an idle connection holds memory");
        }
    }
}
