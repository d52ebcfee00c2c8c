//! Haitian Creole, which no available model knows: they take it for German, Swahili or English.
//!
//! Its function words are few, frequent, and mostly not words of its neighbours, so counting them is enough until a
//! model of our own is trained.

use super::{
    model::Ranking,
    script::{Extract, Script},
};
use crate::language::Language;

/// Words that are Creole and nothing else that patients write.
const SURE: [&str; 30] = [
    "mwen",
    "poukisa",
    "kijan",
    "kouman",
    "kisa",
    "kiyès",
    "èske",
    "eske",
    "anpil",
    "jwenn",
    "bezwen",
    "genyen",
    "kapab",
    "konnen",
    "asirans",
    "doktè",
    "lopital",
    "swen",
    "sante",
    "maladi",
    "medikaman",
    "peye",
    "ede",
    "fè",
    "pran",
    "ankò",
    "yon",
    "gratis",
    "aprè",
    "kouvèti",
];
/// Words that are frequent in it and found elsewhere too.
const COMMON: [&str; 17] =
    ["nan", "yo", "ak", "pou", "sou", "nou", "li", "ki", "ou", "pa", "se", "te", "an", "la", "gen", "ka", "epi"];
/// Fewer sure words may be names or loans.
const LEAST_SURE: usize = 2;
/// The share of known words from which a text is Creole, and what it counts for.
const LEAST_SHARE: f64 = 0.35;
const MOST_CONFIDENCE: f64 = 0.95;

/// Creole alone, when enough of the words are; none to ask the model.
#[expect(clippy::cast_precision_loss, reason = "counts of words")]
pub(super) fn rank(script: Script, extract: &Extract) -> Option<Ranking> {
    if script != Script::Latin {
        return None;
    }
    let text = extract.words.to_lowercase();
    let words: Vec<&str> =
        text.split(|character: char| !character.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let sure = words.iter().filter(|word| SURE.contains(word)).count();
    let common = words.iter().filter(|word| COMMON.contains(word)).count();
    let share = (sure + common) as f64 / words.len().max(1) as f64;
    let creole = sure >= LEAST_SURE && share >= LEAST_SHARE;
    creole.then(|| vec![(Language::HAITIAN, (share + 0.4).min(MOST_CONFIDENCE))])
}
