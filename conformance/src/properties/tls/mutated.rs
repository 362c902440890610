//! A connection whose peer lies and whose wire breaks what it carries.

use super::crypto::restart_randomness;
use super::driven::Driven;
use super::foreign;
use super::oracle::Oracle;
use super::played::Played;
use super::setup::Setup;
use super::wire::{Wire, records};
use crate::properties::noise::{NOISE_BYTES, noise};
use crate::properties::script::{Script, Step};
use asyncnet_core::tls::rustls::{AlertDescription, ContentType, Error};
use asyncnet_core::tls::{Session, TlsError};
use asyncnet_core::{Limits, ProcessError};

/// The most bytes that one step sends, either way: more than a record.
const SEND_BYTES_MAX: usize = 40 << 10;

/// In how many pieces everything arrives at most.
const PIECES_MAX: usize = 1_000;

/// How many bytes are forged at once.
const FORGED_BYTES_MAX: usize = 4 << 10;

/// What the steps of a script can be; what each means is at [`tls_mutated`].
const ACTIONS: &[u8] = b"wWpqotkcexfyvldusrigjmh";

/// Whatever comes, a connection over TLS serves no text that the peer did not send, ends only when the peer says so,
/// stays with its first error, has sent a fatal alert then and nothing behind it, and holds a bounded amount of memory.
///
/// The input is a script, see the [module](crate::properties). Its header is two numbers, the first two of
/// [`tls_stream`](super::tls_stream). What we send arrives at once and whole. The steps, each with its number `n`:
///
/// | step | meaning |
/// | --- | --- |
/// | `w`, `W` | `n` bytes of the peer's arrive, or all in pieces of `n` (0: at once) |
/// | `p`, `q` | the peer sends `n` bytes, or we do |
/// | `o`, `t` | receive into `n` bytes of memory, or take `n` bytes |
/// | `k` | the peer updates its keys |
/// | `c`, `e`, `x` | we close, the peer does, or the wire to us ends |
/// | `f` | bits of byte `n` plus P of what is under way are changed: those of the next byte of the rest |
/// | `y`, `v`, `l` | the type, version or length of the first record becomes P, P or `n` |
/// | `d`, `u`, `s` | record `n` is lost, comes twice, or overtakes the others |
/// | `r` | all from byte `n` plus P on is lost |
/// | `i`, `g` | foreign plaintext number `n`, or `n` bytes of the rest, come first |
/// | `j` | plaintext handshake messages are cut into records of `n` bytes |
/// | `m`, `h` | the peer seals a record of type P with `n` bytes of the rest, or the foreign content number `n` |
///
/// P is the next byte of the rest, or 0. In the end all that is under way arrives, and then the wire ends.
///
/// # Panics
///
/// If any of the above does not hold, or if nothing was broken and not all arrived.
///
/// ```
/// // A client: the server's flight, whose second record has a bit changed in its tag.
/// asyncnet_conformance::properties::tls_mutated(b"00f8|\x80\x01");
/// ```
pub fn tls_mutated(data: &[u8]) {
    drop(play_mutated(data));
}

/// As [`tls_mutated`], and tells what happened.
///
/// # Panics
///
/// As [`tls_mutated`].
#[must_use]
pub fn play_mutated(data: &[u8]) -> Played {
    let script = Script::<2>::read(data, ACTIONS);
    let [which, providers] = script.header;
    restart_randomness();
    let setup = Setup::of(which, providers);
    let ends = setup.ends();
    let mut ours = Driven::new(Limits::default());
    let started = ours.connection.start_tls(ends.start(setup.tested));
    assert_eq!(started, Ok(()));
    let mut player = Player {
        ours,
        oracle: ends.oracle(setup.tested),
        wire: Wire::default(),
        output: Vec::new(),
        rest: script.rest,
        promised: Vec::new(),
        received: 0,
        sent: 0,
        ended: Ended::default(),
        broken: None,
        breaks: 0,
        place: (0, Step { action: b'|', n: 0 }),
    };
    player.exchange();
    for (at, step) in script.steps.iter().enumerate() {
        player.place = (at, *step);
        player.step(*step);
        player.exchange();
        player.check();
    }
    player.finish()
}

#[derive(Default)]
struct Ended {
    /// The peer sent `close_notify`, or had the chance to seem to.
    theirs: bool,
    /// The wire to us ended.
    wire: bool,
}

struct Player<'a> {
    ours: Driven,
    oracle: Oracle,
    /// To us.
    wire: Wire,
    /// All that we sent.
    output: Vec<u8>,
    /// What parameters are taken from.
    rest: &'a [u8],
    /// What the peer sent before its end, how much of it came, and how much we sent.
    promised: Vec<u8>,
    received: usize,
    sent: usize,
    ended: Ended,
    /// Once something was broken or forged: whether both had made the handshake before.
    broken: Option<bool>,
    breaks: usize,
    /// For the message of a panic.
    place: (usize, Step),
}

impl Player<'_> {
    fn step(&mut self, step: Step) {
        let n = step.n;
        let broke = match step.action {
            b'f' => {
                let at = n.saturating_add(self.parameter().into());
                let bits = self.parameter();
                self.wire.flip(at, if bits == 0 { 1 } else { bits })
            }
            b'y' => {
                let typ = self.parameter();
                self.wire.set_header(0, typ)
            }
            b'v' => {
                let version = self.parameter();
                self.wire.set_header(1 + n % 2, version)
            }
            b'l' => {
                let [.., high, low] = n.to_be_bytes();
                self.wire.set_header(3, high) | self.wire.set_header(4, low)
            }
            b'd' => self.wire.drop_record(n),
            b'u' => self.wire.double_record(n),
            b's' => self.wire.advance_record(n),
            b'r' => {
                let at = n.saturating_add(self.parameter().into()).min(self.wire.rest().len());
                let lost = at < self.wire.rest().len();
                self.wire.truncate(at);
                lost
            }
            b'i' => self.insert(&foreign::plaintext(n)),
            b'g' => {
                let n = n.min(self.rest.len());
                let (bytes, rest) = self.rest.split_at(n);
                self.rest = rest;
                self.insert(bytes)
            }
            b'm' => {
                // Over TLS 1.3 zeros are padding, and not a type (RFC 8446, section 5.4).
                let typ = self.parameter().max(1);
                let (bytes, rest) = self.rest.split_at(n.min(FORGED_BYTES_MAX).min(self.rest.len()));
                self.rest = rest;
                self.forge(typ, bytes)
            }
            b'h' => {
                let (typ, content) = foreign::content(n);
                self.forge(typ, content)
            }
            _ => {
                self.go_on(step.action, n);
                false
            }
        };
        if broke {
            self.breaks += 1;
            let done = self.ours.is_established() && !self.oracle.is_handshaking();
            self.broken.get_or_insert(done);
        }
    }

    /// The steps that break nothing.
    fn go_on(&mut self, action: u8, n: usize) {
        match action {
            b'w' => self.arrive(n),
            b'W' => {
                let all = self.wire.rest().len();
                let piece = if n == 0 { all } else { n.max(all / PIECES_MAX) };
                for _ in 0..all.div_ceil(piece.max(1)) {
                    self.arrive(piece);
                }
            }
            b'p' => {
                let n = n.min(SEND_BYTES_MAX).min(NOISE_BYTES.saturating_sub(self.promised.len()));
                self.send(noise(self.promised.len(), n));
            }
            b'q' => {
                let text = noise(self.sent, n.min(SEND_BYTES_MAX));
                if self.ours.connection.send(text).is_ok() {
                    self.sent += text.len();
                }
                drop(self.process());
            }
            b'o' => {
                let mut into = vec![0; n.min(SEND_BYTES_MAX)];
                let n = self.ours.receive(&mut into).unwrap_or(0);
                self.received(&into[..n]);
            }
            b't' => {
                let n = n.min(self.ours.connection.plain().len());
                let text = self.ours.connection.incoming_mut().take_front(n).to_vec();
                self.received(&text);
            }
            b'k' => self.oracle.refresh_keys(),
            b'c' => {
                self.ours.connection.close();
                drop(self.process());
            }
            // Before the handshake is done, its end would come in front of its text.
            b'e' if !self.oracle.is_handshaking() => {
                self.ended.theirs = true;
                self.oracle.close();
            }
            b'e' => {}
            b'x' => {
                self.ended.wire = true;
                self.ours.connection.wire_eof();
                drop(self.process());
            }
            // It changes nothing for who reads them.
            _ => self.wire.cut_plaintext(n),
        }
    }

    /// What a script has for its step.
    fn parameter(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    fn insert(&mut self, bytes: &[u8]) -> bool {
        self.wire.insert(bytes);
        !bytes.is_empty()
    }

    /// The peer sends text. Behind its end it means nothing, but it is sealed.
    fn send(&mut self, text: &[u8]) {
        self.oracle.write(text);
        if !self.ended.theirs {
            self.promised.extend_from_slice(text);
        }
    }

    fn forge(&mut self, typ: u8, content: &[u8]) -> bool {
        if self.oracle.is_handshaking() {
            return false;
        }
        self.oracle.forge(ContentType::from(typ), 0, content);
        match typ {
            23 if !self.ended.theirs => self.promised.extend_from_slice(content),
            21 => self.ended.theirs |= matches!(content, [1 | 2, 0]),
            _ => {}
        }
        true
    }

    /// `n` bytes arrive, and are processed as they do.
    fn arrive(&mut self, n: usize) {
        let mut left = n.min(self.wire.rest().len());
        while left > 0 {
            let filled = self.ours.fill(&self.wire.rest()[..left]);
            self.wire.arrive(filled);
            left -= filled;
            drop(self.process());
            if filled == 0 {
                let text = self.ours.take_text();
                if text.is_empty() && !self.ours.connection.wants_wire() {
                    // It has ended or failed: a driver reads no more.
                    self.wire.arrive(left);
                    return;
                }
                self.received(&text);
            }
            self.exchange();
        }
    }

    fn process(&mut self) -> Result<(), ProcessError> {
        let processed = self.ours.process();
        if let Err(ProcessError::Recv(error)) = processed {
            panic!("no line was looked for: {error} at {:?}", self.place);
        }
        processed
    }

    /// What we sent arrives, and what the peer sends is under way.
    fn exchange(&mut self) {
        let output = self.ours.take_output();
        self.oracle.feed(&output);
        self.output.extend(output);
        if !self.ended.wire {
            let theirs = self.oracle.take_output();
            self.wire.push(&theirs);
        }
    }

    fn received(&mut self, text: &[u8]) {
        let promised = &self.promised[self.received..];
        assert!(promised.starts_with(text), "text that was not sent came at {:?}", self.place);
        self.received += text.len();
    }

    /// What holds after every step.
    fn check(&mut self) {
        self.ours.check_memory();
        let waits = self.ours.connection.plain();
        let rest = &self.promised[self.received..];
        assert!(rest.starts_with(waits), "text that was not sent waits at {:?}", self.place);
        if self.ours.connection.incoming().has_ended() {
            assert!(self.ended.theirs && rest == waits, "a false end at {:?}", self.place);
        }
        let text = self.oracle.text();
        assert!(text.len() <= self.sent && text == noise(0, text.len()), "other text at {:?}", self.place);
        assert_eq!(self.oracle.behind_end(), 0, "bytes behind our end at {:?}", self.place);
    }

    fn finish(mut self) -> Played {
        loop {
            let before = (self.received, self.output.len(), self.wire.rest().len());
            self.arrive(usize::MAX);
            drop(self.process());
            let text = self.ours.take_text();
            self.received(&text);
            self.exchange();
            self.check();
            if before == (self.received, self.output.len(), self.wire.rest().len()) {
                break;
            }
        }
        if self.broken.is_none() && !self.ended.wire {
            self.check_whole();
        }
        self.ours.connection.wire_eof();
        drop(self.process());
        self.exchange();
        let failure = self.ours.failure().cloned();
        match &failure {
            None => assert!(self.ours.connection.incoming().has_ended(), "an end was not told"),
            Some(TlsError::Truncated) => {}
            Some(error) => self.insist(error),
        }
        self.check();
        let established = self.ours.is_established();
        Played { established, text_bytes: self.received + self.sent, broken: self.breaks, failure }
    }

    /// Nothing was broken: all arrives.
    fn check_whole(&self) {
        let spent = self.oracle.has_peer_closed() && !self.ours.connection.outgoing().is_closed();
        if spent {
            // Keys of TLS 1.2 that cannot be changed: no more was sent.
            return;
        }
        assert_eq!((self.ours.failure(), self.oracle.failure()), (None, None));
        assert!(self.ours.is_established() && !self.oracle.is_handshaking(), "the handshake hangs");
        assert_eq!(self.oracle.text().len(), self.sent, "not all that we sent arrived");
        assert!(self.received == self.promised.len(), "not all came");
    }

    /// It has failed: it says so whatever is called, its alert is out, and nothing comes behind that.
    fn insist(&mut self, error: &TlsError) {
        for _ in 0..2 {
            assert_eq!(self.ours.process(), Err(error.clone().into()));
            assert_eq!(self.ours.open(&mut [0; 9]), Err(error.clone()));
            assert_eq!(self.ours.seal(b"late"), Err(error.clone()));
            let open = self.ours.connection.tls().map_or(Ok(()), Session::check_open);
            assert_eq!(open, Err(error.clone()));
            self.ours.fill(b"late");
            self.ours.connection.send(b"late").ok();
            assert_eq!(self.ours.process(), Err(error.clone().into()));
            self.ours.connection.close();
            self.ours.end_text();
            assert!(self.ours.take_output().is_empty(), "something is sent behind the alert");
        }
        if !matches!(error, TlsError::AlertReceived(_) | TlsError::HandshakeEnded) {
            self.check_alert(error);
        }
    }

    fn check_alert(&self, error: &TlsError) {
        // Behind our end nothing may come.
        if self.oracle.has_peer_closed() {
            return;
        }
        let sent = records(&self.output);
        let last = sent.last().map(|at| &self.output[at.clone()]);
        assert!(last.is_some_and(is_alert), "no alert was sent for {error}");
        // If both have the same keys, the peer can read it. It may have failed before.
        let read = matches!(self.oracle.failure(), Some(Error::AlertReceived(alert))
            if *alert != AlertDescription::CloseNotify);
        let failed = self.oracle.failure().is_some_and(|error| !matches!(error, Error::AlertReceived(_)));
        assert!(read || failed || self.broken != Some(true), "the peer did not see the alert for {error}");
    }
}

/// Whether a record can be an alert: in plaintext, with a MAC, or dressed as text (RFC 8446, section 5.2).
pub(super) fn is_alert(record: &[u8]) -> bool {
    match record {
        [21, _, _, 0, 2, 2, _] => true,
        [21, _, _, 0, len, ..] => *len > 2,
        [23, ..] => record.len() == 5 + 2 + 1 + 16,
        _ => false,
    }
}
