//! Scripts by code point: for most of the world's writing, the script is the language.

use crate::language::Language;

/// A script, or the scripts that one language mixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Script {
    Latin,
    Cyrillic,
    Arabic,
    Han,
    Kana,
    /// A script that patients write one language in, by that language's code.
    Of(&'static str),
}

/// How many letters a text has of each script.
#[derive(Debug)]
pub(super) struct Profile {
    counts: Vec<(Script, usize)>,
}

/// The words of one script.
#[derive(Debug)]
pub(super) struct Extract {
    pub(super) words: String,
    pub(super) letters: usize,
}

/// An ideograph says as much as this many letters of an alphabet.
const IDEOGRAPH_LETTERS: usize = 3;
/// Japanese mixes kana into its ideographs; Chinese has none.
const KANA_SHARE: f64 = 0.1;
const LEAST_SHARE: f64 = 0.05;

/// First and last code point of each script's letters (Unicode blocks), in order.
const RANGES: [(u32, u32, Script); 34] = [
    (0x0041, 0x024F, Script::Latin),
    (0x0370, 0x03FF, Script::Of("el")),
    (0x0400, 0x052F, Script::Cyrillic),
    (0x0530, 0x058F, Script::Of("hy")),
    (0x0590, 0x05FF, Script::Of("he")),
    (0x0600, 0x06FF, Script::Arabic),
    (0x0750, 0x077F, Script::Arabic),
    (0x0900, 0x097F, Script::Of("hi")),
    (0x0980, 0x09FF, Script::Of("bn")),
    (0x0A00, 0x0A7F, Script::Of("pa")),
    (0x0A80, 0x0AFF, Script::Of("gu")),
    (0x0B80, 0x0BFF, Script::Of("ta")),
    (0x0C00, 0x0C7F, Script::Of("te")),
    (0x0C80, 0x0CFF, Script::Of("kn")),
    (0x0D00, 0x0D7F, Script::Of("ml")),
    (0x0D80, 0x0DFF, Script::Of("si")),
    (0x0E00, 0x0E7F, Script::Of("th")),
    (0x0E80, 0x0EFF, Script::Of("lo")),
    (0x1000, 0x109F, Script::Of("my")),
    (0x10A0, 0x10FF, Script::Of("ka")),
    (0x1100, 0x11FF, Script::Of("ko")),
    (0x1200, 0x139F, Script::Of("am")),
    (0x1780, 0x17FF, Script::Of("km")),
    (0x1E00, 0x1EFF, Script::Latin),
    (0x1F00, 0x1FFF, Script::Of("el")),
    (0x3040, 0x30FF, Script::Kana),
    (0x3130, 0x318F, Script::Of("ko")),
    (0x3400, 0x4DBF, Script::Han),
    (0x4E00, 0x9FFF, Script::Han),
    (0xAC00, 0xD7AF, Script::Of("ko")),
    (0xF900, 0xFAFF, Script::Han),
    (0xFB50, 0xFDFF, Script::Arabic),
    (0xFE70, 0xFEFC, Script::Arabic),
    (0x20000, 0x3FFFF, Script::Han),
];

impl Script {
    fn of(character: char) -> Option<Self> {
        if !character.is_alphabetic() {
            return None;
        }
        let code = u32::from(character);
        let after = RANGES.partition_point(|(first, ..)| *first <= code);
        let (_, last, script) = RANGES.get(after.checked_sub(1)?)?;
        (code <= *last).then_some(*script)
    }

    /// The language, when the script alone decides it.
    pub(super) fn language(self) -> Option<Language> {
        match self {
            Self::Of(code) => Language::parse(code),
            Self::Han => Language::parse("zh"),
            Self::Kana => Language::parse("ja"),
            Self::Latin | Self::Cyrillic | Self::Arabic => None,
        }
    }

    /// The words of `text` without the letters of other scripts.
    pub(super) fn only(self, text: &str) -> Extract {
        let own = |character: char| Self::of(character).is_none_or(|script| script == self);
        let words: String = text.chars().map(|character| if own(character) { character } else { ' ' }).collect();
        let letters = words.chars().filter(|character| Self::of(*character) == Some(self)).count();
        Extract { words, letters }
    }

    fn weight(self) -> usize {
        if matches!(self, Self::Han | Self::Kana) { IDEOGRAPH_LETTERS } else { 1 }
    }
}

impl Profile {
    pub(super) fn of(text: &str) -> Self {
        let mut profile = Self { counts: Vec::new() };
        for script in text.chars().filter_map(Script::of) {
            profile.add(script, script.weight());
        }
        profile.join_japanese();
        profile
    }

    /// All letters, ideographs weighed.
    pub(super) fn letters(&self) -> usize {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Each script with its share, when that is more than a stray word.
    #[expect(clippy::cast_precision_loss, reason = "counts of a text of a thousand characters")]
    pub(super) fn shares(&self) -> impl Iterator<Item = (Script, f64)> + '_ {
        let all = self.letters().max(1) as f64;
        self.counts
            .iter()
            .map(move |(script, count)| (*script, *count as f64 / all))
            .filter(|(_, share)| *share >= LEAST_SHARE)
    }

    fn add(&mut self, script: Script, letters: usize) {
        match self.counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += letters,
            None => self.counts.push((script, letters)),
        }
    }

    fn count(&self, script: Script) -> usize {
        self.counts.iter().find(|(known, _)| *known == script).map_or(0, |(_, count)| *count)
    }

    /// Ideographs among kana are Japanese; a few kana among ideographs are a quotation.
    #[expect(clippy::cast_precision_loss, reason = "counts of a text of a thousand characters")]
    fn join_japanese(&mut self) {
        let (han, kana) = (self.count(Script::Han), self.count(Script::Kana));
        if han == 0 || kana == 0 {
            return;
        }
        let japanese = kana as f64 >= KANA_SHARE * (han + kana) as f64;
        let (winner, loser) = if japanese { (Script::Kana, Script::Han) } else { (Script::Han, Script::Kana) };
        let letters = self.count(loser);
        self.counts.retain(|(script, _)| *script != loser);
        self.add(winner, letters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_in_order_and_apart() {
        assert!(RANGES.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(RANGES.iter().all(|(first, last, _)| first < last));
    }

    #[test]
    fn every_script_of_one_language_names_a_known_one() {
        let named = RANGES.iter().filter(|(.., script)| matches!(script, Script::Of(_)));
        assert!(named.into_iter().all(|(.., script)| script.language().is_some()));
    }

    #[test]
    fn digits_marks_and_emoji_are_no_letters() {
        assert_eq!(Profile::of("12.5 % ٣ — 🙂 ×").letters(), 0);
    }

    #[test]
    fn an_extract_keeps_the_words_of_its_script() {
        let extract = Script::Latin.only("我的 deductible 是什么");
        assert_eq!((extract.words.trim(), extract.letters), ("deductible", 10));
    }
}
