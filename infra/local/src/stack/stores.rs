//! The database of a stack.

use std::sync::Arc;

use anyhow::Result;

use crate::cluster::{Cluster, DATABASE};
use crate::lifeline::Lifeline;
use crate::migrate;
use crate::postgres::{Postgres, PostgresConfig};
use crate::stack::DatabaseChoice;

/// What `DatabaseChoice` led to.
pub(super) struct Stores {
    pub(super) postgres: Option<Postgres>,
    pub(super) temporary: Option<(Cluster, String)>,
    pub(super) url: Option<String>,
}

impl Stores {
    pub(super) async fn start(choice: DatabaseChoice, lifeline: &Arc<Lifeline>) -> Result<Self> {
        match choice {
            DatabaseChoice::None => Ok(Self { postgres: None, temporary: None, url: None }),
            DatabaseChoice::Url(url) => Ok(Self { postgres: None, temporary: None, url: Some(url) }),
            DatabaseChoice::Fresh(cluster) => {
                let database = cluster.fresh_database().await?;
                let url = Some(cluster.app_url(&database));
                Ok(Self { postgres: None, temporary: Some((cluster, database)), url })
            }
            DatabaseChoice::Own(config) => {
                let postgres = migrated(config, lifeline).await?;
                let url = Some(postgres.nearby().app_url(DATABASE));
                Ok(Self { postgres: Some(postgres), temporary: None, url })
            }
        }
    }
}

/// Postgres with the application's database at the newest migration.
///
/// # Errors
/// When it does not start, or a migration fails.
pub async fn migrated(config: PostgresConfig, lifeline: &Arc<Lifeline>) -> Result<Postgres> {
    let postgres = Postgres::start(config, Arc::clone(lifeline)).await?;
    postgres.cluster().ensure_database(DATABASE).await?;
    migrate::migrate(&postgres.cluster().owner_url(DATABASE), &migrate::folder()).await?;
    Ok(postgres)
}
