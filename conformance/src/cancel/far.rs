//! The other end of a disturbed stream: it takes in just what is on the wire, so it never blocks for what may not come.
//!
//! Invariant: over TLS it is rustls' own connection, which knows nothing of the code under test.

use super::switch::Switch;
use crate::peer::Peer;
use asyncnet_core::tls::rustls::Connection;
use std::io::{self, Read, Write};

/// The other end.
pub(crate) struct Far {
    wire: Box<dyn Peer>,
    tls: Option<Connection>,
    switch: Switch,
    /// How many bytes it has taken from the wire.
    heard: u64,
    /// How many it has put on it.
    said: u64,
    /// What came and was not taken.
    text: Vec<u8>,
    ended: bool,
    /// What rustls did not like, or was told by an alert.
    failed: Option<String>,
}

/// How a stream ended, as its other end sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Well: over TLS with a `close_notify`.
    Clean,
    /// By a reset, or over TLS without a word.
    Cut,
    /// With an alert.
    Alert(String),
}

impl Far {
    /// The end that is reached over `wire`; `switch` is that of the stream under test.
    pub(crate) fn new(wire: Box<dyn Peer>, tls: Option<Connection>, switch: Switch) -> Self {
        Self { wire, tls, switch, heard: 0, said: 0, text: Vec::new(), ended: false, failed: None }
    }

    /// Sends this text.
    pub(crate) fn say(&mut self, mut text: &[u8]) -> io::Result<()> {
        if self.tls.is_none() {
            self.said += text.len() as u64;
            return self.wire.write_all(text);
        }
        while let (Some(tls), false) = (&mut self.tls, text.is_empty()) {
            let n = tls.writer().write(text)?;
            text = &text[n..];
            self.send()?;
        }
        Ok(())
    }

    /// Sends this text, over TLS in two records.
    pub(crate) fn say_in_two(&mut self, text: &[u8]) -> io::Result<()> {
        let (first, second) = text.split_at(text.len() / 2);
        self.say(first)?;
        self.say(second)
    }

    /// Ends its side, well.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            self.send()?;
        }
        self.ended = true;
        self.wire.shutdown_write()
    }

    /// Takes in what is on the wire, and answers what that asks for: whether anything moved.
    pub(crate) fn step(&mut self) -> io::Result<bool> {
        let there = self.switch.counts().written - self.heard;
        let mut bytes = vec![0; usize::try_from(there).expect("so many bytes were in memory")];
        self.wire.read_exact(&mut bytes)?;
        self.heard += there;
        let said = self.said;
        self.take_in(&bytes);
        self.send()?;
        Ok(there > 0 || self.said > said)
    }

    /// What came since the last look.
    pub(crate) fn take_text(&mut self) -> io::Result<Vec<u8>> {
        self.step()?;
        Ok(std::mem::take(&mut self.text))
    }

    /// What comes until the end, and how that is.
    pub(crate) fn rest(mut self) -> (Vec<u8>, End) {
        let mut bytes = Vec::new();
        let ended = self.wire.read_to_end(&mut bytes).is_ok();
        self.take_in(&bytes);
        let closed = match &mut self.tls {
            Some(tls) => tls.process_new_packets().is_ok_and(|state| state.peer_has_closed()),
            None => ended,
        };
        let end = self.failed.map_or(if closed { End::Clean } else { End::Cut }, End::Alert);
        (self.text, end)
    }

    /// Whether something of it is still on its way.
    pub(crate) fn is_under_way(&self) -> bool {
        let counts = self.switch.counts();
        counts.read < self.said || (self.ended && !counts.ended)
    }

    /// How many bytes it put on the wire, and how many of them were read.
    pub(crate) fn account(&self) -> (u64, u64) {
        (self.said, self.switch.counts().read)
    }

    fn take_in(&mut self, mut bytes: &[u8]) {
        let Some(tls) = &mut self.tls else {
            self.text.extend_from_slice(bytes);
            return;
        };
        while let (false, None) = (bytes.is_empty(), &self.failed) {
            // What is in memory can be read; and behind a `close_notify` nothing is taken any more.
            if matches!(tls.read_tls(&mut bytes), Ok(0) | Err(_)) {
                return;
            }
            match tls.process_new_packets() {
                Ok(state) => {
                    let before = self.text.len();
                    self.text.resize(before + state.plaintext_bytes_to_read(), 0);
                    tls.reader().read_exact(&mut self.text[before..]).expect("so many bytes are there");
                }
                Err(error) => self.failed = Some(error.to_string()),
            }
        }
    }

    /// Puts what rustls wants sent on the wire.
    fn send(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let mut records = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut records)?;
        }
        self.said += records.len() as u64;
        self.wire.write_all(&records)
    }
}
