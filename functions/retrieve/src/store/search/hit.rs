//! Passages that were found, in order. What a reply shows of them is fetched for those that it shows.

use std::{collections::HashMap, sync::Arc};

use tokio_postgres::{Error as SqlError, Row};

use super::Scope;
use crate::store::shelves::{Shelf, Shelves};

/// A passage that was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hit {
    /// The passage's number in the database.
    pub chunk: i64,
    /// The document's number in the database.
    pub document: i64,
    /// Where it stands: its language, and who may read it.
    pub shelf: Arc<Shelf>,
    /// What its list is ordered by: BM25, or the cosine of its embedding with the query's.
    pub score: f64,
}

/// The passages of one list, best first.
pub type Found = Vec<Hit>;

impl Hit {
    pub(super) fn of(row: &Row, shelves: &Shelves, score: f64) -> Result<Self, SqlError> {
        let shelf = shelves.numbered(row.try_get("shelf")?);
        Ok(Self { chunk: row.try_get("chunk")?, document: row.try_get("document")?, shelf, score })
    }
}

/// The first of `found`, best first, and no more of a document than `scope` wants.
pub(super) fn best(mut found: Found, scope: &Scope) -> Found {
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk.cmp(&b.chunk)));
    let mut places: HashMap<i64, usize> = HashMap::new();
    found.retain(|hit| {
        let taken = places.entry(hit.document).or_default();
        *taken += 1;
        *taken <= scope.per_document
    });
    found.truncate(scope.depth);
    found
}
