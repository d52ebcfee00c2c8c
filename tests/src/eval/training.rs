//! The reranker's weights, learnt from judged queries: `make train`.
//!
//! Coordinate ascent on nDCG itself: seven weights and a smooth prior for small ones need no gradient. Each weight moves up
//! and down by ever smaller steps while the mean over the sets gains. How much of it is real is shown by learning on one
//! half of the queries and measuring on the other.

use std::{fmt::Write, time::Duration};

use anyhow::{Context, Result, ensure};
use retrieve::{
    fusion::Fused,
    query::Query,
    rerank::{Features, features, known},
    retrieval::Retriever,
};
use shared::{
    contract::retrieve::RetrieveRequest,
    deadline::Deadline,
    policy::{Policy, Reranking},
};

use super::{Judged, Measures, Selection};

/// More than any query takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How far a weight moves.
const STEPS: [f64; 3] = [0.16, 0.08, 0.04];
/// What a weight's square costs: among equals, the smaller.
const PRIOR: f64 = 0.002;
/// Gains below this are noise.
const LEAST_GAIN: f64 = 1e-5;

/// One of the weights.
type Weight = fn(&mut Reranking) -> &mut f64;

const WEIGHTS: [(&str, Weight); 7] = [
    ("dense", |weights| &mut weights.dense),
    ("lexical", |weights| &mut weights.lexical),
    ("feedback", |weights| &mut weights.feedback),
    ("brevity", |weights| &mut weights.brevity),
    ("phrase", |weights| &mut weights.phrase),
    ("form", |weights| &mut weights.form),
    ("definition", |weights| &mut weights.definition),
];

/// A judged query with its candidates.
#[derive(Debug)]
pub struct Example {
    judged: Judged,
    candidates: Vec<(String, Features)>,
}

/// The examples of a set, in the order of its file.
///
/// # Errors
/// When the set cannot be read or a query fails.
pub async fn examples(retriever: &Retriever, policy: &Policy, selection: &Selection) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    for judged in selection.read()? {
        let request = RetrieveRequest {
            query: judged.text.clone(),
            collection: Some(selection.collection.clone()),
            ..RetrieveRequest::default()
        };
        let query = Query::new(request).context("a query of the set is refused")?;
        let deadline = Deadline::within(PATIENCE);
        let mut found = retriever.find(deadline, "", &query).await?;
        let evidence = retriever.task("", &query, &found).evidence(deadline).await?;
        let known = known(std::mem::take(&mut found.fused), &evidence);
        let features = features(&known, found.sought(&query), &policy.retrieve.reranking);
        let candidates: Vec<Fused> = known.into_iter().map(|(candidate, _)| candidate).collect();
        let passages = retriever.passages(deadline, "", &candidates, candidates.len()).await?;
        ensure!(passages.len() == features.len(), "documents were deleted meanwhile");
        let candidates = passages.into_iter().map(|passage| passage.document_id).zip(features).collect();
        examples.push(Example { judged, candidates });
    }
    Ok(examples)
}

/// Learns from the sets and reports: the weights, and for each set nDCG@10 with `start`, with the weights learnt, and
/// with those that were learnt from the other half of the queries.
pub fn report(sets: &[(Selection, Vec<Example>)], start: &Reranking) -> String {
    let all: Vec<Vec<&Example>> = sets.iter().map(|(_, examples)| examples.iter().collect()).collect();
    let halves = [0, 1].map(|half| -> Vec<Vec<&Example>> {
        all.iter().map(|set| set.iter().skip(half).step_by(2).copied().collect()).collect()
    });
    let mut learnt = climb(&all, start);
    let across = [climb(&halves[1], start), climb(&halves[0], start)];
    let mut text = format!("{:<28} {:>6} {:>7} {:>7} {:>9}\n", "nDCG@10", "n", "before", "after", "held out");
    for (number, (selection, examples)) in sets.iter().enumerate() {
        let name = [Some(&selection.collection), selection.kind.as_ref()].into_iter().flatten().cloned();
        let name = name.collect::<Vec<_>>().join(" ");
        let (before, after) = (mean(&all[number], start), mean(&all[number], &learnt));
        let held_out = (mean(&halves[0][number], &across[0]) + mean(&halves[1][number], &across[1])) / 2.0;
        let _ = writeln!(text, "{name:<28} {:>6} {before:>7.3} {after:>7.3} {held_out:>9.3}", examples.len());
    }
    for (name, weight) in WEIGHTS {
        let _ = writeln!(text, "    {name}: {:.2}", weight(&mut learnt));
    }
    text
}

fn climb(sets: &[Vec<&Example>], start: &Reranking) -> Reranking {
    let mut best = (value(sets, start), start.clone());
    for step in STEPS {
        loop {
            let before = best.0;
            for (_, weight) in WEIGHTS {
                for change in [step, -step] {
                    let mut moved = best.1.clone();
                    let moved_weight = weight(&mut moved);
                    *moved_weight = (*moved_weight + change).max(0.0);
                    let reached = value(sets, &moved);
                    if reached > best.0 + LEAST_GAIN {
                        best = (reached, moved);
                    }
                }
            }
            if best.0 <= before {
                break;
            }
        }
    }
    best.1
}

/// The mean over the sets, each counted alike, less what large weights cost.
fn value(sets: &[Vec<&Example>], weights: &Reranking) -> f64 {
    let mean = sets.iter().map(|set| mean(set, weights)).sum::<f64>() / sets.len().max(1) as f64;
    let mut weights = weights.clone();
    mean - PRIOR * WEIGHTS.iter().map(|(_, weight)| weight(&mut weights).powi(2)).sum::<f64>()
}

fn mean(examples: &[&Example], weights: &Reranking) -> f64 {
    examples.iter().map(|example| example.ndcg(weights)).sum::<f64>() / examples.len().max(1) as f64
}

impl Example {
    fn ndcg(&self, weights: &Reranking) -> f64 {
        let mut order: Vec<(f64, &str)> =
            self.candidates.iter().map(|(id, features)| (features.sum(weights), id.as_str())).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let ranking: Vec<&str> = order.into_iter().map(|(_, id)| id).collect();
        Measures::of(&ranking, &self.judged.relevance, 1).ndcg
    }
}
