//! The measures of one ranking, all over its first ten documents.

use std::collections::BTreeMap;

const CUT: usize = 10;

/// Between 0 and 1 each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// Discounted cumulative gain beside the best possible one: gain `rel`, discount `log2(place + 1)`.
    pub ndcg: f64,
    /// One through the place of the first relevant document.
    pub reciprocal_rank: f64,
    /// The share of relevant documents that are among the ten.
    pub recall: f64,
}

impl Measures {
    /// Of `ranking`, which names each document once, best first.
    #[must_use]
    pub fn of(ranking: &[&str], relevance: &BTreeMap<String, u32>, threshold: u32) -> Self {
        let ranking = &ranking[..ranking.len().min(CUT)];
        let gained = ranking.iter().map(|id| relevance.get(*id).copied().unwrap_or(0));
        let mut best: Vec<u32> = relevance.values().copied().collect();
        best.sort_unstable_by(|one, other| other.cmp(one));
        let ideal = gain(best.into_iter().take(CUT));
        let is_good = |id: &str| relevance.get(id).is_some_and(|rel| *rel >= threshold);
        let first = ranking.iter().position(|id| is_good(id));
        let found = ranking.iter().filter(|id| is_good(id)).count();
        let good = relevance.values().filter(|rel| **rel >= threshold).count();
        Self {
            ndcg: if ideal > 0.0 { gain(gained) / ideal } else { 0.0 },
            reciprocal_rank: first.map_or(0.0, |place| 1.0 / (place + 1) as f64),
            recall: if good > 0 { found as f64 / good as f64 } else { 0.0 },
        }
    }
}

fn gain(relevances: impl Iterator<Item = u32>) -> f64 {
    relevances.enumerate().map(|(place, rel)| f64::from(rel) / ((place + 2) as f64).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
        pairs.iter().map(|(id, rel)| ((*id).to_owned(), *rel)).collect()
    }

    #[test]
    fn the_best_ranking_has_all() {
        let all = Measures::of(&["a", "b", "c"], &judged(&[("a", 2), ("b", 1)]), 1);
        assert_eq!(all, Measures { ndcg: 1.0, reciprocal_rank: 1.0, recall: 1.0 });
    }

    #[test]
    fn a_lower_place_is_worth_less() {
        let measures = Measures::of(&["x", "a"], &judged(&[("a", 1), ("b", 1)]), 1);
        let ideal = 1.0 + 1.0 / 3_f64.log2();
        assert!((measures.ndcg - 1.0 / 3_f64.log2() / ideal).abs() < 1e-12);
        assert_eq!((measures.reciprocal_rank, measures.recall), (0.5, 0.5));
    }

    #[test]
    fn what_is_graded_below_the_threshold_gains_and_is_not_found() {
        let measures = Measures::of(&["a"], &judged(&[("a", 1), ("b", 2)]), 2);
        assert!(measures.ndcg > 0.0);
        assert_eq!((measures.reciprocal_rank, measures.recall), (0.0, 0.0));
    }

    #[test]
    fn only_the_first_ten_count() {
        let ranking: Vec<String> = (0..11).map(|number| number.to_string()).collect();
        let ranking: Vec<&str> = ranking.iter().map(String::as_str).collect();
        assert_eq!(Measures::of(&ranking, &judged(&[("10", 1)]), 1), Measures::default());
    }
}
