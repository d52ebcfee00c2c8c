//! The OpenAPI document is served, and what the API really answers is what it says.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::assembly::Bundle;

use crate::chat::with_providers;

#[tokio::test]
async fn real_replies_have_the_documented_form() -> Result<()> {
    let (bundle, _simulator) = with_providers().await?;
    let document = bundle.api.get("/openapi.json").await?.json();
    assert_eq!(document["openapi"], json!("3.1.0"));
    let posts = [
        ("/v1/chat", json!({"message": "What is a referral?"})),
        ("/v1/translate", json!({"text": "Your claim was denied.", "target": "es"})),
        ("/v1/detect", json!({"text": "¿Dónde está mi tarjeta del seguro?"})),
        ("/v1/sanitize", json!({"text": "My SSN is 219-09-9999", "direction": "input", "vault": {}})),
        ("/v1/retrieve", json!({"query": "referral"})),
        ("/v1/search", json!({"query": "referral"})),
    ];
    for (path, body) in posts {
        check(&bundle, &document, path, "post", &body).await?;
        check(&bundle, &document, path, "post", &json!({"unknown": 1})).await?;
    }
    for path in ["/v1/documents", "/v1/health", "/v1/status"] {
        check(&bundle, &document, path, "get", &Value::Null).await?;
    }
    bundle.stack.stop().await
}

async fn check(bundle: &Bundle, document: &Value, path: &str, method: &str, body: &Value) -> Result<()> {
    let answer = if method == "get" { bundle.api.get(path).await? } else { bundle.api.post(path, body).await? };
    let mut response = &document["paths"][path][method]["responses"][answer.status.to_string()];
    if let Some(shared) = response["$ref"].as_str() {
        response = document.pointer(shared.trim_start_matches('#')).context("a dangling reference")?;
    }
    let schema = &response["content"][answer.header("content-type")]["schema"];
    assert!(
        schema.is_object(),
        "{method} {path}: {} {} is not documented",
        answer.status,
        answer.header("content-type")
    );
    let schema = json!({"$ref": "#/schema", "schema": schema, "components": document["components"]});
    let validator = jsonschema::validator_for(&schema)?;
    let reply = answer.json();
    let errors: Vec<_> = validator.iter_errors(&reply).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{method} {path}: {errors:?}\n{reply:#}");
    Ok(())
}
