//! Tavily's search API: `POST /search` with a bearer key.
//!
//! Its plan limits have statuses of their own, 432 and 433: they mean that money ran out, not that it is broken.

use std::time::Duration;

use futures_util::future::BoxFuture;
use lambda_http::http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::{
    contract::search::Recency,
    core::Core,
    deadline::Deadline,
    dependency::{CallError, Effect},
    http::{Ask, BadAddress, HttpFault, Partner, Payload},
    phi::Masked,
};

use crate::provider::{Failure, Inquiry, RawPage, SearchProvider};

/// Longest query that the API takes, in characters.
const MAX_QUERY: usize = 400;
/// With less time than this, the quickest tier is asked for.
const HURRY: Duration = Duration::from_millis(600);

/// A client of Tavily.
#[derive(Debug)]
pub struct Tavily {
    partner: Partner,
    authorization: SecretString,
}

#[derive(Serialize)]
struct Query<'a> {
    query: &'a Masked,
    max_results: usize,
    search_depth: &'static str,
    topic: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_range: Option<Recency>,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    title: String,
    url: String,
    #[serde(default)]
    content: String,
    score: Option<f64>,
    published_date: Option<String>,
}

impl Tavily {
    /// The service at `url` (variable `TAVILY_URL`).
    ///
    /// # Errors
    /// When `url` is not an address.
    pub fn new(key: &SecretString, url: &str, core: &Core) -> Result<Self, BadAddress> {
        let authorization = SecretString::from(format!("Bearer {}", key.expose_secret()));
        Ok(Self { partner: Partner::new("tavily", "TAVILY_URL", url, core)?, authorization })
    }

    async fn ask(&self, inquiry: &Inquiry, deadline: Deadline) -> Result<Vec<RawPage>, Failure> {
        let query = inquiry.query.truncated(MAX_QUERY);
        let search_depth = if deadline.remaining() < HURRY { "ultra-fast" } else { "fast" };
        let body = Query {
            query: &query,
            max_results: inquiry.max_results,
            search_depth,
            topic: "general",
            time_range: inquiry.recency,
        };
        let headers = vec![("authorization", &self.authorization)];
        let ask = Ask {
            method: Method::POST,
            path: "search",
            headers,
            body: Payload::Json(&body),
            effect: Effect::Idempotent,
        };
        let reply: Reply = self.partner.json(deadline, &ask).await.map_err(classify)?;
        Ok(reply.results.into_iter().map(RawPage::from).collect())
    }
}

impl SearchProvider for Tavily {
    fn name(&self) -> &'static str {
        "tavily"
    }

    fn search<'a>(&'a self, inquiry: &'a Inquiry, deadline: Deadline) -> BoxFuture<'a, Result<Vec<RawPage>, Failure>> {
        Box::pin(self.ask(inquiry, deadline))
    }
}

impl From<Page> for RawPage {
    fn from(page: Page) -> Self {
        let Page { title, url, content, score, published_date } = page;
        Self { title, url, content, score: score.unwrap_or(0.0), published: published_date }
    }
}

fn classify(error: CallError<HttpFault>) -> Failure {
    match error {
        CallError::Fault { source: HttpFault::Status { status, .. }, .. } => match status {
            432 | 433 => Failure::Quota,
            429 => Failure::RateLimited,
            401 | 403 => Failure::Unauthorized,
            400..=499 => Failure::Rejected,
            _ => Failure::Call(error),
        },
        other => Failure::Call(other),
    }
}
