//! The async socket of asyncnet, written once: generic over a small transport trait, with no runtime.
//!
//! Most programs use it through an adapter, `asyncnet-tokio` or `asyncnet-smol`, which re-export it over their runtime's
//! sockets. A protocol library can be written here, once, for every runtime:
//!
//! ```
//! use asyncnet_driver::{Error, Stream, Transport};
//!
//! /// Logs in, on a stream of any runtime.
//! async fn login<T: Transport>(stream: &mut Stream<T>, name: &str) -> Result<bool, Error> {
//!     stream.send_line(format!("USER {name}")).await?;
//!     Ok(stream.recv_line().await?.is_some_and(|line| line.as_bytes().starts_with(b"+OK")))
//! }
//!
//! # futures_lite::future::block_on(async {
//! let (mut client, mut server) = asyncnet_smol::pair()?;
//! server.queue_line("+OK ann")?;
//! server.flush().await?;
//! assert!(login(&mut client, "ann").await?);
//! assert_eq!(server.recv_line().await?.unwrap(), "USER ann");
//! # Ok::<(), Error>(()) }).unwrap();
//! ```
//!
//! A library that dials or listens for itself is generic over [`Net`].
//!
//! # Waiting for two things
//!
//! Every future here can be dropped at any point, so one task can wait for a line and for something else, a channel, a
//! timer or a signal, without halves:
//!
//! ```
//! use asyncnet_driver::{Error, Stream, Transport};
//! use futures_lite::future;
//!
//! /// A line, or what is in the mailbox first: `mail` may be any channel's `recv`. As `select!` does, `or` drops the other.
//! async fn line_or<T: Transport>(
//!     stream: &mut Stream<T>,
//!     mail: impl Future<Output = String>,
//! ) -> Result<Option<String>, Error> {
//!     let line = async { Ok(stream.recv_line().await?.map(|line| line.to_str_lossy().into_owned())) };
//!     future::or(line, async { Ok(Some(mail.await)) }).await
//! }
//!
//! # futures_lite::future::block_on(async {
//! let (mut client, mut server) = asyncnet_smol::pair()?;
//! client.send(b"half a ").await?;
//! let mail = async { "you have mail".to_owned() };
//! assert_eq!(line_or(&mut server, mail).await?.unwrap(), "you have mail");
//! client.send(b"line\n").await?;
//! assert_eq!(line_or(&mut server, future::pending()).await?.unwrap(), "half a line");
//! # Ok::<(), Error>(()) }).unwrap();
//! ```
//!
//! That holds for each call. A function of several calls is as safe as what it keeps in its own variables: a header
//! that it has received and not acted on is gone with it. Keep the future and poll it again, or
//! [`peek`](Stream::peek) and [`consume`](Stream::consume) at the end. Deadlines are dropped futures too, or settings
//! (see [`Limits`]). The page `docs/cancellation.md` has what each call promises, and `docs/closing.md` how streams end.
//!
//! # Features
//!
//! `futures-io` (default) and `tokio` implement the traits of those crates for [`Stream`]. Both can be on.

mod busy;
#[cfg(any(feature = "futures-io", feature = "tokio"))]
mod compat;
mod connector;
mod datagram;
mod deadline;
mod dial;
mod dial_datagram;
mod dial_error;
mod error;
mod fill;
mod halves;
mod line;
mod listener;
mod net;
mod new_socket;
mod options;
mod pool;
mod pump;
mod recv;
mod resolve;
mod send;
mod stream;
pub mod tls;
mod tls_listener;
mod transport;
mod unbuffered;
mod waiters;

pub use asyncnet_core::{
    AcceptFault, BindOptions, DIAL_ADDRESSES_MAX, Deadline, DialTimes, Ending, Endings, Endpoint, Fault,
    Flag, LastLine, Limits, LinePolicy, OptionName, Overlong, PeerCredentials, RecvError, SendError,
    SocketKind, SocketOption, UnixName,
};
pub use busy::Busy;
pub use bytes::Bytes;
pub use connector::Connector;
pub use datagram::{DATAGRAM_BYTES_MAX, Datagram, DatagramSocket, Received};
pub use dial::{Dial, dial};
pub use dial_datagram::{DialDatagram, dial_datagram};
pub use dial_error::DialError;
pub use error::{Error, Operation};
pub use fill::Fill;
pub use halves::{Halves, ReadHalf, ReuniteError, ReuniteFault, WriteHalf};
pub use line::{Line, LineEnd};
pub use listener::{Accepting, Listener};
pub use net::{Accept, Net};
pub use new_socket::{NewSocket, OpenSocket};
pub use options::SocketOptions;
pub use resolve::{Resolve, WithResolver};
pub use stream::{Closed, Parts, Stream};
pub use transport::{
    Endpoints, PeekTransport, ReadTransport, SplitTransport, Timer, Transport, WriteTransport,
};
pub use unbuffered::{IntoUnbufferedError, IntoUnbufferedFault, Unbuffered};
