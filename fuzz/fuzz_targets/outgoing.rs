//! The outgoing queue and direct sends, against a list of promised bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| asyncnet_conformance::properties::outgoing(data));
