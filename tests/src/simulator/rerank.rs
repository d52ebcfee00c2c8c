//! Reranking in Cohere's shape: `POST /rerank`. Relevance is the share of the query's words that a document has.

use std::collections::BTreeSet;

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{received::Received, reply::Reply};

#[derive(Deserialize)]
struct Ask {
    model: String,
    query: String,
    documents: Vec<String>,
    top_n: Option<usize>,
}

pub(super) fn answer(request: &Received) -> Reply {
    if !request.is(&Method::POST, "/rerank") {
        return error(404, "Not Found");
    }
    match Ask::deserialize(&request.json()) {
        Ok(ask) if !ask.documents.is_empty() => Reply::json(&reranked(&ask)),
        Ok(_) => error(400, "invalid request: list of documents must not be empty"),
        Err(reason) => error(400, &reason.to_string()),
    }
}

/// An index that was not sent.
pub(super) fn nonsense(request: &Received) -> Reply {
    let documents = request.json()["documents"].as_array().map_or(0, Vec::len);
    Reply::json(&json!({"results": [{"index": documents, "relevance_score": 0.9}]}))
}

/// `{"message": message}`.
pub(super) fn error(status: u16, message: &str) -> Reply {
    Reply::with_status(status, &json!({ "message": message }))
}

fn reranked(ask: &Ask) -> Value {
    let query = words(&ask.query);
    let mut scored: Vec<(usize, f64)> =
        ask.documents.iter().map(|document| share(&query, document)).enumerate().collect();
    scored.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    scored.truncate(ask.top_n.unwrap_or(usize::MAX));
    let result = |(index, score): &(usize, f64)| json!({"index": index, "relevance_score": score});
    let results: Vec<_> = scored.iter().map(result).collect();
    json!({"id": "simulated", "model": ask.model, "results": results})
}

fn share(query: &BTreeSet<String>, document: &str) -> f64 {
    let shared = query.intersection(&words(document)).count();
    shared as f64 / query.len().max(1) as f64
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
