//! What all rows have in common: the texts, the sockets, and how a call is given up.
//!
//! Nothing here waits for time to pass. What a call is to find is at its socket before it begins, which a look at the
//! socket shows; what is to hold it up is a socket that nobody reads.

use crate::seen::Seen;
use asyncnet_os::socket2::SockRef;
use futures_lite::future;
use std::error::Error;
use std::fmt::Write;
use std::future::Future;
use std::net::TcpStream;

/// What came of a row.
pub(crate) type Played = Result<Seen, Box<dyn Error + Send + Sync>>;

/// A line that comes in two pieces.
pub(crate) const LINE: [&[u8]; 2] = [b"half a ", b"line\n"];

/// A length of four digits, and that many bytes, that come in two pieces.
pub(crate) const FRAME: [&[u8]; 2] = [b"00", b"05hello"];

/// What is sent behind a message that was given up.
pub(crate) const NEXT: &[u8] = b"next\n";

/// The most lines that are sent before a socket is full.
pub(crate) const LINES_MAX: usize = 10_000;

/// How much a socket keeps of what is sent, in bytes: little, so that it is soon full.
const ROOM: usize = 16 << 10;

/// Begins a call and drops it, as `select!` does when another branch is ready, and a timeout at its end.
///
/// # Errors
///
/// When it did not have to wait, and so was not given up.
pub(crate) async fn given_up(call: impl Future) -> Result<(), Box<dyn Error + Send + Sync>> {
    match future::poll_once(call).await {
        None => Ok(()),
        Some(_) => Err("the call was to wait, and did not".into()),
    }
}

/// Two sockets connected with each other, the first of which is soon full. What the second one takes is left to the system: where it
/// is little, the system waits a fifth of a second before it sends more.
///
/// # Errors
///
/// What the system says.
pub(crate) fn sockets() -> std::io::Result<(TcpStream, TcpStream)> {
    let (writer, reader) = asyncnet_os::tcp_pair()?;
    SockRef::from(&writer).set_send_buffer_size(ROOM)?;
    Ok((writer, reader))
}

/// A message of so many bytes, no two parts of which are the same: more than the sockets have room for.
pub(crate) fn message(bytes: usize) -> Vec<u8> {
    let mut text = String::with_capacity(bytes);
    for n in 0..bytes / 10 {
        write!(text, "{n:09} ").expect("a String takes everything");
    }
    text.into_bytes()
}

/// A line of a thousand bytes, of many.
pub(crate) fn line(n: usize) -> Vec<u8> {
    format!("{n:0999}\n").into_bytes()
}
