//! The TLS engine of the core, through its public interface: thousands of streams against rustls' own connections, and
//! each edge of rustls' interface that the engine blunts, as a test that fails when its rule is broken.

mod alerts;
mod answers;
mod early;
mod ends;
mod failures;
mod floods;
mod link;
mod messages;
mod scripts;
