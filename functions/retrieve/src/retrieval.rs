//! Finding passages: words and meaning are searched at once, the clock decides what counts, ranks are fused.
//!
//! Each of the two ways has its own ceilings. What is late or fails is left out, and the reply says so; only when
//! both give nothing is there no answer.

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

use crate::{
    embedding::{Embedder, knows_english},
    error::Error,
    fusion::{self, Fused, Order},
    query::Query,
    rerank::{Local, Reranker, Sought, Task},
    results::{self, Key, Results, Searched},
    store::{ByMeaning, ByWords, Found, Nearest, Queries, Scope, Shown, Store, Versions},
};

/// Lists are fused to this depth: a passage that is 50th in one order and first in the other must still meet.
const DEPTH: usize = 50;
/// So many of both lists stay, more than any reply shows: what is behind is seldom worth it, and looking at all of it would
/// take the reranker half as long again.
const CANDIDATES: usize = 62;
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

/// What the two searches found.
#[derive(Debug)]
pub struct Candidates {
    /// Best first.
    pub fused: Vec<Fused>,
    /// The query and its original as they were sought by words, when that was in time.
    pub queries: Option<Queries>,
    /// The state that both searches read; none when one did not, or another.
    versions: Option<Versions>,
    /// The embeddings of the query and its original.
    vectors: Vec<Nearest>,
    /// Whether the model that embedded them was trained on a language.
    knows: fn(&str) -> bool,
    timings: Vec<(&'static str, Duration)>,
    degraded: Vec<Degradation>,
}

/// What one way of searching gave, or which stage of it failed.
struct Way {
    found: Result<Vec<Found>, Failure>,
    versions: Option<Versions>,
    timings: Vec<(&'static str, Duration)>,
    degraded: Vec<Degradation>,
}

struct Failure {
    stage: &'static str,
    error: Error,
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
        let (started, settings) = (clock::now(), &self.policy.retrieve);
        let search = || self.search(deadline, principal, query);
        let Some(results) = &self.results else { return Ok(search().await?.reply) };
        let now = || self.store.versions(deadline.stage(settings.cache, SHOWING), principal, &query.scope);
        match results.find(deadline, Key::of(query, settings), search, now).await? {
            results::Found::Searched(reply) => Ok(reply),
            results::Found::Kept(passages) => {
                let time = clock::now() - started;
                Ok(reply(query, passages.to_vec(), Vec::new(), vec![("cache", time), ("total", time)]))
            }
        }
    }

    async fn search(&self, deadline: Deadline, principal: &str, query: &Query) -> Result<Searched, Error> {
        let started = clock::now();
        let mut found = self.find(deadline, principal, query).await?;
        if query.rerank {
            self.rerank(deadline, principal, query, &mut found).await;
        }
        let began = clock::now();
        let passages = self.passages(deadline, principal, &found.fused, query.k).await?;
        found.timings.extend([("passages", clock::now() - began), ("total", clock::now() - started)]);
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
        let (mut passages, mut rest) = (Vec::with_capacity(k.min(fused.len())), fused);
        while passages.len() < k && !rest.is_empty() {
            let (next, behind) = rest.split_at(rest.len().min(k - passages.len()));
            let numbers: Vec<i64> = next.iter().map(|fused| fused.hit.chunk).collect();
            let mut shown = self.store.shown(deadline, principal, &numbers).await?;
            passages.extend(next.iter().filter_map(|fused| Some(passage(fused, shown.remove(&fused.hit.chunk)?))));
            rest = behind;
        }
        Ok(passages)
    }

    /// Searches both ways and fuses.
    pub async fn find(&self, deadline: Deadline, principal: &str, query: &Query) -> Result<Candidates, Error> {
        let scope = Scope { depth: DEPTH.max(query.k), least: query.k, ..query.scope.clone() };
        let lexical = self.lexical(deadline, principal, &scope, query);
        let dense = self.dense(deadline, principal, &scope, query);
        let ((lexical, queries), (dense, vectors)) = tokio::join!(lexical, dense);
        let timings = lexical.timings.iter().chain(&dense.timings).copied().collect();
        let versions = lexical.versions.clone().filter(|_| lexical.versions == dense.versions);
        let (lists, degraded) = joined(lexical, dense)?;
        let mut fused = fusion::fuse(lists, scope.per_document, &self.policy.retrieve.fusion);
        fused.truncate(CANDIDATES);
        let knows = self.embedder.as_ref().map_or(knows_english as fn(&str) -> bool, Embedder::knows);
        Ok(Candidates { fused, queries, versions, vectors, knows, timings, degraded })
    }

    /// What a reranker is asked.
    pub fn task<'a>(&'a self, principal: &'a str, query: &'a Query, found: &'a Candidates) -> Task<'a> {
        Task { store: &self.store, principal, query, found }
    }

    /// Orders what was found anew, or leaves it as it was and says so: when there is no time for it, or it fails.
    async fn rerank(&self, deadline: Deadline, principal: &str, query: &Query, found: &mut Candidates) {
        let limits = &self.policy.retrieve;
        if deadline.remaining() < limits.rerank {
            return found.degraded.push(Degradation::new("rerank", "timeout"));
        }
        let began = clock::now();
        let stage = deadline.stage(limits.rerank, SHOWING);
        match self.reranker(found).order(stage, self.task(principal, query, found)).await {
            Ok(order) => found.fused = order,
            Err(error) => found.degraded.push(Degradation::new("rerank", error.reason())),
        }
        found.timings.push(("rerank", clock::now() - began));
    }

    /// Private passages do not leave our account: one among the candidates, and none is sent.
    fn reranker(&self, found: &Candidates) -> &dyn Reranker {
        let is_shared = |candidate: &Fused| candidate.hit.shelf.visibility == Visibility::Shared;
        match &self.remote {
            Some(remote) if found.fused.iter().all(is_shared) => remote.as_ref(),
            _ => &self.local,
        }
    }

    /// Also returns the queries as they were sought.
    async fn lexical(
        &self,
        deadline: Deadline,
        principal: &str,
        scope: &Scope,
        query: &Query,
    ) -> (Way, Option<Queries>) {
        let started = clock::now();
        let stage = deadline.stage(self.policy.retrieve.lexical, SHOWING);
        let (found, queries, versions) = match self.store.lexical(stage, principal, scope, &query.texts()).await {
            Ok(ByWords { lists, queries, versions }) => (Ok(lists), Some(queries), Some(versions)),
            Err(error) => (Err(Failure { stage: "lexical", error }), None, None),
        };
        let timings = vec![("lexical", clock::now() - started)];
        (Way { found, versions, timings, degraded: Vec::new() }, queries)
    }

    /// Also returns the embeddings that were sought for.
    async fn dense(&self, deadline: Deadline, principal: &str, scope: &Scope, query: &Query) -> (Way, Vec<Nearest>) {
        let started = clock::now();
        let (vectors, degraded) = self.vectors(deadline, query).await;
        let embedded = clock::now();
        let mut timings = vec![("embedding", embedded - started)];
        let (vectors, found) = match vectors {
            Ok(vectors) => {
                let stage = deadline.stage(self.policy.retrieve.knn, SHOWING);
                let found = self.store.dense(stage, principal, scope, &vectors).await;
                timings.push(("knn", clock::now() - embedded));
                // Vectors of another model say nothing about the passages.
                let vectors = if matches!(found, Err(Error::ModelMismatch)) { Vec::new() } else { vectors };
                (vectors, found.map_err(|error| Failure { stage: "knn", error }))
            }
            Err(error) => (Vec::new(), Err(Failure { stage: "embedding", error })),
        };
        let (found, versions) = match found {
            Ok(ByMeaning { lists, versions }) => (Ok(lists), Some(versions)),
            Err(failure) => (Err(failure), None),
        };
        (Way { found, versions, timings, degraded }, vectors)
    }

    /// The embeddings of the query and, if they are there in time, of its original.
    async fn vectors(&self, deadline: Deadline, query: &Query) -> (Result<Vec<Nearest>, Error>, Vec<Degradation>) {
        let embedder = match &self.embedder {
            Ok(embedder) => embedder,
            Err(reason) => return (Err(Error::NoModel(reason)), Vec::new()),
        };
        let stage = deadline.stage(self.policy.retrieve.embedding, SHOWING);
        let original = async {
            match &query.original {
                Some(original) => Some(embed(embedder, stage, original).await),
                None => None,
            }
        };
        match tokio::join!(embed(embedder, stage, &query.text), original) {
            (Ok(vector), None) => (Ok(vec![vector]), Vec::new()),
            (Ok(vector), Some(Ok(original))) => (Ok(vec![vector, original]), Vec::new()),
            (Ok(vector), Some(Err(error))) => {
                (Ok(vec![vector]), vec![Degradation::new("embedding_of_original_query", error.reason())])
            }
            (Err(error), _) => (Err(error), Vec::new()),
        }
    }
}

impl Candidates {
    /// The model that embedded the query, when it was in time.
    pub fn model(&self) -> Option<&str> {
        self.vectors.first().map(|nearest| nearest.model.as_str())
    }

    /// What the reranker is to look for.
    pub fn sought<'a>(&'a self, query: &'a Query) -> Sought<'a> {
        Sought { text: &query.text, vectors: &self.vectors, knows: self.knows }
    }
}

async fn embed(embedder: &Embedder, deadline: Deadline, text: &str) -> Result<Nearest, Error> {
    let vector = embedder.embed_query(deadline, text).await?;
    Ok(Nearest { vector, model: embedder.model().to_owned() })
}

type Lists = Vec<(Order, Found)>;

/// All lists that there are, and what is missing. No list at all is an error, and a collection that does not exist is
/// not a degradation.
fn joined(lexical: Way, dense: Way) -> Result<(Lists, Vec<Degradation>), Error> {
    let mut degraded = [lexical.degraded, dense.degraded].concat();
    let mut lists = Lists::new();
    let mut first = None;
    for (order, found) in [(Order::Lexical, lexical.found), (Order::Dense, dense.found)] {
        match found {
            Ok(found) => lists.extend(found.into_iter().map(|hits| (order, hits))),
            Err(Failure { error: error @ Error::NotFound(_), .. }) => return Err(error),
            Err(Failure { stage, error }) => {
                degraded.push(Degradation::new(stage, error.reason()));
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if lists.is_empty() => Err(error),
        _ => Ok((lists, degraded)),
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
        language: Some(shown.language),
        text: shown.text,
        score: fused.score,
        ranks: fused.ranks.clone(),
    }
}

fn in_milliseconds(timings: Vec<(&'static str, Duration)>) -> BTreeMap<String, f64> {
    timings.into_iter().map(|(stage, time)| (stage.to_owned(), time.as_secs_f64() * 1e3)).collect()
}
