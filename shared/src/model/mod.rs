//! Chat models: OpenAI-compatible servers, which most hosted and local models speak.

mod openai;

use serde::Serialize;

pub use openai::{ChatModel, Completion, ModelPiece};

use crate::phi::Masked;

/// One message of a conversation. Its text has been masked: the model is a third party.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What they say.
    pub content: Masked,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The rules.
    System,
    /// The asker.
    User,
}
