//! What a reply shows of passages.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use shared::deadline::Deadline;
use tokio_postgres::{Error as SqlError, Row};

use super::{Store, sql};
use crate::error::Error;

/// A passage and its document, as far as they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// The document's id.
    pub id: String,
    /// The passage's place in the document.
    pub ordinal: i32,
    /// The document's title.
    pub title: Option<String>,
    /// The document's address.
    pub url: Option<String>,
    /// The passage's text.
    pub text: String,
}

impl Store {
    /// The passages with these numbers; those that are there no longer, or that the principal may not read, are missing.
    pub async fn shown(
        &self,
        deadline: Deadline,
        principal: &str,
        chunks: &[i64],
    ) -> Result<HashMap<i64, Shown>, Error> {
        let work = async |transaction: &Transaction<'_>| shown(transaction, chunks).await;
        Ok(self.database.read(deadline, principal, work).await?)
    }
}

pub(super) async fn shown(transaction: &Transaction<'_>, chunks: &[i64]) -> Result<HashMap<i64, Shown>, SqlError> {
    let statement = transaction.prepare_cached(sql::SHOWN).await?;
    let rows = transaction.query(&statement, &[&chunks]).await?;
    rows.iter().map(|row| Ok((row.try_get("chunk")?, Shown::of(row)?))).collect()
}

impl Shown {
    fn of(row: &Row) -> Result<Self, SqlError> {
        Ok(Self {
            id: row.try_get("id")?,
            ordinal: row.try_get("ordinal")?,
            title: row.try_get("title")?,
            url: row.try_get("url")?,
            text: row.try_get("text")?,
        })
    }
}
