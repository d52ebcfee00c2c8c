//! What a translator must not touch: placeholders of patient data, addresses and citation marks.
//!
//! Engines rename bracketed placeholders and move them about; an opaque word such as `ZX1QZ` passes as a noun.
//! So each is replaced by such a word before, and put back after. A translation in which one is missing, doubled or
//! invented is refused: a wrong claim number is worse than no translation.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;
use shared::phi::Masked;

use crate::chunk;

/// A stretch of masked text on its way to a provider. Made only from [`Masked`] text.
#[derive(Clone, Debug)]
pub struct Sealed {
    plain: String,
    opaque: String,
    seals: Vec<String>,
}

/// Why a translation cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A protected part is missing, doubled or invented.
    #[error("protected parts changed")]
    Tokens,
    /// Lines were joined or split.
    #[error("line breaks changed")]
    Lines,
    /// There is no text.
    #[error("the translation is empty")]
    Empty,
}

impl Sealed {
    /// Seals the part of `masked` at `range`, which must lie on character boundaries.
    #[must_use]
    pub fn of(masked: &Masked, range: Range<usize>) -> Self {
        let plain = masked.as_str().get(range).unwrap_or_default();
        let (mut opaque, mut seals, mut copied) = (String::with_capacity(plain.len()), Vec::new(), 0);
        for span in adjoined(plain) {
            seals.push(plain[span.clone()].to_owned());
            opaque.push_str(&plain[copied..span.start]);
            opaque.push_str(&token(seals.len()));
            copied = span.end;
        }
        opaque.push_str(&plain[copied..]);
        Self { plain: plain.to_owned(), opaque, seals }
    }

    /// The masked text as it stands: for models, which keep marks when told to.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// The text with opaque words in place of what is protected: for engines.
    #[must_use]
    pub fn opaque(&self) -> &str {
        &self.opaque
    }

    /// How many opaque words there are; a provider that needs more counts on from here.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seals.len()
    }

    /// Puts the protected parts and the line breaks back into a translation of either form.
    ///
    /// # Errors
    /// When a protected part or a line break is not as it was, or nothing is left.
    pub fn open(&self, translated: &str) -> Result<String, Broken> {
        let restored =
            TOKEN.replace_all(translated.trim(), |found: &regex::Captures<'_>| self.seal(&found[1]).to_owned());
        if restored.is_empty() {
            return Err(Broken::Empty);
        }
        if protected_parts(&self.plain) != protected_parts(&restored) {
            return Err(Broken::Tokens);
        }
        chunk::with_breaks_of(&self.plain, &restored).ok_or(Broken::Lines)
    }

    fn seal(&self, number: &str) -> &str {
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        index.and_then(|index| self.seals.get(index)).map_or(FOREIGN, String::as_str)
    }
}

/// The opaque word with this number.
#[must_use]
pub fn token(number: usize) -> String {
    format!("ZX{number}QZ")
}

/// The protected parts of a text, by byte range, in order.
pub fn spans(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    PROTECTED.find_iter(text).map(|found| {
        let kept = found.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '"']);
        found.start()..found.start() + kept.len()
    })
}

/// What an unknown number restores to: something that is never in the original, so that the count tells.
const FOREIGN: &str = "[REDACTED][REDACTED]";

/// Protected parts that touch each other travel as one word: engines split `ZX1QZZX2QZ`.
fn adjoined(text: &str) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for span in spans(text) {
        match all.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => all.push(span),
        }
    }
    all
}

fn protected_parts(text: &str) -> Vec<&str> {
    let mut parts: Vec<_> = spans(text).map(|span| &text[span]).collect();
    parts.sort_unstable();
    parts
}

#[expect(clippy::expect_used, reason = "a constant pattern; a test compiles it")]
fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a valid pattern")
}

/// In order: placeholders and citation marks, e-mail addresses, web addresses, and the opaque words themselves, so that
/// a text that happens to hold one gets it back.
static PROTECTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x) \[(?:[A-Z]{2,12}_[0-9]{1,4}|REDACTED|[0-9]{1,3})\]
        | [A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,12}
        | https?://[!-~]{1,2000}
        | (?:[A-Za-z0-9-]{1,63}\.){1,5}(?:gov|com|org|net|edu)(?:/[!-~]{0,2000})?
        | ZX[0-9]{1,5}QZ",
    )
});

/// Engines change the case of an unknown word at the start of a sentence, and some part it.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)ZX\s?([0-9]{1,5})\s?QZ"));

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &str) -> Sealed {
        let masked = Masked::of(text);
        assert_eq!(masked.as_str(), text, "the case must hold nothing personal");
        Sealed::of(&masked, 0..text.len())
    }

    #[test]
    fn marks_become_opaque_words_and_come_back() {
        let text = "Claim [CLAIM_1] was denied [1][2], see https://www.healthcare.gov/appeals. Or ask.";
        let sealed = sealed(text);
        assert_eq!(sealed.opaque(), "Claim ZX1QZ was denied ZX2QZ, see ZX3QZ. Or ask.");
        assert_eq!(sealed.open(sealed.opaque()).unwrap(), text);
    }

    #[test]
    fn a_moved_or_lower_cased_word_is_still_known() {
        let sealed = sealed("The claim [CLAIM_1] on page [3].");
        assert_eq!(sealed.open("En la página zx2qz, Zx 1 qz.").unwrap(), "En la página [3], [CLAIM_1].");
    }

    #[test]
    fn a_missing_doubled_or_invented_part_is_refused() {
        let sealed = sealed("The claim [CLAIM_1] on page [3].");
        for broken in ["Nada.", "ZX1QZ ZX1QZ ZX2QZ", "ZX1QZ ZX2QZ ZX3QZ", "[CLAIM_2] [3]", "[CLAIM_1] [3] www.evil.com"]
        {
            assert_eq!(sealed.open(broken), Err(Broken::Tokens), "{broken}");
        }
        assert_eq!(sealed.open("  "), Err(Broken::Empty));
    }

    #[test]
    fn models_may_keep_the_marks_as_they_are() {
        assert_eq!(sealed("Pay [1] now.").open("Pague [1] ahora.").unwrap(), "Pague [1] ahora.");
    }

    #[test]
    fn a_text_that_holds_an_opaque_word_gets_it_back() {
        let sealed = sealed("What is ZX7QZ?");
        assert_eq!(sealed.open("¿Qué es ZX1QZ?").unwrap(), "¿Qué es ZX7QZ?");
    }

    #[test]
    fn ends_of_sentences_are_not_part_of_an_address() {
        let found: Vec<_> = spans("(see medicare.gov/part-b), or a.b@plan.example.org!").collect();
        assert_eq!(found.len(), 2);
        assert_eq!(sealed("在https://www.cms.gov/x查看。").seals, ["https://www.cms.gov/x"]);
    }
}
