//! The `rolegate` that is measured: the one that `ROLEGATE_BIN` names, such as what `dist/build` made, else the one that was
//! built with the benchmark.

use std::path::PathBuf;

/// Where it is.
pub(crate) fn path() -> PathBuf {
    std::env::var_os("ROLEGATE_BIN").map_or_else(|| env!("CARGO_BIN_EXE_rolegate").into(), PathBuf::from)
}

/// What measures the same again.
pub(crate) fn command(bench: &str) -> String {
    let named = std::env::var("ROLEGATE_BIN").map(|path| format!("ROLEGATE_BIN={path} "));
    format!("{}cargo bench --bench {bench}", named.unwrap_or_default())
}
