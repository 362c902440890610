//! The step of the tour with datagrams: one socket sends to another, and no connection is between them.

use crate::runtime::Runtime;
use crate::tour::moves::{CLIENT, SERVER};
use crate::tour::page::{Broken, Page, quoted};
use asyncnet_driver::{Datagram, Endpoint, Error, Net};
use std::io::ErrorKind;
use std::net::Ipv4Addr;

/// What there is memory for, in bytes.
const MEMORY: usize = 16;

/// Messages of several lengths, none and too many among them; and one that nobody is there for.
pub(super) async fn datagrams<R: Runtime>(net: R, page: &mut Page) -> Result<(), Broken> {
    const MESSAGES: [&str; 4] = ["two", "messages", "", "longer than the memory"];
    let (client, server) = (bound(net)?, bound(net)?);
    let there = server.local_endpoint()?;
    page.says(SERVER, "has", &format_args!("memory for {MEMORY} bytes"));
    for message in MESSAGES {
        client.send_to(message.as_bytes(), &there).await?;
        page.sends(CLIENT, message.as_bytes());
    }
    for message in MESSAGES {
        let fits = message.len().min(MEMORY);
        let (seen, received) = server.recv_from_owned(MEMORY).await?;
        let whole = if received.truncated { "and more that is lost" } else { "the whole message" };
        page.sees(SERVER, &format_args!("{}, {whole}", quoted(&seen)));
        page.check("a message is not put together with the next", &message.as_bytes()[..fits], &seen[..])?;
        page.check("a message says whether it was cut", &(fits < message.len()), &received.truncated)?;
        page.check("a message has its sender", &Some(client.local_endpoint()?), &received.from)?;
    }

    client.connect(&there)?;
    drop(server);
    page.says(SERVER, "goes", &"away");
    client.send(b"still there?").await?;
    page.sends(CLIENT, b"still there?");
    let Err(error) = client.recv(&mut [0; MEMORY]).await else {
        return page.check("nobody is there to answer", "an error", "a message");
    };
    page.sees(CLIENT, &format_args!("error: {error}"));
    let refused = matches!(&error, Error::Io { source, .. } if source.kind() == ErrorKind::ConnectionRefused);
    page.check("the error is what the network says of the message", &true, &refused)?;
    let other = bound(net)?;
    client.connect(&other.local_endpoint()?)?;
    client.send(b"and you?").await?;
    page.sends(CLIENT, b"and you?");
    let (seen, _) = other.recv_from_owned(MEMORY).await?;
    page.sees("other ", &quoted(&seen));
    page.check("the socket outlives a refusal", &b"and you?"[..], &seen[..])?;
    page.kept("a message comes whole or says that it was cut, and an empty one is no end");
    Ok(())
}

/// A UDP socket on loopback.
fn bound<R: Runtime>(net: R) -> Result<Datagram<<R as Net>::Datagram>, Error> {
    Ok(Datagram::new(net.bind(&Endpoint::Inet((Ipv4Addr::LOCALHOST, 0).into()))?))
}
