//! The control table: state that the whole fleet shares, and nothing about patients.
//!
//! Breakers and rate limits will live here; until then it is checked, so that an operator sees its absence
//! before it is needed.

use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{Client, types::AttributeValue};

use crate::{
    deadline::Deadline,
    dependency::{CallError, Dependency, DependencyStatus},
    policy::Policy,
};

/// The name of the table in policy, health and status.
pub const CONTROL_TABLE: &str = "control_table";

/// The table named by the variable `CONTROL_TABLE`. Clones share the client.
#[derive(Clone, Debug)]
pub struct ControlTable {
    client: Client,
    table: Arc<str>,
    dependency: Dependency,
}

/// DynamoDB did not answer a read.
#[derive(Debug, thiserror::Error)]
#[error("the control table could not be read")]
pub struct Unreadable;

impl ControlTable {
    /// The table of this deployment; none when `CONTROL_TABLE` is not set.
    pub fn from_env(sdk: &SdkConfig, policy: &Policy) -> Option<Self> {
        let table = std::env::var("CONTROL_TABLE").ok().filter(|name| !name.is_empty())?;
        let dependency = Dependency::new(CONTROL_TABLE, policy);
        Some(Self { client: Client::new(sdk), table: table.into(), dependency })
    }

    /// Reads one key that need not exist: half a read unit.
    pub async fn ping(&self, deadline: Deadline) -> Result<(), CallError<Unreadable>> {
        let key = AttributeValue::S("ping".to_owned());
        let read = || Box::pin(self.client.get_item().table_name(&*self.table).key("pk", key).send());
        self.dependency.call(deadline, |_| async { read().await.map(|_| ()).map_err(|_| Unreadable) }).await
    }

    /// Its name, when it is configured and cannot be read.
    pub async fn missing(table: Option<&Self>, deadline: Deadline) -> Option<String> {
        table?.ping(deadline).await.err().map(|_| CONTROL_TABLE.to_owned())
    }

    /// What it looks like from this process.
    pub fn status(&self) -> DependencyStatus {
        self.dependency.status()
    }
}
