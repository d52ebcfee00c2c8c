//! What a function answers: a whole body, or a stream of pieces.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::problem::Problem;

/// One answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers; identity and timing are added on the way out.
    pub headers: HeaderMap,
    /// The body.
    pub body: ReplyBody,
}

/// A body: there, or still coming.
pub enum ReplyBody {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece; it ends by itself at the call's `stream_deadline`.
    Pieces(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl Reply {
    /// A JSON body.
    pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
        Ok(Self::whole(status, "application/json", body.into()))
    }

    /// 200 with a JSON body.
    pub fn ok<T: Serialize>(value: &T) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, value)
    }

    /// A body of some media type.
    pub fn whole(status: StatusCode, media_type: &'static str, body: Bytes) -> Self {
        Self { status, headers: content_type(media_type), body: ReplyBody::Whole(body) }
    }

    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: ReplyBody::Whole(Bytes::new()) }
    }

    /// 200 with a body that is still coming.
    pub fn pieces(media_type: &'static str, pieces: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self { status: StatusCode::OK, headers: content_type(media_type), body: ReplyBody::Pieces(Box::pin(pieces)) }
    }

    /// The answer for a problem.
    pub(super) fn problem(problem: &Problem, instance: &str, request_id: &str) -> Self {
        let body = serde_json::to_vec(&problem.body(instance, request_id)).unwrap_or_default();
        let mut reply = Self::whole(problem.code.status(), "application/problem+json", body.into());
        if let Some(after) = problem.retry_after {
            let seconds = after.as_millis().div_ceil(1_000).max(1);
            reply.set(header::RETRY_AFTER, &seconds.to_string());
        }
        if let Some(allow) = &problem.allow {
            reply.set(header::ALLOW, allow);
        }
        reply
    }

    /// Sets a header; a value that is not one is left out.
    pub(super) fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }
}

impl ReplyBody {
    /// All of it at once, for hosts that cannot stream.
    pub(super) async fn collect(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Pieces(pieces) => {
                let append = |mut all: BytesMut, piece: Bytes| async move {
                    all.extend_from_slice(&piece);
                    all
                };
                pieces.fold(BytesMut::new(), append).await.freeze()
            }
        }
    }
}

impl std::fmt::Debug for ReplyBody {
    /// Sizes only: a body is patients' text.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(bytes) => write!(formatter, "{} bytes", bytes.len()),
            Self::Pieces(_) => write!(formatter, "a stream"),
        }
    }
}

fn content_type(media_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))])
}
