//! The terms of queries and what each is worth: the fewer passages hold it, the more (BM25).

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::Transaction;
use tokio_postgres::{Error as SqlError, Row};

use crate::{
    analysis::Analyzer,
    store::{
        forward::{self, Key},
        shelves::Shelves,
    },
};

/// At most this many distinct terms count, the rarest: the rest of a long message is noise.
const MOST: usize = 48;

const HELD: &str = "SELECT t.shelf, t.term, t.chunks FROM unnest($1::int4[], $2::text[]) AS query (shelf, term)
    JOIN terms t ON t.shelf = query.shelf AND t.term = query.term COLLATE \"C\" WHERE t.chunks > 0";

/// The terms of a search that some passage holds.
#[derive(Debug)]
pub(super) struct Terms {
    /// The rarest first.
    terms: Vec<Term>,
    average_length: f64,
}

/// A term on one shelf.
#[derive(Debug)]
struct Term {
    shelf: i32,
    text: String,
    key: Key,
    /// Its postings on the shelf.
    postings: i64,
    idf: f64,
}

/// Posting lists, as the columns of a parameter.
#[derive(Debug, Default)]
pub(super) struct Lists<'a> {
    pub(super) shelves: Vec<i32>,
    pub(super) terms: Vec<&'a str>,
    pub(super) idfs: Vec<f64>,
}

impl Terms {
    /// The terms of `queries`, analysed as each shelf's language asks, with their document frequencies over all shelves.
    pub(super) async fn of(
        transaction: &Transaction<'_>,
        shelves: &Shelves,
        queries: &[&str],
    ) -> Result<Self, SqlError> {
        let (numbers, terms) = analyzed(shelves, queries);
        let statement = transaction.prepare_cached(HELD).await?;
        let rows = transaction.query(&statement, &[&numbers, &terms]).await?;
        let held = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)));
        let held = held.collect::<Result<Vec<_>, SqlError>>()?;
        Ok(Self::new(&held, shelves))
    }

    /// From shelves, terms and how many of the shelf's passages hold them.
    fn new(held: &[(i32, String, i64)], shelves: &Shelves) -> Self {
        let mut frequencies: HashMap<&str, i64> = HashMap::new();
        held.iter().for_each(|(_, term, postings)| *frequencies.entry(term).or_default() += postings);
        let term = |(shelf, text, postings): &(i32, String, i64)| Term {
            shelf: *shelf,
            text: text.clone(),
            key: forward::key(text),
            postings: *postings,
            idf: idf(shelves.chunks(), frequencies[text.as_str()]),
        };
        let mut terms: Vec<Term> = held.iter().map(term).collect();
        terms.sort_by(|a, b| b.idf.total_cmp(&a.idf).then_with(|| (&a.text, a.shelf).cmp(&(&b.text, b.shelf))));
        let counting = terms.chunk_by(|a, b| a.text == b.text).take(MOST).map(<[Term]>::len).sum();
        terms.truncate(counting);
        Self { terms, average_length: shelves.average_length() }
    }

    /// The lists to read: the rarest terms', until they have `most` postings; one at least.
    pub(super) fn lists(&self, most: i64) -> Lists<'_> {
        let (mut lists, mut postings) = (Lists::default(), 0);
        for term in &self.terms {
            if postings >= most {
                break;
            }
            postings += term.postings;
            lists.shelves.push(term.shelf);
            lists.terms.push(&term.text);
            lists.idfs.push(term.idf);
        }
        lists
    }

    /// BM25 of the passage of a row, by its forward index.
    pub(super) fn score_of(&self, row: &Row) -> Result<f64, SqlError> {
        Ok(self.score(row.try_get("shelf")?, row.try_get("terms")?, row.try_get("length")?))
    }

    fn score(&self, shelf: i32, forward: &[u8], length: i32) -> f64 {
        let norm = 0.3 + 0.9 * f64::from(length) / self.average_length;
        let share = |term: &Term| {
            let frequency = f64::from(forward::frequency(forward, term.key));
            term.idf * frequency / (frequency + norm)
        };
        self.terms.iter().filter(|term| term.shelf == shelf).map(share).sum()
    }

    pub(super) fn average_length(&self) -> f64 {
        self.average_length
    }
}

/// The terms of the queries as each shelf's language makes them: two lists of one length.
fn analyzed(shelves: &Shelves, queries: &[&str]) -> (Vec<i32>, Vec<String>) {
    let pairs = shelves.iter().flat_map(|shelf| {
        let terms = queries.iter().flat_map(|query| Analyzer::of(&shelf.language).frequencies(query).into_keys());
        terms.map(|term| (shelf.number, term))
    });
    pairs.collect::<BTreeSet<_>>().into_iter().unzip()
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn idf(chunks: i64, holding: i64) -> f64 {
    ((chunks - holding) as f64 + 0.5).mul_add((holding as f64 + 0.5).recip(), 1.0).ln()
}
