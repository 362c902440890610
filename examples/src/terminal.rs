//! stdin and stdout beside a stream: each on a thread of its own, for both block.
//!
//! Invariants: at most [`PIECES_MAX`] pieces of [`PIECE_BYTES`] wait for either; a byte that was read from stdin is
//! handed out in order, and one that was taken for stdout is written before its end is told.

use async_channel::{Receiver, Sender};
use std::io::{self, Read, Write};
use std::thread;

/// How much is read at once, in bytes: what a pipe holds (pipe(7)).
pub const PIECE_BYTES: usize = 64 << 10;
/// How many pieces wait: one to be taken while the next one is read.
pub const PIECES_MAX: usize = 1;

/// What comes on stdin, piece by piece; closed at its end. The thread ends with the process: nothing wakes a read.
///
/// # Errors
///
/// No thread can be started.
pub fn stdin() -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    read(io::stdin())
}

/// Pieces on their way to stdout.
#[derive(Debug)]
pub struct Output {
    pieces: Sender<Vec<u8>>,
    ended: Receiver<io::Result<()>>,
}

impl Output {
    /// Puts a piece behind those that wait. `false` once stdout takes nothing any more; [`finish`](Self::finish) says why.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the piece is not written.
    pub async fn write(&self, piece: Vec<u8>) -> bool {
        self.pieces.send(piece).await.is_ok()
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    ///
    /// stdout is closed, or full.
    pub async fn finish(self) -> io::Result<()> {
        drop(self.pieces);
        let gone = |_| Err(io::Error::other("the thread that writes to it has ended"));
        self.ended.recv().await.unwrap_or_else(gone)
    }
}

/// Where to put what is to go to stdout.
///
/// # Errors
///
/// No thread can be started.
pub fn stdout() -> io::Result<Output> {
    let (pieces, source) = async_channel::bounded::<Vec<u8>>(PIECES_MAX);
    let (tell, ended) = async_channel::bounded(1);
    thread::Builder::new().name("stdout".into()).spawn(move || {
        let mut out = io::stdout();
        let mut written = Ok(());
        while let (Ok(()), Ok(piece)) = (&written, source.recv_blocking()) {
            // A reader of a pipe is waiting for it: nothing stays in a buffer.
            written = out.write_all(&piece).and_then(|()| out.flush());
        }
        // The sender is to see that nobody takes anything any more, before it is told why.
        source.close();
        tell.send_blocking(written).ok();
    })?;
    Ok(Output { pieces, ended })
}

fn read(mut from: impl Read + Send + 'static) -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    let (sender, pieces) = async_channel::bounded(PIECES_MAX);
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = match from.read(&mut piece) {
                Ok(0) => return,
                Ok(n) => Ok(piece[..n].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let is_last = read.is_err();
            if sender.send_blocking(read).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(pieces)
}
