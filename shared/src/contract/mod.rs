//! The wire types of all routes: one definition for the function that serves a route, the one that calls it,
//! and the tests. Requests refuse unknown fields; offsets are Unicode code points.

pub mod chat;
pub mod retrieve;
pub mod sanitize;
pub mod search;
pub mod translate;

use serde::{Deserialize, Serialize};

/// What was left out of an answer, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degradation {
    /// Which part: `translate`, `search`, `embedding`, ...
    pub component: String,
    /// A stable word: `circuit_open`, `parked`, `rate_limited`, `overloaded`, `timeout`, `not_configured`, ...
    pub reason: String,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Degradation {
    /// `component` was left out for `reason`.
    pub fn new(component: &str, reason: &str) -> Self {
        Self { component: component.to_owned(), reason: reason.to_owned(), detail: None }
    }

    /// With a sentence for people.
    pub fn because(component: &str, reason: &str, detail: &str) -> Self {
        Self { detail: Some(detail.to_owned()), ..Self::new(component, reason) }
    }
}

/// `GET /v1/health` of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`, or `degraded` when something is missing.
    pub status: HealthStatus,
    /// What is missing, by the names of the policy (`postgres`, `embedding_model`, ...).
    pub missing: Vec<String>,
    /// The version that answers.
    pub version: String,
}

/// Whether anything is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Nothing is missing.
    Ok,
    /// Something is; requests that do not need it work.
    Degraded,
}

impl Health {
    /// The health of this build with `missing` parts.
    pub fn with_missing(mut missing: Vec<String>) -> Self {
        missing.sort_unstable();
        missing.dedup();
        let status = if missing.is_empty() { HealthStatus::Ok } else { HealthStatus::Degraded };
        Self { status, missing, version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}
