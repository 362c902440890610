//! A connection over TLS, against rustls' own buffered connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| asyncnet_conformance::properties::tls_stream(data));
