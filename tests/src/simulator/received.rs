//! A request as a provider received it.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, request::Parts};
use reqwest::Url;
use serde::Serialize;
use serde_json::{Map, Value};

/// A request as it came over the wire, already stripped of the provider's base path.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// `POST`, `GET`, ...
    pub method: String,
    /// After the base path, e.g. `/chat/completions`.
    pub path: String,
    /// As it came, percent-encoded; empty when there was none.
    pub query: String,
    /// By lower-case name; values of a repeated header are joined by a comma. Credentials are kept.
    pub headers: BTreeMap<String, String>,
    /// The body; bytes that are not UTF-8 are replaced by U+FFFD.
    pub body: String,
}

impl Received {
    pub(super) fn new(parts: &Parts, path: &str, body: &[u8]) -> Self {
        Self {
            method: parts.method.to_string(),
            path: path.to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: joined(&parts.headers),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }

    /// True when `needle` is in the path, the query (decoded), a header or the body.
    #[must_use]
    pub fn contains(&self, needle: &str) -> bool {
        let query = pairs(&self.query);
        [&self.path, &self.query, &self.body]
            .into_iter()
            .chain(self.headers.values())
            .chain(query.values())
            .any(|text| text.contains(needle))
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Bytes of what is kept.
    pub(super) fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.path.len() + self.query.len() + self.body.len() + headers
    }

    /// The fields of the query and of the body, be it a form or a JSON object. The body wins.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = strings(pairs(&self.query));
        match self.json() {
            Value::Object(object) => fields.extend(object),
            _ => fields.extend(strings(pairs(&self.body))),
        }
        fields
    }

    pub(super) fn is(&self, method: &Method, path: &str) -> bool {
        self.method == method.as_str() && self.path == path
    }

    /// The key of `Authorization: Bearer <key>`, when it is there and not empty.
    pub(super) fn bearer(&self) -> Option<&str> {
        let key = self.headers.get("authorization")?.strip_prefix("Bearer ")?;
        Some(key.trim()).filter(|key| !key.is_empty())
    }
}

fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.to_string())
            .and_modify(|known| {
                known.push_str(", ");
                known.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    joined
}

/// Decodes `application/x-www-form-urlencoded` text, by the URL standard's parser.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let Ok(mut url) = Url::parse("http://localhost/") else {
        return BTreeMap::new();
    };
    url.set_query(Some(text));
    url.query_pairs().into_owned().collect()
}

fn strings(pairs: BTreeMap<String, String>) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}
