//! The two routes: what they accept, what they refuse, and which field they blame.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use lambda_http::{Body, Request, RequestExt, http::StatusCode};
use serde_json::{Value, json};
use shared::{
    core::Core,
    policy::Policy,
    principal::Auth,
    serve::{ReplyBody, Server},
};
use translate::{desk::Desk, detect::Detector, handler::Translate, router::Router};

fn server() -> Server<Translate> {
    let overlay = "functions: {translate: {budget: 20s}}\nservice: {total: 20s}\n\
                   dependencies: {overrides: {translate: {timeout: 20s}}}";
    let core = Core::new(Policy::overlaid(overlay).unwrap());
    let desk = Desk::new(Detector::new(), Router::new(Vec::new(), &core));
    Server::new(Translate::new(desk), core, Auth::None, None)
}

async fn send(method: &str, path: &str, body: String) -> (StatusCode, Value) {
    let request: Request =
        lambda_http::http::Request::builder().method(method).uri(path).body(Body::Text(body)).unwrap();
    let reply = server().answer(request.with_raw_http_path(path)).await;
    let ReplyBody::Whole(bytes) = reply.body else { panic!("a stream") };
    (reply.status, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn post(path: &str, body: Value) -> (StatusCode, Value) {
    send("POST", path, body.to_string()).await
}

#[tokio::test]
async fn translates_one_or_many_and_says_when_nobody_can() {
    let (status, reply) =
        post("/v1/translate", json!({ "text": "¿Qué cubre mi plan de salud?", "target": "en-US" })).await;
    assert_eq!((status, &reply["target"]), (StatusCode::OK, &json!("en")));
    let expected = json!({
        "text": "¿Qué cubre mi plan de salud?", "source": "es", "confidence": reply["translations"][0]["confidence"],
        "provider": "none", "quality": "original", "cached": false, "reason": "not_configured",
    });
    assert_eq!(reply["translations"], json!([expected]));
    let (_, reply) =
        post("/v1/translate", json!({ "texts": ["", "a b c", "12"], "target": "es", "source": "en" })).await;
    let qualities: Vec<_> =
        reply["translations"].as_array().unwrap().iter().map(|one| one["quality"].as_str().unwrap()).collect();
    assert_eq!(qualities, ["ok", "original", "ok"]);
}

#[tokio::test]
async fn detects_with_candidates() {
    let (status, reply) = post("/v1/detect", json!({ "text": "Bảo hiểm của tôi có chi trả không?" })).await;
    assert_eq!((status, &reply["language"]), (StatusCode::OK, &json!("vi")));
    assert_eq!((&reply["candidates"][0]["language"], &reply["mixed"]), (&json!("vi"), &Value::Null));
}

#[tokio::test]
async fn refusals_name_the_field() {
    let long = "a ".repeat(4_001);
    let many = vec!["a"; 101];
    let cases = [
        ("/v1/translate", json!({ "text": "a", "target": "xx" }), 400, "target"),
        ("/v1/translate", json!({ "text": "a", "target": "" }), 400, "target"),
        ("/v1/translate", json!({ "text": "a", "target": "es", "source": "klingon" }), 400, "source"),
        ("/v1/translate", json!({ "text": "a" }), 400, "target"),
        ("/v1/translate", json!({ "target": "es" }), 400, "text"),
        ("/v1/translate", json!({ "text": "a", "texts": ["b"], "target": "es" }), 400, "text"),
        ("/v1/translate", json!({ "text": " \n", "target": "es" }), 400, "text"),
        ("/v1/translate", json!({ "texts": [], "target": "es" }), 400, "texts"),
        ("/v1/translate", json!({ "texts": many, "target": "es" }), 400, "texts"),
        ("/v1/translate", json!({ "text": long, "target": "es" }), 413, "text"),
        ("/v1/translate", json!({ "texts": [long], "target": "es" }), 413, "texts"),
        ("/v1/translate", json!({ "text": 7, "target": "es" }), 400, "text"),
        ("/v1/translate", json!({ "text": "a", "target": "es", "glossary": 1 }), 400, "glossary"),
        ("/v1/detect", json!({ "text": "" }), 400, "text"),
        ("/v1/detect", json!({}), 400, "text"),
        ("/v1/detect", json!({ "text": long }), 413, "text"),
    ];
    for (path, body, status, field) in cases {
        let (answered, problem) = post(path, body).await;
        assert_eq!((answered.as_u16(), problem["field"].as_str()), (status, Some(field)), "{problem}");
    }
}

#[tokio::test]
async fn hostile_bodies_are_refused_without_an_echo() {
    for body in ["", "{", "[]", "null", "\"219-09-9999\"", "{\"target\":\"es\",\"text\":\"219-09-9999\",}"] {
        let (status, problem) = send("POST", "/v1/translate", body.to_owned()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        // The request's id is random and may hold any digits.
        let mut said = problem.clone();
        assert!(said.as_object_mut().unwrap().remove("request_id").is_some(), "{problem}");
        assert!(!said.to_string().contains("219"), "{problem}");
    }
    assert_eq!(send("GET", "/v1/translate", String::new()).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send("POST", "/v1/translat", String::new()).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_longest_text_and_odd_characters_come_back_unharmed() {
    let texts = [
        "palabra ".repeat(1_000),
        "保险".repeat(4_000),
        "\u{202e}RTL\u{0} e\u{301}\u{200d}🙂 ZX1QZ [SSN_1] {{x}}".to_owned(),
        "]\u{feff}[".repeat(100),
    ];
    for text in texts {
        let (status, reply) = post("/v1/translate", json!({ "text": text, "target": "vi", "source": "es" })).await;
        assert_eq!((status, reply["translations"][0]["text"].as_str()), (StatusCode::OK, Some(text.as_str())));
    }
}

#[tokio::test]
async fn health_says_that_no_provider_is_configured() {
    let (status, health) = send("GET", "/v1/health", String::new()).await;
    assert_eq!((status, &health["missing"]), (StatusCode::OK, &json!(["translation_provider"])));
}
