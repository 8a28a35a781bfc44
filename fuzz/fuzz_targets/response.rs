//! See `rolegate_fuzz::response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolegate_fuzz::response(bytes));
