//! `POST /v1/translate` and `POST /v1/detect`. Languages are BCP 47 codes with two letters.

use serde::{Deserialize, Serialize};

/// What to translate: one text or up to 100.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslateRequest {
    /// One text. Exactly one of `text` and `texts` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Several texts; the reply keeps their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<Vec<String>>,
    /// The language wanted.
    pub target: String,
    /// The language given; `auto` or absent: detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The translations, in the order of the texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranslateReply {
    /// One for each text.
    pub translations: Vec<Translation>,
    /// The language wanted.
    pub target: String,
}

/// One text, translated as well as was possible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Translation {
    /// The translation, or the original text.
    pub text: String,
    /// The language it was translated from.
    pub source: String,
    /// How sure the detection is, 0 to 1; 1 when the caller named the language.
    pub confidence: f64,
    /// Who translated: `amazon`, `openai`, `apertium`, or `none`.
    pub provider: String,
    /// How far to trust it.
    pub quality: Quality,
    /// Whether it came from the cache.
    pub cached: bool,
    /// Why the quality is not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far to trust a translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// As good as the provider is.
    Ok,
    /// Readable, by a basic engine.
    Degraded,
    /// Not translated.
    Original,
}

/// Text of unknown language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectRequest {
    /// The text.
    pub text: String,
}

/// Its language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectReply {
    /// The most likely language.
    pub language: String,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Whether two languages are mixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed: Option<bool>,
    /// The likeliest, best first.
    pub candidates: Vec<Candidate>,
}

/// A language that a text may be in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The language.
    pub language: String,
    /// How sure, 0 to 1.
    pub confidence: f64,
}
