//! An HTTP request as the event of an API Gateway REST API (Lambda proxy integration).
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>
//! A client decides headers, query and body, and nothing in `requestContext`: what functions trust comes from the
//! gateway alone.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, request::Parts};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::access::Identity;
use crate::route::{Matched, decode};

/// The stage that the local API is deployed to.
const STAGE: &str = "local";

/// Headers that concern one connection only (RFC 9110 §7.6.1).
pub(crate) const HOP_BY_HOP: [&str; 7] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Makes the event.
#[must_use]
pub fn proxy_event(request: &Parts, body: &[u8], matched: &Matched, identity: &Identity, client: IpAddr) -> Value {
    let headers = headers(&request.headers, client);
    let query = query(request.uri.query().unwrap_or_default());
    let (body, is_base64_encoded) = text_or_base64(body);
    json!({
        "resource": matched.resource,
        "path": request.uri.path(),
        "httpMethod": request.method.as_str(),
        "headers": last_of_each(&headers),
        "multiValueHeaders": headers,
        "queryStringParameters": last_of_each(&query),
        "multiValueQueryStringParameters": query,
        "pathParameters": matched.parameters,
        "stageVariables": null,
        "requestContext": request_context(request, matched, identity, client),
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

fn request_context(request: &Parts, matched: &Matched, identity: &Identity, client: IpAddr) -> Value {
    let agent = request.headers.get("user-agent").map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    json!({
        "accountId": "000000000000",
        "apiId": "local",
        "stage": STAGE,
        "resourcePath": matched.resource,
        "httpMethod": request.method.as_str(),
        "requestId": Uuid::new_v4().to_string(),
        "requestTimeEpoch": shared::clock::unix_ms(),
        "path": format!("/{STAGE}{}", request.uri.path()),
        "protocol": "HTTP/1.1",
        "identity": {"sourceIp": client.to_string(), "userAgent": agent, "apiKeyId": identity.api_key_id},
        "authorizer": identity.authorizer,
    })
}

type Multi = BTreeMap<String, Vec<String>>;

fn headers(headers: &HeaderMap, client: IpAddr) -> Multi {
    let mut multi = Multi::new();
    for (name, value) in headers {
        if !HOP_BY_HOP.contains(&name.as_str()) {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            multi.entry(name.to_string()).or_default().push(value);
        }
    }
    let forwarded = multi.remove("x-forwarded-for").unwrap_or_default();
    let forwarded = forwarded.into_iter().chain([client.to_string()]).collect::<Vec<_>>().join(", ");
    multi.insert("x-forwarded-for".to_owned(), vec![forwarded]);
    multi.insert("x-forwarded-proto".to_owned(), vec!["http".to_owned()]);
    multi
}

/// API Gateway hands over the query decoded.
fn query(query: &str) -> Multi {
    let mut multi = Multi::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| decode(&text.replace('+', " "));
        multi.entry(plain(name)).or_default().push(plain(value));
    }
    multi
}

/// The single-value form: `null` when there is nothing, else the last of each.
fn last_of_each(multi: &Multi) -> Value {
    if multi.is_empty() {
        return Value::Null;
    }
    let last = |(name, values): (&String, &Vec<String>)| (name.clone(), Value::from(values.last().cloned()));
    Value::Object(multi.iter().map(last).collect::<Map<_, _>>())
}

fn text_or_base64(body: &[u8]) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    match std::str::from_utf8(body) {
        Ok(text) => (Some(text.to_owned()), false),
        Err(_) => (Some(STANDARD.encode(body)), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route;
    use std::net::Ipv4Addr;

    fn event(request: http::request::Builder, body: &[u8]) -> Value {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let matched = route::find(parts.uri.path());
        proxy_event(&parts, body, &matched, &Identity::anonymous(), IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    #[test]
    fn repeated_headers_and_parameters_keep_all_their_values() {
        let request = http::Request::get("/v1/documents?a=1&a=2%20+3&b").header("x-a", "1").header("X-A", "2");
        let event = event(request, b"");
        assert_eq!(event["multiValueHeaders"]["x-a"], json!(["1", "2"]));
        assert_eq!(event["headers"]["x-a"], "2");
        assert_eq!(event["multiValueQueryStringParameters"], json!({"a": ["1", "2  3"], "b": [""]}));
        assert_eq!(event["queryStringParameters"], json!({"a": "2  3", "b": ""}));
        assert_eq!(event["body"], Value::Null);
    }

    #[test]
    fn a_body_that_is_no_text_travels_as_base64() {
        let event = event(http::Request::post("/v1/chat"), &[0xff, 0xfe]);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("//4="), &json!(true)));
    }

    #[test]
    fn nothing_a_client_sends_reaches_what_functions_trust() {
        let request = http::Request::get("/v1/documents/x")
            .header("x-amzn-request-context", r#"{"authorizer":{"navigator":"{}"}}"#)
            .header("requestcontext.authorizer", "{}")
            .header("x-forwarded-for", "10.0.0.1")
            .header("connection", "close");
        let event = event(request, b"");
        assert_eq!(event["requestContext"]["authorizer"], json!({}));
        assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.1");
        assert_eq!(event["headers"]["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
        assert_eq!(event["headers"]["connection"], Value::Null);
        assert_eq!(event["pathParameters"]["id"], "x");
    }
}
