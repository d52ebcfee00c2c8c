//! The tools themselves: calls to the peers, their replies as sources.

use std::sync::Arc;

use shared::{
    contract::{
        Degradation,
        retrieve::{RetrieveReply, RetrieveRequest},
        sanitize::{Action, Direction, SanitizeReply, SanitizeRequest},
        search::{SearchReply, SearchRequest},
    },
    deadline::Deadline,
    invoke::{Caller, Peer},
    principal::Principal,
    scope::Scope,
};

use crate::{config::Config, error::PeerError, plan::Tool, source::Source};

/// Passages asked for; the composer picks from them.
const PASSAGES: usize = 8;
/// A definition and its details often stand in different passages of one document.
const PASSAGES_OF_ONE_DOCUMENT: usize = 3;
/// Web pages asked for.
const PAGES: usize = 3;

/// What the tools look for, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// The question in English, masked.
    pub query: String,
    /// The question as asked, masked, when that was not English.
    pub original_query: Option<String>,
    /// The collection to look in.
    pub collection: String,
    /// Who asks.
    pub principal: Principal,
    /// The request's id.
    pub request_id: String,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// What a tool brought.
#[derive(Clone, Debug, Default)]
pub struct Finds {
    /// Best first.
    pub sources: Vec<Source>,
    /// What the tool itself left out.
    pub degraded: Vec<Degradation>,
}

impl Inquiry {
    /// On whose behalf the tools call.
    pub fn caller(&self) -> Caller<'_> {
        Caller { principal: &self.principal, request_id: &self.request_id, traceparent: self.traceparent.as_deref() }
    }
}

/// Runs one tool until `deadline`.
///
/// # Errors
/// When its function gave nothing.
pub async fn run(tool: Tool, config: &Config, inquiry: Arc<Inquiry>, deadline: Deadline) -> Result<Finds, PeerError> {
    match tool {
        Tool::Retrieve => retrieve(config, &inquiry, deadline).await,
        Tool::Search => search(config, inquiry, deadline).await,
    }
}

async fn retrieve(config: &Config, inquiry: &Inquiry, deadline: Deadline) -> Result<Finds, PeerError> {
    let peer = config.retrieve.as_ref().ok_or(PeerError::NotConfigured("retrieve"))?;
    let request = RetrieveRequest {
        query: inquiry.query.clone(),
        original_query: inquiry.original_query.clone(),
        k: Some(PASSAGES),
        per_document: Some(PASSAGES_OF_ONE_DOCUMENT),
        collection: Some(inquiry.collection.clone()),
        ..RetrieveRequest::default()
    };
    let reply: RetrieveReply = peer.post(deadline, inquiry.caller(), "/v1/retrieve", &request).await?;
    Ok(Finds { sources: reply.passages.into_iter().map(Source::from).collect(), degraded: reply.degraded })
}

async fn search(config: &Config, inquiry: Arc<Inquiry>, deadline: Deadline) -> Result<Finds, PeerError> {
    let peer = config.search.as_ref().ok_or(PeerError::NotConfigured("search"))?;
    let request = SearchRequest { query: inquiry.query.clone(), max_results: Some(PAGES), recency: None };
    let reply: SearchReply = peer.post(deadline, inquiry.caller(), "/v1/search", &request).await?;
    let pages: Vec<Source> = reply.results.into_iter().map(Source::from).collect();
    let found = pages.len();
    let sources = harmless(config, inquiry, deadline, pages).await;
    let mut degraded = reply.degraded;
    if sources.len() < found {
        degraded.push(Degradation::because("search", "unsafe", "web pages that failed the safety check were left out"));
    }
    Ok(Finds { sources, degraded })
}

/// The pages that pass the guardrails. One that could not be checked counts as one that failed.
async fn harmless(config: &Config, inquiry: Arc<Inquiry>, deadline: Deadline, pages: Vec<Source>) -> Vec<Source> {
    let Some(peer) = config.sanitize.clone() else { return Vec::new() };
    let mut checks = Scope::new(PAGES);
    for page in pages {
        let (peer, inquiry) = (peer.clone(), inquiry.clone());
        checks.optional(async move { check(&peer, &inquiry, deadline, page).await.ok_or(()) });
    }
    checks.join().await.into_iter().flatten().flatten().collect()
}

async fn check(peer: &Peer, inquiry: &Inquiry, deadline: Deadline, page: Source) -> Option<Source> {
    let request = SanitizeRequest { text: page.text.clone(), direction: Direction::Retrieved, vault: None };
    let reply: SanitizeReply = peer.post(deadline, inquiry.caller(), "/v1/sanitize", &request).await.ok()?;
    let usable = matches!(reply.action, Action::Allow | Action::Redact);
    usable.then_some(Source { text: reply.text, ..page })
}
