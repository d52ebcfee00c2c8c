//! Queries in the words of the shelves that they search.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use tokio_postgres::{Error as SqlError, Row};

use super::{
    phrases::Phrases,
    terms::{Frequencies, Terms},
};
use crate::{
    analysis::Analyzer,
    store::{
        forward::{self, Key},
        shelves::{Shelf, Shelves},
    },
};

const HELD: &str = "SELECT t.shelf, t.key, t.chunks FROM unnest($1::int4[], $2::int4[]) AS query (shelf, key)
    JOIN terms t ON t.shelf = query.shelf AND t.key = query.key WHERE t.chunks > 0";

/// A query, and its original beside it where there is one, with the statistics of a moment.
#[derive(Debug)]
pub struct Queries {
    /// The terms of each.
    pub(super) each: Vec<Terms>,
    /// Those of all.
    pub(super) together: Terms,
    /// By shelf.
    phrases: Vec<(i32, Phrases)>,
}

/// A query in the words of one shelf's language.
struct Analyzed {
    /// Which query.
    number: usize,
    shelf: i32,
    terms: Vec<String>,
}

impl Queries {
    /// `queries`, analysed as each shelf's language asks, with their document frequencies over all shelves.
    pub(super) async fn of(
        transaction: &Transaction<'_>,
        shelves: &Shelves,
        queries: &[&str],
    ) -> Result<Self, SqlError> {
        let analyzed: Vec<Analyzed> = shelves.iter().flat_map(|shelf| on(shelf, queries)).collect();
        let sought: BTreeSet<(i32, Key)> = analyzed.iter().flat_map(Analyzed::sought).collect();
        let (numbers, keys): (Vec<i32>, Vec<Key>) = sought.into_iter().unzip();
        let statement = transaction.prepare_cached(HELD).await?;
        let rows = transaction.query(&statement, &[&numbers, &keys]).await?;
        let held = rows.iter().map(|row| Ok((row.try_get("shelf")?, row.try_get("key")?, row.try_get("chunks")?)));
        let frequencies = Frequencies::new(held.collect::<Result<_, SqlError>>()?, shelves.chunks());
        let terms_of = |number| {
            let of_query = analyzed.iter().filter(|query| query.number == number);
            let sought: BTreeSet<(i32, Key)> = of_query.flat_map(Analyzed::sought).collect();
            Terms::of(&frequencies, shelves, |shelf, key| sought.contains(&(shelf, key)))
        };
        let phrases = analyzed.iter().map(|query| query.phrases(&frequencies));
        Ok(Self {
            each: (0..queries.len()).map(terms_of).collect(),
            together: Terms::of(&frequencies, shelves, |_, _| true),
            phrases: phrases.collect(),
        })
    }

    /// The share of a query's pairs of neighbors, each by its worth, that are neighbors in the passage of a row too; of
    /// several queries, that of the best.
    pub(super) fn phrases_of(&self, row: &Row) -> Result<f64, SqlError> {
        let (shelf, forward): (i32, &[u8]) = (row.try_get("shelf")?, row.try_get("terms")?);
        let phrases = self.phrases.iter().filter(|(of, _)| *of == shelf);
        Ok(phrases.map(|(_, phrases)| phrases.share(forward)).fold(0.0, f64::max))
    }
}

impl Analyzed {
    fn sought(&self) -> impl Iterator<Item = (i32, Key)> {
        self.terms.iter().map(|term| (self.shelf, forward::key(term)))
    }

    fn phrases(&self, frequencies: &Frequencies) -> (i32, Phrases) {
        (self.shelf, Phrases::of(&self.terms, |term| frequencies.idf(forward::key(term))))
    }
}

/// Each query in the words of the shelf's language.
fn on(shelf: &Shelf, queries: &[&str]) -> Vec<Analyzed> {
    let (analyzer, shelf) = (Analyzer::of(&shelf.language), shelf.number);
    let analyzed = |(number, query): (usize, &&str)| Analyzed { number, shelf, terms: analyzer.terms(query).collect() };
    queries.iter().enumerate().map(analyzed).collect()
}
