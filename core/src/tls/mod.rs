//! TLS 1.2 and 1.3 over the buffers of a connection.

pub use rustls;
