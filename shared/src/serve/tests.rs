//! What a request may say about its own importance.

use lambda_http::Request;
use serde_json::{Value, json};

use super::*;
use crate::{context, core::Core, principal::Auth};

/// Answers with its context.
struct Mirror;

impl Function for Mirror {
    const NAME: &'static str = "orchestrate";
    const ROUTES: &'static [Route] = &[Route::post("/v1/mirror"), Route::put("/v1/mirror", 64)];

    async fn handle(&self, _call: Call) -> Result<Reply, Problem> {
        let context = context::current();
        let left_ms = context.store.left().as_millis();
        // Streamed, so that the context must last for the pieces.
        let piece = async move {
            assert_eq!(context::criticality(), context.criticality);
            serde_json::to_vec(&json!({"criticality": context.criticality, "left_ms": left_ms})).unwrap().into()
        };
        Ok(Reply::pieces("application/json", futures_util::stream::once(piece)))
    }

    fn criticality(&self, route: &Route) -> Criticality {
        if route.method == "PUT" { Criticality::Sheddable } else { Criticality::Default }
    }

    async fn missing(&self, _deadline: Deadline) -> Vec<String> {
        vec![format!("{:?}", context::criticality())]
    }
}

fn request(method: &str, path: &str, authorizer: &Value) -> Request {
    let event = json!({
        "resource": path, "path": path, "httpMethod": method, "multiValueHeaders": {},
        "headers": {"x-criticality": "critical", "criticality": "critical", "navigator": "{\"criticality\":\"critical\"}"},
        "queryStringParameters": {"criticality": "critical"}, "multiValueQueryStringParameters": {},
        "pathParameters": {}, "stageVariables": {}, "body": "{\"criticality\":\"critical\"}", "isBase64Encoded": false,
        "requestContext": {
            "stage": "", "path": path, "resourcePath": path, "httpMethod": method, "requestId": "a",
            "requestTimeEpoch": 0, "identity": {}, "authorizer": authorizer,
        },
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

async fn ask(method: &str, path: &str, authorizer: &Value) -> Value {
    let server = Server::new(Mirror, Core::embedded().unwrap(), Auth::None, None);
    let reply = server.answer(request(method, path, authorizer)).await;
    serde_json::from_slice(&reply.body.collect().await).unwrap()
}

fn inner(more: &Value) -> Value {
    let mut call = json!({"subject": "a", "scopes": [], "timeout_ms": 1_000, "deadline_ms": 0});
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ INNER_CALL: call.to_string() })
}

#[tokio::test]
async fn a_client_cannot_say_how_critical_it_is() {
    let usual = json!({"criticality": "default", "left_ms": 50});
    assert_eq!(ask("POST", "/v1/mirror", &json!({})).await, usual);
    assert_eq!(ask("POST", "/v1/mirror", &json!({"criticality": "critical"})).await, usual);
    let bulk = json!({"criticality": "sheddable", "left_ms": 50});
    assert_eq!(ask("PUT", "/v1/mirror", &json!({})).await, bulk);
}

#[tokio::test]
async fn a_peer_passes_its_requests_context_on() {
    let critical = inner(&json!({"criticality": "critical", "store_ms": 7}));
    assert_eq!(ask("PUT", "/v1/mirror", &critical).await, json!({"criticality": "critical", "left_ms": 7}));
    let greedy = inner(&json!({"criticality": "sheddable", "store_ms": 9_000}));
    assert_eq!(ask("POST", "/v1/mirror", &greedy).await, json!({"criticality": "sheddable", "left_ms": 50}));
    assert_eq!(ask("POST", "/v1/mirror", &inner(&json!({}))).await, json!({"criticality": "default", "left_ms": 50}));
}

#[tokio::test]
async fn health_is_critical() {
    assert_eq!(ask("GET", "/v1/health", &json!({})).await["missing"], json!(["Critical"]));
}
