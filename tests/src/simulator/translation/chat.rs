//! Translation by chat: of the whole message, or of a numbered batch as JSON.

use serde_json::{Value, json};

use super::mark;

/// `{"to": "Spanish", "texts": [{"i": 1, "s": ".."}]}` is answered by `{"t": [{"i": 1, "s": ".."}]}`, anything else by
/// the marked message.
pub(in crate::simulator) fn answer(message: &str) -> String {
    let batch: Value = serde_json::from_str(message).unwrap_or_default();
    match batch["texts"].as_array() {
        Some(texts) => json!({ "t": translated(texts, batch["to"].as_str()) }).to_string(),
        None => mark("model", message),
    }
}

fn translated(texts: &[Value], target: Option<&str>) -> Vec<Value> {
    texts
        .iter()
        .map(|text| {
            let marked = mark(target.unwrap_or("model"), text["s"].as_str().unwrap_or_default());
            json!({"i": text["i"], "s": marked})
        })
        .collect()
}
