//! Passages by words: BM25 over postings.

use deadpool_postgres::Transaction;
use tokio_postgres::{Error as SqlError, Row};

use super::{
    Found, NOTHING, Queries, Scope, Search,
    hit::{Hit, best},
    scores::Scores,
    sql,
    terms::{Lists, Norm, Terms},
};
use crate::{error::Error, store::shelves::Versions};

/// Posting lists are read, the rarest term's first, up to this many postings together; the terms that are left only add to
/// the score of passages that were found by then. With all of them, no test set gained.
const POSTINGS: i64 = 3_000;
/// Passages that stay in the race after the first posting lists.
const CANDIDATES: usize = 150;

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
    let Some(search) = Search::enter(transaction, scope).await? else { return Ok(Err(NOTHING)) };
    let queries = Queries::of(transaction, &search.shelves, queries).await?;
    let mut lists = Vec::with_capacity(queries.each.len());
    for terms in &queries.each {
        lists.push(search.lexical(terms).await?);
    }
    Ok(Ok(ByWords { lists, queries, versions: search.shelves.versions() }))
}

impl Search<'_> {
    async fn lexical(&self, terms: &Terms) -> Result<Found, SqlError> {
        let (numbers, is_filtered) = (self.shelves.numbers(), self.scope.is_filtered());
        if is_filtered && self.has_few().await? {
            // Posting lists know nothing of filters.
            return self.best(&self.rows(sql::FITTING, &[&numbers]).await?, terms);
        }
        let (mut postings, mut limit) = (POSTINGS, CANDIDATES);
        let mut lists = terms.lists(postings);
        let mut scores = self.scores(&lists, terms.norm()).await?;
        loop {
            let chunks = scores.best(limit);
            let best = self.best(&self.rows(sql::candidates(is_filtered), &[&chunks, &numbers]).await?, terms)?;
            // One long document may fill all places, and a filter may refuse most: look further until nothing is left.
            let is_all_read = lists.are_all_of(terms);
            let is_all = is_all_read && chunks.len() < limit;
            if is_all || self.suffices(&best).await? {
                return Ok(best);
            }
            (postings, limit) = (postings.saturating_mul(8), limit.saturating_mul(8));
            if !is_all_read {
                lists = terms.lists(postings);
                scores = self.scores(&lists, terms.norm()).await?;
            }
        }
    }

    /// The best passages of `rows`, as far as they hold a term.
    fn best(&self, rows: &[Row], terms: &Terms) -> Result<Found, SqlError> {
        let scored = rows.iter().map(|row| Hit::of(row, &self.shelves, terms.score_of(row)?));
        let mut found = scored.collect::<Result<Found, _>>()?;
        found.retain(|hit| hit.score > 0.0);
        Ok(best(found, self.scope))
    }

    async fn scores(&self, lists: &Lists, norm: Norm) -> Result<Scores, SqlError> {
        let statement = self.transaction.prepare_cached(sql::POSTINGS).await?;
        let rows = self.transaction.query(&statement, &[&lists.shelves, &lists.keys, &lists.idfs]).await?;
        let mut scores = Scores::default();
        for row in &rows {
            scores.add(row.try_get("block")?, row.try_get("entries")?, row.try_get("idf")?, norm);
        }
        Ok(scores)
    }
}
