//! What the steps of the tour are made of: two streams that are connected, a line from one to the other, an end.
//!
//! Each says on the page what it does, and checks what comes of it.

use crate::runtime::Runtime;
use crate::tour::page::{Broken, Page, described};
use asyncnet_driver::{Endpoint, Error, Listener, Net, Stream, Transport};
use futures_lite::future;
use std::net::Ipv4Addr;

/// The side that connects, as it is called on the page.
pub(super) const CLIENT: &str = "client";
/// The side that accepts.
pub(super) const SERVER: &str = "server";

/// Sends a line, and checks that it arrives as `text`.
pub(super) async fn line<S: Transport, T: Transport>(
    page: &mut Page,
    (from, sender): (&str, &mut Stream<S>),
    (to, receiver): (&str, &mut Stream<T>),
    sent: &[u8],
    text: &[u8],
) -> Result<(), Broken> {
    sender.send(sent).await?;
    page.sends(from, sent);
    let seen = next_line(page, to, receiver).await?;
    page.check("the line arrives, without its line end", &Some(text), &seen.as_deref())
}

/// Ends both sides, the client's first.
pub(super) async fn end<T: Transport>(
    page: &mut Page,
    client: &mut Stream<T>,
    server: &mut Stream<T>,
) -> Result<(), Broken> {
    client.shutdown_write().await?;
    page.says(CLIENT, "ends", &"its side");
    let seen = next_line(page, SERVER, server).await?;
    page.check("the server sees the client's end", &None, &seen)?;
    server.close().await?;
    page.says(SERVER, "ends", &"its side");
    let seen = next_line(page, CLIENT, client).await?;
    page.check("the client sees the server's end", &None, &seen)
}

/// Receives a line and says so: its text, or `None` at the end.
pub(super) async fn next_line<T: Transport>(
    page: &mut Page,
    who: &str,
    stream: &mut Stream<T>,
) -> Result<Option<Vec<u8>>, Error> {
    let line = stream.recv_line().await?;
    match &line {
        Some(line) => page.sees(who, &described(line)),
        None => page.sees(who, &"the end"),
    }
    Ok(line.map(|line| line.as_bytes().to_vec()))
}

/// Two streams connected with each other over loopback TCP: the client's and the server's.
pub(super) async fn tcp_pair<R: Runtime>(net: R) -> Result<Pair<R>, Error> {
    pair_at(net, &Endpoint::Inet((Ipv4Addr::LOCALHOST, 0).into())).await
}

pub(super) type Pair<R> = (Stream<<R as Net>::Transport>, Stream<<R as Net>::Transport>);

pub(super) async fn pair_at<R: Runtime>(net: R, at: &Endpoint) -> Result<Pair<R>, Error> {
    let listener = Listener::new(net.listen(at)?);
    let connecting = async { Ok(Stream::new(net.connect(&listener.local_endpoint()?).await?)) };
    future::try_zip(connecting, listener.accept()).await
}
