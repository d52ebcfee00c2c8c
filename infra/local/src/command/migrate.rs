//! `local migrate`: brings a database, local or deployed, to the newest migration.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::command::say;
use crate::migrate;

/// Which database, from which files.
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// URL of the role that is to own the tables. The role `navigator_app` has to exist.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Folder of the migrations.
    #[arg(long, default_value_os_t = migrate::folder())]
    folder: PathBuf,
}

pub(crate) async fn run(args: MigrateArgs) -> Result<ExitCode> {
    let applied = migrate::migrate(&args.database_url, &args.folder).await?;
    applied.iter().for_each(|name| say(&format!("applied {name}")));
    if applied.is_empty() {
        say("nothing to apply");
    }
    Ok(ExitCode::SUCCESS)
}
