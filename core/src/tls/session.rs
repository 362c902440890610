//! The TLS session of one connection: the only file that calls rustls' connections.
//!
//! ```text
//!   [ handshaking ] --- done ---> [ open ] --- close_notify came ---> [ open, peer closed ]
//!         |                          |                                      |
//!         +----- fatal error --------+--------------------------------------+
//!         v
//!   [ failed: its alert is in the output, every call gives the same error ]
//! ```
//!
//! It owns no buffer that data flows through: what comes from the wire, and the text in it, belong to the receiving half.
//! What is to go to the wire lies in `output` until the sending half collects it, so that order is kept whoever
//! caused it.
//!
//! Below is rustls' unbuffered interface, which is fast and small, and has edges. The rules that blunt them, and that
//! the tests of this file break one by one:
//! 1. rustls refers to input that it has taken and not discarded: to the pieces of a handshake message that is not whole,
//!    and to an empty record of that type until the next message. It panics when it is then called with less. Such input
//!    is *held* here, and every call gets it. To know what it is, rustls is shown one record at a time.
//! 2. After an error the input is not looked at again: the alert is fetched with an empty one, while there is one.
//! 3. A message that rustls hands out is taken, always: dropped, it is lost.
//! 4. rustls would seal after a fatal error, and after our `close_notify`: this file does not.
//! 5. What is held is bounded.
//! 6. Some errors come without an alert: rustls is then led to a broken record, for which it has one.
//! 7. rustls counts no tickets: this file does.
//! 8. rustls answers a key update with the next text it seals. To have the answer at once, it is asked to seal a byte
//!    into no space: that fails, and leaves the answer behind.
//! 9. A record that rustls cannot open, of early data that were not accepted, it passes over and does not discard: held, it
//!    would be tried again with each that follows, and counted again, until the handshake fails. It is told by its text,
//!    which is wiped then, and is dropped.

use crate::block::Blocks;
use crate::buffer::Buffer;
use crate::line::Search;
use crate::tls::early::{EARLY_DATA_BYTES_MAX, EarlyData};
use crate::tls::info::{TlsInfo, TlsVersion};
use crate::tls::record::RecordSize;
use crate::tls::start::{Side, StartTls};
use crate::tls::{ClientHello, Opened, Refusal, TlsError};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, ReadEarlyData, UnbufferedStatus};
use rustls::{CommonState, HandshakeKind, ProtocolVersion};

/// The longest text of a record, in bytes (RFC 8446, section 5.1).
pub(crate) const RECORD_TEXT_MAX: usize = 16 << 10;

/// What a record may have around its text, at least: header, explicit nonce, content type, tag. The most is TLS 1.2's
/// AES-GCM: 5 + 8 + 16.
pub(crate) const RECORD_OVERHEAD: usize = 32;

/// What may be held: the longest handshake message that rustls takes (64 KiB), cut into records of a good size, and one
/// record.
pub(crate) const HELD_BYTES_MAX: usize = (64 << 10) + (18 << 10);

/// The most that waits to be sent before an answer to the peer is put off.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// The most records in a row that may come without text once the handshake is done. rustls takes 32 empty ones and 32 key
/// updates; this is for tickets, of which a server sends some.
const TEXTLESS_RECORDS_MAX: u16 = 256;

const HEADER_LEN: usize = 5;

/// The longest that a record is, without its header, in TLS 1.2, which allows more than TLS 1.3 (RFC 5246, section
/// 6.2.3).
const RECORD_LEN_MAX: usize = RECORD_TEXT_MAX + 2048;

/// What a handshake message is expected to take; more space is made when it is longer.
const MESSAGE_LEN: usize = 1 << 10;

/// A TLS session, over buffers that are not its own.
pub struct Session {
    conn: Conn,
    /// Input that rustls refers to (rule 1), and what came behind it.
    held: Vec<u8>,
    /// What is to be sent, in order.
    output: Buffer,
    failed: Option<TlsError>,
    peer_closed: bool,
    /// We sent `close_notify`, or can seal no more.
    write_closed: bool,
    /// Something that is not text came in: an answer may be held back (rule 8).
    owes_answer: bool,
    accept_truncation: bool,
    records: RecordSize,
    /// How many records without text came in a row.
    textless: u16,
    /// The host that the client asks for, or what of a client's first message came.
    asked: Asked,
    /// What a client sent before the handshake was done, apart from all other text. rustls bounds it.
    early: EarlyData,
}

/// Which host a client asks for.
enum Asked {
    /// It has not said yet: what came of its first message.
    Unsaid(Vec<u8>),
    Said(Option<Box<str>>),
}

enum Conn {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
    /// There is none: the client was refused before. The session has failed.
    Refused,
}

impl Session {
    /// A session that has begun: a client's first message is in its output.
    pub(crate) fn new(
        how: StartTls,
        record_bytes_start: usize,
        blocks: &mut dyn Blocks,
    ) -> Result<Self, TlsError> {
        let asked = match &how.side {
            Side::Client(config, ServerName::DnsName(name)) if config.enable_sni => {
                Asked::Said(Some(name.as_ref().into()))
            }
            Side::Client(..) => Asked::Said(None),
            Side::Server(_) => Asked::Unsaid(Vec::new()),
        };
        let conn = match how.side {
            Side::Client(config, name) => Conn::Client(UnbufferedClientConnection::new(config, name)?),
            Side::Server(config) if config.max_early_data_size > EARLY_DATA_BYTES_MAX => {
                return Err(TlsError::Config("it allows too much early data".into()));
            }
            Side::Server(config) => Conn::Server(UnbufferedServerConnection::new(config)?),
        };
        let mut session = Self {
            conn,
            held: Vec::new(),
            output: Buffer::default(),
            failed: None,
            peer_closed: false,
            write_closed: false,
            owes_answer: false,
            accept_truncation: how.accept_truncation,
            records: RecordSize::new(record_bytes_start),
            textless: 0,
            asked,
            early: EarlyData::default(),
        };
        session.take_in(&mut Buffer::default(), 0, blocks, &mut |_, _| ())?;
        Ok(session)
    }

    /// A session that has failed before it began: the alert that says why is in its output.
    pub(crate) fn refused(refusal: Refusal, blocks: &mut dyn Blocks) -> Self {
        let record = refusal.record();
        let mut output = Buffer::default();
        output.room(record.len(), 0, blocks)[..record.len()].copy_from_slice(&record);
        output.fill(record.len());
        Self {
            conn: Conn::Refused,
            held: Vec::new(),
            output,
            failed: Some(TlsError::ClientRefused(refusal.alert())),
            peer_closed: false,
            write_closed: false,
            owes_answer: false,
            accept_truncation: false,
            records: RecordSize::new(RECORD_TEXT_MAX),
            textless: 0,
            asked: Asked::Said(None),
            early: EarlyData::default(),
        }
    }

    /// Opens records of `input` until one with text came, which goes to `sink`, or until more input is needed.
    pub(crate) fn open(
        &mut self,
        input: &mut Buffer,
        ended: bool,
        blocks: &mut dyn Blocks,
        sink: &mut dyn FnMut(&[u8], &mut dyn Blocks),
    ) -> Result<Opened, TlsError> {
        self.check()?;
        self.check_early()?;
        if self.peer_closed {
            return Ok(Opened::End);
        }
        // What every wait begins with.
        if input.is_empty() {
            return self.need_wire(ended);
        }
        // Text comes behind all early data.
        while self.check_early().is_ok() {
            let whole = record_len(input.filled()).filter(|len| *len <= input.len());
            if whole.is_none() && may_be_record(input.filled()) {
                return self.need_wire(ended);
            }
            let mut has_text = false;
            let mut sink = |text: &[u8], blocks: &mut dyn Blocks| {
                has_text |= !text.is_empty();
                sink(text, blocks);
            };
            match self.take_in(input, whole.unwrap_or(input.len()), blocks, &mut sink)? {
                Did::Text if has_text => {
                    self.textless = 0;
                    return Ok(Opened::Text);
                }
                Did::PeerClosed => return Ok(Opened::End),
                Did::Done if whole.is_none() => return Err(self.refuse(self.no_record(), blocks)),
                Did::Text | Did::Done => self.note_textless(blocks)?,
            }
        }
        Ok(Opened::NeedWire)
    }

    /// Whether there is nothing to say or to answer before more has come from the wire.
    #[inline]
    pub(crate) fn awaits_wire(&self) -> bool {
        self.failed.is_none() && !self.peer_closed && !self.owes_answer && self.early.len() == 0
    }

    /// There is no whole record.
    fn need_wire(&mut self, ended: bool) -> Result<Opened, TlsError> {
        if ended {
            return match self.is_handshaking() {
                true => Err(self.fail(TlsError::HandshakeEnded)),
                false if self.accept_truncation => Ok(Opened::End),
                false => Err(TlsError::Truncated),
            };
        }
        Ok(Opened::NeedWire)
    }

    /// Takes early data, which **may be a copy of what a client sent before**: how many bytes.
    ///
    /// ```
    /// # use asyncnet_core::tls::Session;
    /// fn first_words(session: &mut Session) -> Vec<u8> {
    ///     let mut words = vec![0; session.early_data_len()];
    ///     session.take_early_data(&mut words);
    ///     words
    /// }
    /// # let _ = first_words;
    /// ```
    pub fn take_early_data(&mut self, into: &mut [u8]) -> usize {
        self.early.take(into)
    }

    /// How many bytes of early data wait to be taken. Text that comes after the handshake is not opened before.
    ///
    /// See the example at [`take_early_data`](Self::take_early_data).
    #[must_use]
    pub fn early_data_len(&self) -> usize {
        self.early.len()
    }

    /// Makes room for `len` bytes, sealed, so that sealing them in pieces moves nothing.
    pub(crate) fn reserve(&mut self, len: usize, blocks: &mut dyn Blocks) {
        if len > 0 && self.check_open().is_ok() {
            self.output.room(len, 0, blocks);
        }
    }

    /// How long records are.
    pub(crate) fn records(&mut self) -> &mut RecordSize {
        &mut self.records
    }

    /// Whether a write of so much text depends on the time, so that [`write_at`](Self::write_at) is to be called: what fits
    /// into the shortest record is one record always.
    ///
    /// See the example at [`write_at`](Self::write_at).
    #[must_use]
    pub fn needs_time(&self, len: usize) -> bool {
        len > self.records.start()
    }

    /// A write is about to begin, at this time of the transport's clock: after a pause records are short again.
    ///
    /// ```
    /// # use asyncnet_core::tls::Session;
    /// # use core::time::Duration;
    /// fn before_a_write(session: &mut Session, len: usize, clock: fn() -> Duration) {
    ///     if session.needs_time(len) {
    ///         session.write_at(clock());
    ///     }
    /// }
    /// # let _ = before_a_write;
    /// ```
    pub fn write_at(&mut self, now: Duration) {
        self.records.write_at(now);
    }

    /// Seals `text`, as one record.
    pub(crate) fn seal(&mut self, text: &[u8], blocks: &mut dyn Blocks) -> Result<(), TlsError> {
        self.check_open()?;
        if self.write_closed {
            return Err(TlsError::KeysSpent);
        }
        if text.is_empty() {
            return Ok(());
        }
        self.give_out(Job::Seal(text), blocks)?;
        self.records.sealed();
        Ok(())
    }

    /// Says to the peer that nothing more will be sent, unless it is not to be said: before the handshake is done,
    /// after a failure, or twice.
    pub(crate) fn close_notify(&mut self, blocks: &mut dyn Blocks) {
        if self.check_open().is_ok() && !self.write_closed {
            // It cannot fail but by a fault that the session remembers.
            drop(self.give_out(Job::CloseNotify, blocks));
            self.write_closed = true;
        }
    }

    /// Puts an answer that rustls holds back into the output, unless much waits there already.
    pub(crate) fn answer(&mut self, blocks: &mut dyn Blocks) {
        if !self.owes_answer || self.output.len() > ANSWER_BYTES_MAX {
            return;
        }
        self.owes_answer = false;
        let version = self.common().and_then(CommonState::protocol_version);
        let tls13 = version == Some(ProtocolVersion::TLSv1_3);
        if tls13 && !self.write_closed && self.check_open().is_ok() {
            // As above.
            drop(self.give_out(Job::Answer, blocks));
        }
    }

    /// Ends the session: every later call fails with `error`.
    pub(crate) fn fail(&mut self, error: TlsError) -> TlsError {
        self.failed.get_or_insert(error).clone()
    }

    /// Ends a handshake that took longer than `after`: the error that every later call gives. Nothing, once it is done.
    ///
    /// See the example at [`Connection::start_tls`](crate::Connection::start_tls).
    pub fn time_out(&mut self, after: Duration) -> TlsError {
        let error = TlsError::timed_out(after);
        if self.is_established() { error } else { self.fail(error) }
    }

    /// What is to be sent.
    pub(crate) fn output(&mut self) -> &mut Buffer {
        &mut self.output
    }

    /// Whether anything is to be sent.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether the handshake is not done, and has not failed.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.failed.is_none() && !self.is_established()
    }

    /// Whether the handshake has succeeded.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.common().is_some_and(|common| !common.is_handshaking())
    }

    /// Whether text can be sent and received.
    ///
    /// # Errors
    ///
    /// [`TlsError::HandshakePending`]; the error that ended the session.
    pub fn check_open(&self) -> Result<(), TlsError> {
        self.check()?;
        if self.is_established() { Ok(()) } else { Err(TlsError::HandshakePending) }
    }

    /// Whether no more text will be sealed: `close_notify` is behind it, or the keys are spent. Then no alert follows either.
    ///
    /// ```
    /// # use asyncnet_core::tls::Session;
    /// fn may_send(session: &Session) -> bool {
    ///     session.check_open().is_ok() && !session.has_sealed_all()
    /// }
    /// # let _ = may_send;
    /// ```
    #[must_use]
    pub fn has_sealed_all(&self) -> bool {
        self.write_closed
    }

    /// Why the session ended, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&TlsError> {
        self.failed.as_ref()
    }

    /// What the handshake agreed on: `None` before it has succeeded.
    #[must_use]
    pub fn info(&self) -> Option<TlsInfo> {
        let common = self.common().filter(|common| !common.is_handshaking())?;
        let version = match common.protocol_version()? {
            ProtocolVersion::TLSv1_2 => TlsVersion::Tls12,
            _ => TlsVersion::Tls13,
        };
        Some(TlsInfo {
            version,
            cipher_suite: registered_name(common.negotiated_cipher_suite()?.suite().as_str()),
            key_exchange_group: common
                .negotiated_key_exchange_group()
                .and_then(|group| group.name().as_str()),
            alpn: common.alpn_protocol().map(Into::into),
            resumed: common.handshake_kind() == Some(HandshakeKind::Resumed),
            server_name: match &self.asked {
                Asked::Said(name) => name.clone(),
                Asked::Unsaid(_) => None,
            },
            early_data_bytes: self.early.total(),
        })
    }

    /// The peer's certificates as it presented them, leaf first; `None` if it presented none, or has not yet.
    #[must_use]
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.common()?.peer_certificates()
    }

    /// rustls' view of it: `None` if rustls never saw it.
    pub(crate) fn common(&self) -> Option<&CommonState> {
        match &self.conn {
            Conn::Client(conn) => Some(conn),
            Conn::Server(conn) => Some(conn),
            Conn::Refused => None,
        }
    }

    /// How many bytes of memory it holds for input and output now.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held.capacity() + self.output.block_len() + self.early.held_bytes()
    }

    fn check(&self) -> Result<(), TlsError> {
        match &self.failed {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    /// Whether no early data are left behind that others would be taken for.
    fn check_early(&self) -> Result<(), TlsError> {
        match self.early.len() {
            len if len > 0 && self.is_established() => Err(TlsError::EarlyDataUnread { len }),
            _ => Ok(()),
        }
    }

    /// Shows rustls the next `len` bytes of the input, behind what it refers to (rule 1).
    fn take_in(
        &mut self,
        input: &mut Buffer,
        len: usize,
        blocks: &mut dyn Blocks,
        sink: &mut dyn FnMut(&[u8], &mut dyn Blocks),
    ) -> Result<Did, TlsError> {
        self.note_asked(&input.filled()[..len]);
        let holds = !self.held.is_empty();
        if holds {
            self.held.extend_from_slice(&input.filled()[..len]);
            input.consume(len);
        }
        let bytes = if holds { &mut self.held[..] } else { &mut input.filled_mut()[..len] };
        let shown = bytes.len();
        let out = Out { buffer: &mut self.output, blocks, muted: self.write_closed };
        let driven = self.conn.drive(bytes, Job::Open(sink, &mut self.early), out);
        let did = match driven.did {
            Ok(did) => did,
            Err(error) => {
                input.consume(input.len());
                self.held = Vec::new();
                let told = matches!(error, rustls::Error::AlertReceived(_));
                let error = match TlsError::from(error) {
                    TlsError::NotTls => self.no_record(),
                    error => error,
                };
                let error = self.fail(error);
                if !told {
                    self.alert(shown - driven.used, blocks);
                }
                return Err(error);
            }
        };
        self.owes_answer |= did != Did::Text;
        if !holds {
            let is_skipped = driven.used == 0 && !self.is_established() && is_wiped(&input.filled()[..shown]);
            if driven.used < shown && !is_skipped {
                self.held = input.filled()[driven.used..shown].to_vec();
            }
            input.consume(shown);
        } else if driven.used < shown {
            self.held.drain(..driven.used);
        } else {
            self.held = Vec::new();
        }
        if did == Did::PeerClosed {
            self.peer_closed = true;
            // What comes behind the peer's end is ignored (RFC 8446, section 6.1).
            input.consume(input.len());
            self.held = Vec::new();
        }
        if self.held.len() > HELD_BYTES_MAX {
            return Err(self.refuse(TlsError::HandshakeTooLong { limit: HELD_BYTES_MAX }, blocks));
        }
        Ok(did)
    }

    /// A record came that had no text for the caller: an empty one, a ticket, a key update. Enough of them is enough.
    fn note_textless(&mut self, blocks: &mut dyn Blocks) -> Result<(), TlsError> {
        self.textless += u16::from(self.is_established());
        if self.textless > TEXTLESS_RECORDS_MAX {
            let why = "records without text, one after the other, without end";
            return Err(self.refuse(TlsError::Protocol(why.into()), blocks));
        }
        Ok(())
    }

    /// A server's side: reads in the client's first message which host it asks for, which rustls tells nobody. A message
    /// that is none is rustls' to refuse.
    fn note_asked(&mut self, record: &[u8]) {
        let Asked::Unsaid(came) = &mut self.asked else { return };
        came.extend_from_slice(record);
        let said = match ClientHello::find(came) {
            Ok(Search::Found(hello)) => hello.server_name().map(Into::into),
            Ok(_) => return,
            Err(_) => None,
        };
        self.asked = Asked::Said(said);
    }

    /// Ends the session for a reason of our own: with an alert.
    fn refuse(&mut self, error: TlsError, blocks: &mut dyn Blocks) -> TlsError {
        let error = self.fail(error);
        let referred = core::mem::take(&mut self.held).len();
        self.alert(referred, blocks);
        error
    }

    /// What came is no record.
    fn no_record(&self) -> TlsError {
        if self.is_established() {
            TlsError::Protocol("what should be a record is none".into())
        } else {
            TlsError::NotTls
        }
    }

    /// Has rustls produce output.
    fn give_out(&mut self, job: Job<'_>, blocks: &mut dyn Blocks) -> Result<(), TlsError> {
        let out = Out { buffer: &mut self.output, blocks, muted: self.write_closed };
        match self.conn.drive(&mut self.held, job, out).did {
            Ok(_) => Ok(()),
            // The keys are spent: reading goes on. rustls has a close_notify ready, which goes nowhere: behind a message of
            // which a part was sealed it would look like a clean end.
            Err(rustls::Error::EncryptError) => {
                self.write_closed = true;
                self.fetch(blocks);
                Err(TlsError::KeysSpent)
            }
            Err(error) => Err(self.fail(error.into())),
        }
    }

    /// After an error, with `rest` bytes of input left: puts its alert into the output. Not after our `close_notify`,
    /// behind which nothing may come.
    fn alert(&mut self, rest: usize, blocks: &mut dyn Blocks) {
        if self.write_closed || self.fetch(blocks) {
            return;
        }
        // Rule 6. That much of the input may still be referred to; what it was does not matter any more. Each call passes
        // over one message that waits in it, of four bytes at least.
        let mut broken = vec![0xff; rest + HEADER_LEN];
        for _ in 0..rest / 4 + 2 {
            self.step(&mut broken, blocks);
            if self.fetch(blocks) {
                return;
            }
        }
    }

    /// Fetches the messages that rustls has ready, without showing it any input (rule 2): whether the last was an alert.
    fn fetch(&mut self, blocks: &mut dyn Blocks) -> bool {
        let mut alerted = false;
        while self.common().is_some_and(CommonState::wants_write) {
            alerted = self.step(&mut [], blocks);
        }
        alerted
    }

    /// Calls rustls once after an error: whether that gave an alert.
    fn step(&mut self, input: &mut [u8], blocks: &mut dyn Blocks) -> bool {
        let mut out = Out { buffer: &mut self.output, blocks, muted: self.write_closed };
        match &mut self.conn {
            Conn::Client(conn) => fetch_from(conn, input, &mut out),
            Conn::Server(conn) => fetch_from(conn, input, &mut out),
            Conn::Refused => false,
        }
    }
}

impl Conn {
    fn drive(&mut self, input: &mut [u8], job: Job<'_>, out: Out<'_>) -> Driven {
        match self {
            Self::Client(conn) => drive(conn, input, job, out),
            Self::Server(conn) => drive(conn, input, job, out),
            Self::Refused => Driven { used: input.len(), did: Ok(Did::Done) },
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("established", &self.is_established())
            .field("failed", &self.failed)
            .field("peer_closed", &self.peer_closed)
            .field("write_closed", &self.write_closed)
            .finish_non_exhaustive()
    }
}

/// What rustls is to do.
enum Job<'a> {
    Open(&'a mut dyn FnMut(&[u8], &mut dyn Blocks), &'a mut EarlyData),
    Seal(&'a [u8]),
    CloseNotify,
    Answer,
}

/// What it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    /// A record with text came, and went to the sink.
    Text,
    PeerClosed,
    /// What was asked for; with [`Job::Open`], all there was to do.
    Done,
}

struct Driven {
    /// How many bytes of the input are done with.
    used: usize,
    did: Result<Did, rustls::Error>,
}

/// Where output goes.
struct Out<'a> {
    buffer: &'a mut Buffer,
    blocks: &'a mut dyn Blocks,
    /// It goes nowhere: nothing may follow our `close_notify`.
    muted: bool,
}

/// Why output did not come.
enum Short {
    /// It needs that much space.
    Needs(usize),
    /// The keys are spent.
    Spent,
}

/// Calls rustls until the job is done.
fn drive<S: End>(conn: &mut S, input: &mut [u8], mut job: Job<'_>, mut out: Out<'_>) -> Driven {
    let (mut used, mut asked) = (0, false);
    loop {
        let UnbufferedStatus { discard, state, .. } = conn.process(&mut input[used..]);
        let mut did = None;
        match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    match (&mut job, record) {
                        (Job::Open(sink, _), Ok(record)) => sink(record.payload, out.blocks),
                        (_, Ok(_)) => did = Some(Err(rustls::Error::General("text out of turn".into()))),
                        (_, Err(error)) => did = Some(Err(error)),
                    }
                }
                did = did.or(Some(Ok(Did::Text)));
            }
            Ok(ConnectionState::EncodeTlsData(mut message)) => {
                // It fails for want of space alone, and that is mended.
                drop(out.write(MESSAGE_LEN, |space| message.encode(space)));
            }
            Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let done = match job {
                    Job::Seal(text) => out.write(sealed_len_max(text.len()), |to| traffic.encrypt(text, to)),
                    Job::CloseNotify => out.write(2 * RECORD_OVERHEAD, |to| traffic.queue_close_notify(to)),
                    Job::Answer if !asked => {
                        asked = true;
                        // It fails, as it should (rule 8).
                        drop(traffic.encrypt(&[0], &mut []));
                        used += discard;
                        continue;
                    }
                    Job::Answer | Job::Open(..) => Ok(()),
                };
                did = Some(done.map(|()| Did::Done));
            }
            Ok(ConnectionState::PeerClosed) => {
                did = matches!(job, Job::Open(..)).then_some(Ok(Did::PeerClosed));
            }
            Ok(ConnectionState::BlockedHandshake | ConnectionState::Closed) => did = Some(Ok(Did::Done)),
            Ok(ConnectionState::ReadEarlyData(records)) => {
                let mut out_of_turn = false;
                S::take_early(records, &mut |text| match &mut job {
                    Job::Open(_, early) => early.push(text),
                    _ => out_of_turn = true,
                });
                if out_of_turn {
                    did = Some(Err(rustls::Error::General("early data out of turn".into())));
                }
            }
            Ok(_) => did = Some(Err(rustls::Error::General("a state that is not known".into()))),
            Err(error) => did = Some(Err(error)),
        }
        used += discard;
        if let Some(did) = did {
            return Driven { used, did };
        }
    }
}

/// Takes what rustls has ready after an error: whether it is an alert.
fn fetch_from<S: End>(conn: &mut S, input: &mut [u8], out: &mut Out<'_>) -> bool {
    match conn.process(input).state {
        Ok(ConnectionState::EncodeTlsData(mut message)) => {
            let before = out.buffer.len();
            // As in `drive`.
            drop(out.write(MESSAGE_LEN, |space| message.encode(space)));
            return is_alert(&out.buffer.filled()[before..]);
        }
        Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
        // Text that came before the error was taken with it, record by record: there is none.
        Ok(ConnectionState::ReadTraffic(mut traffic)) => while traffic.next_record().is_some() {},
        Ok(ConnectionState::ReadEarlyData(records)) => S::take_early(records, &mut |_| ()),
        _ => {}
    }
    false
}

impl Out<'_> {
    /// Has `produce` write, first into `guess` bytes and then into what it asks for.
    fn write<E: Into<Short>>(
        &mut self,
        guess: usize,
        mut produce: impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), rustls::Error> {
        let mut need = guess;
        loop {
            match produce(self.buffer.room(need, 0, self.blocks)).map_err(Into::into) {
                Ok(n) => {
                    self.buffer.fill(if self.muted { 0 } else { n });
                    return Ok(());
                }
                Err(Short::Needs(more)) if more > need => need = more,
                Err(Short::Needs(_) | Short::Spent) => return Err(rustls::Error::EncryptError),
            }
        }
    }
}

impl From<EncodeError> for Short {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::InsufficientSize(short) => Self::Needs(short.required_size),
            EncodeError::AlreadyEncoded => Self::Spent,
        }
    }
}

impl From<EncryptError> for Short {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::InsufficientSize(short) => Self::Needs(short.required_size),
            EncryptError::EncryptExhausted => Self::Spent,
        }
    }
}

/// Either side of a connection: rustls has a type for each.
trait End {
    type Data;

    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;

    /// Takes early data, all of it (rule 3).
    fn take_early(records: ReadEarlyData<'_, '_, Self::Data>, sink: &mut dyn FnMut(&[u8]));
}

impl End for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(input)
    }

    /// There is none: it is a server's.
    fn take_early(_: ReadEarlyData<'_, '_, Self::Data>, _: &mut dyn FnMut(&[u8])) {}
}

impl End for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(&'c mut self, input: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(input)
    }

    fn take_early(mut records: ReadEarlyData<'_, '_, Self::Data>, sink: &mut dyn FnMut(&[u8])) {
        while let Some(Ok(record)) = records.next_record() {
            sink(record.payload);
        }
    }
}

/// How long the record at the front is, with its header, if that has come.
fn record_len(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, high, low, ..] = bytes else { return None };
    Some(HEADER_LEN + usize::from(u16::from_be_bytes([*high, *low])))
}

/// Whether a record may begin like this: its type is one of RFC 8446, section 5.1, or RFC 6520, its version that of TLS,
/// and its length one that there can be.
fn may_be_record(bytes: &[u8]) -> bool {
    let (typ, version) = (bytes.first().unwrap_or(&23), bytes.get(1).unwrap_or(&3));
    let len = record_len(bytes).map_or(RECORD_TEXT_MAX, |len| len - HEADER_LEN);
    matches!((typ, version, len), (20..=24, 3, 1..=RECORD_LEN_MAX) | (23, 3, 0))
}

/// Whether this is one record, sealed, that somebody tried to open and could not: what should be its text is zeros, with
/// which cryptographic libraries overwrite it, so that nobody uses it. What was opened has a content type in it, which is not
/// 0 (RFC 8446, section 5.4). A library that does not do so is none that rustls has.
fn is_wiped(record: &[u8]) -> bool {
    const TAG_LEN: usize = 16;
    let is_whole = record.first() == Some(&23) && record_len(record) == Some(record.len());
    let text_end = record.len().saturating_sub(TAG_LEN);
    is_whole && text_end > HEADER_LEN && record[HEADER_LEN..text_end].iter().all(|byte| *byte == 0)
}

/// Whether a record that we send is an alert: in TLS 1.3 it is dressed as text, of two bytes, a type and a tag.
fn is_alert(record: &[u8]) -> bool {
    match record.first() {
        Some(21) => true,
        Some(23) => record.len() == HEADER_LEN + 2 + 1 + 16,
        _ => false,
    }
}

/// How long `len` bytes of text can get.
fn sealed_len_max(len: usize) -> usize {
    len + len.div_ceil(RECORD_TEXT_MAX) * RECORD_OVERHEAD
}

/// rustls calls the suites of TLS 1.3 as no standard does.
fn registered_name(name: Option<&'static str>) -> &'static str {
    match name {
        Some("TLS13_AES_128_GCM_SHA256") => "TLS_AES_128_GCM_SHA256",
        Some("TLS13_AES_256_GCM_SHA384") => "TLS_AES_256_GCM_SHA384",
        Some("TLS13_CHACHA20_POLY1305_SHA256") => "TLS_CHACHA20_POLY1305_SHA256",
        Some(other) => other,
        None => "unknown",
    }
}
