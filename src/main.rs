//! The `rolegate` binary: see `rolegate --help`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes some hundred small values and drops them together, which this one does for less.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    let code = rolegate::cli::run().await;
    rolegate::telemetry::flush_log();
    code
}
