//! Takes an inquiry to the provider and makes the best of what comes back: results, or the reason why there are none.

use std::sync::Arc;

use shared::{
    contract::{Degradation, search::SearchReply},
    deadline::Deadline,
    policy,
};

use crate::{
    cache::{Cache, Found},
    page,
    provider::{Failure, Inquiry, SearchProvider},
};

/// The part of an answer that a missing search leaves out.
const COMPONENT: &str = "search";

/// The provider, if there is one, and what it said a moment ago.
#[derive(Clone, Debug)]
pub struct Desk {
    provider: Option<Arc<dyn SearchProvider>>,
    cache: Cache,
}

impl Desk {
    /// A desk that asks `provider`, with a cache of the policy's size.
    pub fn new(provider: Option<Arc<dyn SearchProvider>>, policy: &policy::Search) -> Self {
        Self { provider, cache: Cache::new(policy) }
    }

    /// Searches. Never fails: search is an extra, and the reply says why it is empty.
    pub async fn search(&self, inquiry: &Inquiry, deadline: Deadline, limits: &policy::Search) -> SearchReply {
        let Some(provider) = &self.provider else {
            let detail = "no search provider is configured (TAVILY_API_KEY)";
            return empty("none", Degradation::because(COMPONENT, "not_configured", detail));
        };
        if inquiry.query.as_str().is_empty() {
            let detail = "nothing was left to look for after patient data was masked";
            return empty(provider.name(), Degradation::because(COMPONENT, "only_personal_data", detail));
        }
        let stage = deadline.stage(limits.search, limits.parse);
        let search = async || {
            let pages = provider.search(inquiry, stage).await?;
            Ok(page::results(pages, inquiry.max_results).into())
        };
        reply(provider.name(), self.cache.find(inquiry, stage, limits, provider.name(), search).await)
    }

    /// Whether there is a provider.
    pub fn is_configured(&self) -> bool {
        self.provider.is_some()
    }
}

fn reply(provider: &str, found: Result<Found, Arc<Failure>>) -> SearchReply {
    match found {
        Ok((results, cached)) => {
            SearchReply { results: results.to_vec(), provider: provider.to_owned(), cached, degraded: Vec::new() }
        }
        Err(failure) => {
            tracing::warn!(provider, reason = failure.reason(), "search failed");
            empty(provider, Degradation::because(COMPONENT, failure.reason(), &failure.to_string()))
        }
    }
}

fn empty(provider: &str, why: Degradation) -> SearchReply {
    SearchReply { results: Vec::new(), provider: provider.to_owned(), cached: false, degraded: vec![why] }
}
