//! A transport that stays on its thread: nothing asks it to be `Send`, neither a stream nor its future.

use super::unbuffered::Counted;
use crate::adapter::Fixture;
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use asyncnet_driver::Stream;
use std::cell::Cell;
use std::io::Read as _;
use std::rc::Rc;

pub(crate) fn cases<F: Fixture>() -> Vec<Case<F>> {
    vec![Case::new(
        "traits::not_send",
        "a transport that is not `Send` is one all the same: a stream over it talks, and ends",
        |at| Box::pin(not_send(at)),
    )]
}

async fn not_send<F: Fixture>(at: &F) -> Verdict {
    let (stream, mut peer) = at.pair().await?;
    let Some(inner) = stream.into_parts().transport else {
        return Err(Stop::Failed("no transport".to_owned()));
    };
    let calls = Rc::new(Cell::new(0));
    let mut stream = Stream::new(Counted::new(inner, &calls));
    peer.write_all(b"question\n")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "question"), "the line")?;
    ensure(calls.get() > 0, "it came by way of what is not `Send`")?;
    stream.send_line("answer").await?;
    peer.shutdown_write()?;
    let closed = stream.close().await?;
    ensure_eq(&closed, &asyncnet_driver::Closed::PeerEnded, "the close")?;
    let mut all = Vec::new();
    peer.read_to_end(&mut all)?;
    ensure_eq(&all[..], b"answer\r\n", "what the peer received")
}
