//! Apertium APy's shape: `GET` and `POST /translate?langpair=eng|spa&q=...`, `GET /listPairs`.

use serde_json::{Map, Value, json};

use super::mark;
use crate::simulator::{received::Received, reply::Reply};

/// Pairs by ISO 639-3; APy takes two-letter codes as well.
const PAIRS: [(&str, &str); 2] = [("eng", "spa"), ("spa", "eng")];

pub(in crate::simulator) fn answer(request: &Received) -> Reply {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET" | "POST", "/translate") => translate(&request.fields()),
        ("GET" | "POST", "/listPairs") => success(&pairs()),
        _ => error(404, "Not Found"),
    }
}

/// `{status, code, message, explanation}`.
pub(in crate::simulator) fn error(status: u16, explanation: &str) -> Reply {
    let message = match status {
        400 => "Bad Request",
        404 => "Resource Not Found",
        503 => "Service Unavailable",
        _ => "Error",
    };
    let body = json!({"status": "error", "code": status, "message": message, "explanation": explanation});
    Reply::with_status(status, &body)
}

fn translate(fields: &Map<String, Value>) -> Reply {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let Some(langpair) = text("langpair") else {
        return error(400, "Missing argument langpair");
    };
    let Some(q) = text("q") else {
        return error(400, "Missing argument q");
    };
    let Some((source, target)) = langpair.split_once('|') else {
        return error(400, "That pair is invalid, use e.g. eng|spa");
    };
    if !PAIRS.contains(&(iso639_3(source), iso639_3(target))) {
        return error(400, "That pair is not installed");
    }
    success(&json!({"translatedText": mark(target, q)}))
}

fn success(data: &Value) -> Reply {
    Reply::json(&json!({"responseData": data, "responseDetails": null, "responseStatus": 200}))
}

fn pairs() -> Value {
    PAIRS.iter().map(|(source, target)| json!({"sourceLanguage": source, "targetLanguage": target})).collect()
}

fn iso639_3(code: &str) -> &str {
    match code {
        "en" => "eng",
        "es" => "spa",
        _ => code,
    }
}
