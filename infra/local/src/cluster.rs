//! The roles and databases of a Postgres server that is ours alone.
//!
//! Three roles: `postgres` made the cluster, `navigator_owner` owns the databases and runs migrations,
//! `navigator_app` is what functions connect as: it owns nothing and cannot bypass row-level security. The passwords
//! of the last two are derived from the first, one way, so that a URL of the superuser is all that a test needs.

use std::path::Path;

use anyhow::{Context, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::connection::{Connection, connect};

/// The database of `local run`.
pub const DATABASE: &str = "navigator";
/// A migrated database that tests copy.
pub const TEMPLATE: &str = "navigator_template";
/// Who owns the databases.
pub const OWNER: &str = "navigator_owner";
/// Who functions connect as.
pub const APP: &str = "navigator_app";
const SUPERUSER: &str = "postgres";

/// A server, and the secret of its superuser.
#[derive(Clone)]
pub struct Cluster {
    address: String,
    secret: String,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cluster").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Cluster {
    /// The server on a loopback port.
    #[must_use]
    pub fn on_port(port: u16, secret: &str) -> Self {
        Self { address: format!("127.0.0.1:{port}"), secret: secret.to_owned() }
    }

    /// The same server by its socket in `folder`.
    #[must_use]
    pub fn by_socket(&self, folder: &Path, port: u16) -> Self {
        let folder = percent_encode(folder.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
        Self { address: format!("{folder}:{port}"), secret: self.secret.clone() }
    }

    /// The server of a superuser's URL, as `local with-postgres` exports it.
    ///
    /// # Errors
    /// When the URL has another shape.
    pub fn from_url(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("postgres://postgres:").context("expected postgres://postgres:...")?;
        let (secret, rest) = rest.split_once('@').context("expected a password in the URL")?;
        let address = rest.split('/').next().unwrap_or(rest);
        Ok(Self { address: address.to_owned(), secret: secret.to_owned() })
    }

    /// The URL of the superuser.
    #[must_use]
    pub fn superuser_url(&self) -> String {
        self.url(SUPERUSER, &self.secret, SUPERUSER)
    }

    /// The URL of the role that owns a database.
    #[must_use]
    pub fn owner_url(&self, database: &str) -> String {
        self.url(OWNER, &self.password(OWNER), database)
    }

    /// The URL that functions get.
    #[must_use]
    pub fn app_url(&self, database: &str) -> String {
        self.url(APP, &self.password(APP), database)
    }

    /// Makes the two roles that are missing.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn ensure_roles(&self) -> Result<()> {
        let connection = connect(&self.superuser_url()).await?;
        for role in [OWNER, APP] {
            if !exists(&connection, "SELECT 1 FROM pg_roles WHERE rolname = $1", role).await? {
                let create = format!("CREATE ROLE {role} LOGIN PASSWORD '{}'", self.password(role));
                connection.client.batch_execute(&create).await.with_context(|| format!("cannot create {role}"))?;
            }
        }
        Ok(())
    }

    /// Makes a database with pgvector, unless it exists.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn ensure_database(&self, database: &str) -> Result<()> {
        let connection = connect(&self.superuser_url()).await?;
        if !exists(&connection, "SELECT 1 FROM pg_database WHERE datname = $1", database).await? {
            let create = format!("CREATE DATABASE {} OWNER {OWNER}", identifier(database)?);
            connection.client.batch_execute(&create).await.with_context(|| format!("cannot create {database}"))?;
        }
        // Only a superuser may: the extension is not a trusted one.
        let inside = connect(&self.url(SUPERUSER, &self.secret, database)).await?;
        inside.client.batch_execute("CREATE EXTENSION IF NOT EXISTS vector").await.context("cannot load pgvector")
    }

    /// Copies the migrated template under a name that nobody else has.
    ///
    /// # Errors
    /// When there is no template.
    pub async fn fresh_database(&self) -> Result<String> {
        let name = format!("navigator_{}", Uuid::new_v4().simple());
        let connection = connect(&self.superuser_url()).await?;
        let copy = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {OWNER}");
        connection.client.batch_execute(&copy).await.with_context(|| format!("cannot copy {TEMPLATE}"))?;
        Ok(name)
    }

    /// Drops a database, whoever is connected to it.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn drop_database(&self, database: &str) -> Result<()> {
        let connection = connect(&self.superuser_url()).await?;
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(database)?);
        connection.client.batch_execute(&drop).await.with_context(|| format!("cannot drop {database}"))
    }

    fn password(&self, role: &str) -> String {
        Sha256::digest(format!("{}:{role}", self.secret)).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn url(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@{}/{database}", self.address)
    }
}

async fn exists(connection: &Connection, query: &str, name: &str) -> Result<bool> {
    Ok(connection.client.query_opt(query, &[&name]).await?.is_some())
}

/// A name that needs no quotes. `CREATE DATABASE` takes no parameters.
fn identifier(name: &str) -> Result<&str> {
    let plain = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !plain || name.is_empty() {
        bail!("{name:?} is not a plain database name");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_superusers_url_is_enough() {
        let cluster = Cluster::on_port(5432, "secret");
        let same = Cluster::from_url(&cluster.superuser_url()).unwrap();
        assert_eq!(same.app_url("x"), cluster.app_url("x"));
        assert!(!same.app_url("x").contains("secret"));
        assert_ne!(same.password(APP), same.password(OWNER));
        assert!(Cluster::from_url("postgres://someone@localhost/x").is_err());
    }

    #[test]
    fn names_that_need_quotes_are_refused() {
        assert!(identifier("navigator_1").is_ok());
        assert!(identifier("x; DROP DATABASE postgres").is_err() && identifier("").is_err());
    }
}
