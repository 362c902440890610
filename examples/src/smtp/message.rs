//! A message to be sent: a file, read piece by piece, as lines that end with CR LF.
//!
//! It is read twice: once to know what it is, and once to send it.

use crate::program::Failure;
use crate::smtp::TEXT_LINE_BYTES_MAX;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

/// How much of it is read at once.
const PIECE_BYTES: usize = 64 << 10;

/// What is known of a message once it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many bytes it has as lines with CR LF, without dots for transparency: what SIZE tells (RFC 1870, section 4).
    pub bytes: u64,
    /// Whether a byte is no ASCII.
    pub has_8bit: bool,
    /// Which line, counted from 1, is the first that is longer than may be sent (RFC 5321, section 4.5.3.1.6).
    pub line_too_long: Option<u64>,
}

/// Makes lines that end with CR LF of lines that end anyhow (LF, CR LF, or CR), and doubles the dots they begin with.
///
/// ```
/// use asyncnet_examples::smtp::Encoder;
///
/// let mut encoder = Encoder::default();
/// let mut wire = Vec::new();
/// encoder.push(b"one\n.two\r\nthree", &mut wire);
/// encoder.finish(&mut wire);
/// assert_eq!(wire, b"one\r\n..two\r\nthree\r\n");
/// assert_eq!(encoder.summary().bytes, 18);
/// ```
#[derive(Debug, Default)]
pub struct Encoder {
    summary: Summary,
    /// How many lines ended.
    lines: u64,
    /// How many bytes the line that is under way has.
    line_bytes: usize,
    /// An LF that comes next belongs to the line end before it.
    is_after_cr: bool,
}

impl Encoder {
    /// Takes what comes next, and appends what is to be sent.
    pub fn push(&mut self, piece: &[u8], wire: &mut Vec<u8>) {
        for &byte in piece {
            let is_after_cr = std::mem::replace(&mut self.is_after_cr, byte == b'\r');
            match byte {
                b'\n' if is_after_cr => {}
                // Never sent bare: to a server that takes it for a line end, the message could end there.
                b'\r' | b'\n' => self.end_line(wire),
                _ => self.text(byte, wire),
            }
        }
    }

    /// The message ends here: so does its last line.
    pub fn finish(&mut self, wire: &mut Vec<u8>) {
        if self.line_bytes > 0 {
            self.end_line(wire);
        }
    }

    /// What came so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    fn text(&mut self, byte: u8, wire: &mut Vec<u8>) {
        if byte == b'.' && self.line_bytes == 0 {
            wire.push(b'.');
        }
        wire.push(byte);
        self.line_bytes += 1;
        self.summary.bytes += 1;
        self.summary.has_8bit |= !byte.is_ascii();
        if self.line_bytes > TEXT_LINE_BYTES_MAX {
            self.summary.line_too_long.get_or_insert(self.lines + 1);
        }
    }

    fn end_line(&mut self, wire: &mut Vec<u8>) {
        wire.extend_from_slice(b"\r\n");
        self.summary.bytes += 2;
        self.lines += 1;
        self.line_bytes = 0;
    }
}

/// A message in a file, with what is known of it. Its calls block, as files do.
#[derive(Debug)]
pub struct Message {
    file: File,
    name: String,
    summary: Summary,
    encoder: Encoder,
    /// The file's end was met.
    is_over: bool,
}

impl Message {
    /// Reads a file, or stdin for `-`. What can be read once only is kept in a file without a name.
    ///
    /// # Errors
    ///
    /// What the system says, naming the file; a line is too long to be sent.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let name = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
        let opened = || {
            if is_stdin {
                return spooled(io::stdin().lock());
            }
            let file = File::open(path)?;
            if file.metadata()?.is_file() { Ok(file) } else { spooled(file) }
        };
        let failed = |error| Failure::new(format!("cannot read {name}"), error);
        let file = opened().map_err(failed)?;
        let mut message = Self {
            file,
            name: name.clone(),
            summary: Summary::default(),
            encoder: Encoder::default(),
            is_over: false,
        };
        message.survey().map_err(failed)?;
        match message.summary.line_too_long {
            None => Ok(message),
            Some(line) => {
                let why = format!("line {line} has more than {TEXT_LINE_BYTES_MAX} bytes");
                Err(Failure::new(format!("cannot send {name}"), why))
            }
        }
    }

    /// What is known of it.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// What it is called, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends the next piece to `wire`, as it is to be sent: how many bytes of the message these are; 0 at its end.
    ///
    /// # Errors
    ///
    /// What the system says; or it is not any more what it was when it was opened.
    pub fn next_piece(&mut self, wire: &mut Vec<u8>) -> io::Result<u64> {
        let before = self.encoder.summary.bytes;
        while !self.is_over && self.encoder.summary.bytes == before {
            self.step(wire)?;
        }
        let now = self.encoder.summary;
        let is_same = if self.is_over { now == self.summary } else { now.bytes <= self.summary.bytes };
        if !is_same {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it was changed in the meantime"));
        }
        Ok(now.bytes - before)
    }

    /// Reads all of it, to know what it is.
    fn survey(&mut self) -> io::Result<()> {
        let mut scratch = Vec::new();
        while !self.is_over && self.encoder.summary.line_too_long.is_none() {
            self.step(&mut scratch)?;
            scratch.clear();
        }
        self.summary = self.encoder.summary;
        self.encoder = Encoder::default();
        self.is_over = false;
        self.file.rewind()
    }

    fn step(&mut self, wire: &mut Vec<u8>) -> io::Result<()> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        self.is_over = (&self.file).take(PIECE_BYTES as u64).read_to_end(&mut piece)? == 0;
        self.encoder.push(&piece, wire);
        if self.is_over {
            self.encoder.finish(wire);
        }
        Ok(())
    }
}

fn spooled(mut from: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut from, &mut file)?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{Encoder, Message, Summary};

    fn encode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Summary) {
        let (mut encoder, mut wire) = (Encoder::default(), Vec::new());
        for piece in pieces {
            encoder.push(piece, &mut wire);
        }
        encoder.finish(&mut wire);
        (wire, encoder.summary())
    }

    #[test]
    fn line_ends_and_dots_however_the_text_is_cut() {
        let check = |text: &[u8], expected: &[u8]| {
            let whole = encode([text]);
            assert_eq!(whole.0, expected, "{}", text.escape_ascii());
            assert_eq!(encode(text.chunks(1)), whole, "byte by byte");
        };
        check(b"", b"");
        check(b"a", b"a\r\n");
        check(b"a\nb\r\nc\rd", b"a\r\nb\r\nc\r\nd\r\n");
        check(b"\n\n", b"\r\n\r\n");
        check(b"\r\n\r\n", b"\r\n\r\n");
        check(b"\r\r\n\n", b"\r\n\r\n\r\n");
        check(b".", b"..\r\n");
        check(b".\n..\na.\n", b"..\r\n...\r\na.\r\n");
        check(b"a\r.\r", b"a\r\n..\r\n");
    }

    #[test]
    fn a_summary_says_what_matters() {
        let check = |text: &[u8], bytes, has_8bit, line_too_long| {
            let expected = Summary { bytes, has_8bit, line_too_long };
            assert_eq!(encode([text]).1, expected, "{}", text.escape_ascii());
        };
        check(b"", 0, false, None);
        check(b".\n", 3, false, None);
        check("\u{e4}".as_bytes(), 4, true, None);
        check(&[b'x'; 998], 1_000, false, None);
        check(&[b'x'; 999], 1_001, false, Some(1));
        check(&[b"a\n", &[b'.'; 999][..]].concat(), 1_004, false, Some(2));
    }

    #[test]
    fn a_file_that_changes_is_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message");
        let mut wire = Vec::new();
        for (changed, is_same) in [("one\n", true), ("ones\n", false), ("one\ntwo\n", false), ("", false)] {
            std::fs::write(&path, "one\n").unwrap();
            let mut message = Message::open(&path).unwrap();
            std::fs::write(&path, changed).unwrap();
            let sent =
                std::iter::from_fn(|| Some(message.next_piece(&mut wire)).filter(|n| !matches!(n, Ok(0))));
            assert_eq!(
                sent.take(3).all(|n| n.is_ok()) && message.next_piece(&mut wire).is_ok(),
                is_same,
                "{changed:?}"
            );
        }
    }
}
