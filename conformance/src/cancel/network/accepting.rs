//! A listener: a connection that a broken off accept would have given is the next one's.

use super::{Attempted, Try};
use crate::adapter::{Sockets, connect_peer};
use crate::cancel::around::Around;
use crate::cancel::drive::{self, Driven};
use crate::cancel::switch::Switch;
use crate::case::{LocalFuture, ensure, ensure_eq};
use crate::pki::{self, Version};
use asyncnet_driver::tls::TlsListener;
use asyncnet_driver::{Endpoint, Error, Listener, Net, Stream};

/// The listening socket of a network, with waits of its own.
type Accepting<N> = Around<<N as Net>::Listener, (<N as Net>::Transport, Endpoint)>;

/// A call of a listener `L`.
type Accept<L, N> = for<'a> fn(&'a L) -> LocalFuture<'a, Result<Stream<<N as Net>::Transport>, Error>>;

/// A peer connects; the call is broken off, and made again: the peer's connection is there.
pub(super) async fn accepted<N: Net>(
    at: &Sockets<N>,
    how: Try,
    accept: Accept<Listener<Accepting<N>>, N>,
) -> Attempted {
    let switch = Switch::default();
    let listener =
        Listener::new(Around::new(at.net().listen(&at.fresh_endpoint()?)?, switch.clone(), how.when));
    let mut peer = connect_peer(&listener)?;
    switch.set(true);
    let first = drive::alone(accept(&listener), &switch, how.cut()).await;
    switch.set(false);
    let (was_cut, accepted) = match first {
        Driven::Done(accepted) => (false, accepted),
        Driven::Cut => (true, accept(&listener).await),
    };
    peer.write_all(b"it is me\n")?;
    let mut accepted = accepted?;
    let line = accepted.recv_line().await?.map(|line| line.to_str_lossy().into_owned());
    ensure_eq(&line.as_deref(), &Some("it is me"), "who was accepted")?;
    Ok(was_cut)
}

/// The same of a listener whose streams speak TLS.
pub(super) async fn accepted_tls<N: Net>(
    at: &Sockets<N>,
    how: Try,
    accept: Accept<TlsListener<Accepting<N>>, N>,
) -> Attempted {
    let switch = Switch::default();
    let plain = Listener::new(Around::new(at.net().listen(&at.fresh_endpoint()?)?, switch.clone(), how.when));
    let mut peer = connect_peer(&plain)?;
    let listener = TlsListener::new(plain, &pki::server(Version::Tls13));
    switch.set(true);
    let first = drive::alone(accept(&listener), &switch, how.cut()).await;
    switch.set(false);
    let (was_cut, accepted) = match first {
        Driven::Done(accepted) => (false, accepted),
        Driven::Cut => (true, accept(&listener).await),
    };
    // No handshake, but this peer's own words.
    peer.write_all(b"it is me\n")?;
    let mut accepted = accepted?;
    ensure(accepted.is_handshaking(), "a handshake was begun")?;
    ensure(accepted.handshake().await.is_err(), "the peer does not speak TLS")?;
    Ok(was_cut)
}
