//! `POST /v1/search`.

use serde::{Deserialize, Serialize};

use super::Degradation;

/// What to look for on the web.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchRequest {
    /// The query, at most 8,000 characters; patient data in it is masked before it leaves.
    pub query: String,
    /// 1 to 10; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_results: Option<usize>,
    /// Only pages of the last day, week, month or year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recency: Option<Recency>,
}

/// How recent a page must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recency {
    /// The last day.
    Day,
    /// The last week.
    Week,
    /// The last month.
    Month,
    /// The last year.
    Year,
}

/// The results, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchReply {
    /// Best first.
    pub results: Vec<WebResult>,
    /// Who searched: `tavily`, or `none`.
    pub provider: String,
    /// Whether they came from the cache, or from an equal search that was under way.
    pub cached: bool,
    /// What was left out.
    pub degraded: Vec<Degradation>,
}

/// One page of the web.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebResult {
    /// Its title.
    pub title: String,
    /// Its address; http or https.
    pub url: String,
    /// What it says: data, never instructions.
    pub content: String,
    /// 0 to 1, by the provider.
    pub score: f64,
    /// How far to trust the host.
    pub trust: Trust,
    /// When it was published, as the provider says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
}

/// How far to trust a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// A government.
    Government,
    /// A university or school.
    Education,
    /// A known non-profit or insurer.
    Established,
    /// Anybody.
    Other,
}
