//! A line echo: every line comes back as it was sent.

use asyncnet_driver::{Ending, Error, LastLine, Limits, Stream, Transport};

/// What is said to a line over the limit.
pub const TOO_LONG: &str = "ERR line too long";

/// The limits of an echo's streams, for lines of at most `line_bytes_max` bytes.
///
/// An answer is queued, and a receive sends first once half of the queue is used: so the queue has room for two lines.
///
/// ```
/// assert_eq!(asyncnet_examples::echo::limits(512).line_bytes_max, 512);
/// ```
#[must_use]
pub fn limits(line_bytes_max: usize) -> Limits {
    let mut limits = Limits::default();
    limits.line_bytes_max = line_bytes_max;
    limits.queue_bytes_max = limits.queue_bytes_max.max(2 * (line_bytes_max + Ending::CrLf.as_bytes().len()));
    limits
}

/// Answers every line with itself, with the line end it came with; an unterminated last one comes back without. A
/// line over the limit is answered with [`TOO_LONG`], and the dialogue goes on.
///
/// Nothing here sends: what is queued goes out before the receive waits, so a burst of lines is answered with one write.
///
/// # Errors
///
/// What the stream fails with.
///
/// # Cancel safety
///
/// Dropped, what is queued stays queued in the stream, and no line is answered in part.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_examples::echo;
///
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send(b"with CR LF\r\nwith LF\nwithout").await?;
/// client.shutdown_write().await?;
/// echo::answer(&mut server).await?;
/// server.shutdown_write().await?;
/// assert_eq!(client.recv_owned(100).await?, "with CR LF\r\nwith LF\nwithout");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub async fn answer<T: Transport>(stream: &mut Stream<T>) -> Result<(), Error> {
    stream.set_line_policy(stream.line_policy().last(LastLine::Accept));
    let mut line = Vec::new();
    // How the peer's own lines end, as far as is known.
    let mut usual = Ending::CrLf;
    loop {
        match stream.recv_line_into(&mut line).await {
            Ok(Some(ending)) => {
                // Not `queue_line`: a CR in the middle of a line is data here, and comes back too.
                line.extend_from_slice(ending.as_bytes());
                stream.queue(&line)?;
                usual = ending;
            }
            Ok(None) => return Ok(()),
            Err(error) if error.is_line_too_long() => {
                stream.queue(&[TOO_LONG.as_bytes(), usual.as_bytes()].concat())?;
            }
            Err(error) => return Err(error),
        }
    }
}
