//! See `rolegate_fuzz::metadata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolegate_fuzz::metadata(bytes));
