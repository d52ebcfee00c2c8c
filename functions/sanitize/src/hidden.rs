//! Characters that a reader does not see: tag characters that spell ASCII, bidirectional overrides, zero-width marks.
//! They are a disguise in a message and a smuggling channel in an answer.

use std::ops::Range;

use shared::phi::view;

/// What was hidden in a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hidden {
    /// What tag characters spell, with the byte range they stand in.
    pub tags: Vec<(Range<usize>, String)>,
    /// A right-to-left override in a text without right-to-left script, first occurrence.
    pub overridden: Option<Range<usize>>,
    /// Zero-width characters inside Latin words.
    pub zero_width: usize,
    /// Words that mix Latin letters with their twins of other scripts.
    pub mixed_words: usize,
}

/// A run of tags is decoded up to this many letters.
const LONGEST_RUN: usize = 4_096;
/// The waving black flag: tags after it spell a region, as in the flag of Scotland.
const FLAG: char = '\u{1f3f4}';

/// Looks for hidden characters in `text`.
pub fn find(text: &str) -> Hidden {
    let mut hidden = Hidden { mixed_words: mixed_words(text), ..Hidden::default() };
    let mut before = ' ';
    let right_to_left = text.chars().any(is_right_to_left);
    for (offset, letter) in text.char_indices() {
        let range = offset..offset + letter.len_utf8();
        match letter {
            '\u{e0020}'..='\u{e007e}' => note_tag(&mut hidden, range, letter, before),
            '\u{202d}' | '\u{202e}' if !right_to_left && hidden.overridden.is_none() => hidden.overridden = Some(range),
            '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' if before.is_ascii_alphabetic() => hidden.zero_width += 1,
            _ => {}
        }
        if !view::is_invisible(letter) || letter == FLAG {
            before = letter;
        }
    }
    hidden
}

/// `text` without what only machines see. Joiners stay where scripts and emoji need them.
pub fn strip(text: &str) -> String {
    let mut flagged = false;
    let keep = |letter: &char| {
        let is_tag = matches!(letter, '\u{e0000}'..='\u{e007f}');
        flagged = *letter == FLAG || (flagged && is_tag);
        if is_tag { flagged } else { !is_machine_only(*letter) }
    };
    text.chars().filter(keep).collect()
}

/// Characters without a use in the text of a message or an answer.
fn is_machine_only(letter: char) -> bool {
    match letter {
        '\n' | '\r' | '\t' => false,
        '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => true,
        _ => letter.is_control(),
    }
}

fn note_tag(hidden: &mut Hidden, range: Range<usize>, letter: char, before: char) {
    let ascii = char::from_u32(u32::from(letter) - 0xe_0000).unwrap_or(' ');
    match hidden.tags.last_mut() {
        Some((run, spelled)) if run.end == range.start && spelled.len() < LONGEST_RUN => {
            run.end = range.end;
            spelled.push(ascii);
        }
        _ if before == FLAG => {}
        _ => hidden.tags.push((range, ascii.to_string())),
    }
}

fn mixed_words(text: &str) -> usize {
    let is_mixed = |word: &&str| {
        let latin = word.chars().any(|letter| letter.is_ascii_alphabetic());
        latin && word.chars().any(|letter| !letter.is_ascii() && crate::confusables::latin_twin(letter).is_some())
    };
    text.split(|letter: char| !letter.is_alphabetic()).filter(is_mixed).count()
}

fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read() {
        let text = "hi \u{e0049}\u{e0067}\u{e006e}";
        assert_eq!(find(text).tags, [(3..15, "Ign".to_owned())]);
        assert_eq!(strip(text), "hi ");
    }

    #[test]
    fn a_flag_is_no_message() {
        let scotland = "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}";
        assert!(find(scotland).tags.is_empty());
        assert_eq!(strip(scotland), scotland);
    }

    #[test]
    fn overrides_count_only_outside_right_to_left_text() {
        assert!(find("\u{202e}abc").overridden.is_some());
        assert!(find("\u{202e}שלום").overridden.is_none());
    }

    #[test]
    fn joiners_of_emoji_stay() {
        assert_eq!(strip("👩\u{200d}👧 a\u{200b}b"), "👩\u{200d}👧 ab");
    }
}
