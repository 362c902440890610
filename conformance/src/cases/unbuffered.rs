//! Streams that read nothing ahead: what a receive did not ask for stays in the kernel, for whoever has the socket next.
//!
//! What the kernel still has is read from the transport itself, past the stream.

use crate::adapter::{Fixture, reset};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::peer::Peer;
use crate::steps::{drop_after, drop_and_go_on, lockstep};
use asyncnet_core::tls::StartTls;
use asyncnet_driver::{
    Endings, Error, Fill, IntoUnbufferedFault, LastLine, Limits, LinePolicy, Overlong, PeekTransport,
    ReadTransport, RecvError, Stream, Timer, Transport, Unbuffered, WriteTransport,
};
use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// For every fixture whose transport can be looked at.
pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>>
where
    F::Transport: PeekTransport,
{
    vec![
        Case::new("unbuffered::line", "a line is taken through its LF, and no byte behind it", |at| {
            Box::pin(line(at))
        }),
        Case::new(
            "unbuffered::cuts",
            "lines are the same as on a stream that reads ahead, however they are cut",
            |at| Box::pin(cuts(at)),
        ),
        Case::new("unbuffered::half_line", "waiting for the rest of a line does not spin", |at| {
            Box::pin(half_line(at))
        }),
        Case::new("unbuffered::long_line", "an over-long line is dropped through its LF, no further", |at| {
            Box::pin(long_line(at))
        }),
        Case::new("unbuffered::bytes", "a receive of n bytes takes no more than n", |at| Box::pin(bytes(at))),
        Case::new("unbuffered::until", "a delimiter is the last that is taken, at every cut", |at| {
            Box::pin(until(at))
        }),
        Case::new("unbuffered::dropped", "a receive that is dropped at any cut loses nothing", |at| {
            Box::pin(dropped(at))
        }),
        Case::new("unbuffered::ends", "ends, broken lines and resets are those of a stream", |at| {
            Box::pin(ends(at))
        }),
        Case::new("unbuffered::peek", "peek waits for a byte and leaves all in the kernel", |at| {
            Box::pin(peek(at))
        }),
        Case::new("unbuffered::queued", "what is queued goes out before a receive waits", |at| {
            Box::pin(queued(at))
        }),
        Case::new(
            "unbuffered::refused",
            "a stream is refused while TLS is on, bytes are read ahead, or it is closed",
            |at| Box::pin(refused(at)),
        ),
        Case::new("unbuffered::back", "back to reading ahead, in the middle of a line", |at| {
            Box::pin(back(at))
        }),
    ]
}

async fn pair_with<F: Fixture>(
    at: &F,
    limits: Limits,
) -> Result<(Unbuffered<F::Transport>, Box<dyn Peer>), Stop>
where
    F::Transport: PeekTransport,
{
    let (stream, peer) = at.pair_with(limits).await?;
    Ok((unbuffered(stream)?, peer))
}

async fn pair<F: Fixture>(at: &F) -> Result<(Unbuffered<F::Transport>, Box<dyn Peer>), Stop>
where
    F::Transport: PeekTransport,
{
    pair_with(at, Limits::default()).await
}

pub(super) fn unbuffered<T: Transport + PeekTransport>(stream: Stream<T>) -> Result<Unbuffered<T>, Stop> {
    stream.into_unbuffered().map_err(|refused| Stop::Failed(refused.to_string()))
}

/// That nothing waits in the stream, and that the kernel has this, and then the end.
async fn ensure_left<T: Transport + PeekTransport>(
    stream: Unbuffered<T>,
    mut peer: Box<dyn Peer>,
    expected: &[u8],
    what: &str,
) -> Verdict {
    peer.shutdown_write()?;
    let parts = stream.into_parts();
    ensure(parts.received.is_empty(), format!("{what}: {:?} was taken too", parts.received))?;
    let Some(mut transport) = parts.transport else { return Err(Stop::Failed("no transport".to_owned())) };
    let (mut left, mut buf) = (Vec::new(), [0; 64]);
    loop {
        match poll_fn(|cx| transport.poll_read(cx, &mut buf)).await? {
            0 => return ensure_eq(&left[..], expected, format!("{what}: what is left in the kernel")),
            n => left.extend_from_slice(&buf[..n]),
        }
    }
}

async fn line<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    for call in ["recv_line", "recv_line_into", "recv_line_owned"] {
        for (sent, left) in [("one\ntwo\nrest", "two\nrest"), ("one\r\n\r\n", "\r\n"), ("one\n", "")] {
            let (mut stream, mut peer) = pair(at).await?;
            peer.write_all(sent.as_bytes())?;
            let seen = match call {
                "recv_line" => stream.recv_line().await?.is_some_and(|line| line == "one"),
                "recv_line_owned" => stream.recv_line_owned().await?.is_some_and(|line| line == "one"),
                _ => {
                    let mut line = b"stale".to_vec();
                    stream.recv_line_into(&mut line).await?.is_some() && line == b"one"
                }
            };
            ensure(seen, format!("{call}: the line of {sent:?}"))?;
            ensure_left(stream, peer, left.as_bytes(), call).await?;
        }
    }
    Ok(())
}

/// All that a reader of lines sees, to the end or the first error that stays.
async fn see_all<T: Transport + PeekTransport>(
    stream: &mut Unbuffered<T>,
    mut next: impl FnMut(),
) -> Result<Vec<String>, Stop> {
    let mut seen = Vec::new();
    for _ in 0..20 {
        let line = lockstep(stream.recv_line_owned(), &mut next).await;
        match line {
            Ok(Some(line)) => seen.push(format!("{:?}", line.into_inner())),
            Ok(None) => {
                seen.push("end".to_owned());
                break;
            }
            Err(Error::Recv(error)) => seen.push(format!("{error:?}")),
            Err(error) => return Err(error.into()),
        }
        if seen.len() > 1
            && seen.last().is_some_and(|last| !last.starts_with('"') && last == &seen[seen.len() - 2])
        {
            break;
        }
    }
    Ok(seen)
}

async fn cuts<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    const FIVE: LinePolicy = LinePolicy::new(5);
    let inputs: [(&[u8], LinePolicy); 6] = [
        (b"one\r\n\r\na\rb\ntwo\n", FIVE),
        (b"ok\n123456\nx\n", FIVE),
        (b"1234567\r\nok\n", FIVE.overlong(Overlong::Truncate)),
        (b"a\r\nbc\nd\r\n", FIVE.endings(Endings::CrLfOnly)),
        (b"12345\r\n123456\nx\r\nok\r\n", FIVE.endings(Endings::CrLfOnly)),
        (b"ok\npart", FIVE.last(LastLine::Accept)),
    ];
    for (input, policy) in inputs {
        let mut first = None;
        let mut ways: Vec<Vec<&[u8]>> = vec![vec![input], input.chunks(1).collect()];
        ways.extend((1..input.len()).map(|cut| vec![&input[..cut], &input[cut..]]));
        for pieces in ways {
            let (mut stream, mut peer) = pair(at).await?;
            stream.set_line_policy(policy);
            let mut left = pieces.iter();
            let seen = see_all(&mut stream, || match left.next() {
                Some(piece) => drop(peer.write_all(piece)),
                None => drop(peer.shutdown_write()),
            })
            .await?;
            // What a stream that reads ahead sees of the whole.
            if first.is_none() {
                let (stream, mut peer) = at.pair().await?;
                peer.write_all(input)?;
                peer.shutdown_write()?;
                first = Some(see_ahead(stream, policy).await?);
            }
            ensure_eq(&Some(seen), &first, format!("{input:?} as {pieces:?}"))?;
        }
    }
    Ok(())
}

/// As [`see_all`], on a stream that reads ahead.
async fn see_ahead<T: Transport>(mut stream: Stream<T>, policy: LinePolicy) -> Result<Vec<String>, Stop> {
    stream.set_line_policy(policy);
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..20 {
        match stream.recv_line_owned().await {
            Ok(Some(line)) => seen.push(format!("{:?}", line.into_inner())),
            Ok(None) => {
                seen.push("end".to_owned());
                break;
            }
            Err(Error::Recv(error)) => seen.push(format!("{error:?}")),
            Err(error) => return Err(error.into()),
        }
        if seen.len() > 1
            && seen.last().is_some_and(|last| !last.starts_with('"') && last == &seen[seen.len() - 2])
        {
            break;
        }
    }
    Ok(seen)
}

/// A transport that counts how often it is asked for bytes.
pub(super) struct Counted<T> {
    inner: T,
    calls: Rc<Cell<usize>>,
}

impl<T> Counted<T> {
    pub(super) fn new(inner: T, calls: &Rc<Cell<usize>>) -> Self {
        Self { inner, calls: Rc::clone(calls) }
    }
}

impl<T: Timer> Timer for Counted<T> {
    fn now(&self) -> Duration {
        self.inner.now()
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
        self.inner.poll_until(cx, at)
    }
}

impl<T: ReadTransport> ReadTransport for Counted<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.calls.set(self.calls.get() + 1);
        self.inner.poll_read(cx, buf)
    }
}

impl<T: PeekTransport> PeekTransport for Counted<T> {
    fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.calls.set(self.calls.get() + 1);
        self.inner.poll_peek(cx, buf)
    }
}

impl<T: WriteTransport> WriteTransport for Counted<T> {
    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.inner.poll_write_vectored(cx, bufs)
    }

    fn poll_shutdown_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.poll_shutdown_write(cx)
    }
}

impl<T: Transport> Transport for Counted<T> {
    fn abort(&mut self) {
        self.inner.abort();
    }
}

async fn half_line<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let (stream, mut peer) = at.pair().await?;
    let Some(inner) = stream.into_parts().transport else {
        return Err(Stop::Failed("no transport".to_owned()));
    };
    let calls = Rc::new(Cell::new(0));
    let mut stream = unbuffered(Stream::new(Counted::new(inner, &calls)))?;
    peer.write_all(b"half a ")?;
    let mut pieces = [&b"line, "[..], b"and ", b"its end\nnext\n"].into_iter();
    let line = lockstep(stream.recv_line(), || drop(pieces.next().map(|piece| peer.write_all(piece))));
    ensure(line.await?.is_some_and(|line| line == "half a line, and its end"), "the line")?;
    // For each of the four pieces a peek, a read, and a peek that has to wait. A wait may end early, once each: one more.
    let count = calls.get();
    ensure(count <= 16, format!("{count} calls for a line of four pieces"))?;
    calls.set(0);
    ensure(stream.recv_line().await?.is_some_and(|line| line == "next"), "the next line")?;
    ensure_eq(&calls.get(), &2, "a line that is there is a peek and a read")
}

async fn long_line<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let mut limits = Limits::default();
    limits.line_bytes_max = 5;
    for call in ["recv_line", "recv_exact", "recv_until", "recv", "peek"] {
        let (mut stream, mut peer) = pair_with(at, limits).await?;
        let long = [b"x".repeat(10_000), b"\n".to_vec()].concat();
        peer.write_all(&long)?;
        peer.write_all(b"ok\nrest")?;
        let error = ensure_err(stream.recv_line().await, "10 000 bytes under a limit of 5")?;
        ensure(error.is_line_too_long(), format!("{error:?}"))?;
        let mut two = [0; 2];
        let (seen, left) = match call {
            "recv_line" => (stream.recv_line().await?.is_some_and(|line| line == "ok"), &b"rest"[..]),
            "recv_exact" => {
                stream.recv_exact(&mut two).await?;
                (&two == b"ok", &b"\nrest"[..])
            }
            "recv_until" => {
                (stream.recv_until(b"\n", 9).await?.is_some_and(|text| text == b"ok"), &b"rest"[..])
            }
            "recv" => (stream.recv(&mut two).await? > 0 && two.starts_with(b"o"), &b"\nrest"[..]),
            _ => (stream.peek(&mut two).await? > 0 && two.starts_with(b"o"), &b"ok\nrest"[..]),
        };
        ensure(seen, format!("{call}: what comes behind the long line"))?;
        ensure_left(stream, peer, left, call).await?;
    }
    Ok(())
}

async fn bytes<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let sent: Vec<u8> = (0..20_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    // Less than the stream's buffer, and more.
    for n in [1, 4, 4_096, 9_999] {
        for call in ["recv", "recv_owned", "recv_exact", "recv_full", "recv_exact_into"] {
            let (mut stream, mut peer) = pair(at).await?;
            peer.write_all(&sent)?;
            let mut got = vec![0; n];
            let len = match call {
                "recv" => stream.recv(&mut got).await?,
                "recv_owned" => {
                    let owned = stream.recv_owned(n).await?;
                    got[..owned.len()].copy_from_slice(&owned);
                    owned.len()
                }
                "recv_exact" => stream.recv_exact(&mut got).await.map(|()| n)?,
                "recv_full" => stream.recv_full(&mut got).await?,
                _ => stream.recv_exact_into(&mut Fill::new(&mut got)).await.map(|()| n)?,
            };
            let what = format!("{call} of {n}");
            ensure(
                len > 0 && (len == n || call.len() < 11 && call != "recv_exact" && call != "recv_full"),
                &what,
            )?;
            ensure(got[..len] == sent[..len], format!("{what}: the bytes"))?;
            ensure_left(stream, peer, &sent[len..], &what).await?;
        }
    }
    Ok(())
}

async fn until<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let input = b"a-b---c";
    for cut in 1..input.len() {
        let (mut stream, mut peer) = pair(at).await?;
        let mut pieces = [&input[..cut], &input[cut..]].into_iter();
        let found = lockstep(stream.recv_until(b"--", 9), || {
            drop(pieces.next().map(|piece| peer.write_all(piece)));
        });
        ensure_eq(&found.await?, &Some(&b"a-b"[..]), format!("cut at {cut}"))?;
        // The script may not have come to its second piece.
        pieces.try_for_each(|piece| peer.write_all(piece))?;
        ensure_left(stream, peer, b"-c", &format!("cut at {cut}")).await?;
    }
    let (mut stream, mut peer) = pair(at).await?;
    peer.write_all(b"0123456789")?;
    let error = ensure_err(stream.recv_until(b";", 4).await, "no delimiter within 4 bytes")?;
    ensure(matches!(error, Error::Recv(RecvError::TooLong { limit: 4 })), format!("{error:?}"))?;
    ensure_eq(stream.received(), b"01234", "what was looked through")?;
    ensure_eq(&stream.recv_owned(5).await?[..], b"01234", "it can be received")?;
    ensure_left(stream, peer, b"56789", "behind a limit").await
}

async fn dropped<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let input = b"one--two\nthree--\nand the rest";
    for size in [1, 2, 5, input.len()] {
        let (mut stream, mut peer) = pair(at).await?;
        let mut pieces = input.chunks(size);
        let mut next = || match pieces.next() {
            Some(piece) => drop(peer.write_all(piece)),
            None => drop(peer.shutdown_write()),
        };
        let mut got: Vec<Vec<u8>> = Vec::new();
        for _ in 0..200 {
            let done = match got.len() {
                0 => {
                    let found =
                        drop_and_go_on(1, stream.recv_until(b"--", 99), &mut next).await.transpose()?;
                    found.map(|text| text.unwrap_or_default().to_vec())
                }
                1 => {
                    let found = drop_and_go_on(1, stream.recv_line_owned(), &mut next).await.transpose()?;
                    found.map(|line| line.map(|line| line.into_inner().to_vec()).unwrap_or_default())
                }
                2 => {
                    let mut eight = *b"........";
                    let found =
                        drop_and_go_on(1, stream.recv_exact(&mut eight), &mut next).await.transpose()?;
                    ensure(found.is_some() || eight == *b"........", "the caller's memory changed")?;
                    found.map(|()| eight.to_vec())
                }
                3 => {
                    let mut rest = Vec::new();
                    let found =
                        drop_and_go_on(1, stream.recv_to_end(&mut rest, 99), &mut next).await.transpose()?;
                    found.map(|_| rest)
                }
                _ => break,
            };
            got.extend(done);
        }
        let expected: [&[u8]; 4] = [b"one", b"two", b"three--\n", b"and the rest"];
        ensure_eq(&got, &expected[..], format!("pieces of {size}"))?;
    }
    Ok(())
}

async fn ends<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let (mut stream, mut peer) = pair(at).await?;
    peer.write_all(b"whole\npart")?;
    peer.shutdown_write()?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "whole"), "the whole line")?;
    for _ in 0..2 {
        let error = ensure_err(stream.recv_line().await, "an end in the middle of a line")?;
        ensure(matches!(error, Error::Recv(RecvError::Incomplete { len: 4 })), format!("{error:?}"))?;
    }
    ensure_eq(&stream.recv_owned(100).await?[..], b"part", "what came can still be taken")?;
    for _ in 0..2 {
        ensure(stream.recv_line().await?.is_none(), "the end")?;
        ensure_eq(&stream.recv(&mut [0; 8]).await?, &0, "the end, for bytes")?;
        ensure_eq(&stream.peek(&mut [0; 8]).await?, &0, "the end, for a look")?;
    }
    stream.close().await?;
    ensure(matches!(stream.recv_line().await, Err(Error::Closed)), "closed")?;
    ensure(matches!(stream.into_stream(), Err(Error::Closed)), "closed, on the way back")?;

    // The kernel tells of a reset once. Whoever meets it, a look or a read, it is no end afterwards.
    for first in ["line", "peek", "exact"] {
        let (mut stream, mut peer) = pair(at).await?;
        peer.write_all(b"line\npart")?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "a whole line")?;
        let waits = drop_after(1, stream.recv_line(), || ()).await;
        ensure(waits.is_none(), "half a line")?;
        match reset(peer) {
            // A connection of this kind has none.
            Err(Stop::Skipped(_)) => break,
            done => done?,
        }
        ensure_eq(&stream.recv_owned(4).await?[..], b"part", "what came before it")?;
        for call in [first, "line", "peek", "exact"] {
            let error = match call {
                "line" => ensure_err(stream.recv_line().await, "a line")?,
                "peek" => ensure_err(stream.peek(&mut [0; 8]).await, "a look")?,
                _ => ensure_err(stream.recv_exact(&mut [0; 8]).await, "bytes")?,
            };
            ensure(error.is_disconnect(), format!("{first} met it, then {call}: {error:?}"))?;
        }
    }
    Ok(())
}

async fn peek<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let (mut stream, mut peer) = pair(at).await?;
    ensure_eq(&stream.peek(&mut []).await?, &0, "a look at nothing returns at once")?;
    let mut buf = [0; 8];
    let mut pieces = [&b"abc"[..]].into_iter();
    let seen =
        lockstep(stream.peek(&mut buf), || drop(pieces.next().map(|piece| peer.write_all(piece)))).await?;
    ensure_eq(&buf[..seen], b"abc", "it waited for a byte")?;
    ensure_eq(&stream.peek(&mut buf[..2]).await?, &2, "again")?;
    ensure_eq(stream.received(), b"", "nothing was taken")?;
    // What half a line took comes first.
    ensure(drop_after(1, stream.recv_line(), || ()).await.is_none(), "half a line")?;
    peer.write_all(b"d\nrest")?;
    let seen = stream.peek(&mut buf).await?;
    ensure_eq(&buf[..seen], b"abc", "what was taken already, alone")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "abcd"), "the line")?;
    ensure_left(stream, peer, b"rest", "a look").await
}

async fn queued<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let (mut stream, mut peer) = pair(at).await?;
    // A socket that is new to its runtime may have to wait before its first byte; from here on it can be written to.
    stream.send(b"!").await?;
    peer.read_exact(&mut [0])?;
    for call in ["recv_line", "recv", "peek"] {
        stream.queue_line("question")?;
        let mut asked = Ok(());
        let mut buf = [0; 7];
        let mut is_asked = false;
        let mut answer = || {
            if std::mem::replace(&mut is_asked, true) {
                return;
            }
            let mut question = [0; 10];
            asked = peer.read_exact(&mut question).and_then(|()| peer.write_all(b"answer\n"));
        };
        match call {
            "recv_line" => drop(lockstep(stream.recv_line(), &mut answer).await?),
            "recv" => drop(lockstep(stream.recv(&mut buf), &mut answer).await?),
            _ => {
                lockstep(stream.peek(&mut buf), &mut answer).await?;
                stream.recv_exact(&mut buf).await?;
            }
        }
        asked?;
    }
    Ok(())
}

async fn refused<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let fault = |stream: Stream<F::Transport>| match stream.into_unbuffered() {
        Ok(_) => Err(Stop::Failed("it was not refused".to_owned())),
        Err(refused) => Ok((refused.fault, *refused.stream)),
    };
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"one\ntwo\n")?;
    stream.peek_at_least(8).await?;
    stream.recv_line().await?;
    let (why, mut stream) = fault(stream)?;
    ensure_eq(&why, &IntoUnbufferedFault::ReadAhead { len: 4 }, "a line that was read ahead")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "two"), "the stream is as it was")?;

    // The tail of an over-long line counts for nothing, and what was read behind it does.
    peer.write_all(b"123456\nmore")?;
    stream.peek_at_least(11).await?;
    let error = ensure_err(stream.recv_line_with(LinePolicy::new(5)).await, "6 bytes under a limit of 5")?;
    ensure(error.is_line_too_long(), format!("{error:?}"))?;
    let (why, mut stream) = fault(stream)?;
    ensure_eq(&why, &IntoUnbufferedFault::ReadAhead { len: 4 }, "bytes behind a dropped tail")?;
    ensure_eq(&stream.recv_owned(9).await?[..], b"more", "they can be received")?;
    let mut stream = unbuffered(stream)?;
    peer.write_all(b"x\n")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "x"), "and then it is unbuffered")?;

    let (mut stream, _peer) = at.pair().await?;
    let how = StartTls::client(&crate::pki::client(crate::pki::Version::Tls13), "localhost")
        .map_err(Error::from)?;
    ensure(drop_after(1, stream.start_tls(how), || ()).await.is_none(), "a handshake waits")?;
    let (why, _) = fault(stream)?;
    ensure_eq(&why, &IntoUnbufferedFault::Tls, "TLS")?;

    let (mut stream, _peer) = at.pair().await?;
    ensure(drop_after(1, stream.close(), || ()).await.is_none(), "a close waits")?;
    let (why, mut stream) = fault(stream)?;
    ensure_eq(&why, &IntoUnbufferedFault::Closed, "a close has begun")?;
    stream.abort();
    ensure_eq(&fault(stream)?.0, &IntoUnbufferedFault::Closed, "closed")
}

async fn back<F: Fixture>(at: &F) -> Verdict
where
    F::Transport: PeekTransport,
{
    let (mut stream, mut peer) = pair(at).await?;
    stream.set_line_policy(LinePolicy::new(77));
    stream.queue(b"queued")?;
    peer.write_all(b"one\nha")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "one"), "a line")?;
    ensure(drop_after(1, stream.recv_line(), || ()).await.is_none(), "half a line")?;
    ensure_eq(stream.received(), b"ha", "what was seen of it is taken")?;
    let mut stream = stream.into_stream()?;
    ensure_eq(&stream.line_policy().max, &77, "the settings")?;
    peer.write_all(b"lf\nnext\n")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "half"), "the whole of it")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "next"), "the next one")?;
    stream.flush().await?;
    let mut got = [0; 6];
    peer.read_exact(&mut got)?;
    ensure_eq(&got, b"queued", "what was queued")?;
    let mut stream = unbuffered(stream)?;
    peer.write_all(b"again\nrest")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "again"), "and unbuffered again")?;
    ensure_left(stream, peer, b"rest", "the second time").await
}

#[cfg(feature = "adapters")]
pub(crate) use handover::handed_over;

#[cfg(feature = "adapters")]
mod handover {
    use super::unbuffered;
    use crate::adapter::{Fixture, Sockets};
    use crate::case::{Stop, Verdict, ensure, ensure_eq};
    use asyncnet_driver::{Net, PeekTransport};
    use socket2::Socket;
    use std::io;
    use std::io::Read;

    /// The descriptor goes to another process after a completed line: it reads the lines that follow, and answers.
    #[cfg(unix)]
    pub(crate) async fn handed_over<N: Net>(
        at: &Sockets<N>,
        into_blocking: fn(N::Transport) -> io::Result<Socket>,
    ) -> Verdict
    where
        N::Transport: PeekTransport,
    {
        use std::os::fd::OwnedFd;
        use std::process::{Command, Stdio};

        let (stream, mut peer) = at.pair().await?;
        let mut stream = unbuffered(stream)?;
        peer.write_all(b"for us\nfor the child\n")?;
        ensure(stream.recv_line().await?.is_some_and(|line| line == "for us"), "the line for us")?;
        let parts = stream.into_parts();
        ensure(parts.received.is_empty(), "nothing of the child's was taken")?;
        let Some(transport) = parts.transport else { return Err(Stop::Failed("no transport".to_owned())) };
        let socket = into_blocking(transport)?;
        ensure(!socket.nonblocking()?, "the socket blocks again")?;
        // cat(1) copies its input to its output: the same socket. It would end at once if it did not block.
        let mut command = Command::new("cat");
        command
            .stdin(Stdio::from(OwnedFd::from(socket.try_clone()?)))
            .stdout(Stdio::from(OwnedFd::from(socket)));
        let spawned = command.spawn();
        // With the command our descriptors of the socket are closed.
        drop(command);
        let mut child = match spawned {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Stop::Skipped("no program cat".to_owned()));
            }
            spawned => spawned?,
        };
        let conversation = (|| {
            let mut got = [0; 14];
            peer.read_exact(&mut got)?;
            // The child has to wait for this.
            peer.write_all(b"and on\n")?;
            peer.shutdown_write()?;
            let mut rest = Vec::new();
            peer.read_to_end(&mut rest)?;
            Ok::<_, io::Error>((got, rest))
        })();
        if conversation.is_err() {
            child.kill()?;
        }
        let status = child.wait()?;
        let (got, rest) = conversation?;
        ensure_eq(&got, b"for the child\n", "the line that the child read")?;
        ensure_eq(&rest[..], b"and on\n", "the line that it waited for")?;
        ensure(status.success(), format!("the child: {status}"))
    }

    /// As above.
    #[cfg(not(unix))]
    pub(crate) async fn handed_over<N: Net>(
        _: &Sockets<N>,
        _: fn(N::Transport) -> io::Result<Socket>,
    ) -> Verdict
    where
        N::Transport: PeekTransport,
    {
        Err(Stop::Skipped("a socket is no child's input on this platform".to_owned()))
    }
}
