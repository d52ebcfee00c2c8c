//! Chat completions, whole and streamed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{CREATED, composition, missing, tokens};
use crate::simulator::{reply::Reply, translation};

const ID: &str = "chatcmpl-simulated";

#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    model: String,
    #[serde(default)]
    messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

impl Ask {
    fn wants_usage(&self) -> bool {
        let options = self.stream_options.as_ref();
        options.and_then(|options| options.include_usage).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
}

impl Message {
    /// The text, be the content a string or a list of parts.
    fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => String::new(),
        }
    }
}

pub(super) fn answer(body: &Value) -> Reply {
    let ask = match Ask::deserialize(body) {
        Ok(ask) => ask,
        Err(reason) => return super::error(400, &reason.to_string(), None),
    };
    if ask.model.is_empty() {
        return missing("model");
    }
    if ask.messages.is_empty() {
        return missing("messages");
    }
    let text = said(&ask.messages);
    let usage = usage(&ask.messages, &text);
    if ask.stream.unwrap_or_default() {
        return Reply::events(&chunks(&ask, &text, &usage));
    }
    Reply::json(&completion(&ask.model, &text, &usage))
}

/// A translation when the instructions ask for one, else an answer from the sources in the prompt.
fn said(messages: &[Message]) -> String {
    let (instructions, turns): (Vec<_>, Vec<_>) =
        messages.iter().partition(|message| matches!(message.role.as_str(), "system" | "developer"));
    let translates = instructions.iter().any(|message| message.text().to_lowercase().contains("translat"));
    if translates {
        let text = turns.last().map(|message| message.text());
        return translation::chat::answer(&text.unwrap_or_default());
    }
    let prompt: Vec<_> = messages.iter().map(Message::text).collect();
    composition::answer(&prompt.join("\n"))
}

fn usage(messages: &[Message], text: &str) -> Value {
    let prompt: usize = messages.iter().map(|message| tokens(&message.text())).sum();
    let completion = tokens(text);
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    })
}

fn completion(model: &str, text: &str, usage: &Value) -> Value {
    let message = json!({"role": "assistant", "content": text, "refusal": null, "annotations": []});
    json!({
        "id": ID,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "system_fingerprint": "simulated",
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
        "usage": usage,
    })
}

/// The role, the words one by one, the end, and the usage when it was asked for.
fn chunks(ask: &Ask, text: &str, usage: &Value) -> Vec<Value> {
    let mut deltas = vec![(json!({"role": "assistant", "content": ""}), None)];
    let words = text.split_inclusive(' ');
    deltas.extend(words.map(|word| (json!({ "content": word }), None)));
    deltas.push((json!({}), Some("stop")));
    let mut chunks: Vec<_> = deltas
        .into_iter()
        .map(|(delta, end)| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": end}]))
        .map(|choices| chunk(&ask.model, &choices))
        .collect();
    if ask.wants_usage() {
        let mut last = chunk(&ask.model, &json!([]));
        last["usage"] = usage.clone();
        chunks.push(last);
    }
    chunks
}

fn chunk(model: &str, choices: &Value) -> Value {
    json!({
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "system_fingerprint": "simulated",
        "choices": choices,
    })
}
