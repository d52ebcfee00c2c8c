//! The two ways of searching, side by side, each with its own ceilings.

use std::time::Duration;

use shared::{clock, contract::Degradation, deadline::Deadline};

use super::{Retriever, SHOWING};
use crate::{
    embedding::{Embedder, knows_english},
    error::Error,
    fusion::{self, Fused, Order},
    query::Query,
    rerank::Sought,
    store::{ByMeaning, ByWords, Found, Nearest, Queries, Scope, Versions},
};

/// Lists are fused to this depth: a passage that is 50th in one order and first in the other must still meet.
const DEPTH: usize = 50;
/// So many of both lists stay, more than any reply shows: what is behind is seldom worth it, and looking at all of it would
/// take the reranker half as long again.
const CANDIDATES: usize = 62;

/// What the two searches found.
#[derive(Debug)]
pub struct Candidates {
    /// Best first.
    pub fused: Vec<Fused>,
    /// The query and its original as they were sought by words, when that was in time.
    pub queries: Option<Queries>,
    /// The state that both searches read; none when one did not, or another.
    pub(super) versions: Option<Versions>,
    /// The embeddings of the query and its original.
    vectors: Vec<Nearest>,
    /// Whether the model that embedded them was trained on a language.
    knows: fn(&str) -> bool,
    pub(super) timings: Vec<(&'static str, Duration)>,
    pub(super) degraded: Vec<Degradation>,
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
    /// Searches both ways and fuses.
    pub async fn find(&self, deadline: Deadline, principal: &str, query: &Query) -> Result<Candidates, Error> {
        let scope = Scope { depth: DEPTH.max(query.k), least: query.k, ..query.scope.clone() };
        let lexical = self.lexical(deadline, principal, &scope, query);
        let dense = self.dense(deadline, principal, &scope, query);
        let ((lexical, queries), (dense, vectors)) = tokio::join!(lexical, dense);
        let timings = lexical.timings.iter().chain(&dense.timings).copied().collect();
        let versions = lexical.versions.filter(|_| lexical.versions == dense.versions);
        let (lists, degraded) = joined(lexical, dense)?;
        let mut fused = fusion::fuse(lists, scope.per_document, &self.policy.retrieve.fusion);
        fused.truncate(CANDIDATES);
        let knows = self.embedder.as_ref().map_or(knows_english as fn(&str) -> bool, Embedder::knows);
        Ok(Candidates { fused, queries, versions, vectors, knows, timings, degraded })
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
        let found = self.store.lexical(stage, principal, scope, &query.texts()).await;
        let timings = vec![("lexical", clock::now() - started)];
        match found {
            Ok(ByWords { lists, queries, versions }) => {
                (Way { found: Ok(lists), versions: Some(versions), timings, degraded: Vec::new() }, Some(queries))
            }
            Err(error) => (Way::failed("lexical", error, timings), None),
        }
    }

    /// Also returns the embeddings that were sought for.
    async fn dense(&self, deadline: Deadline, principal: &str, scope: &Scope, query: &Query) -> (Way, Vec<Nearest>) {
        let started = clock::now();
        let (vectors, degraded) = self.vectors(deadline, query).await;
        let embedded = clock::now();
        let mut timings = vec![("embedding", embedded - started)];
        let vectors = match vectors {
            Ok(vectors) => vectors,
            Err(error) => return (Way::failed("embedding", error, timings), Vec::new()),
        };
        let stage = deadline.stage(self.policy.retrieve.knn, SHOWING);
        let found = self.store.dense(stage, principal, scope, &vectors).await;
        timings.push(("knn", clock::now() - embedded));
        match found {
            Ok(ByMeaning { lists, versions }) => {
                (Way { found: Ok(lists), versions: Some(versions), timings, degraded }, vectors)
            }
            Err(error) => {
                // Vectors of another model say nothing about the passages.
                let vectors = if matches!(error, Error::ModelMismatch) { Vec::new() } else { vectors };
                (Way { degraded, ..Way::failed("knn", error, timings) }, vectors)
            }
        }
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

impl Way {
    fn failed(stage: &'static str, error: Error, timings: Vec<(&'static str, Duration)>) -> Self {
        Self { found: Err(Failure { stage, error }), versions: None, timings, degraded: Vec::new() }
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
