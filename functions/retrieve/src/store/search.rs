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
}

impl<'a> Search<'a> {
    /// None when the collection has nothing for this principal.
    async fn enter(transaction: &'a Transaction<'a>, scope: &'a Scope) -> Result<Option<Self>, SqlError> {
        let (shelves, ()) = try_join!(visible(transaction, scope), planned(transaction, scope))?;
        Ok(shelves.map(|shelves| Self { transaction, scope, shelves, attainable: OnceCell::new() }))
    }

    /// The rows of one of the statements that have the parameters of the filter behind their own.
    async fn rows(&self, sql: &str, own: &[Parameter<'_>]) -> Result<Vec<Row>, SqlError> {
        let statement = self.transaction.prepare_cached(sql).await?;
        let filter: [Parameter<'_>; 2] = [&self.scope.filter.document_ids, &self.scope.filter.url_prefix];
        let filter = if self.scope.is_filtered() { &filter[..] } else { &[] };
        self.transaction.query(&statement, &[own, filter].concat()).await
    }

    /// Whether `found` is as much as the scope wants at least, or as much as there is for it, which is asked once.
    async fn suffices(&self, found: &[Hit]) -> Result<bool, SqlError> {
        Ok(found.len() >= self.scope.least
            || count(found.len()) >= *self.attainable.get_or_try_init(|| self.attainable()).await?)
    }

    async fn attainable(&self) -> Result<i64, SqlError> {
        let Scope { per_document, least, .. } = self.scope;
        let (numbers, per_document, least) = (self.shelves.numbers(), count(*per_document), count(*least));
        let rows = self.rows(sql::attainable(self.scope.is_filtered()), &[&numbers, &per_document, &least]).await?;
        rows.first().map_or(Ok(0), |row| row.try_get("attainable"))
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
