//! The cases, by area. A stream case runs over every kind of connection and in memory; a network case over sockets.

mod cancel;
mod datagram;
mod dial;
mod ends;
mod handshake;
mod lines;
mod meter;
mod network;
mod not_send;
mod porting;
mod receive;
mod send;
mod session;
mod socket;
mod tls_broken;
mod tls_cancel;
mod tls_certificates;
mod tls_early;
mod tls_ends;
#[cfg(feature = "adapters")]
mod tls_halves;
mod tls_hello;
mod tls_info;
mod tls_keys;
mod tls_network;
mod tls_records;
mod tls_refusal;
mod tls_time;
mod unbuffered;
mod upgrade;
mod upgrade_state;
mod wire;

#[cfg(feature = "adapters")]
pub(crate) use network::split;
#[cfg(feature = "adapters")]
pub(crate) use porting::{adopt_case, adopted};
#[cfg(feature = "adapters")]
pub(crate) use tls_halves::{split_tls, tls_over};
pub(crate) use unbuffered::cases as unbuffered;
#[cfg(feature = "adapters")]
pub(crate) use unbuffered::handed_over;

use crate::adapter::{Fixture, Sockets};
use crate::case::Case;
use asyncnet_driver::Net;

/// The cases for a stream.
pub(crate) fn stream<F: Fixture>() -> Vec<Case<F>> {
    [lines::cases(), receive::cases(), send::cases(), ends::cases(), cancel::cases(), porting::stream_cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// The cases of TLS for a stream: they make their handshakes themselves.
pub(crate) fn tls<F: Fixture + 'static>() -> Vec<Case<F>> {
    [
        handshake::cases(),
        tls_certificates::cases(),
        tls_time::cases(),
        tls_info::cases(),
        tls_hello::cases(),
        tls_refusal::cases(),
        tls_early::cases(),
        tls_ends::cases(),
        tls_broken::cases(),
        tls_records::cases(),
        tls_keys::cases(),
        tls_cancel::cases(),
        upgrade::cases(),
        upgrade_state::cases(),
        crate::cancel::stream_cases(),
        not_send::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The cases for a network.
pub(crate) fn network<N: Net + 'static>() -> Vec<Case<Sockets<N>>> {
    [
        network::cases(),
        dial::cases(),
        datagram::cases(),
        socket::cases(),
        tls_network::cases(),
        porting::network_cases(),
        crate::cancel::network_cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
