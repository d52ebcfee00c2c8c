//! `POST /v1/chat`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Degradation, sanitize::Action};

/// A patient's question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// The question, 1 to 8,000 characters.
    pub message: String,
    /// The conversation it belongs to; echoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// The language of question and answer; detected when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The collection to answer from; `default` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Whether to answer as server-sent events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
}

/// The answer, with everything that is known of how it came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatReply {
    /// The reply's id.
    pub id: String,
    /// The conversation's id.
    pub conversation_id: String,
    /// The answer, each sentence with its citation.
    pub answer: String,
    /// The answer's language; `original` in `degraded` says when it could not be the asker's.
    pub language: String,
    /// What the answer rests on.
    pub citations: Vec<Citation>,
    /// What was left out.
    pub degraded: Vec<Degradation>,
    /// What the guardrails did.
    pub safety: Safety,
    /// The tools that ran.
    pub tools: Vec<ToolRun>,
    /// The time of each stage in milliseconds.
    pub timings_ms: BTreeMap<String, f64>,
    /// What the chat model counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// Where a sentence of the answer comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// Its number in the answer, as in `[1]`.
    pub index: usize,
    /// A document or a web page.
    pub kind: CitationKind,
    /// The document's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// Its title.
    pub title: String,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it says.
    pub snippet: String,
    /// How well it matches; comparable within one reply only.
    pub score: f64,
    /// First code point of the answer that it supports.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
}

/// What is cited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CitationKind {
    /// A document of the collection.
    Document,
    /// A page of the web.
    Web,
}

/// What the guardrails did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Safety {
    /// The strictest action taken.
    pub action: Action,
    /// How many of each kind were found.
    pub findings: Vec<FindingCount>,
}

/// How many of one kind were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingCount {
    /// `phi.ssn`, `injection`, ...
    pub kind: String,
    /// The group of the kind.
    pub category: String,
    /// How many.
    pub count: usize,
}

/// One tool's run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolRun {
    /// `retrieve` or `search`.
    pub name: String,
    /// Which wave, from 1.
    pub wave: usize,
    /// `ok`, or the reason why it brought nothing: `circuit_open`, `timeout`, `overloaded`, `fault`, `not_configured`, ...
    pub outcome: String,
    /// Its time in milliseconds.
    pub ms: f64,
}

/// What the chat model counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
}
