//! Passages by meaning: the nearest vectors.

use deadpool_postgres::Transaction;
use futures_util::try_join;
use pgvector::HalfVector;
use tokio_postgres::{Error as SqlError, Row};

use super::{
    FEW, Found, NOTHING, Parameter, Scope, Search, count, fewer,
    hit::{Hit, best},
    sql,
};
use crate::{error::Error, store::shelves::Versions};

/// How many neighbours the graph search keeps in sight (pgvector's `hnsw.ef_search`): so many that of the 62 that are asked for
/// at least 98 % are true ones (tests, module `recall`).
const EF_SEARCH: &str = "100";
/// So many of fewer passages than are compared one by one elsewhere: 999 of 1,000 are true ones, for 1 ms more.
const EF_SEARCH_OF_FEW: &str = "200";
/// With filters, or beside other collections, the graph is walked on until enough passages fit, or this many were seen. Fewer
/// would be quicker, and miss many: what was walked over is returned then, as if it were the nearest.
const MAX_SCAN: &str = "20000";
/// .. in any order: the strict one drops what it comes upon late, a fifth of the nearest where other collections are many.
const WALK_ON: &str = "relaxed_order";
/// Nor is it walked on where hardly anything else is in it: keeping what that needs takes a seventh of the time.
const STAY: &str = "off";

/// What the nearest passages are sought for.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The embedding of the query.
    pub vector: Vec<f32>,
    /// The model that made it: only its own vectors are compared.
    pub model: String,
}

/// What a search by meaning found.
#[derive(Debug)]
pub struct ByMeaning {
    /// A list for each vector.
    pub lists: Vec<Found>,
    /// The state that was searched.
    pub versions: Versions,
}

/// The statements of [`Store::dense`](super::Store::dense), in a transaction that is open.
pub async fn by_meaning(
    transaction: &Transaction<'_>,
    scope: &Scope,
    vectors: &[Nearest],
) -> Result<Result<ByMeaning, Error>, SqlError> {
    let Some(search) = Search::enter(transaction, scope).await? else { return Ok(Err(NOTHING)) };
    let mut lists = Vec::with_capacity(vectors.len());
    for nearest in vectors {
        lists.push(search.dense(nearest).await?);
    }
    let mismatch = lists.iter().all(Vec::is_empty) && search.is_foreign(vectors).await?;
    Ok(if mismatch { Err(Error::ModelMismatch) } else { Ok(ByMeaning { lists, versions: search.shelves.versions() }) })
}

impl Search<'_> {
    async fn dense(&self, nearest: &Nearest) -> Result<Found, SqlError> {
        let found = if self.has_few().await? { self.exact(nearest).await? } else { self.by_graph(nearest).await? };
        match found {
            Some(best) => Ok(best),
            None => self.of_each(nearest).await,
        }
    }

    /// By the graph. None when it does not suffice: the filter leaves too little of what it walked over, or a long document fills
    /// all places, eight times as many as well.
    async fn by_graph(&self, nearest: &Nearest) -> Result<Option<Found>, SqlError> {
        let walks_on = self.scope.is_filtered() || !self.shelves.are_nearly_all();
        let found = self.look(nearest, walks_on, self.limit()).await?;
        if !found.is_all && self.suffices(&found.best).await? {
            return Ok(Some(found.best));
        }
        if found.is_all && walks_on {
            return Ok(None);
        }
        let found = self.look(nearest, true, 8 * self.limit()).await?;
        let suffices = !found.is_all && self.suffices(&found.best).await?;
        Ok(suffices.then_some(found.best))
    }

    /// A look into the graph, which is walked on while too little fits, or not.
    async fn look(&self, nearest: &Nearest, walks_on: bool, limit: i64) -> Result<Neighbours, SqlError> {
        let settings = self.transaction.prepare_cached(sql::GRAPH_SETTINGS).await?;
        let scan = if walks_on { WALK_ON } else { STAY };
        let width = if self.shelves.chunks() <= FEW { EF_SEARCH_OF_FEW } else { EF_SEARCH };
        let parameters: [Parameter<'_>; 3] = [&width, &MAX_SCAN, &scan];
        // The server keeps their order; the second need not wait for the answer to the first.
        let set = self.transaction.query_one(&settings, &parameters);
        let graph = sql::graph(self.scope.is_filtered());
        let (_, found) = try_join!(set, self.neighbours(graph, nearest, limit, &[]))?;
        Ok(found)
    }

    /// By comparing with every passage. None when long documents fill all places.
    async fn exact(&self, nearest: &Nearest) -> Result<Option<Found>, SqlError> {
        let found = self.neighbours(sql::exact(self.scope.is_filtered()), nearest, self.limit(), &[]).await?;
        let suffices = found.is_all || self.suffices(&found.best).await?;
        Ok(suffices.then_some(found.best))
    }

    /// Likewise, but no document takes more places than it may have.
    async fn of_each(&self, nearest: &Nearest) -> Result<Found, SqlError> {
        let per_document = count(self.scope.per_document);
        let of_each = sql::of_each(self.scope.is_filtered());
        Ok(self.neighbours(of_each, nearest, self.limit(), &[&per_document]).await?.best)
    }

    /// The best by a statement, and whether it had no more.
    async fn neighbours(
        &self,
        sql: &str,
        nearest: &Nearest,
        limit: i64,
        more: &[Parameter<'_>],
    ) -> Result<Neighbours, SqlError> {
        let (vector, numbers) = (HalfVector::from_f32_slice(&nearest.vector), self.shelves.numbers());
        let own: [Parameter<'_>; 4] = [&vector, &numbers, &nearest.model, &limit];
        let rows = self.rows(sql, &[&own[..], more].concat()).await?;
        let near = |row: &Row| Hit::of(row, &self.shelves, 1.0 - row.try_get::<_, f64>("distance")?);
        let best = best(rows.iter().map(near).collect::<Result<_, _>>()?, self.scope);
        Ok(Neighbours { best, is_all: fewer(&rows, limit) })
    }

    /// How many are asked for at first: some are of one document.
    fn limit(&self) -> i64 {
        count(self.scope.depth + self.scope.depth / 4)
    }

    /// Whether there are passages, and none by the model of `vectors`, for which nothing was found. All passages were compared
    /// then, but for those that a filter left out: there, one by the model is looked for.
    async fn is_foreign(&self, vectors: &[Nearest]) -> Result<bool, SqlError> {
        let Some(Nearest { model, .. }) = vectors.first().filter(|_| self.shelves.chunks() > 0) else {
            return Ok(false);
        };
        if !self.scope.is_filtered() {
            return Ok(true);
        }
        let statement = self.transaction.prepare_cached(sql::BY_MODEL).await?;
        self.transaction.query_one(&statement, &[&self.shelves.numbers(), model]).await?.try_get("foreign")
    }
}

/// What a statement returned.
struct Neighbours {
    best: Found,
    is_all: bool,
}
