//! The rows of `Stream`, but for those that begin TLS; of its halves, and of `Unbuffered`.
//!
//! The three have the same calls and no trait in common, so the rows are a macro over the type and over where it is in what
//! is under test.

use super::row::{Kept, Kind, Message, Row};
use super::subject::Pair;
use asyncnet_driver::{Bytes, LinePolicy, PeekTransport, SplitTransport, Stream, Transport, Unbuffered};
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

macro_rules! receives {
    ($of:literal, $subject:ty, $it:ident $(.$field:ident)?) => {{
        let to_end = Row::receives(concat!($of, "::recv_to_end"), b"rest", |$it: &mut $subject, caller| {
            Box::pin(async move { Ok($it$(.$field)?.recv_to_end(&mut caller.line, 100).await?.to_ne_bytes().to_vec()) })
        });
        let line_into = Row::receives(concat!($of, "::recv_line_into"), LINE, |$it: &mut $subject, caller| {
            Box::pin(
                async move { Ok(format!("{:?}", $it$(.$field)?.recv_line_into(&mut caller.line).await?).into_bytes()) },
            )
        });
        let some = |row: Row<$subject>| Row { kind: Kind::GivesUpTo(EIGHT.len()), ..row };
        let filled = |row: Row<$subject>| Row { kept: Kept::Filled, ..row };
        vec![
            some(Row::receives(concat!($of, "::recv"), EIGHT, |$it: &mut $subject, caller| {
                Box::pin(async move {
                    let n = $it$(.$field)?.recv(&mut caller.bytes[..caller.left]).await?;
                    Ok(caller.bytes[..n].to_vec())
                })
            })),
            some(Row::receives(concat!($of, "::recv_owned"), EIGHT, |$it: &mut $subject, caller| {
                Box::pin(async move { Ok($it$(.$field)?.recv_owned(caller.left).await?.to_vec()) })
            })),
            Row::receives(concat!($of, "::recv_exact"), EIGHT, |$it: &mut $subject, caller| {
                Box::pin(async move { $it$(.$field)?.recv_exact(&mut caller.bytes).await.map(|()| Vec::new()) })
            }),
            filled(Row::receives(concat!($of, "::recv_exact_into"), EIGHT, |$it: &mut $subject, caller| {
                Box::pin(async move { $it$(.$field)?.recv_exact_into(&mut caller.fill).await.map(|()| Vec::new()) })
            })),
            Row::receives(concat!($of, "::recv_full"), EIGHT, |$it: &mut $subject, caller| {
                Box::pin(async move { Ok($it$(.$field)?.recv_full(&mut caller.bytes).await?.to_ne_bytes().to_vec()) })
            }),
            filled(Row::receives(concat!($of, "::recv_full_into"), EIGHT, |$it: &mut $subject, caller| {
                Box::pin(async move { $it$(.$field)?.recv_full_into(&mut caller.fill).await.map(|()| Vec::new()) })
            })),
            Row::receives(concat!($of, "::recv_line"), LINE, |$it: &mut $subject, _| {
                Box::pin(async move { Ok(format!("{:?}", $it$(.$field)?.recv_line().await?).into_bytes()) })
            }),
            Row::receives(concat!($of, "::recv_line_with"), LINE, |$it: &mut $subject, _| {
                Box::pin(async move {
                    Ok(format!("{:?}", $it$(.$field)?.recv_line_with(LinePolicy::new(10)).await?).into_bytes())
                })
            }),
            // One that is too long, and dropped in the middle of it.
            Row::receives(concat!($of, "::recv_line_with"), LINE, |$it: &mut $subject, _| {
                Box::pin(async move {
                    Ok(format!("{:?}", $it$(.$field)?.recv_line_with(LinePolicy::new(3)).await).into_bytes())
                })
            }),
            Row { kept: Kept::LineEmptied, ..line_into },
            Row::receives(concat!($of, "::recv_line_owned"), LINE, |$it: &mut $subject, _| {
                Box::pin(async move { Ok(format!("{:?}", $it$(.$field)?.recv_line_owned().await?).into_bytes()) })
            }),
            Row::receives(concat!($of, "::recv_until"), b"a,b;;", |$it: &mut $subject, _| {
                Box::pin(async move { Ok(format!("{:?}", $it$(.$field)?.recv_until(b";;", 100).await?).into_bytes()) })
            }),
            Row { ends: true, ..to_end },
        ]
    }};
}

macro_rules! peeks {
    ($of:literal, $subject:ty, $it:ident $(.$field:ident)?) => {{
        let some = |row: Row<$subject>| Row { kind: Kind::GivesUpTo(EIGHT.len()), ..row };
        vec![
            some(Row::receives(concat!($of, "::peek"), EIGHT, |$it: &mut $subject, caller| {
                Box::pin(async move {
                    let seen = $it$(.$field)?.peek().await?;
                    let seen = seen[..seen.len().min(caller.left)].to_vec();
                    $it$(.$field)?.consume(seen.len());
                    Ok(seen)
                })
            })),
            Row::receives(concat!($of, "::peek_at_least"), EIGHT, |$it: &mut $subject, _| {
                Box::pin(async move {
                    let seen = $it$(.$field)?.peek_at_least(EIGHT.len()).await?[..EIGHT.len()].to_vec();
                    $it$(.$field)?.consume(seen.len());
                    Ok(seen)
                })
            }),
        ]
    }};
}

macro_rules! sends {
    ($of:literal, $subject:ty, $it:ident $(.$field:ident)?) => {{
        let close = Row::ends(
            concat!($of, "::close"),
            false,
            |$it: &mut $subject| $it$(.$field)?.queue(b"bye"),
            |$it: &mut $subject, _| Box::pin(async move { Ok(format!("{:?}", $it$(.$field)?.close().await?).into_bytes()) }),
        );
        let long = Row::sends(concat!($of, "::send"), Message::Long, |$it: &mut $subject, _| {
            Box::pin(async move { $it$(.$field)?.send(&LONG).await.map(|()| Vec::new()) })
        });
        let long_owned = Row::sends(concat!($of, "::send_owned"), Message::Owned, |$it: &mut $subject, _| {
            Box::pin(async move { $it$(.$field)?.send_owned(Bytes::from_static(&LONG)).await.map(|()| Vec::new()) })
        });
        let flush = Row::sends(concat!($of, "::flush"), Message::Owned, |$it: &mut $subject, _| {
            Box::pin(async move { $it$(.$field)?.flush().await.map(|()| Vec::new()) })
        });
        vec![
            Row::sends(concat!($of, "::send"), Message::Short, |$it: &mut $subject, _| {
                Box::pin(async move { $it$(.$field)?.send(SHORT).await.map(|()| Vec::new()) })
            }),
            Row { piece: LONG_PIECE, ..long },
            Row::sends(concat!($of, "::send_vectored"), Message::Short, |$it: &mut $subject, _| {
                Box::pin(async move {
                    let parts = [IoSlice::new(b"in "), IoSlice::new(b""), IoSlice::new(b"parts")];
                    $it$(.$field)?.send_vectored(&parts).await.map(|()| Vec::new())
                })
            }),
            Row::sends(concat!($of, "::send_owned"), Message::Owned, |$it: &mut $subject, _| {
                Box::pin(async move { $it$(.$field)?.send_owned(Bytes::from_static(SHORT)).await.map(|()| Vec::new()) })
            }),
            Row { piece: LONG_PIECE, ..long_owned },
            Row::sends(concat!($of, "::send_line"), Message::Short, |$it: &mut $subject, _| {
                Box::pin(async move { $it$(.$field)?.send_line("a line").await.map(|()| Vec::new()) })
            }),
            Row { prepare: |$it: &mut $subject| $it$(.$field)?.queue(SHORT), ..flush },
            Row::ends(
                concat!($of, "::shutdown_write"),
                true,
                |$it: &mut $subject| $it$(.$field)?.queue(b"bye"),
                |$it: &mut $subject, _| Box::pin(async move { $it$(.$field)?.shutdown_write().await.map(|()| Vec::new()) }),
            ),
            Row { said: b"bye", ends: true, ..close },
        ]
    }};
}

pub(crate) fn whole<T: Transport>() -> Vec<Row<Stream<T>>> {
    let mut rows = receives!("Stream", Stream<T>, it);
    rows.extend(peeks!("Stream", Stream<T>, it));
    rows.extend(sends!("Stream", Stream<T>, it));
    rows
}

pub(crate) fn halves<T: SplitTransport + 'static>() -> Vec<Row<Pair<T>>> {
    let mut rows = receives!("ReadHalf", Pair<T>, it.reader);
    rows.extend(peeks!("ReadHalf", Pair<T>, it.reader));
    rows.extend(sends!("WriteHalf", Pair<T>, it.writer));
    rows
}

/// Halves that are lent for one call: dropped with it, they give the stream back as it is.
pub(crate) fn lent<T: SplitTransport>() -> Vec<Row<Stream<T>>> {
    let rows = vec![
        Row::receives("ReadHalf::recv_line", LINE, |stream: &mut Stream<T>, _| {
            Box::pin(async {
                let (mut reader, _writer) = stream.split()?;
                Ok(format!("{:?}", reader.recv_line().await?).into_bytes())
            })
        }),
        Row::sends("WriteHalf::send", Message::Short, |stream, _| {
            Box::pin(async {
                let (_reader, mut writer) = stream.split()?;
                writer.send(SHORT).await.map(|()| Vec::new())
            })
        }),
    ];
    rows.into_iter().map(|row| Row { leaks: false, ..row }).collect()
}

pub(crate) fn unbuffered<T: PeekTransport + Transport>() -> Vec<Row<Unbuffered<T>>> {
    let mut rows = receives!("Unbuffered", Unbuffered<T>, it);
    // A byte of the line that is behind it, which stays where it is.
    rows.push(Row::receives("Unbuffered::peek", b"", |it: &mut Unbuffered<T>, caller| {
        Box::pin(async move { Ok(it.peek(&mut caller.bytes[..1]).await?.to_ne_bytes().to_vec()) })
    }));
    rows.extend(sends!("Unbuffered", Unbuffered<T>, it));
    rows
}
