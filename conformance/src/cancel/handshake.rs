//! The rows of the calls that begin TLS, or turn it down. A handshake is cut in pieces, not at each byte: each cut costs
//! one of its own.

use super::calls::EIGHT;
use super::row::{Kind, Row};
use super::sides::Ours;
use crate::pki::Version;
use asyncnet_driver::tls::{Refusal, StartTls};
use asyncnet_driver::{Error, Stream, Transport};
use futures_lite::future::poll_once;

/// How many bytes of a handshake go through at a time.
const PIECE: usize = 16;

pub(crate) fn rows<T: Transport>(version: Version) -> Vec<Row<Stream<T>>> {
    let start = || {
        Row::receives("Stream::start_tls", b"", |stream: &mut Stream<T>, caller| {
            Box::pin(async move {
                let info = stream.start_tls(how(caller.how.as_ref())?).await?;
                Ok(info.version().to_string().into_bytes())
            })
        })
    };
    let go_on = || {
        Row::receives("Stream::handshake", b"", |stream: &mut Stream<T>, caller| {
            Box::pin(async move {
                begun(stream, caller.how.as_ref()).await?;
                Ok(stream.handshake().await?.version().to_string().into_bytes())
            })
        })
    };
    let look = Row::receives("Stream::client_hello", b"", |stream: &mut Stream<T>, _| {
        Box::pin(async move { Ok(format!("{:?}", stream.client_hello().await?.server_name()).into_bytes()) })
    });
    let refuse = Row::receives("Stream::refuse_client", b"", |stream: &mut Stream<T>, _| {
        Box::pin(async move { stream.refuse_client(Refusal::UnrecognizedName).await.map(|()| Vec::new()) })
    });
    let as_the = |ours, row| Row { kind: Kind::Begins, piece: PIECE, ours: Some(ours), ..row };
    let mut rows = vec![
        as_the(Ours::Client, start()),
        as_the(Ours::Server, start()),
        as_the(Ours::Client, go_on()),
        as_the(Ours::Server, go_on()),
        Row { kind: Kind::Looks, piece: PIECE, ours: Some(Ours::Server), ..look },
        Row { kind: Kind::Refuses, ours: Some(Ours::Server), ..refuse },
    ];
    // TLS 1.2 has none.
    if version == Version::Tls13 {
        rows.push(early());
    }
    rows
}

fn early<T: Transport>() -> Row<Stream<T>> {
    let early = Row::receives("Stream::recv_early_data", b"", |stream: &mut Stream<T>, caller| {
        Box::pin(async move {
            begun(stream, caller.how.as_ref()).await?;
            let n = stream.recv_early_data(&mut caller.bytes[..caller.left]).await?;
            Ok(caller.bytes[..n].to_vec())
        })
    });
    Row { kind: Kind::Early(EIGHT.len()), piece: PIECE, ours: Some(Ours::Server), ..early }
}

/// Begins a handshake, and no more, unless that is done.
async fn begun<T: Transport>(stream: &mut Stream<T>, tls: Option<&StartTls>) -> Result<(), Error> {
    if !stream.is_handshaking() && !stream.is_tls() {
        drop(poll_once(stream.start_tls(how(tls)?)).await);
    }
    Ok(())
}

fn how(how: Option<&StartTls>) -> Result<StartTls, Error> {
    how.cloned().ok_or(Error::Closed)
}
