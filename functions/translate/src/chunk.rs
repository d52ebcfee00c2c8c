//! Cuts a text into pieces that a provider takes, and keeps everything between and around them byte for byte.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

/// The largest piece in bytes: Amazon Translate takes 10,000, and smaller pieces run side by side.
pub const MAX_BYTES: usize = 4_500;

/// The byte ranges of `text` to translate, in order, each at most `limit` bytes, without surrounding white space and
/// with at least one letter. Cuts fall on sentence bounds, else on white space, and never inside a `protected` range.
#[must_use]
pub fn split(text: &str, protected: &[Range<usize>], limit: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = start + cut(&text[start..], start, protected, limit);
        pieces.extend(trimmed(text, start..end).filter(|range| has_words(text, range, protected)));
        start = end;
    }
    pieces
}

/// `translated` with the line breaks of `original`, as providers change spaces around them; none when their number
/// differs.
#[must_use]
pub fn with_breaks_of(original: &str, translated: &str) -> Option<String> {
    let breaks: Vec<&str> = LINE_BREAK.find_iter(original).map(|found| found.as_str()).collect();
    let lines: Vec<&str> = LINE_BREAK.split(translated).collect();
    if lines.len() != breaks.len() + 1 {
        return None;
    }
    Some(lines.iter().zip(breaks.into_iter().chain([""])).flat_map(|(line, end)| [*line, end]).collect())
}

/// How much of `rest` the next piece takes. `offset` is where `rest` lies in the whole text.
fn cut(rest: &str, offset: usize, protected: &[Range<usize>], limit: usize) -> usize {
    if rest.len() <= limit {
        return rest.len();
    }
    let fits = |end: &usize| *end > 0 && *end <= limit && !inside(protected, offset + end);
    let sentences = rest.split_sentence_bound_indices().map(|(at, _)| at).take_while(|at| *at <= limit);
    let spaces = || rest.char_indices().filter(|(_, character)| character.is_whitespace()).map(|(at, _)| at);
    let characters = || rest.char_indices().map(|(at, _)| at);
    sentences
        .filter(fits)
        .last()
        .or_else(|| spaces().take_while(|at| *at <= limit).filter(fits).last())
        .or_else(|| characters().take_while(|at| *at <= limit).filter(fits).last())
        .unwrap_or_else(|| after(protected, offset).map_or(rest.len(), |end| end - offset))
}

fn inside(protected: &[Range<usize>], at: usize) -> bool {
    protected.iter().any(|range| range.start < at && at < range.end)
}

/// The end of the protected range that begins here: one that is longer than the limit is not cut.
fn after(protected: &[Range<usize>], at: usize) -> Option<usize> {
    protected.iter().find(|range| range.start <= at && at < range.end).map(|range| range.end)
}

fn trimmed(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = start + piece.trim().len();
    (start < end).then_some(start..end).into_iter()
}

fn has_words(text: &str, range: &Range<usize>, protected: &[Range<usize>]) -> bool {
    let mut at = range.start;
    let gaps = protected.iter().filter(|span| span.start >= range.start && span.end <= range.end);
    for span in gaps {
        if text[at..span.start].chars().any(char::is_alphabetic) {
            return true;
        }
        at = span.end;
    }
    text[at..range.end].chars().any(char::is_alphabetic)
}

#[expect(clippy::expect_used, reason = "a constant pattern; a test compiles it")]
static LINE_BREAK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[ \t]*\r?\n\s*").expect("a valid pattern"));

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, limit: usize) -> Vec<&str> {
        let protected: Vec<_> = crate::protect::spans(text).collect();
        split(text, &protected, limit).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_short_text_is_one_piece_without_its_margins() {
        assert_eq!(pieces("  One. Two.\n", 100), ["One. Two."]);
    }

    #[test]
    fn cuts_at_sentences_then_at_spaces_then_anywhere() {
        assert_eq!(pieces("First one. Second one. Third.", 24), ["First one. Second one.", "Third."]);
        assert_eq!(pieces("no sentence here at all", 12), ["no sentence", "here at all"]);
        assert_eq!(pieces("保险保险保险", 9), ["保险保", "险保险"]);
    }

    #[test]
    fn never_cuts_a_protected_part() {
        assert_eq!(pieces("word word https://x.gov/a/long/path word", 20), ["word word", "word"]);
        let glued = "保险[CLAIM_12]保险";
        assert_eq!(pieces(glued, 10), ["保险", "保险"]);
    }

    #[test]
    fn what_has_no_letters_is_not_translated() {
        assert!(pieces("12.50 [CLAIM_1] https://x.gov 🙂", 100).is_empty());
        assert!(pieces("", 100).is_empty());
    }

    #[test]
    fn every_byte_is_in_a_piece_or_between_two() {
        for seed in 0..200_usize {
            let text: String =
                (0..seed * 7).map(|at| ['a', 'é', ' ', '.', '\n', '保', '[', '1', ']'][(at * at + seed) % 9]).collect();
            let protected: Vec<_> = crate::protect::spans(&text).collect();
            let ranges = split(&text, &protected, 40);
            let in_order = ranges.windows(2).all(|pair| pair[0].end <= pair[1].start);
            assert!(in_order && ranges.iter().all(|range| range.len() <= 40), "seed {seed}");
            let outside: String = between(&text, &ranges);
            assert!(!outside.contains(char::is_alphabetic), "seed {seed}");
        }
    }

    fn between(text: &str, ranges: &[Range<usize>]) -> String {
        let starts = ranges.iter().map(|range| range.start).chain([text.len()]);
        let ends = [0].into_iter().chain(ranges.iter().map(|range| range.end));
        ends.zip(starts).map(|(end, start)| &text[end..start]).collect()
    }

    #[test]
    fn line_breaks_come_back_as_they_were() {
        assert_eq!(with_breaks_of("a\n\n  - b \r\nc", "A \n - B\n\n\nC"), Some("A\n\n  - B \r\nC".to_owned()));
        assert_eq!(with_breaks_of("a\nb", "A B"), None);
    }
}
