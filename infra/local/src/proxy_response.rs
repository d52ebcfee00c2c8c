//! What a function answered, as the HTTP response that API Gateway would send.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::event::HOP_BY_HOP;
use crate::invocation::{Failure, Reply};
use crate::server::{Answer, Body, full};

/// Between the metadata and the body of a streamed reply.
const DELIMITER: [u8; 8] = [0; 8];
/// API Gateway's limit for the metadata is 16 KB.
const MAX_METADATA_BYTES: usize = 16 * 1024;

/// The reply is no HTTP response.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not the JSON document that a proxy integration wants.
    #[error("the reply is not a proxy response")]
    Document(#[from] serde_json::Error),
    /// The status is no HTTP status, or a header no header.
    #[error("the reply has a status or header that HTTP does not have")]
    Http(#[from] http::Error),
    /// The body says that it is base64 and is not.
    #[error("the body is not base64")]
    Body(#[from] base64::DecodeError),
    /// The stream ended, failed, or went on for too long before its metadata was complete.
    #[error("the stream has no metadata")]
    NoMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, OneOrMany>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    cookies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Buffered {
    #[serde(flatten)]
    head: Head,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Makes the response. A streamed one is returned once its metadata is there.
///
/// # Errors
/// [`Malformed`]
pub async fn from_reply(reply: Reply) -> Result<Answer, Malformed> {
    match reply {
        Reply::Buffered(document) => buffered(&document),
        Reply::Streamed(chunks) => streamed(chunks).await,
    }
}

fn buffered(document: &[u8]) -> Result<Answer, Malformed> {
    let Buffered { head, body, is_base64_encoded } = serde_json::from_slice(document)?;
    let body = body.unwrap_or_default();
    let body = if is_base64_encoded { STANDARD.decode(body)? } else { body.into_bytes() };
    respond(head, full(body))
}

async fn streamed(mut chunks: mpsc::Receiver<Result<Bytes, Failure>>) -> Result<Answer, Malformed> {
    let mut start = BytesMut::new();
    let end = loop {
        let Some(Ok(chunk)) = chunks.recv().await else {
            return Err(Malformed::NoMetadata);
        };
        let searched = start.len().saturating_sub(DELIMITER.len());
        start.extend_from_slice(&chunk);
        if let Some(at) = start[searched..].windows(DELIMITER.len()).position(|window| window == DELIMITER) {
            break searched + at;
        }
        if start.len() > MAX_METADATA_BYTES {
            return Err(Malformed::NoMetadata);
        }
    };
    let body = start.split_off(end).split_off(DELIMITER.len()).freeze();
    respond(serde_json::from_slice(&start)?, stream_body(body, chunks))
}

/// What is left of the first chunks, then the others as they come. A failure breaks the connection off: a client must
/// not take half an answer for a whole one.
fn stream_body(first: Bytes, chunks: mpsc::Receiver<Result<Bytes, Failure>>) -> Body {
    let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
    let frames = first.chain(ReceiverStream::new(chunks)).map(|chunk| Ok(Frame::data(chunk?)));
    StreamBody::new(frames).boxed_unsync()
}

fn respond(head: Head, body: Body) -> Result<Answer, Malformed> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(head.status_code).map_err(http::Error::from)?;
    *response.headers_mut() = headers(head)?;
    Ok(response)
}

/// `multiValueHeaders` win over `headers` of the same name; the length and the framing are the server's business.
fn headers(head: Head) -> Result<HeaderMap, http::Error> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in head.headers.unwrap_or_default() {
        let values = match value {
            OneOrMany::One(value) => vec![value],
            OneOrMany::Many(values) => values,
        };
        all.insert(name.to_ascii_lowercase(), values);
    }
    for (name, values) in head.multi_value_headers.unwrap_or_default() {
        all.insert(name.to_ascii_lowercase(), values);
    }
    all.entry("set-cookie".to_owned()).or_default().extend(head.cookies);
    let mut headers = HeaderMap::new();
    for (name, values) in all.iter().filter(|(name, _)| !is_framing(name)) {
        for value in values {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
    }
    Ok(headers)
}

fn is_framing(name: &str) -> bool {
    name == "content-length" || HOP_BY_HOP.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body_of(answer: Answer) -> Bytes {
        answer.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_buffered_reply_keeps_repeated_headers() {
        let document = br#"{"statusCode":201,"headers":{"X-A":"0","content-length":"99"},
            "multiValueHeaders":{"x-a":["1","2"]},"body":"aGk=","isBase64Encoded":true}"#;
        let answer = buffered(document).unwrap();
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert!(!answer.headers().contains_key("content-length"));
        assert_eq!(body_of(answer).await, "hi");
    }

    #[tokio::test]
    async fn metadata_may_be_cut_anywhere() {
        let whole = b"{\"statusCode\":200,\"headers\":{\"a\":[\"1\",\"2\"]},\"cookies\":[\"c=1\"]}\0\0\0\0\0\0\0\0body";
        for cut in 1..whole.len() {
            let (sender, chunks) = mpsc::channel(2);
            sender.send(Ok(Bytes::copy_from_slice(&whole[..cut]))).await.unwrap();
            sender.send(Ok(Bytes::copy_from_slice(&whole[cut..]))).await.unwrap();
            drop(sender);
            let answer = streamed(chunks).await.unwrap();
            assert_eq!(answer.headers()["set-cookie"], "c=1");
            assert_eq!(answer.headers().get_all("a").iter().count(), 2);
            assert_eq!(body_of(answer).await, "body", "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn what_is_no_response_is_refused() {
        for document in ["", "null", "{}", r#"{"statusCode":9}"#, r#"{"statusCode":200,"headers":{"a b":"c"}}"#] {
            assert!(buffered(document.as_bytes()).is_err(), "{document}");
        }
        let (sender, chunks) = mpsc::channel(1);
        drop(sender);
        assert!(matches!(streamed(chunks).await, Err(Malformed::NoMetadata)));
    }

    #[tokio::test]
    async fn a_failure_in_the_middle_breaks_the_body_off() {
        let (sender, chunks) = mpsc::channel(2);
        sender.send(Ok(Bytes::from_static(b"{\"statusCode\":200}\0\0\0\0\0\0\0\0half"))).await.unwrap();
        sender.send(Err(Failure::Exited)).await.unwrap();
        drop(sender);
        assert!(streamed(chunks).await.unwrap().into_body().collect().await.is_err());
    }
}
