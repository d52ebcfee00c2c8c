//! Migrations: numbered SQL files, applied in order, once each, each in a transaction of its own.
//!
//! `schema_migrations` remembers version, name and SHA-256. A file that changed after it was applied is an error: the
//! databases out there would differ from the ones made anew. An advisory lock lets several starts race.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, Transaction};

use crate::connection::connect;

/// Any number, as long as no other program uses it on the same database.
const LOCK: i64 = 0x6e61_7669_6761_746f;

const BOOKS: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (version int PRIMARY KEY, name text NOT NULL, \
                     sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";

/// One file, `NNN_name.sql`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    version: i32,
    name: String,
    sql: String,
}

impl Migration {
    fn sha256(&self) -> String {
        Sha256::digest(&self.sql).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Where the repository keeps its migrations.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations")
}

/// Applies what is new. Returns the names of the files applied.
///
/// # Errors
/// When a file is misnamed, missing, changed since it was applied, or refused by the server.
pub async fn migrate(url: &str, folder: &Path) -> Result<Vec<String>> {
    let migrations = read(folder)?;
    let mut connection = connect(url).await?;
    let client = &mut connection.client;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    // The lock is the session's, and the session ends with this function.
    client.batch_execute(BOOKS).await.context("cannot create schema_migrations")?;
    let applied = applied(client).await?;
    check(&migrations, &applied)?;
    let mut names = Vec::new();
    for migration in migrations.iter().filter(|migration| !applied.contains_key(&migration.version)) {
        apply(client, migration).await.with_context(|| format!("migration {} failed", migration.name))?;
        names.push(migration.name.clone());
    }
    Ok(names)
}

/// Reads the folder's files, in order of their numbers.
///
/// # Errors
/// When a name has no number, or two have the same.
pub fn read(folder: &Path) -> Result<Vec<Migration>> {
    let mut migrations = BTreeMap::new();
    let files = std::fs::read_dir(folder).with_context(|| format!("no migrations in {}", folder.display()))?;
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let migration = parse(&path)?;
            let name = migration.name.clone();
            if let Some(other) = migrations.insert(migration.version, migration) {
                bail!("{name} and {} have the same number", other.name);
            }
        }
    }
    ensure!(!migrations.is_empty(), "no migrations in {}", folder.display());
    Ok(migrations.into_values().collect())
}

fn parse(path: &Path) -> Result<Migration> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let number = name.split_once('_').and_then(|(number, _)| number.parse().ok());
    let version = number.with_context(|| format!("{name}: expected a name like 0001_what_it_does.sql"))?;
    let sql = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    Ok(Migration { version, name, sql })
}

async fn applied(client: &Client) -> Result<BTreeMap<i32, (String, String)>> {
    let rows = client.query("SELECT version, name, sha256 FROM schema_migrations", &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect())
}

fn check(migrations: &[Migration], applied: &BTreeMap<i32, (String, String)>) -> Result<()> {
    for (version, (name, sha256)) in applied {
        let Some(migration) = migrations.iter().find(|migration| migration.version == *version) else {
            bail!("{name} was applied to this database and is gone from the folder: is the code older than the data?");
        };
        if migration.sha256() != *sha256 {
            bail!("{} changed after it was applied to this database: put it back and add a new file", migration.name);
        }
    }
    Ok(())
}

async fn apply(client: &mut Client, migration: &Migration) -> Result<()> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(&migration.sql).await?;
    remember(&transaction, migration).await?;
    Ok(transaction.commit().await?)
}

async fn remember(transaction: &Transaction<'_>, migration: &Migration) -> Result<()> {
    let insert = "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)";
    transaction.execute(insert, &[&migration.version, &migration.name, &migration.sha256()]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(version: i32, sql: &str) -> Migration {
        Migration { version, name: format!("{version:04}_x.sql"), sql: sql.to_owned() }
    }

    #[test]
    fn the_repositorys_own_are_in_order() {
        let migrations = read(&folder()).unwrap();
        assert!(migrations.is_sorted_by_key(|migration| migration.version));
    }

    #[test]
    fn a_changed_or_missing_file_is_an_error() {
        let first = migration(1, "SELECT 1");
        let applied = BTreeMap::from([(1, (first.name.clone(), first.sha256()))]);
        assert!(check(&[first, migration(2, "")], &applied).is_ok());
        let changed = check(&[migration(1, "SELECT 2")], &applied).unwrap_err().to_string();
        assert!(changed.contains("0001_x.sql changed"), "{changed}");
        assert!(check(&[migration(2, "")], &applied).is_err());
    }
}
