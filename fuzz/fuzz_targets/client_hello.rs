//! A look at a client's first message, against rustls' own.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| asyncnet_conformance::properties::client_hello(data));
