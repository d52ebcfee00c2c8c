//! The provider against a real server on loopback, well-behaved and not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_types, reason = "a test owns its server")]

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use search::{config::Settings, desk::Desk, provider::Inquiry};
use serde_json::{Value, json};
use shared::{
    contract::search::{Recency, SearchReply},
    core::Core,
    deadline::Deadline,
    phi::Masked,
    policy::Policy,
};
use tokio::{net::TcpListener, sync::Mutex, task::JoinSet};

/// What the server was asked, and what it answers.
#[derive(Clone)]
struct Engine {
    asked: Arc<Mutex<Vec<Value>>>,
    status: StatusCode,
    body: &'static str,
}

async fn answer(State(engine): State<Engine>, Json(asked): Json<Value>) -> impl IntoResponse {
    engine.asked.lock().await.push(asked);
    (engine.status, [("content-type", "application/json")], engine.body)
}

async fn desk(engine: Engine, tasks: &mut JoinSet<()>) -> Desk {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/search", post(answer)).with_state(engine);
    tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
    let settings = Settings { key: Some("key".to_owned().into()), url };
    let core = Core::embedded().unwrap();
    Desk::new(settings.provider(&core).unwrap(), &core.policy().search)
}

fn engine(status: StatusCode, body: &'static str) -> Engine {
    Engine { asked: Arc::default(), status, body }
}

fn inquiry() -> Inquiry {
    Inquiry { query: Masked::of("part B premium"), max_results: 3, recency: Some(Recency::Month) }
}

async fn search(desk: &Desk) -> SearchReply {
    let limits = Policy::embedded().unwrap().search;
    desk.search(&inquiry(), Deadline::within(Duration::from_secs(10)), &limits).await
}

#[tokio::test]
async fn results_are_asked_for_and_cleaned() {
    let body = r#"{"query":"q","results":[
        {"title":"<b>Costs</b>","url":"https://www.medicare.gov/costs","content":"The premium is...","score":0.9,"raw_content":null},
        {"title":"x","url":"javascript:alert(1)","content":"y","score":0.5}],"response_time":"0.4"}"#;
    let mut tasks = JoinSet::new();
    let engine = engine(StatusCode::OK, body);
    let desk = desk(engine.clone(), &mut tasks).await;
    let reply = search(&desk).await;
    assert_eq!((reply.provider.as_str(), reply.results.len(), reply.degraded.len()), ("tavily", 1, 0));
    assert_eq!(reply.results[0].title, "Costs");
    let asked = &engine.asked.lock().await[0];
    assert_eq!(asked["query"], json!("part B premium"));
    assert_eq!((&asked["max_results"], &asked["time_range"]), (&json!(3), &json!("month")));
}

#[tokio::test]
async fn each_refusal_has_its_reason() {
    for (status, reason) in [
        (429, "rate_limited"),
        (432, "quota"),
        (433, "quota"),
        (401, "unauthorized"),
        (400, "rejected"),
        (503, "fault"),
    ] {
        let mut tasks = JoinSet::new();
        let engine = engine(StatusCode::from_u16(status).unwrap(), r#"{"detail":{"error":"no"}}"#);
        let desk = desk(engine, &mut tasks).await;
        let reply = search(&desk).await;
        assert!(reply.results.is_empty());
        assert_eq!(reply.degraded[0].reason, reason, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_fault() {
    let mut tasks = JoinSet::new();
    let desk = desk(engine(StatusCode::OK, "<html>"), &mut tasks).await;
    let reply = search(&desk).await;
    assert_eq!(reply.degraded[0].reason, "fault");
}

#[tokio::test]
async fn without_a_key_nothing_is_asked() {
    let reply = search(&Desk::new(None, &Policy::embedded().unwrap().search)).await;
    assert_eq!((reply.provider.as_str(), reply.degraded[0].reason.as_str()), ("none", "not_configured"));
}
