//! A tour of asyncnet.
fn main() {}
