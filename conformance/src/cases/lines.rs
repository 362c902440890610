//! Lines: every rule, as rows, with the input in one piece, cut in two at every byte, and byte by byte.

use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::Peer;
use crate::steps::lockstep;
use asyncnet_driver::{
    Ending, Endings, Error, LastLine, Limits, LinePolicy, Overlong, RecvError, Stream, Transport,
};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new(
            "lines::terminators",
            "LF ends a line, with at most one CR before it; a lone CR is data",
            |at| Box::pin(rows(at, TERMINATORS)),
        ),
        Case::new(
            "lines::limit",
            "a line of exactly the limit passes, one byte more is LineTooLong, once",
            |at| Box::pin(rows(at, LIMIT)),
        ),
        Case::new(
            "lines::discard_budget",
            "an over-long line is dropped within a budget; a spent one is fatal",
            |at| Box::pin(rows(at, BUDGET)),
        ),
        Case::new("lines::truncate", "a truncated line says so, and its tail is dropped", |at| {
            Box::pin(rows(at, TRUNCATE))
        }),
        Case::new("lines::fail", "an over-long line can be fatal at once, and stays so", |at| {
            Box::pin(rows(at, FATAL_ROWS))
        }),
        Case::new("lines::crlf_only", "CrLfOnly refuses a bare LF and a bare CR", |at| {
            Box::pin(rows(at, STRICT))
        }),
        Case::new("lines::last_line", "an unterminated last line is Incomplete, or accepted", |at| {
            Box::pin(rows(at, LAST))
        }),
        Case::new("lines::tail_never_served", "no call serves the tail of an over-long line", |at| {
            Box::pin(tail_never_served(at))
        }),
        Case::new("lines::limit_per_call", "a limit that changes between calls keeps the place", |at| {
            Box::pin(limit_per_call(at))
        }),
        Case::new("lines::into", "recv_line_into clears first, and leaves nothing stale at the end", |at| {
            Box::pin(into(at))
        }),
        Case::new("lines::owned", "an owned line stays as it was while others are received", |at| {
            Box::pin(owned(at))
        }),
        Case::new("lines::try_line", "try_line gives whole lines that are here, and does not wait", |at| {
            Box::pin(try_line(at))
        }),
        Case::new("lines::long", "a line of the default limit, 1 000 000 bytes, passes", |at| {
            Box::pin(long(at))
        }),
    ]
}

/// What a reader of lines sees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen<S> {
    Line(S, Ending),
    Error(RecvError),
    /// What was left after an [`RecvError::Incomplete`], taken as bytes.
    Taken(S),
    End,
}

impl Seen<&str> {
    fn owned(self) -> Seen<String> {
        match self {
            Line(text, ending) => Line(text.to_owned(), ending),
            Fail(error) => Fail(error),
            Taken(text) => Taken(text.to_owned()),
            End => End,
        }
    }
}

/// An input, the rules, the discard budget, and what is to be seen.
struct Row {
    input: &'static str,
    policy: LinePolicy,
    budget: usize,
    expected: &'static [Seen<&'static str>],
}

const fn row(input: &'static str, policy: LinePolicy, expected: &'static [Seen<&'static str>]) -> Row {
    Row { input, policy, budget: 8 << 20, expected }
}

const fn row_within(
    budget: usize,
    input: &'static str,
    policy: LinePolicy,
    expected: &'static [Seen<&'static str>],
) -> Row {
    Row { input, policy, budget, expected }
}

use Ending::{CrLf, Cut, Lf, Missing};
use Seen::{End, Error as Fail, Line, Taken};

const FIVE: LinePolicy = LinePolicy::new(5);
const ZERO: LinePolicy = LinePolicy::new(0);
const CRLF: LinePolicy = FIVE.endings(Endings::CrLfOnly);
const ACCEPT: LinePolicy = FIVE.last(LastLine::Accept);
const CUT: LinePolicy = FIVE.overlong(Overlong::Truncate);
const FATAL: LinePolicy = FIVE.overlong(Overlong::Fail);
const TOO_LONG: Seen<&str> = Fail(RecvError::LineTooLong { limit: 5 });

const TERMINATORS: &[Row] = &[
    row("", FIVE, &[End]),
    row("\n", FIVE, &[Line("", Lf), End]),
    row("\r\n\r\n\n", FIVE, &[Line("", CrLf), Line("", CrLf), Line("", Lf), End]),
    row("a\r\nb\n", FIVE, &[Line("a", CrLf), Line("b", Lf), End]),
    row("ab\rcd\r\nef\r\n", FIVE, &[Line("ab\rcd", CrLf), Line("ef", CrLf), End]),
    row("\rXY\r\n", FIVE, &[Line("\rXY", CrLf), End]),
    row("ab\r\r\ncd\r\n", FIVE, &[Line("ab\r", CrLf), Line("cd", CrLf), End]),
    row("\r\r\r\r\ncd\n", FIVE, &[Line("\r\r\r", CrLf), Line("cd", Lf), End]),
    row("a\0b\n", FIVE, &[Line("a\0b", Lf), End]),
];

const LIMIT: &[Row] = &[
    row("12345\nx\n", FIVE, &[Line("12345", Lf), Line("x", Lf), End]),
    row("12345\r\nx\n", FIVE, &[Line("12345", CrLf), Line("x", Lf), End]),
    row("123456\nx\n", FIVE, &[TOO_LONG, Line("x", Lf), End]),
    row("123456\r\n", FIVE, &[TOO_LONG, End]),
    row("12345\r\r\nx\n", FIVE, &[TOO_LONG, Line("x", Lf), End]),
    row("12345\rX\nx\n", FIVE, &[TOO_LONG, Line("x", Lf), End]),
    row("AAAAAAQUIT\r\nnext\r\n", FIVE, &[TOO_LONG, Line("next", CrLf), End]),
    row("1234567890123\n123456\nok\n", FIVE, &[TOO_LONG, TOO_LONG, Line("ok", Lf), End]),
    row("1234567", FIVE, &[TOO_LONG, End]),
    row("\r\na\n\n", ZERO, &[Line("", CrLf), Fail(RecvError::LineTooLong { limit: 0 }), Line("", Lf), End]),
];

const BUDGET: &[Row] = &[
    row_within(4, "123456789\nok\n", FIVE, &[TOO_LONG, Line("ok", Lf), End]),
    row_within(3, "123456789\nok\n", FIVE, &[TOO_LONG, Fail(RecvError::DiscardSpent { budget: 3 })]),
    row_within(3, "123456789", FIVE, &[TOO_LONG, End]),
    row_within(0, "123456\n", FIVE, &[TOO_LONG, Fail(RecvError::DiscardSpent { budget: 0 })]),
    row_within(3, "123456789\n", CUT, &[Line("12345", Cut), Fail(RecvError::DiscardSpent { budget: 3 })]),
];

const TRUNCATE: &[Row] = &[
    row("1234567\r\nok\n", CUT, &[Line("12345", Cut), Line("ok", Lf), End]),
    row("12345\r\n", CUT, &[Line("12345", CrLf), End]),
    row("12345\r\r\nok\n", CUT, &[Line("12345", Cut), Line("ok", Lf), End]),
    row("123456", CUT, &[Line("12345", Cut), End]),
];

const FATAL_ROWS: &[Row] =
    &[row("ok\n123456\nx\n", FATAL, &[Line("ok", Lf), Fail(RecvError::LineTooLongFatal { limit: 5 })])];

const STRICT: &[Row] = &[
    row("a\r\n\r\n", CRLF, &[Line("a", CrLf), Line("", CrLf), End]),
    row("a\r\nbc\nd\r\n", CRLF, &[Line("a", CrLf), Fail(RecvError::BareLf { at: 2 })]),
    row("a\rb\r\n", CRLF, &[Fail(RecvError::BareCr { at: 1 })]),
    row("a\r\r\n", CRLF, &[Fail(RecvError::BareCr { at: 1 })]),
    row("\n", CRLF, &[Fail(RecvError::BareLf { at: 0 })]),
    row("12345\r\n123456\nx\r\nok\r\n", CRLF, &[Line("12345", CrLf), TOO_LONG, Line("ok", CrLf), End]),
    row("123456\r\r\nok\r\n", CRLF, &[TOO_LONG, Line("ok", CrLf), End]),
];

const LAST: &[Row] = &[
    row("ok\npart", FIVE, &[Line("ok", Lf), Fail(RecvError::Incomplete { len: 4 }), Taken("part"), End]),
    row("ab\r", FIVE, &[Fail(RecvError::Incomplete { len: 3 }), Taken("ab\r"), End]),
    row("ok\npart", ACCEPT, &[Line("ok", Lf), Line("part", Missing), End]),
    row("ab\r", ACCEPT, &[Line("ab\r", Missing), End]),
    row("12345\r", ACCEPT, &[TOO_LONG, End]),
];

async fn rows<F: Fixture>(at: &F, rows: &[Row]) -> Verdict {
    for row in rows {
        let bytes = row.input.as_bytes();
        // No chunk is empty: an empty input is the end alone.
        let mut ways: Vec<Vec<&[u8]>> = vec![bytes.chunks(100).collect(), bytes.chunks(1).collect()];
        ways.extend((1..bytes.len()).map(|cut| vec![&bytes[..cut], &bytes[cut..]]));
        for pieces in ways {
            one_way(at, row, &pieces).await?;
        }
    }
    Ok(())
}

async fn one_way<F: Fixture>(at: &F, row: &Row, pieces: &[&[u8]]) -> Verdict {
    let what = format!("{:?} in {} pieces, the first {:?}", row.input, pieces.len(), pieces.first());
    let mut limits = Limits::default();
    limits.discard_bytes_max = row.budget;
    let (mut stream, mut peer) = at.pair_with(limits).await?;
    stream.set_line_policy(row.policy);
    let mut pieces = pieces.iter();
    for expected in row.expected {
        let seen = lockstep(see(&mut stream, matches!(expected, Taken(_))), || {
            write_next(&mut *peer, &mut pieces);
        });
        ensure_eq(&seen.await?, &expected.owned(), &what)?;
    }
    // Ends and fatal errors stay.
    let last = row.expected.last().copied().unwrap_or(End);
    ensure_eq(&see(&mut stream, false).await?, &last.owned(), format!("{what}, once more"))
}

/// Writes the next piece, or the end behind the last. A write that fails shows in what the stream sees.
fn write_next<'a>(peer: &mut dyn Peer, pieces: &mut impl Iterator<Item = &'a &'a [u8]>) {
    let written = match pieces.next() {
        Some(piece) => peer.write_all(piece),
        None => peer.shutdown_write(),
    };
    written.ok();
}

async fn see<T: Transport>(stream: &mut Stream<T>, take: bool) -> Result<Seen<String>, Stop> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if take {
        return Ok(Taken(text(&stream.recv_owned(100).await?)));
    }
    match stream.recv_line().await {
        Ok(Some(line)) => Ok(Line(text(line.as_bytes()), line.ending())),
        Ok(None) => Ok(End),
        Err(Error::Recv(error)) => Ok(Fail(error)),
        Err(error) => Err(error.into()),
    }
}

async fn tail_never_served<F: Fixture>(at: &F) -> Verdict {
    const CALLS: [&str; 7] =
        ["recv", "recv_owned", "recv_exact", "recv_full", "recv_until", "recv_to_end", "peek"];
    for call in CALLS {
        let (mut stream, mut peer) = at.pair().await?;
        peer.write_all(b"1234567")?;
        let error = ensure_err(stream.recv_line_with(FIVE).await, "a line of 7 bytes under a limit of 5")?;
        ensure(error.is_line_too_long(), format!("{error:?}"))?;
        let mut peer = Some(peer);
        // The rest comes while the call waits: first more of the tail, then its end and what follows.
        let mut pieces = [&b"89"[..], b"0\nok;"].into_iter();
        let got = lockstep(receive(&mut stream, call), || match pieces.next() {
            Some(piece) => drop(peer.as_mut().map(|peer| peer.write_all(piece))),
            None => drop(peer.take()),
        })
        .await?;
        let expected = if call == "recv_until" { &b"ok"[..] } else { b"ok;" };
        ensure_eq(&got[..], expected, call)?;
    }
    Ok(())
}

async fn receive<T: Transport>(stream: &mut Stream<T>, call: &str) -> Result<Vec<u8>, Stop> {
    let mut buf = vec![0; 3];
    match call {
        "recv" => {
            let n = stream.recv(&mut buf).await?;
            buf.truncate(n);
        }
        "recv_owned" => buf = stream.recv_owned(100).await?.to_vec(),
        "recv_exact" => stream.recv_exact(&mut buf).await?,
        "recv_full" => {
            let n = stream.recv_full(&mut buf).await?;
            buf.truncate(n);
        }
        "recv_until" => buf = stream.recv_until(b";", 100).await?.unwrap_or_default().to_vec(),
        "recv_to_end" => {
            buf.clear();
            stream.recv_to_end(&mut buf, 100).await?;
        }
        "peek" => buf = stream.peek().await?.to_vec(),
        other => return Err(Stop::Failed(format!("no call is named {other}"))),
    }
    Ok(buf)
}

async fn limit_per_call<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"twelve bytes")?;
    stream.peek_at_least(12).await?;
    let waits = crate::steps::drop_after(1, stream.recv_line_with(LinePolicy::new(100)), || ()).await;
    ensure(waits.is_none(), "half a line does not complete")?;
    let error = ensure_err(stream.recv_line_with(LinePolicy::new(10)).await, "12 bytes under a limit of 10")?;
    ensure(error.is_line_too_long(), format!("{error:?}"))?;
    peer.write_all(b" and more\nnext\n")?;
    let line = stream.recv_line_with(LinePolicy::new(100)).await?;
    ensure(line.is_some_and(|line| line == "next"), "the line behind the dropped one")
}

async fn into<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"one\n\n")?;
    peer.shutdown_write()?;
    let mut line = b"stale".to_vec();
    ensure_eq(&stream.recv_line_into(&mut line).await?, &Some(Lf), "the first line")?;
    ensure_eq(&line[..], b"one", "the first line")?;
    ensure_eq(&stream.recv_line_into(&mut line).await?, &Some(Lf), "an empty line is a line")?;
    ensure(line.is_empty(), "an empty line is empty")?;
    for _ in 0..2 {
        line = b"stale".to_vec();
        ensure_eq(&stream.recv_line_into(&mut line).await?, &None, "the end")?;
        ensure(line.is_empty(), "nothing stale is left at the end")?;
    }
    Ok(())
}

async fn owned<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    // Long enough to be given without a copy, and short ones that are copied.
    let texts: Vec<Vec<u8>> = (b'a'..=b'z').map(|byte| vec![byte; usize::from(byte - b'a') * 300]).collect();
    let sender = std::thread::spawn(move || {
        texts.iter().try_for_each(|text| peer.write_all(text).and_then(|()| peer.write_all(b"\n")))
    });
    let mut kept = Vec::new();
    while let Some(line) = stream.recv_line_owned().await? {
        kept.push(line.into_inner());
    }
    sender.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
    ensure_eq(&kept.len(), &26, "lines")?;
    for (byte, text) in (b'a'..).zip(&kept) {
        ensure_eq(&text.len(), &(usize::from(byte - b'a') * 300), "the length of a kept line")?;
        ensure(text.iter().all(|b| *b == byte), "a kept line has changed")?;
    }
    Ok(())
}

async fn try_line<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    ensure(stream.try_line()?.is_none(), "nothing came yet")?;
    peer.write_all(b"one\ntwo\nthr")?;
    stream.peek_at_least(11).await?;
    ensure(stream.try_line()?.is_some_and(|line| line == "one"), "the first line is here")?;
    ensure(stream.try_line()?.is_some_and(|line| line == "two"), "the second line is here")?;
    ensure(stream.try_line()?.is_none(), "half a line is none")?;
    ensure_eq(&stream.received_len(), &3, "half a line stays")?;
    peer.write_all(b"ee\n")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "three"), "the line was completed")?;
    peer.write_all(b"four\nfive\n")?;
    stream.peek_at_least(10).await?;
    let error = ensure_err(stream.try_line_with(LinePolicy::new(3)), "a line of 4 bytes under a limit of 3")?;
    ensure(error.is_line_too_long(), format!("{error:?}"))?;
    ensure(stream.try_line_with(LinePolicy::new(4))?.is_some_and(|line| line == "five"), "one of the limit")
}

async fn long<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let sender = std::thread::spawn(move || {
        peer.write_all(&vec![b'x'; 1_000_000])?;
        peer.write_all(b"\r\n")?;
        peer.write_all(&vec![b'y'; 1_000_001])?;
        peer.write_all(b"\nok\n")
    });
    let line = stream.recv_line().await?.map(|line| line.as_bytes().len());
    ensure_eq(&line, &Some(1_000_000), "a line of the limit")?;
    let error = ensure_err(stream.recv_line().await, "a line of one byte more")?;
    ensure(error.is_line_too_long(), format!("{error:?}"))?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "ok"), "the line behind it")?;
    sender.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
    Ok(())
}
