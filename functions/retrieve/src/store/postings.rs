//! The inverted index in blocks, as the table `postings` holds it: which passages hold a term, how often, and how long they are.
//!
//! A block is of the passages whose numbers divided by 1,024 are the same. An entry has five bytes: two of the remainder, one
//! of the term's frequency, two of the passage's length; the high byte first, the most that fits.

use std::collections::BTreeMap;

use super::forward::{Key, key};
use crate::analysis::frequencies;

/// Passages of a block.
pub(super) const BLOCK: u16 = 1_024;
const ENTRY: usize = 5;

/// That a passage holds a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Posting {
    /// The passage's place in its block.
    pub(super) place: u16,
    /// How often it holds the term.
    pub(super) frequency: u8,
    /// How many terms it has.
    pub(super) length: u16,
}

/// Blocks of postings as the columns of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) keys: Vec<Key>,
    pub(super) blocks: Vec<i32>,
    pub(super) entries: Vec<Vec<u8>>,
}

/// The postings of passages, by their numbers, with their terms.
pub(super) fn packed<'a>(passages: impl Iterator<Item = (i64, &'a [String])>) -> Columns {
    let mut blocks: BTreeMap<(Key, i32), Vec<u8>> = BTreeMap::new();
    for (chunk, terms) in passages {
        let (block, place) = place_of(chunk);
        for (term, frequency) in frequencies(terms) {
            let entry = entry(place, frequency, terms.len());
            blocks.entry((key(term), block)).or_default().extend(entry);
        }
    }
    let mut columns = Columns::default();
    for ((key, block), entries) in blocks {
        columns.keys.push(key);
        columns.blocks.push(block);
        columns.entries.push(entries);
    }
    columns
}

/// The postings of one row.
pub(super) fn unpacked(entries: &[u8]) -> impl Iterator<Item = Posting> {
    let posting = |&[high, low, frequency, long, short]: &[u8; ENTRY]| Posting {
        place: u16::from_be_bytes([high, low]),
        frequency,
        length: u16::from_be_bytes([long, short]),
    };
    entries.as_chunks::<ENTRY>().0.iter().map(posting)
}

/// The number of the passage at a place of a block.
pub(super) fn chunk_at(block: i32, place: u16) -> i64 {
    i64::from(block) * i64::from(BLOCK) + i64::from(place)
}

/// The block of a passage, and its place there.
fn place_of(chunk: i64) -> (i32, u16) {
    let (block, place) = (chunk / i64::from(BLOCK), chunk % i64::from(BLOCK));
    (i32::try_from(block).unwrap_or(i32::MAX), u16::try_from(place).unwrap_or(u16::MAX))
}

fn entry(place: u16, frequency: i32, length: usize) -> [u8; ENTRY] {
    let [high, low] = place.to_be_bytes();
    let [long, short] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    [high, low, u8::try_from(frequency).unwrap_or(u8::MAX), long, short]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(String::from).collect()
    }

    #[test]
    fn passages_meet_in_the_row_of_a_term_and_a_block() {
        let (one, other, far) = (words("copay plan copay"), words("plan"), words("plan"));
        let passages: [(i64, &[String]); 3] = [(1_023, &one), (1_022, &other), (2_049, &far)];
        let Columns { keys, blocks, entries } = packed(passages.into_iter());
        let of = |term: &str, block| {
            let at = keys.iter().zip(&blocks).position(|row| row == (&key(term), &block)).unwrap();
            let found = unpacked(&entries[at])
                .map(|posting| (chunk_at(block, posting.place), posting.frequency, posting.length));
            found.collect::<Vec<_>>()
        };
        assert_eq!(of("copay", 0), [(1_023, 2, 3)]);
        assert_eq!(of("plan", 0), [(1_023, 1, 3), (1_022, 1, 1)]);
        assert_eq!(of("plan", 2), [(2_049, 1, 1)]);
        assert_eq!(keys.len(), 3);
        assert!(keys.is_sorted(), "writers take rows in one order");
    }

    #[test]
    fn what_does_not_fit_is_the_most_that_does() {
        let terms = vec!["copay".to_owned(); 70_000];
        let columns = packed([(5, &terms[..])].into_iter());
        let postings: Vec<Posting> = unpacked(&columns.entries[0]).collect();
        assert_eq!(postings, [Posting { place: 5, frequency: u8::MAX, length: u16::MAX }]);
    }
}
