//! The HTTP front: what API Gateway does in the cloud, on loopback.
//!
//! Refusals of the gateway itself are problem documents in the shape of the functions' own, which is what the gateway
//! responses of `template.yaml` configure for the real one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::access::{Access, Denied};
use crate::event::proxy_event;
use crate::invocation::Failure;
use crate::invoke_api::Functions;
use crate::proxy_response;
use crate::route;
use crate::server::{Answer, Limits, Server, json as answer_json};

/// API Gateway's limit for a request body.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// How long a client may take to send its body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
const LIMITS: Limits = Limits { connections: 2048, head: Some(Duration::from_secs(75)) };

struct Gateway {
    functions: Functions,
    access: Access,
}

/// Why the gateway answers by itself.
#[derive(Debug)]
enum Refusal {
    Denied(Denied),
    TooLarge,
    BrokenBody,
    NoFunction(&'static str),
    Failed(&'static str, Failure),
    Malformed(&'static str),
}

/// Serves the API on `listener`.
///
/// # Errors
/// When the listener has no address.
pub fn serve(listener: TcpListener, functions: Functions, access: Access) -> Result<Server> {
    let gateway = Arc::new(Gateway { functions, access });
    let handler = move |request, client| {
        let gateway = Arc::clone(&gateway);
        async move { gateway.answer(request, client).await.unwrap_or_else(|refusal| problem(&refusal)) }
    };
    Ok(Server::start(listener, LIMITS, handler)?)
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Result<Answer, Refusal> {
        let (parts, body) = request.into_parts();
        let identity = self.access.identify(&parts.headers).map_err(Refusal::Denied)?;
        let body = read(body).await?;
        let matched = route::find(parts.uri.path());
        let event = proxy_event(&parts, &body, &matched, &identity, client.ip());
        let function = matched.function;
        let invocations = self.functions.get(function).ok_or(Refusal::NoFunction(function))?;
        let reply = invocations.invoke(Bytes::from(event.to_string())).await;
        let reply = reply.map_err(|failure| Refusal::Failed(function, failure))?;
        proxy_response::from_reply(reply).await.map_err(|cause| {
            tracing::error!(function, "{cause}");
            Refusal::Malformed(function)
        })
    }
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let collected = tokio::time::timeout(BODY_PATIENCE, Limited::new(body, MAX_BODY_BYTES).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(cause)) if cause.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        _ => Err(Refusal::BrokenBody),
    }
}

/// Status, code, what to tell the client, and when to come back (seconds).
fn outcome(refusal: &Refusal) -> (StatusCode, &'static str, String, Option<u8>) {
    match refusal {
        Refusal::Denied(Denied::Unauthorized) => {
            (StatusCode::UNAUTHORIZED, "unauthorized", "A valid bearer token is needed.".to_owned(), None)
        }
        Refusal::Denied(Denied::Forbidden) => {
            (StatusCode::FORBIDDEN, "forbidden", "A valid API key is needed.".to_owned(), None)
        }
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body exceeds 10 MB.".to_owned(), None),
        Refusal::BrokenBody => {
            (StatusCode::BAD_REQUEST, "invalid_request", "The body did not arrive whole.".to_owned(), None)
        }
        Refusal::Failed(name, Failure::Throttled) => {
            (StatusCode::TOO_MANY_REQUESTS, "overloaded", format!("{name} has too much to do."), Some(1))
        }
        Refusal::Failed(name, Failure::TimedOut(_)) => {
            (StatusCode::GATEWAY_TIMEOUT, "deadline_exceeded", format!("{name} took too long."), None)
        }
        Refusal::Failed(name, _) | Refusal::NoFunction(name) | Refusal::Malformed(name) => {
            (StatusCode::SERVICE_UNAVAILABLE, "dependency_unavailable", format!("{name} is unavailable."), Some(1))
        }
    }
}

fn problem(refusal: &Refusal) -> Answer {
    let (status, code, detail, retry_after) = outcome(refusal);
    let request_id = Uuid::new_v4().to_string();
    let mut document = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "instance": format!("urn:uuid:{request_id}"),
        "code": code,
        "request_id": request_id,
    });
    if let Some(seconds) = retry_after {
        document["retry_after_ms"] = json!(u32::from(seconds) * 1000);
    }
    let mut answer = answer_json(status, &document);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(u16::from(seconds)));
    }
    answer
}
