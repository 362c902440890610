//! What asyncnet asks of the operating system, and needs no runtime for.
//!
//! - [`Address`]: what a user types, parsed; [`AddressError`] says what is wrong with it.
//! - [`SocketBuilder`]: makes sockets for an [`Endpoint`], non-blocking and close-on-exec;
//!   [`try_connect`] and [`finish_connect`] take a connection through its states.
//! - [`sock_addr`], [`local_endpoint`] and their like: endpoints as the system calls want and answer them.
//! - [`adopt`] and [`abort`]: the first and the last thing that happens to a socket made elsewhere.
//! - [`accept_fault`] and [`is_disconnect`]: which error means what.
//! - [`ClientTls`] and [`ServerTls`]: TLS configurations from PEM files and trust roots.
//!
//! It is not a runtime and never waits: no call on a socket blocks, and what is in progress is said to be. An adapter
//! hands the sockets to its reactor and asks again when they are ready. Names have no such calls: [`lookup`] has a thread wait
//! for them.
//!
//! A server and a client; the loops stand for what a reactor does, which is to wait until the socket is ready:
//!
//! ```
//! use asyncnet_os::{Address, ConnectState, SocketBuilder, finish_connect, local_endpoint, peer_endpoint, try_connect};
//! use std::io::{Read, Write};
//!
//! let address: Address = "127.0.0.1:0".parse()?;
//! let literal = address.endpoint().expect("an IP literal needs no resolver");
//! let listener = SocketBuilder::new().listen(&literal)?;
//! let bound = local_endpoint(&listener)?;
//!
//! let (client, mut state) = SocketBuilder::new().start_connect(&bound)?;
//! while state != ConnectState::Connected {
//!     state = match state {
//!         ConnectState::Busy => try_connect(&client, &bound)?,
//!         _ => finish_connect(&client)?,
//!     };
//! }
//! assert_eq!(peer_endpoint(&client)?, bound);
//!
//! let (served, _) = listener.accept()?;
//! (&served).write_all(b"220 ready\r\n")?;
//! drop(served);
//!
//! // From here on the socket belongs to a runtime, or to blocking code as here.
//! client.set_nonblocking(false)?;
//! let mut stream: std::net::TcpStream = client.into();
//! let mut greeting = String::new();
//! stream.read_to_string(&mut greeting)?;
//! assert_eq!(greeting, "220 ready\r\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Endpoint`]: asyncnet_core::Endpoint

#![forbid(unsafe_code)]

mod address;
mod address_error;
mod builder;
mod connect;
mod datagram;
mod endpoint;
mod errno;
mod handle;
mod handover;
mod listen;
mod lookup;
mod new_socket;
mod option;
mod pair;
mod peer;
mod socket;
#[cfg(unix)]
mod stale;
mod tls;
mod unix_file;

pub use address::{Address, UNIX_PATH_BYTES_MAX};
pub use address_error::{AddressError, AddressFault};
pub use builder::SocketBuilder;
pub use connect::{ConnectState, busy_pauses, finish_connect, try_connect};
pub use datagram::{
    DatagramRead, connect_datagram, join, leave, recv_datagram, send_datagram, send_datagrams,
};
pub use endpoint::{endpoint_from_sock_addr, local_endpoint, peer_endpoint, sock_addr};
#[cfg(unix)]
pub use endpoint::{endpoint_from_unix, unix_name, unix_path};
pub use errno::{accept_fault, is_disconnect, with_disconnect_kind};
pub use handle::{SocketHandle, abort, adopt, adopt_listener, send_at_once};
#[cfg(unix)]
pub use handover::peek;
pub use handover::release;
pub use listen::local_address;
pub use lookup::{Lookup, lookup};
pub use new_socket::{NewSocket, is_inheritable, set_inheritable};
pub use option::{flag, option, set_flag, set_option};
pub use pair::tcp_pair;
pub use peer::peer_credentials;
#[cfg(feature = "certificates")]
pub use tls::{Certificate, CertificateUnreadable};
pub use tls::{
    CertificateReload, ClientCertificates, ClientTls, ServerTls, TlsConfigError, TlsConfigFault, TlsVersions,
};
pub use unix_file::UnixFile;

/// The crate whose [`Socket`](socket2::Socket) and [`SockAddr`](socket2::SockAddr) are in signatures here.
pub use socket2;
