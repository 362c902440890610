//! The works of a server on asyncnet, as a user would write them, on any adapter.
//!
//! What comes is answered in the order in which it came; at the end of the stream the connection is closed well. An
//! unterminated last line counts as a line, and is echoed without a terminator.

use crate::Fault;
use crate::arguments::{Style, Work};
use crate::pattern::pattern;
use crate::request::{DONE, Request, parts};
use asyncnet_driver::tls::rustls::ServerConfig;
use asyncnet_driver::{Ending, Error, Fill, LastLine, Line, LineEnd, SendError, Stream, Transport};
use std::cell::Cell;
use std::sync::Arc;

/// How many bytes of answers are gathered before they go out: what one write takes from most peers too.
const ANSWERS_BYTES_MAX: usize = 64 << 10;
/// How many bytes bulk work reads at once.
const READ_BYTES: usize = 64 << 10;

thread_local! {
    /// Memory for answers that are gathered: a connection borrows it while it has some, so that an idle one holds none.
    static ANSWERS: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Serves one connection to its end.
///
/// Each step is in a box of its own, which goes away with it: else a task would be as large as the largest of them, for
/// as long as its connection is there. So is the stream: a future that takes it by value has room for it twice
/// (rust-lang/rust#62958).
///
/// # Errors
///
/// What the stream fails with; a request that is none.
pub async fn attend<T: Transport>(
    mut stream: Box<Stream<T>>,
    tls: Option<Arc<ServerConfig>>,
    work: Work,
    style: Style,
) -> Result<(), Fault> {
    if let Some(config) = tls {
        Box::pin(stream.start_tls(&config)).await?;
    }
    stream.set_line_policy(stream.line_policy().last(LastLine::Accept));
    match (work, style) {
        (Work::Echo, Style::Await) => Box::pin(echo(&mut stream)).await?,
        (Work::Echo, Style::Burst) => Box::pin(echo_burst(&mut stream)).await?,
        (Work::Sink, Style::Await) => Box::pin(sink(&mut stream)).await?,
        (Work::Sink, Style::Burst) => Box::pin(sink_burst(&mut stream)).await?,
        (Work::Bulk, _) => Box::pin(bulk(&mut stream)).await?,
    }
    Box::pin(stream.close()).await?;
    Ok(())
}

/// Nothing here sends: what is queued goes out before the receive waits.
async fn echo<T: Transport>(stream: &mut Stream<T>) -> Result<(), Error> {
    let mut line = Vec::new();
    while let Some(ending) = stream.recv_line_into(&mut line).await? {
        match ending {
            Ending::CrLf => stream.set_line_end(LineEnd::CrLf),
            Ending::Lf => stream.set_line_end(LineEnd::Lf),
            _ => return stream.queue(&line),
        }
        match stream.queue_line(&line) {
            // A CR in the middle of a line is data here, and comes back too.
            Err(Error::Send(SendError::LineBreak { .. })) => {
                line.extend_from_slice(ending.as_bytes());
                stream.queue(&line)?;
            }
            queued => queued?,
        }
    }
    Ok(())
}

/// Waits for a line, takes all that came with it, and answers with one write.
async fn echo_burst<T: Transport>(stream: &mut Stream<T>) -> Result<(), Error> {
    while let Some(first) = stream.recv_line().await? {
        let mut answers = ANSWERS.take();
        add(&mut answers, &first);
        let gathered = gather(stream, &mut answers);
        stream.send(&answers).await?;
        answers.clear();
        // One line may have been as long as a line can be.
        if answers.capacity() <= 2 * ANSWERS_BYTES_MAX {
            ANSWERS.set(answers);
        }
        gathered?;
    }
    Ok(())
}

/// Adds the lines that are here.
fn gather<T: Transport>(stream: &mut Stream<T>, answers: &mut Vec<u8>) -> Result<(), Error> {
    while answers.len() < ANSWERS_BYTES_MAX {
        let Some(line) = stream.try_line()? else { break };
        add(answers, &line);
    }
    Ok(())
}

#[inline]
fn add(answers: &mut Vec<u8>, line: &Line<&[u8]>) {
    answers.extend_from_slice(line.as_bytes());
    match line.ending() {
        Ending::CrLf => answers.extend_from_slice(b"\r\n"),
        Ending::Lf => answers.push(b'\n'),
        _ => {}
    }
}

async fn sink<T: Transport>(stream: &mut Stream<T>) -> Result<(), Error> {
    stream.set_line_end(LineEnd::Lf);
    let mut line = Vec::new();
    let mut count: u64 = 0;
    while stream.recv_line_into(&mut line).await?.is_some() {
        if line.is_empty() {
            stream.queue_line(count.to_string())?;
            count = 0;
        } else {
            count += 1;
        }
    }
    Ok(())
}

async fn sink_burst<T: Transport>(stream: &mut Stream<T>) -> Result<(), Error> {
    stream.set_line_end(LineEnd::Lf);
    let mut count: u64 = 0;
    while let Some(first) = stream.recv_line().await? {
        let mut ended = first.is_empty();
        loop {
            if ended {
                stream.queue_line(count.to_string())?;
                count = 0;
            } else {
                count += 1;
            }
            let Some(line) = stream.try_line()? else { break };
            ended = line.is_empty();
        }
    }
    Ok(())
}

async fn bulk<T: Transport>(stream: &mut Stream<T>) -> Result<(), Fault> {
    let (mut line, mut memory) = (Vec::new(), Vec::new());
    while stream.recv_line_into(&mut line).await?.is_some() {
        match Request::parse(&line)? {
            Request::Get { total, chunk } => {
                for (at, len) in parts(total, chunk) {
                    stream.send(pattern(at, len)).await?;
                }
            }
            Request::Put { total } => {
                memory.resize(READ_BYTES, 0);
                for (_, len) in parts(total, READ_BYTES) {
                    stream.recv_exact_into(&mut Fill::new(&mut memory[..len])).await?;
                }
                stream.queue(DONE)?;
            }
        }
    }
    Ok(())
}
