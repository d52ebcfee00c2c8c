//! Extractive answers: the sentences of the sources that share most with the question, weighted by how rare the shared
//! words are among all candidates (inverse document frequency), in the order of their sources.

use std::collections::{HashMap, HashSet};

use super::{Task, sentences, terms::terms};
use crate::{answer::Sentence, language::PIVOT, source::Source};

/// An answer of this many sentences is read; a longer one is scanned.
const MOST_SENTENCES: usize = 4;
/// A sentence must reach this share of the best one's score.
const SHARE_OF_BEST: f64 = 0.45;
/// About as many sentences as a passage has.
const PIECE: usize = 8;
/// Early sentences define, later ones elaborate: what the first one is worth.
const FIRST_SENTENCE: f64 = 0.5;
/// What the first source is worth beside the words; later ones less. Retrieval has seen more than the words.
const FIRST_SOURCE: f64 = 0.6;

struct Candidate {
    source: usize,
    /// Where it stands in its document, roughly.
    place: usize,
    text: String,
    language: String,
    terms: HashSet<String>,
}

/// The best sentences, each with its source; none when no sentence shares a word with the question.
pub fn best(task: Task<'_>) -> Vec<Sentence> {
    let candidates = candidates(task.sources);
    let wanted = wanted(task);
    let rarity = rarity(&candidates);
    let mut scored: Vec<(f64, &Candidate)> =
        candidates.iter().filter_map(|candidate| Some((score(candidate, &wanted, &rarity)?, candidate))).collect();
    scored.sort_by(|(a, x), (b, y)| b.total_cmp(a).then((x.source, x.place).cmp(&(y.source, y.place))));
    let enough = scored.first().map_or(0.0, |(best, _)| best * SHARE_OF_BEST);
    scored.retain(|(score, _)| *score >= enough);
    let mut chosen = without_repeats(&scored);
    // As they stand in their documents, the best document first.
    chosen.sort_by_key(|candidate| (first_of_document(task.sources, candidate.source), candidate.place));
    chosen.into_iter().map(sentence).collect()
}

fn candidates(sources: &[Source]) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let language = source.language.clone().unwrap_or_else(|| PIVOT.to_owned());
        let title = terms(&source.title, &language);
        for (place, text) in sentences::split(&source.text).into_iter().enumerate() {
            let mut terms = terms(&text, &language);
            // A page on deductibles speaks of them throughout, often as "it".
            terms.extend(title.iter().cloned());
            candidates.push(Candidate {
                source: number,
                place: source.piece * PIECE + place,
                text,
                language: language.clone(),
                terms,
            });
        }
    }
    candidates
}

/// The question's terms: in English, and as it was asked.
fn wanted(task: Task<'_>) -> HashSet<String> {
    let mut wanted = terms(task.query, PIVOT);
    if let Some((original, language)) = task.original {
        wanted.extend(terms(original, language));
    }
    wanted
}

fn rarity(candidates: &[Candidate]) -> HashMap<&str, f64> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for term in candidates.iter().flat_map(|candidate| &candidate.terms) {
        *count.entry(term).or_default() += 1;
    }
    let weight = |count: usize| (1.0 + candidates.len() as f64 / count as f64).ln();
    count.into_iter().map(|(term, count)| (term, weight(count))).collect()
}

fn score(candidate: &Candidate, wanted: &HashSet<String>, rarity: &HashMap<&str, f64>) -> Option<f64> {
    let shared: Vec<_> = candidate.terms.intersection(wanted).collect();
    if shared.is_empty() {
        return None;
    }
    let words: f64 = shared.iter().filter_map(|term| rarity.get(term.as_str())).sum();
    let possible: f64 = wanted.iter().filter_map(|term| rarity.get(term.as_str())).sum();
    let source = FIRST_SOURCE / (1.0 + candidate.source as f64);
    let place = FIRST_SENTENCE / (1.0 + candidate.place as f64);
    Some(words / possible.max(f64::MIN_POSITIVE) + source + place)
}

/// The first source that is a piece of the same document.
fn first_of_document(sources: &[Source], number: usize) -> usize {
    let document = |source: &Source| (source.document_id.clone(), source.url.clone());
    let same = |source: &Source| document(source) == document(&sources[number]);
    sources.iter().position(same).unwrap_or(number)
}

fn without_repeats<'a>(scored: &[(f64, &'a Candidate)]) -> Vec<&'a Candidate> {
    let mut seen = HashSet::new();
    let fresh = scored.iter().filter(|(_, candidate)| seen.insert(candidate.text.to_lowercase()));
    fresh.map(|(_, candidate)| *candidate).take(MOST_SENTENCES).collect()
}

fn sentence(candidate: &Candidate) -> Sentence {
    Sentence { text: candidate.text.clone(), sources: vec![candidate.source], language: candidate.language.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::contract::chat::CitationKind;

    fn source(title: &str, text: &str, language: &str) -> Source {
        Source {
            kind: CitationKind::Document,
            document_id: Some(title.to_owned()),
            title: title.to_owned(),
            url: None,
            text: text.to_owned(),
            piece: 0,
            language: Some(language.to_owned()),
            score: 0.0,
        }
    }

    fn sources() -> Vec<Source> {
        vec![
            source(
                "Deductible",
                "A deductible is the amount you pay for covered care before your plan starts to pay. It starts again every plan year.",
                "en",
            ),
            source(
                "Parking",
                "Our offices have free parking for all members and guests. The gate closes at six in the evening.",
                "en",
            ),
            source(
                "Deducible",
                "El deducible es lo que usted paga antes de que el plan empiece a pagar sus gastos.",
                "es",
            ),
        ]
    }

    #[test]
    fn quotes_the_sentence_that_answers_with_its_source() {
        let sources = sources();
        let best = best(Task { query: "What is a deductible?", original: None, sources: &sources });
        assert_eq!(best[0].sources, [0]);
        assert!(best[0].text.starts_with("A deductible is"), "{best:?}");
        assert!(best.iter().all(|sentence| !sentence.text.contains("parking")), "{best:?}");
    }

    #[test]
    fn a_question_in_spanish_finds_spanish_sentences() {
        let sources = sources();
        let query = "¿Qué es el deducible?";
        let best = best(Task { query, original: Some((query, "es")), sources: &sources });
        assert!(best.iter().any(|sentence| sentence.language == "es"), "{best:?}");
    }

    #[test]
    fn nothing_shared_is_no_answer() {
        let sources = sources();
        assert_eq!(best(Task { query: "quantum chromodynamics", original: None, sources: &sources }), []);
    }
}
