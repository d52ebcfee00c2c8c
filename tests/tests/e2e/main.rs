//! The whole bundle over HTTP, on real parts. Started by `make test`, which provides Postgres and the model.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod breaker;
mod chat;
mod documents;
mod embeddings;
mod languages;
mod load;
mod metrics;
mod missing_parts;
mod openapi;
mod privacy;
mod providers;
mod rerank;
mod streaming;
mod template;

use serde_json::Value;

/// Reasons by component, from a reply's `degraded`.
fn degraded(reply: &Value) -> Vec<(String, String)> {
    let word = |part: &Value, name: &str| part[name].as_str().unwrap_or_default().to_owned();
    let parts = reply["degraded"].as_array().cloned().unwrap_or_default();
    parts.iter().map(|part| (word(part, "component"), word(part, "reason"))).collect()
}

fn is_degraded(reply: &Value, component: &str, reason: &str) -> bool {
    degraded(reply).contains(&(component.to_owned(), reason.to_owned()))
}
