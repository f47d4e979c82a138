//! The `lunas` command.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    ExitCode::from(lunas::run(lunas::cli::Cli::parse()).await)
}
