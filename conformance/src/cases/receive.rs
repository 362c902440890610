//! Every receive call: what it gives, where it stops, and what it leaves.

use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::steps::{drop_after, drop_and_go_on, lockstep};
use asyncnet_driver::{Error, Fill, Limits, RecvError};

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("receive::some", "recv gives what is there, at least one byte, and 0 at the end", |at| {
            Box::pin(some(at))
        }),
        Case::new("receive::nothing", "a request for no bytes returns at once, before anything came", |at| {
            Box::pin(nothing(at))
        }),
        Case::new(
            "receive::owned",
            "recv_owned gives at most so many bytes, and they stay as they are",
            |at| Box::pin(owned(at)),
        ),
        Case::new(
            "receive::exact",
            "recv_exact gives all, or Incomplete with the bytes left to take",
            |at| Box::pin(exact(at)),
        ),
        Case::new("receive::full", "recv_full goes on until it is full or the stream ends", |at| {
            Box::pin(full(at))
        }),
        Case::new("receive::large", "above the receive buffer the caller's Fill keeps the bytes", |at| {
            Box::pin(large(at))
        }),
        Case::new("receive::until", "recv_until finds a delimiter at every cut, under a limit", |at| {
            Box::pin(until(at))
        }),
        Case::new("receive::to_end", "recv_to_end appends all, or takes nothing above its limit", |at| {
            Box::pin(to_end(at))
        }),
        Case::new("receive::peek", "peek waits for a byte and takes none; empty is the end alone", |at| {
            Box::pin(peek(at))
        }),
        Case::new("receive::stream", "10 MB come in order, in requests of every size", |at| {
            Box::pin(stream(at))
        }),
        Case::new("receive::mixed", "lines, bytes and delimiters take turns on one stream", |at| {
            Box::pin(mixed(at))
        }),
    ]
}

async fn some<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let mut buf = [0; 8];
    let mut pieces = [&b"abc"[..]].into_iter();
    let n =
        lockstep(stream.recv(&mut buf), || drop(pieces.next().map(|piece| peer.write_all(piece)))).await?;
    ensure_eq(&buf[..n], b"abc", "what was there, not a full buffer")?;
    peer.write_all(b"defgh")?;
    stream.peek_at_least(5).await?;
    let mut two = [0; 2];
    ensure_eq(&stream.recv(&mut two).await?, &2, "no more than there is room for")?;
    ensure_eq(&two, b"de", "the first bytes")?;
    let mut large = vec![0; 100_000];
    ensure_eq(&stream.recv(&mut large).await?, &3, "what was buffered comes first, alone")?;
    drop(peer);
    for _ in 0..3 {
        ensure_eq(&stream.recv(&mut large).await?, &0, "the end stays")?;
    }
    Ok(())
}

async fn nothing<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, _peer) = at.pair().await?;
    let calls = drop_after(
        1,
        async {
            ensure_eq(&stream.recv(&mut []).await?, &0, "recv")?;
            ensure(stream.recv_owned(0).await?.is_empty(), "recv_owned")?;
            stream.recv_exact(&mut []).await?;
            ensure_eq(&stream.recv_full(&mut []).await?, &0, "recv_full")?;
            stream.recv_exact_into(&mut Fill::new(&mut [])).await?;
            ensure(stream.peek_at_least(0).await?.is_empty(), "peek_at_least")?;
            stream.send(b"").await?;
            stream.send_vectored(&[]).await?;
            stream.send_owned(bytes::Bytes::new()).await?;
            stream.queue(b"")?;
            Ok::<(), Stop>(())
        },
        || (),
    );
    calls.await.unwrap_or_else(|| Err(Stop::Failed("a request for no bytes waits".to_owned())))
}

async fn owned<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let sent: Vec<u8> = (0..4_000).map(|n: u32| n.to_le_bytes()[0]).collect();
    peer.write_all(&sent)?;
    stream.peek_at_least(sent.len()).await?;
    let first = stream.recv_owned(3_000).await?;
    let second = stream.recv_owned(100).await?;
    peer.write_all(&[0xee; 4_000])?;
    let mut got = Vec::new();
    while got.len() < 4_900 {
        got.extend_from_slice(&stream.recv_owned(1_000).await?);
    }
    ensure_eq(&first[..], &sent[..3_000], "a large part, kept")?;
    ensure_eq(&second[..], &sent[3_000..3_100], "a small part, kept")?;
    ensure_eq(&got[..900], &sent[3_100..], "the rest")?;
    ensure(got[900..].iter().all(|byte| *byte == 0xee), "what came later")
}

async fn exact<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let mut pieces = [&b"ab"[..], b"cdef"].into_iter();
    let mut four = [0; 4];
    lockstep(stream.recv_exact(&mut four), || drop(pieces.next().map(|piece| peer.write_all(piece)))).await?;
    ensure_eq(&four, b"abcd", "all of it")?;
    peer.shutdown_write()?;
    for _ in 0..2 {
        let error = ensure_err(stream.recv_exact(&mut four).await, "the stream ends after 2 of 4 bytes")?;
        ensure(matches!(error, Error::Recv(RecvError::Incomplete { len: 2 })), format!("{error:?}"))?;
        ensure_eq(&four, b"abcd", "the caller's memory is as it was")?;
    }
    ensure_eq(&stream.recv(&mut four).await?, &2, "what came can still be taken")?;
    ensure_eq(&four[..2], b"ef", "what came can still be taken")?;
    let error = ensure_err(stream.recv_exact(&mut four).await, "nothing is left")?;
    ensure(matches!(error, Error::Recv(RecvError::Incomplete { len: 0 })), format!("{error:?}"))
}

async fn full<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let mut pieces = [&b"ab"[..], b"cdefg"].into_iter();
    let mut five = [0; 5];
    let n = lockstep(stream.recv_full(&mut five), || drop(pieces.next().map(|piece| peer.write_all(piece))));
    ensure_eq(&n.await?, &5, "until it is full")?;
    peer.shutdown_write()?;
    ensure_eq(&stream.recv_full(&mut five).await?, &2, "until the end")?;
    ensure_eq(&five[..2], b"fg", "until the end")?;
    ensure_eq(&stream.recv_full(&mut five).await?, &0, "at the end")
}

async fn large<F: Fixture>(at: &F) -> Verdict {
    let mut limits = Limits::default();
    limits.recv_bytes_max = 1_000;
    let (mut stream, mut peer) = at.pair_with(limits).await?;
    let mut memory = vec![0; 5_000];
    let error = ensure_err(stream.recv_exact(&mut memory).await, "5000 bytes, above the buffer's 1000")?;
    let limit = RecvError::RequestTooLarge { asked: 5_000, limit: 1_000 };
    ensure(matches!(error, Error::Recv(error) if error == limit), format!("{error:?}"))?;

    let sent: Vec<u8> = (0..5_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut pieces = sent.chunks(700);
    let mut fill = Fill::new(&mut memory);
    let mut drops = 0;
    // Dropped each time it waits, it goes on where it stood.
    let mut next = || drop(pieces.next().map(|piece| peer.write_all(piece)));
    while drop_and_go_on(1, stream.recv_exact_into(&mut fill), &mut next).await.transpose()?.is_none() {
        drops += 1;
        ensure(drops < 100, "it makes no progress")?;
    }
    ensure_eq(fill.filled(), &sent[..], "all of it, in order")?;
    ensure(drops > 1, "it was dropped")?;
    peer.write_all(b"xy")?;
    drop(peer);
    let mut short = [0; 4];
    let mut fill = Fill::new(&mut short);
    let error = ensure_err(stream.recv_exact_into(&mut fill).await, "the end after 2 of 4 bytes")?;
    ensure(error.is_incomplete(), format!("{error:?}"))?;
    ensure_eq(fill.filled(), b"xy", "what came is in the caller's memory")
}

async fn until<F: Fixture>(at: &F) -> Verdict {
    let input = b"one--two---three--";
    for cut in 1..input.len() {
        let (mut stream, mut peer) = at.pair().await?;
        let mut pieces = [&input[..cut], &input[cut..]].into_iter();
        for expected in [&b"one"[..], b"two", b"-three"] {
            let found = lockstep(stream.recv_until(b"--", 100), || match pieces.next() {
                Some(piece) => drop(peer.write_all(piece)),
                None => drop(peer.shutdown_write()),
            });
            ensure_eq(&found.await?.unwrap_or_default(), &expected, format!("cut at {cut}"))?;
        }
    }
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"12345;6789")?;
    peer.shutdown_write()?;
    for _ in 0..2 {
        let error = ensure_err(stream.recv_until(b";", 4).await, "5 bytes under a limit of 4")?;
        ensure(matches!(error, Error::Recv(RecvError::TooLong { limit: 4 })), format!("{error:?}"))?;
    }
    ensure_eq(&stream.recv_until(b";", 5).await?, &Some(&b"12345"[..]), "a larger limit")?;
    let error = ensure_err(stream.recv_until(b";", 100).await, "no delimiter before the end")?;
    ensure(matches!(error, Error::Recv(RecvError::Incomplete { len: 4 })), format!("{error:?}"))?;
    ensure_eq(&stream.recv_owned(100).await?[..], b"6789", "what came can still be taken")?;
    ensure_eq(&stream.recv_until(b";", 100).await?, &None, "the end")
}

async fn to_end<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let sent = vec![b'x'; 300_000];
    let expected = sent.len();
    let sender = std::thread::spawn(move || peer.write_all(&sent));
    let mut body = b"head ".to_vec();
    let error = ensure_err(stream.recv_to_end(&mut body, expected - 1).await, "one byte above the limit")?;
    ensure(matches!(error, Error::Recv(RecvError::TooLong { .. })), format!("{error:?}"))?;
    ensure_eq(&body[..], b"head ", "nothing was appended")?;
    ensure_eq(&stream.recv_to_end(&mut body, expected).await?, &expected, "all of it")?;
    ensure_eq(&body.len(), &(5 + expected), "behind what was there")?;
    ensure_eq(&stream.recv_to_end(&mut body, 0).await?, &0, "at the end")?;
    sender.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
    Ok(())
}

async fn peek<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    let mut pieces = [&b"a"[..]].into_iter();
    let seen = lockstep(stream.peek(), || drop(pieces.next().map(|piece| peer.write_all(piece)))).await?;
    ensure_eq(seen, b"a", "it waited for a byte")?;
    let mut pieces = [&b"b"[..], b"c"].into_iter();
    let seen = lockstep(stream.peek_at_least(3), || drop(pieces.next().map(|piece| peer.write_all(piece))));
    ensure_eq(seen.await?, b"abc", "it waited for three")?;
    stream.consume(3);
    // All is taken, more may come: that is not the end.
    let waits = drop_after(1, stream.peek(), || ()).await;
    ensure(waits.is_none(), "a peek at an empty buffer waits")?;
    peer.write_all(b"d")?;
    ensure_eq(stream.peek().await?, b"d", "a byte")?;
    peer.shutdown_write()?;
    ensure_eq(stream.peek_at_least(9).await?, b"d", "fewer at the end")?;
    stream.consume(1);
    for _ in 0..2 {
        ensure(stream.peek().await?.is_empty(), "empty at the end")?;
    }
    Ok(())
}

async fn stream<F: Fixture>(at: &F) -> Verdict {
    const TOTAL: usize = 10_000_000;
    let (mut stream, mut peer) = at.pair().await?;
    let pattern: Vec<u8> = (0..251).collect();
    let sender = std::thread::spawn({
        let pattern = pattern.repeat(40);
        move || {
            let mut left = TOTAL;
            while left > 0 {
                // A piece starts where the last one ended: its length is a multiple of the pattern's.
                let n = left.min(pattern.len());
                peer.write_all(&pattern[..n])?;
                left -= n;
            }
            Ok::<(), std::io::Error>(())
        }
    });
    let (mut buf, mut at, mut size) = (vec![0; 200_000], 0, 1);
    loop {
        let n = stream.recv(&mut buf[..size]).await?;
        if n == 0 {
            break;
        }
        for byte in &buf[..n] {
            if *byte != pattern[at % 251] {
                return Err(Stop::Failed(format!("byte {at} is wrong")));
            }
            at += 1;
        }
        size = size * 3 % 199_999 + 1;
    }
    sender.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
    ensure_eq(&at, &TOTAL, "bytes")
}

async fn mixed<F: Fixture>(at: &F) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"POST / HTTP/1.1\r\nlen: 5\r\n\r\nhello$3\r\nabc\r\n")?;
    peer.shutdown_write()?;
    let line = stream.recv_line().await?;
    ensure(line.is_some_and(|line| line == "POST / HTTP/1.1"), "a line")?;
    ensure_eq(&stream.recv_until(b": ", 100).await?, &Some(&b"len"[..]), "up to a delimiter")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "5"), "the rest of that line")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line.is_empty()), "an empty line")?;
    let mut body = [0; 5];
    stream.recv_exact(&mut body).await?;
    ensure_eq(&body, b"hello", "bytes behind lines")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "$3"), "a line behind bytes")?;
    ensure_eq(&stream.recv_owned(3).await?[..], b"abc", "bytes again")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line.is_empty()), "a line again")?;
    ensure(stream.recv_line().await?.is_none(), "the end")
}
