//! One text on its way through translation: masked, cut into sealed pieces, and put together again.

use std::ops::Range;

use shared::phi::{self, Masked, Vault};

use crate::{
    chunk,
    protect::{self, Sealed},
};

/// A text, its patient data set aside. The vault lives and dies with it.
#[derive(Debug)]
pub struct Passage {
    masked: Masked,
    vault: Vault,
    pieces: Vec<Range<usize>>,
}

impl Passage {
    /// Masks `text` and cuts it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut vault = Vault::new();
        let masked = phi::mask(text, &mut vault).text;
        let protected: Vec<_> = protect::spans(masked.as_str()).collect();
        let pieces = chunk::split(masked.as_str(), &protected, chunk::MAX_BYTES);
        Self { masked, vault, pieces }
    }

    /// Whether there is nothing to translate: no letter outside protected parts.
    #[must_use]
    pub fn is_wordless(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many pieces there are.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// The pieces for a provider, in order.
    pub fn sealed(&self) -> impl Iterator<Item = Sealed> + '_ {
        self.pieces.iter().map(|range| Sealed::of(&self.masked, range.clone()))
    }

    /// The whole text from its translated pieces, with the separators and the patient's data as they were.
    #[must_use]
    pub fn assemble<'a>(&self, translated: impl IntoIterator<Item = &'a str>) -> String {
        let original = self.masked.as_str();
        let (mut whole, mut copied) = (String::with_capacity(original.len()), 0);
        for (range, piece) in self.pieces.iter().zip(translated) {
            whole.push_str(&original[copied..range.start]);
            whole.push_str(piece);
            copied = range.end;
        }
        whole.push_str(&original[copied..]);
        self.vault.unmask(&whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shouted(passage: &Passage) -> String {
        let translated: Vec<String> =
            passage.sealed().map(|piece| piece.open(&piece.opaque().to_uppercase()).unwrap()).collect();
        passage.assemble(translated.iter().map(String::as_str))
    }

    #[test]
    fn separators_and_patient_data_come_back_as_they_were() {
        let passage = Passage::new("  my SSN is 219-09-9999;\r\n\r\n\tsee https://x.gov/Page [1]\n");
        assert_eq!(shouted(&passage), "  MY SSN IS 219-09-9999;\r\n\r\n\tSEE https://x.gov/Page [1]\n");
    }

    #[test]
    fn no_piece_holds_patient_data() {
        let passage = Passage::new("My name is Maria Gonzalez, write to maria@example.com about claim E1540137296.");
        for piece in passage.sealed() {
            for secret in ["Gonzalez", "maria@", "E1540137296"] {
                assert!(!piece.plain().contains(secret) && !piece.opaque().contains(secret), "{secret}");
            }
        }
    }

    #[test]
    fn placeholders_of_the_caller_survive() {
        let passage = Passage::new("claim [CLAIM_1] of [PERSON_2]");
        assert_eq!(shouted(&passage), "CLAIM [CLAIM_1] OF [PERSON_2]");
    }

    #[test]
    fn a_long_text_is_cut_and_joined() {
        let text = "One sentence of some words.  Another one!\n".repeat(400);
        let passage = Passage::new(&text);
        assert!(passage.sealed().count() > 3);
        assert_eq!(shouted(&passage), text.to_uppercase());
    }

    #[test]
    fn numbers_and_marks_alone_are_nothing_to_translate() {
        assert!(Passage::new("219-09-9999, $40 [2]").is_wordless());
    }
}
