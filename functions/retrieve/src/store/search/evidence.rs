//! What is known of what was found, whichever way: how near, how many of the query's words, of how long a document. What
//! only words have found has embeddings too.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use futures_util::try_join;
use pgvector::HalfVector;
use shared::deadline::Deadline;
use tokio_postgres::{Error as SqlError, Row};

use super::{Hit, Parameter, Scope, Store, sql, terms::Terms, visible};
use crate::{error::Error, form::BEGINNING};

/// Of a longer document only as many passages are looked at, and the one that was found.
const PASSAGES: i32 = 6;

/// What is known of a passage, or of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The embeddings of its passages, as far as they can be compared: unit vectors.
    pub embeddings: Vec<Vec<f32>>,
    /// BM25 of the query and its original together; that of the best passage.
    pub lexical: f64,
    /// The share of the query's neighboring terms that are neighbors in it too, from 0 to 1; that of the best passage.
    pub phrases: f64,
    /// How many passages the document has.
    pub passages: i32,
    /// How the document begins; empty when its first passage was not looked at.
    pub beginning: String,
}

impl Store {
    /// The evidence on `hits`, by the numbers of their passages; those that are there no longer are missing. When each
    /// stands for a document, all of it counts. Embeddings count that are by `model`; without one, all.
    pub async fn evidence(
        &self,
        deadline: Deadline,
        principal: &str,
        scope: &Scope,
        queries: &[&str],
        (hits, model): (&[&Hit], Option<&str>),
    ) -> Result<HashMap<i64, Evidence>, Error> {
        let work = async |transaction: &Transaction<'_>| {
            let (terms, rows) = try_join!(terms(transaction, scope, queries), rows(transaction, scope, hits, model))?;
            let Some(terms) = terms else { return Ok(HashMap::new()) };
            gathered(&rows, hits, &terms, scope.per_document == 1)
        };
        Ok(self.database.read(deadline, principal, work).await?)
    }
}

async fn terms(transaction: &Transaction<'_>, scope: &Scope, queries: &[&str]) -> Result<Option<Terms>, SqlError> {
    let Some(shelves) = visible(transaction, scope).await? else { return Ok(None) };
    Terms::of(transaction, &shelves, queries).await.map(Some)
}

async fn rows(
    transaction: &Transaction<'_>,
    scope: &Scope,
    hits: &[&Hit],
    model: Option<&str>,
) -> Result<Vec<Row>, SqlError> {
    let chunks: Vec<i64> = hits.iter().map(|hit| hit.chunk).collect();
    let documents: Vec<i64> =
        if scope.per_document == 1 { hits.iter().map(|hit| hit.document).collect() } else { Vec::new() };
    let statement = transaction.prepare_cached(sql::EVIDENCE).await?;
    let parameters: [Parameter<'_>; 5] = [&chunks, &documents, &PASSAGES, &BEGINNING, &model];
    transaction.query(&statement, &parameters).await
}

/// The rows of each hit together: those of its document when it stands for it, else its own.
fn gathered(rows: &[Row], hits: &[&Hit], terms: &Terms, by_document: bool) -> Result<HashMap<i64, Evidence>, SqlError> {
    let mut gathered: HashMap<i64, Evidence> = HashMap::new();
    let mut there = HashSet::new();
    for row in rows {
        let chunk: i64 = row.try_get("chunk")?;
        there.insert(chunk);
        let subject = if by_document { row.try_get("document")? } else { chunk };
        let evidence = gathered.entry(subject).or_default();
        if let Some(embedding) = row.try_get::<_, Option<HalfVector>>("embedding")? {
            evidence.embeddings.push(embedding.as_slice().iter().map(|value| value.to_f32()).collect());
        }
        evidence.lexical = evidence.lexical.max(terms.score_of(row)?);
        evidence.phrases = evidence.phrases.max(terms.phrases_of(row)?);
        evidence.passages = row.try_get("passages")?;
        if let Some(beginning) = row.try_get("beginning")? {
            evidence.beginning = beginning;
        }
    }
    let subject = |hit: &Hit| if by_document { hit.document } else { hit.chunk };
    let found = hits.iter().filter(|hit| there.contains(&hit.chunk));
    Ok(found.filter_map(|hit| Some((hit.chunk, gathered.remove(&subject(hit))?))).collect())
}
