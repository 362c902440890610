//! What a third adapter implements, as one that is complete and small.
//!
//! The adapter below has no reactor: a call that would block is tried again at once. That is correct, and slow; yours
//! waits until the socket is ready instead, and the rest stays as it is. The crate needs `asyncnet-driver` for the
//! traits, `asyncnet-os` for sockets, addresses and errors, and this one, without its default features, for its
//! tests.
//!
//! # What to write
//!
//! | trait | on | what to know |
//! |---|---|---|
//! | [`Timer`] | a clock | one alarm: a later call of `poll_until` replaces an earlier one |
//! | [`ReadTransport`], [`WriteTransport`] | a connected socket | never `WouldBlock`: that is `Pending`, and a wake-up to come |
//! | [`Transport`] | the same | [`abort`](asyncnet_driver::Transport::abort), see below |
//! | [`Endpoints`] | the same | `asyncnet_os::local_endpoint` and `peer_endpoint` know TCP and Unix sockets |
//! | [`DatagramSocket`] | a datagram socket | as for [`Accept`]: [`Datagram`] keeps the wakers of all who wait |
//! | [`Accept`] | a listening socket | one waker is enough: [`Listener`] keeps those of all who wait |
//! | [`OpenSocket`] | a socket that is not connected | `asyncnet_os::NewSocket` is all but its name |
//! | [`SocketOptions`] | all four sockets | `asyncnet_os::option` and `set_option` know every option |
//! | [`Net`] | the runtime's network | its futures close their sockets when they are dropped |
//! | [`Adapter`] | a value for the suite | the network, and how to run a future |
//! | [`SplitTransport`] | a connected socket | only for halves in two tasks; the suite asks for it nowhere |
//!
//! **Waker slots.** One task may wait for bytes, for room and for a time at once, and each half may be with a task of its
//! own. So `poll_read` and the write calls (`poll_write_vectored`, `poll_flush`, `poll_shutdown_write`) need two
//! slots, and `poll_until` a third: a waker that is stored for one must not replace that of another. In one slot, the
//! last waker that came is the one to wake. A registration with a readiness queue has the two directions; a socket
//! type with a single "wake me" has not.
//!
//! **Abort.** `abort` does not close: it makes the drop that follows abrupt, and until then the transport works as
//! before. Over TCP that is `SO_LINGER` with zero, so that the peer gets a reset, and `asyncnet_os::abort` does it;
//! over a Unix socket there is no reset, and dropping is all. It cannot fail, must not wait, and may come twice. A
//! drop without it is the kernel's ordinary close.
//!
//! **Errors.** Pass on the kind that the system gives, with `asyncnet_os::with_disconnect_kind` for the numbers that have
//! none; the driver sorts by kind. `poll_read` gives 0 for the end of the stream and for nothing else.
//!
//! # All of it
//!
//! ```
//! use asyncnet_conformance::{Adapter, Outcome, jobs};
//! use asyncnet_driver::{
//!     Accept, AcceptFault, BindOptions, DatagramSocket, Endpoint, Endpoints, Net, OpenSocket, OptionName,
//!     ReadTransport, Received, SocketKind, SocketOption, SocketOptions, Timer, Transport, WriteTransport,
//! };
//! use asyncnet_os::socket2::Socket;
//! use asyncnet_os::{ConnectState, NewSocket, SocketBuilder, with_disconnect_kind};
//! use futures_lite::future;
//! use std::future::Future;
//! use std::io::{self, ErrorKind, IoSlice, Read, Write};
//! use std::net::{IpAddr, Shutdown, SocketAddr, ToSocketAddrs};
//! use std::pin::Pin;
//! use std::sync::mpsc::{self, TryRecvError};
//! use std::task::{Context, Poll};
//! use std::time::{Duration, Instant};
//!
//! /// Tries a call that does not block. What stands here for "wake me when the socket is ready" is "wake me now".
//! fn attempt<T>(cx: &mut Context<'_>, call: impl FnOnce() -> io::Result<T>) -> Poll<io::Result<T>> {
//!     match call() {
//!         Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
//!             cx.waker().wake_by_ref();
//!             Poll::Pending
//!         }
//!         done => Poll::Ready(done),
//!     }
//! }
//!
//! /// A clock, which is asked over and over.
//! struct BusyTimer(Instant);
//!
//! impl Timer for BusyTimer {
//!     fn now(&self) -> Duration {
//!         self.0.elapsed()
//!     }
//!
//!     fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
//!         if self.now() >= at {
//!             return Poll::Ready(());
//!         }
//!         cx.waker().wake_by_ref();
//!         Poll::Pending
//!     }
//! }
//!
//! /// A connected socket, of TCP or Unix: non-blocking, as `asyncnet-os` makes them.
//! struct BusySocket {
//!     socket: Socket,
//!     timer: BusyTimer,
//! }
//!
//! impl BusySocket {
//!     fn new(socket: Socket) -> Self {
//!         Self { socket, timer: BusyTimer(Instant::now()) }
//!     }
//! }
//!
//! impl Timer for BusySocket {
//!     fn now(&self) -> Duration {
//!         self.timer.now()
//!     }
//!
//!     fn poll_until(&mut self, cx: &mut Context<'_>, at: Duration) -> Poll<()> {
//!         self.timer.poll_until(cx, at)
//!     }
//! }
//!
//! impl ReadTransport for BusySocket {
//!     fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
//!         attempt(cx, || self.socket.read(buf)).map_err(with_disconnect_kind)
//!     }
//! }
//!
//! impl WriteTransport for BusySocket {
//!     fn poll_write_vectored(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
//!         attempt(cx, || self.socket.write_vectored(bufs)).map_err(with_disconnect_kind)
//!     }
//!
//!     fn poll_shutdown_write(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
//!         Poll::Ready(self.socket.shutdown(Shutdown::Write))
//!     }
//! }
//!
//! impl Transport for BusySocket {
//!     fn abort(&mut self) {
//!         // A socket that cannot be told to reset is closed by the drop all the same.
//!         asyncnet_os::abort(&self.socket).ok();
//!     }
//! }
//!
//! impl Endpoints for BusySocket {
//!     fn local_endpoint(&self) -> io::Result<Endpoint> {
//!         asyncnet_os::local_endpoint(&self.socket)
//!     }
//!
//!     fn peer_endpoint(&self) -> io::Result<Endpoint> {
//!         asyncnet_os::peer_endpoint(&self.socket)
//!     }
//! }
//!
//! impl SocketOptions for BusySocket {
//!     fn option(&self, name: OptionName) -> io::Result<SocketOption> {
//!         asyncnet_os::option(&self.socket, name)
//!     }
//!
//!     fn set_option(&self, option: SocketOption) -> io::Result<()> {
//!         asyncnet_os::set_option(&self.socket, option)
//!     }
//! }
//!
//! struct BusyListener(Socket);
//!
//! impl Accept for BusyListener {
//!     type Transport = BusySocket;
//!     type Timer = BusyTimer;
//!
//!     fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(BusySocket, Endpoint)>> {
//!         attempt(cx, || {
//!             let (socket, from) = self.0.accept()?;
//!             let socket = asyncnet_os::adopt(socket)?; // Not every system inherits "non-blocking".
//!             Ok((BusySocket::new(socket), asyncnet_os::endpoint_from_sock_addr(&from)?))
//!         })
//!     }
//!
//!     fn accept_fault(&self, error: &io::Error) -> AcceptFault {
//!         asyncnet_os::accept_fault(error)
//!     }
//!
//!     fn timer(&self) -> BusyTimer {
//!         BusyTimer(Instant::now())
//!     }
//!
//!     fn local_endpoint(&self) -> io::Result<Endpoint> {
//!         asyncnet_os::local_endpoint(&self.0)
//!     }
//! }
//!
//! impl SocketOptions for BusyListener {
//!     fn option(&self, name: OptionName) -> io::Result<SocketOption> {
//!         asyncnet_os::option(&self.0, name)
//!     }
//!
//!     fn set_option(&self, option: SocketOption) -> io::Result<()> {
//!         asyncnet_os::set_option(&self.0, option)
//!     }
//! }
//!
//! struct BusyDatagram(Socket);
//!
//! impl Endpoints for BusyDatagram {
//!     fn local_endpoint(&self) -> io::Result<Endpoint> {
//!         asyncnet_os::local_endpoint(&self.0)
//!     }
//!
//!     fn peer_endpoint(&self) -> io::Result<Endpoint> {
//!         asyncnet_os::peer_endpoint(&self.0)
//!     }
//! }
//!
//! impl DatagramSocket for BusyDatagram {
//!     fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
//!         // Where there is no recvmsg(2), the last argument is the socket type's own `recv_from`.
//!         let none = |_: &mut [u8]| Err(ErrorKind::Unsupported.into());
//!         attempt(cx, || asyncnet_os::recv_datagram(&self.0, buf, none)).map_ok(|read| {
//!             let mut received = Received::new(read.len, read.from);
//!             received.truncated = read.truncated;
//!             received
//!         })
//!     }
//!
//!     fn poll_send_to(&self, cx: &mut Context<'_>, bytes: &[u8], to: Option<&Endpoint>) -> Poll<io::Result<()>> {
//!         attempt(cx, || asyncnet_os::send_datagram(&self.0, bytes, to))
//!     }
//!
//!     fn connect(&self, to: &Endpoint) -> io::Result<()> {
//!         asyncnet_os::connect_datagram(&self.0, to)
//!     }
//!
//!     fn join(&self, group: IpAddr, interface: u32) -> io::Result<()> {
//!         asyncnet_os::join(&self.0, group, interface)
//!     }
//!
//!     fn leave(&self, group: IpAddr, interface: u32) -> io::Result<()> {
//!         asyncnet_os::leave(&self.0, group, interface)
//!     }
//! }
//!
//! impl SocketOptions for BusyDatagram {
//!     fn option(&self, name: OptionName) -> io::Result<SocketOption> {
//!         asyncnet_os::option(&self.0, name)
//!     }
//!
//!     fn set_option(&self, option: SocketOption) -> io::Result<()> {
//!         asyncnet_os::set_option(&self.0, option)
//!     }
//! }
//!
//! /// A socket that is neither connected nor listening.
//! struct BusyOpen(NewSocket);
//!
//! impl OpenSocket for BusyOpen {
//!     fn bind(&self, at: &Endpoint) -> io::Result<()> {
//!         self.0.bind(at)
//!     }
//!
//!     fn bind_any(&self, port: u16) -> io::Result<()> {
//!         self.0.bind_any(port)
//!     }
//!
//!     fn local_endpoint(&self) -> io::Result<Endpoint> {
//!         asyncnet_os::local_endpoint(&self.0)
//!     }
//! }
//!
//! impl SocketOptions for BusyOpen {
//!     fn option(&self, name: OptionName) -> io::Result<SocketOption> {
//!         asyncnet_os::option(&self.0, name)
//!     }
//!
//!     fn set_option(&self, option: SocketOption) -> io::Result<()> {
//!         asyncnet_os::set_option(&self.0, option)
//!     }
//! }
//!
//! /// Connects a socket that was opened.
//! async fn connected(socket: Socket, to: &Endpoint) -> io::Result<BusySocket> {
//!     let mut state = asyncnet_os::try_connect(&socket, to)?;
//!     while state != ConnectState::Connected {
//!         future::yield_now().await; // A reactor waits until the socket is writable.
//!         state = match state {
//!             // The backlog of a Unix listener is full, which no reactor reports the end of: wait 1 ms, then more.
//!             ConnectState::Busy => asyncnet_os::try_connect(&socket, to)?,
//!             _ => asyncnet_os::finish_connect(&socket)?,
//!         };
//!     }
//!     Ok(BusySocket::new(socket))
//! }
//!
//! /// The network. Its futures are boxed here; any that can be named and moved while they run will do.
//! struct BusyNet;
//!
//! type BoxFuture<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;
//!
//! impl Net for BusyNet {
//!     type Transport = BusySocket;
//!     type Listener = BusyListener;
//!     type Datagram = BusyDatagram;
//!     type Socket = BusyOpen;
//!     type Timer = BusyTimer;
//!     type Connect = BoxFuture<BusySocket>;
//!     type Resolve = BoxFuture<Vec<SocketAddr>>;
//!
//!     fn timer(&self) -> BusyTimer {
//!         BusyTimer(Instant::now())
//!     }
//!
//!     fn resolve(&self, host: &str, port: u16) -> Self::Resolve {
//!         // getaddrinfo(3) blocks, so a thread asks it; the runtime's pool for such calls is the place.
//!         let (tell, told) = mpsc::channel();
//!         let host = host.to_owned();
//!         std::thread::spawn(move || {
//!             let found = (host.as_str(), port).to_socket_addrs();
//!             tell.send(found.map(Iterator::collect)).ok(); // The future may have been dropped.
//!         });
//!         Box::pin(async move {
//!             loop {
//!                 match told.try_recv() {
//!                     Ok(found) => return found,
//!                     Err(TryRecvError::Empty) => future::yield_now().await,
//!                     Err(TryRecvError::Disconnected) => return Err(io::Error::other("the resolver panicked")),
//!                 }
//!             }
//!         })
//!     }
//!
//!     fn connect(&self, to: &Endpoint) -> Self::Connect {
//!         let to = to.clone();
//!         Box::pin(async move { connected(SocketBuilder::new().open_stream(&to)?, &to).await })
//!     }
//!
//!     // `remove_at_close` of the options is left out here: keep an `asyncnet_os::UnixFile` beside the socket for it.
//!     fn listen_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<BusyListener> {
//!         Ok(BusyListener(SocketBuilder::from(options).listen(at)?))
//!     }
//!
//!     fn bind_with(&self, at: &Endpoint, options: &BindOptions) -> io::Result<BusyDatagram> {
//!         Ok(BusyDatagram(SocketBuilder::from(options).bind_datagram(at)?))
//!     }
//!
//!     fn open(&self, kind: SocketKind) -> io::Result<BusyOpen> {
//!         NewSocket::open(kind).map(BusyOpen)
//!     }
//!
//!     fn connect_from(&self, socket: BusyOpen, to: &Endpoint) -> Self::Connect {
//!         let to = to.clone();
//!         Box::pin(async move { connected(socket.0.into_stream()?, &to).await })
//!     }
//!
//!     fn listen_from(&self, socket: BusyOpen, backlog: u32) -> io::Result<BusyListener> {
//!         socket.0.listen(backlog).map(BusyListener)
//!     }
//!
//!     fn datagram_from(&self, socket: BusyOpen) -> io::Result<BusyDatagram> {
//!         socket.0.into_datagram().map(BusyDatagram)
//!     }
//! }
//!
//! /// For the suite.
//! struct Busy;
//!
//! impl Adapter for Busy {
//!     type Net = BusyNet;
//!
//!     fn name(&self) -> &'static str {
//!         "busy"
//!     }
//!
//!     fn net(&self) -> BusyNet {
//!         BusyNet
//!     }
//!
//!     fn run<T>(&self, work: impl Future<Output = T>) -> T {
//!         future::block_on(work)
//!     }
//! }
//!
//! // Three of its cases; a test of an adapter runs them all.
//! let some = ["lines::limit", "ends::half_close", "listen::endpoints"];
//! let mut jobs = jobs(Busy);
//! jobs.retain(|job| some.contains(&&job.case[..]));
//! assert_eq!(jobs.len(), some.len());
//! for job in jobs {
//!     assert_eq!(job.run().outcome, Outcome::Pass, "{}: {}", job.case, job.rule);
//! }
//! ```
//!
//! # Running the suite
//!
//! [`jobs`] makes one [`Job`] of each case, and a job runs it over TCP and over Unix sockets, each on a thread of its
//! own. The peer is blocking code of the standard library, so what a case says of the wire does not depend on the
//! adapter. What the areas check:
//!
//! - `lines`, `receive`, `send`, `ends`, `cancel`: the stream's promises, with input cut at every byte. The driver
//!   keeps most of them; an adapter breaks them when it loses a wake-up, gives `Pending` for an end, or reports half a write.
//! - `tls`, `upgrade`: handshakes that fail, ends, records, key updates, and plaintext that is left over; the first five
//!   again over TLS, as `tls12::...` and `tls13::...`. The driver keeps all of it, over whatever transport works.
//! - `connect`, `dial`, `listen`: the network. A dropped connect closes its socket, a dropped accept loses no connection.
//! - `process`: descriptors, counted in a child process. The program starts itself again, so its `main` begins with
//!   [`child`], for each of its adapters:
//!
//! ```
//! # use asyncnet_conformance::{Adapter, Job, child, jobs};
//! # fn suite<A: Adapter + Clone + Send + Sync + 'static>(adapter: A) -> Vec<Job> {
//! // In fn main() of a test with `harness = false`, such as this crate's tests/conformance.rs.
//! if child(&adapter) {
//!     return Vec::new(); // This process was there for one case, and has said what came of it.
//! }
//! jobs(adapter)
//! # }
//! # #[cfg(feature = "adapters")]
//! assert!(suite(asyncnet_conformance::adapters::Smol).iter().any(|job| job.case == "process::descriptors"));
//! ```
//!
//! # Cases of its own
//!
//! What only one runtime has, such as its `AsyncRead` or conversions from its own sockets, is a case that
//! [`own_cases`](crate::Adapter::own_cases) adds. It gets the same [`Sockets`], and its row in the table has a `-`
//! for everybody else:
//!
//! ```
//! use asyncnet_conformance::{Case, Fixture, Sockets, Verdict, ensure_eq};
//! use asyncnet_driver::Net;
//!
//! fn own_cases<N: Net>() -> Vec<Case<Sockets<N>>> {
//!     vec![Case {
//!         id: "busy::greeting",
//!         rule: "what is sent arrives",
//!         run: |at| Box::pin(greeting(at)),
//!     }]
//! }
//!
//! async fn greeting<N: Net>(at: &Sockets<N>) -> Verdict {
//!     let (mut stream, mut peer) = at.pair().await?;
//!     stream.send(b"hello").await?;
//!     let mut got = [0; 5];
//!     peer.read_exact(&mut got)?;
//!     ensure_eq(&got, b"hello", "what arrived")
//! }
//! # #[cfg(feature = "adapters")] {
//! # use asyncnet_conformance::Link;
//! # let folder = tempfile::tempdir().unwrap();
//! # let sockets = Sockets::new(asyncnet_smol::SmolNet, Link::Tcp, folder.path().to_owned());
//! # for case in own_cases() {
//! #     assert_eq!(futures_lite::future::block_on((case.run)(&sockets)), Ok(()));
//! # }
//! # }
//! ```
//!
//! [`Accept`]: asyncnet_driver::Accept
//! [`Adapter`]: crate::Adapter
//! [`Datagram`]: asyncnet_driver::Datagram
//! [`DatagramSocket`]: asyncnet_driver::DatagramSocket
//! [`Endpoints`]: asyncnet_driver::Endpoints
//! [`Job`]: crate::Job
//! [`Listener`]: asyncnet_driver::Listener
//! [`Net`]: asyncnet_driver::Net
//! [`OpenSocket`]: asyncnet_driver::OpenSocket
//! [`ReadTransport`]: asyncnet_driver::ReadTransport
//! [`Sockets`]: crate::Sockets
//! [`SocketOptions`]: asyncnet_driver::SocketOptions
//! [`SplitTransport`]: asyncnet_driver::SplitTransport
//! [`Timer`]: asyncnet_driver::Timer
//! [`Transport`]: asyncnet_driver::Transport
//! [`WriteTransport`]: asyncnet_driver::WriteTransport
//! [`child`]: crate::child
//! [`jobs`]: crate::jobs
