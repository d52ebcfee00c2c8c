//! The terms of a query and what each is worth (BM25: the fewer passages hold it, the more).

use std::collections::HashMap;

use tokio_postgres::{Error as SqlError, Row};

use crate::store::{
    forward::{self, Key},
    shelves::Shelves,
};

/// At most this many distinct terms count, the rarest: the rest of a long message is noise.
pub(super) const MOST: usize = 48;
/// BM25 in Lucene's form with its defaults, k1 = 1.2 and b = 0.75. Passages are of like length, so b matters little to them;
/// short pages gain from it.
const BM25: (f64, f64) = (1.2, 0.75);
/// With fewer postings the list of a common term is read as well.
const FEW: i64 = 500;

/// How many passages hold which term.
#[derive(Debug, Default)]
pub(super) struct Frequencies {
    /// On each shelf.
    held: Vec<(i32, Key, i64)>,
    /// On all shelves.
    together: HashMap<Key, i64>,
    /// All passages.
    passages: i64,
}

/// The terms of a search that some passage holds.
#[derive(Debug)]
pub(super) struct Terms {
    /// The rarest first.
    terms: Vec<Term>,
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

/// A term on one shelf.
#[derive(Debug)]
struct Term {
    shelf: i32,
    key: Key,
    /// Its postings on the shelf.
    postings: i64,
    idf: f64,
}

/// Posting lists, as the columns of a parameter.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) shelves: Vec<i32>,
    pub(super) keys: Vec<Key>,
    pub(super) idfs: Vec<f64>,
}

impl Frequencies {
    /// From shelves, terms and how many of the shelf's passages hold them.
    pub(super) fn new(held: Vec<(i32, Key, i64)>, passages: i64) -> Self {
        let mut together: HashMap<Key, i64> = HashMap::new();
        held.iter().for_each(|(_, key, postings)| *together.entry(*key).or_default() += postings);
        Self { held, together, passages }
    }

    /// The inverse document frequency of a term over all shelves.
    pub(super) fn idf(&self, key: Key) -> f64 {
        idf(self.passages, self.together.get(&key).copied().unwrap_or_default())
    }
}

impl Terms {
    /// Those that are `sought`, on shelves by their numbers, as far as some passage holds them.
    pub(super) fn of(frequencies: &Frequencies, shelves: &Shelves, sought: impl Fn(i32, Key) -> bool) -> Self {
        let held = frequencies.held.iter().filter(|(shelf, key, _)| sought(*shelf, *key));
        let term = |&(shelf, key, postings): &(i32, Key, i64)| Term { shelf, key, postings, idf: frequencies.idf(key) };
        let mut terms: Vec<Term> = held.map(term).collect();
        terms.sort_by(|a, b| b.idf.total_cmp(&a.idf).then_with(|| (a.key, a.shelf).cmp(&(b.key, b.shelf))));
        let counting = terms.chunk_by(|a, b| a.key == b.key).take(MOST).map(<[Term]>::len).sum();
        terms.truncate(counting);
        Self { terms, norm: Norm::of(shelves.average_length()) }
    }

    /// The lists to read: the rarest terms', as many as have `most` postings together; more while those are few.
    pub(super) fn lists(&self, most: i64) -> Lists {
        let (mut lists, mut postings) = (Lists::default(), 0_i64);
        for term in &self.terms {
            let together = postings.saturating_add(term.postings);
            if postings >= FEW && together > most {
                break;
            }
            postings = together;
            lists.shelves.push(term.shelf);
            lists.keys.push(term.key);
            lists.idfs.push(term.idf);
        }
        lists
    }

    /// BM25 of the passage of a row, by its forward index.
    pub(super) fn score_of(&self, row: &Row) -> Result<f64, SqlError> {
        Ok(self.score(row.try_get("shelf")?, row.try_get("terms")?, row.try_get("length")?))
    }

    fn score(&self, shelf: i32, forward: &[u8], length: i32) -> f64 {
        let frequency = |term: &Term| f64::from(forward::frequency(forward, term.key));
        let worth = |term: &Term| term.idf * self.norm.share(frequency(term), length.into());
        self.terms.iter().filter(|term| term.shelf == shelf).map(worth).sum()
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

    /// What share of a term's worth a passage of this length has, that holds it so often.
    pub(super) fn share(self, frequency: f64, length: f64) -> f64 {
        frequency / (frequency + self.least + self.slope * length)
    }
}

impl Lists {
    /// Whether no list is left out.
    pub(super) fn are_all_of(&self, terms: &Terms) -> bool {
        self.keys.len() == terms.terms.len()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn idf(chunks: i64, holding: i64) -> f64 {
    ((chunks - holding) as f64 + 0.5).mul_add((holding as f64 + 0.5).recip(), 1.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(postings: &[i64]) -> Terms {
        let term = |(key, &postings): (Key, &i64)| Term { shelf: 1, key, postings, idf: 1.0 };
        let terms = (0..).zip(postings).map(term).collect();
        Terms { terms, norm: Norm::of(10.0) }
    }

    #[test]
    fn lists_are_read_while_they_fit_and_common_ones_while_there_are_few() {
        let read = |postings: &[i64], most| terms(postings).lists(most).keys.len();
        assert_eq!(read(&[400, 2_000, 9_000], 3_000), 2);
        assert_eq!(read(&[FEW, 9_000], 3_000), 1);
        assert_eq!(read(&[FEW - 1, 9_000, 9_000], 3_000), 2, "too few without");
        assert_eq!(read(&[9_000, 9_000], i64::MAX), 2);
        assert!(terms(&[1, 2]).lists(3_000).are_all_of(&terms(&[1, 2])));
    }
}
