//! Lists by words and by meaning become one, by rank and by score.
//!
//! A rank says that a passage is better than others, a score by how much. BM25 and cosine have no common scale, so each
//! list's scores are stretched between its best and its last (a convex combination: Bruch, Gai and Ingber, "An analysis of
//! fusion functions for hybrid retrieval", TOIS 2023); ranks count as in reciprocal rank fusion (Cormack, Clarke and
//! Büttcher, SIGIR 2009). Both shares are settings, chosen on test sets (`make eval`).

use std::collections::BTreeMap;

use shared::{contract::retrieve::Ranks, policy::Fusion};

use crate::store::Hit;

/// The constant of reciprocal rank fusion: how fast a rank loses weight.
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
    /// The weighted sum of what its lists give it, between 0 and 1.
    pub score: f64,
    /// Its best place in each order.
    pub ranks: Ranks,
}

/// Fuses `lists`, best first. With one passage for each document, the lists vote for documents and the best-placed
/// passage stands for its document: two lists that prefer different passages of one document agree on it.
pub fn fuse(lists: Vec<(Order, Vec<Hit>)>, per_document: usize, weights: &Fusion) -> Vec<Fused> {
    let of_order = |order| lists.iter().filter(|(other, _)| *other == order).count().max(1);
    let counts = (of_order(Order::Dense), of_order(Order::Lexical));
    let mut fused: BTreeMap<i64, (usize, Fused)> = BTreeMap::new();
    for (order, hits) in lists {
        let weight = match order {
            Order::Dense => weights.dense / counts.0 as f64,
            Order::Lexical => (1.0 - weights.dense) / counts.1 as f64,
        };
        let (best, last) = (hits.first().map_or(0.0, |hit| hit.score), hits.last().map_or(0.0, |hit| hit.score));
        for (place, hit) in hits.into_iter().enumerate() {
            let by_score = if best > last { (hit.score - last) / (best - last) } else { 1.0 };
            let by_rank = (K + 1.0) / (K + 1.0 + place as f64);
            let vote = weight * (weights.rank * by_rank + (1.0 - weights.rank) * by_score);
            let subject = if per_document == 1 { hit.document } else { hit.chunk };
            let (first, entry) = fused.entry(subject).or_insert_with(|| (place, Fused::new(hit.clone())));
            if place < *first {
                *first = place;
                entry.hit = hit;
            }
            entry.vote(order, place + 1, vote);
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

    fn vote(&mut self, order: Order, rank: usize, vote: f64) {
        self.score += vote;
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

    const RANKS: Fusion = Fusion { dense: 0.5, rank: 1.0 };
    const SCORES: Fusion = Fusion { dense: 0.5, rank: 0.0 };

    fn hit(document: i64, chunk: i64, score: f64) -> Hit {
        Hit { chunk, document, score, ..Hit::default() }
    }

    fn chunks(fused: &[Fused]) -> Vec<i64> {
        fused.iter().map(|fused| fused.hit.chunk).collect()
    }

    #[test]
    fn agreement_beats_one_first_place() {
        let dense = vec![hit(1, 10, 0.9), hit(2, 20, 0.8)];
        let lexical = vec![hit(3, 30, 9.0), hit(2, 20, 8.0)];
        let fused = fuse(vec![(Order::Dense, dense), (Order::Lexical, lexical)], 1, &RANKS);
        assert_eq!(chunks(&fused), [20, 10, 30]);
        assert_eq!(fused[0].ranks, Ranks { dense: Some(2), lexical: Some(2), rerank: None });
        assert!((fused[0].score - 61.0 / 62.0).abs() < 1e-12);
    }

    #[test]
    fn a_score_far_ahead_beats_agreement_on_the_middle() {
        let dense = vec![hit(1, 10, 0.9), hit(2, 20, 0.31), hit(4, 40, 0.3)];
        let lexical = vec![hit(3, 30, 9.0), hit(2, 20, 2.0), hit(5, 50, 1.0)];
        let fused = fuse(vec![(Order::Dense, dense), (Order::Lexical, lexical)], 1, &SCORES);
        assert_eq!(chunks(&fused)[..3], [10, 30, 20]);
    }

    #[test]
    fn a_weight_of_one_leaves_one_order() {
        let (dense, lexical) = (vec![hit(1, 10, 0.9), hit(2, 20, 0.8)], vec![hit(3, 30, 9.0)]);
        let only_dense = Fusion { dense: 1.0, rank: 0.5 };
        let fused = fuse(vec![(Order::Dense, dense), (Order::Lexical, lexical)], 1, &only_dense);
        assert_eq!(chunks(&fused), [10, 20, 30]);
        assert!(fused[2].score.abs() < 1e-12);
    }

    #[test]
    fn different_passages_of_one_document_vote_together() {
        let dense = vec![hit(1, 10, 0.9), hit(2, 21, 0.8)];
        let fused = fuse(vec![(Order::Dense, dense), (Order::Lexical, vec![hit(2, 20, 9.0)])], 1, &RANKS);
        assert_eq!(chunks(&fused), [20, 10], "the better-placed passage stands for document 2");
    }

    #[test]
    fn a_document_has_no_more_passages_than_asked() {
        let dense = vec![hit(1, 10, 0.9), hit(1, 11, 0.8), hit(2, 20, 0.7)];
        let lexical = vec![hit(1, 12, 9.0), hit(1, 10, 8.0)];
        let fused = fuse(vec![(Order::Dense, dense), (Order::Lexical, lexical)], 2, &RANKS);
        assert_eq!(chunks(&fused), [10, 12, 20]);
    }
}
