//! Words to index terms, for BM25: cut at Unicode word boundaries, lowered, stop words dropped, stemmed.
//!
//! Documents and queries pass the same analysis, chosen by the *document's* language; a query is analysed once for
//! every language that its collection holds. Snowball stemmers and Lucene's steps, because published BM25 figures
//! rest on them.

mod stop_words;

use std::collections::BTreeMap;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Longer "words" are keys, hashes and tables that lost their spaces: nobody searches for them.
const LONGEST_TERM: usize = 64;

/// How texts of one language become terms.
pub struct Analyzer {
    stemmer: Option<Stemmer>,
    stop_words: &'static [&'static str],
}

impl Analyzer {
    /// The analysis for a BCP 47 tag. Languages without a stemmer are only cut and lowered.
    pub fn of(language: &str) -> Self {
        let primary = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
        Self { stemmer: algorithm(&primary).map(Stemmer::create), stop_words: stop_words::of(&primary) }
    }

    /// The terms of `text` in their order, repetitions kept.
    pub fn terms<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        text.unicode_words().map(normalized).filter(|word| self.keeps(word)).map(|word| self.stem(word))
    }

    fn keeps(&self, word: &str) -> bool {
        word.len() <= LONGEST_TERM && self.stop_words.binary_search(&word).is_err()
    }

    fn stem(&self, word: String) -> String {
        let Some(stemmer) = &self.stemmer else { return word };
        stemmer.stem(&word).into_owned()
    }
}

/// How often each of `terms` occurs.
pub fn frequencies(terms: &[String]) -> BTreeMap<&str, i32> {
    let mut frequencies = BTreeMap::new();
    for term in terms {
        *frequencies.entry(term.as_str()).or_default() += 1;
    }
    frequencies
}

/// The different terms that stand side by side in `terms`, as often as they do.
pub fn neighbors(terms: &[String]) -> impl Iterator<Item = (&str, &str)> {
    let pairs = terms.array_windows().map(|[one, next]| (one.as_str(), next.as_str()));
    pairs.filter(|(one, next)| one != next)
}

/// Lower case, with the apostrophe and the letters that stemmers know: some files write an accent as a letter of its own.
fn normalized(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    word.nfc().collect::<String>().to_lowercase().replace('’', "'")
}

/// Greek is left out: its stemmer panics on some words.
fn algorithm(language: &str) -> Option<Algorithm> {
    Some(match language {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nb" | "nn" | "no" => Algorithm::Norwegian,
        "nl" => Algorithm::Dutch,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(language: &str, text: &str) -> Vec<String> {
        Analyzer::of(language).terms(text).collect()
    }

    #[test]
    fn english_words_meet_at_their_stem() {
        assert_eq!(terms("en", "The plan’s deductibles and a deductible"), ["plan", "deduct", "deduct"]);
        assert_eq!(terms("en-US", "COVERED covering"), ["cover", "cover"]);
    }

    #[test]
    fn spanish_words_meet_at_their_stem() {
        assert_eq!(terms("es", "Las autorizaciones y la autorización"), ["autoriz", "autoriz"]);
    }

    #[test]
    fn an_accent_is_the_same_however_it_is_written() {
        assert_eq!(terms("es", "autorizacio\u{301}n ESTA\u{301}"), terms("es", "autorización ESTÁ"));
        assert_eq!(terms("el", "αντίθετε"), ["αντίθετε"]);
    }

    #[test]
    fn a_language_without_a_stemmer_is_cut_and_lowered() {
        assert_eq!(terms("tl", "Ang mga Plano"), ["ang", "mga", "plano"]);
        assert_eq!(terms("zh", "健康保险"), ["健", "康", "保", "险"]);
    }

    #[test]
    fn frequencies_count_and_hashes_are_no_words() {
        let terms = terms("en", &format!("copay, copays: 20 {}", "x".repeat(LONGEST_TERM + 1)));
        assert_eq!(frequencies(&terms), BTreeMap::from([("20", 1), ("copay", 2)]));
    }

    #[test]
    fn neighbors_are_side_by_side_without_the_words_that_say_nothing() {
        let terms = terms("en", "The cost of the insurance, insurance costs");
        assert_eq!(neighbors(&terms).collect::<Vec<_>>(), [("cost", "insur"), ("insur", "cost")]);
        assert_eq!(neighbors(&[]).count(), 0);
    }

    #[test]
    fn stop_word_lists_are_sorted() {
        assert!(["en", "es"].iter().all(|language| stop_words::of(language).is_sorted()));
    }
}
