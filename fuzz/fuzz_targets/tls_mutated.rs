//! A connection over TLS whose peer lies, and whose wire breaks what it carries.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| asyncnet_conformance::properties::tls_mutated(data));
