//! Embeddings: hashed words, so that texts which share words are near each other.

use serde_json::{Value, json};

use super::{error, missing, tokens};
use crate::simulator::reply::Reply;

const DIMENSIONS: u64 = 384;
const MAX_DIMENSIONS: u64 = 1_536;
const MAX_TEXTS: usize = 256;

pub(super) fn answer(body: &Value) -> Reply {
    let Some(model) = body["model"].as_str() else {
        return missing("model");
    };
    let Some(texts) = texts(&body["input"]) else {
        return missing("input");
    };
    if texts.len() > MAX_TEXTS {
        return error(400, "Too many inputs: the simulator takes 256.", Some("input"));
    }
    let asked = body["dimensions"].as_u64().unwrap_or(DIMENSIONS);
    let size = match usize::try_from(asked) {
        Ok(size) if (1..=MAX_DIMENSIONS).contains(&asked) => size,
        _ => return error(400, "Invalid value for 'dimensions'.", Some("dimensions")),
    };
    let used: usize = texts.iter().map(|text| tokens(text)).sum();
    let data: Vec<_> = texts.iter().enumerate().map(|(index, text)| item(index, text, size)).collect();
    Reply::json(&json!({
        "object": "list",
        "model": model,
        "data": data,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }))
}

fn texts(input: &Value) -> Option<Vec<&str>> {
    match input {
        Value::String(text) => Some(vec![text]),
        Value::Array(items) if !items.is_empty() => items.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn item(index: usize, text: &str, size: usize) -> Value {
    json!({"object": "embedding", "index": index, "embedding": embed(text, size)})
}

/// One count per hash of a lower-case word, scaled to length 1. The empty text is the first unit vector.
fn embed(text: &str, size: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; size];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        if !word.is_empty() {
            vector[bucket(word, size)] += 1.0;
        }
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length == 0.0 {
        vector[0] = 1.0;
        return vector;
    }
    vector.iter().map(|x| x / length).collect()
}

/// FNV-1a.
fn bucket(word: &str, size: usize) -> usize {
    let hash = word
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    usize::try_from(hash % size as u64).unwrap_or_default()
}
