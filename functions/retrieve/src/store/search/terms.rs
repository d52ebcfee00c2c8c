//! The terms of queries and what each is worth, by itself (BM25: the fewer passages hold it, the more) and beside its neighbor.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::Transaction;
use tokio_postgres::{Error as SqlError, Row};

use crate::{
    analysis::{Analyzer, neighbors},
    store::{
        forward::{self, Key},
        shelves::{Shelf, Shelves},
    },
};

/// At most this many distinct terms count, the rarest: the rest of a long message is noise.
const MOST: usize = 48;
/// BM25 in Lucene's form with its defaults, k1 = 1.2 and b = 0.75. Passages are of like length, so b matters little to them;
/// short pages gain from it.
const BM25: (f64, f64) = (1.2, 0.75);
/// With fewer postings the list of a common term is read as well.
const FEW: i64 = 500;

const HELD: &str = "SELECT t.shelf, t.term, t.chunks FROM unnest($1::int4[], $2::text[]) AS query (shelf, term)
    JOIN terms t ON t.shelf = query.shelf AND t.term = query.term COLLATE \"C\" WHERE t.chunks > 0";

/// The terms of a search that some passage holds.
#[derive(Debug)]
pub(super) struct Terms {
    /// The rarest first.
    terms: Vec<Term>,
    phrases: Vec<Phrases>,
    norm: Norm,
}

/// What BM25 sets against a frequency: the longer the passage, the more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norm {
    /// Of an empty passage.
    pub(super) least: f64,
    /// For each term.
    pub(super) slope: f64,
}

/// A query in the words of one shelf's language.
#[derive(Debug)]
struct Analyzed {
    shelf: i32,
    terms: Vec<String>,
}

/// The pairs of neighbors in a query, and what each is worth.
#[derive(Debug)]
struct Phrases {
    shelf: i32,
    pairs: Vec<(Key, f64)>,
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
        let analyzed = analyzed(shelves, queries);
        let sought: BTreeSet<(i32, &str)> = analyzed.iter().flat_map(Analyzed::sought).collect();
        let (numbers, terms): (Vec<i32>, Vec<&str>) = sought.into_iter().unzip();
        let statement = transaction.prepare_cached(HELD).await?;
        let rows = transaction.query(&statement, &[&numbers, &terms]).await?;
        let held = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)));
        let held = held.collect::<Result<Vec<_>, SqlError>>()?;
        Ok(Self::new(&held, &analyzed, shelves))
    }

    /// From shelves, terms and how many of the shelf's passages hold them.
    fn new(held: &[(i32, String, i64)], analyzed: &[Analyzed], shelves: &Shelves) -> Self {
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
        let worth = |term: &str| idf(shelves.chunks(), frequencies.get(term).copied().unwrap_or_default());
        let phrases = analyzed.iter().map(|query| query.phrases(worth)).collect();
        Self { terms, phrases, norm: Norm::of(shelves.average_length()) }
    }

    /// The lists to read: the rarest terms', as many as have `most` postings together; more while those are few.
    pub(super) fn lists(&self, most: i64) -> Lists<'_> {
        let (mut lists, mut postings) = (Lists::default(), 0_i64);
        for term in &self.terms {
            let together = postings.saturating_add(term.postings);
            if postings >= FEW && together > most {
                break;
            }
            postings = together;
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

    /// The share of the query's pairs of neighbors, each by its worth, that are neighbors in the passage of a row too; of
    /// several queries, that of the best.
    pub(super) fn phrases_of(&self, row: &Row) -> Result<f64, SqlError> {
        let (shelf, forward): (i32, &[u8]) = (row.try_get("shelf")?, row.try_get("terms")?);
        let phrases = self.phrases.iter().filter(|phrases| phrases.shelf == shelf);
        Ok(phrases.map(|phrases| phrases.share(forward)).fold(0.0, f64::max))
    }

    fn score(&self, shelf: i32, forward: &[u8], length: i32) -> f64 {
        let norm = self.norm.least + self.norm.slope * f64::from(length);
        let share = |term: &Term| {
            let frequency = f64::from(forward::frequency(forward, term.key));
            term.idf * frequency / (frequency + norm)
        };
        self.terms.iter().filter(|term| term.shelf == shelf).map(share).sum()
    }

    pub(super) fn norm(&self) -> Norm {
        self.norm
    }
}

impl Norm {
    fn of(average_length: f64) -> Self {
        let (k1, b) = BM25;
        Self { least: k1 * (1.0 - b), slope: k1 * b / average_length }
    }
}

impl Lists<'_> {
    /// Whether no list is left out.
    pub(super) fn are_all_of(&self, terms: &Terms) -> bool {
        self.terms.len() == terms.terms.len()
    }
}

impl Analyzed {
    fn sought(&self) -> impl Iterator<Item = (i32, &str)> {
        self.terms.iter().map(|term| (self.shelf, term.as_str()))
    }

    /// A pair is worth what its terms are on the average; of a long message the worthiest count.
    fn phrases(&self, worth: impl Fn(&str) -> f64) -> Phrases {
        let pair = |pair: (&str, &str)| (forward::key_of_neighbors(pair), f64::midpoint(worth(pair.0), worth(pair.1)));
        let mut pairs: Vec<(Key, f64)> = neighbors(&self.terms).map(pair).collect();
        pairs.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        pairs.truncate(MOST);
        Phrases { shelf: self.shelf, pairs }
    }
}

impl Phrases {
    fn share(&self, forward: &[u8]) -> f64 {
        let worth = |pairs: &mut dyn Iterator<Item = &(Key, f64)>| pairs.map(|(_, worth)| worth).sum::<f64>();
        let there = worth(&mut self.pairs.iter().filter(|(pair, _)| forward::frequency(forward, *pair) > 0));
        there / worth(&mut self.pairs.iter()).max(f64::MIN_POSITIVE)
    }
}

/// The queries in the words of each shelf's language.
fn analyzed(shelves: &Shelves, queries: &[&str]) -> Vec<Analyzed> {
    let on = |shelf: &Shelf| {
        let analyzer = Analyzer::of(&shelf.language);
        let terms = queries.iter().map(|query| analyzer.terms(query).collect());
        terms.map(|terms| Analyzed { shelf: shelf.number, terms }).collect::<Vec<_>>()
    };
    shelves.iter().flat_map(on).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn idf(chunks: i64, holding: i64) -> f64 {
    ((chunks - holding) as f64 + 0.5).mul_add((holding as f64 + 0.5).recip(), 1.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(postings: &[i64]) -> Terms {
        let term = |(number, &postings): (usize, &i64)| {
            let text = format!("term{number}");
            Term { shelf: 1, key: forward::key(&text), text, postings, idf: 1.0 }
        };
        let terms = postings.iter().enumerate().map(term).collect();
        Terms { terms, phrases: Vec::new(), norm: Norm::of(10.0) }
    }

    #[test]
    fn lists_are_read_while_they_fit_and_common_ones_while_there_are_few() {
        let read = |postings: &[i64], most| terms(postings).lists(most).terms.len();
        assert_eq!(read(&[400, 2_000, 9_000], 3_000), 2);
        assert_eq!(read(&[FEW, 9_000], 3_000), 1);
        assert_eq!(read(&[FEW - 1, 9_000, 9_000], 3_000), 2, "too few without");
        assert_eq!(read(&[9_000, 9_000], i64::MAX), 2);
        assert!(terms(&[1, 2]).lists(3_000).are_all_of(&terms(&[1, 2])));
    }

    #[test]
    fn phrases_count_by_the_worth_of_their_words() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let query = Analyzed { shelf: 1, terms: words("health insurance cost") };
        let phrases = query.phrases(|term| if term == "cost" { 5.0 } else { 1.0 });
        assert!((phrases.share(&forward::encoded(&words("insurance cost of health"))) - 0.75).abs() < 1e-9);
        assert!((phrases.share(&forward::encoded(&words("the health insurance cost"))) - 1.0).abs() < 1e-9);
        assert_eq!(phrases.share(&forward::encoded(&words("cost insurance health"))), 0.0);
        let one_word = Analyzed { shelf: 1, terms: words("cost") };
        assert_eq!(one_word.phrases(|_| 1.0).share(&forward::encoded(&words("cost"))), 0.0);
    }
}
