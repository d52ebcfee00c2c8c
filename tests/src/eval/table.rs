//! What each stage of retrieval is worth: its measures over the whole set, and how far it is behind the answer, with confidence.

use std::fmt::Write;

use shared::contract::retrieve::{Passage, Ranks, RetrieveReply};

use super::{Answered, Judged, Measures, Selection};

/// Two standard errors and a bit: the half-width of a 95 % interval.
const NORMAL_95: f64 = 1.96;

/// The table of one set. `fused` was answered without the reranker, whose places are the other's order.
pub(super) fn of(selection: &Selection, judged: &[Judged], fused: &[Answered], answered: &[Answered]) -> String {
    let mut text = format!("{}, {} queries by {}\n", selection.collection, judged.len(), selection.field);
    let _ = writeln!(
        text,
        "  {:<9} {:>8} {:>7} {:>8} {:>8}   nDCG beside the answer",
        "", "nDCG@10", "+-95%", "MRR@10", "R@10"
    );
    let answer = measured(selection, judged, answered, |reply| reply.passages.iter().collect());
    let stages = [
        ("lexical", measured(selection, judged, fused, |reply| ordered(reply, |ranks| ranks.lexical))),
        ("dense", measured(selection, judged, fused, |reply| ordered(reply, |ranks| ranks.dense))),
        ("fusion", measured(selection, judged, fused, |reply| reply.passages.iter().collect())),
    ];
    for (name, stage) in stages {
        let beside: Vec<_> = stage.iter().zip(&answer).map(|(stage, answer)| stage.ndcg - answer.ndcg).collect();
        let (mean, half) = interval(&beside);
        row(&mut text, name, &stage, &format!("{mean:+.3} +-{half:.3}"));
    }
    row(&mut text, "rerank", &answer, "");
    text.push_str(&health(answered));
    text
}

fn measured<'a>(
    selection: &Selection,
    judged: &[Judged],
    answered: &'a [Answered],
    order: impl Fn(&'a RetrieveReply) -> Vec<&'a Passage>,
) -> Vec<Measures> {
    let one = |(query, answer): (&Judged, &'a Answered)| {
        let passages = answer.reply.as_ref().map(&order).unwrap_or_default();
        let mut ranking: Vec<&str> = Vec::new();
        for passage in passages {
            if !ranking.contains(&passage.document_id.as_str()) {
                ranking.push(&passage.document_id);
            }
        }
        Measures::of(&ranking, &query.relevance, selection.threshold)
    };
    judged.iter().zip(answered).map(one).collect()
}

/// The passages that a stage found, in its own order.
fn ordered(reply: &RetrieveReply, place: fn(&Ranks) -> Option<usize>) -> Vec<&Passage> {
    let mut passages: Vec<_> = reply.passages.iter().filter(|passage| place(&passage.ranks).is_some()).collect();
    passages.sort_by_key(|passage| place(&passage.ranks));
    passages
}

fn row(text: &mut String, name: &str, measures: &[Measures], beside: &str) {
    let by = |measure: fn(&Measures) -> f64| interval(&measures.iter().map(measure).collect::<Vec<_>>());
    let (ndcg, half) = by(|one| one.ndcg);
    let (mrr, recall) = (by(|one| one.reciprocal_rank).0, by(|one| one.recall).0);
    let _ = writeln!(text, "  {name:<9} {ndcg:>8.3} {half:>7.3} {mrr:>8.3} {recall:>8.3}   {beside}");
}

/// The mean and the half-width of its 95 % interval.
fn interval(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let spread: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, NORMAL_95 * (spread / (count - 1.0).max(1.0) / count).sqrt())
}

fn health(answered: &[Answered]) -> String {
    let replies = || answered.iter().filter_map(|answer| answer.reply.as_ref());
    let (failed, short) = (answered.len() - replies().count(), replies().filter(|reply| reply.got < 10).count());
    let degraded = replies().filter(|reply| !reply.degraded.is_empty()).count();
    let mut took: Vec<_> = answered.iter().filter(|answer| answer.reply.is_some()).map(|answer| answer.took).collect();
    took.sort_unstable();
    let at = |share: usize| {
        took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    format!(
        "  {failed} failed, {degraded} degraded, {short} with fewer than 10; P50 {:.1?}, P95 {:.1?}\n",
        at(50),
        at(95)
    )
}
