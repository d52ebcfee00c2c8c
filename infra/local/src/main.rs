//! `local`: runs Navigator on this machine. `local --help` lists the commands.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use local::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).without_time().init();
    let outcome = Cli::parse().run().await;
    outcome.unwrap_or_else(|cause| {
        // One line, whatever went wrong.
        let _ = writeln!(std::io::stderr().lock(), "local: {cause:#}");
        ExitCode::FAILURE
    })
}
