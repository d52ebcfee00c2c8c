//! The command line.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::command;

/// The local stack of Navigator.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything and serves the API until Ctrl-C.
    Run(command::run::RunArgs),
    /// Starts only Postgres and DynamoDB, until Ctrl-C.
    Services(command::services::ServicesArgs),
    /// Proves that the fleet at its worst fits what its dependencies allow; fails when it does not.
    Capacity(command::capacity::CapacityArgs),
    /// Shows the fleet's circuit breakers, or forces one: `breaker tavily open`, `closed`, or `none` to let it decide.
    Breaker(command::breaker::BreakerArgs),
    /// Applies the migrations to a database.
    Migrate(command::migrate::MigrateArgs),
    /// Runs a command on the database of `run`, whose URL is in `DATABASE_URL`; starts it when it does not run.
    WithDatabase(command::with_database::WithDatabaseArgs),
    /// Runs a command with a throw-away Postgres, whose URL is in `NAVIGATOR_TEST_POSTGRES`.
    WithPostgres(command::with_postgres::WithPostgresArgs),
}

/// Where the stores live and listen.
#[derive(Args, Clone, Debug)]
pub struct StoreArgs {
    /// Folder for all data.
    #[arg(long, default_value = ".local")]
    pub state: PathBuf,
    /// Port of Postgres.
    #[arg(long, default_value_t = 9003)]
    pub postgres_port: u16,
    /// Port of DynamoDB.
    #[arg(long, default_value_t = 9002)]
    pub dynamo_port: u16,
    /// Which Postgres.
    #[command(flatten)]
    pub postgres: PostgresArgs,
}

/// Which Postgres.
#[derive(Args, Clone, Debug)]
pub struct PostgresArgs {
    /// Folder of PostgreSQL 18 with pgvector.
    #[arg(long, env = "POSTGRES_HOME", default_value = ".local/postgres-18")]
    pub postgres_home: PathBuf,
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// One line that says what to do.
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Run(args) => command::run::run(args).await,
            Command::Services(args) => command::services::run(args).await,
            Command::Capacity(args) => command::capacity::run(args),
            Command::Breaker(args) => command::breaker::run(args).await,
            Command::Migrate(args) => command::migrate::run(args).await,
            Command::WithDatabase(args) => command::with_database::run(args).await,
            Command::WithPostgres(args) => command::with_postgres::run(args).await,
        }
    }
}

/// Says which port is busy before anything is started.
///
/// # Errors
/// When one is.
pub(crate) fn check_ports(ports: &[(u16, &str)]) -> Result<()> {
    for (port, flag) in ports {
        check_port(IpAddr::V4(Ipv4Addr::LOCALHOST), *port, flag)?;
    }
    Ok(())
}

pub(crate) fn check_port(address: IpAddr, port: u16, flag: &str) -> Result<()> {
    if let Err(cause) = TcpListener::bind((address, port)) {
        bail!("port {port} of {address} cannot be used ({cause}): free it, or choose another with {flag}");
    }
    Ok(())
}
