//! The calls of futures-lite, which smol's users have, over smol's sockets. Those of futures-util are made alike.

use crate::scene::{self, FRAME, LINE, NEXT, Played, given_up};
use crate::seen::Seen;
use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, future};
use smol::net::TcpStream;
use std::error::Error;
use std::io;

/// Two streams connected with each other: who writes, who reads.
pub(crate) fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let (writer, reader) = scene::sockets()?;
    Ok((TcpStream::try_from(writer)?, TcpStream::try_from(reader)?))
}

/// A pair whose reader has the first piece at its socket.
async fn begun(first: &[u8]) -> Result<(TcpStream, TcpStream), Box<dyn Error + Send + Sync>> {
    let (mut writer, reader) = pair()?;
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

/// `read_exact` of a length, and then of what it says.
pub(crate) async fn read_exact() -> Played {
    let (mut writer, mut reader) = begun(FRAME[0]).await?;
    given_up(reader.read_exact(&mut [0; 4])).await?;
    writer.write_all(FRAME[1]).await?;
    writer.close().await?;
    let mut length = [0; 4];
    reader.read_exact(&mut length).await?;
    let mut arrived = length.to_vec();
    reader.read_to_end(&mut arrived).await?;
    Ok(Seen::of(&[&FRAME.concat()], &arrived))
}

/// `write_all` of a message, and then `then`: another one, or the same again.
pub(crate) async fn write_all(message: &[u8], then: &[u8]) -> Played {
    let (mut writer, mut reader) = pair()?;
    given_up(writer.write_all(message)).await?;
    let goes_on = async {
        writer.write_all(then).await?;
        writer.close().await
    };
    let mut arrived = Vec::new();
    future::try_zip(goes_on, reader.read_to_end(&mut arrived)).await?;
    let meant: &[&[u8]] = if then == NEXT { &[message, NEXT] } else { &[message] };
    Ok(Seen::of(meant, &arrived))
}
