//! The `rolegate` binary: see `rolegate --help`.

use std::process::ExitCode;

#[actix_web::main]
async fn main() -> ExitCode {
    rolegate::cli::run().await
}
