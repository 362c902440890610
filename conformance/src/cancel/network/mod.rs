//! The rows of what needs a network: accepting, datagrams, and connecting. Each is a function that makes the call once, up to
//! a cut, and then says whether nothing is lost.

mod accepting;
mod connecting;
mod messages;

use self::accepting::{accepted, accepted_tls};
use self::connecting::connected;
use self::messages::{MESSAGE, dialed_datagram, received, sent};
use super::around::When;
use super::drive::Leave;
use super::tally;
use crate::adapter::{Link, Sockets};
use crate::case::{Case, LocalFuture, Stop, Verdict};
use asyncnet_driver::{Connector, Endpoint, Net, NewSocket, SocketKind, dial};

pub(crate) fn cases<N: Net + 'static>() -> Vec<Case<Sockets<N>>> {
    vec![Case::new(
        "cancel::network",
        "accepting, connecting and datagrams, broken off anywhere, lose no connection and no message",
        |at| Box::pin(network(at)),
    )]
}

/// How a call is to be broken off.
#[derive(Clone, Copy)]
struct Try {
    when: When,
    at: usize,
    leave: Leave,
}

impl Try {
    fn cut(self) -> Option<(usize, Leave)> {
        Some((self.at, self.leave))
    }
}

/// Whether a call came to the cut.
type Attempted = Result<bool, Stop>;

/// Makes a call up to a cut.
type Attempt<N> = for<'a> fn(&'a Sockets<N>, Try) -> LocalFuture<'a, Attempted>;

/// A name that has to be looked up.
const HOST: &str = "peer.test";

/// The names of the rows.
#[cfg(all(test, feature = "adapters"))]
pub(crate) fn names<N: Net>() -> impl Iterator<Item = &'static str> {
    accepts::<N>().into_iter().chain(others::<N>()).map(|(name, _)| name)
}

fn accepts<N: Net>() -> Vec<(&'static str, Attempt<N>)> {
    vec![
        ("Listener::accept", |at, how| Box::pin(accepted(at, how, |listener| Box::pin(listener.accept())))),
        ("Listener::accept_addr", |at, how| {
            Box::pin(accepted(at, how, |listener| Box::pin(async { Ok(listener.accept_addr().await?.0) })))
        }),
        ("TlsListener::accept", |at, how| {
            Box::pin(accepted_tls(at, how, |listener| Box::pin(listener.accept())))
        }),
        ("TlsListener::accept_addr", |at, how| {
            Box::pin(accepted_tls(at, how, |listener| {
                Box::pin(async { Ok(listener.accept_addr().await?.0) })
            }))
        }),
    ]
}

fn others<N: Net>() -> Vec<(&'static str, Attempt<N>)> {
    vec![
        ("Datagram::recv", |at, how| {
            Box::pin(received(at, how, |it, memory| {
                Box::pin(async { Ok(it.recv(&mut memory[..]).await?.len) })
            }))
        }),
        ("Datagram::recv_from", |at, how| {
            Box::pin(received(at, how, |it, memory| {
                Box::pin(async { Ok(it.recv_from(&mut memory[..]).await?.len) })
            }))
        }),
        ("Datagram::recv_from_owned", |at, how| {
            Box::pin(received(at, how, |it, memory| {
                Box::pin(async {
                    let (message, received) = it.recv_from_owned(memory.len()).await?;
                    memory[..received.len].copy_from_slice(&message);
                    Ok(received.len)
                })
            }))
        }),
        ("Datagram::recv_many", |at, how| {
            Box::pin(received(at, how, |it, memory| {
                Box::pin(async {
                    let mut all = Vec::new();
                    it.recv_many(&mut [&mut memory[..]], &mut all).await?;
                    Ok(all.first().map_or(0, |received| received.len))
                })
            }))
        }),
        ("Datagram::send", |at, how| {
            Box::pin(sent(at, how, |it, _, _| Box::pin(async { it.send(MESSAGE).await })))
        }),
        ("Datagram::send_to", |at, how| {
            Box::pin(sent(at, how, |it, _, to| {
                Box::pin(async move { it.send_to(MESSAGE, &Endpoint::Inet(to)).await })
            }))
        }),
        ("Datagram::send_to_host", |at, how| {
            Box::pin(sent(at, how, |it, net, to| {
                Box::pin(async move { it.send_to_host(net, HOST, to.port(), MESSAGE).await })
            }))
        }),
        ("Datagram::send_many", |at, how| {
            Box::pin(sent(at, how, |it, _, _| {
                Box::pin(async { it.send_many(&[(MESSAGE, None)]).await.map(drop) })
            }))
        }),
        ("dial", |at, how| {
            Box::pin(connected(at, how, |net, to| Box::pin(async move { dial(net, HOST, to.port()).await })))
        }),
        ("Connector::dial", |at, how| {
            Box::pin(connected(at, how, |net, to| {
                Box::pin(async move { Connector::new().dial(net, HOST, to.port()).await })
            }))
        }),
        ("Connector::connect", |at, how| {
            Box::pin(connected(at, how, |net, to| {
                Box::pin(async move { Connector::new().connect(net, &Endpoint::Inet(to)).await })
            }))
        }),
        ("NewSocket::connect", |at, how| {
            Box::pin(connected(at, how, |net, to| {
                Box::pin(async move {
                    NewSocket::open(net, SocketKind::TcpV4)?.connect(&Endpoint::Inet(to)).await
                })
            }))
        }),
        ("dial_datagram", |at, how| Box::pin(dialed_datagram(at, how))),
    ]
}

/// Tries every row, wherever it waits.
async fn network<N: Net>(at: &Sockets<N>) -> Verdict {
    let mut rows = accepts();
    if at.link() == Link::Tcp {
        rows.extend(others());
    }
    let (mut cuts, mut failed) = (Vec::new(), Vec::new());
    for (name, attempt) in rows {
        for when in [When::Early, When::Late] {
            for leave in Leave::EACH {
                match each_cut(at, attempt, when, leave).await {
                    Ok(points) if leave == Leave::Drop => tally::count(&mut cuts, name, "plain", points),
                    Ok(_) => {}
                    Err((k, Stop::Failed(reason))) => {
                        failed.push(format!("{name}, {when:?}, cut {k}, {}: {reason}", leave.past()));
                    }
                    Err((_, skipped)) => return Err(skipped),
                }
            }
        }
    }
    tally::keep(cuts);
    if failed.is_empty() { Ok(()) } else { Err(Stop::Failed(failed.join("\n"))) }
}

/// A call of the network has fewer waits than this.
const CUTS_MAX: usize = 100;

async fn each_cut<N: Net>(
    at: &Sockets<N>,
    attempt: Attempt<N>,
    when: When,
    leave: Leave,
) -> Result<usize, (usize, Stop)> {
    for k in 1..CUTS_MAX {
        if !attempt(at, Try { when, at: k, leave }).await.map_err(|stop| (k, stop))? {
            return Ok(k - 1);
        }
    }
    Err((CUTS_MAX, Stop::Failed("it does not complete".to_owned())))
}
