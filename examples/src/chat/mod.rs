//! A chat: each line goes to all other members, and nobody is held up by one who does not read.
//!
//! A member is one task, which waits for its socket and for its mailbox at once. That needs no halves of the stream: both
//! waits can be dropped and begun again, and nothing is lost. The task never waits for a write. What it has for its
//! peer is queued, and goes out while it waits; when the queue is full, the peer reads too slowly and is dropped.
//!
//! ```text
//!   others --say--> [ mailbox: 256 KiB ] --take--> [ stream's queue: 256 KiB ] --as far as the peer reads--> socket
//!                           |                              |
//!                           +------------ full ------------+--> dropped
//! ```

mod mailbox;
mod room;

pub use mailbox::{MAILBOX_BYTES_MAX, Mailbox};
pub use room::{Member, Room};

use crate::echo::TOO_LONG;
use asyncnet_driver::{Ending, Error, LastLine, Limits, SendError, Stream, Transport};
use futures_lite::future;

/// The longest line, in bytes: some screens of text.
pub const LINE_BYTES_MAX: usize = 4_096;

/// Why a member left, if nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It ended its side.
    Quit,
    /// More waited for it than the bounds allow.
    TooSlow,
}

/// What a member's task was woken for.
enum Event {
    Line(Result<Option<Ending>, Error>),
    Mail(bool),
}

/// The limits of a chat's streams.
///
/// ```
/// assert_eq!(asyncnet_examples::chat::limits().line_bytes_max, 4_096);
/// ```
#[must_use]
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.line_bytes_max = LINE_BYTES_MAX;
    limits.queue_bytes_max = MAILBOX_BYTES_MAX;
    limits
}

/// Says what the peer says, and queues for it what the others say, until it quits or reads too slowly. A line over
/// the limit is answered with `ERR line too long` and not said.
///
/// # Errors
///
/// What the stream fails with.
///
/// # Cancel safety
///
/// Dropped, what is queued stays queued in the stream, and the rest in the member's mailbox.
///
/// ```
/// use asyncnet_examples::chat::{Left, Room, converse};
/// use std::sync::Arc;
///
/// # futures_lite::future::block_on(async {
/// let room = Arc::new(Room::default());
/// let (ann, bob) = (Room::join(&room), Room::join(&room));
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// client.send_line("hello").await?;
/// client.shutdown_write().await?;
///
/// assert_eq!(converse(&mut server, &ann).await?, Left::Quit);
/// assert_eq!(bob.mailbox().take(), b"hello\r\n");
/// assert!(ann.mailbox().take().is_empty(), "nobody hears himself");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub async fn converse<T: Transport>(stream: &mut Stream<T>, member: &Member) -> Result<Left, Error> {
    stream.set_line_policy(stream.line_policy().last(LastLine::Accept));
    let mut line = Vec::new();
    loop {
        // Fair: neither a peer that never pauses nor a room that never does keeps the other waiting.
        let event = future::race(async { Event::Line(stream.recv_line_into(&mut line).await) }, async {
            Event::Mail(member.mailbox().rung().await)
        });
        match event.await {
            Event::Line(Ok(Some(_))) => {
                member.say(&line);
                // So that a burst of lines reaches the others as it comes, and not their mailboxes' bounds.
                future::yield_now().await;
            }
            Event::Line(Ok(None)) => return Ok(Left::Quit),
            Event::Line(Err(error)) if error.is_line_too_long() => stream.queue_line(TOO_LONG)?,
            Event::Line(Err(error)) => return Err(error),
            Event::Mail(true) => match stream.queue(&member.mailbox().take()) {
                Err(Error::Send(SendError::QueueFull { .. })) => return Ok(Left::TooSlow),
                queued => queued?,
            },
            Event::Mail(false) => return Ok(Left::TooSlow),
        }
    }
}
