//! Streams over TLS and a wire in memory, which holds as much as it is told to, carries what no peer of ours would send,
//! and has a clock that is moved by hand.

mod deadlines;
mod halves;
mod link;
mod spent_keys;
mod time;
mod waits;
