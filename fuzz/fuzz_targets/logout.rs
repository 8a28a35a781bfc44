//! See `rolegate_fuzz::logout`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolegate_fuzz::logout(bytes));
