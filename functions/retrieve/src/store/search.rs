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
mod shown;
mod sql;
mod terms;
mod words;

use deadpool_postgres::Transaction;
use futures_util::try_join;
use shared::{contract::retrieve::Filter, deadline::Deadline};
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

/// Whether `found` is as much as `scope` wants at least, or as much as there is for it.
async fn suffices(
    transaction: &Transaction<'_>,
    shelves: &Shelves,
    scope: &Scope,
    found: &[Hit],
) -> Result<bool, SqlError> {
    if found.len() >= scope.least {
        return Ok(true);
    }
    let statement = transaction.prepare_cached(sql::attainable(scope.is_filtered())).await?;
    let (numbers, per_document, least) = (shelves.numbers(), count(scope.per_document), count(scope.least));
    let fixed: [Parameter<'_>; 3] = [&numbers, &per_document, &least];
    let row = transaction.query_one(&statement, &scope.with_filter(&fixed)).await?;
    Ok(count(found.len()) >= row.try_get("attainable")?)
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

    /// The parameters of a statement, with those of the filter behind them where it has one.
    fn with_filter<'a>(&'a self, fixed: &[Parameter<'a>]) -> Vec<Parameter<'a>> {
        let filter: [Parameter<'a>; 2] = [&self.filter.document_ids, &self.filter.url_prefix];
        let filter = if self.is_filtered() { &filter[..] } else { &[] };
        [fixed, filter].concat()
    }
}
