//! See `rolegate_fuzz::signed_metadata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolegate_fuzz::signed_metadata(bytes));
