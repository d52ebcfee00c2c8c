//! The documents that a principal can see, page by page.

use deadpool_postgres::Transaction;
use shared::{contract::retrieve::DocumentSummary, deadline::Deadline};
use tokio_postgres::{Error as SqlError, Row};

use super::Store;
use crate::{document::visibility_of, error::Error};

/// Two owners may use one id, so a page ends at a document, not at an id.
const PAGE: &str = "SELECT document, id, collection, title, url, language, visibility, chunks FROM documents
    WHERE collection = $1 AND (id, document) > ($2, $3) ORDER BY id, document LIMIT $4";

/// The last document of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Its id.
    pub id: String,
    /// Its number in the database, from 1.
    pub document: i64,
}

impl Store {
    /// At most `limit` documents of `collection` behind `after`, each with its position.
    pub async fn list(
        &self,
        deadline: Deadline,
        principal: &str,
        collection: &str,
        after: &Position,
        limit: i64,
    ) -> Result<Vec<(Position, DocumentSummary)>, Error> {
        let work = async |transaction: &Transaction<'_>| {
            let statement = transaction.prepare_cached(PAGE).await?;
            let rows = transaction.query(&statement, &[&collection, &after.id, &after.document, &limit]).await?;
            rows.iter().map(entry).collect()
        };
        Ok(self.database.read(deadline, principal, work).await?)
    }
}

fn entry(row: &Row) -> Result<(Position, DocumentSummary), SqlError> {
    let id: String = row.try_get("id")?;
    let chunks: i32 = row.try_get("chunks")?;
    let summary = DocumentSummary {
        document_id: id.clone(),
        collection: row.try_get("collection")?,
        title: row.try_get("title")?,
        url: row.try_get("url")?,
        language: row.try_get("language")?,
        visibility: visibility_of(row.try_get("visibility")?),
        chunks: usize::try_from(chunks).unwrap_or_default(),
    };
    Ok((Position { id, document: row.try_get("document")? }, summary))
}
