//! A reranking service: `POST /rerank` as Cohere (v2) and Jina (v1) define it; LiteLLM, vLLM and others speak it too.
//!
//! It is told the masked question and shared passages, both cut to a bounded length. What comes back is believed only
//! where it can be: indexes that were not sent or come twice, and scores that are no numbers, are a fault. Passages that
//! it leaves out come behind those that it scored, in the order in which they were found.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use shared::{
    core::Core,
    deadline::Deadline,
    dependency::CallError,
    http::{BadAddress, HttpFault},
    phi::Masked,
};

use super::{Ordered, Reranker, Task};
use crate::{
    error::Error,
    fusion::Fused,
    service::{Names, Service, Settings, tokens},
    store::Shown,
};

/// What the service is called.
pub const NAMES: Names =
    Names { dependency: "rerank", url: "RERANK_URL", key: "RERANK_API_KEY", model: "RERANK_MODEL" };

/// The first so many are sent: more could not be scored within the ceiling, and a reply has 50 passages at most.
const MOST: usize = 50;
/// Characters of a question that are sent. Models read 512 tokens of question and passage together, or some more.
const LONGEST_QUESTION: usize = 2_000;
/// Characters of a passage that are sent; few passages have as many.
const LONGEST_PASSAGE: usize = 4_000;

/// A client of the service.
#[derive(Clone, Debug)]
pub struct Remote(Service);

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    query: &'a Masked,
    documents: &'a [Masked],
    top_n: usize,
}

#[derive(Deserialize)]
struct Reply {
    results: Vec<Scored>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Scored {
    index: usize,
    relevance_score: f64,
}

impl Remote {
    /// The service of `settings`. Fails when its address is not one; connects to nothing.
    pub fn new(settings: Settings, core: &Core) -> Result<Self, BadAddress> {
        Service::new(&NAMES, settings, core).map(Self)
    }

    /// The relevance of `documents`, the best first; some may be missing.
    async fn scores(
        &self,
        deadline: Deadline,
        query: &Masked,
        documents: &[Masked],
    ) -> Result<Vec<Scored>, CallError<HttpFault>> {
        let question = Question { model: self.0.model(), query, documents, top_n: documents.len() };
        // A service reads the question with each passage.
        let weight = tokens(documents.iter().flat_map(|document| [query.as_str(), document.as_str()]));
        self.0
            .post(deadline, "rerank", (&question, weight), |reply: Reply| believed(reply.results, documents.len()))
            .await
    }
}

impl Reranker for Remote {
    fn order<'a>(&'a self, deadline: Deadline, task: Task<'a>) -> BoxFuture<'a, Result<Ordered, Error>> {
        Box::pin(async move {
            let Task { store, principal, query, found } = task;
            let numbers: Vec<i64> = found.fused.iter().map(|candidate| candidate.hit.chunk).collect();
            let mut shown = store.shown(deadline, principal, &numbers).await?;
            let show = |candidate: &Fused| Some((candidate.clone(), shown.remove(&candidate.hit.chunk)?));
            let there: Ordered = found.fused.iter().filter_map(show).collect();
            if there.is_empty() {
                return Ok(there);
            }
            let documents: Vec<Masked> = there.iter().take(MOST).map(|(_, shown)| told(shown)).collect();
            let question = Masked::of(&query.text).truncated(LONGEST_QUESTION);
            let scores = self.scores(deadline, &question, &documents).await?;
            let mut order = ordered(there, &scores);
            order.truncate(query.k);
            Ok(order)
        })
    }
}

/// What the service is told of a passage: who shares a document need not have read it, so what is never public is masked.
fn told(shown: &Shown) -> Masked {
    let title = shown.title.as_deref().filter(|title| !shown.text.starts_with(title));
    let text = title.map_or_else(|| shown.text.clone(), |title| format!("{title}\n{}", shown.text));
    Masked::of_public(&text).truncated(LONGEST_PASSAGE)
}

/// The scores, best first, when they can be those of `sent` documents: one at least.
fn believed(mut scores: Vec<Scored>, sent: usize) -> Option<Vec<Scored>> {
    let mut open = vec![true; sent];
    let is_new = |scored: &Scored| open.get_mut(scored.index).is_some_and(std::mem::take);
    let believable = !scores.is_empty() && scores.iter().all(is_new);
    let numbers = scores.iter().all(|scored| scored.relevance_score.is_finite());
    scores.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score).then(a.index.cmp(&b.index)));
    (believable && numbers).then_some(scores)
}

/// `found` in the order of `scores`, then what has none. Some services give scores without bounds: those are brought
/// between 0 and 1, as other scores are.
fn ordered(found: Ordered, scores: &[Scored]) -> Ordered {
    let bounded = scores.iter().all(|scored| (0.0..=1.0).contains(&scored.relevance_score));
    let scaled = |score: f64| if bounded { score } else { 1.0 / (1.0 + (-score).exp()) };
    let mut rest: Vec<Option<(Fused, Shown)>> = found.into_iter().map(Some).collect();
    let mut order = Vec::with_capacity(rest.len());
    for scored in scores {
        let Some((mut candidate, shown)) = rest.get_mut(scored.index).and_then(Option::take) else { continue };
        candidate.ranks.rerank = Some(order.len() + 1);
        candidate.score = scaled(scored.relevance_score);
        order.push((candidate, shown));
    }
    let unscored = rest.into_iter().flatten();
    order.extend(unscored.map(|(candidate, shown)| (Fused { score: 0.0, ..candidate }, shown)));
    order
}

#[cfg(test)]
mod tests {
    use shared::contract::retrieve::Ranks;

    use super::*;
    use crate::store::Hit;

    fn scored(scores: &[(usize, f64)]) -> Vec<Scored> {
        scores.iter().map(|&(index, relevance_score)| Scored { index, relevance_score }).collect()
    }

    fn found(count: i64) -> Ordered {
        let fused = |chunk| Fused { hit: Hit { chunk, ..Hit::default() }, score: 0.5, ranks: Ranks::default() };
        (0..count).map(|chunk| (fused(chunk), Shown::default())).collect()
    }

    /// Chunk, place, and score in percent.
    fn seen(order: &Ordered) -> Vec<(i64, Option<usize>, i64)> {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 100")]
        let percent = |score: f64| (score * 100.0).round() as i64;
        order.iter().map(|(fused, _)| (fused.hit.chunk, fused.ranks.rerank, percent(fused.score))).collect()
    }

    #[test]
    fn what_was_not_asked_for_is_not_believed() {
        assert_eq!(believed(scored(&[(1, 0.2), (0, 0.9)]), 2), Some(scored(&[(0, 0.9), (1, 0.2)])));
        assert_eq!(believed(scored(&[(1, 0.2)]), 2), Some(scored(&[(1, 0.2)])), "some may be missing");
        for wrong in [
            vec![],
            vec![(2, 0.5)],
            vec![(usize::MAX, 0.5)],
            vec![(0, 0.5), (0, 0.4)],
            vec![(0, 0.5), (1, 0.4), (1, 0.3)],
            vec![(0, f64::NAN)],
            vec![(0, 0.5), (1, f64::INFINITY)],
        ] {
            assert_eq!(believed(scored(&wrong), 2), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_was_left_out_comes_behind_as_it_was_found() {
        let order = ordered(found(4), &scored(&[(2, 0.8), (1, 0.3)]));
        assert_eq!(seen(&order), [(2, Some(1), 80), (1, Some(2), 30), (0, None, 0), (3, None, 0)]);
    }

    #[test]
    fn scores_without_bounds_are_brought_between_0_and_1() {
        let order = ordered(found(3), &scored(&[(1, 6.0), (2, 0.0), (0, -1e308)]));
        assert_eq!(seen(&order), [(1, Some(1), 100), (2, Some(2), 50), (0, Some(3), 0)]);
    }

    #[test]
    fn a_passage_is_told_under_its_title_within_bounds_and_without_what_is_never_public() {
        let shown = Shown { title: Some("Copay".into()), text: "It is 219-09-9999.".into(), ..Shown::default() };
        assert_eq!(told(&shown).as_str(), "Copay\nIt is [SSN_1].");
        let shown = Shown { title: Some("Copay".into()), text: "Copay is small.".into(), ..Shown::default() };
        assert_eq!(told(&shown).as_str(), "Copay is small.");
        let long = Shown { text: "é ".repeat(LONGEST_PASSAGE), ..Shown::default() };
        assert!(told(&long).as_str().chars().count() <= LONGEST_PASSAGE);
    }
}
