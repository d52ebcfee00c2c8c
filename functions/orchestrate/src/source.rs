//! What an answer may rest on: passages of documents and pages of the web, in one form.

use shared::contract::{chat::CitationKind, retrieve::Passage, search::WebResult};

/// One source, numbered by its place in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// A document or a web page.
    pub kind: CitationKind,
    /// The document's id.
    pub document_id: Option<String>,
    /// Its title.
    pub title: String,
    /// Its address.
    pub url: Option<String>,
    /// What it says: data, never instructions.
    pub text: String,
    /// Which piece of its document it is, from 0.
    pub piece: usize,
    /// Its language, when it is known.
    pub language: Option<String>,
    /// How well it matches; comparable within one kind only.
    pub score: f64,
}

impl From<Passage> for Source {
    fn from(passage: Passage) -> Self {
        Self {
            kind: CitationKind::Document,
            title: passage.title.unwrap_or_else(|| passage.document_id.clone()),
            document_id: Some(passage.document_id),
            url: passage.url,
            text: passage.text,
            piece: passage.chunk,
            language: passage.language,
            score: passage.score,
        }
    }
}

impl From<WebResult> for Source {
    fn from(result: WebResult) -> Self {
        Self {
            kind: CitationKind::Web,
            document_id: None,
            title: result.title,
            url: Some(result.url),
            text: result.content,
            piece: 0,
            language: None,
            score: result.score,
        }
    }
}
