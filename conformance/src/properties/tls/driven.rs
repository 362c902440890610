//! A connection under test, driven as a driver does it, with memory full of garbage, and watched: what it holds is
//! bounded, and an error of TLS is what it stays with.

use crate::properties::dirty_blocks::DirtyBlocks;
use asyncnet_core::tls::{Opened, Session, StartTls, TlsError};
use asyncnet_core::{BLOCK_BYTES, Connection, Limits, ProcessError};

const BLOCK: usize = BLOCK_BYTES[BLOCK_BYTES.len() - 1];

/// The longest text of a record, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// What may wait sealed: a block; or, when a message came to its end, as much as may be held for it and a block.
const SEALED_BYTES_MAX: usize = (82 << 10) + BLOCK;

/// What a session may hold: as much as may be held for a message and a block, in memory that doubles as it grows; and
/// what it wants sent, which is a flight of the handshake at most.
const SESSION_BYTES_MAX: usize = 2 * SEALED_BYTES_MAX + BLOCK;

/// A connection under test.
///
/// ```
/// use asyncnet_conformance::pki::{self, Version};
/// use asyncnet_conformance::properties::tls::{Driven, Oracle};
/// use asyncnet_core::tls::StartTls;
///
/// let mut client = Driven::start(StartTls::client(&pki::client(Version::Tls13), "localhost").unwrap());
/// let mut server = Oracle::server(&pki::server(Version::Tls13));
/// for _ in 0..2 {
///     server.feed(&client.take_output());
///     client.deliver(&server.take_output());
/// }
/// assert!(client.connection.tls_info().is_some());
/// ```
#[derive(Debug)]
pub struct Driven {
    /// The connection.
    pub connection: Connection,
    pub(super) blocks: DirtyBlocks,
    /// The error of TLS that it told first.
    failure: Option<TlsError>,
    /// The most bytes of text that were asked for at once.
    asked: usize,
}

impl Driven {
    /// A connection that speaks plaintext.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let connection = Connection::new(limits);
        Self { connection, blocks: DirtyBlocks::default(), failure: None, asked: 0 }
    }

    /// A connection that has begun TLS.
    ///
    /// # Panics
    ///
    /// If it cannot.
    #[must_use]
    pub fn start(how: StartTls) -> Self {
        let mut driven = Self::new(Limits::default());
        let started = driven.connection.start_tls_from(how, &mut driven.blocks);
        assert_eq!(started, Ok(()));
        driven
    }

    /// Puts bytes from the wire into the connection, as many as it has room for, and does nothing with them: how many.
    ///
    /// # Panics
    ///
    /// If bytes are wanted and there is no space for them.
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        let mut n = 0;
        while n < bytes.len() && self.connection.wants_wire() {
            let space = self.connection.incoming_mut().wire_space_from(&mut self.blocks);
            assert!(!space.is_empty(), "bytes are wanted, and there is no space for them");
            let fits = space.len().min(bytes.len() - n);
            space[..fits].copy_from_slice(&bytes[n..n + fits]);
            // What lies behind did not come.
            space[fits..].fill(0xAA);
            self.connection.wire_filled(fits);
            n += fits;
        }
        n
    }

    /// Puts bytes from the wire into the connection and processes them, until all are in; how it ended.
    ///
    /// # Errors
    ///
    /// What processing gives.
    ///
    /// # Panics
    ///
    /// If bytes are left that the connection has no room for: its text is to be taken.
    pub fn deliver(&mut self, bytes: &[u8]) -> Result<(), ProcessError> {
        let mut rest = bytes;
        loop {
            let n = self.fill(rest);
            rest = &rest[n..];
            self.process()?;
            if rest.is_empty() {
                return Ok(());
            }
            assert!(n > 0, "{} bytes are left", rest.len());
        }
    }

    /// Processes, and sees that an error is the one that it told before.
    ///
    /// # Errors
    ///
    /// What processing gives.
    ///
    /// # Panics
    ///
    /// If it is another one, or none; or if text that waits is lost.
    pub fn process(&mut self) -> Result<(), ProcessError> {
        let waits = self.connection.plain().len();
        let processed = self.connection.process();
        let left = self.connection.plain().len();
        assert!(left >= waits, "{left} bytes wait, not {waits}");
        if let Err(ProcessError::Tls(error)) = &processed {
            self.note(error);
        }
        assert!(self.failure.is_none() || processed.is_err() || self.has_text(), "the error was forgotten");
        processed
    }

    /// Opens records into memory, as a receive does, if no text waits; else takes text: how many bytes.
    ///
    /// # Errors
    ///
    /// What opening gives.
    pub fn receive(&mut self, into: &mut [u8]) -> Result<usize, TlsError> {
        if !self.connection.incoming().can_bypass() {
            return Ok(self.connection.take(into));
        }
        self.open(into).map(|(_, n)| n)
    }

    /// Opens records, whatever waits.
    ///
    /// # Errors
    ///
    /// What opening gives.
    pub fn open(&mut self, into: &mut [u8]) -> Result<(Opened, usize), TlsError> {
        let (incoming, _, session) = self.connection.sides();
        let Some(session) = session else { return Err(TlsError::NotStarted) };
        let opened = incoming.open_into(session, into, &mut self.blocks);
        if let Err(error) = &opened {
            self.note(error);
        }
        opened
    }

    /// Seals what is queued and one step of `text` behind it: how many bytes of that.
    ///
    /// # Errors
    ///
    /// What sealing gives.
    pub fn seal(&mut self, text: &[u8]) -> Result<usize, TlsError> {
        let (_, outgoing, session) = self.connection.sides();
        let Some(session) = session else { return Err(TlsError::NotStarted) };
        let (first, second) = text.split_at(text.len() / 3);
        outgoing.seal(session, [first, second].into_iter(), &mut self.blocks)
    }

    /// Sends `close_notify`, if the caller has closed and nothing is left to be sealed.
    pub fn end_text(&mut self) {
        let (_, outgoing, session) = self.connection.sides();
        if let Some(session) = session {
            outgoing.end_text(session, &mut self.blocks);
        }
    }

    /// Gives memory back that nothing waits in.
    pub fn release(&mut self) {
        self.connection.incoming_mut().release(&mut self.blocks);
        self.connection.outgoing_mut().release(&mut self.blocks);
    }

    /// Takes all that waits for the wire now.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        // What the session wants sent comes behind what waits already.
        loop {
            let output = self.take_output_to(usize::MAX);
            if output.is_empty() {
                return all;
            }
            all.extend(output);
        }
    }

    /// Takes `n` bytes of what waits for the wire, or all of it.
    #[must_use]
    pub fn take_output_to(&mut self, n: usize) -> Vec<u8> {
        let (_, outgoing, session) = self.connection.sides();
        if let Some(session) = session {
            outgoing.collect(session, &mut self.blocks);
        }
        let mut output: Vec<u8> = outgoing.wire_pending().flatten().copied().collect();
        output.truncate(n);
        outgoing.wire_sent_to(output.len(), &mut self.blocks);
        output
    }

    /// Takes the text that was opened.
    #[must_use]
    pub fn take_text(&mut self) -> Vec<u8> {
        let n = self.connection.plain().len();
        self.connection.incoming_mut().take_front(n).to_vec()
    }

    /// Whether text waits.
    #[must_use]
    pub fn has_text(&self) -> bool {
        !self.connection.plain().is_empty()
    }

    /// The error of TLS that it told first.
    #[must_use]
    pub fn failure(&self) -> Option<&TlsError> {
        self.failure.as_ref()
    }

    /// Whether the handshake has succeeded.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.connection.tls().is_some_and(Session::is_established)
    }

    /// Up to `n` bytes are asked for at once, so that the buffer may hold that many and a record more.
    pub(super) fn ask(&mut self, n: usize) {
        self.asked = self.asked.max(n);
    }

    /// Sees that no more memory is held than there is a reason for. It is for connections whose queue is short.
    ///
    /// # Panics
    ///
    /// If there is.
    pub fn check_memory(&self) {
        let held = self.connection.incoming().held_bytes();
        let most = self.asked.max(BLOCK).saturating_add(SEALED_BYTES_MAX + TEXT_BYTES_MAX);
        assert!(held <= most, "{held} bytes are held of what came, not {most}");
        let (held, queued) = (self.connection.outgoing().held_bytes(), self.connection.outgoing().len());
        // The queue's blocks, and what is sealed: what one step seals and what the session wanted sent before it.
        let most = 2 * BLOCK + 4 * queued + 2 * BLOCK;
        assert!(held <= most, "{held} bytes are held of what is to go, not {most}");
        let held = self.connection.tls().map_or(0, Session::held_bytes);
        assert!(held <= SESSION_BYTES_MAX, "{held} bytes are held by the session, not {SESSION_BYTES_MAX}");
    }

    fn note(&mut self, error: &TlsError) {
        // That ends sending alone, and is told only by what seals.
        if *error == TlsError::KeysSpent {
            return;
        }
        let first = self.failure.get_or_insert_with(|| error.clone());
        // A session that failed tells so, also once it has told of an end.
        assert_eq!(first, error, "another error than before");
    }
}
