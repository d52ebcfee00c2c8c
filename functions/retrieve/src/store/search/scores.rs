//! BM25 of many passages, summed up list by list.

use std::collections::BTreeMap;

use super::terms::Norm;
use crate::store::postings::{BLOCK, chunk_at, unpacked};

/// The passages of some posting lists with their sums.
#[derive(Debug, Default)]
pub(super) struct Scores {
    /// By block: the sum of each of its places, zero where no list has the passage.
    blocks: BTreeMap<i32, Vec<f64>>,
}

impl Scores {
    /// Adds what a term with this `idf` is worth to the passages of a block that hold it.
    pub(super) fn add(&mut self, block: i32, entries: &[u8], idf: f64, norm: Norm) {
        let sums = self.blocks.entry(block).or_insert_with(|| vec![0.0; BLOCK.into()]);
        for posting in unpacked(entries) {
            if let Some(sum) = sums.get_mut(usize::from(posting.place)) {
                *sum += idf * norm.share(posting.frequency.into(), posting.length.into());
            }
        }
    }

    /// The numbers of the `limit` passages with the best sums, of equals those with the lower ones; in no order.
    pub(super) fn best(&self, limit: usize) -> Vec<i64> {
        let mut found: Vec<(f64, i64)> = Vec::new();
        for (block, sums) in &self.blocks {
            let some = (0..).zip(sums).filter(|(_, sum)| **sum > 0.0);
            some.for_each(|(place, sum)| found.push((*sum, chunk_at(*block, place))));
        }
        if found.len() > limit {
            found.select_nth_unstable_by(limit, |(sum, chunk), (other, later)| {
                other.total_cmp(sum).then(chunk.cmp(later))
            });
            found.truncate(limit);
        }
        found.into_iter().map(|(_, chunk)| chunk).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postings::packed;

    #[test]
    fn the_best_sums_stay_wherever_they_are() {
        let (one, two) = (vec!["copay".to_owned()], vec!["copay".to_owned(), "copay".to_owned()]);
        let passages: [(i64, &[String]); 4] = [(7, &one), (8, &two), (2_000, &two), (9_999, &one)];
        let columns = packed(passages.into_iter());
        let mut scores = Scores::default();
        let norm = Norm { least: 1.0, slope: 0.0 };
        for (block, entries) in columns.blocks.iter().zip(&columns.entries) {
            scores.add(*block, entries, 1.0, norm);
        }
        scores.add(0, &[], 1.0, norm);
        scores.add(9_999 / 1_024, &columns.entries[2], 5.0, norm);
        let best = |limit| {
            let mut best = scores.best(limit);
            best.sort_unstable();
            best
        };
        assert_eq!(best(1), [9_999], "of two lists");
        assert_eq!(best(2), [8, 9_999], "the lower of equals");
        assert_eq!(best(9), [7, 8, 2_000, 9_999]);
        assert!(Scores::default().best(9).is_empty());
    }
}
