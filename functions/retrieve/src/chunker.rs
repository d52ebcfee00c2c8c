//! Documents to passages: whole sentences, up to a number of the model's tokens, with a little overlap.
//!
//! A passage never crosses a heading and carries the headings above it, so that "Deadlines" under "Appeals" is found
//! by both words. Overlap keeps an answer that spans two passages findable in one of them.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::text::{Heading, PlainText};

/// How long passages are, in tokens of the embedding model.
#[derive(Clone, Copy, Debug)]
pub struct ChunkLimits {
    /// No passage is longer.
    pub tokens: usize,
    /// At most this much of a passage is repeated at the start of the next.
    pub overlap: usize,
}

/// About 200 tokens leave room for the title and the headings in the 256 that the model reads.
pub const LIMITS: ChunkLimits = ChunkLimits { tokens: 200, overlap: 40 };

/// At most this many sentences are repeated.
const OVERLAP_SENTENCES: usize = 2;
/// So many bytes are a token at least, though the model takes any word of a hundred letters for one: it bounds the size of a
/// passage, and the work that megabytes without a full stop can cause.
const BYTES_PER_TOKEN: usize = 16;

/// Characters of a heading that a passage carries. A page may call a whole chapter a heading, and each passage below it
/// would carry the chapter; and the model reads what fits.
const LONGEST_HEADING: usize = 120;

/// A passage of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The headings above it, outermost first; the document's title is not among them.
    pub heading: String,
    /// Its text.
    pub text: String,
    /// Where it stands in the document's text, in code points.
    pub chars: Range<usize>,
}

/// A sentence, or a piece of one that is too long, with its tokens counted.
struct Piece {
    bytes: Range<usize>,
    tokens: usize,
}

/// Cuts a document into passages. `count` gives the number of tokens of a text.
pub fn chunks(document: &PlainText, limits: ChunkLimits, count: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let mut passages = Vec::new();
    for section in sections(document) {
        let text = &document.text[section.bytes.clone()];
        let pieces = pieces(text, section.bytes.start, limits.tokens, count);
        let spans = spans(&pieces, limits);
        passages.extend(spans.into_iter().map(|bytes| (section.heading.clone(), bytes)));
    }
    with_offsets(&document.text, passages)
}

struct Section {
    heading: String,
    bytes: Range<usize>,
}

/// The stretches between headings. Each starts with its own heading line.
fn sections(document: &PlainText) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut path: Vec<&Heading> = Vec::new();
    let mut start = 0;
    for heading in &document.headings {
        sections.push(Section { heading: joined(&path), bytes: start..heading.at });
        path.retain(|above| above.level < heading.level);
        path.push(heading);
        start = heading.at;
    }
    sections.push(Section { heading: joined(&path), bytes: start..document.text.len() });
    sections
}

fn joined(path: &[&Heading]) -> String {
    path.iter().map(|heading| shortened(&heading.text)).collect::<Vec<_>>().join(" > ")
}

fn shortened(heading: &str) -> &str {
    heading.char_indices().nth(LONGEST_HEADING).map_or(heading, |(end, _)| heading[..end].trim_end())
}

/// The sentences of a section; what is too long for a passage is halved until it fits.
fn pieces(text: &str, offset: usize, limit: usize, count: &dyn Fn(&str) -> usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, sentence) in text.split_sentence_bound_indices() {
        let mut open = vec![trimmed(text, at..at + sentence.len())];
        while let Some(bytes) = open.pop() {
            let piece = &text[bytes.clone()];
            let least = piece.len().div_ceil(BYTES_PER_TOKEN);
            let tokens = if least > limit { usize::MAX } else { count(piece).max(least) };
            match middle(piece) {
                _ if piece.is_empty() => {}
                Some(middle) if tokens > limit => {
                    open.push(trimmed(text, bytes.start + middle..bytes.end));
                    open.push(trimmed(text, bytes.start..bytes.start + middle));
                }
                _ => pieces.push(Piece { bytes: bytes.start + offset..bytes.end + offset, tokens }),
            }
        }
    }
    pieces
}

fn trimmed(text: &str, bytes: Range<usize>) -> Range<usize> {
    let slice = &text[bytes.clone()];
    let start = bytes.start + (slice.len() - slice.trim_start().len());
    start..start + slice.trim().len()
}

/// Where to halve: at the space nearest before the middle, else between two characters.
fn middle(text: &str) -> Option<usize> {
    let half = text.floor_char_boundary(text.len() / 2);
    let space = text[..half].rfind(char::is_whitespace).filter(|&at| at > 0);
    let between = || text.char_indices().map(|(at, _)| at).find(|&at| at >= half.max(1));
    space.or_else(between)
}

/// Fills passages with pieces, in order, and starts each with the end of the one before.
fn spans(pieces: &[Piece], limits: ChunkLimits) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut first = 0;
    while first < pieces.len() {
        let end = filled(pieces, first, limits.tokens);
        spans.push(pieces[first].bytes.start..pieces[end - 1].bytes.end);
        if end == pieces.len() {
            break;
        }
        first = overlapped(pieces, first, end, limits);
    }
    spans
}

/// The end of the passage that starts at `first`; it holds at least one piece.
fn filled(pieces: &[Piece], first: usize, limit: usize) -> usize {
    let mut tokens = pieces[first].tokens;
    let mut end = first + 1;
    while end < pieces.len() && tokens + pieces[end].tokens <= limit && fits(&pieces[first], &pieces[end], limit) {
        tokens += pieces[end].tokens;
        end += 1;
    }
    end
}

/// Whether all from `first` to `last` is a passage with the blanks between pieces, which are no tokens.
fn fits(first: &Piece, last: &Piece, limit: usize) -> bool {
    last.bytes.end - first.bytes.start <= limit * BYTES_PER_TOKEN
}

/// Where the next passage starts: a sentence or two back, if it can then still move on.
fn overlapped(pieces: &[Piece], first: usize, end: usize, limits: ChunkLimits) -> usize {
    let mut start = end;
    let mut tokens = 0;
    while start > first + 1 && end - start < OVERLAP_SENTENCES {
        let (earlier, next) = (&pieces[start - 1], &pieces[end]);
        tokens += earlier.tokens;
        if tokens > limits.overlap || tokens + next.tokens > limits.tokens || !fits(earlier, next, limits.tokens) {
            break;
        }
        start -= 1;
    }
    start
}

/// Turns byte ranges into passages. Walks the text once: counting code points from the start for each would be
/// quadratic.
fn with_offsets(text: &str, passages: Vec<(String, Range<usize>)>) -> Vec<Chunk> {
    let (mut at, mut chars) = (0, 0);
    let mut chunks = Vec::with_capacity(passages.len());
    for (heading, bytes) in passages {
        chars += text[at..bytes.start].chars().count();
        at = bytes.start;
        let passage = &text[bytes.clone()];
        chunks.push(Chunk { heading, text: passage.to_owned(), chars: chars..chars + passage.chars().count() });
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: ChunkLimits = ChunkLimits { tokens: 8, overlap: 4 };

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn cut(text: &str) -> Vec<Chunk> {
        chunks(&PlainText::plain(text), SMALL, &words)
    }

    #[test]
    fn sentences_stay_whole_and_the_last_one_is_repeated() {
        let texts: Vec<_> =
            cut("One two three. Four five six. Seven eight nine. Ten.").into_iter().map(|c| c.text).collect();
        assert_eq!(texts, ["One two three. Four five six.", "Four five six. Seven eight nine. Ten."]);
    }

    #[test]
    fn offsets_count_code_points() {
        let text = "¿Qué es un copago? Es una parte fija del costo. ¿Y el deducible? Se paga antes.";
        let all: Vec<char> = text.chars().collect();
        for chunk in cut(text) {
            assert_eq!(all[chunk.chars.clone()].iter().collect::<String>(), chunk.text);
        }
    }

    #[test]
    fn a_sentence_without_end_is_cut_and_nothing_is_lost() {
        let text = (0..50).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let chunks = cut(&text);
        assert!(chunks.iter().all(|chunk| words(&chunk.text) <= SMALL.tokens));
        let joined = chunks.iter().map(|chunk| chunk.text.as_str()).collect::<Vec<_>>().join(" ");
        assert!((0..50).all(|n| joined.split(' ').any(|word| word == n.to_string())));
    }

    #[test]
    fn a_text_without_spaces_is_cut_between_characters() {
        let chunks = chunks(&PlainText::plain(&"险".repeat(30)), SMALL, &|text| text.chars().count());
        assert!(chunks.iter().all(|chunk| chunk.text.chars().count() <= SMALL.tokens));
        assert_eq!(chunks.last().unwrap().chars.end, 30);
    }

    #[test]
    fn passages_are_bounded_in_bytes_whatever_they_consist_of() {
        let (blank, word, accents) = (" ".repeat(10_000), "a".repeat(10_000), "e\u{301}".repeat(10_000));
        for text in [
            format!("One.{blank}Two.{blank}Three."),
            format!("One{blank}two\n{blank}three"),
            format!("One. {word}. Two {word}, three.{blank}{word}"),
            format!("{accents} {blank}\n\n{accents}"),
        ] {
            let chunks = cut(&text);
            let largest = chunks.iter().map(|chunk| chunk.text.len()).max().unwrap();
            assert!(largest <= SMALL.tokens * BYTES_PER_TOKEN, "{largest} bytes of {text:.8}");
            let mut left = text.chars().map(Some).collect::<Vec<_>>();
            chunks.iter().for_each(|chunk| left[chunk.chars.clone()].fill(None));
            assert!(left.into_iter().flatten().all(char::is_whitespace), "something is lost of {text:.8}");
        }
    }

    #[test]
    fn passages_stop_at_headings_and_carry_them() {
        let heading = |at, level, text: &str| Heading { at, level, text: text.into() };
        let document = PlainText {
            title: None,
            text: "Appeals\nYou may appeal.\nDeadlines\nSixty days.\nCosts\nNone.".into(),
            headings: vec![heading(0, 1, "Appeals"), heading(24, 2, "Deadlines"), heading(46, 1, "Costs")],
        };
        let chunks = chunks(&document, SMALL, &words);
        let paths: Vec<_> = chunks.iter().map(|chunk| (chunk.heading.as_str(), chunk.text.as_str())).collect();
        assert_eq!(
            paths,
            [
                ("Appeals", "Appeals\nYou may appeal."),
                ("Appeals > Deadlines", "Deadlines\nSixty days."),
                ("Costs", "Costs\nNone."),
            ]
        );
    }

    #[test]
    fn a_chapter_that_calls_itself_a_heading_is_not_carried_by_every_passage() {
        let long = "ñ".repeat(1_000_000);
        let heading = |at, level, text: &str| Heading { at, level, text: text.into() };
        let document = PlainText {
            title: None,
            text: format!("{long}\nCosts\nNone."),
            headings: vec![heading(0, 1, &long), heading(2_000_001, 2, "Costs")],
        };
        let chunks = chunks(&document, SMALL, &words);
        assert_eq!(chunks.last().unwrap().heading, format!("{} > Costs", "ñ".repeat(LONGEST_HEADING)));
    }

    #[test]
    fn blank_text_has_no_passage() {
        assert!(cut(" \n\t ").is_empty());
    }
}
