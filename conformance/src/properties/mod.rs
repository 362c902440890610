//! Properties: functions of bytes that hold for every input.
//!
//! Each is called by a fuzz target, by a replay of the checked-in seeds, and by `cargo test`. It reads its input as a
//! script (what the peer sends, how that is cut, which calls are made), plays it on the core and on an oracle that is
//! naive and short, and panics where they differ. A script is mostly text, so that a seed can be written by hand:
//!
//! ```text
//!   HEADER STEPS '|' REST
//! ```
//!
//! The header is one byte for each number, and its length is the property's. A step is two bytes: what to do, and a
//! number. The first `|` where a step might begin ends the steps, and what follows is the property's own. Nothing is
//! refused: a byte that is missing is `0`, and one that names no step stands for some step. The bytes of numbers are
//!
//! | bytes | number |
//! | --- | --- |
//! | `0` to `9`, `a` to `z`, `A` to `Z` | 0 to 61 |
//! | `!` `"` `#` `$` `%` `&` | 63, 64, 65, 66, 70, 100 |
//! | `(` `)` `*` `+` | 256, 1000, 1024, 2048 |
//! | `,` `-` `.` `/` | 4094, 4095, 4096, 4097 |
//! | `:` `;` `<` `=` | 65536, 65537, 70000, 131072 |
//! | `>` or `~` | 1000000 |
//! | `?` or `_` | the largest there is |
//! | any other | an entry of the table in `script.rs`: the one at the byte's lowest five bits |
//!
//! What the memory of a buffer held before must not matter, so the pool that they share hands out dirty blocks.

mod client_hello;
mod dirty_blocks;
mod line_player;
mod line_reader;
mod noise;
mod oracle;
mod outgoing;
mod recv_buffer;
mod script;
pub mod tls;

pub use client_hello::client_hello;
pub use line_reader::line_reader;
pub use outgoing::outgoing;
pub use recv_buffer::recv_buffer;
pub use tls::{tls_mutated, tls_pair, tls_stream};

/// A property, under the name that its fuzz target and its folder of seeds have.
pub type Property = (&'static str, fn(&[u8]));

/// All properties.
///
/// ```
/// for (name, property) in asyncnet_conformance::properties::ALL {
///     property(name.as_bytes());
/// }
/// assert_eq!(asyncnet_conformance::properties::ALL.len(), 7);
/// ```
pub const ALL: [Property; 7] = [
    ("client_hello", client_hello),
    ("line_reader", line_reader),
    ("outgoing", outgoing),
    ("recv_buffer", recv_buffer),
    ("tls_mutated", tls_mutated),
    ("tls_pair", tls_pair),
    ("tls_stream", tls_stream),
];
