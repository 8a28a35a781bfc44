//! See `rolegate_fuzz::xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolegate_fuzz::xml(bytes));
