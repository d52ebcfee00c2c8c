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

pub use self::{
    features::{Features, Sought, features, known, rerank},
    remote::{NAMES, Remote},
};
use crate::{
    error::Error,
    fusion::Fused,
    query::Query,
    retrieval::Candidates,
    store::{Evidence, Hit, Store, Subject},
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

/// Orders what was found.
pub trait Reranker: Debug + Send + Sync {
    /// The candidates of `task`, best first, with their places and scores; what was deleted meanwhile may be missing.
    fn order<'a>(&'a self, deadline: Deadline, task: Task<'a>) -> BoxFuture<'a, Result<Vec<Fused>, Error>>;
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
        let Task { store, principal, query, found } = self;
        let hits: Vec<&Hit> = found.fused.iter().map(|fused| &fused.hit).collect();
        let queries = query.texts();
        let subject = Subject { queries: &queries, known: found.queries.as_ref(), hits: &hits, model: found.model() };
        store.evidence(deadline, principal, &query.scope, subject).await
    }
}

impl Reranker for Local {
    fn order<'a>(&'a self, deadline: Deadline, task: Task<'a>) -> BoxFuture<'a, Result<Vec<Fused>, Error>> {
        Box::pin(async move {
            let evidence = task.evidence(deadline).await?;
            let known = known(task.found.fused.clone(), &evidence);
            Ok(rerank(known, task.found.sought(task.query), &self.policy.retrieve.reranking))
        })
    }
}
