//! Connecting: a connect that was broken off leaves nothing behind, and the next one works.

use super::{Attempted, Try};
use crate::adapter::Sockets;
use crate::cancel::around::AroundNet;
use crate::cancel::drive::{self, Driven, Leave};
use crate::cancel::switch::Switch;
use crate::case::{LocalFuture, Stop, Verdict, ensure};
use crate::peer::PATIENCE;
use asyncnet_driver::{Error, Net, Stream, Transport};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// A call that connects.
type Connect<N> = for<'a> fn(
    &'a AroundNet<'a, N>,
    SocketAddr,
) -> LocalFuture<'a, Result<Stream<<N as Net>::Transport>, Error>>;

/// A connect is broken off, and made again: that one works, and of those that were dropped nothing is left.
pub(super) async fn connected<N: Net>(at: &Sockets<N>, how: Try, connect: Connect<N>) -> Attempted {
    let switch = Switch::default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let to = listener.local_addr()?;
    let net = AroundNet { below: at.net(), switch: switch.clone() };
    switch.set(true);
    let first = drive::alone(connect(&net, to), &switch, how.cut()).await;
    switch.set(false);
    let (was_cut, stream) = match first {
        Driven::Done(stream) => (false, stream?),
        Driven::Cut => (true, connect(&net, to).await?),
    };
    ensure_arrives(stream, &listener, how.leave).await?;
    Ok(was_cut)
}

/// Whether the stream is one of those that came to the listener, and all before it have ended, if they were dropped.
async fn ensure_arrives<T: Transport>(
    mut stream: Stream<T>,
    listener: &TcpListener,
    leave: Leave,
) -> Verdict {
    stream.send(b"it is me").await?;
    stream.shutdown_write().await?;
    // One at most is before it.
    for _ in 0..2 {
        let (mut peer, _) = listener.accept()?;
        peer.set_read_timeout(Some(PATIENCE))?;
        let mut said = Vec::new();
        match peer.read_to_end(&mut said) {
            Ok(_) if said == b"it is me" => return Ok(()),
            Ok(_) => ensure(said.is_empty(), "something else was sent")?,
            Err(error) if leave == Leave::Drop && error.kind() == ErrorKind::WouldBlock => {
                return Err(Stop::Failed("a dropped connect has left its socket open".to_owned()));
            }
            Err(_) => {}
        }
    }
    Err(Stop::Failed("the stream did not come to the listener".to_owned()))
}
