//! The forward index of a passage, as the column `chunks.terms` holds it: which terms, how often.
//!
//! An entry has six bytes: four of the SHA-256 of the term, two of its frequency, the high byte first. Entries are in the
//! order of their bytes. Two terms share four bytes once in four billion pairs; a passage has a hundred.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

const ENTRY: usize = 6;

/// What stands for a term.
pub(super) type Key = [u8; 4];

/// What stands for `term`.
pub(super) fn key(term: &str) -> Key {
    let digest = Sha256::digest(term);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// The forward index of a passage with these `terms`.
pub(super) fn encoded(terms: &BTreeMap<String, i32>) -> Vec<u8> {
    let mut entries: Vec<[u8; ENTRY]> = terms.iter().map(|(term, frequency)| entry(key(term), *frequency)).collect();
    entries.sort_unstable();
    entries.concat()
}

/// How often the term of `key` is in the passage.
pub(super) fn frequency(forward: &[u8], key: Key) -> u16 {
    let entries = forward.as_chunks::<ENTRY>().0;
    let found = entries.binary_search_by(|entry| entry[..4].cmp(&key));
    found.map_or(0, |at| u16::from_be_bytes([entries[at][4], entries[at][5]]))
}

fn entry([a, b, c, d]: Key, frequency: i32) -> [u8; ENTRY] {
    let frequency = i16::try_from(frequency).unwrap_or(i16::MAX);
    let [high, low] = frequency.to_be_bytes();
    [a, b, c, d, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_found_and_no_other() {
        let terms: BTreeMap<String, i32> = (1..=100).map(|number| (format!("term{number}"), number * 700)).collect();
        let forward = encoded(&terms);
        for (term, expected) in &terms {
            assert_eq!(i32::from(frequency(&forward, key(term))), (*expected).min(i32::from(i16::MAX)), "{term}");
        }
        assert_eq!(frequency(&forward, key("other")), 0);
        assert_eq!(frequency(&[], key("term1")), 0);
    }
}
