//! Lines, under every policy and however the bytes are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| asyncnet_conformance::properties::line_reader(data));
