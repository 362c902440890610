//! A connection under attack: what it was promised, what it made of what came, and whether that is right.

use super::driven::Driven;
use super::oracle::Oracle;
use super::played::Played;
use super::setup::Setup;
use super::wire::{Wire, records};
use crate::properties::noise::noise;
use crate::properties::script::Step;
use asyncnet_core::tls::rustls::{AlertDescription, ContentType, Error, PeerMisbehaved};
use asyncnet_core::tls::{Session, TlsError};
use asyncnet_core::{Limits, ProcessError};

pub(super) struct Attacked {
    pub(super) ours: Driven,
    pub(super) oracle: Oracle,
    /// To us. What we send arrives at once and whole.
    pub(super) wire: Wire,
    /// How many bytes of text we sent.
    pub(super) sent: usize,
    /// The peer sent `close_notify`, or had the chance to seem to; the wire to us ended.
    pub(super) ended: Ended,
    /// For the message of a panic.
    pub(super) place: (usize, Step),
    /// All that we sent.
    output: Vec<u8>,
    /// What the peer sent before its end, and how much of it came.
    promised: Vec<u8>,
    received: usize,
    /// Once something was broken or forged: whether both had made the handshake before; and how often it was.
    broken: Option<bool>,
    breaks: usize,
    /// Our keys are spent, and TLS 1.2 does not change them.
    spent: bool,
}

#[derive(Default)]
pub(super) struct Ended {
    pub(super) theirs: bool,
    pub(super) wire: bool,
}

impl Attacked {
    /// Two that begin.
    pub(super) fn new(setup: Setup) -> Self {
        let ends = setup.ends();
        let mut ours = Driven::new(Limits::default());
        let started = ours.connection.start_tls(ends.start(setup.tested));
        assert_eq!(started, Ok(()));
        let mut attacked = Self {
            ours,
            oracle: ends.oracle(setup.tested),
            wire: Wire::default(),
            sent: 0,
            ended: Ended::default(),
            place: (0, Step { action: b'|', n: 0 }),
            output: Vec::new(),
            promised: Vec::new(),
            received: 0,
            broken: None,
            breaks: 0,
            spent: false,
        };
        attacked.exchange();
        attacked
    }

    /// Something was broken or forged.
    pub(super) fn note_break(&mut self) {
        let done = self.ours.is_established() && !self.oracle.is_handshaking();
        self.broken.get_or_insert(done);
        self.breaks += 1;
    }

    /// How many bytes of text the peer sent before its end.
    pub(super) fn promised(&self) -> usize {
        self.promised.len()
    }

    /// The peer sends text. Behind its end it means nothing, but it is sealed.
    pub(super) fn send(&mut self, text: &[u8]) {
        self.oracle.write(text);
        if !self.ended.theirs {
            self.promised.extend_from_slice(text);
        }
    }

    pub(super) fn forge(&mut self, typ: u8, content: &[u8]) -> bool {
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
    pub(super) fn arrive(&mut self, n: usize) {
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

    pub(super) fn process(&mut self) -> Result<(), ProcessError> {
        let processed = self.ours.process();
        if let Err(ProcessError::Recv(error)) = processed {
            panic!("no line was looked for: {error} at {:?}", self.place);
        }
        self.spent |= processed == Err(TlsError::KeysSpent.into());
        processed
    }

    /// What we sent arrives, and what the peer sends is under way.
    pub(super) fn exchange(&mut self) {
        let output = self.ours.take_output();
        self.oracle.feed(&output);
        self.output.extend(output);
        if !self.ended.wire {
            let theirs = self.oracle.take_output();
            self.wire.push(&theirs);
        }
    }

    pub(super) fn received(&mut self, text: &[u8]) {
        let promised = &self.promised[self.received..];
        assert!(promised.starts_with(text), "text that was not sent came at {:?}", self.place);
        self.received += text.len();
    }

    /// What holds after every step.
    pub(super) fn check(&mut self) {
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

    pub(super) fn finish(mut self) -> Played {
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
        if self.spent {
            // No more was sent, and that is no end.
            assert!(!self.oracle.has_peer_closed(), "a false end of ours");
            return;
        }
        let flooded = PeerMisbehaved::TooManyKeyUpdateRequests;
        if self.oracle.failure() == Some(&Error::PeerMisbehaved(flooded)) {
            // It made more of them than rustls takes answers to: some itself, more when its keys were spent.
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
        // Behind our end nothing may come, and without keys nothing can: they may have been spent by the very step that failed.
        let sealed_all = self.ours.connection.tls().is_some_and(Session::has_sealed_all);
        if self.oracle.has_peer_closed() || self.spent || sealed_all {
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
