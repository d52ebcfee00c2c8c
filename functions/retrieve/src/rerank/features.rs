//! What the local reranker goes by: a few features of each candidate, weighed.
//!
//! The two searches know each candidate from one side only, and by its place. Here every candidate is seen from all
//! sides, beside the others:
//! - *dense*, *lexical*: nearness and BM25, known for all, whichever search found them;
//! - *feedback*: nearness to the passages that look best so far (pseudo-relevance feedback: Rocchio, 1971). What explains
//!   a thing is near to what else is on it, also where it has none of the question's words;
//! - *brevity*: whoever asks wants a page about one thing; the less a question says, the more that counts. Two passages are
//!   hardly worse than one, and beyond four it does not matter how many;
//! - *phrase*: words that stand side by side in the question stand so in the page too;
//! - *form*: a page that begins with yes or no answers a question for yes or no, and no other;
//! - *definition*: a page that begins with an article explains what is only named.
//!
//! The first three are measured in standard deviations from the mean of the candidates, so that weights mean the same for
//! every query and collection. Weights are settings, found on test sets (`make train`). Late interaction over the model's
//! token vectors was tried and gained nothing beside these.

use std::collections::{BTreeSet, HashMap};

use shared::policy::Reranking;

use crate::{
    analysis::{Analyzer, frequencies},
    form::{self, Question},
    fusion::Fused,
    store::{Evidence, Nearest},
};

/// Candidates that speak for what is sought.
const EXAMPLES: usize = 5;
/// .. by these weights of dense and lexical.
const SO_FAR: (f64, f64) = (0.7, 0.3);
/// No feature counts for more than this many deviations, down and up.
const MOST: (f64, f64) = (-3.0, 6.0);
/// The index terms of a usual question: of one like it, brevity counts by its weight.
const USUAL_TERMS: f64 = 4.0;
/// A document of five passages is long, and one of fifty is no longer: the squared logarithm.
const LONG: f64 = 2.0;
/// What brevity counts for a thing that is only named: a long page may be wanted as well.
const NAMED: f64 = 0.4;

/// What is sought.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The question.
    pub text: &'a str,
    /// Its embedding, and that of its original; none when they were late.
    pub vectors: &'a [Nearest],
    /// Whether the embedding model was trained on a language.
    pub knows: fn(&str) -> bool,
}

/// A candidate from all sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features {
    /// Cosine with the question, standardized.
    pub dense: f64,
    /// BM25, standardized.
    pub lexical: f64,
    /// Cosine with what looks best by the first two, standardized.
    pub feedback: f64,
    /// Minus the squared logarithm of the document's passages, up to a limit, by how little the question says; 0 for
    /// statements.
    pub brevity: f64,
    /// The share of the question's neighboring terms that are neighbors in the page too; 0 where a thing is only named.
    pub phrase: f64,
    /// 1 when question and page are both of yes and no, -1 when the page alone is, else 0.
    pub form: f64,
    /// 1 when a thing is only named and the page begins as its definition, else 0.
    pub definition: f64,
}

/// What the question is to documents of one language.
struct Asked {
    question: Question,
    terms: usize,
}

/// Whether it matters for `text` how pages in any of these languages begin.
pub(super) fn reads_beginnings<'a>(text: &str, languages: impl Iterator<Item = &'a str>) -> bool {
    let languages: BTreeSet<&str> = languages.collect();
    languages.into_iter().any(|language| Question::of(text, language) != Question::Statement)
}

/// Each of `candidates` with its evidence. One without was deleted meanwhile and is left out.
pub fn known(candidates: Vec<Fused>, evidence: &HashMap<i64, Evidence>) -> Vec<(Fused, &Evidence)> {
    let with_evidence = |candidate: Fused| evidence.get(&candidate.hit.chunk).map(|evidence| (candidate, evidence));
    candidates.into_iter().filter_map(with_evidence).collect()
}

/// Orders the candidates anew, best first.
pub fn rerank(known: Vec<(Fused, &Evidence)>, sought: Sought<'_>, weights: &Reranking) -> Vec<Fused> {
    let sums: Vec<f64> = features(&known, sought, weights).iter().map(|features| features.sum(weights)).collect();
    let mut scored: Vec<(f64, Fused)> =
        sums.into_iter().zip(known.into_iter().map(|(candidate, _)| candidate)).collect();
    scored.sort_by(|(one, a), (other, b)| other.total_cmp(one).then_with(|| a.hit.chunk.cmp(&b.hit.chunk)));
    let placed = scored.into_iter().enumerate().map(|(place, (sum, mut candidate))| {
        candidate.ranks.rerank = Some(place + 1);
        // Between 0 and 1, as other scores are.
        candidate.score = 1.0 / (1.0 + (-sum).exp());
        candidate
    });
    placed.collect()
}

/// The features of each candidate.
pub fn features(known: &[(Fused, &Evidence)], sought: Sought<'_>, weights: &Reranking) -> Vec<Features> {
    let trust = |(candidate, _): &(Fused, &Evidence)| {
        if (sought.knows)(&candidate.hit.shelf.language) { 1.0 } else { weights.foreign }
    };
    let trusted = |values: Vec<f64>| -> Vec<f64> {
        values.iter().zip(known).map(|(value, known)| value * trust(known)).collect()
    };
    let nearest: Vec<(f64, &[f32])> = known.iter().map(|(_, evidence)| nearest(sought.vectors, evidence)).collect();
    let dense = trusted(standardized(nearest.iter().map(|(nearness, _)| *nearness).collect()));
    let lexical = standardized(known.iter().map(|(_, evidence)| evidence.lexical).collect());
    let so_far: Vec<f64> =
        dense.iter().zip(&lexical).map(|(dense, lexical)| SO_FAR.0 * dense + SO_FAR.1 * lexical).collect();
    let example = example(&nearest, &so_far);
    let likeness = |(_, evidence): &(Fused, &Evidence)| {
        evidence.embeddings.iter().map(|embedding| dot(&example, embedding)).reduce(f64::max).unwrap_or_default()
    };
    let feedback = trusted(standardized(known.iter().map(likeness).collect()));
    let mut asked = HashMap::new();
    let features = known.iter().enumerate().map(|(at, (candidate, evidence))| {
        let language = candidate.hit.shelf.language.as_str();
        let asked = asked.entry(language).or_insert_with(|| Asked::by(sought.text, language));
        Features {
            dense: dense[at],
            lexical: lexical[at],
            feedback: feedback[at],
            brevity: asked.brevity(evidence.passages),
            phrase: asked.phrase(evidence.phrases),
            form: asked.form(&evidence.beginning, language),
            definition: asked.definition(&evidence.beginning, language),
        }
    });
    features.collect()
}

impl Features {
    /// The weighted sum.
    pub fn sum(&self, weights: &Reranking) -> f64 {
        self.dense * weights.dense
            + self.lexical * weights.lexical
            + self.feedback * weights.feedback
            + self.brevity * weights.brevity
            + self.phrase * weights.phrase
            + self.form * weights.form
            + self.definition * weights.definition
    }
}

impl Asked {
    fn by(text: &str, language: &str) -> Self {
        Self {
            question: Question::of(text, language),
            terms: frequencies(&Analyzer::of(language).terms(text).collect::<Vec<_>>()).len(),
        }
    }

    fn brevity(&self, passages: i32) -> f64 {
        let share = match self.question {
            Question::Closed | Question::Open => 1.0,
            Question::Named => NAMED,
            Question::Statement => 0.0,
        };
        let length = f64::from(passages.max(1)).ln().powi(2).min(LONG);
        -share * length * (USUAL_TERMS / self.terms.max(1) as f64).sqrt()
    }

    fn phrase(&self, share: f64) -> f64 {
        if self.question == Question::Named { 0.0 } else { share }
    }

    fn form(&self, beginning: &str, language: &str) -> f64 {
        match self.question {
            Question::Closed if form::begins_with_verdict(beginning, language) => 1.0,
            Question::Open | Question::Named if form::begins_with_verdict(beginning, language) => -1.0,
            _ => 0.0,
        }
    }

    fn definition(&self, beginning: &str, language: &str) -> f64 {
        let is_definition = self.question == Question::Named && form::begins_with_article(beginning, language);
        if is_definition { 1.0 } else { 0.0 }
    }
}

/// How near the nearest passage is, and its embedding.
fn nearest<'a>(vectors: &[Nearest], evidence: &'a Evidence) -> (f64, &'a [f32]) {
    let nearness = |embedding: &'a Vec<f32>| {
        let nearness = vectors.iter().map(|query| dot(&query.vector, embedding)).reduce(f64::max);
        (nearness.unwrap_or_default(), embedding.as_slice())
    };
    evidence
        .embeddings
        .iter()
        .map(nearness)
        .reduce(|one, other| if other.0 > one.0 { other } else { one })
        .unwrap_or_default()
}

/// The direction of the candidates that look best; its length is without meaning, for what is compared with it is
/// standardized.
fn example(nearest: &[(f64, &[f32])], scores: &[f64]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..nearest.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    let mut sum = vec![0.0; nearest.iter().map(|(_, embedding)| embedding.len()).max().unwrap_or_default()];
    for best in order.into_iter().take(EXAMPLES) {
        sum.iter_mut().zip(nearest[best].1).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// Deviations from the mean; zero where all are alike.
fn standardized(values: Vec<f64>) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    let standardized = |value: f64| if deviation > 1e-9 { (value - mean) / deviation } else { 0.0 };
    values.into_iter().map(|value| standardized(value).clamp(MOST.0, MOST.1)).collect()
}

/// The cosine of unit vectors. Summed up in lanes, which the compiler turns into vectors.
fn dot(one: &[f32], other: &[f32]) -> f64 {
    let (one, other) = (one.as_chunks::<16>(), other.as_chunks::<16>());
    let mut lanes = [0.0_f32; 16];
    for (a, b) in one.0.iter().zip(other.0) {
        (0..16).for_each(|lane| lanes[lane] += a[lane] * b[lane]);
    }
    let rest: f32 = one.1.iter().zip(other.1).map(|(a, b)| a * b).sum();
    f64::from(lanes.iter().sum::<f32>() + rest)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::contract::retrieve::Ranks;

    use super::*;
    use crate::store::{Hit, Shelf};

    const WEIGHTS: Reranking = Reranking {
        dense: 1.0,
        lexical: 1.0,
        feedback: 0.1,
        brevity: 1.0,
        phrase: 1.0,
        form: 1.0,
        definition: 1.0,
        foreign: 0.5,
    };

    fn candidate(chunk: i64, language: &str) -> Fused {
        let shelf = Arc::new(Shelf { language: language.to_owned(), ..Shelf::default() });
        let hit = Hit { chunk, document: chunk, shelf, ..Hit::default() };
        Fused { hit, score: 0.0, ranks: Ranks::default() }
    }

    fn seen(chunk: i64, degrees: f32, lexical: f64, passages: i32) -> (i64, Evidence) {
        let radians = degrees.to_radians();
        let embeddings = vec![vec![radians.cos(), radians.sin()]];
        (chunk, Evidence { embeddings, lexical, passages, ..Evidence::default() })
    }

    /// Two that differ only in how they begin.
    fn beginning(one: &str, other: &str) -> [(i64, Evidence); 2] {
        [(1, one), (2, other)].map(|(chunk, beginning)| {
            let (chunk, evidence) = seen(chunk, 5.0, 1.0, 1);
            (chunk, Evidence { beginning: beginning.to_owned(), ..evidence })
        })
    }

    fn order(text: &str, candidates: Vec<Fused>, evidence: impl IntoIterator<Item = (i64, Evidence)>) -> Vec<i64> {
        let vectors = [Nearest { vector: vec![1.0, 0.0], model: "by-hand".into() }];
        let sought = Sought { text, vectors: &vectors, knows: |language| language == "en" };
        let evidence = evidence.into_iter().collect::<HashMap<_, _>>();
        rerank(known(candidates, &evidence), sought, &WEIGHTS).into_iter().map(|fused| fused.hit.chunk).collect()
    }

    fn two(language: &str) -> Vec<Fused> {
        (1..=2).map(|chunk| candidate(chunk, language)).collect()
    }

    fn three(language: &str) -> Vec<Fused> {
        (1..=3).map(|chunk| candidate(chunk, language)).collect()
    }

    #[test]
    fn what_is_near_and_has_the_words_comes_first() {
        let evidence = [seen(1, 80.0, 0.0, 1), seen(2, 5.0, 3.0, 1), seen(3, 60.0, 3.0, 1)];
        assert_eq!(order("what is a copay", three("en"), evidence), [2, 3, 1]);
    }

    #[test]
    fn of_equals_the_brief_one_answers_a_question_and_no_statement() {
        let evidence = || [seen(1, 5.0, 1.0, 9), seen(2, 5.0, 1.0, 3), seen(3, 5.0, 1.0, 1)];
        assert_eq!(order("copay?", three("en"), evidence()), [3, 2, 1]);
        let statement = "the copay of this plan is paid at every single visit";
        assert_eq!(order(statement, three("en"), evidence()), [1, 2, 3]);
    }

    #[test]
    fn a_verdict_answers_a_closed_question_only() {
        let evidence = || beginning("Your plan pays.", "Yes. It pays.");
        assert_eq!(order("Does the plan pay?", two("en"), evidence()), [2, 1]);
        assert_eq!(order("What does the plan pay?", two("en"), evidence()), [1, 2]);
    }

    #[test]
    fn of_equals_the_one_with_the_phrase_answers_what_is_more_than_a_name() {
        let with_phrase = |(chunk, evidence): (i64, Evidence)| (chunk, Evidence { phrases: 0.5, ..evidence });
        let evidence = || [seen(1, 5.0, 1.0, 1), with_phrase(seen(2, 5.0, 1.0, 1))];
        assert_eq!(order("What is the out-of-pocket limit?", two("en"), evidence()), [2, 1]);
        assert_eq!(order("Out-of-pocket limit", two("en"), evidence()), [1, 2]);
    }

    #[test]
    fn a_definition_explains_what_is_named() {
        let evidence = || beginning("Your plan pays.", "The amount you pay.");
        assert_eq!(order("Copayment", two("en"), evidence()), [2, 1]);
        assert_eq!(order("What is a copayment?", two("en"), evidence()), [1, 2]);
    }

    #[test]
    fn nearness_counts_less_where_the_model_does_not_know_the_language() {
        let evidence = || [seen(1, 5.0, 0.3, 1), seen(2, 80.0, 0.6, 1), seen(3, 85.0, 0.0, 1)];
        assert_eq!(order("copay", three("en"), evidence())[0], 1);
        assert_eq!(order("copago", three("es"), evidence())[0], 2);
    }

    #[test]
    fn what_was_deleted_meanwhile_is_left_out() {
        assert_eq!(order("copay", three("en"), [seen(2, 5.0, 1.0, 1)]), [2]);
        assert!(order("copay", Vec::new(), []).is_empty());
    }

    #[test]
    fn without_an_embedding_words_and_brevity_decide() {
        let evidence = [seen(1, 5.0, 1.0, 1), seen(2, 80.0, 2.0, 1)].into_iter().collect::<HashMap<_, _>>();
        let sought = Sought { text: "copay", vectors: &[], knows: |_| true };
        let ranked = rerank(known(two("en"), &evidence), sought, &WEIGHTS);
        assert_eq!(ranked.iter().map(|fused| fused.ranks.rerank).collect::<Vec<_>>(), [Some(1), Some(2)]);
        assert_eq!(ranked[0].hit.chunk, 2);
    }
}
