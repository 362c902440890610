//! Properties: functions of bytes that hold for every input.
//!
//! Each is called by a fuzz target, by a replay of the checked-in seeds, and by `cargo test`.
