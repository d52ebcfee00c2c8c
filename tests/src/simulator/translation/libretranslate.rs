//! LibreTranslate's shape: `POST /translate`, `GET /languages`, `GET /health`.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::mark;
use crate::simulator::{received::Received, reply::Reply};

const LANGUAGES: [(&str, &str); 5] =
    [("en", "English"), ("es", "Spanish"), ("fr", "French"), ("vi", "Vietnamese"), ("zh", "Chinese")];
const CONFIDENCE: f64 = 90.0;

pub(in crate::simulator) fn answer(request: &Received) -> Reply {
    if request.is(&Method::POST, "/translate") {
        return translate(&request.fields());
    }
    if request.is(&Method::GET, "/languages") {
        return Reply::json(&languages());
    }
    if request.is(&Method::GET, "/health") {
        return Reply::json(&json!({"status": "ok"}));
    }
    error(404, "Not Found")
}

/// `{"error": message}`.
pub(in crate::simulator) fn error(status: u16, message: &str) -> Reply {
    Reply::with_status(status, &json!({ "error": message }))
}

fn translate(fields: &Map<String, Value>) -> Reply {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let (Some(q), Some(source), Some(target)) = (fields.get("q"), text("source"), text("target")) else {
        return error(400, "Invalid request: missing q, source or target parameter");
    };
    if let Some(unknown) = [source, target].into_iter().find(|code| !supported(code)) {
        return error(400, &format!("{unknown} is not supported"));
    }
    let Some(translated) = each(q, |text| Value::String(mark(target, text))) else {
        return error(400, "Invalid request: q is neither a text nor a list of texts");
    };
    let mut body = json!({ "translatedText": translated });
    if source == "auto" {
        body["detectedLanguage"] = each(q, detected).unwrap_or_default();
    }
    Reply::json(&body)
}

/// Applies `f` to a text, or to every text of a list.
fn each(q: &Value, f: impl Fn(&str) -> Value) -> Option<Value> {
    match q {
        Value::String(text) => Some(f(text)),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(&f)).collect(),
        _ => None,
    }
}

fn supported(code: &str) -> bool {
    code == "auto" || LANGUAGES.iter().any(|(known, _)| *known == code)
}

/// Spanish when a letter or mark says so, else English.
fn detected(text: &str) -> Value {
    let spanish = text.contains(['¿', '¡', 'ñ', 'á', 'é', 'í', 'ó', 'ú']);
    let language = if spanish { "es" } else { "en" };
    json!({"confidence": CONFIDENCE, "language": language})
}

fn languages() -> Value {
    let codes = LANGUAGES.map(|(code, _)| code);
    LANGUAGES.iter().map(|(code, name)| json!({"code": code, "name": name, "targets": codes})).collect()
}
