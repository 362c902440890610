//! Datagrams: a message that a broken off call would have received is the next one's, and a send that is broken off here has
//! sent nothing.

use super::{Attempted, HOST, Try};
use crate::adapter::Sockets;
use crate::cancel::around::{Around, AroundNet, When};
use crate::cancel::drive::{self, Driven};
use crate::cancel::switch::Switch;
use crate::case::{LocalFuture, Stop, ensure_eq};
use crate::peer::PATIENCE;
use asyncnet_driver::{Datagram, Endpoint, Error, Net, Received, dial_datagram};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

pub(super) const MESSAGE: &[u8] = b"a message";

/// The datagram socket of a network, with waits of its own.
type Messages<N> = Datagram<Around<<N as Net>::Datagram, (Vec<u8>, Received)>>;

/// A datagram socket and its peer, connected with each other.
fn datagrams<N: Net>(at: &Sockets<N>, switch: &Switch, when: When) -> Result<(Messages<N>, UdpSocket), Stop> {
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    peer.set_read_timeout(Some(PATIENCE))?;
    let below = at.net().bind(&Endpoint::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
    let socket = Datagram::new(Around::new(below, switch.clone(), when));
    let Endpoint::Inet(ours) = socket.local_endpoint()? else {
        return Err(Stop::Failed("a UDP socket without an address".to_owned()));
    };
    peer.connect(ours)?;
    socket.connect(&Endpoint::Inet(peer.local_addr()?))?;
    Ok((socket, peer))
}

/// A call that receives.
type Receive<N> = for<'a> fn(&'a Messages<N>, &'a mut [u8; 16]) -> LocalFuture<'a, Result<usize, Error>>;

/// A call that sends.
type Send<N> =
    for<'a> fn(&'a Messages<N>, &'a AroundNet<'a, N>, SocketAddr) -> LocalFuture<'a, Result<(), Error>>;

/// Two messages come; the call for the first is broken off, and made again: both are there, in order.
pub(super) async fn received<N: Net>(at: &Sockets<N>, how: Try, receive: Receive<N>) -> Attempted {
    let switch = Switch::default();
    let (socket, peer) = datagrams(at, &switch, how.when)?;
    peer.send(MESSAGE)?;
    peer.send(b"and another")?;
    let mut memory = [b'.'; 16];
    switch.set(true);
    let first = drive::alone(receive(&socket, &mut memory), &switch, how.cut()).await;
    switch.set(false);
    let (was_cut, len) = match first {
        Driven::Done(len) => (false, len?),
        Driven::Cut => {
            ensure_eq(&memory, &[b'.'; 16], "the caller's memory")?;
            (true, receive(&socket, &mut memory).await?)
        }
    };
    ensure_eq(&memory[..len], MESSAGE, "the first message")?;
    ensure_eq(&socket.recv_from_owned(16).await?.0[..], b"and another", "the second message")?;
    Ok(was_cut)
}

/// A send is broken off, and another message sent: the first was not sent, or is not torn.
pub(super) async fn sent<N: Net>(at: &Sockets<N>, how: Try, send: Send<N>) -> Attempted {
    let switch = Switch::default();
    let (socket, peer) = datagrams(at, &switch, how.when)?;
    let net = AroundNet { below: at.net(), switch: switch.clone() };
    switch.set(true);
    let first = drive::alone(send(&socket, &net, peer.local_addr()?), &switch, how.cut()).await;
    switch.set(false);
    let was_cut = matches!(first, Driven::Cut);
    if let Driven::Done(done) = first {
        done?;
        ensure_eq(&hear(&peer)?[..], MESSAGE, "what was sent")?;
    }
    // What is promised of most is that nothing was sent; none has been where it was broken off here.
    socket.send(b"behind it").await?;
    ensure_eq(&hear(&peer)?[..], b"behind it", "what was sent behind it")?;
    Ok(was_cut)
}

fn hear(peer: &UdpSocket) -> Result<Vec<u8>, Stop> {
    let mut memory = vec![0; 100];
    let len = peer.recv(&mut memory)?;
    memory.truncate(len);
    Ok(memory)
}

/// The same with datagrams, of which nothing is sent for connecting.
pub(super) async fn dialed_datagram<N: Net>(at: &Sockets<N>, how: Try) -> Attempted {
    let switch = Switch::default();
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    peer.set_read_timeout(Some(PATIENCE))?;
    let port = peer.local_addr()?.port();
    let net = AroundNet { below: at.net(), switch: switch.clone() };
    switch.set(true);
    let first = drive::alone(Box::pin(dial_datagram(&net, HOST, port)), &switch, how.cut()).await;
    switch.set(false);
    let (was_cut, socket) = match first {
        Driven::Done(socket) => (false, socket?),
        Driven::Cut => (true, dial_datagram(&net, HOST, port).await?),
    };
    socket.send(MESSAGE).await?;
    ensure_eq(&hear(&peer)?[..], MESSAGE, "what was sent")?;
    Ok(was_cut)
}
