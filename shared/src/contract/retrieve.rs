//! `POST /v1/retrieve` and `/v1/documents`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Degradation;

/// What to look for, and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrieveRequest {
    /// The question, at most 8,000 characters.
    pub query: String,
    /// The same in the asker's language: searched beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_query: Option<String>,
    /// How many passages, 1 to 50; 5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<usize>,
    /// Which collection; `default` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// Only passages of these documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Whether to rerank; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<bool>,
    /// At most this many passages of one document, 1 to 10; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_document: Option<usize>,
}

/// Which documents count. All conditions that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The document's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// One of these documents, at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_ids: Option<Vec<String>>,
    /// The document's URL begins with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_prefix: Option<String>,
}

/// The passages, best first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrieveReply {
    /// Best first.
    pub passages: Vec<Passage>,
    /// How many were asked for.
    pub asked: usize,
    /// How many there are.
    pub got: usize,
    /// What was left out.
    pub degraded: Vec<Degradation>,
    /// The time of each stage in milliseconds.
    pub timings_ms: BTreeMap<String, f64>,
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// The document's id in its collection.
    pub document_id: String,
    /// Which piece of it, from 0.
    pub chunk: usize,
    /// The document's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The document's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The document's language, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The text.
    pub text: String,
    /// The fused score; comparable within one reply only.
    pub score: f64,
    /// Its place in each list, from 1.
    pub ranks: Ranks,
}

/// Places in the lists that were fused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranks {
    /// By embedding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dense: Option<usize>,
    /// By BM25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lexical: Option<usize>,
    /// By the reranker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<usize>,
}

/// `PUT /v1/documents/{id}`: `text`, or `content_base64` with `media_type`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutDocument {
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_base64: Option<String>,
    /// The file's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Its language; `en` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Who may read it.
    pub visibility: Visibility,
}

/// Who may read a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody.
    Shared,
    /// Its owner.
    #[default]
    Private,
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentStored {
    /// Its id.
    pub document_id: String,
    /// Its collection.
    pub collection: String,
    /// How many pieces it has.
    pub chunks: usize,
    /// Whether anything was written.
    pub changed: bool,
}

/// `GET /v1/documents`: a page of what the asker can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentPage {
    /// In the order of their ids.
    pub documents: Vec<DocumentSummary>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A document without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentSummary {
    /// Its id.
    pub document_id: String,
    /// Its collection.
    pub collection: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its language.
    pub language: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// How many pieces it has.
    pub chunks: usize,
}
