//! What the suite asks of an adapter, and what it gives to a case.

use crate::case::{Case, Stop};
use crate::peer::{Peer, Reset};
use asyncnet_driver::{Accept, Endpoint, Limits, Listener, Net, Stream, Timer, Transport};
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A pair of ends: the stream under test, and its peer.
pub type Pair<F> = (Stream<<F as Fixture>::Transport>, Box<dyn Peer>);

/// Where a case gets its connections from.
///
/// A stream case is generic over this alone, so it runs over sockets of any runtime and in memory alike.
pub trait Fixture {
    /// What its streams run over.
    type Transport: Transport;

    /// A stream with the given limits, connected with a peer that is independent of the code under test.
    fn pair_with(&self, limits: Limits) -> impl Future<Output = Result<Pair<Self>, Stop>>
    where
        Self: Sized;

    /// A stream with the default limits, and its peer.
    fn pair(&self) -> impl Future<Output = Result<Pair<Self>, Stop>>
    where
        Self: Sized,
    {
        self.pair_with(Limits::default())
    }

    /// Lets this much time pass, by waiting or by moving a manual clock.
    fn elapse(&self, time: Duration) -> impl Future<Output = ()>;
}

/// A kind of connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// TCP over the loopback interface.
    Tcp,
    /// A Unix stream socket.
    Unix,
}

/// A runtime under test: its network, and how to run a future on it.
///
/// This and [`Net`] are what a third adapter implements; see [`skeleton`](crate::skeleton).
pub trait Adapter {
    /// Its network.
    type Net: Net;

    /// Its name in the table.
    fn name(&self) -> &'static str;

    /// Its network, for use inside [`run`](Self::run).
    fn net(&self) -> Self::Net;

    /// Runs a future to its end on this runtime.
    fn run<T>(&self, work: impl Future<Output = T>) -> T;

    /// As [`run`](Self::run), and how many tasks are alive afterwards, beside the future itself; 0 where a runtime does not
    /// count them.
    fn run_and_count<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        (self.run(work), 0)
    }

    /// Cases of its own: for its conversions and its runtime's traits.
    fn own_cases(&self) -> Vec<Case<Sockets<Self::Net>>> {
        Vec::new()
    }
}

/// The fixture over real sockets.
pub struct Sockets<N> {
    net: N,
    link: Link,
    folder: PathBuf,
}

impl<N: Net> Sockets<N> {
    /// Connections of one kind over a network; Unix sockets are made in `folder`.
    ///
    /// ```
    /// # #[cfg(feature = "adapters")] {
    /// use asyncnet_conformance::{Link, Sockets};
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let sockets = Sockets::new(asyncnet_smol::SmolNet, Link::Tcp, folder.path().to_owned());
    /// assert_eq!(sockets.link(), Link::Tcp);
    /// # }
    /// ```
    pub fn new(net: N, link: Link, folder: PathBuf) -> Self {
        Self { net, link, folder }
    }

    /// The network.
    pub fn net(&self) -> &N {
        &self.net
    }

    /// The kind of its connections.
    pub fn link(&self) -> Link {
        self.link
    }

    /// A path in the folder of this run that nothing uses yet.
    ///
    /// # Panics
    ///
    /// If the process ran out of numbers.
    pub fn fresh_path(&self) -> PathBuf {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.folder.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// A listener of the network under test, on a fresh address of this kind.
    ///
    /// # Errors
    ///
    /// [`Stop::Failed`] if it cannot be had.
    pub fn listen(&self) -> Result<Listener<N::Listener>, Stop> {
        Ok(Listener::new(self.net.listen(&self.fresh_endpoint()?)?))
    }

    /// An address of this kind that nobody listens at yet.
    pub(crate) fn fresh_endpoint(&self) -> Result<Endpoint, Stop> {
        match self.link {
            Link::Tcp => Ok(Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], 0)))),
            Link::Unix => unix_endpoint(&self.fresh_path()),
        }
    }
}

impl<N: Net> Fixture for Sockets<N> {
    type Transport = N::Transport;

    async fn pair_with(&self, limits: Limits) -> Result<Pair<Self>, Stop> {
        match self.link {
            Link::Tcp => {
                let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
                let transport = self.net.connect(&Endpoint::Inet(listener.local_addr()?)).await?;
                let (peer, _) = listener.accept()?;
                Ok((Stream::with_limits(transport, limits), crate::peer::tcp(peer)?))
            }
            #[cfg(unix)]
            Link::Unix => {
                let path = self.fresh_path();
                let listener = std::os::unix::net::UnixListener::bind(&path)?;
                let transport = self.net.connect(&unix_endpoint(&path)?).await?;
                let (peer, _) = listener.accept()?;
                std::fs::remove_file(&path)?;
                Ok((Stream::with_limits(transport, limits), crate::peer::unix(peer)?))
            }
            #[cfg(not(unix))]
            Link::Unix => Err(Stop::Skipped("no Unix sockets on this platform".to_owned())),
        }
    }

    async fn elapse(&self, time: Duration) {
        let mut timer = self.net.timer();
        let until = timer.now() + time;
        std::future::poll_fn(|cx| timer.poll_until(cx, until)).await;
    }
}

/// The endpoint of a Unix socket's path.
///
/// # Errors
///
/// [`Stop::Skipped`] where there are no Unix sockets.
pub(crate) fn unix_endpoint(path: &std::path::Path) -> Result<Endpoint, Stop> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let path = path.as_os_str().as_bytes();
        Ok(Endpoint::Unix(asyncnet_driver::UnixName::Path(Box::from(path))))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Err(Stop::Skipped("no Unix sockets on this platform".to_owned()))
    }
}

/// Where a listener is, for a peer to connect to.
pub(crate) fn connect_peer<L: Accept>(listener: &Listener<L>) -> Result<Box<dyn Peer>, Stop> {
    match listener.local_endpoint()? {
        Endpoint::Inet(at) => Ok(crate::peer::tcp(std::net::TcpStream::connect(at)?)?),
        #[cfg(unix)]
        Endpoint::Unix(asyncnet_driver::UnixName::Path(path)) => {
            use std::os::unix::ffi::OsStrExt;
            let path = std::path::Path::new(std::ffi::OsStr::from_bytes(&path));
            Ok(crate::peer::unix(std::os::unix::net::UnixStream::connect(path)?)?)
        }
        other => Err(Stop::Failed(format!("the listener is at {other}"))),
    }
}

/// Whether the peer was reset, for cases that need it.
pub(crate) fn reset(peer: Box<dyn Peer>) -> Result<(), Stop> {
    match peer.reset()? {
        Reset::Sent => Ok(()),
        Reset::Unknown => Err(Stop::Skipped("a connection of this kind has no reset".to_owned())),
    }
}
