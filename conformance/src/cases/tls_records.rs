//! How text becomes records and records text: few large ones for much, one for a little, and no more memory than one step
//! of a send takes.

use super::meter::{Meter, Metered, over};
use super::send::{collect, numbered};
use super::session::{Ours, Setup, secure, tapped};
use super::wire::{Record, Seen, TEXT, records};
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::peer::{Peer as _, joined};
use crate::pki::Version;
use crate::steps::drop_after;
use crate::tls_peer::TlsPeer;
use asyncnet_driver::{Error, SendError, Stream, Transport};
use bytes::Bytes;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![
        Case::new("tls::one_record", "what is sent together, and fits, is one record", |at| {
            Box::pin(one_record(at))
        }),
        Case::new(
            "tls::few_records",
            "many lines that are queued become few records, as long as may be",
            |at| Box::pin(few_records(at)),
        ),
        Case::new(
            "tls::growing_records",
            "records are short on a fresh connection and after a pause, and grow",
            |at| Box::pin(growing_records(at)),
        ),
        Case::new("tls::sealed_in_steps", "a send is sealed a step at a time, as the wire takes it", |at| {
            Box::pin(sealed_in_steps(at))
        }),
        Case::new(
            "tls::into_memory",
            "records are opened into the caller's memory, one after the other, until it is full",
            |at| Box::pin(into_memory(at)),
        ),
        Case::new("tls::large_reads", "much is read at once, and no more than 64 KiB", |at| {
            Box::pin(large_reads(at))
        }),
    ]
}

/// The longest text of a record.
const RECORD_MAX: usize = 16 << 10;

/// What a record has around its text, under the suites that rustls prefers: a nonce and a tag, or a type and a tag.
fn around(setup: &Setup) -> usize {
    if setup.version == Version::Tls12 { 8 + 16 } else { 1 + 16 }
}

/// The lengths of the texts that came.
fn texts(seen: &Seen, setup: &Setup) -> Result<Vec<usize>, Stop> {
    let seen = seen.take();
    let records = records(&seen)?;
    ensure(records.iter().all(|record| record.kind == TEXT), format!("not all is text: {records:?}"))?;
    Ok(records.iter().map(|record: &Record<'_>| record.body.len() - around(setup)).collect())
}

/// What the peer receives, which is as much as was sent, and in which records.
fn received(peer: &mut TlsPeer, seen: &Seen, sent: &[u8], setup: &Setup) -> Result<Vec<usize>, Stop> {
    let mut got = vec![0; sent.len()];
    peer.read_exact(&mut got)?;
    ensure(got == sent, "not what was sent")?;
    texts(seen, setup)
}

async fn one_record<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        full_from_the_start(&mut stream);
        // The text and its line end are two parts, and one record.
        for text in ["", "a", "EHLO me", &"x".repeat(RECORD_MAX - 2)] {
            stream.send_line(text).await?;
            let lens = received(&mut peer, &seen, format!("{text}\r\n").as_bytes(), &setup)?;
            ensure_eq(&lens[..], &[text.len() + 2][..], "a line")?;
        }
        let parts = [&b"many"[..], b"", b" parts", b" of ", b"one message"].map(IoSlice::new);
        stream.send_vectored(&parts).await?;
        let lens = received(&mut peer, &seen, b"many parts of one message", &setup)?;
        ensure_eq(&lens[..], &[25], "a vectored send")?;
        stream.queue_line("queued")?;
        stream.queue(b"and ")?;
        stream.send_owned(Bytes::from(vec![b'o'; 2_000])).await?;
        let sent = [b"queued\r\nand ", &[b'o'; 2_000][..]].concat();
        ensure_eq(&received(&mut peer, &seen, &sent, &setup)?[..], &[2_012], "an owned send behind a queue")?;
        stream.queue_line("queued")?;
        stream.send_line("and sent").await?;
        let lens = received(&mut peer, &seen, b"queued\r\nand sent\r\n", &setup)?;
        ensure_eq(&lens[..], &[18], "a send behind a queue")?;
        stream.flush().await?;
        stream.send(b"").await?;

        // Answers to a burst go out when the next receive waits, all at once.
        let peer = std::thread::spawn(move || {
            peer.write_all(&b"NOOP\n".repeat(50))?;
            peer.read_exact(&mut [0; 50 * 8])?;
            peer.shutdown_write()?;
            Ok(peer)
        });
        let mut line = Vec::new();
        while stream.recv_line_into(&mut line).await?.is_some() {
            stream.queue_line("250 OK")?;
        }
        drop(joined(peer)?);
        ensure_eq(&texts(&seen, &setup)?[..], &[50 * 8], "the answers to a burst")?;
    }
    Ok(())
}

async fn few_records<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, peer, seen) = tapped(at, &setup).await?;
        full_from_the_start(&mut stream);
        let mut sent = Vec::new();
        for n in 0..5_000 {
            let line = format!("{n} is the number of this line");
            stream.queue_line(&line)?;
            sent.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        let received = collect(Box::new(peer));
        stream.shutdown_write().await?;
        ensure(joined(received)? == sent, "not what was queued")?;
        let seen = seen.take();
        let mut lens: Vec<usize> = records(&seen)?.iter().map(|record| record.body.len()).collect();
        lens.pop(); // close_notify
        let full = RECORD_MAX + around(&setup);
        let short = lens.iter().filter(|len| **len < full).count();
        ensure_eq(&lens.len(), &sent.len().div_ceil(RECORD_MAX), format!("records: {lens:?}"))?;
        ensure(short <= 1, format!("all but the last are full: {lens:?}"))?;
    }
    Ok(())
}

/// Records are as long as may be, always.
fn full_from_the_start<T: Transport>(stream: &mut Stream<T>) {
    let mut limits = *stream.limits();
    limits.record_bytes_start = RECORD_MAX;
    stream.set_limits(limits);
}

async fn growing_records<F: Fixture>(at: &F) -> Verdict {
    for version in Version::EACH {
        let setup = Setup::new(version, Ours::Server);
        let (mut stream, mut peer, seen) = tapped(at, &setup).await?;
        let mut limits = *stream.limits();
        ensure_eq(&limits.record_bytes_start, &1_350, "the default")?;
        limits.record_bytes_start = 1_000;
        stream.set_limits(limits);
        let mut expected =
            [vec![1_000; 10], vec![2_000; 10], vec![4_000; 10], vec![8_000; 10], vec![16_000; 10]].concat();
        expected.push(RECORD_MAX);
        // One send for each record, so that none is cut short by a step's end.
        for len in &expected {
            let text = vec![b'x'; *len];
            stream.send(&text).await?;
            ensure_eq(
                &received(&mut peer, &seen, &text, &setup)?[..],
                &[*len],
                "a record as long as may be",
            )?;
        }
        // One send of all of it is in shorter ones as well, once there was a pause.
        if version == Version::Tls13 {
            at.elapse(Duration::from_secs(1)).await;
        } else {
            limits.record_bytes_start = 999;
            stream.set_limits(limits);
            limits.record_bytes_start = 1_000;
            stream.set_limits(limits);
        }
        let text = vec![b'y'; 30_500];
        stream.send(&text).await?;
        let lens = received(&mut peer, &seen, &text, &setup)?;
        ensure_eq(&lens[..], &[vec![1_000; 10], vec![2_000; 10], vec![500]].concat()[..], "after a pause")?;
    }
    Ok(())
}

/// A pair after its handshake, over a transport that counts.
async fn metered<F: Fixture>(
    at: &F,
    setup: &Setup,
) -> Result<(Stream<Metered<F::Transport>>, Arc<Meter>, TlsPeer), Stop> {
    let (stream, wire) = at.pair().await?;
    let (mut stream, meter) = over(stream)?;
    let (_, peer) = secure(&mut stream, wire, setup).await?;
    Ok((stream, meter, peer))
}

/// What is sealed in one step.
const STEP: usize = 64 << 10;

async fn sealed_in_steps<F: Fixture>(at: &F) -> Verdict {
    let sent = numbered(24 << 20);
    for (version, ours) in [(Version::Tls12, Ours::Server), (Version::Tls13, Ours::Client)] {
        let setup = Setup::new(version, ours);
        // Nobody reads: what is sealed is what the wire took, and a step of it.
        let (mut stream, meter, peer) = metered(at, &setup).await?;
        let before = meter.written();
        let waits = drop_after(1, stream.send_owned(Bytes::from(sent.clone())), || ()).await;
        ensure(waits.is_none(), "it fits between the ends")?;
        let sealed = sent.len() - stream.queued_len();
        let taken = meter.written() - before;
        ensure(
            sealed <= taken + STEP,
            format!("{}: {sealed} bytes are sealed, and {taken} written", setup.what()),
        )?;
        ensure(meter.write_max() >= STEP, format!("{} bytes at a time", meter.write_max()))?;
        ensure(meter.write_max() < STEP + STEP / 8, format!("{} bytes at a time", meter.write_max()))?;
        let received = collect(Box::new(peer));
        stream.shutdown_write().await?;
        ensure(joined(received)? == sent, "not what was sent")?;

        let (mut stream, meter, _peer) = metered(at, &setup).await?;
        let before = meter.written();
        let waits = drop_after(1, stream.send(&sent), || ()).await;
        ensure(waits.is_none(), "it fits between the ends")?;
        let Err(Error::Send(SendError::Abandoned { sent: sealed, of })) = stream.flush().await else {
            return Err(Stop::Failed("a long send that was dropped is not abandoned".to_owned()));
        };
        ensure_eq(&of, &sent.len(), "the length of the message")?;
        let taken = meter.written() - before;
        ensure(sealed <= taken + STEP, format!("{sealed} bytes are sealed, and {taken} written"))?;
    }
    Ok(())
}

async fn into_memory<F: Fixture>(at: &F) -> Verdict {
    let rows: [(usize, usize); 7] =
        [(1, 1), (999, 999), (1_000, 1_000), (1_001, 1_001), (2_500, 2_500), (3_000, 3_000), (9_000, 3_000)];
    for setup in Setup::each() {
        for (memory, expected) in rows {
            let (mut stream, mut peer, _) = tapped(at, &setup).await?;
            let text = numbered(3_000);
            let sealed = text.chunks(1_000).map(|part| peer.seal(part)).collect::<io::Result<Vec<_>>>()?;
            peer.wire()?.write_all(&sealed.concat())?;
            let mut buf = vec![0; memory];
            let n = stream.recv(&mut buf).await?;
            ensure_eq(&n, &expected, format!("received into {memory} bytes"))?;
            ensure(buf[..n] == text[..n], "not what was sent")?;
            // What was opened and did not fit is here; what was not asked for is still sealed.
            ensure_eq(&stream.received_len(), &(n.next_multiple_of(1_000) - n), "the rest of a record")?;
            let mut rest = vec![0; text.len() - n];
            stream.recv_exact(&mut rest).await?;
            ensure(rest == text[n..], "the rest is not what was sent")?;
        }
    }
    Ok(())
}

async fn large_reads<F: Fixture>(at: &F) -> Verdict {
    for setup in Setup::each() {
        let (mut stream, meter, mut peer) = metered(at, &setup).await?;
        // Some reads' worth, and less than the way holds: it is all here when the first read comes.
        let text = numbered(55_000);
        let sealed = peer.seal(&text)?;
        peer.wire()?.write_all(&sealed)?;
        peer.shutdown_write()?;
        let mut got = Vec::new();
        let mut buf = vec![0; 100_000];
        loop {
            let n = stream.recv(&mut buf).await?;
            // What fits is not laid into a buffer first.
            ensure_eq(&stream.received_len(), &0, "text that waits beside the caller's memory")?;
            if n == 0 {
                break;
            }
            got.extend_from_slice(&buf[..n]);
        }
        ensure(got == text, "not what was sent")?;
        let most = meter.read_max();
        ensure((STEP..STEP + STEP / 8).contains(&most), format!("{most} bytes were asked of one read"))?;
    }
    Ok(())
}
