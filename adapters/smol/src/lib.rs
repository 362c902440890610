//! asyncnet on smol: the buffered line socket over async-io's TCP and Unix streams.
//!
//! ```
//! # futures_lite::future::block_on(async {
//! let listener = asyncnet_smol::listen("127.0.0.1:0")?;
//! let port = listener.local_endpoint()?.as_inet().unwrap().port();
//!
//! let server = async {
//!     let mut stream = listener.accept().await?;
//!     let mut line = Vec::new();
//!     while stream.recv_line_into(&mut line).await?.is_some() {
//!         stream.queue_line(&line)?; // goes out before the next receive waits
//!     }
//!     stream.close().await
//! };
//!
//! let client = async {
//!     let mut stream = asyncnet_smol::dial("localhost", port).await?;
//!     stream.send_line("hello").await?;
//!     assert_eq!(stream.recv_line().await?.unwrap(), "hello");
//!     stream.close().await
//! };
//! let (served, asked) = futures_lite::future::zip(server, client).await;
//! served?;
//! asked?;
//! # Ok::<(), asyncnet_smol::Error>(()) }).unwrap();
//! ```
//!
//! TCP sockets that are connected or accepted here send small segments at once (`TCP_NODELAY`): a stream gathers what it
//! writes itself. Those that a program brings keep their setting.
//!
//! [`Stream`] also has futures-io's `AsyncRead`, `AsyncBufRead` and `AsyncWrite`. Its futures run on any executor, on one
//! thread or on many: async-io's reactor is a thread of its own.

mod connect;
mod convert;
mod datagram;
mod net;
mod new_socket;
mod options;
mod socket;
mod timer;
mod transport;

/// What is generic over a runtime, for protocol libraries and networks of one's own.
pub use asyncnet_driver as driver;
pub use asyncnet_driver::tls;
pub use asyncnet_driver::{
    Accept, AcceptFault, Accepting, BindOptions, Bytes, Closed, Connector, DATAGRAM_BYTES_MAX,
    DIAL_ADDRESSES_MAX, DatagramSocket, Deadline, DialError, DialTimes, Ending, Endings, Endpoint, Endpoints,
    Error, Fault, Fill, Flag, Halves, IntoUnbufferedError, IntoUnbufferedFault, LastLine, Limits, Line,
    LineEnd, LinePolicy, Net, OpenSocket, Operation, OptionName, Overlong, Parts, PeekTransport,
    PeerCredentials, ReadTransport, Received, RecvError, Resolve, ReuniteError, ReuniteFault, SendError,
    SocketKind, SocketOption, SocketOptions, SplitTransport, Timer, Transport, UnixName, WithResolver,
    WriteTransport,
};
/// The crate whose `Socket` a socket becomes outside of the runtime, and is adopted from.
pub use asyncnet_os::socket2;
pub use asyncnet_os::{
    Address, AddressError, AddressFault, CertificateReload, ClientCertificates, ClientTls, ServerTls,
    TlsConfigError, TlsConfigFault, TlsVersions, UNIX_PATH_BYTES_MAX,
};
#[cfg(feature = "certificates")]
pub use asyncnet_os::{Certificate, CertificateUnreadable};
pub use connect::{
    bind, bind_with, connect, dial, dial_datagram, dial_tls, listen, listen_at, listen_tls, listen_with, pair,
};
#[cfg(unix)]
pub use connect::{connect_unix, listen_unix};
pub use datagram::SmolDatagram;
pub use net::{BoxFuture, SmolListener, SmolNet};
pub use new_socket::SmolSocket;
pub use socket::{Either, Socket, WriteSocket};
pub use timer::SmolTimer;
pub use transport::{IoTransport, SmolTransport};

/// A stream over a socket of async-io's.
pub type Stream = asyncnet_driver::Stream<SmolTransport>;
/// A stream over any transport, such as an [`IoTransport`] of a foreign stream.
pub type StreamOver<T> = asyncnet_driver::Stream<T>;
/// Such a stream that reads nothing ahead.
pub type Unbuffered = asyncnet_driver::Unbuffered<SmolTransport>;
/// A listener over a socket of async-io's.
pub type Listener = asyncnet_driver::Listener<SmolListener>;
/// A listener for TLS over such a socket.
pub type TlsListener = tls::TlsListener<SmolListener>;
/// A datagram socket of the runtime's.
pub type Datagram = asyncnet_driver::Datagram<SmolDatagram>;
/// A socket that is neither connected nor listening; see [`asyncnet_driver::NewSocket`].
///
/// ```
/// use asyncnet_smol::{NewSocket, SmolNet, SocketKind};
///
/// let socket = NewSocket::open(SmolNet, SocketKind::TcpV4).unwrap();
/// socket.bind_any(0).unwrap();
/// assert_ne!(socket.local_endpoint().unwrap().as_inet().unwrap().port(), 0);
/// ```
pub type NewSocket = asyncnet_driver::NewSocket<SmolNet>;
/// The receiving half of a [`Stream`]: of one that came apart (`'static`), or of one that is lent.
pub type ReadHalf<'a> = asyncnet_driver::ReadHalf<'a, SmolTransport>;
/// The sending half of a [`Stream`], likewise.
pub type WriteHalf<'a> = asyncnet_driver::WriteHalf<'a, SmolTransport>;
