//! `local with-database`: a command on the database that `local run` answers from, running or not. `make ingest` is one.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use tokio::process::Command;

use crate::cli::StoreArgs;
use crate::cluster::{Cluster, DATABASE};
use crate::command::with_postgres::{exit_code, wait};
use crate::connection::connect;
use crate::lifeline::Lifeline;
use crate::postgres::{PostgresConfig, known_secret};
use crate::stack::migrated;
use crate::state::State;

/// Which database, which command.
#[derive(Args, Debug)]
pub struct WithDatabaseArgs {
    #[command(flatten)]
    stores: StoreArgs,
    /// The command and its arguments, after `--`. It finds the database in `DATABASE_URL`.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) async fn run(args: WithDatabaseArgs) -> Result<ExitCode> {
    if let Some(url) = running(&args.stores).await {
        return command(&args.command, &url).await;
    }
    let state = State::hold(&args.stores.state)?;
    let lifeline = Lifeline::start().context("cannot run sh")?;
    let config = PostgresConfig {
        home: args.stores.postgres.postgres_home,
        state: state.path("postgres"),
        port: 0,
        also_listen: None,
        durable: true,
    };
    let postgres = migrated(config, &lifeline).await?;
    let code = command(&args.command, &postgres.cluster().app_url(DATABASE)).await;
    postgres.stop().await;
    code
}

/// The database of a stack that runs now.
async fn running(stores: &StoreArgs) -> Option<String> {
    let secret = known_secret(&stores.state.join("postgres"))?;
    let url = Cluster::on_port(stores.postgres_port, &secret).app_url(DATABASE);
    connect(&url).await.is_ok().then_some(url)
}

async fn command(command: &[OsString], url: &str) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", url)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(exit_code(wait(&mut child).await?))
}
