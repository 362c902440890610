//! Reaching a host with datagrams: looks it up, and connects a socket to the first of its addresses that can be.
//!
//! It is a function of its own and no mode of [`dial`](crate::dial), because its socket is of another type: messages are
//! not bytes of a stream. A [`Connector`](crate::Connector) has none: limits of lines and TLS are of streams.

use crate::datagram::{Datagram, DatagramSocket};
use crate::dial::{Next, Search};
use crate::error::Error;
use crate::net::Net;
use asyncnet_core::{DialTimes, Endpoint};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Looks a host up, and connects a new datagram socket to the first of its addresses that can be, in the order of
/// [`dial`](crate::dial): nothing is sent for that, so whether anybody is there a later call tells.
///
/// # Errors
///
/// [`Error::Dial`] with each address that was tried and why it failed, or why the name could not be looked up.
///
/// # Cancel safety
///
/// Dropped, it has opened nothing.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::dial_datagram;
///
/// let server = asyncnet_smol::bind("127.0.0.1:0")?;
/// let port = server.local_endpoint()?.as_inet().unwrap().port();
/// let client = dial_datagram(&asyncnet_smol::SmolNet, "127.0.0.1", port).await?;
/// client.send(b"ping").await?;
/// assert_eq!(server.recv_from_owned(100).await?.0, "ping");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub fn dial_datagram<'a, N: Net>(net: &'a N, host: &str, port: u16) -> DialDatagram<'a, N> {
    DialDatagram { search: Search::new(net, host, port) }
}

/// A dial of a datagram socket under way: what [`dial_datagram`] returns. Its time begins when it is first polled.
///
/// ```
/// fn assert_send<T: Send>(_: &T) {}
///
/// let net = asyncnet_smol::SmolNet::default();
/// assert_send(&asyncnet_driver::dial_datagram(&net, "localhost", 1));
/// ```
#[must_use = "futures do nothing unless awaited"]
pub struct DialDatagram<'a, N: Net> {
    search: Search<'a, N>,
}

impl<N: Net> DialDatagram<'_, N> {
    /// How long the look-up may take: [`DialTimes::time_max`]. The rest takes no time. It is set before the first poll.
    ///
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use asyncnet_driver::{DialTimes, dial_datagram};
    ///
    /// let mut times = DialTimes::default();
    /// times.time_max = std::time::Duration::ZERO;
    /// assert!(dial_datagram(&asyncnet_smol::SmolNet, "localhost", 1).times(times).await.is_err());
    /// # })
    /// ```
    pub fn times(mut self, times: DialTimes) -> Self {
        self.search.times = times;
        self
    }
}

impl<N: Net> Unpin for DialDatagram<'_, N> {}

impl<N: Net> Future for DialDatagram<'_, N> {
    type Output = Result<Datagram<N::Datagram>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let search = &mut self.search;
        loop {
            match ready!(search.poll_next(cx)) {
                Next::Start(address) => match connected(search.net(), address) {
                    Ok(socket) => return Poll::Ready(Ok(Datagram::new(socket))),
                    Err(error) => search.attempt_failed(address, error),
                },
                // No attempt is under way when the search is asked.
                Next::GaveUp(_) => {}
                Next::End => return Poll::Ready(Err(search.failed([]))),
            }
        }
    }
}

impl<N: Net> fmt::Debug for DialDatagram<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialDatagram").finish_non_exhaustive()
    }
}

/// A new socket on a port of the system's choice, for this peer alone.
fn connected<N: Net>(net: &N, to: SocketAddr) -> io::Result<N::Datagram> {
    let any = match to.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = net.bind(&Endpoint::Inet(SocketAddr::new(any, 0)))?;
    socket.connect(&Endpoint::Inet(to))?;
    Ok(socket)
}
