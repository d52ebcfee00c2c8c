//! Makes a cluster, and the password of its superuser.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::Postgres;

const PATIENCE: Duration = Duration::from_secs(60);

/// Sorting by code point and case by Unicode, the same on every machine.
const OPTIONS: [&str; 9] = [
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    "--pwfile=/dev/stdin",
    "--no-sync",
    "--no-instructions",
];

/// Makes the cluster if there is none; under another name first, so that an interrupted run leaves no half of one.
pub(super) async fn ensure_cluster(postgres: &Postgres, secret: &str) -> Result<()> {
    let state = &postgres.config.state;
    if data(state).join("PG_VERSION").is_file() {
        return Ok(());
    }
    let unfinished = state.join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    let output = initdb(postgres, &unfinished, secret).await?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("initdb failed: {}", complaint.lines().last().unwrap_or("without a word"));
    }
    Ok(fs::rename(unfinished, data(state))?)
}

async fn initdb(postgres: &Postgres, data: &Path, secret: &str) -> Result<Output> {
    let mut command = postgres.privilege.command(postgres.config.home.join("bin/initdb"));
    command.args(OPTIONS).arg("--pgdata").arg(data).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut initdb = command.spawn()?;
    let mut input = initdb.stdin.take().context("initdb has no input")?;
    input.write_all(secret.as_bytes()).await?;
    drop(input);
    let output = tokio::time::timeout(PATIENCE, initdb.wait_with_output()).await;
    Ok(output.context("initdb took too long")??)
}

/// Where the cluster is inside its state folder.
pub(crate) fn data(state: &Path) -> PathBuf {
    state.join("data")
}

/// The superuser's password, when the cluster has one.
pub(crate) fn known_secret(state: &Path) -> Option<String> {
    Some(fs::read_to_string(state.join("secret")).ok()?.trim().to_owned())
}

/// The superuser's password, made once.
pub(super) fn secret(state: &Path) -> Result<String> {
    if let Some(secret) = known_secret(state) {
        return Ok(secret);
    }
    let path = state.join("secret");
    let secret = Uuid::new_v4().simple().to_string();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(secret.as_bytes())?;
    Ok(secret)
}
