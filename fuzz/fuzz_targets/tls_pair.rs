//! Two connections that upgrade themselves to TLS, with a schedule of cuts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| asyncnet_conformance::properties::tls_pair(data));
