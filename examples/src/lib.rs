//! What the example programs are made of: protocols written once, over any transport, and the little that a program
//! needs around them.
//!
//! Start with [`echo`], the shortest; [`chat`] adds waiting for two things at once, [`http`] is a client that dials for
//! itself, [`udp_echo`] is about datagrams, [`smtp`] upgrades to TLS and writes files, [`starttls`] asks for TLS in seven
//! protocols, [`relay`] makes one of two streams, and [`tour`] shows one promise of the socket after the
//! other. A protocol takes a `Stream<T>`, or a `Net` to dial on, and knows no runtime. What does know one is [`runtime`],
//! and it is the only module that names an adapter.
//!
//! This is not a framework for servers: copy what you need.

pub mod address;
pub mod by_name;
pub mod calendar;
pub mod capacity;
pub mod chain;
pub mod chat;
pub mod echo;
pub mod http;
pub mod output;
pub mod program;
pub mod progress;
pub mod relay;
pub mod runtime;
pub mod server;
pub mod smtp;
pub mod starttls;
pub mod stop;
pub mod terminal;
pub mod tls;
pub mod tour;
pub mod udp_echo;

/// The README's examples, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Those of the page for people who come from Nim.
#[cfg(doctest)]
#[doc = include_str!("../../docs/porting-from-nim.md")]
struct PortingFromNim;

/// Those of the page about calls that are given up.
#[cfg(doctest)]
#[doc = include_str!("../../docs/cancellation.md")]
struct Cancellation;

/// Those of the page about ends.
#[cfg(doctest)]
#[doc = include_str!("../../docs/closing.md")]
struct Closing;
