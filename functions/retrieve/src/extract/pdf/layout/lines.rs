//! Pieces to lines.

use super::{super::content::Piece, rounded};

/// Parts of the letters' size: a gap as wide is a space; kerning is less than half of it.
const SPACE: f32 = 0.2;
/// A piece that starts as far before the end of the one before stands on a line of its own.
const BACK: f32 = 0.5;
/// Raised and lowered letters are on the line still.
const RAISED: f32 = 0.5;

/// A line as it is read.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub text: String,
    pub start: f32,
    pub end: f32,
    pub height: f32,
    pub size: f32,
    pub turn: u8,
}

/// The lines of a page, in the order in which they are drawn.
pub(super) fn of(pieces: &[Piece]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if line.goes_on_with(piece) => line.add(piece),
            _ => lines.push(Line::starting_with(piece)),
        }
    }
    for line in &mut lines {
        line.text.truncate(line.text.trim_end().len());
        // What stands alone before a line and has no name is the bullet of a symbol font.
        if let Some(point) = line.text.strip_prefix("\u{fffd} ") {
            line.text = format!("• {point}");
        }
    }
    lines.retain(|line| !line.text.is_empty());
    lines
}

impl Line {
    fn starting_with(piece: &Piece) -> Self {
        let Piece { start, end, height, size, turn, .. } = *piece;
        Self { text: clean(&piece.text).trim_start().to_owned(), start, end, height, size, turn }
    }

    fn goes_on_with(&self, piece: &Piece) -> bool {
        let size = self.size.max(piece.size);
        self.turn == piece.turn
            && (self.height - piece.height).abs() <= size * RAISED
            && piece.start >= self.end - size * BACK
    }

    fn add(&mut self, piece: &Piece) {
        let text = clean(&piece.text);
        let apart = piece.start - self.end > self.size.min(piece.size) * SPACE;
        let has_space = self.text.ends_with(' ') || text.starts_with(' ');
        if self.text.is_empty() {
            *self = Self::starting_with(piece);
            return;
        }
        self.text.extend((apart && !has_space).then_some(' '));
        self.text.push_str(if self.text.ends_with(' ') { text.trim_start() } else { &text });
        self.end = self.end.max(piece.end);
        // The letters that most of a line is set in; a raised number is smaller.
        self.size = self.size.max(piece.size);
    }

    /// What it says but for numbers, and how high it stands: equal for the heads of all pages.
    pub(super) fn place(&self) -> (String, i32) {
        let mut words = String::with_capacity(self.text.len());
        for c in self.text.chars().map(|c| if c.is_numeric() { '#' } else { c }) {
            words.extend((c != '#' || !words.ends_with('#')).then_some(c));
        }
        (words, rounded(self.height))
    }
}

/// Letters as people type them: ligatures apart, no control characters, one kind of space and of bullet.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{fb00}' => clean.push_str("ff"),
            '\u{fb01}' => clean.push_str("fi"),
            '\u{fb02}' => clean.push_str("fl"),
            '\u{fb03}' => clean.push_str("ffi"),
            '\u{fb04}' => clean.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => clean.push_str("st"),
            // Symbol fonts have their bullets among the letters that mean nothing to others.
            '\u{e000}'..='\u{f8ff}' => clean.push('•'),
            c if c.is_whitespace() => clean.push(' '),
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean
}
