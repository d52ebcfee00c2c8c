//! Candidates in a better order.
//!
//! Two rerankers stand behind one trait: [`Local`] weighs a few features in process, [`Remote`] asks a service for the
//! relevance of each passage. The service is a third party's: it is asked only when `RERANK_URL` and `RERANK_MODEL` name
//! one, and never about private documents.

mod features;
mod remote;

use std::{collections::HashMap, fmt::Debug, sync::Arc};

use futures_util::future::BoxFuture;
use shared::{deadline::Deadline, policy::Policy};

use self::features::reads_beginnings;
pub use self::{
    features::{Features, Sought, features, known, rerank},
    remote::{NAMES, Remote},
};
use crate::{
    error::Error,
    fusion::Fused,
    query::Query,
    retrieval::Candidates,
    store::{Evidence, Hit, Shown, Store, Subject},
};

/// What is to be ordered, for whom.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Where more is known of it.
    pub store: &'a Store,
    /// Who asks.
    pub principal: &'a str,
    /// For what.
    pub query: &'a Query,
    /// What was found.
    pub found: &'a Candidates,
}

/// Candidates in their order, with their places and scores, and what a reply shows of them.
pub type Ordered = Vec<(Fused, Shown)>;

/// Orders what was found.
pub trait Reranker: Debug + Send + Sync {
    /// As many candidates of `task` as its query wants, best first; what was deleted meanwhile is missing.
    fn order<'a>(&'a self, deadline: Deadline, task: Task<'a>) -> BoxFuture<'a, Result<Ordered, Error>>;
}

/// The reranker in process: see [`features`](self::features::Features).
#[derive(Clone, Debug)]
pub struct Local {
    policy: Arc<Policy>,
}

impl Local {
    /// Its weights are the policy's.
    pub fn new(policy: Arc<Policy>) -> Self {
        Self { policy }
    }
}

impl Task<'_> {
    /// What is known of the candidates beyond their places.
    pub async fn evidence(self, deadline: Deadline) -> Result<HashMap<i64, Evidence>, Error> {
        let Task { store, principal, query, .. } = self;
        store.evidence(deadline, principal, &query.scope, self.subject(&query.texts(), &self.hits())).await
    }

    fn hits(&self) -> Vec<&Hit> {
        self.found.fused.iter().map(|fused| &fused.hit).collect()
    }

    fn subject<'a>(&'a self, queries: &'a [&'a str], hits: &'a [&'a Hit]) -> Subject<'a> {
        let languages = hits.iter().map(|hit| hit.shelf.language.as_str());
        let beginnings = reads_beginnings(&self.query.text, languages);
        Subject { queries, known: self.found.queries.as_ref(), hits, model: self.found.model(), beginnings }
    }
}

impl Reranker for Local {
    fn order<'a>(&'a self, deadline: Deadline, task: Task<'a>) -> BoxFuture<'a, Result<Ordered, Error>> {
        Box::pin(async move {
            let Task { store, principal, query, found } = task;
            let mut order = Vec::new();
            let choose = |evidence: &HashMap<i64, Evidence>| {
                let known = known(found.fused.clone(), evidence);
                order = rerank(known, found.sought(query), &self.policy.retrieve.reranking);
                order.truncate(query.k);
                order.iter().map(|fused| fused.hit.chunk).collect()
            };
            let (queries, hits) = (query.texts(), task.hits());
            let subject = task.subject(&queries, &hits);
            let mut shown = store.chosen(deadline, principal, &query.scope, subject, choose).await?;
            let show = |fused: Fused| shown.remove(&fused.hit.chunk).map(|shown| (fused, shown));
            Ok(order.into_iter().filter_map(show).collect())
        })
    }
}
