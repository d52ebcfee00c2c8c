//! Lines to paragraphs.

use std::collections::HashSet;

use super::lines::Line;

/// Lines of one paragraph are of one size, but for rounding.
const SAME_SIZE: f32 = 0.1;
/// So much more than the usual distance between lines is a gap between paragraphs.
const GAP: f32 = 1.25;
/// The distance of lines in parts of their size, where a page does not show it.
const USUAL_DISTANCE: f32 = 1.5;
/// Further apart than this are not two lines of one text.
const FARTHEST: f32 = 3.0;
/// Parts of the letters' size: a first line starts as far to the right of the others.
const INDENT: f32 = 0.8;
/// ... and the next starts at most as far to the left of it.
const OUTDENT: f32 = 5.0;

/// Lines before and after one that show how wide its column is.
const NEAR: usize = 40;

/// Bytes. What is longer is no word that a line broke.
const LONGEST_WORD: usize = 64;

/// Lines that belong together.
pub(super) struct Paragraph {
    pub text: String,
    pub size: f32,
}

/// Adds the paragraphs of a page. `words` are those of the document that stand whole somewhere.
pub(super) fn add(paragraphs: &mut Vec<Paragraph>, lines: &[Line], words: &HashSet<String>) {
    let distance = usual_distance(lines);
    let mut before: Option<&Line> = None;
    for (nth, line) in lines.iter().enumerate() {
        let near = &lines[nth.saturating_sub(NEAR)..lines.len().min(nth + NEAR)];
        let goes_on = match before {
            Some(before) => follows(before, line, near, distance),
            None => paragraphs.last().is_some_and(|last| is_over_the_page(last, line)),
        };
        match paragraphs.last_mut() {
            Some(paragraph) if goes_on => join(&mut paragraph.text, &line.text, words),
            _ => paragraphs.push(Paragraph { text: line.text.clone(), size: line.size }),
        }
        before = Some(line);
    }
}

/// A word without the marks around it, in small letters.
pub(super) fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-').to_lowercase()
}

/// The distance between most lines, in parts of their size.
fn usual_distance(lines: &[Line]) -> f32 {
    let apart = |pair: &[Line]| (pair[0].height - pair[1].height) / pair[1].size.max(f32::EPSILON);
    let mut distances: Vec<f32> =
        lines.windows(2).map(apart).filter(|&apart| apart > 0.5 && apart < FARTHEST).collect();
    distances.sort_unstable_by(f32::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(USUAL_DISTANCE)
}

fn follows(before: &Line, line: &Line, near: &[Line], distance: f32) -> bool {
    let size = line.size.max(f32::EPSILON);
    let down = (before.height - line.height) / size;
    let indent = (line.start - before.start) / size;
    let listed = is_point(&before.text);
    before.turn == line.turn
        && (before.size - line.size).abs() <= size * SAME_SIZE
        && down > 0.0
        && down <= distance * GAP
        && !is_point(&line.text)
        && indent >= -OUTDENT
        && (indent <= INDENT || listed)
        && (is_unfinished(before, line) || !would_have_fitted(before, line, right_edge(line, near)))
}

/// In the middle of a sentence it does not matter how full a line is.
fn is_unfinished(before: &Line, line: &Line) -> bool {
    goes_on(&before.text, &line.text)
}

/// A sentence that the end of the page cut.
fn is_over_the_page(last: &Paragraph, line: &Line) -> bool {
    (last.size - line.size).abs() <= line.size * SAME_SIZE && goes_on(&last.text, &line.text)
}

fn goes_on(before: &str, text: &str) -> bool {
    text.starts_with(char::is_lowercase) && !before.ends_with(['.', '!', '?', ':', ';'])
}

/// A line is full when the first word of the next had no room in it.
fn would_have_fitted(before: &Line, line: &Line, right: f32) -> bool {
    let word = line.text.split_whitespace().next().map_or(0, |word| word.chars().count());
    #[expect(clippy::cast_precision_loss, reason = "letters of a line")]
    let part = word as f32 / line.text.chars().count().max(1) as f32;
    before.end + (line.end - line.start) * part + line.size < right
}

/// Where the lines of a column end: those that start about where `line` does.
fn right_edge(line: &Line, near: &[Line]) -> f32 {
    let below = |other: &&Line| other.turn == line.turn && (other.start - line.start).abs() <= line.size * OUTDENT;
    near.iter().filter(below).map(|line| line.end).fold(line.end, f32::max)
}

/// Whether a line starts a point of a list.
fn is_point(text: &str) -> bool {
    let Some((mark, _)) = text.split_once(' ') else { return false };
    let number = mark.strip_suffix(['.', ')']).unwrap_or_default();
    let is_letter = number.len() == 1 && number.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit());
    matches!(mark, "•" | "-" | "–" | "—" | "*" | "▪" | "■" | "◦" | "o" | "·" | "✓" | "►") || is_number || is_letter
}

/// Adds a line to its paragraph. A hyphen at the end of a line goes, unless the document writes the word with it.
fn join(text: &mut String, line: &str, words: &HashSet<String>) {
    let stem = text.strip_suffix(['-', '\u{ad}', '\u{2010}']).unwrap_or_default();
    let broken = stem.ends_with(char::is_alphabetic) && line.starts_with(char::is_lowercase);
    if !broken {
        text.push(' ');
        text.push_str(line);
        return;
    }
    let end = &stem[stem.floor_char_boundary(stem.len().saturating_sub(LONGEST_WORD))..];
    let first = end.split_whitespace().next_back().unwrap_or_default();
    let second = line.split_whitespace().next().unwrap_or_default();
    let hyphenated = words.contains(&bare(&format!("{first}-{second}")));
    let joined = words.contains(&bare(&format!("{first}{second}")));
    let (stem, keeps) = (stem.len(), hyphenated || (first.contains('-') && !joined));
    text.truncate(stem);
    text.extend(keeps.then_some('-'));
    text.push_str(line);
}
