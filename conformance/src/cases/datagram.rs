//! Datagram sockets: over UDP, and over Unix datagrams where there are any.

use crate::adapter::{Link, Sockets, unix_endpoint};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq, ensure_err};
use crate::cases::network::tcp_only;
use crate::steps::drop_after;
use asyncnet_driver::{
    Datagram, Endpoint, Error, Flag, Net, OptionName, Received, SocketOption, SocketOptions,
};
use futures_lite::future;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

pub(crate) fn cases<N: Net>() -> Vec<Case<Sockets<N>>> {
    vec![
        Case::new("datagram::whole", "messages come whole, in order, with their sender", |at| {
            Box::pin(whole(at))
        }),
        Case::new("datagram::empty", "an empty message is a message, and no end", |at| Box::pin(empty(at))),
        Case::new("datagram::truncated", "a message that is longer than the memory is told to be", |at| {
            Box::pin(truncated(at))
        }),
        Case::new("datagram::connected", "a connected socket hears its peer alone", |at| {
            Box::pin(connected(at))
        }),
        Case::new(
            "datagram::refused",
            "that nobody took a message is an error of a later call, and the socket lives",
            |at| Box::pin(refused(at)),
        ),
        Case::new(
            "datagram::too_long",
            "a message that is too long is an error, and nothing is sent",
            |at| Box::pin(too_long(at)),
        ),
        Case::new("datagram::dropped", "a receive that is dropped takes no message with it", |at| {
            Box::pin(dropped(at))
        }),
        Case::new(
            "datagram::many_tasks",
            "any number of tasks wait on one socket, and each message goes to one of them",
            |at| Box::pin(many_tasks(at)),
        ),
        Case::new("datagram::batches", "many messages are sent and received with one call", |at| {
            Box::pin(batches(at))
        }),
        Case::new(
            "datagram::by_name",
            "a host is looked up, and the first address that takes the message gets it",
            |at| Box::pin(by_name(at)),
        ),
        Case::new("datagram::broadcast", "broadcasting is refused until it is allowed", |at| {
            Box::pin(broadcast(at))
        }),
        Case::new(
            "datagram::multicast",
            "a group that was joined is heard, and one that was left is not",
            |at| Box::pin(multicast(at)),
        ),
        Case::new("datagram::options", "each option is at its own level, and unknown ones say so", |at| {
            Box::pin(options(at))
        }),
    ]
}

/// A socket of the network under test.
type Socket<N> = Datagram<<N as Net>::Datagram>;

/// Two of them.
fn two<N: Net>(at: &Sockets<N>) -> Result<(Socket<N>, Socket<N>), Stop> {
    Ok((bound(at)?, bound(at)?))
}

fn bound<N: Net>(at: &Sockets<N>) -> Result<Socket<N>, Stop> {
    let to = match at.link() {
        Link::Tcp => Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], 0))),
        Link::Unix => unix_endpoint(&at.fresh_path())?,
    };
    Ok(Datagram::new(at.net().bind(&to)?))
}

async fn whole<N: Net>(at: &Sockets<N>) -> Verdict {
    let (one, other) = two(at)?;
    let to = other.local_endpoint()?;
    let mut memory = [0; 2_000];
    for len in [1, 3, 1_400, 100] {
        let message: Vec<u8> = (0..len).map(|n: usize| n.to_le_bytes()[0]).collect();
        one.send_to(&message, &to).await?;
        let received = other.recv_from(&mut memory).await?;
        ensure_eq(&memory[..received.len], &message[..], "the message")?;
        ensure_eq(&received, &expected(&one, len)?, "what is told of it")?;
    }
    one.send_to(b"one", &to).await?;
    one.send_to(b"two", &to).await?;
    for expected in ["one", "two"] {
        ensure_eq(&other.recv_from_owned(100).await?.0[..], expected.as_bytes(), "in order")?;
    }
    Ok(())
}

/// What is told of a message of `from`.
fn expected<D: asyncnet_driver::DatagramSocket>(from: &Datagram<D>, len: usize) -> Result<Received, Stop> {
    Ok(Received::new(len, Some(from.local_endpoint()?)))
}

async fn empty<N: Net>(at: &Sockets<N>) -> Verdict {
    let (one, other) = two(at)?;
    one.send_to(b"", &other.local_endpoint()?).await?;
    one.send_to(b"next", &other.local_endpoint()?).await?;
    let mut memory = [0; 8];
    ensure_eq(&other.recv_from(&mut memory).await?, &expected(&one, 0)?, "the empty one")?;
    ensure_eq(&other.recv_from(&mut memory).await?.len, &4, "the next one")
}

async fn truncated<N: Net>(at: &Sockets<N>) -> Verdict {
    let (one, other) = two(at)?;
    for message in ["0123456789", "0123", "next"] {
        one.send_to(message.as_bytes(), &other.local_endpoint()?).await?;
    }
    let mut memory = [0; 4];
    for (text, truncated) in [("0123", true), ("0123", false), ("next", false)] {
        let received = other.recv_from(&mut memory).await?;
        ensure_eq(&memory[..received.len], text.as_bytes(), "what fits")?;
        ensure_eq(&received.truncated, &truncated, format!("whether more of {text} was sent"))?;
    }
    Ok(())
}

async fn connected<N: Net>(at: &Sockets<N>) -> Verdict {
    let (one, other) = two(at)?;
    let stranger = bound(at)?;
    one.connect(&other.local_endpoint()?)?;
    ensure_eq(&one.peer_endpoint()?, &other.local_endpoint()?, "the peer")?;
    one.send(b"to my peer").await?;
    ensure_eq(&other.recv_from_owned(100).await?.0[..], b"to my peer", "what the peer heard")?;
    if at.link() == Link::Tcp {
        stranger.send_to(b"from a stranger", &one.local_endpoint()?).await?;
    } else {
        // Linux refuses it at once (unix(7)); others may take it.
        stranger.send_to(b"from a stranger", &one.local_endpoint()?).await.ok();
    }
    other.send_to(b"from my peer", &one.local_endpoint()?).await?;
    ensure_eq(&one.recv_from_owned(100).await?.0[..], b"from my peer", "a stranger was heard")
}

async fn refused<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (one, other) = two(at)?;
    let nobody = other.local_endpoint()?;
    one.connect(&nobody)?;
    drop(other);
    one.send(b"to nobody").await?;
    // The answer of the network comes over loopback before the send returns.
    let error = ensure_err(one.recv(&mut [0; 8]).await, "a message that nobody took")?;
    ensure(
        matches!(&error, Error::Io { source, .. } if source.kind() == ErrorKind::ConnectionRefused),
        format!("{error:?}"),
    )?;
    let back = UdpSocket::bind(nobody.as_inet().ok_or_else(|| Stop::Failed("no address".to_owned()))?)?;
    one.send(b"now somebody").await?;
    let mut memory = [0; 20];
    let (n, from) = back.recv_from(&mut memory)?;
    ensure_eq(&memory[..n], b"now somebody", "after the error")?;
    back.send_to(b"hello", from)?;
    ensure_eq(&one.recv(&mut memory).await?.len, &5, "both ways")
}

async fn too_long<N: Net>(at: &Sockets<N>) -> Verdict {
    let (one, other) = two(at)?;
    let to = other.local_endpoint()?;
    let error = ensure_err(one.send_to(&vec![0; 8 << 20], &to).await, "8 MiB in one message")?;
    ensure(matches!(error, Error::Io { .. }), format!("{error:?}"))?;
    one.send_to(b"short", &to).await?;
    ensure_eq(&other.recv_from_owned(100).await?.0[..], b"short", "the next message")
}

async fn dropped<N: Net>(at: &Sockets<N>) -> Verdict {
    let (one, other) = two(at)?;
    let to = other.local_endpoint()?;
    let mut memory = [0; 100];
    for n in 0..20_u8 {
        ensure(drop_after(1, other.recv_from(&mut memory), || ()).await.is_none(), "nothing had come")?;
        one.send_to(&[n], &to).await?;
        let (message, _) = other.recv_from_owned(100).await?;
        ensure_eq(&message[..], &[n][..], "the message after a dropped receive")?;
    }
    Ok(())
}

async fn many_tasks<N: Net>(at: &Sockets<N>) -> Verdict {
    const TASKS: usize = 8;
    let (one, other) = two(at)?;
    let to = other.local_endpoint()?;
    let mut waiting: Vec<_> = (0..TASKS).map(|_| Box::pin(other.recv_from_owned(100))).collect();
    // All of them wait.
    for receive in &mut waiting {
        ensure(drop_after(1, receive.as_mut(), || ()).await.is_none(), "nothing had come")?;
    }
    let mut heard = Vec::new();
    for n in 0..TASKS {
        one.send_to(&[n.to_le_bytes()[0]], &to).await?;
        let (message, at) = future::poll_fn(|cx| {
            for (at, receive) in waiting.iter_mut().enumerate() {
                if let std::task::Poll::Ready(received) = receive.as_mut().poll(cx) {
                    return std::task::Poll::Ready(received.map(|(message, _)| (message, at)));
                }
            }
            std::task::Poll::Pending
        })
        .await?;
        heard.extend_from_slice(&message);
        drop(waiting.swap_remove(at));
    }
    heard.sort_unstable();
    ensure_eq(&heard[..], &[0, 1, 2, 3, 4, 5, 6, 7][..], "each message once")
}

async fn batches<N: Net>(at: &Sockets<N>) -> Verdict {
    let (one, other) = two(at)?;
    let to = other.local_endpoint()?;
    let texts: Vec<Vec<u8>> = (0..5_u8).map(|n| vec![n; usize::from(n) + 1]).collect();
    let batch: Vec<(&[u8], Option<&Endpoint>)> = texts.iter().map(|text| (&text[..], Some(&to))).collect();
    let mut sent = 0;
    while sent < batch.len() {
        let n = one.send_many(&batch[sent..]).await?;
        ensure(n > 0, "a batch of which nothing was sent")?;
        sent += n;
    }
    ensure_eq(&one.send_many(&[]).await?, &0, "an empty batch")?;
    let mut memory = [[0; 8]; 8];
    let mut received = Vec::new();
    let mut all = Vec::new();
    while all.len() < texts.len() {
        let mut bufs: Vec<&mut [u8]> = memory.iter_mut().map(|memory| &mut memory[..]).collect();
        other.recv_many(&mut bufs, &mut received).await?;
        ensure(!received.is_empty(), "a batch of nothing")?;
        all.extend(received.iter().zip(&memory).map(|(received, memory)| memory[..received.len].to_vec()));
    }
    ensure_eq(&all, &texts, "the messages")
}

async fn by_name<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (one, other) = two(at)?;
    let port = other.local_endpoint()?.as_inet().map_or(0, |at| at.port());
    one.send_to_host(at.net(), "localhost", port, b"by name").await?;
    ensure_eq(&other.recv_from_owned(100).await?.0[..], b"by name", "what came")?;
    let error = ensure_err(
        one.send_to_host(at.net(), "no-such-host.invalid", port, b"").await,
        "a host that does not exist",
    )?;
    ensure(matches!(&error, Error::Dial(report) if report.lookup().is_some()), format!("{error:?}"))?;
    // A socket of IPv4 cannot send to IPv6 (RFC 3493, section 3.7): the report names the address.
    let error = ensure_err(one.send_to_host(at.net(), "::1", port, b"").await, "the other family")?;
    ensure(matches!(&error, Error::Dial(report) if report.attempts().len() == 1), format!("{error:?}"))
}

async fn broadcast<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let (one, other) = two(at)?;
    let port = other.local_endpoint()?.as_inet().map_or(0, |at| at.port());
    let everyone = Endpoint::Inet(SocketAddr::from(([127, 255, 255, 255], port)));
    let error = ensure_err(one.send_to(b"all", &everyone).await, "broadcasting without being allowed to")?;
    ensure(
        matches!(&error, Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied),
        format!("{error:?}"),
    )?;
    one.set_flag(Flag::Broadcast, true)?;
    ensure(one.flag(Flag::Broadcast)?, "the flag")?;
    one.send_to(b"all", &everyone).await?;
    Ok(())
}

async fn multicast<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let any = Endpoint::Inet(SocketAddr::from(([0, 0, 0, 0], 0)));
    let (one, other) = (Datagram::new(at.net().bind(&any)?), Datagram::new(at.net().bind(&any)?));
    let group = std::net::IpAddr::from([239, 255, 77, 77]);
    // Loopback is the first interface of every Linux; elsewhere, or without one, there is nothing to try.
    if let Err(error) = other.join(group, 1) {
        return Err(Stop::Skipped(format!("no multicast on interface 1: {error}")));
    }
    let port = other.local_endpoint()?.as_inet().map_or(0, |at| at.port());
    let to = Endpoint::Inet(SocketAddr::new(group, port));
    // By way of the loopback interface, and back.
    let by = SocketOption::MulticastInterfaceV4(Ipv4Addr::LOCALHOST);
    one.set_option(by)?;
    ensure_eq(&one.option(OptionName::MulticastInterfaceV4)?, &by, "the interface")?;
    for option in [SocketOption::MulticastLoop(true), SocketOption::MulticastTtl(1)] {
        one.set_option(option)?;
        ensure_eq(&one.option(option.name())?, &option, "an option of multicast")?;
    }
    one.send_to(b"to the group", &to).await?;
    ensure_eq(&other.recv_from_owned(100).await?.0[..], b"to the group", "what the group heard")?;

    other.leave(group, 1)?;
    ensure_err(other.leave(group, 1), "leaving twice")?;
    // Loopback keeps the order: what was sent to the group would come before what is sent to the socket.
    one.send_to(b"nobody is there", &to).await?;
    one.send_to(b"to the socket", &Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], port)))).await?;
    ensure_eq(&other.recv_from_owned(100).await?.0[..], b"to the socket", "a group that was left was heard")
}

async fn options<N: Net>(at: &Sockets<N>) -> Verdict {
    tcp_only(at)?;
    let socket = bound(at)?;
    for name in [Flag::Debug, Flag::DontRoute] {
        let error = ensure_err(socket.flag(name), "an option that no safe call reaches")?;
        ensure(
            matches!(&error, Error::Io { source, .. } if source.kind() == ErrorKind::Unsupported),
            format!("{error:?}"),
        )?;
    }
    let listener = at.listen()?;
    let stream = at.net().connect(&listener.local_endpoint()?).await?;
    // What Nim's setSockOpt sets instead is SO_DEBUG, at the level of the socket.
    for on in [false, true, false] {
        stream.set_option(SocketOption::Flag(Flag::NoDelay, on))?;
        ensure_eq(
            &stream.option(OptionName::Flag(Flag::NoDelay))?,
            &SocketOption::Flag(Flag::NoDelay, on),
            "TCP_NODELAY",
        )?;
    }
    ensure(listener.flag(Flag::AcceptConn).unwrap_or(true), "a listener listens")
}
