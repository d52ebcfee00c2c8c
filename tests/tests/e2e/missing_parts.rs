//! Parts that are missing at start or go away later: health names them, what needs them gets 503, the rest works.

use anyhow::Result;
use local::stack::DatabaseChoice;
use serde_json::{Value, json};
use tests::assembly::{Bundle, with_corpus};

/// For what must come back; a test that would wait for ever fails instead.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

#[tokio::test]
async fn without_postgres_the_rest_works_and_health_names_it() -> Result<()> {
    let mut config = with_corpus().await?;
    config.database = DatabaseChoice::Url("postgres://nobody@127.0.0.1:1/none".to_owned());
    let bundle = Bundle::start(config).await?;
    assert!(missing(&bundle).await?.contains(&json!("postgres")));
    for (path, body) in
        [("/v1/retrieve", json!({"query": "copay"})), ("/v1/chat", json!({"message": "copay?", "language": "en"}))]
    {
        let answer = bundle.api.post(path, &body).await?;
        assert_eq!(
            (answer.status, answer.json()["dependency"].clone()),
            (503, json!("postgres")),
            "{path}: {}",
            answer.text
        );
    }
    let masked = bundle.api.post("/v1/sanitize", &json!({"text": "hello", "direction": "input"})).await?;
    assert_eq!(masked.status, 200);
    assert_eq!(bundle.api.post("/v1/detect", &json!({"text": "Where is the nearest clinic?"})).await?.status, 200);
    bundle.stack.stop().await
}

#[tokio::test]
async fn without_the_model_folder_words_still_find_passages() -> Result<()> {
    let mut config = with_corpus().await?;
    config.set("retrieve", "MODEL_DIR", "/nowhere/model");
    let bundle = Bundle::start(config).await?;
    assert!(missing(&bundle).await?.contains(&json!("embedding_model")));
    let found = bundle.api.post("/v1/retrieve", &json!({"query": "prior authorization"})).await?.json();
    assert!(found["got"].as_u64().unwrap() > 0, "{found:#}");
    assert!(crate::degraded(&found).iter().any(|(component, _)| component == "embedding"), "{found:#}");
    let put = bundle
        .api
        .request(reqwest::Method::PUT, "/v1/documents/a")
        .json(&json!({"text": "a b c", "visibility": "private"}));
    let put = tests::api::Api::send(put).await?;
    assert_eq!((put.status, put.json()["dependency"].clone()), (503, json!("embedding_model")), "{}", put.text);
    bundle.stack.stop().await
}

#[tokio::test]
async fn dynamodb_may_go_and_come_back() -> Result<()> {
    let bundle = Bundle::start(with_corpus().await?).await?;
    bundle.stack.dynamo().unwrap().stop().await;
    assert!(missing(&bundle).await?.contains(&json!("control_table")));
    let answer = bundle.api.post("/v1/chat", &json!({"message": "What is a premium?", "language": "en"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    bundle.stack.dynamo().unwrap().resume().await?;
    let health = bundle.stack.function("search").unwrap();
    assert!(health.process_id().is_some());
    bundle.stack.stop().await
}

#[tokio::test]
async fn a_killed_function_is_answered_for_and_comes_back() -> Result<()> {
    let bundle = Bundle::start(with_corpus().await?).await?;
    let search = bundle.stack.function("search").unwrap();
    search.kill();
    let answer = bundle.api.post("/v1/chat", &json!({"message": "What is a premium?", "language": "en"})).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let served = async {
        while bundle.api.post("/v1/search", &json!({"query": "premium"})).await?.status != 200 {
            search.ready(PATIENCE).await?;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, served).await??;
    bundle.stack.stop().await
}

async fn missing(bundle: &Bundle) -> Result<Vec<Value>> {
    let health = bundle.api.get("/v1/health").await?;
    assert_eq!(health.status, 200, "{}", health.text);
    Ok(health.json()["missing"].as_array().cloned().unwrap_or_default())
}
