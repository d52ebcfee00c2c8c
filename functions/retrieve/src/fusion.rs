//! Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): lists by words and by meaning become one.
//!
//! Ranks are compared, not scores, because BM25 and cosine have no common scale.

use std::collections::BTreeMap;

use shared::contract::retrieve::Ranks;

use crate::store::Hit;

/// The constant of the paper: how fast a rank loses weight.
const K: f64 = 60.0;

/// By what a list was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nearness of embeddings.
    Dense,
    /// BM25.
    Lexical,
}

/// A passage with its place in the lists.
#[derive(Clone, Debug)]
pub struct Fused {
    /// The passage.
    pub hit: Hit,
    /// The sum of its reciprocal ranks.
    pub score: f64,
    /// Its best place in each order.
    pub ranks: Ranks,
}

/// Fuses `lists`, best first. With one passage for each document, the lists vote for documents and the best-placed
/// passage stands for its document: two lists that prefer different passages of one document agree on it.
pub fn fuse(lists: Vec<(Order, Vec<Hit>)>, per_document: usize) -> Vec<Fused> {
    let mut fused: BTreeMap<i64, (usize, Fused)> = BTreeMap::new();
    for (order, hits) in lists {
        for (place, hit) in hits.into_iter().enumerate() {
            let subject = if per_document == 1 { hit.document } else { hit.chunk };
            let (best, entry) = fused.entry(subject).or_insert_with(|| (place, Fused::new(hit.clone())));
            if place < *best {
                *best = place;
                entry.hit = hit;
            }
            entry.vote(order, place + 1);
        }
    }
    let mut fused: Vec<Fused> = fused.into_values().map(|(_, fused)| fused).collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.hit.chunk.cmp(&b.hit.chunk)));
    limited(fused, per_document)
}

impl Fused {
    fn new(hit: Hit) -> Self {
        Self { hit, score: 0.0, ranks: Ranks::default() }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rank is small")]
    fn vote(&mut self, order: Order, rank: usize) {
        self.score += 1.0 / (K + rank as f64);
        let best = match order {
            Order::Dense => &mut self.ranks.dense,
            Order::Lexical => &mut self.ranks.lexical,
        };
        *best = Some(best.map_or(rank, |before| before.min(rank)));
    }
}

/// Each list kept to the limit, but two lists together may exceed it.
fn limited(fused: Vec<Fused>, per_document: usize) -> Vec<Fused> {
    let mut taken: BTreeMap<i64, usize> = BTreeMap::new();
    let mut fits = |fused: &Fused| {
        let count = taken.entry(fused.hit.document).or_default();
        *count += 1;
        *count <= per_document
    };
    fused.into_iter().filter(|entry| fits(entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(document: i64, chunk: i64) -> Hit {
        let (id, language) = (document.to_string(), "en".to_owned());
        Hit { chunk, document, id, ordinal: 0, title: None, url: None, language, text: String::new() }
    }

    fn chunks(fused: &[Fused]) -> Vec<i64> {
        fused.iter().map(|fused| fused.hit.chunk).collect()
    }

    #[test]
    fn agreement_beats_one_first_place() {
        let dense = vec![hit(1, 10), hit(2, 20)];
        let lexical = vec![hit(3, 30), hit(2, 20)];
        let fused = fuse(vec![(Order::Dense, dense), (Order::Lexical, lexical)], 1);
        assert_eq!(chunks(&fused), [20, 10, 30]);
        assert_eq!(fused[0].ranks, Ranks { dense: Some(2), lexical: Some(2), rerank: None });
        assert!((fused[0].score - 2.0 / 62.0).abs() < 1e-12);
    }

    #[test]
    fn different_passages_of_one_document_vote_together() {
        let fused = fuse(vec![(Order::Dense, vec![hit(1, 10), hit(2, 21)]), (Order::Lexical, vec![hit(2, 20)])], 1);
        assert_eq!(chunks(&fused), [20, 10], "the better-placed passage stands for document 2");
    }

    #[test]
    fn a_document_has_no_more_passages_than_asked() {
        let dense = vec![hit(1, 10), hit(1, 11), hit(2, 20)];
        let lexical = vec![hit(1, 12), hit(1, 10)];
        let fused = fuse(vec![(Order::Dense, dense), (Order::Lexical, lexical)], 2);
        assert_eq!(chunks(&fused), [10, 12, 20]);
    }
}
