//! The rows of `Stream`, but for those that begin TLS.

use super::row::{Kept, Kind, Message, Row};
use asyncnet_driver::{Bytes, LinePolicy, Stream, Transport};
use std::io::IoSlice;
use std::sync::LazyLock;

/// What the other end sends before a receive of bytes: as many as the caller's memory holds.
pub(crate) const EIGHT: &[u8] = b"eight by";

/// What it sends before a receive of a line.
pub(crate) const LINE: &[u8] = b"a line\r\n";

/// A message that is completed when its send is dropped.
pub(crate) const SHORT: &[u8] = b"a whole message";

/// A message that is not, of several steps over TLS.
pub(crate) static LONG: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..50_000_u32).flat_map(u32::to_le_bytes).collect());

/// How many bytes of that go out at a time.
const LONG_PIECE: usize = 9_000;

pub(crate) fn rows<T: Transport>() -> Vec<Row<Stream<T>>> {
    let mut rows = receives();
    rows.extend(sends());
    rows.extend(ends());
    rows
}

fn receives<T: Transport>() -> Vec<Row<Stream<T>>> {
    let to_end = Row::receives("Stream::recv_to_end", b"rest", |stream: &mut Stream<T>, caller| {
        Box::pin(async move { Ok(stream.recv_to_end(&mut caller.line, 100).await?.to_ne_bytes().to_vec()) })
    });
    let line_into = Row::receives("Stream::recv_line_into", LINE, |stream: &mut Stream<T>, caller| {
        Box::pin(
            async move { Ok(format!("{:?}", stream.recv_line_into(&mut caller.line).await?).into_bytes()) },
        )
    });
    let some = |row: Row<Stream<T>>| Row { kind: Kind::GivesUpTo(EIGHT.len()), ..row };
    let filled = |row: Row<Stream<T>>| Row { kept: Kept::Filled, ..row };
    vec![
        some(Row::receives("Stream::recv", EIGHT, |stream, caller| {
            Box::pin(async move {
                let n = stream.recv(&mut caller.bytes[..caller.left]).await?;
                Ok(caller.bytes[..n].to_vec())
            })
        })),
        some(Row::receives("Stream::recv_owned", EIGHT, |stream, caller| {
            Box::pin(async move { Ok(stream.recv_owned(caller.left).await?.to_vec()) })
        })),
        Row::receives("Stream::recv_exact", EIGHT, |stream, caller| {
            Box::pin(async move { stream.recv_exact(&mut caller.bytes).await.map(|()| Vec::new()) })
        }),
        filled(Row::receives("Stream::recv_exact_into", EIGHT, |stream, caller| {
            Box::pin(async move { stream.recv_exact_into(&mut caller.fill).await.map(|()| Vec::new()) })
        })),
        Row::receives("Stream::recv_full", EIGHT, |stream, caller| {
            Box::pin(async move { Ok(stream.recv_full(&mut caller.bytes).await?.to_ne_bytes().to_vec()) })
        }),
        filled(Row::receives("Stream::recv_full_into", EIGHT, |stream, caller| {
            Box::pin(async move { stream.recv_full_into(&mut caller.fill).await.map(|()| Vec::new()) })
        })),
        Row::receives("Stream::recv_line", LINE, |stream, _| {
            Box::pin(async move { Ok(format!("{:?}", stream.recv_line().await?).into_bytes()) })
        }),
        Row::receives("Stream::recv_line_with", LINE, |stream, _| {
            Box::pin(async move {
                Ok(format!("{:?}", stream.recv_line_with(LinePolicy::new(10)).await?).into_bytes())
            })
        }),
        // One that is too long, and dropped in the middle of it.
        Row::receives("Stream::recv_line_with", LINE, |stream, _| {
            Box::pin(async move {
                Ok(format!("{:?}", stream.recv_line_with(LinePolicy::new(3)).await).into_bytes())
            })
        }),
        Row { kept: Kept::LineEmptied, ..line_into },
        Row::receives("Stream::recv_line_owned", LINE, |stream, _| {
            Box::pin(async move { Ok(format!("{:?}", stream.recv_line_owned().await?).into_bytes()) })
        }),
        Row::receives("Stream::recv_until", b"a,b;;", |stream, _| {
            Box::pin(async move { Ok(format!("{:?}", stream.recv_until(b";;", 100).await?).into_bytes()) })
        }),
        Row { ends: true, ..to_end },
        some(Row::receives("Stream::peek", EIGHT, |stream, caller| {
            Box::pin(async move {
                let seen = stream.peek().await?;
                let seen = seen[..seen.len().min(caller.left)].to_vec();
                stream.consume(seen.len());
                Ok(seen)
            })
        })),
        Row::receives("Stream::peek_at_least", EIGHT, |stream, _| {
            Box::pin(async move {
                let seen = stream.peek_at_least(EIGHT.len()).await?[..EIGHT.len()].to_vec();
                stream.consume(seen.len());
                Ok(seen)
            })
        }),
    ]
}

fn sends<T: Transport>() -> Vec<Row<Stream<T>>> {
    let long = Row::sends("Stream::send", Message::Long, |stream: &mut Stream<T>, _| {
        Box::pin(async move { stream.send(&LONG).await.map(|()| Vec::new()) })
    });
    let long_owned = Row::sends("Stream::send_owned", Message::Owned, |stream: &mut Stream<T>, _| {
        Box::pin(async move { stream.send_owned(Bytes::from_static(&LONG)).await.map(|()| Vec::new()) })
    });
    let flush = Row::sends("Stream::flush", Message::Owned, |stream: &mut Stream<T>, _| {
        Box::pin(async move { stream.flush().await.map(|()| Vec::new()) })
    });
    vec![
        Row::sends("Stream::send", Message::Short, |stream, _| {
            Box::pin(async move { stream.send(SHORT).await.map(|()| Vec::new()) })
        }),
        Row { piece: LONG_PIECE, ..long },
        Row::sends("Stream::send_vectored", Message::Short, |stream, _| {
            Box::pin(async move {
                let parts = [IoSlice::new(b"in "), IoSlice::new(b""), IoSlice::new(b"parts")];
                stream.send_vectored(&parts).await.map(|()| Vec::new())
            })
        }),
        Row::sends("Stream::send_owned", Message::Owned, |stream, _| {
            Box::pin(async move { stream.send_owned(Bytes::from_static(SHORT)).await.map(|()| Vec::new()) })
        }),
        Row { piece: LONG_PIECE, ..long_owned },
        Row::sends("Stream::send_line", Message::Short, |stream, _| {
            Box::pin(async move { stream.send_line("a line").await.map(|()| Vec::new()) })
        }),
        Row { prepare: |stream| stream.queue(SHORT), ..flush },
    ]
}

fn ends<T: Transport>() -> Vec<Row<Stream<T>>> {
    let close = Row::ends(
        "Stream::close",
        false,
        |stream: &mut Stream<T>| stream.queue(b"bye"),
        |stream, _| Box::pin(async move { Ok(format!("{:?}", stream.close().await?).into_bytes()) }),
    );
    vec![
        Row::ends(
            "Stream::shutdown_write",
            true,
            |stream: &mut Stream<T>| stream.queue(b"bye"),
            |stream, _| Box::pin(async move { stream.shutdown_write().await.map(|()| Vec::new()) }),
        ),
        Row { said: b"bye", ends: true, ..close },
    ]
}
