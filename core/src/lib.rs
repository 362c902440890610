//! The sans-I/O core of asyncnet: what a line socket does, without the socket.
//!
//! It holds the buffers, finds lines under a limit, queues what is to be sent, and keeps every rule about ends, over-long
//! lines and half-finished sends. It reads no socket, knows no clock, starts no thread and waits for nothing: a driver
//! moves bytes, and passes the time where time matters. Most programs want an adapter instead: `asyncnet-tokio` or
//! `asyncnet-smol`.
//!
//! ```text
//!                  in: Incoming                            out: Outgoing
//!         +------------------------------+----------------------------------+
//!  wire   | wire_space()  wire_filled(n) | wire_pending()  wire_sent(n)     |  the driver's side
//!         | wire_eof()    wants_wire()   |                                  |
//!         +------------------------------+----------------------------------+
//!         |            process()         moves bytes across                 |
//!         +------------------------------+----------------------------------+
//!  plain  | plain()  find_line(policy)   | send(bytes)     close()          |  the caller's side
//!         | take_line(span)  take(&mut)  |                                  |
//!         +------------------------------+----------------------------------+
//! ```
//!
//! # Driving a connection
//!
//! Here the wire is a slice of bytes, cut into pieces of three, and the caller answers each line:
//!
//! ```
//! use asyncnet_core::{Connection, LastLine, Limits, LinePolicy, RecvError, Search};
//!
//! let mut wire_in = b"one\r\ntwo\nfar too long\r\nlast".chunks(3);
//! let mut wire_out: Vec<u8> = Vec::new();
//!
//! let mut connection = Connection::new(Limits::default());
//! let policy = LinePolicy::new(8).last(LastLine::Accept);
//! loop {
//!     // Look first.
//!     match connection.find_line(policy) {
//!         Ok(Search::Found(span)) => {
//!             let answer = [b"got ", connection.take_line(span), b"\r\n"].concat();
//!             connection.send(&answer).unwrap();
//!         }
//!         Ok(Search::End) => break,
//!         Err(RecvError::LineTooLong { limit }) => {
//!             connection.send(format!("more than {limit}\r\n").as_bytes()).unwrap();
//!         }
//!         Err(error) => panic!("{error}"),
//!         // Before waiting for the wire, send what is waiting; then fill.
//!         Ok(Search::NeedMore) => {
//!             let sent = connection.wire_pending().map(|piece| { wire_out.extend(piece); piece.len() }).sum();
//!             connection.wire_sent(sent);
//!             match wire_in.next() {
//!                 Some(bytes) => {
//!                     connection.wire_space()[..bytes.len()].copy_from_slice(bytes);
//!                     connection.wire_filled(bytes.len());
//!                 }
//!                 None => connection.wire_eof(),
//!             }
//!         }
//!     }
//! }
//! wire_out.extend(connection.wire_pending().flatten());
//! assert_eq!(wire_out, b"got one\r\ngot two\r\nmore than 8\r\ngot last\r\n");
//! ```
//!
//! # Features
//!
//! `std` (default) lets [memchr](https://docs.rs/memchr) pick its fastest code at run time. Without it the crate
//! needs `alloc` alone.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod accept;
mod block;
mod buffer;
mod connection;
mod deadline;
mod dial;
mod endpoint;
mod error;
mod incoming;
mod limits;
mod line;
mod option;
mod outgoing;
mod socket;
#[cfg(feature = "tls")]
pub mod tls;

pub use accept::{AcceptDecision, AcceptFault, AcceptPolicy};
pub use block::{BLOCK_BYTES, Block, Blocks, FreshBlocks};
pub use connection::Connection;
pub use deadline::{Deadline, Patience};
pub use dial::{DIAL_ADDRESSES_MAX, DialPlan, DialStep, DialTimes};
pub use endpoint::{Endpoint, UnixName};
pub use error::{Fault, ProcessError, RecvError, SendError};
pub use incoming::Incoming;
pub use limits::Limits;
pub use line::{Ending, Endings, LastLine, LinePolicy, LineSpan, Overlong, Search};
pub use option::{Flag, OptionName, SocketOption};
pub use outgoing::Outgoing;
pub use socket::{BindOptions, PeerCredentials, SocketKind};
