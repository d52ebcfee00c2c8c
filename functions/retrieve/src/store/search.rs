//! Passages by words (BM25 over postings) and by meaning (nearest vectors), in SQL.
//!
//! Both return the numbers of each document's best passages. [`Store::evidence`] looks at those more closely, and
//! [`Store::shown`] fetches what a reply shows of the few that it shows. Each runs in one read-only transaction, which sees one
//! state of the database.

mod evidence;
mod hit;
mod phrases;
mod queries;
mod shown;
mod sql;
mod terms;

use deadpool_postgres::Transaction;
use futures_util::try_join;
use pgvector::Vector;
use shared::{contract::retrieve::Filter, deadline::Deadline};
use tokio_postgres::{Error as SqlError, Row, Statement, types::ToSql};

use self::{hit::best, terms::Terms};
use super::{
    Store,
    shelves::{Shelves, Versions},
};
use crate::error::Error;

pub use evidence::{Evidence, Subject};
pub use hit::{Found, Hit};
pub use queries::Queries;
pub use shown::Shown;

/// Posting lists are read, the rarest term's first, up to this many postings together; the terms that are left only add to
/// the score of passages that were found by then. With all of them, no test set gained.
const POSTINGS: i64 = 3_000;
/// Passages that stay in the race after the first posting lists.
const CANDIDATES: i64 = 150;
/// Collections up to this many passages are searched exactly: it takes as long as the graph, some 6 ms, and misses nothing.
/// In the graph, which all collections share, a small one has few edges of its own.
const EXACT: i64 = 6_000;
/// How many neighbours the graph search keeps in sight (pgvector's `hnsw.ef_search`): so many that of the 62 that are asked for
/// at least 98 % are true ones (tests, module `recall`).
const EF_SEARCH: &str = "100";
/// With filters, or beside other collections, the graph is walked on until enough passages fit, or this many were seen. Fewer
/// would be quicker, and miss many: what was walked over is returned then, as if it were the nearest.
const MAX_SCAN: &str = "20000";

const NOTHING: Error = Error::NotFound("the collection");

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

/// What the nearest passages are sought for.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The embedding of the query.
    pub vector: Vec<f32>,
    /// The model that made it: only its own vectors are compared.
    pub model: String,
}

/// What a search by words found.
#[derive(Debug)]
pub struct ByWords {
    /// A list for each query.
    pub lists: Vec<Found>,
    /// The queries as they were sought.
    pub queries: Queries,
    /// The state that was searched.
    pub versions: Versions,
}

/// What a search by meaning found.
#[derive(Debug)]
pub struct ByMeaning {
    /// A list for each vector.
    pub lists: Vec<Found>,
    /// The state that was searched.
    pub versions: Versions,
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
    ) -> Result<ByWords, Error> {
        let work = async |transaction: &Transaction<'_>| by_words(transaction, scope, queries).await;
        self.database.read(deadline, principal, work).await?
    }

    /// The passages nearest to each of `vectors`. [`Error::ModelMismatch`] when there are passages, and all are by other
    /// models.
    pub async fn dense(
        &self,
        deadline: Deadline,
        principal: &str,
        scope: &Scope,
        vectors: &[Nearest],
    ) -> Result<ByMeaning, Error> {
        let work = async |transaction: &Transaction<'_>| by_meaning(transaction, scope, vectors).await;
        self.database.read(deadline, principal, work).await?
    }

    /// The state that a search would read now.
    pub async fn versions(&self, deadline: Deadline, principal: &str, scope: &Scope) -> Result<Versions, Error> {
        let work = async |transaction: &Transaction<'_>| visible(transaction, scope).await;
        let shelves = self.database.read(deadline, principal, work).await?.ok_or(NOTHING)?;
        Ok(shelves.versions())
    }
}

/// The statements of [`Store::lexical`], in a transaction that is open.
pub async fn by_words(
    transaction: &Transaction<'_>,
    scope: &Scope,
    queries: &[&str],
) -> Result<Result<ByWords, Error>, SqlError> {
    let Some(shelves) = entered(transaction, scope).await? else { return Ok(Err(NOTHING)) };
    let queries = Queries::of(transaction, &shelves, queries).await?;
    let mut lists = Vec::with_capacity(queries.each.len());
    for terms in &queries.each {
        lists.push(lexical(transaction, &shelves, scope, terms).await?);
    }
    Ok(Ok(ByWords { lists, queries, versions: shelves.versions() }))
}

/// The statements of [`Store::dense`], likewise.
pub async fn by_meaning(
    transaction: &Transaction<'_>,
    scope: &Scope,
    vectors: &[Nearest],
) -> Result<Result<ByMeaning, Error>, SqlError> {
    let Some(shelves) = entered(transaction, scope).await? else { return Ok(Err(NOTHING)) };
    let mut lists = Vec::with_capacity(vectors.len());
    for nearest in vectors {
        lists.push(dense(transaction, &shelves, scope, nearest).await?);
    }
    let mismatch = lists.iter().all(Vec::is_empty) && foreign(transaction, &shelves, scope, vectors).await?;
    Ok(if mismatch { Err(Error::ModelMismatch) } else { Ok(ByMeaning { lists, versions: shelves.versions() }) })
}

/// The shelves to read; none when the collection has nothing for this principal.
async fn visible(transaction: &Transaction<'_>, scope: &Scope) -> Result<Option<Shelves>, SqlError> {
    let shelves = Shelves::visible(transaction, &scope.collection).await?;
    Ok((!shelves.is_empty()).then(|| shelves.of_language(scope.filter.language.as_deref())))
}

/// The same, in a transaction that is made ready for the statements of a search.
async fn entered(transaction: &Transaction<'_>, scope: &Scope) -> Result<Option<Shelves>, SqlError> {
    let (shelves, ()) = try_join!(visible(transaction, scope), planned(transaction, scope))?;
    Ok(shelves)
}

/// Searches with filters are planned as such.
async fn planned(transaction: &Transaction<'_>, scope: &Scope) -> Result<(), SqlError> {
    if scope.is_filtered() {
        let settings = transaction.prepare_cached(sql::FILTER_SETTINGS).await?;
        transaction.query_one(&settings, &[]).await?;
    }
    Ok(())
}

async fn lexical(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    terms: &Terms,
) -> Result<Found, SqlError> {
    let norm = terms.norm();
    let statement = transaction.prepare_cached(sql::lexical(scope.is_filtered())).await?;
    // What a filter leaves may hold only common terms: then all lists are read.
    let (mut postings, mut limit) = (if scope.is_filtered() { i64::MAX } else { POSTINGS }, CANDIDATES);
    loop {
        let lists = terms.lists(postings);
        let fixed: [Parameter<'_>; 6] = [&lists.shelves, &lists.terms, &lists.idfs, &norm.least, &norm.slope, &limit];
        let rows = transaction.query(&statement, &scope.with_filter(&fixed)).await?;
        let scored = rows.iter().map(|row| Hit::of(row, shelves, terms.score_of(row)?));
        let best = best(scored.collect::<Result<_, _>>()?, scope);
        // One long document may fill all places: look further until others appear or nothing is left.
        if best.len() >= scope.least || fewer(&rows, limit) && lists.are_all_of(terms) {
            return Ok(best);
        }
        (postings, limit) = (postings.saturating_mul(8), limit.saturating_mul(8));
    }
}

async fn dense(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    nearest: &Nearest,
) -> Result<Found, SqlError> {
    let small = shelves.chunks() <= EXACT || scope.filter.document_ids.is_some();
    let by_graph = if small { None } else { approximate(transaction, shelves, scope, nearest).await? };
    if let Some(best) = by_graph {
        return Ok(best);
    }
    let exact = transaction.prepare_cached(sql::exact(scope.is_filtered())).await?;
    Ok(neighbours(transaction, &exact, shelves, scope, nearest).await?.0)
}

/// Whether there are passages, and none by the model of `vectors`, for which nothing was found. All passages were compared
/// then, but for those that a filter left out: there, one by the model is looked for.
async fn foreign(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    vectors: &[Nearest],
) -> Result<bool, SqlError> {
    let Some(Nearest { model, .. }) = vectors.first().filter(|_| shelves.chunks() > 0) else { return Ok(false) };
    if !scope.is_filtered() {
        return Ok(true);
    }
    let statement = transaction.prepare_cached(sql::BY_MODEL).await?;
    transaction.query_one(&statement, &[&shelves.numbers(), model]).await?.try_get("foreign")
}

/// By the graph. None when it returned less than there is: the filter leaves too little of what it walked over.
async fn approximate(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    nearest: &Nearest,
) -> Result<Option<Found>, SqlError> {
    let settings = transaction.prepare_cached(sql::GRAPH_SETTINGS).await?;
    let graph = transaction.prepare_cached(sql::graph(scope.is_filtered())).await?;
    let parameters: [Parameter<'_>; 2] = [&EF_SEARCH, &MAX_SCAN];
    // The server keeps their order; the second need not wait for the answer to the first.
    let set = transaction.query_one(&settings, &parameters);
    let (_, (best, exhausted)) = try_join!(set, neighbours(transaction, &graph, shelves, scope, nearest))?;
    Ok((!exhausted).then_some(best))
}

/// The best by `statement`, and whether it had no more.
async fn neighbours(
    transaction: &Transaction<'_>,
    statement: &Statement,
    shelves: &Shelves,
    scope: &Scope,
    nearest: &Nearest,
) -> Result<(Found, bool), SqlError> {
    let (vector, numbers) = (Vector::from(nearest.vector.clone()), shelves.numbers());
    // Some are of one document.
    let mut limit = i64::try_from(scope.depth + scope.depth / 4).unwrap_or(i64::MAX);
    loop {
        let fixed: [Parameter<'_>; 4] = [&vector, &numbers, &nearest.model, &limit];
        let rows = transaction.query(statement, &scope.with_filter(&fixed)).await?;
        let near = |row: &Row| Hit::of(row, shelves, 1.0 - row.try_get::<_, f64>("distance")?);
        let best = best(rows.iter().map(near).collect::<Result<_, _>>()?, scope);
        let exhausted = fewer(&rows, limit);
        if best.len() >= scope.least || exhausted {
            return Ok((best, exhausted));
        }
        limit = limit.saturating_mul(8);
    }
}

/// Whether there were fewer rows than asked for.
fn fewer(rows: &[Row], limit: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|rows| rows < limit)
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
}
