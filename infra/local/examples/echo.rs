//! A real Lambda function for the tests of the host: it answers what it was asked, and fails on command.
//!
//! The header `x-do` says how: `fail`, `exit`, `hang`; `pause` streams a first half and the second one after a
//! request to `/release`.

#![expect(clippy::disallowed_types, reason = "a function for tests that waits on command")]

use std::sync::LazyLock;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use lambda_http::{Error, Request, RequestExt, run_concurrent, run_with_streaming_response_concurrent, service_fn};
use serde_json::json;
use tokio::sync::Semaphore;

static RELEASED: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::spawn_graceful_shutdown_handler(|| async {}).await;
    match std::env::var("RESPONSE_MODE").as_deref() {
        Ok("stream") => run_with_streaming_response_concurrent(service_fn(stream)).await,
        _ => run_concurrent(service_fn(buffer)).await,
    }
}

async fn buffer(request: Request) -> Result<Response<String>, Error> {
    Ok(Response::builder().status(201).header("x-a", "1").header("x-a", "2").body(answer(request).await?)?)
}

async fn stream(request: Request) -> Result<Response<UnsyncBoxBody<Bytes, Error>>, Error> {
    let pauses = asked_to(&request) == "pause";
    let (first, second) = (Bytes::from("first "), Bytes::from(answer(request).await?));
    let second = async move {
        if pauses {
            RELEASED.acquire().await?.forget();
        }
        Ok(Frame::data(second))
    };
    let first = futures_util::stream::iter([Ok(Frame::data(first))]);
    let frames = futures_util::StreamExt::chain(first, futures_util::stream::once(Box::pin(second)));
    Ok(Response::builder().header("content-type", "text/plain").body(StreamBody::new(frames).boxed_unsync())?)
}

async fn answer(request: Request) -> Result<String, Error> {
    if request.uri().path().ends_with("/release") {
        RELEASED.add_permits(1);
    }
    match asked_to(&request).as_str() {
        "fail" => Err("as asked".into()),
        "exit" => std::process::abort(),
        "hang" => std::future::pending().await,
        _ => Ok(describe(&request)),
    }
}

fn asked_to(request: &Request) -> String {
    request.headers().get("x-do").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn describe(request: &Request) -> String {
    let query: Vec<_> = request.query_string_parameters().iter().map(|(k, v)| format!("{k}={v}")).collect();
    let left_ms = request.lambda_context().deadline.saturating_sub(shared::clock::unix_ms());
    json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": query,
        "authorizer": format!("{:?}", request.request_context().authorizer()),
        "body": String::from_utf8_lossy(request.body()),
        "arn": request.lambda_context().invoked_function_arn,
        "in_time": left_ms > 0,
        "variables": std::env::vars().map(|(name, _)| name).collect::<Vec<_>>(),
    })
    .to_string()
}
