//! tokio's own calls, and those of tokio-util and tokio-rustls, over tokio's sockets.

use crate::scene::{self, FRAME, LINE, LINES_MAX, NEXT, Played, given_up};
use crate::seen::Seen;
use asyncnet_driver::tls::rustls::pki_types::ServerName;
use asyncnet_driver::tls::rustls::{ClientConfig, ServerConfig};
use futures_lite::{StreamExt, future};
use std::error::Error;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use tokio_util::codec::{Framed, LinesCodec};

/// Two streams connected with each other: who writes, who reads.
pub(crate) async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let (writer, reader) = scene::sockets()?;
    let (writer, reader) = (TcpStream::from_std(writer)?, TcpStream::from_std(reader)?);
    // Until its reactor has said so, tokio tries no write: a first poll would be pending without one.
    writer.writable().await?;
    Ok((writer, reader))
}

/// The same, with TLS between them.
pub(crate) async fn tls_pair(
    (ours, theirs): (Arc<ClientConfig>, Arc<ServerConfig>),
) -> io::Result<(client::TlsStream<TcpStream>, server::TlsStream<TcpStream>)> {
    let (writer, reader) = pair().await?;
    let name = ServerName::try_from("localhost").expect("it is a name");
    let (writer, reader) =
        future::zip(TlsConnector::from(ours).connect(name, writer), TlsAcceptor::from(theirs).accept(reader))
            .await;
    Ok((writer?, reader?))
}

/// A pair whose reader has the first piece at its socket.
async fn begun(first: &[u8]) -> Result<(TcpStream, TcpStream), Box<dyn Error + Send + Sync>> {
    let (mut writer, reader) = pair().await?;
    writer.write_all(first).await?;
    let came = reader.peek(&mut [0; 64]).await?;
    if came == first.len() { Ok((writer, reader)) } else { Err("a small write came in pieces".into()) }
}

/// `read_line`, with the same `String`, as it takes it.
pub(crate) async fn read_line() -> Played {
    let (mut writer, reader) = begun(LINE[0]).await?;
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    given_up(reader.read_line(&mut line)).await?;
    writer.write_all(LINE[1]).await?;
    reader.read_line(&mut line).await?;
    Ok(Seen::of(&[&LINE.concat()], line.as_bytes()))
}

/// `read_until`, with a `Vec` of each call's own.
pub(crate) async fn read_until_anew() -> Played {
    let (mut writer, reader) = begun(LINE[0]).await?;
    let mut reader = BufReader::new(reader);
    given_up(reader.read_until(b'\n', &mut Vec::new())).await?;
    writer.write_all(LINE[1]).await?;
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).await?;
    Ok(Seen::of(&[&LINE.concat()], &line))
}

/// `read_until`, going on with the same `Vec`.
pub(crate) async fn read_until() -> Played {
    let (mut writer, reader) = begun(LINE[0]).await?;
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    given_up(reader.read_until(b'\n', &mut line)).await?;
    writer.write_all(LINE[1]).await?;
    reader.read_until(b'\n', &mut line).await?;
    Ok(Seen::of(&[&LINE.concat()], &line))
}

/// `Lines::next_line`.
pub(crate) async fn next_line() -> Played {
    let (mut writer, reader) = begun(LINE[0]).await?;
    let mut lines = BufReader::new(reader).lines();
    given_up(lines.next_line()).await?;
    writer.write_all(LINE[1]).await?;
    let line = lines.next_line().await?.unwrap_or_default() + "\n";
    Ok(Seen::of(&[&LINE.concat()], line.as_bytes()))
}

/// tokio-util's `Framed`, in lines.
pub(crate) async fn framed() -> Played {
    let (mut writer, reader) = begun(LINE[0]).await?;
    let mut lines = Framed::new(reader, LinesCodec::new());
    given_up(lines.next()).await?;
    writer.write_all(LINE[1]).await?;
    let line = lines.next().await.transpose()?.unwrap_or_default() + "\n";
    Ok(Seen::of(&[&LINE.concat()], line.as_bytes()))
}

/// `read_exact` of a length, and then of what it says.
pub(crate) async fn read_exact() -> Played {
    let (mut writer, mut reader) = begun(FRAME[0]).await?;
    given_up(reader.read_exact(&mut [0; 4])).await?;
    writer.write_all(FRAME[1]).await?;
    writer.shutdown().await?;
    let mut length = [0; 4];
    reader.read_exact(&mut length).await?;
    let mut arrived = length.to_vec();
    reader.read_to_end(&mut arrived).await?;
    Ok(Seen::of(&[&FRAME.concat()], &arrived))
}

/// `write_all` of a message, and behind it another.
pub(crate) async fn write_all(
    (mut writer, mut reader): (impl AsyncWrite + Unpin, impl AsyncRead + Unpin),
    message: &[u8],
) -> Played {
    given_up(writer.write_all(message)).await?;
    let goes_on = async {
        writer.write_all(NEXT).await?;
        writer.shutdown().await
    };
    let mut arrived = Vec::new();
    future::try_zip(goes_on, reader.read_to_end(&mut arrived)).await?;
    Ok(Seen::of(&[message, NEXT], &arrived))
}

/// `write_all` of a message, and then again.
pub(crate) async fn write_all_again(message: &[u8]) -> Played {
    let (mut writer, mut reader) = pair().await?;
    given_up(writer.write_all(message)).await?;
    let again = async {
        writer.write_all(message).await?;
        writer.shutdown().await
    };
    let mut arrived = Vec::new();
    future::try_zip(again, reader.read_to_end(&mut arrived)).await?;
    Ok(Seen::of(&[message], &arrived))
}

/// tokio-rustls: `write_all` and `flush` of one line after the other, until one has to wait; and that one again.
pub(crate) async fn tls_line_again(configs: (Arc<ClientConfig>, Arc<ServerConfig>)) -> Played {
    let (mut writer, mut reader) = tls_pair(configs).await?;
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut is_out = true;
    while is_out && lines.len() < LINES_MAX {
        let line = scene::line(lines.len());
        is_out = match future::poll_once(write_line(&mut writer, &line)).await {
            Some(written) => written.map(|()| true)?,
            None => false,
        };
        lines.push(line);
    }
    let last = lines.last().filter(|_| !is_out).ok_or("the socket took all")?;
    let again = async {
        write_line(&mut writer, last).await?;
        writer.shutdown().await
    };
    let mut arrived = Vec::new();
    future::try_zip(again, reader.read_to_end(&mut arrived)).await?;
    Ok(Seen::of(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>(), &arrived))
}

async fn write_line(writer: &mut (impl AsyncWrite + Unpin), line: &[u8]) -> io::Result<()> {
    writer.write_all(line).await?;
    writer.flush().await
}
