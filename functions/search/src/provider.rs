//! The seam to search engines.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use shared::{contract::search::Recency, deadline::Deadline, dependency::CallError, http::HttpFault, phi::Masked};

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inquiry {
    /// The words; a third party sees them.
    pub query: Masked,
    /// Most results.
    pub max_results: usize,
    /// How recent a page must be.
    pub recency: Option<Recency>,
}

/// A page as the engine describes it: unchecked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawPage {
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: String,
    /// An excerpt.
    pub content: String,
    /// The engine's own score, meant as 0 to 1.
    pub score: f64,
    /// When it was published, in the engine's words.
    pub published: Option<String>,
}

/// A search engine of a third party.
pub trait SearchProvider: Debug + Send + Sync {
    /// Its name in replies.
    fn name(&self) -> &'static str;

    /// Asks it once.
    fn search<'a>(&'a self, inquiry: &'a Inquiry, deadline: Deadline) -> BoxFuture<'a, Result<Vec<RawPage>, Failure>>;
}

/// Why there are no results, by what can be done about it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The plan is used up: a matter of money, not of time.
    #[error("the plan of the search provider is used up")]
    Quota,
    /// It wants fewer requests.
    #[error("the search provider limits the rate")]
    RateLimited,
    /// It does not know the key.
    #[error("the search provider refused the key")]
    Unauthorized,
    /// It did not accept the request.
    #[error("the search provider refused the request")]
    Rejected,
    /// No answer, or not one that can be read.
    #[error(transparent)]
    Call(CallError<HttpFault>),
}

impl Failure {
    /// A stable word for replies, logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Rejected => "rejected",
            Self::Call(error) => error.reason(),
        }
    }
}
