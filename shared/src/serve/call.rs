//! A request as the functions see it: already identified, bounded and routed.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

use crate::{deadline::Deadline, principal::Principal, problem::Problem};

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method of the route.
    pub method: &'static str,
    /// The pattern of the route.
    pub route: &'static str,
    /// What stands for each `{}` of the pattern, percent-decoded.
    pub params: Vec<String>,
    /// The query string; the last value of each name.
    pub query: BTreeMap<String, String>,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// The body, within the route's bound.
    pub body: Bytes,
    /// When the answer, or the first byte of a stream, must be out.
    pub deadline: Deadline,
    /// When a stream must end: Lambda's own deadline, less the margin.
    pub stream_deadline: Deadline,
    /// Who asks.
    pub principal: Principal,
    /// Ties the log lines of all functions together.
    pub request_id: String,
    /// W3C trace context, passed on as it came.
    pub traceparent: Option<String>,
}

impl Call {
    /// The body as `T`; the problem names the field at fault.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.expect_json()?;
        let text = std::str::from_utf8(&self.body).map_err(|_| Problem::invalid("", "the body is not valid UTF-8"))?;
        if text.trim().is_empty() {
            return Err(Problem::invalid("", "the body is empty; expected a JSON object"));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| describe(&error))?;
        json.end().map_err(|_| Problem::invalid("", "the body goes on after the JSON object"))?;
        Ok(value)
    }

    /// A JSON body may come without a content type, but not with a wrong one.
    fn expect_json(&self) -> Result<(), Problem> {
        let Some(media_type) = self.headers.get(http::header::CONTENT_TYPE) else { return Ok(()) };
        let media_type = media_type.to_str().unwrap_or_default().to_ascii_lowercase();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
        if json { Ok(()) } else { Err(Problem::unsupported_media("application/json")) }
    }
}

/// The field and what was expected there. serde's sentence may quote a value, so only its fixed part is used.
fn describe(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let sentence = error.inner().to_string();
    let path = error.path().to_string();
    let path = if path == "." { String::new() } else { path };
    if error.inner().is_syntax() || error.inner().is_eof() {
        let place = format!("not valid JSON at line {} column {}", error.inner().line(), error.inner().column());
        return Problem::invalid(&path, &place);
    }
    if let Some(name) = quoted(&sentence, "missing field `") {
        return Problem::invalid(&join(&path, name), "is required");
    }
    if sentence.starts_with("unknown field `") {
        return Problem::invalid(&bounded(&path), "is not a known field");
    }
    let expected = sentence.rsplit_once("expected ").map_or("another type", |(_, rest)| rest);
    let expected = expected.split(" at line ").next().unwrap_or_default();
    Problem::invalid(&path, &format!("expected {expected}"))
}

fn quoted<'a>(sentence: &'a str, before: &str) -> Option<&'a str> {
    sentence.strip_prefix(before)?.split('`').next()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The name of an unknown field is the client's own text: short, and without control characters.
fn bounded(path: &str) -> String {
    path.chars().filter(|character| !character.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contract::chat::ChatRequest, problem::Code};
    use std::time::Duration;

    fn call(body: &'static [u8], content_type: Option<&'static str>) -> Call {
        let mut headers = HeaderMap::new();
        if let Some(media_type) = content_type {
            headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(media_type));
        }
        let deadline = Deadline::within(Duration::from_secs(1));
        Call {
            method: "POST",
            route: "/v1/chat",
            params: vec![],
            query: BTreeMap::new(),
            headers,
            body: Bytes::from_static(body),
            deadline,
            stream_deadline: deadline,
            principal: Principal::local(),
            request_id: String::new(),
            traceparent: None,
        }
    }

    fn refusal(body: &'static [u8]) -> (Code, Option<String>, String) {
        let problem = call(body, None).json::<ChatRequest>().unwrap_err();
        (problem.code, problem.field, problem.detail)
    }

    #[tokio::test]
    async fn names_the_field_at_fault() {
        let cases: [(&[u8], Option<&str>); 7] = [
            (br#"{}"#, Some("message")),
            (br#"{"message": 7}"#, Some("message")),
            (br#"{"message": "a", "colection": "b"}"#, Some("colection")),
            (br#"{"message": "a", "stream": "yes"}"#, Some("stream")),
            (br#"{"message": "a""#, None),
            (b"\xff\xfe", None),
            (b"", None),
        ];
        for (body, field) in cases {
            let (code, named, detail) = refusal(body);
            assert_eq!(code, Code::InvalidRequest);
            assert_eq!(named.as_deref().filter(|_| field.is_some()), field, "{detail}");
        }
    }

    #[tokio::test]
    async fn never_quotes_the_value() {
        let (_, _, detail) = refusal(br#"{"message": {"ssn": "078-05-1120"}}"#);
        assert!(!detail.contains("078"), "{detail}");
        let (_, _, detail) = refusal(br#"{"message": "a", "stream": "078-05-1120"}"#);
        assert!(!detail.contains("078"), "{detail}");
    }

    #[tokio::test]
    async fn refuses_another_media_type_and_trailing_text() {
        let problem = call(b"{\"message\": \"a\"}", Some("text/plain")).json::<ChatRequest>().unwrap_err();
        assert_eq!(problem.code, Code::UnsupportedMedia);
        assert!(call(b"{\"message\": \"a\"}", Some("application/json; charset=utf-8")).json::<ChatRequest>().is_ok());
        assert_eq!(refusal(br#"{"message": "a"} {"#).0, Code::InvalidRequest);
    }
}
