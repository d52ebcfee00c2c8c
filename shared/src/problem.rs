//! One answer for each outcome: RFC 9457 problem details with a stable `code`.
//!
//! A problem is made only from its own words: no source error, address, query or patient text can reach it.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::{deadline::Elapsed, dependency::CallError, gate::Overloaded};

/// What went wrong, by what the caller can do next. The names are API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// 400: change the request.
    InvalidRequest,
    /// 401: say who you are.
    Unauthorized,
    /// 403: you may not.
    Forbidden,
    /// 404: there is no such thing.
    NotFound,
    /// 405: there is, but not with this method.
    MethodNotAllowed,
    /// 413: send less.
    TooLarge,
    /// 415: send another format.
    UnsupportedMedia,
    /// 422: refused for safety.
    Blocked,
    /// 429: come back later.
    Overloaded,
    /// 504: no time was left.
    DeadlineExceeded,
    /// 503: something needed is missing or down.
    DependencyUnavailable,
    /// 500: our fault.
    Internal,
}

/// A refusal or failure on its way to the client.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// One sentence for people.
    pub detail: String,
    /// The field at fault, when there is one.
    pub field: Option<String>,
    /// The dependency that is missing or down, when there is one.
    pub dependency: Option<String>,
    /// When coming back makes sense.
    pub retry_after: Option<Duration>,
    /// The methods that exist, for 405.
    pub allow: Option<String>,
}

/// A problem as it is sent (`application/problem+json`).
#[derive(Clone, Debug, Serialize)]
pub struct ProblemBody<'a> {
    /// Identifies the kind of problem; stable.
    pub r#type: String,
    /// The kind, in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: &'a str,
    /// The path that was asked.
    pub instance: &'a str,
    /// The stable code.
    pub code: Code,
    /// The request's id, as in `x-request-id`.
    pub request_id: &'a str,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'a str>,
    /// The dependency that is missing or down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency: Option<&'a str>,
    /// When coming back makes sense, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Code {
    /// Its HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Blocked => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Self::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Self::DependencyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The word that clients and metrics see.
    pub fn label(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::UnsupportedMedia => "unsupported_media",
            Self::Blocked => "blocked",
            Self::Overloaded => "overloaded",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::DependencyUnavailable => "dependency_unavailable",
            Self::Internal => "internal",
        }
    }
}

impl Problem {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None, dependency: None, retry_after: None, allow: None }
    }

    /// 400: `field` is not what was `expected`.
    pub fn invalid(field: &str, expected: &str) -> Self {
        let detail = if field.is_empty() { expected.to_owned() } else { format!("`{field}`: {expected}") };
        Self { field: (!field.is_empty()).then(|| field.to_owned()), ..Self::new(Code::InvalidRequest, detail) }
    }

    /// 401: no identity came with the request.
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "the request does not say who sent it")
    }

    /// 403: `what` is not permitted to this principal.
    pub fn forbidden(what: &str) -> Self {
        Self::new(Code::Forbidden, what)
    }

    /// 404: `what` does not exist.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("{what} does not exist"))
    }

    /// 405, with the methods that the path has.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self {
            allow: Some(allow.to_owned()),
            ..Self::new(Code::MethodNotAllowed, format!("this path answers to {allow}"))
        }
    }

    /// 413: `field` is longer than `limit` `unit`s.
    pub fn too_large(field: &str, limit: usize, unit: &str) -> Self {
        let detail = format!("`{field}`: at most {limit} {unit}");
        Self { field: Some(field.to_owned()), ..Self::new(Code::TooLarge, detail) }
    }

    /// 415: what is accepted instead.
    pub fn unsupported_media(expected: &str) -> Self {
        Self::new(Code::UnsupportedMedia, format!("expected {expected}"))
    }

    /// 422: the guardrails refused.
    pub fn blocked(detail: &str) -> Self {
        Self::new(Code::Blocked, detail)
    }

    /// 429: full; come back after `retry_after`.
    pub fn overloaded(retry_after: Duration) -> Self {
        let detail = "too many requests at once; nothing was started";
        Self { retry_after: Some(retry_after), ..Self::new(Code::Overloaded, detail) }
    }

    /// 504: no time was left for `what`.
    pub fn deadline(what: &str) -> Self {
        Self::new(Code::DeadlineExceeded, format!("no time was left for {what}"))
    }

    /// 503: `dependency` is missing or down.
    pub fn unavailable(dependency: &str, reason: &str) -> Self {
        let detail = format!("{dependency} is not available ({reason})");
        Self { dependency: Some(dependency.to_owned()), ..Self::new(Code::DependencyUnavailable, detail) }
    }

    /// 500: our fault; the log has the cause under the request's id.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "an internal error; the request id finds it in the log")
    }

    /// With the time after which coming back makes sense.
    pub fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// The form in which it is sent.
    pub fn body<'a>(&'a self, instance: &'a str, request_id: &'a str) -> ProblemBody<'a> {
        let status = self.code.status();
        ProblemBody {
            r#type: format!("urn:navigator:problem:{}", self.code.label()),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: &self.detail,
            instance,
            code: self.code,
            request_id,
            field: self.field.as_deref(),
            dependency: self.dependency.as_deref(),
            retry_after_ms: self.retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}

impl From<Elapsed> for Problem {
    fn from(Elapsed(what): Elapsed) -> Self {
        Self::deadline(what)
    }
}

impl From<Overloaded> for Problem {
    fn from(full: Overloaded) -> Self {
        Self::overloaded(full.retry_after)
    }
}

impl<E> From<CallError<E>> for Problem {
    /// The answer when a *required* dependency gave none.
    fn from(error: CallError<E>) -> Self {
        match error {
            CallError::Expired { dependency } => Self::deadline(dependency),
            CallError::Refused { retry_after, .. } | CallError::RateLimited { retry_after, .. } => {
                Self::overloaded(retry_after)
            }
            CallError::Open { dependency, retry_after, .. } => {
                Self::unavailable(dependency, error.reason()).retry_after(retry_after)
            }
            CallError::Timeout { dependency } => Self::unavailable(dependency, "timeout"),
            CallError::Fault { dependency, .. } => Self::unavailable(dependency, "fault"),
        }
    }
}
