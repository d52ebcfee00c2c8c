//! An embedding service through the whole bundle: shared documents are found by its vectors, private ones stay here.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    api::{Answer, Api},
    assembly::{Bundle, PolicyFile, connect_embedder, with_empty_database},
    simulator::{Effect, Fault, Provider, Simulator},
};

use crate::degraded;

/// A far-away service's ceiling, and each fault by itself.
const POLICY: &str = "{ retrieve: { embedding: 400ms }, dependencies: { overrides: { embeddings: { rate: null, breaker: { mode: metrics_only } } } } }";
const EMBEDDINGS: Provider = Provider::Embeddings;

#[tokio::test]
async fn an_embedding_service_finds_what_is_shared_and_hears_nothing_private() -> Result<()> {
    let simulator = Simulator::start()?;
    let mut config = with_empty_database()?;
    connect_embedder(&mut config, &simulator);
    let _policy = PolicyFile::of(&mut config, POLICY)?;
    let bundle = Bundle::start(config).await?;
    let health = bundle.api.get("/v1/health").await?.json();
    assert!(!health["missing"].as_array().unwrap().contains(&json!("embedding_model")), "{health:#}");

    let refused = put(&bundle, "private").await?;
    assert_eq!((refused.status, refused.json()["field"].clone()), (400, json!("visibility")), "{}", refused.text);
    assert_eq!(simulator.counters(EMBEDDINGS).total, 0);
    let stored = put(&bundle, "shared").await?;
    assert_eq!((stored.status, stored.json()["chunks"].clone()), (200, json!(1)), "{}", stored.text);

    let found = ask(&bundle, "glasses for 219-09-9999").await?;
    assert_eq!((degraded(&found), found["passages"][0]["ranks"]["dense"].clone()), (vec![], json!(1)), "{found:#}");
    for request in simulator.journal(EMBEDDINGS) {
        assert!(!request.contains("219-09-9999"), "a third party was told an SSN");
        assert_eq!(request.json()["dimensions"], json!(384));
    }

    for (number, (fault, reason)) in [
        (Fault::new(Effect::Stall), "timeout"),
        (Fault::status(500), "fault"),
        (Fault::new(Effect::Cut), "fault"),
        (Fault::new(Effect::Nonsense), "fault"),
        (Fault::new(Effect::Truncated), "fault"),
        (Fault::status(401), "unauthorized"),
        (Fault::rate_limited(7), "rate_limited"),
    ]
    .into_iter()
    .enumerate()
    {
        simulator.fault(EMBEDDINGS, fault.clone());
        let reply = ask(&bundle, &format!("glasses {number}")).await?;
        assert_eq!(degraded(&reply), [("embedding".to_owned(), reason.to_owned())], "{fault:?}");
        assert_eq!(reply["got"], json!(1), "{fault:?}: words still find it");
    }
    bundle.stack.stop().await
}

async fn put(bundle: &Bundle, visibility: &str) -> Result<Answer> {
    let body = json!({"text": "One pair of glasses is paid for each year.", "visibility": visibility});
    Api::send(bundle.api.request(Method::PUT, "/v1/documents/glasses").json(&body)).await
}

async fn ask(bundle: &Bundle, query: &str) -> Result<Value> {
    let answer = bundle.api.post("/v1/retrieve", &json!({ "query": query })).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Ok(answer.json())
}
