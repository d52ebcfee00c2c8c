//! What a provider would answer, before a fault has its way with it.

use axum::{body::Bytes, http::StatusCode};
use serde_json::Value;

/// A complete answer in memory: composing it never waits.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) retry_after: Option<u64>,
    /// Written one by one: the events of a stream, or the whole of a document.
    pub(super) frames: Vec<Bytes>,
}

pub(super) const EVENT_STREAM: &str = "text/event-stream";

impl Reply {
    pub(super) fn json(body: &Value) -> Self {
        Self::with_status(200, body)
    }

    /// `status` outside 100..=999 becomes 500.
    pub(super) fn with_status(status: u16, body: &Value) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type: "application/json",
            retry_after: None,
            frames: vec![Bytes::from(body.to_string())],
        }
    }

    /// Server-sent events: each of `chunks` is one `data:` line, and `[DONE]` ends them.
    pub(super) fn events(chunks: &[Value]) -> Self {
        let events = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
        let done = ["data: [DONE]\n\n".to_owned()];
        Self {
            status: StatusCode::OK,
            content_type: EVENT_STREAM,
            retry_after: None,
            frames: events.chain(done).map(Bytes::from).collect(),
        }
    }

    pub(super) fn body(&self) -> Bytes {
        self.frames.concat().into()
    }

    pub(super) fn is_stream(&self) -> bool {
        self.content_type == EVENT_STREAM
    }
}
