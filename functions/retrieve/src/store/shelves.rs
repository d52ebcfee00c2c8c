//! The shelves of a collection that a principal can see: their languages, and the statistics of BM25.

use deadpool_postgres::Transaction;
use tokio_postgres::Error;

/// Who sees which is decided by the row-level security of `shelves`.
const VISIBLE: &str = "SELECT shelf, language, chunks, length FROM shelves WHERE collection = $1 AND chunks > 0";

/// Documents of one owner, collection, visibility and language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shelf {
    pub(super) number: i32,
    pub(super) language: String,
    chunks: i64,
    length: i64,
}

/// All shelves that a search reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelves(Vec<Shelf>);

impl Shelves {
    /// The shelves of `collection` that the transaction's principal can see.
    pub(super) async fn visible(transaction: &Transaction<'_>, collection: &str) -> Result<Self, Error> {
        let statement = transaction.prepare_cached(VISIBLE).await?;
        let rows = transaction.query(&statement, &[&collection]).await?;
        let shelf = |row: &tokio_postgres::Row| {
            Ok(Shelf {
                number: row.try_get(0)?,
                language: row.try_get(1)?,
                chunks: row.try_get(2)?,
                length: row.try_get(3)?,
            })
        };
        rows.iter().map(shelf).collect::<Result<_, Error>>().map(Self)
    }

    /// Those of one language; all when none is given.
    pub(super) fn of_language(self, language: Option<&str>) -> Self {
        let Some(language) = language else { return self };
        Self(self.0.into_iter().filter(|shelf| shelf.language == language).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Shelf> {
        self.0.iter()
    }

    pub(super) fn numbers(&self) -> Vec<i32> {
        self.0.iter().map(|shelf| shelf.number).collect()
    }

    /// N of BM25.
    pub(super) fn chunks(&self) -> i64 {
        self.0.iter().map(|shelf| shelf.chunks).sum()
    }

    /// The average length of BM25; never zero.
    pub(super) fn average_length(&self) -> f64 {
        let length: i64 = self.0.iter().map(|shelf| shelf.length).sum();
        #[expect(clippy::cast_precision_loss, reason = "an average of counts far below 2^52")]
        let average = length as f64 / self.chunks().max(1) as f64;
        average.max(1.0)
    }
}
