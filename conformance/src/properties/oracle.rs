//! What a reader of lines must see, decided byte by byte over the whole input, with no cleverness at all.
//!
//! It knows nothing of buffers, blocks or resumed searches: only which bytes came, and where the reader stands.

use asyncnet_core::{Ending, Endings, LastLine, LinePolicy, Overlong, RecvError, Search};

/// A reader's place in the `input`, of which `came` bytes are here; `ended` when no more will be.
pub(super) struct Oracle<'a> {
    pub(super) input: &'a [u8],
    pub(super) came: usize,
    pub(super) at: usize,
    pub(super) ended: bool,
    pub(super) failed: Option<RecvError>,
    budget: usize,
    /// An over-long line is being dropped, and so many bytes more may be.
    dropping: Option<(Endings, usize)>,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(input: &'a [u8], budget: usize) -> Self {
        Self { input, came: 0, at: 0, ended: false, failed: None, budget, dropping: None }
    }

    pub(super) fn plain(&self) -> &'a [u8] {
        if self.dropping.is_some() { &[] } else { &self.input[self.at..self.came] }
    }

    pub(super) fn is_dropping(&self) -> bool {
        self.dropping.is_some()
    }

    pub(super) fn settle(&mut self) -> Result<(), RecvError> {
        while let (Some((endings, left)), None) = (self.dropping, self.failed) {
            if self.at == self.came {
                self.dropping = self.dropping.filter(|_| !self.ended);
                break;
            }
            if left == 0 {
                // All that still comes belongs to the line that is dropped.
                self.failed = Some(RecvError::DiscardSpent { budget: self.budget });
                break;
            }
            let ends = match endings {
                Endings::Any => self.input[self.at] == b'\n',
                Endings::CrLfOnly => self.input[..=self.at].ends_with(b"\r\n"),
            };
            self.at += 1;
            self.dropping = if ends { None } else { Some((endings, left - 1)) };
        }
        self.failed.map_or(Ok(()), Err)
    }

    pub(super) fn line(&mut self, policy: LinePolicy) -> Result<Search<(usize, Ending)>, RecvError> {
        self.settle()?;
        let limit = policy.max;
        match line(self.plain(), self.ended, policy) {
            Err(RecvError::LineTooLong { .. }) => match policy.overlong {
                Overlong::Fail => self.fail(RecvError::LineTooLongFatal { limit }),
                Overlong::Truncate => Ok(Search::Found((limit, Ending::Cut))),
                Overlong::Discard => {
                    self.drop_line(limit, policy.endings);
                    Err(RecvError::LineTooLong { limit })
                }
            },
            Err(error) if error.is_fatal() => self.fail(error),
            seen => seen,
        }
    }

    pub(super) fn take_line(&mut self, len: usize, ending: Ending, endings: Endings) {
        match ending {
            Ending::Cut => self.drop_line(len, endings),
            _ => self.at += len + ending.as_bytes().len(),
        }
    }

    pub(super) fn drop_all(&mut self) {
        self.at = self.came;
        self.dropping = self.dropping.filter(|_| self.failed.is_some());
    }

    fn drop_line(&mut self, limit: usize, endings: Endings) {
        self.at += limit + 1;
        self.dropping = Some((endings, self.budget));
    }

    fn fail<T>(&mut self, error: RecvError) -> Result<T, RecvError> {
        self.failed = Some(error);
        self.dropping = None;
        Err(error)
    }
}

/// The line at the front of `text`. Each byte is judged with nothing but those before it.
fn line(text: &[u8], ended: bool, policy: LinePolicy) -> Result<Search<(usize, Ending)>, RecvError> {
    let (max, strict) = (policy.max, policy.endings == Endings::CrLfOnly);
    for (i, byte) in text.iter().enumerate() {
        let after_cr = i > 0 && text[i - 1] == b'\r';
        match byte {
            b'\n' if after_cr => return Ok(Search::Found((i - 1, Ending::CrLf))),
            _ if strict && after_cr => return Err(RecvError::BareCr { at: i - 1 }),
            b'\n' if strict => return Err(RecvError::BareLf { at: i }),
            b'\n' => return Ok(Search::Found((i, Ending::Lf))),
            // At the limit a CR may still be the start of a terminator.
            b'\r' if i == max => {}
            _ if i >= max => return Err(RecvError::LineTooLong { limit: max }),
            _ => {}
        }
    }
    match (ended, text.len()) {
        (false, _) => Ok(Search::NeedMore),
        (true, 0) => Ok(Search::End),
        (true, len) if policy.last == LastLine::Refuse => Err(RecvError::Incomplete { len }),
        (true, len) if strict && text[len - 1] == b'\r' => Err(RecvError::BareCr { at: len - 1 }),
        (true, len) if len > max => Err(RecvError::LineTooLong { limit: max }),
        (true, len) => Ok(Search::Found((len, Ending::Missing))),
    }
}

/// Where `delimiter` begins in `text`, at index `max` or before.
pub(super) fn delimiter(
    text: &[u8],
    ended: bool,
    delimiter: &[u8],
    max: usize,
) -> Result<Search<usize>, RecvError> {
    for at in 0..=max {
        match text.get(at..at + delimiter.len()) {
            Some(bytes) if bytes == delimiter => return Ok(Search::Found(at)),
            Some(_) => {}
            None if !ended => return Ok(Search::NeedMore),
            None if text.is_empty() => return Ok(Search::End),
            None => return Err(RecvError::Incomplete { len: text.len() }),
        }
    }
    Err(RecvError::TooLong { limit: max })
}

/// Whether `n` bytes of `text` are here, of which no call may ask for more than `most`.
pub(super) fn bytes(text: &[u8], ended: bool, n: usize, most: usize) -> Result<Search<usize>, RecvError> {
    match text.len() {
        _ if n > most => Err(RecvError::RequestTooLarge { asked: n, limit: most }),
        0 if ended && n > 0 => Ok(Search::End),
        len if ended || len >= n => Ok(Search::Found(len)),
        _ => Ok(Search::NeedMore),
    }
}

/// Whether all of `text` is here, at most `max` bytes.
pub(super) fn end(text: &[u8], ended: bool, max: usize) -> Result<Search<usize>, RecvError> {
    match text.len() {
        len if len > max => Err(RecvError::TooLong { limit: max }),
        len if ended => Ok(Search::Found(len)),
        _ => Ok(Search::NeedMore),
    }
}
