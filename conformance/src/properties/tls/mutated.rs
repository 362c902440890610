//! A connection whose peer lies and whose wire breaks what it carries.

use super::attacked::Attacked;
use super::crypto::restart_randomness;
use super::foreign;
use super::played::Played;
use super::setup::Setup;
use crate::properties::noise::{NOISE_BYTES, noise};
use crate::properties::script::{Script, Step};

/// The most bytes that one step sends, either way: more than a record.
const SEND_BYTES_MAX: usize = 40 << 10;

/// In how many pieces everything arrives at most.
const PIECES_MAX: usize = 1_000;

/// How many bytes are forged at once.
const FORGED_BYTES_MAX: usize = 4 << 10;

/// How many key updates may come, and be answered, with no text between: rustls takes 32.
const UPDATES_MAX: usize = 32;

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
/// // A client: the server's flight, in which a bit of byte 8 + 128 is changed.
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
    let attacked = Attacked::new(Setup::of(which, providers));
    let mut player = Player { attacked, rest: script.rest, updates: 0 };
    for (at, step) in script.steps.iter().enumerate() {
        player.attacked.place = (at, *step);
        player.step(*step);
        player.attacked.exchange();
        player.attacked.check();
    }
    player.attacked.finish()
}

struct Player<'a> {
    attacked: Attacked,
    /// What parameters are taken from.
    rest: &'a [u8],
    /// How many key updates the peer made.
    updates: usize,
}

impl Player<'_> {
    fn step(&mut self, step: Step) {
        let n = step.n;
        let broke = match step.action {
            b'f' => {
                let at = n.saturating_add(self.parameter().into());
                let bits = self.parameter();
                self.attacked.wire.flip(at, if bits == 0 { 1 } else { bits })
            }
            b'y' => {
                let typ = self.parameter();
                self.attacked.wire.set_header(0, typ)
            }
            b'v' => {
                let version = self.parameter();
                self.attacked.wire.set_header(1 + n % 2, version)
            }
            b'l' => {
                let [.., high, low] = n.to_be_bytes();
                self.attacked.wire.set_header(3, high) | self.attacked.wire.set_header(4, low)
            }
            b'd' => self.attacked.wire.drop_record(n),
            b'u' => self.attacked.wire.double_record(n),
            b's' => self.attacked.wire.advance_record(n),
            b'r' => {
                let at = n.saturating_add(self.parameter().into()).min(self.attacked.wire.rest().len());
                let lost = at < self.attacked.wire.rest().len();
                self.attacked.wire.truncate(at);
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
                self.attacked.forge(typ, bytes)
            }
            b'h' => {
                let (typ, content) = foreign::content(n);
                self.attacked.forge(typ, content)
            }
            _ => {
                self.go_on(step.action, n);
                false
            }
        };
        if broke {
            self.attacked.note_break();
        }
    }

    /// The steps that break nothing.
    fn go_on(&mut self, action: u8, n: usize) {
        match action {
            b'w' => self.attacked.arrive(n),
            b'W' => {
                let all = self.attacked.wire.rest().len();
                let piece = if n == 0 { all } else { n.max(all / PIECES_MAX) };
                for _ in 0..all.div_ceil(piece.max(1)) {
                    self.attacked.arrive(piece);
                }
            }
            b'p' => {
                let n = n.min(SEND_BYTES_MAX).min(NOISE_BYTES.saturating_sub(self.attacked.promised()));
                self.attacked.send(noise(self.attacked.promised(), n));
            }
            b'q' => {
                let text = noise(self.attacked.sent, n.min(SEND_BYTES_MAX));
                if self.attacked.ours.connection.send(text).is_ok() {
                    self.attacked.sent += text.len();
                }
                drop(self.attacked.process());
            }
            b'o' => {
                let mut into = vec![0; n.min(SEND_BYTES_MAX)];
                let n = self.attacked.ours.receive(&mut into).unwrap_or(0);
                self.attacked.received(&into[..n]);
            }
            b't' => {
                let n = n.min(self.attacked.ours.connection.plain().len());
                let text = self.attacked.ours.connection.incoming_mut().take_front(n).to_vec();
                self.attacked.received(&text);
            }
            b'k' => {
                self.attacked.oracle.refresh_keys();
                self.updates += 1;
                if self.updates > UPDATES_MAX {
                    self.attacked.note_break();
                }
            }
            b'c' => {
                self.attacked.ours.connection.close();
                drop(self.attacked.process());
            }
            // Before the handshake is done, its end would come in front of its text.
            b'e' if !self.attacked.oracle.is_handshaking() => {
                self.attacked.ended.theirs = true;
                self.attacked.oracle.close();
            }
            b'e' => {}
            b'x' => {
                self.attacked.ended.wire = true;
                self.attacked.ours.connection.wire_eof();
                drop(self.attacked.process());
            }
            // It changes nothing for who reads them.
            _ => self.attacked.wire.cut_plaintext(n),
        }
    }

    /// What a script has for its step.
    fn parameter(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    fn insert(&mut self, bytes: &[u8]) -> bool {
        self.attacked.wire.insert(bytes);
        !bytes.is_empty()
    }
}
