//! asyncnet's calls, written once for its adapters, over the same sockets, with and without TLS.

use crate::scene::{FRAME, LINE, NEXT, Played, given_up};
use crate::seen::{Kind, Seen, told};
use asyncnet_driver::tls::StartTls;
use asyncnet_driver::tls::rustls::{ClientConfig, ServerConfig};
use asyncnet_driver::{Bytes, Closed, Error, PeekTransport, SendError, Stream, Transport};
use futures_lite::future;
use std::future::{Future, poll_fn};
use std::sync::Arc;

/// More than any row receives, in bytes.
const ALL: usize = 4 << 20;

/// Who writes, and who reads.
pub(crate) type Pair<T> = (Stream<T>, Stream<T>);

/// Puts TLS between the two.
pub(crate) async fn over_tls<T: Transport>(
    (mut writer, mut reader): Pair<T>,
    (ours, theirs): (Arc<ClientConfig>, Arc<ServerConfig>),
) -> Result<Pair<T>, Box<dyn std::error::Error + Send + Sync>> {
    let (ours, theirs) = (StartTls::client(&ours, "localhost")?, StartTls::server(&theirs));
    future::try_zip(writer.start_tls(ours), reader.start_tls(theirs)).await?;
    Ok((writer, reader))
}

/// Sends the first piece, and looks until something of it is at the reader's socket.
async fn begin<T: Transport + PeekTransport>(
    (writer, reader): &mut Pair<T>,
    first: &[u8],
) -> Result<(), Error> {
    writer.send(first).await?;
    let socket = reader.transport_mut().ok_or(Error::Closed)?;
    poll_fn(|cx| socket.poll_peek(cx, &mut [0; 64])).await?;
    Ok(())
}

/// `recv_line`.
pub(crate) async fn recv_line<T: Transport + PeekTransport>(mut pair: Pair<T>) -> Played {
    begin(&mut pair, LINE[0]).await?;
    let (mut writer, mut reader) = pair;
    given_up(reader.recv_line()).await?;
    writer.send(LINE[1]).await?;
    let line = reader.recv_line().await?.ok_or("an end")?;
    Ok(Seen::of(&[&LINE.concat()], &[line.as_bytes(), b"\n"].concat()))
}

/// `recv_exact` of a length, and then of what it says.
pub(crate) async fn recv_exact<T: Transport + PeekTransport>(mut pair: Pair<T>) -> Played {
    begin(&mut pair, FRAME[0]).await?;
    let (mut writer, mut reader) = pair;
    given_up(reader.recv_exact(&mut [0; 4])).await?;
    writer.send(FRAME[1]).await?;
    writer.shutdown_write().await?;
    let mut length = [0; 4];
    reader.recv_exact(&mut length).await?;
    let mut rest = Vec::new();
    reader.recv_to_end(&mut rest, ALL).await?;
    Ok(Seen::of(&[&FRAME.concat()], &[&length[..], &rest].concat()))
}

/// `send` of a message, and behind it another.
pub(crate) async fn send<T: Transport>((mut writer, reader): Pair<T>, message: &[u8]) -> Played {
    given_up(writer.send(message)).await?;
    ends(reader, &[message, NEXT], async {
        writer.send(NEXT).await?;
        writer.close().await
    })
    .await
}

/// `send_owned` of a message of any length, and behind it another.
pub(crate) async fn send_owned<T: Transport>((mut writer, reader): Pair<T>, message: &[u8]) -> Played {
    given_up(writer.send_owned(Bytes::copy_from_slice(message))).await?;
    ends(reader, &[message, NEXT], async {
        writer.send(NEXT).await?;
        writer.close().await
    })
    .await
}

/// `queue` and `flush`, and `flush` again.
pub(crate) async fn flush_again<T: Transport>((mut writer, reader): Pair<T>, message: &[u8]) -> Played {
    writer.queue(message)?;
    given_up(writer.flush()).await?;
    ends(reader, &[message], async {
        writer.flush().await?;
        writer.close().await
    })
    .await
}

/// `send` of a message too long to be completed from the queue, and then of another, which is refused.
pub(crate) async fn long_send<T: Transport>((mut writer, mut reader): Pair<T>, message: &[u8]) -> Played {
    given_up(writer.send(message)).await?;
    let refused = writer.send(NEXT).await;
    let is_told = matches!(refused, Err(Error::Send(SendError::Abandoned { .. })));
    drop(writer);
    let mut arrived = 0;
    let ended = loop {
        match reader.recv_owned(ALL).await {
            Ok(bytes) if bytes.is_empty() => break None,
            Ok(bytes) => arrived += bytes.len(),
            Err(error) => break Some(error),
        }
    };
    let is_reset = ended.as_ref().is_some_and(Error::is_disconnect);
    Ok(Seen {
        sent: told(message),
        arrived: format!("{arrived} bytes, {}", if is_reset { "a reset" } else { "no reset" }),
        kind: if is_told && is_reset { Kind::Told } else { Kind::Other },
    })
}

/// Sends the rest, and receives all until its end.
async fn ends<T: Transport>(
    mut reader: Stream<T>,
    meant: &[&[u8]],
    sends: impl Future<Output = Result<Closed, Error>>,
) -> Played {
    let mut arrived = Vec::new();
    let receives = async {
        reader.recv_to_end(&mut arrived, ALL).await?;
        reader.close().await
    };
    future::try_zip(sends, receives).await?;
    Ok(Seen::of(meant, &arrived))
}
