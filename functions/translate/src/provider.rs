//! Who translates. A provider gets sealed text only, and says what went wrong in words that tell the router what next.

pub mod amazon;
pub mod apertium;
pub mod openai;

use std::fmt;

use futures_util::future::BoxFuture;
use shared::{contract::translate::Quality, deadline::Deadline, dependency::CallError, http::HttpFault};

use crate::{
    language::Pair,
    protect::{Broken, Sealed},
};

/// A translation service.
pub trait Translator: fmt::Debug + Send + Sync {
    /// Its name in replies, settings and logs.
    fn name(&self) -> &'static str;

    /// How far its translations are to be trusted.
    fn quality(&self) -> Quality {
        Quality::Ok
    }

    /// The most texts that one call takes.
    fn texts_per_call(&self) -> usize {
        1
    }

    /// Translates `texts` in one call: one translation for each, in order, with all protected parts restored.
    fn translate<'a>(
        &'a self,
        texts: &'a [Sealed],
        pair: Pair,
        deadline: Deadline,
    ) -> BoxFuture<'a, Result<Vec<Opened>, Failure>>;

    /// Whether it answers at all; services that cost money for each call are taken at their word.
    fn reachable(&self, _deadline: Deadline) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    /// Its name in the policy.
    fn dependency(&self) -> &'static str;
}

/// One translation, checked: or why it cannot be used.
pub type Opened = Result<String, Failure>;

/// Why there is no translation. [`Failure::reason`] is the word for replies and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No provider is configured.
    #[error("no provider is configured")]
    NotConfigured,
    /// The provider does not serve this pair: ask another, this one is healthy.
    #[error("the pair is not served")]
    UnsupportedPair,
    /// The call had no result; the word says why.
    #[error("the call failed: {0}")]
    Call(&'static str),
    /// It answered, but not with a translation of what was sent.
    #[error("the answer has another form than was asked for")]
    Malformed,
    /// The translation lost something that must survive.
    #[error(transparent)]
    Broken(#[from] Broken),
}

impl Failure {
    /// No answer within the time that there was.
    pub const TIMEOUT: Self = Self::Call("timeout");

    /// A stable word.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::UnsupportedPair => "unsupported_pair",
            Self::Call(reason) => reason,
            Self::Malformed => "malformed",
            Self::Broken(Broken::Tokens) => "protected_parts_changed",
            Self::Broken(Broken::Lines) => "line_breaks_changed",
            Self::Broken(Broken::Empty) => "empty",
        }
    }
}

impl From<CallError<HttpFault>> for Failure {
    fn from(error: CallError<HttpFault>) -> Self {
        match &error {
            CallError::Fault { source: HttpFault::Body, .. } => Self::Malformed,
            _ => Self::Call(error.reason()),
        }
    }
}
