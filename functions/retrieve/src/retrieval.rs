//! Finding passages: words and meaning are searched at once, the clock decides what counts, ranks are fused.
//!
//! Each of the two ways has its own ceilings. What is late or fails is left out, and the reply says so; only when
//! both give nothing is there no answer.

mod ways;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use shared::{
    clock,
    contract::{
        Degradation,
        retrieve::{Passage, RetrieveReply, Visibility},
    },
    deadline::Deadline,
    policy::Policy,
};

pub use self::ways::Candidates;
use crate::{
    embedding::Embedder,
    error::Error,
    fusion::Fused,
    query::Query,
    rerank::{Local, Reranker, Task},
    results::{self, Key, Results, Searched},
    store::{Shown, Store, Versions},
};

/// Kept back by all that comes before for fetching what the reply shows; it takes a millisecond or two.
const SHOWING: Duration = Duration::from_millis(20);

/// The two ways of searching, with their ceilings.
#[derive(Clone, Debug)]
pub struct Retriever {
    store: Store,
    /// Or why there is none.
    embedder: Result<Embedder, &'static str>,
    local: Local,
    /// Where one is configured.
    remote: Option<Arc<dyn Reranker>>,
    /// What was found a moment ago, where it is kept.
    results: Option<Results>,
    policy: Arc<Policy>,
}

impl Retriever {
    /// Searches `store`; without an embedder, by words only. Reranks in process.
    pub fn new(store: Store, embedder: Result<Embedder, &'static str>, policy: Arc<Policy>) -> Self {
        let local = Local::new(Arc::clone(&policy));
        Self { store, embedder, local, remote: None, results: None, policy }
    }

    /// The same, with a reranker of a third party for what all may read.
    pub fn with_remote(self, remote: Option<Arc<dyn Reranker>>) -> Self {
        Self { remote, ..self }
    }

    /// The same, with answers to equal questions from `results`.
    pub fn with_results(self, results: Results) -> Self {
        Self { results: Some(results), ..self }
    }

    /// The passages for `query` that `principal` may read.
    pub async fn retrieve(&self, deadline: Deadline, principal: &str, query: &Query) -> Result<RetrieveReply, Error> {
        let started = clock::now();
        let search = || self.search(deadline, principal, query);
        let now = || self.versions(deadline, principal, query);
        // Without an embedder every answer is degraded, and none is kept: nobody should wait for another's.
        let mut reply = match self.results.as_ref().filter(|_| self.embedder.is_ok()) {
            None => search().await?.reply,
            Some(results) => match results.find(deadline, Key::of(query, &self.policy.retrieve), search, now).await? {
                results::Found::Searched(reply) => reply,
                results::Found::Kept(passages) => {
                    let timings = vec![("cache", clock::now() - started)];
                    reply(query, passages.to_vec(), Vec::new(), timings)
                }
            },
        };
        reply.timings_ms.extend(in_milliseconds(vec![("total", clock::now() - started)]));
        Ok(reply)
    }

    /// The state that a search would read now. It is not worth waiting for.
    async fn versions(&self, deadline: Deadline, principal: &str, query: &Query) -> Result<Versions, Error> {
        let stage = deadline.stage(self.policy.retrieve.cache, SHOWING);
        self.store.versions(stage, principal, &query.scope).await
    }

    async fn search(&self, deadline: Deadline, principal: &str, query: &Query) -> Result<Searched, Error> {
        let mut found = self.find(deadline, principal, query).await?;
        let passages = match self.reranked(deadline, principal, query, &mut found).await {
            Some(passages) => passages,
            None => {
                let began = clock::now();
                let passages = self.passages(deadline, principal, &found.fused, query.k).await?;
                found.timings.push(("passages", clock::now() - began));
                passages
            }
        };
        let reply = reply(query, passages, found.degraded, found.timings);
        Ok(Searched { reply, versions: found.versions })
    }

    /// The first `k` of `fused` with what a reply shows of them. What was deleted meanwhile leaves its place to those behind.
    pub async fn passages(
        &self,
        deadline: Deadline,
        principal: &str,
        fused: &[Fused],
        k: usize,
    ) -> Result<Vec<Passage>, Error> {
        let (first, rest) = fused.split_at(fused.len().min(k));
        let mut passages = Vec::with_capacity(first.len());
        for some in [first, rest] {
            if passages.len() < k && !some.is_empty() {
                let numbers: Vec<i64> = some.iter().map(|fused| fused.hit.chunk).collect();
                let mut shown = self.store.shown(deadline, principal, &numbers).await?;
                passages.extend(some.iter().filter_map(|fused| Some(passage(fused, shown.remove(&fused.hit.chunk)?))));
            }
        }
        passages.truncate(k);
        Ok(passages)
    }

    /// What a reranker is asked.
    pub fn task<'a>(&'a self, principal: &'a str, query: &'a Query, found: &'a Candidates) -> Task<'a> {
        Task { store: &self.store, principal, query, found }
    }

    /// What was found in a better order. None when that is not wanted, when there is no time for it, or when it fails; the last
    /// two are said.
    async fn reranked(
        &self,
        deadline: Deadline,
        principal: &str,
        query: &Query,
        found: &mut Candidates,
    ) -> Option<Vec<Passage>> {
        let limits = &self.policy.retrieve;
        if !query.rerank {
            return None;
        }
        if deadline.remaining() < limits.rerank {
            found.degraded.push(Degradation::new("rerank", "timeout"));
            return None;
        }
        let began = clock::now();
        let stage = deadline.stage(limits.rerank, SHOWING);
        let order = self.reranker(found).order(stage, self.task(principal, query, found)).await;
        found.timings.push(("rerank", clock::now() - began));
        let refused = |error: Error| found.degraded.push(Degradation::new("rerank", error.reason()));
        let order = order.map_err(refused).ok()?;
        Some(order.into_iter().map(|(fused, shown)| passage(&fused, shown)).collect())
    }

    /// Private passages do not leave our account: one among the candidates, and none is sent.
    fn reranker(&self, found: &Candidates) -> &dyn Reranker {
        let is_shared = |candidate: &Fused| candidate.hit.shelf.visibility == Visibility::Shared;
        match &self.remote {
            Some(remote) if found.fused.iter().all(is_shared) => remote.as_ref(),
            _ => &self.local,
        }
    }
}

fn reply(
    query: &Query,
    passages: Vec<Passage>,
    degraded: Vec<Degradation>,
    timings: Vec<(&'static str, Duration)>,
) -> RetrieveReply {
    RetrieveReply { asked: query.k, got: passages.len(), passages, degraded, timings_ms: in_milliseconds(timings) }
}

fn passage(fused: &Fused, shown: Shown) -> Passage {
    Passage {
        document_id: shown.id,
        chunk: usize::try_from(shown.ordinal).unwrap_or_default(),
        title: shown.title,
        url: shown.url,
        language: Some(fused.hit.shelf.language.clone()),
        text: shown.text,
        score: fused.score,
        ranks: fused.ranks,
    }
}

fn in_milliseconds(timings: Vec<(&'static str, Duration)>) -> BTreeMap<String, f64> {
    timings.into_iter().map(|(stage, time)| (stage.to_owned(), time.as_secs_f64() * 1e3)).collect()
}
