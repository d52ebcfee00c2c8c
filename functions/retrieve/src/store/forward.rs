//! The forward index of a passage, as the column `chunks.terms` holds it: which terms, and which two side by side, how often.
//!
//! An entry has six bytes: four of the SHA-256 of the term, or of the two terms with a space between them, two of its
//! frequency, the high byte first. Entries are in the order of their bytes. Two terms share four bytes once in four billion
//! pairs; a passage has a hundred.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::analysis::{frequencies, neighbors};

const ENTRY: usize = 6;

/// What stands for a term, here and in the tables.
pub(super) type Key = i32;

/// What stands for `term`.
pub(super) fn key(term: &str) -> Key {
    let digest = Sha256::digest(term);
    Key::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// What stands for two terms side by side; no term has a space.
pub(super) fn key_of_neighbors((one, next): (&str, &str)) -> Key {
    key(&format!("{one} {next}"))
}

/// The forward index of a passage with these `terms`, in their order.
pub(super) fn encoded(terms: &[String]) -> Vec<u8> {
    let mut counts: BTreeMap<[u8; 4], i32> = BTreeMap::new();
    let mut count = |key: Key, times| *counts.entry(key.to_be_bytes()).or_default() += times;
    neighbors(terms).for_each(|pair| count(key_of_neighbors(pair), 1));
    frequencies(terms).into_iter().for_each(|(term, frequency)| count(key(term), frequency));
    counts.into_iter().flat_map(|(key, frequency)| entry(key, frequency)).collect()
}

/// How often what `key` stands for is in the passage.
pub(super) fn frequency(forward: &[u8], key: Key) -> u16 {
    let entries = forward.as_chunks::<ENTRY>().0;
    let found = entries.binary_search_by(|entry| entry[..4].cmp(&key.to_be_bytes()));
    found.map_or(0, |at| u16::from_be_bytes([entries[at][4], entries[at][5]]))
}

fn entry([a, b, c, d]: [u8; 4], frequency: i32) -> [u8; ENTRY] {
    let frequency = i16::try_from(frequency).unwrap_or(i16::MAX);
    let [high, low] = frequency.to_be_bytes();
    [a, b, c, d, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_found_and_no_other() {
        let often = |number: usize| vec![format!("term{number}"); number * 700];
        let terms: Vec<String> = (1..=100).flat_map(often).collect();
        let forward = encoded(&terms);
        for (term, expected) in frequencies(&terms) {
            assert_eq!(i32::from(frequency(&forward, key(term))), expected.min(i32::from(i16::MAX)), "{term}");
        }
        assert_eq!(frequency(&forward, key("other")), 0);
        assert_eq!(frequency(&[], key("term1")), 0);
    }

    #[test]
    fn two_side_by_side_are_found_in_their_order() {
        let forward = encoded(&["cost", "health", "insur", "cost", "health"].map(String::from));
        let often = |pair| frequency(&forward, key_of_neighbors(pair));
        assert_eq!((often(("cost", "health")), often(("health", "insur")), often(("health", "cost"))), (2, 1, 0));
    }
}
