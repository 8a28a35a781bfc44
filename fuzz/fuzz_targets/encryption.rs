//! See `rolegate_fuzz::encryption`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolegate_fuzz::encryption(bytes));
