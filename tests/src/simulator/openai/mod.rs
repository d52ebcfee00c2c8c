//! A model provider in OpenAI's shape: `POST /chat/completions`, `POST /embeddings`, `GET /models`.

mod chat;
mod composition;
mod embedding;

use axum::http::Method;
use serde_json::{Value, json};

use super::{received::Received, reply::Reply};

/// Creation time of everything here, in seconds of the epoch: answers do not depend on the clock.
const CREATED: u64 = 1_750_000_000;

pub(super) fn answer(request: &Received) -> Reply {
    if request.bearer().is_none() {
        return error(401, "Incorrect API key provided.", None);
    }
    if request.is(&Method::POST, "/chat/completions") {
        return chat::answer(&request.json());
    }
    if request.is(&Method::POST, "/embeddings") {
        return embedding::answer(&request.json());
    }
    if request.is(&Method::GET, "/models") {
        return Reply::json(&models());
    }
    let message = format!("Invalid URL ({} {})", request.method, request.path);
    error(404, &message, None)
}

/// One vector too many, and of two numbers.
pub(super) fn nonsense() -> Reply {
    let vector = |index| json!({"object": "embedding", "index": index, "embedding": [0.6, 0.8]});
    Reply::json(&json!({"object": "list", "model": "simulated", "data": [vector(0), vector(1)]}))
}

/// `{"error": {message, type, param, code}}`; `param` names the field that is wrong.
pub(super) fn error(status: u16, message: &str, param: Option<&str>) -> Reply {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        429 => ("requests", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    let error = json!({"message": message, "type": kind, "param": param, "code": code});
    Reply::with_status(status, &json!({ "error": error }))
}

fn missing(param: &str) -> Reply {
    let message = format!("Missing required parameter: '{param}'.");
    error(400, &message, Some(param))
}

fn models() -> Value {
    let model = json!({"id": "simulated", "object": "model", "created": CREATED, "owned_by": "simulator"});
    json!({"object": "list", "data": [model]})
}

/// Four characters to a token, the usual rule of thumb for English.
fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}
