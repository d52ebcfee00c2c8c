//! Passages by words: BM25 over postings.

use deadpool_postgres::Transaction;
use tokio_postgres::Error as SqlError;

use super::{
    Found, NOTHING, Parameter, Queries, Scope, entered, fewer,
    hit::{Hit, best},
    sql, suffices,
    terms::Terms,
};
use crate::{
    error::Error,
    store::shelves::{Shelves, Versions},
};

/// Posting lists are read, the rarest term's first, up to this many postings together; the terms that are left only add to
/// the score of passages that were found by then. With all of them, no test set gained.
const POSTINGS: i64 = 3_000;
/// Passages that stay in the race after the first posting lists.
const CANDIDATES: i64 = 150;

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

/// The statements of [`Store::lexical`](super::Store::lexical), in a transaction that is open.
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
        let is_all = fewer(&rows, limit) && lists.are_all_of(terms);
        if is_all || suffices(transaction, shelves, scope, &best).await? {
            return Ok(best);
        }
        (postings, limit) = (postings.saturating_mul(8), limit.saturating_mul(8));
    }
}
