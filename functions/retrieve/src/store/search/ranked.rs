//! Passages in order, before what a reply shows of them is fetched.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use tokio_postgres::{Error as SqlError, Row};

use super::{Found, Hit, Scope, sql};
use crate::document::visibility_of;

/// A passage in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranked {
    chunk: i64,
    document: i64,
    score: f64,
}

impl Ranked {
    pub(super) fn of(row: &Row, score: f64) -> Result<Self, SqlError> {
        Ok(Self { chunk: row.try_get("chunk")?, document: row.try_get("document")?, score })
    }
}

/// The first of `found`, best first, and no more of a document than `scope` wants.
pub(super) fn best(mut found: Vec<Ranked>, scope: &Scope) -> Vec<Ranked> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
    let mut places: HashMap<i64, usize> = HashMap::new();
    found.retain(|ranked| {
        let taken = places.entry(ranked.document).or_default();
        *taken += 1;
        *taken <= scope.per_document
    });
    found.truncate(scope.depth);
    found
}

/// `best` with what a reply shows of each.
pub(super) async fn shown(transaction: &Transaction<'_>, best: Vec<Ranked>) -> Result<Found, SqlError> {
    let chunks: Vec<i64> = best.iter().map(|ranked| ranked.chunk).collect();
    let statement = transaction.prepare_cached(sql::SHOWN).await?;
    let rows = transaction.query(&statement, &[&chunks]).await?;
    let mut rows = rows.iter().map(|row| Ok((row.try_get("chunk")?, row))).collect::<Result<HashMap<i64, _>, _>>()?;
    let found = best.into_iter().filter_map(|ranked| rows.remove(&ranked.chunk).map(|row| hit(row, ranked.score)));
    found.collect()
}

fn hit(row: &Row, score: f64) -> Result<Hit, SqlError> {
    Ok(Hit {
        chunk: row.try_get("chunk")?,
        document: row.try_get("document")?,
        id: row.try_get("id")?,
        ordinal: row.try_get("ordinal")?,
        title: row.try_get("title")?,
        url: row.try_get("url")?,
        language: row.try_get("language")?,
        visibility: visibility_of(row.try_get("visibility")?),
        text: row.try_get("text")?,
        score,
    })
}
