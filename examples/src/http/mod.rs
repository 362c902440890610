//! A client for HTTP/1.1: as much of RFC 9112 as it takes to fetch what a URL names, on any [`Net`](asyncnet_driver::Net).
//!
//! One request a connection, answers as streams of bytes, redirects. No cookies, no credentials, no cache, no
//! compression, no proxy, no connection kept for the next request. It shows how a protocol that is half lines and half
//! counted bytes reads on a [`Stream`](asyncnet_driver::Stream): the head is lines under a limit, the body is whatever
//! the head says.
//!
//! ```text
//!   client ──> url
//!      ├─────> head ──> fields     lines: status, fields
//!      └─────> body                bytes: counted, in chunks, or to the end
//! ```

mod body;
mod client;
mod error;
mod head;
mod url;

pub use body::Body;
pub use client::{Client, Method, Response, Settings};
pub use error::HttpError;
pub use head::Head;
pub use url::{Scheme, Url, UrlError};
