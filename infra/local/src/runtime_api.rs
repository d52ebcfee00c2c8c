//! The Lambda Runtime API of one process (API version 2018-06-01), and as much of the Extensions API as a graceful
//! shutdown needs.
//!
//! Every process gets a host of its own, so that a poll left behind by a dead process can never swallow an invocation.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>

mod reply;

use std::future::pending;
use std::sync::Arc;

use anyhow::{Context, Result};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::invocation::{Event, Failure, Invocations};
use crate::server::{Answer, Limits, Server, full, json as answer_json};

/// What a process may say about an error.
const MAX_ERROR_BYTES: usize = 256 * 1024;
/// More than any process opens: its concurrency, and a few for its extensions.
const LIMITS: Limits = Limits { connections: 4096, head: None };

/// Serves the Runtime API for one process, on a loopback port of its own.
///
/// # Errors
/// When no port can be had.
pub async fn serve(invocations: Arc<Invocations>) -> Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the Runtime API")?;
    let handler = move |request, _| route(Arc::clone(&invocations), request);
    Ok(Server::start(listener, LIMITS, handler)?)
}

async fn route(invocations: Arc<Invocations>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => next(&invocations).await,
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            reply::receive(&invocations, id, request).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            invocation_error(&invocations, id, request).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => init_error(&invocations, request).await,
        (&Method::POST, ["2020-01-01", "extension", "register"]) => register(&invocations),
        // Neither INVOKE nor SHUTDOWN events are sent: extensions that ask only hold the line.
        (&Method::GET, ["2020-01-01", "extension", "event", "next"]) => pending().await,
        _ => answer_json(StatusCode::NOT_FOUND, &json!({"errorType": "NotFound", "errorMessage": "no such API"})),
    }
}

async fn next(invocations: &Invocations) -> Answer {
    let event = invocations.next().await;
    let headers = event_headers(invocations.name(), &event);
    let mut answer = Response::new(full(event.payload));
    *answer.headers_mut() = headers;
    answer
}

/// Headers that describe an event. All values are ours, so a value that is no header value cannot occur.
fn event_headers(function: &str, event: &Event) -> HeaderMap {
    let id = event.id.as_str();
    let trace = format!("Root=1-{:08x}-{};Sampled=0", event.deadline_ms / 1000, &id.replace('-', "")[..24]);
    let values = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id.to_owned()),
        ("lambda-runtime-deadline-ms", event.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", arn(function)),
        ("lambda-runtime-trace-id", trace),
    ];
    values
        .into_iter()
        .filter_map(|(name, value)| Some((http::HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?)))
        .collect()
}

/// The name by which AWS would know a local function.
#[must_use]
pub fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:function:{function}")
}

async fn invocation_error(invocations: &Invocations, id: &str, request: Request<Incoming>) -> Answer {
    let document = error_document(request).await;
    match invocations.claim(id) {
        Some(claim) => claim.settle(Err(Failure::Function(document))),
        None => return gone(),
    }
    accepted()
}

async fn init_error(invocations: &Invocations, request: Request<Incoming>) -> Answer {
    let document = error_document(request).await;
    let kind = document["errorType"].as_str().unwrap_or("unknown");
    tracing::warn!(function = invocations.name(), kind, "the function could not start");
    accepted()
}

async fn error_document(request: Request<Incoming>) -> Value {
    let unknown = || json!({"errorType": "Runtime.Unknown", "errorMessage": "the function gave no reason"});
    let Ok(body) = Limited::new(request.into_body(), MAX_ERROR_BYTES).collect().await else {
        return unknown();
    };
    serde_json::from_slice(&body.to_bytes()).unwrap_or_else(|_| unknown())
}

fn register(invocations: &Invocations) -> Answer {
    let function = json!({"functionName": invocations.name(), "functionVersion": "$LATEST", "handler": "bootstrap"});
    let mut answer = answer_json(StatusCode::OK, &function);
    if let Ok(identifier) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        answer.headers_mut().insert("lambda-extension-identifier", identifier);
    }
    answer
}

fn accepted() -> Answer {
    answer_json(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

/// The answer to a reply that nobody waits for any more.
fn gone() -> Answer {
    answer_json(StatusCode::GONE, &json!({"errorType": "InvocationExpired", "errorMessage": "nobody waits for it"}))
}
