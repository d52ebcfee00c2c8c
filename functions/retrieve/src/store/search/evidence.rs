//! What is known of what was found, whichever way: how near, how many of the query's words, of how long a document. What
//! only words have found has embeddings too.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use futures_util::try_join;
use half::slice::HalfFloatSliceExt;
use pgvector::HalfVector;
use shared::deadline::Deadline;
use tokio_postgres::{Error as SqlError, Row};

use super::{Hit, Parameter, Scope, Shown, Store, queries::Queries, shown::shown, sql, visible};
use crate::{error::Error, form::BEGINNING};

/// Of a longer document only as many passages are looked at, and the one that was found. More than make a difference to its
/// length (see [`crate::rerank::Features::brevity`]).
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
    /// How many passages the document has; of a long one, how many were looked at.
    pub passages: i32,
    /// How the document begins; empty when that was not looked at.
    pub beginning: String,
}

/// On what evidence is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What was sought: the query and its original.
    pub queries: &'a [&'a str],
    /// The same as the search by words knows it; without, it is looked up.
    pub known: Option<&'a Queries>,
    /// What was found.
    pub hits: &'a [&'a Hit],
    /// Embeddings count that are by this model; without one, all.
    pub model: Option<&'a str>,
    /// Whether it matters how documents begin.
    pub beginnings: bool,
}

impl Store {
    /// The evidence on hits, by the numbers of their passages; those that are there no longer are missing. When each stands
    /// for a document, all of it counts.
    pub async fn evidence(
        &self,
        deadline: Deadline,
        principal: &str,
        scope: &Scope,
        subject: Subject<'_>,
    ) -> Result<HashMap<i64, Evidence>, Error> {
        let work = async |transaction: &Transaction<'_>| evidence(transaction, scope, subject).await;
        Ok(self.database.read(deadline, principal, work).await?)
    }

    /// What a reply shows of the passages that `choose` takes by the evidence, of the same state as that.
    pub async fn chosen(
        &self,
        deadline: Deadline,
        principal: &str,
        scope: &Scope,
        subject: Subject<'_>,
        choose: impl FnOnce(&HashMap<i64, Evidence>) -> Vec<i64>,
    ) -> Result<HashMap<i64, Shown>, Error> {
        let work = async |transaction: &Transaction<'_>| {
            let chosen = choose(&evidence(transaction, scope, subject).await?);
            shown(transaction, &chosen).await
        };
        Ok(self.database.read(deadline, principal, work).await?)
    }
}

async fn evidence(
    transaction: &Transaction<'_>,
    scope: &Scope,
    subject: Subject<'_>,
) -> Result<HashMap<i64, Evidence>, SqlError> {
    let Subject { queries, known, hits, .. } = subject;
    let by_document = scope.per_document == 1;
    if let Some(known) = known {
        return gathered(&rows(transaction, subject, by_document).await?, hits, known, by_document);
    }
    let rows = rows(transaction, subject, by_document);
    let (looked_up, rows) = try_join!(looked_up(transaction, scope, queries), rows)?;
    looked_up.map_or_else(|| Ok(HashMap::new()), |known| gathered(&rows, hits, &known, by_document))
}

/// None when the principal sees nothing of the collection.
async fn looked_up(
    transaction: &Transaction<'_>,
    scope: &Scope,
    queries: &[&str],
) -> Result<Option<Queries>, SqlError> {
    let Some(shelves) = visible(transaction, scope).await? else { return Ok(None) };
    Queries::of(transaction, &shelves, queries).await.map(Some)
}

async fn rows(
    transaction: &Transaction<'_>,
    Subject { hits, model, beginnings, .. }: Subject<'_>,
    by_document: bool,
) -> Result<Vec<Row>, SqlError> {
    let chunks: Vec<i64> = hits.iter().map(|hit| hit.chunk).collect();
    let documents: Vec<i64> = if by_document { hits.iter().map(|hit| hit.document).collect() } else { Vec::new() };
    let beginning = if beginnings { BEGINNING } else { 0 };
    let statement = transaction.prepare_cached(sql::EVIDENCE).await?;
    let parameters: [Parameter<'_>; 5] = [&chunks, &documents, &PASSAGES, &beginning, &model];
    transaction.query(&statement, &parameters).await
}

/// The rows of each hit together: those of its document when it stands for it, else its own.
fn gathered(
    rows: &[Row],
    hits: &[&Hit],
    known: &Queries,
    by_document: bool,
) -> Result<HashMap<i64, Evidence>, SqlError> {
    let mut gathered: HashMap<i64, Evidence> = HashMap::new();
    let mut there = HashSet::new();
    for row in rows {
        let chunk: i64 = row.try_get("chunk")?;
        there.insert(chunk);
        let subject = if by_document { row.try_get("document")? } else { chunk };
        let evidence = gathered.entry(subject).or_default();
        if let Some(embedding) = row.try_get::<_, Option<HalfVector>>("embedding")? {
            evidence.embeddings.push(embedding.as_slice().to_f32_vec());
        }
        evidence.lexical = evidence.lexical.max(known.together.score_of(row)?);
        evidence.phrases = evidence.phrases.max(known.phrases_of(row)?);
        evidence.passages = row.try_get::<_, Option<i32>>("passages")?.unwrap_or(evidence.passages + 1);
        if let Some(beginning) = row.try_get("beginning")? {
            evidence.beginning = beginning;
        }
    }
    let subject = |hit: &Hit| if by_document { hit.document } else { hit.chunk };
    let found = hits.iter().filter(|hit| there.contains(&hit.chunk));
    Ok(found.filter_map(|hit| Some((hit.chunk, gathered.remove(&subject(hit))?))).collect())
}
