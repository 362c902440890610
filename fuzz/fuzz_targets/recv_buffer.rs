//! The receive buffer, against a queue of bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| asyncnet_conformance::properties::recv_buffer(data));
