//! Passages by words (BM25 over postings) and by meaning (nearest vectors), in SQL.
//!
//! Both return the numbers of each document's best passages. [`Store::evidence`] looks at those more closely, and
//! [`Store::shown`] fetches what a reply shows of the few that it shows. Each runs in one read-only transaction, which sees one
//! state of the database.

mod evidence;
mod hit;
mod meaning;
mod phrases;
mod queries;
mod scores;
mod shown;
mod sql;
mod terms;
mod words;

use deadpool_postgres::Transaction;
use futures_util::try_join;
use shared::{contract::retrieve::Filter, deadline::Deadline};
use tokio::sync::OnceCell;
use tokio_postgres::{Error as SqlError, Row, types::ToSql};

use super::{
    Store,
    shelves::{Shelves, Versions},
};
use crate::error::Error;

pub use evidence::{Evidence, Subject};
pub use hit::{Found, Hit};
pub use meaning::{ByMeaning, Nearest, by_meaning};
pub use queries::Queries;
pub use shown::Shown;
pub use words::{ByWords, by_words};

const NOTHING: Error = Error::NotFound("the collection");
/// Where there are up to this many passages, or a filter leaves no more, each is looked at: it takes some 2 µs, and misses nothing.
/// In the graph, which all collections share, a small one has few edges of its own; a question about something else walks
/// through all others first, for up to a second, or finds nothing at all.
const FEW: i64 = 6_000;
/// Passages that have the graph to themselves are found in it in 2 ms; up to this many are looked at as quickly.
const FEW_ALONE: i64 = 1_500;

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

/// The shelves to read; none when the collection has nothing for this principal.
async fn visible(transaction: &Transaction<'_>, scope: &Scope) -> Result<Option<Shelves>, SqlError> {
    let shelves = Shelves::visible(transaction, &scope.collection).await?;
    Ok((!shelves.is_empty()).then(|| shelves.of_language(scope.filter.language.as_deref())))
}

/// Searches with filters are planned as such.
async fn planned(transaction: &Transaction<'_>, scope: &Scope) -> Result<(), SqlError> {
    if scope.is_filtered() {
        let settings = transaction.prepare_cached(sql::FILTER_SETTINGS).await?;
        transaction.query_one(&settings, &[]).await?;
    }
    Ok(())
}

/// A search in an open transaction: what both ways share.
struct Search<'a> {
    transaction: &'a Transaction<'a>,
    scope: &'a Scope,
    shelves: Shelves,
    /// See [`Self::suffices`].
    attainable: OnceCell<i64>,
    /// See [`Self::has_few`].
    fitting: OnceCell<i64>,
}

impl<'a> Search<'a> {
    /// None when the collection has nothing for this principal.
    async fn enter(transaction: &'a Transaction<'a>, scope: &'a Scope) -> Result<Option<Self>, SqlError> {
        let (shelves, ()) = try_join!(visible(transaction, scope), planned(transaction, scope))?;
        let (attainable, fitting) = (OnceCell::new(), OnceCell::new());
        Ok(shelves.map(|shelves| Self { transaction, scope, shelves, attainable, fitting }))
    }

    /// The rows of one of the statements that have the parameters of the filter behind their own.
    async fn rows(&self, sql: &str, own: &[Parameter<'_>]) -> Result<Vec<Row>, SqlError> {
        let statement = self.transaction.prepare_cached(sql).await?;
        let filter: [Parameter<'_>; 2] = [&self.scope.filter.document_ids, &self.scope.filter.url_prefix];
        let filter = if self.scope.is_filtered() { &filter[..] } else { &[] };
        self.transaction.query(&statement, &[own, filter].concat()).await
    }

    /// Whether there are so few passages that each can be looked at. What a filter leaves is counted once.
    async fn has_few(&self) -> Result<bool, SqlError> {
        let is_filtered = self.scope.is_filtered();
        let few = if !is_filtered && self.shelves.are_nearly_all() { FEW_ALONE } else { FEW };
        if self.shelves.chunks() <= few || !is_filtered {
            return Ok(self.shelves.chunks() <= few);
        }
        Ok(*self.fitting.get_or_try_init(|| self.passages(i64::MAX, FEW + 1)).await? <= FEW)
    }

    /// Whether `found` is as much as the scope wants at least, or as much as there is for it, which is asked once.
    async fn suffices(&self, found: &[Hit]) -> Result<bool, SqlError> {
        let Scope { per_document, least, .. } = *self.scope;
        let attainable = || self.passages(count(per_document), count(least));
        Ok(found.len() >= least || count(found.len()) >= *self.attainable.get_or_try_init(attainable).await?)
    }

    /// How many passages there are, counting `per_document` at most and looking at so many `documents`.
    async fn passages(&self, per_document: i64, documents: i64) -> Result<i64, SqlError> {
        let numbers = self.shelves.numbers();
        let rows = self.rows(sql::passages(self.scope.is_filtered()), &[&numbers, &per_document, &documents]).await?;
        rows.first().map_or(Ok(0), |row| row.try_get("passages"))
    }
}

/// As the database counts.
fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whether there were fewer rows than asked for.
fn fewer(rows: &[Row], limit: i64) -> bool {
    count(rows.len()) < limit
}

impl Scope {
    /// Whether documents must be looked at; the language alone chooses among shelves.
    fn is_filtered(&self) -> bool {
        self.filter.document_ids.is_some() || self.filter.url_prefix.is_some()
    }
}
