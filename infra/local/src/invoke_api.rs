//! AWS Lambda's own Invoke, so that `aws-sdk-lambda` reaches the local functions with nothing but an endpoint.
//!
//! Only synchronous invocations: an asynchronous one would need a queue that survives us, and nothing here uses it.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::invocation::{Failure, Invocations, Reply};
use crate::runtime_api::arn;
use crate::server::{Answer, Limits, Server, full, json as answer_json};

/// The functions that can be invoked, by name.
pub type Functions = Arc<BTreeMap<String, Arc<Invocations>>>;

/// Lambda's limit for a synchronous payload.
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;
const LIMITS: Limits = Limits { connections: 4096, head: Some(Duration::from_secs(120)) };

/// Serves Invoke on `listener`.
///
/// # Errors
/// When the listener has no address.
pub fn serve(listener: TcpListener, functions: Functions) -> Result<Server> {
    let handler = move |request, _| {
        let functions = Arc::clone(&functions);
        async move { route(&functions, request).await.unwrap_or_else(|refusal| refusal.answer()) }
    };
    Ok(Server::start(listener, LIMITS, handler)?)
}

/// Why an invocation was not made: status, exception, message.
struct Refusal(StatusCode, &'static str, String);

impl Refusal {
    fn answer(&self) -> Answer {
        let Self(status, exception, message) = self;
        let document = match *status {
            StatusCode::TOO_MANY_REQUESTS => {
                json!({"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User", "message": message})
            }
            _ => json!({"Type": "User", "Message": message}),
        };
        let mut answer = answer_json(*status, &document);
        answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(exception));
        if *status == StatusCode::TOO_MANY_REQUESTS {
            answer.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

async fn route(functions: &Functions, request: Request<Incoming>) -> Result<Answer, Refusal> {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), segments.as_slice()) {
        (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) => {
            let invocations = find(functions, name)?;
            invoke(&invocations, request).await
        }
        _ => Err(Refusal(StatusCode::NOT_FOUND, "UnknownOperationException", "only Invoke is served".to_owned())),
    }
}

/// A function by name or by (partial) ARN, percent-encoded or not.
fn find(functions: &Functions, name: &str) -> Result<Arc<Invocations>, Refusal> {
    let name = name.replace("%3A", ":");
    let name = name.split_once(":function:").map_or(name.as_str(), |(_, rest)| rest);
    let name = name.split(':').next().unwrap_or(name);
    let missing = || {
        let message = format!("Function not found: {}", arn(name));
        Refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", message)
    };
    functions.get(name).cloned().ok_or_else(missing)
}

async fn invoke(invocations: &Invocations, request: Request<Incoming>) -> Result<Answer, Refusal> {
    only_synchronous(&request)?;
    let payload = payload(request.into_body()).await?;
    match whole(invocations.invoke(payload).await).await {
        Ok(reply) => Ok(reply_of(full(reply), None)),
        Err(Failure::Throttled) => {
            Err(Refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.".to_owned()))
        }
        Err(failure) => Ok(reply_of(full(failure.document().to_string()), Some("Unhandled"))),
    }
}

fn only_synchronous(request: &Request<Incoming>) -> Result<(), Refusal> {
    match request.headers().get("x-amz-invocation-type").map(HeaderValue::as_bytes) {
        None | Some(b"RequestResponse") => Ok(()),
        Some(_) => {
            let message = "only RequestResponse is served locally".to_owned();
            Err(Refusal(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message))
        }
    }
}

async fn payload(body: Incoming) -> Result<Bytes, Refusal> {
    let Ok(collected) = Limited::new(body, MAX_PAYLOAD_BYTES).collect().await else {
        let message =
            format!("Request must be smaller than {MAX_PAYLOAD_BYTES} bytes for the InvokeFunction operation");
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", message));
    };
    let payload = collected.to_bytes();
    let payload = if payload.is_empty() { Bytes::from_static(b"null") } else { payload };
    match serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(_) => {
            let message = "Could not parse request body into json".to_owned();
            Err(Refusal(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message))
        }
    }
}

/// A streamed reply is gathered, as Invoke does.
async fn whole(outcome: Result<Reply, Failure>) -> Result<Bytes, Failure> {
    match outcome? {
        Reply::Buffered(bytes) => Ok(bytes),
        Reply::Streamed(chunks) => gather(chunks).await,
    }
}

async fn gather(mut chunks: mpsc::Receiver<Result<Bytes, Failure>>) -> Result<Bytes, Failure> {
    let mut gathered = BytesMut::new();
    while let Some(chunk) = chunks.recv().await {
        gathered.extend_from_slice(&chunk?);
        if gathered.len() > MAX_PAYLOAD_BYTES {
            let document: Value = json!({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "over 6 MB"});
            return Err(Failure::Function(document));
        }
    }
    Ok(gathered.freeze())
}

fn reply_of(body: crate::server::Body, error: Option<&'static str>) -> Answer {
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("x-amz-executed-version"), HeaderValue::from_static("$LATEST"));
    if let Some(error) = error {
        headers.insert(HeaderName::from_static("x-amz-function-error"), HeaderValue::from_static(error));
    }
    answer
}
