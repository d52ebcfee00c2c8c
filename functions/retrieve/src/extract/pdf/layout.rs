//! Pieces of text to lines, lines to paragraphs. Pure: it sees places and sizes only.
//!
//! Pieces are taken in the order in which they are drawn, which in the columns of a brochure is the order of reading;
//! sorting by height would mix the columns.

mod lines;
mod paragraphs;

use std::collections::{BTreeMap, HashMap, HashSet};

use lines::Line;

use super::content::Piece;
use crate::text::{Heading, PlainText};

/// So much larger than most of the text, a line is a heading.
const HEADING: f32 = 1.15;
/// ... unless it goes on and on: then the document is set in two sizes.
const LONGEST_HEADING: usize = 200;
/// Points: heads and feet of pages are within as much of the first or the last line. Tables stand in between.
const MARGIN: f32 = 36.0;
/// The levels that HTML and Markdown have.
const LEVELS: usize = 6;

/// The text of all pages.
pub(super) fn text(pages: &[Vec<Piece>]) -> PlainText {
    let mut pages: Vec<Vec<Line>> = pages.iter().map(|pieces| lines::of(pieces)).collect();
    drop_running_lines(&mut pages);
    let words = whole_words(&pages);
    let sizes = Sizes::of(&pages);
    let mut text = PlainText::default();
    let mut paragraphs = Vec::new();
    pages.iter().for_each(|lines| paragraphs::add(&mut paragraphs, lines, &words));
    for paragraph in paragraphs {
        let at = text.text.len();
        text.text.push_str(&paragraph.text);
        text.text.push('\n');
        if let Some(level) = sizes.level(paragraph.size, &paragraph.text) {
            text.headings.push(Heading { at, level, text: paragraph.text });
        }
    }
    text.text.truncate(text.text.trim_end().len());
    text
}

/// What stands at the top or bottom of most pages is the head or foot of the page. It is kept where it stands first.
fn drop_running_lines(pages: &mut [Vec<Line>]) {
    let mut on_pages: HashMap<(String, i32), usize> = HashMap::new();
    for lines in pages.iter() {
        let outer = Outer::of(lines);
        let here: HashSet<_> = lines.iter().filter(|line| outer.has(line)).map(Line::place).collect();
        here.into_iter().for_each(|place| *on_pages.entry(place).or_default() += 1);
    }
    let most = (pages.len() / 2 + 1).max(3);
    let mut seen = HashSet::new();
    for lines in pages {
        let outer = Outer::of(lines);
        lines.retain(|line| {
            let runs = outer.has(line) && on_pages.get(&line.place()).is_some_and(|&pages| pages >= most);
            !runs || seen.insert(line.place())
        });
    }
}

/// The uppermost and the lowest line of a page.
struct Outer(f32, f32);

impl Outer {
    fn of(lines: &[Line]) -> Self {
        let heights = lines.iter().map(|line| line.height);
        Self(heights.clone().fold(f32::MIN, f32::max), heights.fold(f32::MAX, f32::min))
    }

    fn has(&self, line: &Line) -> bool {
        self.0 - line.height <= MARGIN || line.height - self.1 <= MARGIN
    }
}

/// The words that stand whole within a line: they tell which hyphens at the end of one belong to the word.
fn whole_words(pages: &[Vec<Line>]) -> HashSet<String> {
    let inner = |line: &Line| {
        let words: Vec<String> = line.text.split_whitespace().map(paragraphs::bare).collect();
        words.into_iter().filter(|word| word.len() > 1 && !word.ends_with('-'))
    };
    pages.iter().flatten().flat_map(inner).collect()
}

/// The sizes of a document's letters.
struct Sizes {
    /// Those of headings, largest first.
    headings: Vec<i32>,
}

impl Sizes {
    fn of(pages: &[Vec<Line>]) -> Self {
        let mut letters: BTreeMap<i32, usize> = BTreeMap::new();
        for line in pages.iter().flatten() {
            *letters.entry(rounded(line.size)).or_default() += line.text.len();
        }
        let usual = letters.iter().max_by_key(|(_, letters)| **letters).map_or(0, |(size, _)| *size);
        let larger = |size: &i32| f64::from(*size) >= f64::from(usual) * f64::from(HEADING);
        Self { headings: letters.into_keys().filter(larger).rev().collect() }
    }

    fn level(&self, size: f32, text: &str) -> Option<u8> {
        let is_short = text.len() <= LONGEST_HEADING && text.chars().any(char::is_alphabetic);
        let rank = self.headings.binary_search_by(|heading| rounded(size).cmp(heading)).ok().filter(|_| is_short)?;
        u8::try_from(rank.min(LEVELS - 1) + 1).ok()
    }
}

/// Half points.
#[expect(clippy::cast_possible_truncation, reason = "no letter is larger than an i32 of half points")]
fn rounded(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of letters half as wide as high, at `height`.
    #[expect(clippy::cast_precision_loss, reason = "short lines")]
    fn piece(text: &str, start: f32, height: f32, size: f32) -> Piece {
        let end = start + text.chars().count() as f32 * size / 2.0;
        Piece { text: text.into(), start, end, height, size, turn: 0 }
    }

    fn page(lines: &[&str]) -> Vec<Piece> {
        let heights = (0..).map(|line: u8| 700.0 - 12.0 * f32::from(line));
        lines.iter().zip(heights).map(|(line, height)| piece(line, 72.0, height, 10.0)).collect()
    }

    #[test]
    fn running_lines_become_a_paragraph_and_a_short_one_ends_it() {
        let read = text(&[page(&[
            "The plan pays for visits to doctors in",
            "its network after you have met the de-",
            "ductible. Some visits are free.",
            "You pay the rest of the bill yourself,",
            "whatever it is.",
        ])]);
        let expected = "The plan pays for visits to doctors in its network after you have met the deductible. Some visits \
                        are free.\nYou pay the rest of the bill yourself, whatever it is.";
        assert_eq!(read.text, expected);
    }

    #[test]
    fn a_hyphen_that_belongs_to_the_word_stays() {
        let read = text(&[page(&[
            "A high-deductible plan has out-of-pocket costs.",
            "You choose it because you want a high-",
            "deductible plan whose limit on out-of-",
            "pocket costs is low.",
        ])]);
        assert!(read.text.contains("a high-deductible plan whose limit on out-of-pocket costs"), "{}", read.text);
    }

    #[test]
    fn gaps_become_spaces_and_pieces_of_a_word_are_joined() {
        let pieces = vec![
            piece("De", 72.0, 700.0, 10.0),
            piece("ductible", 82.3, 700.0, 10.0),
            piece("applies.", 126.0, 700.0, 10.0),
        ];
        assert_eq!(text(&[pieces]).text, "Deductible applies.");
    }

    #[test]
    fn points_of_a_list_stay_apart() {
        let read = text(&[page(&[
            "• Sixty days for an appeal of a denied",
            "claim or bill",
            "• No later than that",
            "2. Then ask us",
        ])]);
        assert_eq!(
            read.text,
            "• Sixty days for an appeal of a denied claim or bill\n• No later than that\n2. Then ask us"
        );
    }

    #[test]
    fn larger_lines_are_headings_by_size() {
        let mut pieces = page(&["Words of the first section stand here."]);
        pieces.insert(0, piece("Appeals", 72.0, 740.0, 20.0));
        pieces.push(piece("Deadlines", 72.0, 660.0, 14.0));
        pieces.push(piece("Sixty days.", 72.0, 640.0, 10.0));
        let read = text(&[pieces]);
        let headings: Vec<_> =
            read.headings.iter().map(|it| (it.level, it.text.as_str(), &read.text[it.at..it.at + 3])).collect();
        assert_eq!(headings, [(1, "Appeals", "App"), (2, "Deadlines", "Dea")]);
    }

    #[test]
    fn a_sentence_goes_on_over_the_page() {
        assert_eq!(
            text(&[page(&["You must ap-"]), page(&["peal in sixty days."])]).text,
            "You must appeal in sixty days."
        );
        assert_eq!(text(&[page(&["The end."]), page(&["and more"])]).text, "The end.\nand more");
    }

    #[test]
    fn the_head_of_every_page_is_kept_once() {
        let of = |number: usize, words: &str| {
            let mut pieces = page(&[&format!("Plan 2026, page {number}")]);
            pieces.push(piece(words, 72.0, 600.0, 10.0));
            pieces
        };
        let read = text(&[of(1, "Alpha."), of(2, "Beta."), of(3, "Gamma."), of(4, "Delta.")]);
        assert_eq!(read.text, "Plan 2026, page 1\nAlpha.\nBeta.\nGamma.\nDelta.");
    }
}
