//! The text as a detector should read it, with a way back to the original.
//!
//! Full-width, mathematical and other Unicode digits and letters become ASCII, accents and invisible characters go,
//! dashes and quotes become plain, so that patterns can be ASCII byte patterns: about 300 times faster than Unicode
//! ones, and able to see a number that is glued to a Chinese word.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// Stands where a placeholder stood: no pattern matches it.
const BLANK: char = '\u{1}';

/// A folded text and, for each of its bytes, where in the original it came from.
#[derive(Clone, Debug)]
pub struct View {
    text: String,
    origin: Vec<u32>,
    original_len: usize,
}

impl View {
    /// Folds `original`; `blanks` are ascending byte ranges that detectors must not see.
    pub fn fold(original: &str, blanks: &[Range<usize>]) -> Self {
        let mut blanks = blanks.iter().peekable();
        Self::map(original, |offset, letter, out| {
            while blanks.next_if(|blank| blank.end <= offset).is_some() {}
            match blanks.peek() {
                Some(blank) if blank.contains(&offset) => out.push(BLANK),
                _ => fold_char(letter, out),
            }
        })
    }

    /// Builds a view by a function that writes what each character (at a byte offset) becomes.
    pub fn map(original: &str, mut write: impl FnMut(usize, char, &mut String)) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut origin = Vec::with_capacity(original.len());
        for (offset, letter) in original.char_indices() {
            write(offset, letter, &mut text);
            origin.resize(text.len(), u32::try_from(offset).unwrap_or(u32::MAX));
        }
        Self { text, origin, original_len: original.len() }
    }

    /// The folded text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The folded text as bytes.
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The byte range of the original that a byte range of the view came from, widened to whole characters.
    pub fn to_original(&self, range: Range<usize>) -> Range<usize> {
        let Some(&start) = self.origin.get(range.start) else {
            return self.original_len..self.original_len;
        };
        let last = self.origin.get(range.end.saturating_sub(1)).copied().unwrap_or(start);
        let after = self.origin.get(range.end..).and_then(|rest| rest.iter().find(|&&next| next > last));
        start as usize..after.map_or(self.original_len, |&next| next as usize)
    }
}

/// Writes what a detector should see instead of `letter`; nothing when it is invisible or a mark.
pub fn fold_char(letter: char, out: &mut String) {
    match letter {
        '\0'..='\u{7f}' => out.push(letter),
        _ if is_invisible(letter) || is_mark(letter) => {}
        _ => match plain(letter) {
            Some(plain) => out.push_str(plain),
            None => fold_compatible(letter, out),
        },
    }
}

/// Whether `letter` has no ink and steers nothing that a reader sees: format characters, tags, variation selectors.
pub const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Characters whose plain form compatibility normalisation does not give.
const fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => "-",
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2bc}' | '\u{ff07}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' => "\"",
        '\u{2028}' | '\u{2029}' | '\u{85}' => "\n",
        '\u{2044}' | '\u{2215}' => "/",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ł' => "l",
        'Ł' => "L",
        'ø' => "o",
        'Ø' => "O",
        'ı' => "i",
        'ß' => "ss",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'þ' => "th",
        'Þ' => "Th",
        _ => return None,
    })
}

fn fold_compatible(letter: char, out: &mut String) {
    if let Some(digit) = digit_value(letter) {
        out.push(char::from(b'0' + digit));
        return;
    }
    let start = out.len();
    out.extend([letter].into_iter().nfkd().filter(|&part| !is_mark(part)));
    let first_only = out[start..].chars().count() <= 1 || out[start..].is_ascii();
    if !first_only {
        out.truncate(start);
        out.extend([letter].into_iter().nfkc());
    }
}

/// The value of a decimal digit of any script: blocks of ten that start at a zero.
fn digit_value(letter: char) -> Option<u8> {
    let code = u32::from(letter);
    let zero = ZEROS.iter().rev().find(|&&zero| zero <= code)?;
    u8::try_from(code - zero).ok().filter(|value| *value <= 9)
}

/// U+XXXX of DIGIT ZERO in the scripts of the Basic Multilingual Plane (Unicode 16, general category Nd).
/// Mathematical and full-width digits are left to compatibility normalisation.
const ZEROS: [u32; 36] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        View::fold(text, &[]).text().to_owned()
    }

    #[test]
    fn folds_digits_of_other_scripts() {
        assert_eq!(folded("１２３ ١٢٣ १२३ 𝟙𝟚𝟛 ②"), "123 123 123 123 2");
    }

    #[test]
    fn folds_accents_dashes_and_invisible_characters() {
        assert_eq!(folded("Número Nguyễn đ 12\u{200b}3–4’s"), "Numero Nguyen d 123-4's");
        assert_eq!(folded("会員 한국어 пол"), "会員 한국어 пол");
    }

    #[test]
    fn maps_back_to_whole_characters() {
        let text = "é１\u{200b}２x";
        let view = View::fold(text, &[]);
        assert_eq!(view.text(), "e12x");
        assert_eq!(&text[view.to_original(1..3)], "１\u{200b}２");
        assert_eq!(&text[view.to_original(0..1)], "é");
        assert_eq!(&text[view.to_original(3..4)], "x");
    }

    #[test]
    fn blanks_hide_placeholders() {
        assert_eq!(View::fold("a[X]b", std::slice::from_ref(&(1..4))).text(), "a\u{1}\u{1}\u{1}b");
    }
}
