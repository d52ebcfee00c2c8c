//! The reply to one invocation, buffered or streamed.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout_at;

use super::{accepted, gone};
use crate::invocation::{Claim, Failure, Invocations, Reply, STREAM_BUFFER};
use crate::server::{Answer, json as answer_json};

/// Lambda's limit for a buffered reply: 6 MB and a little.
const MAX_BUFFERED_BYTES: usize = 6 * 1024 * 1024 + 100;
/// Lambda's limit for a streamed reply.
const MAX_STREAMED_BYTES: usize = 200 * 1024 * 1024;

/// Takes a reply in, and tells whoever invoked.
pub(super) async fn receive(invocations: &Invocations, id: &str, request: Request<Incoming>) -> Answer {
    let streamed = is_streamed(request.headers());
    let body = request.into_body();
    let Some(claim) = invocations.claim(id) else {
        discard(body, invocations).await;
        return gone();
    };
    if streamed { stream(claim, body, invocations).await } else { buffer(claim, body, invocations).await }
}

fn is_streamed(headers: &HeaderMap) -> bool {
    headers
        .get("lambda-runtime-function-response-mode")
        .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"))
}

async fn buffer(claim: Claim, mut body: Incoming, invocations: &Invocations) -> Answer {
    let (failure, answer) = match timeout_at(claim.deadline, limited_bytes(&mut body)).await {
        Ok(Ok(bytes)) => {
            claim.settle(Ok(Reply::Buffered(bytes)));
            return accepted();
        }
        Ok(Err(failure)) => {
            let too_large = json!({"errorType": "RequestEntityTooLarge"});
            (failure, answer_json(StatusCode::PAYLOAD_TOO_LARGE, &too_large))
        }
        Err(_) => (Failure::TimedOut(invocations.timeout()), accepted()),
    };
    claim.settle(Err(failure));
    discard(body, invocations).await;
    answer
}

async fn limited_bytes(body: &mut Incoming) -> Result<Bytes, Failure> {
    match Limited::new(body, MAX_BUFFERED_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => Err(too_large(MAX_BUFFERED_BYTES)),
        Err(_) => Err(Failure::Exited),
    }
}

fn too_large(limit: usize) -> Failure {
    let message = format!("the reply is larger than {limit} bytes");
    Failure::Function(json!({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}))
}

async fn stream(claim: Claim, mut body: Incoming, invocations: &Invocations) -> Answer {
    let deadline = claim.deadline;
    let (chunks, receiver) = mpsc::channel(STREAM_BUFFER);
    claim.settle(Ok(Reply::Streamed(receiver)));
    match timeout_at(deadline, forward(&mut body, &chunks)).await {
        Ok(Ok(())) => return accepted(),
        Ok(Err(Some(failure))) => drop(chunks.try_send(Err(failure))),
        // The client is gone. As on Lambda the function is not told and runs to its end.
        Ok(Err(None)) => {}
        Err(_) => drop(chunks.try_send(Err(Failure::TimedOut(invocations.timeout())))),
    }
    drop(chunks);
    discard(body, invocations).await;
    accepted()
}

/// Passes chunks on as they come. Ends with a failure, or with none when nobody reads any more.
async fn forward(body: &mut Incoming, chunks: &mpsc::Sender<Result<Bytes, Failure>>) -> Result<(), Option<Failure>> {
    let mut sent = 0;
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| Failure::Exited)?.into_data() {
            Ok(data) => {
                sent += data.len();
                if sent > MAX_STREAMED_BYTES {
                    return Err(Some(too_large(MAX_STREAMED_BYTES)));
                }
                chunks.send(Ok(data)).await.map_err(|_| None)?;
            }
            Err(frame) => trailers(frame.trailers_ref())?,
        }
    }
    Ok(())
}

/// A function that fails in the middle of a stream says so in trailers.
fn trailers(trailers: Option<&HeaderMap>) -> Result<(), Failure> {
    let text = |name| Some(String::from_utf8_lossy(trailers?.get(name)?.as_bytes()).into_owned());
    match text("lambda-runtime-function-error-type") {
        None => Ok(()),
        Some(kind) => {
            let body = text("lambda-runtime-function-error-body").unwrap_or_default();
            Err(Failure::Function(json!({"errorType": kind, "errorMessage": body})))
        }
    }
}

/// Reads what a process still sends, for at most one more timeout. Closing the connection in its face instead would
/// end one of its workers for good: the Rust runtime gives a worker up when it cannot deliver a reply.
async fn discard(mut body: Incoming, invocations: &Invocations) {
    let read = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = tokio::time::timeout(invocations.timeout(), read).await;
}
