//! Text that comes in chunks is split into lines: this project's receiving half, and six others.
//!
//! Every subject takes each chunk from the same memory and copies it into a buffer of its own, as it would from a
//! socket, but for `memchr_iter`, which is the scan alone, over the text where it lies.

use super::{Group, Subject};
use asyncnet_core::{Incoming, Limits, LinePolicy, Search};
use bstr::io::BufReadExt;
use bytes::BytesMut;
use memchr::memchr_iter;
use smol::io::AsyncBufReadExt as _;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Read};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::AsyncBufReadExt as _;
use tokio_util::codec::{Decoder, LinesCodec};

/// How many bytes of text a pass has.
const TEXT_BYTES: usize = 1 << 20;

/// What is split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    /// How many bytes a line has, without its terminator.
    line: usize,
    /// Whether lines end with CR LF, or with LF alone.
    crlf: bool,
    /// How many bytes come at once.
    chunk: usize,
}

impl Text {
    /// All kinds: lines of 16, 80 and 1000 bytes, with both terminators, in chunks of 8 and 64 KiB; and one line of 1 MiB, in
    /// chunks of 1 KiB, which costs many times as much where bytes are looked at again.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for chunk in [8 << 10, 64 << 10] {
            for crlf in [false, true] {
                all.extend([16, 80, 1_000].map(|line| Self { line, crlf, chunk }));
            }
        }
        all.push(Self { line: TEXT_BYTES - 1, crlf: false, chunk: 1 << 10 });
        all
    }

    pub(super) fn name(self) -> String {
        let end = if self.crlf { "CR LF" } else { "LF" };
        format!("split, {} B, {end}, {} KiB", self.line, self.chunk >> 10)
    }

    fn bytes(self) -> Vec<u8> {
        let letters = (b'a'..=b'z').cycle().take(self.line);
        let end: &[u8] = if self.crlf { b"\r\n" } else { b"\n" };
        let line: Vec<u8> = letters.chain(end.iter().copied()).collect();
        line.iter().copied().cycle().take(TEXT_BYTES / line.len() * line.len()).collect()
    }
}

/// Those that split such text, the scan alone first.
pub(super) fn splitters(text: Text) -> Group {
    let bytes: Rc<[u8]> = text.bytes().into();
    let lines = memchr_iter(b'\n', &bytes).count();
    let with = |make: fn(Rc<[u8]>, usize) -> Subject| make(Rc::clone(&bytes), text.chunk);
    let subjects = [scan, core, std, bstr, tokio, codec, futures_lite].map(with).into();
    Group { name: text.name(), units: lines as u64, unit: "line", subjects }
}

fn scan(text: Rc<[u8]>, _: usize) -> Subject {
    Subject::new("memchr_iter", move || {
        let mut start = 0;
        let mut seen = 0;
        for at in memchr_iter(b'\n', &text) {
            seen += see(&text[start..at]);
            start = at + 1;
        }
        Ok(seen)
    })
}

fn core(text: Rc<[u8]>, chunk: usize) -> Subject {
    let mut incoming = Incoming::new(&Limits::default());
    let policy = LinePolicy::new(TEXT_BYTES);
    Subject::new("asyncnet", move || {
        let mut seen = 0;
        for mut rest in text.chunks(chunk) {
            while !rest.is_empty() {
                let space = incoming.wire_space();
                let n = space.len().min(rest.len());
                space[..n].copy_from_slice(&rest[..n]);
                incoming.wire_filled(n);
                rest = &rest[n..];
                while let Search::Found(span) = incoming.find_line(policy)? {
                    seen += see(incoming.take_line(span));
                }
            }
        }
        Ok(seen)
    })
}

fn std(text: Rc<[u8]>, chunk: usize) -> Subject {
    let mut line = Vec::new();
    Subject::new("std read_until", move || {
        let mut reader = BufReader::with_capacity(chunk, &text[..]);
        let mut seen = 0;
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                return Ok(seen);
            }
            seen += see(without_end(&line));
        }
    })
}

fn bstr(text: Rc<[u8]>, chunk: usize) -> Subject {
    Subject::new("bstr for_byte_line", move || {
        let mut seen = 0;
        BufReader::with_capacity(chunk, &text[..]).for_byte_line(|line| {
            seen += see(line);
            Ok(true)
        })?;
        Ok(seen)
    })
}

fn tokio(text: Rc<[u8]>, chunk: usize) -> Subject {
    let mut line = Vec::new();
    Subject::new("tokio read_until", move || {
        let mut reader = tokio::io::BufReader::with_capacity(chunk, &text[..]);
        smol::future::block_on(async {
            let mut seen = 0;
            loop {
                line.clear();
                if reader.read_until(b'\n', &mut line).await? == 0 {
                    return Ok(seen);
                }
                seen += see(without_end(&line));
            }
        })
    })
}

fn codec(text: Rc<[u8]>, chunk: usize) -> Subject {
    let (mut codec, mut buffer) = (LinesCodec::new(), BytesMut::new());
    Subject::new("LinesCodec", move || {
        let mut seen = 0;
        for chunk in text.chunks(chunk) {
            buffer.extend_from_slice(chunk);
            while let Some(line) = codec.decode(&mut buffer)? {
                seen += see(line.as_bytes());
            }
        }
        Ok(seen)
    })
}

fn futures_lite(text: Rc<[u8]>, chunk: usize) -> Subject {
    let mut line = Vec::new();
    Subject::new("futures-lite read_until", move || {
        let mut reader = smol::io::BufReader::with_capacity(chunk, Slice(&text));
        smol::future::block_on(async {
            let mut seen = 0;
            loop {
                line.clear();
                if reader.read_until(b'\n', &mut line).await? == 0 {
                    return Ok(seen);
                }
                seen += see(without_end(&line));
            }
        })
    })
}

/// Text in memory, which futures-lite reads as it would a socket.
struct Slice<'a>(&'a [u8]);

impl smol::io::AsyncRead for Slice<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.read(buf))
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Uses a line as little as can be.
fn see(line: &[u8]) -> usize {
    black_box(line).len()
}

#[cfg(test)]
mod tests {
    use super::{Text, splitters};

    #[test]
    fn all_see_the_same_lines() {
        for text in Text::all() {
            let mut group = splitters(text);
            let lines = usize::try_from(group.units).unwrap();
            let expected = lines * text.line;
            // The scan alone leaves the CR where it is.
            let with_cr = lines * (text.line + usize::from(text.crlf));
            for subject in &mut group.subjects {
                let expected = if subject.name == "memchr_iter" { with_cr } else { expected };
                for _ in 0..2 {
                    assert_eq!((subject.pass)().unwrap(), expected, "{} {}", group.name, subject.name);
                }
            }
        }
    }
}
