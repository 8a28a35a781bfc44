//! See `rolegate_fuzz::token_content`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rolegate_fuzz::token_content(bytes));
