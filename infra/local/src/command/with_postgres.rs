//! `local with-postgres`: a throw-away server with a migrated template for as long as a command runs. `make test` runs
//! in it: every test that needs a database copies the template, which takes tens of milliseconds.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::Signal;
use tokio::process::{Child, Command};

use crate::cli::PostgresArgs;
use crate::cluster::TEMPLATE;
use crate::command::told_to_stop;
use crate::lifeline::Lifeline;
use crate::migrate;
use crate::postgres::{Postgres, PostgresConfig};
use crate::process::send;
use crate::state::Scratch;

/// The variable that tests read.
pub const VARIABLE: &str = "NAVIGATOR_TEST_POSTGRES";

/// What a command gets to end by itself when we are told to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which server, which command.
#[derive(Args, Debug)]
pub struct WithPostgresArgs {
    #[command(flatten)]
    postgres: PostgresArgs,
    /// The URL names the server's socket, as that of `run` does, and not its port.
    #[arg(long)]
    by_socket: bool,
    /// The command and its arguments, after `--`.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) async fn run(args: WithPostgresArgs) -> Result<ExitCode> {
    let home = args.postgres.postgres_home;
    let home = home.canonicalize().unwrap_or(home);
    let scratch = Scratch::create()?;
    let lifeline = Lifeline::start().context("cannot run sh")?;
    let config = PostgresConfig {
        home: home.clone(),
        state: scratch.path("postgres"),
        port: 0,
        also_listen: None,
        durable: false,
    };
    let postgres = Postgres::start(config, Arc::clone(&lifeline)).await?;
    postgres.cluster().ensure_database(TEMPLATE).await?;
    migrate::migrate(&postgres.cluster().owner_url(TEMPLATE), &migrate::folder()).await?;
    let cluster = if args.by_socket { postgres.nearby() } else { postgres.cluster().clone() };
    let (program, arguments) = args.command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments).env(VARIABLE, cluster.superuser_url()).env("POSTGRES_HOME", home);
    let child = command.spawn().with_context(|| format!("cannot run {}", program.display()));
    let status = match child {
        Ok(mut child) => wait(&mut child).await,
        Err(cause) => Err(cause),
    };
    postgres.stop().await;
    Ok(exit_code(status?))
}

/// The terminal sends Ctrl-C to the command as well; a SIGTERM is for us alone and is passed on.
pub(super) async fn wait(child: &mut Child) -> Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return Ok(status?),
        () = told_to_stop() => {}
    }
    if let Some(id) = child.id() {
        send(id, Signal::TERM);
    }
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(child.wait().await?)
}

/// As a shell reports it.
pub(super) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
