//! What is wrong with a request is said with its code and its field, on every route.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    api::{Answer, Api},
    assembly::{Bundle, with_corpus},
};

/// Route, body, status, code, field.
type Case = (&'static str, Value, u16, &'static str, Option<&'static str>);

fn cases() -> Vec<Case> {
    let long = "a".repeat(8_001);
    vec![
        ("/v1/chat", json!({}), 400, "invalid_request", Some("message")),
        ("/v1/chat", json!({"message": ""}), 400, "invalid_request", Some("message")),
        ("/v1/chat", json!({"message": 7}), 400, "invalid_request", Some("message")),
        ("/v1/chat", json!({"message": "a", "colour": "b"}), 400, "invalid_request", Some("colour")),
        ("/v1/chat", json!({"message": "a", "stream": 1}), 400, "invalid_request", Some("stream")),
        ("/v1/chat", json!({"message": "a", "language": "xxx"}), 400, "invalid_request", Some("language")),
        ("/v1/chat", json!({"message": "a b c", "collection": "nowhere", "language": "en"}), 404, "not_found", None),
        ("/v1/chat", json!({"message": long}), 413, "too_large", Some("message")),
        ("/v1/translate", json!({"target": "es"}), 400, "invalid_request", None),
        ("/v1/translate", json!({"text": "a"}), 400, "invalid_request", Some("target")),
        ("/v1/translate", json!({"text": "a", "target": "klingon"}), 400, "invalid_request", Some("target")),
        ("/v1/translate", json!({"text": "a", "texts": ["b"], "target": "es"}), 400, "invalid_request", None),
        ("/v1/detect", json!({"text": ""}), 400, "invalid_request", Some("text")),
        ("/v1/sanitize", json!({"text": "a"}), 400, "invalid_request", Some("direction")),
        ("/v1/sanitize", json!({"text": "a", "direction": "sideways"}), 400, "invalid_request", Some("direction")),
        ("/v1/sanitize", json!({"text": "a".repeat(16_001), "direction": "input"}), 413, "too_large", Some("text")),
        ("/v1/retrieve", json!({"query": ""}), 400, "invalid_request", Some("query")),
        ("/v1/retrieve", json!({"query": "a", "k": 0}), 400, "invalid_request", Some("k")),
        ("/v1/retrieve", json!({"query": "a", "k": 51}), 400, "invalid_request", Some("k")),
        ("/v1/retrieve", json!({"query": "a", "collection": "nowhere"}), 404, "not_found", None),
        ("/v1/search", json!({"query": ""}), 400, "invalid_request", Some("query")),
        ("/v1/search", json!({"query": "a", "max_results": 11}), 400, "invalid_request", Some("max_results")),
    ]
}

#[tokio::test]
async fn every_refusal_names_its_code_and_field() -> Result<()> {
    let bundle = Bundle::start(with_corpus().await?).await?;
    for (path, body, status, code, field) in cases() {
        let answer = bundle.api.post(path, &body).await?;
        let shown: String = body.to_string().chars().take(80).collect();
        assert_problem(&answer, status, code, &format!("{path} {shown}"));
        if field.is_some() {
            assert_eq!(answer.json()["field"].as_str(), field, "{path} {shown}: {}", answer.text);
        }
    }
    bundle.stack.stop().await
}

#[tokio::test]
async fn broken_bodies_methods_and_paths_are_refused_on_every_function() -> Result<()> {
    let bundle = Bundle::start(with_corpus().await?).await?;
    for path in ["/v1/chat", "/v1/translate", "/v1/detect", "/v1/sanitize", "/v1/retrieve", "/v1/search"] {
        let post = || bundle.api.request(Method::POST, path).header("content-type", "application/json");
        for (body, what) in [
            (&b"{\"a\""[..], "cut JSON"),
            (b"\xff\xfe\xfd", "bad UTF-8"),
            (b"", "no body"),
            (b"[]", "an array"),
            (b"null", "null"),
        ] {
            assert_problem(&Api::send(post().body(body)).await?, 400, "invalid_request", &format!("{path} {what}"));
        }
        let large = post().body(vec![b' '; 300 * 1024]);
        assert_problem(&Api::send(large).await?, 413, "too_large", path);
        let text = bundle.api.request(Method::POST, path).header("content-type", "text/plain").body("hello");
        assert_problem(&Api::send(text).await?, 415, "unsupported_media", path);
        let answer = Api::send(bundle.api.request(Method::DELETE, path)).await?;
        assert_problem(&answer, 405, "method_not_allowed", path);
        assert_eq!(answer.header("allow"), "POST", "{path}");
    }
    assert_problem(&bundle.api.get("/v1/nothing").await?, 404, "not_found", "/v1/nothing");
    assert_problem(&bundle.api.get("/").await?, 404, "not_found", "/");
    bundle.stack.stop().await
}

fn assert_problem(answer: &Answer, status: u16, code: &str, what: &str) {
    let problem = answer.json();
    assert_eq!((answer.status, problem["code"].as_str()), (status, Some(code)), "{what}: {}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    assert_eq!(problem["request_id"].as_str(), Some(answer.header("x-request-id")), "{what}");
    assert_eq!(problem["status"], status, "{what}");
}
