//! The shelves of a collection that a principal can see: their languages, and the statistics of BM25.

use std::{collections::BTreeMap, sync::Arc};

use deadpool_postgres::Transaction;
use sha2::{Digest, Sha256};
use shared::contract::retrieve::Visibility;
use tokio_postgres::{Error, Row};

use crate::document::visibility_of;

/// Who sees which is decided by the row-level security of `shelves`.
const VISIBLE: &str = "SELECT shelf, language, visibility, chunks, length, xmin::text AS version,
        (SELECT reltuples::float8 FROM pg_class WHERE oid = 'chunks'::regclass) AS of_all
    FROM shelves WHERE collection = $1 AND chunks > 0";
/// With this share of all passages, they have the graph to themselves.
const NEARLY_ALL: f64 = 0.9;

/// Documents of one owner, collection, visibility and language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Its number in the database.
    pub number: i32,
    /// The documents' language.
    pub language: String,
    /// Who may read them; the owner alone unless the database says otherwise.
    pub visibility: Visibility,
    /// Their passages.
    pub chunks: i64,
    /// The terms of all passages together.
    pub length: i64,
    /// Changes with every document that is put or deleted: the transaction that wrote the shelf's row last.
    pub version: String,
}

/// What a search read: a digest of which shelves, and in which state. Whoever sees the same finds the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions([u8; 32]);

/// All shelves that a search reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelves {
    shelves: Vec<Arc<Shelf>>,
    /// The passages of all collections and owners, as the server estimated them last; below 1 when it never did.
    of_all: f64,
}

impl Shelf {
    fn of(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            number: row.try_get("shelf")?,
            language: row.try_get("language")?,
            visibility: visibility_of(row.try_get("visibility")?),
            chunks: row.try_get("chunks")?,
            length: row.try_get("length")?,
            version: row.try_get("version")?,
        })
    }
}

impl Shelves {
    /// The shelves of `collection` that the transaction's principal can see.
    pub(super) async fn visible(transaction: &Transaction<'_>, collection: &str) -> Result<Self, Error> {
        let statement = transaction.prepare_cached(VISIBLE).await?;
        let rows = transaction.query(&statement, &[&collection]).await?;
        let of_all = rows.first().map_or(Ok(0.0), |row| row.try_get("of_all"))?;
        let shelves = rows.iter().map(|row| Shelf::of(row).map(Arc::new)).collect::<Result<_, _>>()?;
        Ok(Self { shelves, of_all })
    }

    /// The state that they are in.
    pub(super) fn versions(&self) -> Versions {
        let states: BTreeMap<i32, &str> = self.iter().map(|shelf| (shelf.number, shelf.version.as_str())).collect();
        Versions(Sha256::digest(format!("{states:?}")).into())
    }

    /// The shelf of a passage that was found on one of them.
    pub(super) fn numbered(&self, number: i32) -> Arc<Shelf> {
        self.shelves.iter().find(|shelf| shelf.number == number).cloned().unwrap_or_default()
    }

    /// Those of one language; all when none is given.
    pub(super) fn of_language(mut self, language: Option<&str>) -> Self {
        self.shelves.retain(|shelf| language.is_none_or(|language| shelf.language == language));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shelves.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Shelf> {
        self.shelves.iter().map(Arc::as_ref)
    }

    pub(super) fn numbers(&self) -> Vec<i32> {
        self.iter().map(|shelf| shelf.number).collect()
    }

    /// N of BM25.
    pub(super) fn chunks(&self) -> i64 {
        self.iter().map(|shelf| shelf.chunks).sum()
    }

    /// Whether there is hardly a passage beside them.
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^52")]
    pub(super) fn are_nearly_all(&self) -> bool {
        self.of_all >= 1.0 && self.chunks() as f64 > NEARLY_ALL * self.of_all
    }

    /// The average length of BM25; never zero.
    pub(super) fn average_length(&self) -> f64 {
        let length: i64 = self.iter().map(|shelf| shelf.length).sum();
        #[expect(clippy::cast_precision_loss, reason = "an average of counts far below 2^52")]
        let average = length as f64 / self.chunks().max(1) as f64;
        average.max(1.0)
    }
}
