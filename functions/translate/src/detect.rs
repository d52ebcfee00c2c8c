//! Which language a text is in, and how sure that is.
//!
//! The script decides first: Hangul is Korean. Where languages share a script, a trained model ranks them (lingua: of
//! the detectors compared on 8,869 texts the best on short and medical ones, and the only one that knows Tagalog,
//! Polish and Somali). Protected parts and words that belong to insurance rather than to a language (Medicare, COBRA)
//! are left out. A few letters prove little, so [`SHORT_CONFIDENCE`] is the most they get.

mod creole;
mod model;
mod script;

use std::collections::HashSet;
use std::sync::LazyLock;

use shared::contract::translate as wire;

use crate::{language::Language, protect};

use model::Ranking;
use script::{Profile, Script};

/// Below this confidence a guess is not worth a translation.
pub const ACCEPT: f64 = 0.4;

/// As much of a text as is looked at, in characters: more changes nothing and costs time.
const MAX_CHARS: usize = 1_000;
/// With fewer letters of a shared script, the language is a guess.
const SHORT_LETTERS: usize = 12;
/// What such a guess is worth at most: less than a caller should ask for before it switches languages (0.65).
const SHORT_CONFIDENCE: f64 = 0.5;
/// A text of domain words alone says as much as "somebody here reads English forms".
const DOMAIN_CONFIDENCE: f64 = 0.25;
/// Two languages are mixed when the second has this share, in a text long enough to tell.
const MIXED_SHARE: f64 = 0.25;
const MIXED_LETTERS: usize = 20;
/// Candidates below this are noise.
const LEAST: f64 = 0.05;
const MAX_CANDIDATES: usize = 3;
/// BCP 47 for "undetermined".
const UNDETERMINED: &str = "und";

/// Detects languages. Building it is cheap; the first detection loads the models.
#[derive(Debug)]
pub struct Detector {
    model: model::Model,
}

/// What was detected.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The likeliest languages with their probabilities, best first; empty when there are no letters.
    pub candidates: Vec<(Language, f64)>,
    /// Whether two languages are mixed.
    pub mixed: bool,
}

impl Detector {
    /// A detector over all its languages.
    #[must_use]
    pub fn new() -> Self {
        Self { model: model::Model::new() }
    }

    /// Detects the language of `text`. Takes about a millisecond; longer text does not take longer.
    #[must_use]
    pub fn detect(&self, text: &str) -> Detection {
        let (words, had_domain_words) = own_words(text);
        let profile = Profile::of(&words);
        if profile.letters() == 0 {
            let candidates = if had_domain_words { vec![(Language::ENGLISH, DOMAIN_CONFIDENCE)] } else { Vec::new() };
            return Detection { candidates, mixed: false };
        }
        let mut candidates: Vec<_> =
            profile.shares().flat_map(|(script, share)| self.rank(script, share, &words)).collect();
        candidates.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        candidates.truncate(MAX_CANDIDATES);
        let second = candidates.get(1).map_or(0.0, |(_, share)| *share);
        let mixed = second >= MIXED_SHARE || profile.shares().filter(|(_, share)| *share >= MIXED_SHARE).count() > 1;
        Detection { mixed: mixed && profile.letters() >= MIXED_LETTERS, candidates }
    }

    /// Loads the models, so that the first request does not.
    pub fn warm_up(&self) {
        for text in ["¿Mi plan cubre la visita al médico?", "Что покрывает мой план?", "ماذا تغطي خطتي؟"]
        {
            let _ = self.detect(text);
        }
    }

    fn rank(&self, script: Script, share: f64, words: &str) -> Ranking {
        if let Some(language) = script.language() {
            return vec![(language, share)];
        }
        let own = script.only(words);
        let ranking = creole::rank(script, &own).unwrap_or_else(|| self.model.rank(&own));
        let ceiling = if own.letters < SHORT_LETTERS { SHORT_CONFIDENCE } else { 1.0 };
        let weighed = ranking.into_iter().map(|(language, probability)| (language, probability.min(ceiling) * share));
        weighed.filter(|(_, probability)| *probability >= LEAST).collect()
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detection {
    /// The likeliest language.
    #[must_use]
    pub fn language(&self) -> Option<Language> {
        self.candidates.first().map(|(language, _)| *language)
    }

    /// How sure that is, 0 to 1.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.candidates.first().map_or(0.0, |(_, probability)| *probability)
    }

    /// The language, when it is sure enough to act on.
    #[must_use]
    pub fn accepted(&self) -> Option<Language> {
        self.language().filter(|_| self.confidence() >= ACCEPT)
    }

    /// The code of the likeliest language; `und` when there is none.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.language().map_or(UNDETERMINED, Language::code)
    }
}

impl From<Detection> for wire::DetectReply {
    fn from(detection: Detection) -> Self {
        let candidate = |(language, probability): &(Language, f64)| wire::Candidate {
            language: language.code().to_owned(),
            confidence: rounded(*probability),
        };
        Self {
            language: detection.code().to_owned(),
            confidence: rounded(detection.confidence()),
            mixed: detection.mixed.then_some(true),
            candidates: detection.candidates.iter().map(candidate).collect(),
        }
    }
}

/// Three digits: the rest is noise of the model.
#[must_use]
pub fn rounded(probability: f64) -> f64 {
    (probability * 1_000.0).round() / 1_000.0
}

/// The words that tell a language, and whether domain words were left out.
fn own_words(text: &str) -> (String, bool) {
    let end = text.char_indices().nth(MAX_CHARS).map_or(text.len(), |(at, _)| at);
    let text = without_protected(&text[..end]);
    let mut dropped = false;
    let own = text.split_whitespace().filter(|word| {
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
        let domain = DOMAIN_WORDS.contains(bare.to_ascii_lowercase().as_str());
        dropped |= domain;
        !domain
    });
    (own.collect::<Vec<_>>().join(" "), dropped)
}

fn without_protected(text: &str) -> String {
    let (mut kept, mut copied) = (String::with_capacity(text.len()), 0);
    for span in protect::spans(text) {
        kept.push_str(&text[copied..span.start]);
        kept.push(' ');
        copied = span.end;
    }
    kept.push_str(&text[copied..]);
    kept
}

/// Names of programmes and forms: the same in every language that patients write.
static DOMAIN_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let words = "aca cdhp chip chips cms cobra copay copays ehb eob eobs epo erisa fehb fmla fsa hdhp hhs hipaa hmo hmos hra hsa \
                 irmaa ltc mco medicaid medi-cal medicare medigap mlr obamacare otc pbm pcp pos ppo ppos sbc schip shop snf snp \
                 ssdi ssi tricare va vbp";
    words.split_whitespace().collect()
});

#[cfg(test)]
mod tests;
