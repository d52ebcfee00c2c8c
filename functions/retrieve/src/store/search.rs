//! Passages by words (BM25 over postings) and by meaning (nearest vectors), in SQL.
//!
//! Both return each document's best passages with what a reply shows of them, so that one snapshot answers and a
//! document that is deleted meanwhile cannot leave a hole. Each runs in one read-only transaction.

mod evidence;
mod sql;

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use pgvector::Vector;
use shared::{contract::retrieve::Filter, deadline::Deadline};
use tokio_postgres::{Error as SqlError, Row, types::ToSql};

use super::{Store, shelves::Shelves};
use crate::{analysis::Analyzer, error::Error};

pub use evidence::Evidence;

/// At most this many distinct terms of a query count, the rarest: the rest of a long message is noise.
const MAX_TERMS: i64 = 48;
/// Posting lists are read, the rarest term's first, until this many postings; the terms that are left only add to
/// the score of passages that were found by then.
const POSTINGS: i64 = 8_000;
/// Passages that stay in the race after the first posting lists.
const CANDIDATES: i64 = 400;
/// Collections up to this many passages are searched exactly: it takes as long as the graph, some 6 ms, and misses nothing.
/// In the graph, which all collections share, a small one has few edges of its own.
const EXACT: i64 = 6_000;
/// How many neighbours the graph search keeps in sight (pgvector's `hnsw.ef_search`).
const EF_SEARCH: &str = "200";
/// With filters the graph is walked on until enough passages fit, or this many were seen.
const MAX_SCAN: &str = "20000";

type Parameter<'a> = &'a (dyn ToSql + Sync);

/// Where to look, and how much to return.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The collection.
    pub collection: String,
    /// Which of its documents.
    pub filter: Filter,
    /// Passages of one document, at most.
    pub per_document: usize,
    /// Passages, at most.
    pub depth: usize,
    /// With fewer, where there are more, it is looked further.
    pub least: usize,
}

/// A passage that was found, with what a reply shows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The passage's number in the database.
    pub chunk: i64,
    /// The document's number in the database.
    pub document: i64,
    /// The document's id.
    pub id: String,
    /// Its place in the document.
    pub ordinal: i32,
    /// The document's title.
    pub title: Option<String>,
    /// The document's address.
    pub url: Option<String>,
    /// The document's language.
    pub language: String,
    /// Its text.
    pub text: String,
    /// What its list is ordered by: BM25, or the cosine of its embedding with the query's.
    pub score: f64,
}

/// The passages of one list, best first.
pub type Found = Vec<Hit>;

/// What the nearest passages are sought for.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The embedding of the query.
    pub vector: Vec<f32>,
    /// The model that made it: only its own vectors are compared.
    pub model: String,
}

impl Store {
    /// The passages with the best BM25 scores for each of `queries`. [`Error::NotFound`] when the principal sees no
    /// document in the collection.
    pub async fn lexical(
        &self,
        deadline: Deadline,
        principal: &str,
        scope: &Scope,
        queries: &[&str],
    ) -> Result<Vec<Found>, Error> {
        let work = async |transaction: &Transaction<'_>| {
            let Some(shelves) = visible(transaction, scope).await? else { return Ok(None) };
            let mut lists = Vec::with_capacity(queries.len());
            for query in queries {
                lists.push(lexical(transaction, &shelves, scope, query).await?);
            }
            Ok(Some(lists))
        };
        self.database.read(deadline, principal, work).await?.ok_or(Error::NotFound("the collection"))
    }

    /// The passages nearest to each of `vectors`.
    pub async fn dense(
        &self,
        deadline: Deadline,
        principal: &str,
        scope: &Scope,
        vectors: &[Nearest],
    ) -> Result<Vec<Found>, Error> {
        let work = async |transaction: &Transaction<'_>| {
            let Some(shelves) = visible(transaction, scope).await? else { return Ok(None) };
            let mut lists = Vec::with_capacity(vectors.len());
            for nearest in vectors {
                lists.push(dense(transaction, &shelves, scope, nearest).await?);
            }
            Ok(Some(lists))
        };
        self.database.read(deadline, principal, work).await?.ok_or(Error::NotFound("the collection"))
    }
}

/// The shelves to read; none when the collection has nothing for this principal.
async fn visible(transaction: &Transaction<'_>, scope: &Scope) -> Result<Option<Shelves>, SqlError> {
    let shelves = Shelves::visible(transaction, &scope.collection).await?;
    Ok((!shelves.is_empty()).then(|| shelves.of_language(scope.filter.language.as_deref())))
}

async fn lexical(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    query: &str,
) -> Result<Found, SqlError> {
    let (numbers, terms) = analyzed(shelves, &[query]);
    // What a filter leaves may hold only common terms: then all lists are read.
    let postings = if scope.is_filtered() { i64::MAX } else { POSTINGS };
    let (chunks, average) = (count(shelves.chunks()), shelves.average_length());
    let (per_document, depth) = (scope.per_document(), scope.depth());
    let statement = transaction.prepare_cached(sql::lexical(scope.is_filtered())).await?;
    let mut candidates = CANDIDATES;
    loop {
        let fixed: [Parameter<'_>; 9] =
            [&numbers, &terms, &chunks, &average, &MAX_TERMS, &postings, &candidates, &per_document, &depth];
        let rows = transaction.query(&statement, &scope.with_filter(&fixed)).await?;
        // One long document may fill all places: look further until others appear or nothing is left.
        if enough(&rows, scope, candidates)? {
            return rows.iter().map(hit).collect();
        }
        candidates = candidates.saturating_mul(8);
    }
}

async fn dense(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    nearest: &Nearest,
) -> Result<Found, SqlError> {
    let small = shelves.chunks() <= EXACT || scope.filter.document_ids.is_some();
    if !small && let Some(found) = approximate(transaction, shelves, scope, nearest).await? {
        return Ok(found);
    }
    let sql = sql::exact(scope.is_filtered());
    let rows = neighbours(transaction, sql, shelves, scope, nearest, shelves.chunks()).await?;
    rows.iter().map(hit).collect()
}

/// By the graph. None when it returned less than there is: the filter leaves too little of what it walked over.
async fn approximate(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    nearest: &Nearest,
) -> Result<Option<Found>, SqlError> {
    let settings = transaction.prepare_cached(sql::GRAPH_SETTINGS).await?;
    transaction.query_one(&settings, &[&EF_SEARCH, &MAX_SCAN]).await?;
    let sql = sql::graph(scope.is_filtered());
    let mut limit = scope.depth().saturating_mul(2);
    while limit < shelves.chunks() {
        let rows = neighbours(transaction, sql, shelves, scope, nearest, limit).await?;
        if scanned(&rows)? < limit {
            return Ok(None);
        }
        if enough(&rows, scope, limit)? {
            return rows.iter().map(hit).collect::<Result<_, _>>().map(Some);
        }
        limit = limit.saturating_mul(8);
    }
    Ok(None)
}

async fn neighbours(
    transaction: &Transaction<'_>,
    sql: &str,
    shelves: &Shelves,
    scope: &Scope,
    nearest: &Nearest,
    limit: i64,
) -> Result<Vec<Row>, SqlError> {
    let statement = transaction.prepare_cached(sql).await?;
    let vector = Vector::from(nearest.vector.clone());
    let (numbers, per_document, depth) = (shelves.numbers(), scope.per_document(), scope.depth());
    let fixed: [Parameter<'_>; 6] = [&vector, &numbers, &nearest.model, &limit, &per_document, &depth];
    transaction.query(&statement, &scope.with_filter(&fixed)).await
}

impl Scope {
    /// Whether documents must be looked at; the language alone chooses among shelves.
    fn is_filtered(&self) -> bool {
        self.filter.document_ids.is_some() || self.filter.url_prefix.is_some()
    }

    /// The parameters of a statement, with those of the filter behind them where it has one.
    fn with_filter<'a>(&'a self, fixed: &[Parameter<'a>]) -> Vec<Parameter<'a>> {
        let filter: [Parameter<'a>; 2] = [&self.filter.document_ids, &self.filter.url_prefix];
        let filter = if self.is_filtered() { &filter[..] } else { &[] };
        [fixed, filter].concat()
    }

    fn per_document(&self) -> i64 {
        i64::try_from(self.per_document).unwrap_or(i64::MAX)
    }

    fn depth(&self) -> i64 {
        i64::try_from(self.depth).unwrap_or(i64::MAX)
    }
}

/// The terms of the queries as each shelf's language makes them: two lists of one length.
fn analyzed(shelves: &Shelves, queries: &[&str]) -> (Vec<i32>, Vec<String>) {
    let pairs = shelves.iter().flat_map(|shelf| {
        let terms = queries.iter().flat_map(|query| Analyzer::of(&shelf.language).frequencies(query).into_keys());
        terms.map(|term| (shelf.number, term))
    });
    pairs.collect::<BTreeSet<_>>().into_iter().unzip()
}

/// Whether the list is as long as it must be, or all that was there to see is in it.
fn enough(rows: &[Row], scope: &Scope, limit: i64) -> Result<bool, SqlError> {
    Ok(rows.len() >= scope.least || scanned(rows)? < limit)
}

/// How many passages the list was made from; every row says it.
fn scanned(rows: &[Row]) -> Result<i64, SqlError> {
    rows.first().map_or(Ok(0), |row| row.try_get("scanned"))
}

fn hit(row: &Row) -> Result<Hit, SqlError> {
    Ok(Hit {
        chunk: row.try_get("chunk")?,
        document: row.try_get("document")?,
        id: row.try_get("id")?,
        ordinal: row.try_get("ordinal")?,
        title: row.try_get("title")?,
        url: row.try_get("url")?,
        language: row.try_get("language")?,
        text: row.try_get("text")?,
        score: row.try_get("score")?,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
fn count(chunks: i64) -> f64 {
    chunks as f64
}
