//! What became of the policies that came while the process ran.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::clock;

/// The last adoption and the last refusal, in milliseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyStatus {
    /// When the policy that holds now began to hold.
    pub adopted_ms: u64,
    /// The last one that was refused, if any.
    pub refused: Option<Refusal>,
}

/// A policy that was not adopted; the one before went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// When.
    pub at_ms: u64,
    /// All that was wrong with it, one line each.
    pub why: String,
}

/// Keeps the status.
#[derive(Debug)]
pub(crate) struct History(Mutex<PolicyStatus>);

impl History {
    /// Begins with the policy of the start.
    pub(crate) fn begin() -> Self {
        Self(Mutex::new(PolicyStatus { adopted_ms: clock::unix_ms(), refused: None }))
    }

    pub(crate) fn adopted(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).adopted_ms = clock::unix_ms();
    }

    pub(crate) fn refused(&self, why: &str) {
        let refusal = Refusal { at_ms: clock::unix_ms(), why: why.to_owned() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).refused = Some(refusal);
    }

    pub(crate) fn status(&self) -> PolicyStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
