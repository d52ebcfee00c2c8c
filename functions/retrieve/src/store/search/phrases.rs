//! Pairs of neighbors in a query, and what each is worth.

use crate::{
    analysis::neighbors,
    store::forward::{self, Key},
};

use super::terms::MOST;

/// The pairs of one query in the words of one shelf's language.
#[derive(Debug)]
pub(super) struct Phrases {
    /// With their shares of what all are worth together.
    pairs: Vec<(Key, f64)>,
}

impl Phrases {
    /// A pair is worth what its terms are on the average; of a long message the worthiest count.
    pub(super) fn of(terms: &[String], worth: impl Fn(&str) -> f64) -> Self {
        let pair = |pair: (&str, &str)| (forward::key_of_neighbors(pair), f64::midpoint(worth(pair.0), worth(pair.1)));
        let mut pairs: Vec<(Key, f64)> = neighbors(terms).map(pair).collect();
        pairs.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        pairs.truncate(MOST);
        let whole = pairs.iter().map(|(_, worth)| worth).sum::<f64>().max(f64::MIN_POSITIVE);
        pairs.iter_mut().for_each(|(_, worth)| *worth /= whole);
        Self { pairs }
    }

    /// The share of those that are neighbors in a passage too, by its forward index.
    pub(super) fn share(&self, forward: &[u8]) -> f64 {
        let there = self.pairs.iter().filter(|(pair, _)| forward::frequency(forward, *pair) > 0);
        there.map(|(_, share)| share).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_count_by_the_worth_of_their_words() {
        let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let phrases = Phrases::of(&words("health insurance cost"), |term| if term == "cost" { 5.0 } else { 1.0 });
        let share = |text: &str| phrases.share(&forward::encoded(&words(text)));
        assert!((share("insurance cost of health") - 0.75).abs() < 1e-9);
        assert!((share("the health insurance cost") - 1.0).abs() < 1e-9);
        assert_eq!(share("cost insurance health"), 0.0);
        let one_word = Phrases::of(&words("cost"), |_| 1.0);
        assert_eq!(one_word.share(&forward::encoded(&words("cost"))), 0.0);
    }
}
