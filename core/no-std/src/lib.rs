//! Shows that `asyncnet-core` without its default features needs no std: this library has none.
//!
//! It is not an example and nobody calls it; it exists to be compiled. It defines a panic handler, and so does std.
//! Once the core or one of its dependencies brings std in, the compiler finds two and stops:
//! ``found duplicate lang item `panic_impl` ``. That holds on every target, so no bare-metal one is needed.
//!
//! Invariant: every dependency of this crate is used with the features an embedded user would choose.

#![no_std]

extern crate alloc;

use alloc::string::ToString;
use asyncnet_core::{
    AcceptDecision, AcceptFault, AcceptPolicy, Connection, Endpoint, FreshBlocks, Limits, LinePolicy, Search,
};
use core::net::{Ipv4Addr, SocketAddr};
use core::panic::PanicInfo;
use core::time::Duration;

#[global_allocator]
static ALLOCATOR: emballoc::Allocator<65_536> = emballoc::Allocator::new();

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // The one loop without a bound: a panic handler may not return, and there is no process to end.
    loop {
        core::hint::spin_loop();
    }
}

// No symbol is exported, for that takes an unsafe attribute; and what nobody reaches is not compiled to the end.
#[used]
static ENTRIES: [extern "C" fn() -> usize; 3] = [answered_bytes, accept_delay_ms, endpoint_text_bytes];

/// How many bytes wait for the wire once a line that came was sent back; 0 when anything went wrong.
pub extern "C" fn answered_bytes() -> usize {
    answer(b"PING\r\n").unwrap_or(0)
}

fn answer(came: &[u8]) -> Option<usize> {
    let mut connection = Connection::new(Limits::default());
    connection.wire_space().get_mut(..came.len())?.copy_from_slice(came);
    connection.wire_filled(came.len());
    let Ok(Search::Found(span)) = connection.find_line(LinePolicy::new(80)) else { return None };
    let line = connection.incoming_mut().take_line_owned(span, &mut FreshBlocks);
    connection.send(&line).ok()?;
    connection.send(span.ending().as_bytes()).ok()?;
    Some(connection.wire_pending().map(<[u8]>::len).sum())
}

/// How many milliseconds a listener that ran out of descriptors waits before it accepts again.
pub extern "C" fn accept_delay_ms() -> usize {
    match AcceptPolicy::default().failed(AcceptFault::Exhausted, Duration::ZERO) {
        AcceptDecision::WaitUntil(time) => usize::try_from(time.as_millis()).unwrap_or(usize::MAX),
        AcceptDecision::Retry | AcceptDecision::Fail => 0,
    }
}

/// How many bytes an endpoint's text has.
pub extern "C" fn endpoint_text_bytes() -> usize {
    Endpoint::inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 25))).to_string().len()
}
