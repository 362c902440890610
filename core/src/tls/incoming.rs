//! The receiving half over TLS: from sealed bytes to text.

use crate::block::Blocks;
use crate::incoming::{Incoming, Parts};
use crate::tls::{Leftover, Opened, RECORD_TEXT_MAX, Session, TlsError};

impl Incoming {
    /// From here on what comes from the wire is sealed. Bytes that came before are treated as `leftover` says.
    ///
    /// # Errors
    ///
    /// [`TlsError::Leftover`], [`TlsError::Unsettled`]: nothing has changed then.
    pub(crate) fn begin_tls(&mut self, leftover: Leftover) -> Result<(), TlsError> {
        if self.settle().is_err() || self.is_discarding() {
            return Err(TlsError::Unsettled);
        }
        match (leftover, self.plain().len()) {
            (_, 0) | (Leftover::IntoTls, _) => {}
            (Leftover::Refuse, len) => return Err(TlsError::Leftover { len }),
            (Leftover::Discard, len) => self.consume(len),
        }
        self.seal_wire();
        Ok(())
    }

    /// Opens what has come until text is there: in the buffer, or at its end. Before there is any, the handshake goes on.
    ///
    /// # Errors
    ///
    /// What ended the session; [`TlsError::Truncated`].
    ///
    /// See the example at [`Connection::start_tls`](crate::Connection::start_tls).
    pub fn open(&mut self, session: &mut Session, blocks: &mut impl Blocks) -> Result<Opened, TlsError> {
        self.open_into(session, &mut [], blocks).map(|(opened, _)| opened)
    }

    /// As [`open`](Self::open), but what fits goes into `into`, as long as the buffer is empty: how many bytes did.
    /// Records are opened until it is full, or there is no whole one any more.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), unless bytes went into `into`: then the next call tells.
    #[inline]
    pub fn open_into(
        &mut self,
        session: &mut Session,
        into: &mut [u8],
        blocks: &mut impl Blocks,
    ) -> Result<(Opened, usize), TlsError> {
        // What every wait begins with.
        if session.awaits_wire() && self.awaits_record() {
            return Ok((Opened::NeedWire, 0));
        }
        self.open_records(session, into, blocks)
    }

    fn open_records(
        &mut self,
        session: &mut Session,
        into: &mut [u8],
        blocks: &mut impl Blocks,
    ) -> Result<(Opened, usize), TlsError> {
        let mut n = 0;
        loop {
            let Some(Parts { sealed, wire_ended, plain, cap }) = self.parts() else {
                return Ok((Opened::NeedWire, 0));
            };
            let direct = plain.is_empty();
            let opened = session.open(sealed, wire_ended, blocks, &mut |text, blocks| {
                let fits = if direct { text.len().min(into.len() - n) } else { 0 };
                into[n..n + fits].copy_from_slice(&text[..fits]);
                n += fits;
                if fits < text.len() {
                    plain.push(&text[fits..], cap.saturating_add(RECORD_TEXT_MAX), blocks);
                }
            });
            session.answer(blocks);
            match opened {
                Ok(Opened::Text) if n > 0 && n < into.len() => {}
                Ok(Opened::End) => {
                    self.end_text();
                    return Ok((if n > 0 { Opened::Text } else { Opened::End }, n));
                }
                Ok(_) | Err(_) if n > 0 => return Ok((Opened::Text, n)),
                opened => return opened.map(|opened| (opened, n)),
            }
        }
    }
}
