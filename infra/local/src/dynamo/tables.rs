//! The two tables, as `template.yaml` has them.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use dynoxide::Database;
use serde_json::json;

use super::{CONTROL, CONVERSATIONS};

/// Opens the file, or memory, and makes the tables that are missing.
pub(super) fn open(state: Option<&PathBuf>) -> Result<Database> {
    let opened = match state {
        None => Database::memory(),
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            Database::new(&folder.join("tables.sqlite").to_string_lossy())
        }
    };
    let database = opened.map_err(|cause| anyhow!("cannot open DynamoDB's tables: {cause}"))?;
    ensure_table(&database, CONTROL, &[("pk", "HASH")])?;
    ensure_table(&database, CONVERSATIONS, &[("pk", "HASH"), ("sk", "RANGE")])?;
    Ok(database)
}

fn ensure_table(database: &Database, name: &str, keys: &[(&str, &str)]) -> Result<()> {
    let tables = database.list_tables(serde_json::from_value(json!({}))?).map_err(|cause| anyhow!("{cause}"))?;
    if !tables.table_names.iter().any(|table| table == name) {
        create_table(database, name, keys)?;
    }
    let expiry = json!({"TableName": name, "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}});
    // Refused when it is enabled already, which is as good.
    let _ = database.update_time_to_live(serde_json::from_value(expiry)?);
    Ok(())
}

fn create_table(database: &Database, name: &str, keys: &[(&str, &str)]) -> Result<()> {
    let schema: Vec<_> = keys.iter().map(|(key, kind)| json!({"AttributeName": key, "KeyType": kind})).collect();
    let attributes: Vec<_> = keys.iter().map(|(key, _)| json!({"AttributeName": key, "AttributeType": "S"})).collect();
    let table = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": schema,
        "AttributeDefinitions": attributes,
    });
    let created = database.create_table(serde_json::from_value(table)?);
    created.map(drop).map_err(|cause| anyhow!("cannot create {name}: {cause}"))
}
