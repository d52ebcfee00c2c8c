//! An embedding service whose vectors can be foretold, and a policy that leaves it time.

use std::time::Duration;

use retrieve::embedding::{DIMENSION, Embedder, Remote};
use serde_json::{Value, json};
use shared::{core::Core, policy::Policy};

use crate::{embedder::limits, server::Server};

/// Time enough.
pub const PATIENT: Duration = Duration::from_secs(20);

/// Vectors of length three, the last first: each points where the number in its text says, in degrees.
pub fn embedded(asked: &Value) -> Value {
    let degrees = |text: &str| text.split_whitespace().find_map(|word| word.parse::<f64>().ok()).unwrap_or_default();
    let vector = |(index, text): (usize, &Value)| {
        let radians = degrees(text.as_str().unwrap()).to_radians();
        let mut vector = vec![0.0; DIMENSION];
        (vector[0], vector[1]) = (3.0 * radians.cos(), 3.0 * radians.sin());
        json!({"object": "embedding", "index": index, "embedding": vector})
    };
    let data: Vec<_> = asked["input"].as_array().unwrap().iter().enumerate().map(vector).rev().collect();
    json!({"object": "list", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})
}

/// Time enough for all; no circuit opens, and no limit is reached.
pub fn policy() -> Policy {
    let overlay = "dependencies: { overrides: { embeddings: { rate: null, breaker: { mode: metrics_only } } } }";
    let mut policy = Policy::overlaid(overlay).unwrap();
    let stages = &mut policy.retrieve;
    (stages.cache, stages.embedding, stages.knn, stages.lexical, stages.rerank) =
        (PATIENT, PATIENT, PATIENT, PATIENT, PATIENT);
    for name in ["embeddings", "postgres"] {
        policy.dependencies.overrides.get_mut(name).unwrap().limits.timeout = PATIENT;
    }
    policy
}

/// The service at `server`.
pub fn remote(server: &Server) -> Embedder {
    let service = Remote::new(server.settings(), &Core::new(policy())).unwrap();
    Embedder::remote(service, limits(2)).unwrap()
}
