//! `POST /v1/sanitize`: always 200; what to do with the text is in `action`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Degradation;

/// A text on its way in or out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SanitizeRequest {
    /// The text, at most 16,000 characters.
    pub text: String,
    /// Where it comes from.
    pub direction: Direction,
    /// Placeholders known so far, with their values: masking goes on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<BTreeMap<String, String>>,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the patient.
    Input,
    /// From documents or the web: data, never instructions.
    Retrieved,
    /// On its way to the patient.
    Output,
}

/// What to do with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Use it.
    Allow,
    /// Use the masked text.
    Redact,
    /// Use it with care: something looks odd.
    Flag,
    /// Do not use it.
    Block,
    /// A person should look.
    Human,
}

/// The verdict, with the text that may be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SanitizeReply {
    /// What to do.
    pub action: Action,
    /// 0 (harmless) to 1 (an attack).
    pub risk: f64,
    /// The masked text.
    pub text: String,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What the classifiers said, or that there are none.
    pub ml: serde_json::Value,
    /// The stages with their times.
    pub stages: Vec<Stage>,
    /// What was left out.
    pub degraded: Vec<Degradation>,
    /// The placeholders, when the request had a vault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<BTreeMap<String, String>>,
}

/// One thing found, never its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `phi.ssn`, `injection`, `secret`, ...
    pub kind: String,
    /// The group of the kind: `phi`, `attack`, `secret`, `unicode`, `url`.
    pub category: String,
    /// First code point in the original text.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// How sure, 0 to 1.
    pub score: f64,
    /// What stands there now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// The rule that found it.
    pub rule: String,
}

/// One stage of the check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub stage: String,
    /// Its time in microseconds.
    pub us: u64,
    /// `ok`, `skipped`, `timeout`.
    pub status: String,
}
