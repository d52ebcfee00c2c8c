//! One answer for each outcome: RFC 9457 problem details with a stable `code`.
//!
//! A problem is made only from its own words: no source error, address, query or patient text can reach it.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::{
    deadline::Elapsed,
    dependency::{CallError, Classify},
    gate::Overloaded,
};

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
    pub dependency: Option<Box<str>>,
    /// A stable word for why, such as `circuit_open`, when there is one.
    pub reason: Option<Box<str>>,
    /// When coming back makes sense.
    pub retry_after: Option<Duration>,
    /// The methods that exist, for 405.
    pub allow: Option<Box<str>>,
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
    /// A stable word for why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
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
        let detail = detail.into();
        Self { code, detail, field: None, dependency: None, reason: None, retry_after: None, allow: None }
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
        Self { allow: Some(allow.into()), ..Self::new(Code::MethodNotAllowed, format!("this path answers to {allow}")) }
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
        Self::new(Code::DependencyUnavailable, detail).about(dependency, reason)
    }

    /// 500: our fault; the log has the cause under the request's id.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "an internal error; the request id finds it in the log")
    }

    /// With the dependency concerned and a stable word for why.
    fn about(self, dependency: &str, reason: &str) -> Self {
        Self { dependency: Some(dependency.into()), reason: Some(reason.into()), ..self }
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
            reason: self.reason.as_deref(),
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

impl<E: Classify> From<CallError<E>> for Problem {
    /// The answer when a *required* dependency gave none. What we limit ourselves is 429, what it does not give is 503.
    fn from(error: CallError<E>) -> Self {
        let (dependency, reason) = (error.dependency(), error.reason());
        let problem = match error {
            CallError::Expired { dependency } => return Self::deadline(dependency),
            CallError::Refused { retry_after, .. } | CallError::RateLimited { retry_after, .. } => {
                return Self::overloaded(retry_after).about(dependency, reason);
            }
            CallError::Open { .. } | CallError::Timeout { .. } | CallError::Fault { .. } => {
                Self::unavailable(dependency, reason)
            }
        };
        Self { retry_after: error.retry_after(), ..problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{breaker::Refusal, dependency::Verdict};

    #[derive(Debug)]
    struct Ends(Verdict);

    impl Classify for Ends {
        fn verdict(&self) -> Verdict {
            self.0
        }
    }

    const SOON: Duration = Duration::from_millis(1_500);

    #[test]
    fn each_end_of_a_call_has_its_answer() {
        let dependency = "tavily";
        let open = |why| CallError::Open { dependency, retry_after: SOON, why };
        let fault = |verdict| CallError::Fault { dependency, source: Ends(verdict) };
        for (error, code, reason, retry_after) in [
            (open(Refusal::Open), Code::DependencyUnavailable, Some("circuit_open"), Some(SOON)),
            (open(Refusal::ForcedOpen), Code::DependencyUnavailable, Some("circuit_open"), Some(SOON)),
            (open(Refusal::Parked), Code::DependencyUnavailable, Some("parked"), Some(SOON)),
            (
                CallError::RateLimited { dependency, retry_after: SOON },
                Code::Overloaded,
                Some("rate_limited"),
                Some(SOON),
            ),
            (CallError::Refused { dependency, retry_after: SOON }, Code::Overloaded, Some("overloaded"), Some(SOON)),
            (CallError::Timeout { dependency }, Code::DependencyUnavailable, Some("timeout"), None),
            (CallError::Expired { dependency }, Code::DeadlineExceeded, None, None),
            (fault(Verdict::Fault), Code::DependencyUnavailable, Some("fault"), None),
            (fault(Verdict::Limited(Some(SOON))), Code::DependencyUnavailable, Some("rate_limited"), Some(SOON)),
            (fault(Verdict::Exhausted), Code::DependencyUnavailable, Some("quota"), None),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.code, problem.reason.as_deref(), problem.retry_after), (code, reason, retry_after));
            assert_eq!(problem.dependency.is_some(), reason.is_some());
        }
    }
}
