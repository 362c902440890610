//! The sending half over TLS: from text to sealed bytes.

use crate::block::{BLOCK_BYTES, Blocks};
use crate::outgoing::Outgoing;
use crate::tls::{RECORD_OVERHEAD, RECORD_TEXT_MAX, Session, TlsError};
use core::iter::Peekable;

/// How much is sealed at once: what then fits into the longest block. That is a good write, and a send that is dropped
/// has not gone further than this beyond what the wire took.
const SEAL_TEXT_MAX: usize = 64 << 10;

const _: () = assert!(
    SEAL_TEXT_MAX + SEAL_TEXT_MAX / RECORD_TEXT_MAX * RECORD_OVERHEAD <= BLOCK_BYTES[BLOCK_BYTES.len() - 1]
);

impl Outgoing {
    /// Seals what is queued and behind it the `parts`, as far as one step goes, if nothing sealed waits for the wire: how many
    /// bytes of the parts.
    ///
    /// What is short is put together first: many queued lines become few records.
    ///
    /// # Errors
    ///
    /// What ended the session; [`TlsError::HandshakePending`]; [`TlsError::KeysSpent`].
    ///
    /// See the example at [`Connection::start_tls`](crate::Connection::start_tls).
    pub fn seal<'a>(
        &mut self,
        session: &mut Session,
        parts: impl Iterator<Item = &'a [u8]> + Clone,
        blocks: &mut impl Blocks,
    ) -> Result<usize, TlsError> {
        self.collect(session, blocks);
        if self.has_sealed() {
            return Ok(0);
        }
        let queued = self.len();
        let mut left = Left { text: SEAL_TEXT_MAX, wire: BLOCK_BYTES[BLOCK_BYTES.len() - 1] };
        // To the shorter of two lifetimes: the caller's parts live longer than this borrow of the queue.
        let parts = parts.map(|part| -> &[u8] { part });
        let len = queued.saturating_add(parts.clone().map(<[u8]>::len).sum());
        if len == 0 {
            // Whether more could be sealed is not asked.
            return Ok(0);
        }
        let text_max = session.records().text_max();
        session.reserve(left.wire_of(len, text_max), blocks);
        if let Some(text) = self.only(parts.clone()).filter(|text| text.len() <= text_max) {
            // What a message is, nearly always.
            session.seal(text, blocks)?;
            self.drop_queued(queued, blocks);
            self.collect(session, blocks);
            return Ok(len - queued);
        }
        let mut texts = self.queued().chain(parts).filter(|text| !text.is_empty()).peekable();
        let mut rest: &[u8] = &[];
        while let Some(most) = left.of_record(session.records().text_max()) {
            if rest.is_empty() {
                let Some(next) = texts.next() else { break };
                rest = next;
            }
            let n = if rest.len() < most && texts.peek().is_some() {
                seal_together(&mut rest, &mut texts, most, session, blocks)
            } else {
                let n = rest.len().min(most);
                let sealed = session.seal(&rest[..n], blocks).map(|()| n);
                rest = &rest[n..];
                sealed
            };
            match n {
                Ok(n) => left.take(n),
                // What is sealed goes out, and counts; if that is nothing, the error does.
                Err(error) if left.text == SEAL_TEXT_MAX => return Err(error),
                Err(_) => break,
            }
        }
        drop(texts);
        let sealed = SEAL_TEXT_MAX - left.text;
        self.drop_queued(sealed.min(queued), blocks);
        self.collect(session, blocks);
        Ok(sealed - sealed.min(queued))
    }

    /// The text, if it is one piece: queued, or a part.
    fn only<'a>(&'a self, mut parts: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
        match (self.len(), parts.next()) {
            (_, None) => self.queued_only(),
            (0, Some(part)) if parts.next().is_none() => Some(part),
            _ => None,
        }
    }

    /// Once the caller has closed, and all that was queued is sealed: says so to the peer, with `close_notify`.
    ///
    /// See the example at [`Connection::start_tls`](crate::Connection::start_tls).
    pub fn end_text(&mut self, session: &mut Session, blocks: &mut impl Blocks) {
        if self.is_closed() && self.queued().all(<[u8]>::is_empty) {
            session.close_notify(blocks);
            self.collect(session, blocks);
        }
    }

    /// Takes over what the session wants sent, unless earlier output still waits for the wire.
    ///
    /// See the example at [`Connection::start_tls`](crate::Connection::start_tls).
    pub fn collect(&mut self, session: &mut Session, blocks: &mut impl Blocks) {
        if !self.has_sealed() {
            session.answer(blocks);
            if session.has_output() {
                self.swap_sealed(session.output(), blocks);
            }
        }
    }
}

/// What is left of a step.
struct Left {
    text: usize,
    /// Of the block that the sealed bytes go to.
    wire: usize,
}

impl Left {
    /// How much text the next record may have, if there is to be one: a short rest is left to the next step.
    fn of_record(&self, text_max: usize) -> Option<usize> {
        let fits = self.text.min(self.wire.saturating_sub(RECORD_OVERHEAD));
        (fits >= text_max.min(self.text) && fits > 0).then(|| fits.min(text_max))
    }

    fn take(&mut self, text: usize) {
        self.text -= text;
        self.wire -= text + RECORD_OVERHEAD;
    }

    /// How many bytes of wire `len` bytes of text take in one step, if records do not get longer meanwhile.
    fn wire_of(&self, len: usize, text_max: usize) -> usize {
        let len = len.min(self.text);
        (len + len.div_ceil(text_max) * RECORD_OVERHEAD).min(self.wire)
    }
}

/// Seals one record of several short texts: how many bytes. `rest` is then what is left of the last of them.
fn seal_together<'a>(
    rest: &mut &'a [u8],
    texts: &mut Peekable<impl Iterator<Item = &'a [u8]>>,
    most: usize,
    session: &mut Session,
    blocks: &mut impl Blocks,
) -> Result<usize, TlsError> {
    let mut block = blocks.take(BLOCK_BYTES[1]);
    let mut n = 0;
    loop {
        let space = &mut block.bytes_mut()[n..most];
        let fits = rest.len().min(space.len());
        space[..fits].copy_from_slice(&rest[..fits]);
        n += fits;
        *rest = &rest[fits..];
        if !rest.is_empty() {
            break;
        }
        let Some(next) = texts.next() else { break };
        *rest = next;
    }
    let sealed = session.seal(&block.bytes()[..n], blocks);
    blocks.give(block);
    sealed.map(|()| n)
}
